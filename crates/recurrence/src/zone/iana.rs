use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZoneDatabase};

use super::{Zone, table};
use crate::Error;

/// The database compiled into the program, never the one of the machine: every instance and every test answers alike.
static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Zones already built, by lower-case name. Only names the database knows get in, so it stays small.
static BUILT: LazyLock<RwLock<HashMap<String, Zone>>> = LazyLock::new(RwLock::default);

/// Longer than any name in the database.
const MAX_NAME: usize = 64;

pub(super) fn zone(name: &str) -> Result<Zone, Error> {
    let unknown = || Error::UnknownZone(name.chars().take(MAX_NAME).collect());
    if name.len() > MAX_NAME {
        return Err(unknown());
    }
    let key = name.to_ascii_lowercase();
    // a panic cannot leave a half-written map behind: a poisoned lock is as good as any
    if let Some(zone) = BUILT.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(zone.clone());
    }
    let zone = build(name).ok_or_else(unknown)?;
    let mut built = BUILT.write().unwrap_or_else(PoisonError::into_inner);
    Ok(built.entry(key).or_insert(zone).clone())
}

fn build(name: &str) -> Option<Zone> {
    let found = DATABASE.get(name).ok().filter(|found| !found.is_unknown())?;
    // jiff answers UTC for its own name only in some spellings
    let canonical = if name.eq_ignore_ascii_case("UTC") { "UTC" } else { found.iana_name()? };
    let offset = |offset: Offset| offset.seconds();
    let first = offset(found.to_offset(Timestamp::MIN));
    let transitions = found
        .following(Timestamp::MIN)
        .map(|transition| (transition.timestamp().as_second(), offset(transition.offset())))
        .take_while(|(at, _)| *at < table::horizon());
    let table = table::Table::new(first, transitions.collect());
    Some(Zone::new(canonical, true, table))
}

/// Names in the bundled database, for tests and listings.
pub(super) fn names() -> impl Iterator<Item = String> {
    DATABASE.available().map(|name| name.as_str().to_owned())
}
