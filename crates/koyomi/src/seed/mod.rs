//! Data to look at and data to measure with: generated (pure, the same for the same options), then loaded by COPY in one
//! transaction. The rows are what the write path would have left: change log, heads, occurrences, guests, rooms.

mod bare;
mod copy;
mod demo;
mod draft;
mod load;
mod rows;
mod words;

use chrono::{NaiveDate, NaiveTime};
use kernel::{CalendarId, Failure, Kind, Result, TenantId};
use store::{Conn, Store, detached};
use users::DEFAULT_TENANT;

use self::rows::{Ground, Rows};
use crate::Koyomi;

/// What everybody in seeded data signs in with.
pub const PASSWORD: &str = "koyomi-demo";

/// What to fill the database with. Either goes into the tenant `default`.
#[derive(Debug, Clone)]
pub enum Profile {
    /// A small company and its weeks around today.
    Demo,
    /// Many people and calendars, for measurements.
    Load(Sizes),
}

/// How much a load is. The same sizes, seed and day give the same rows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Sizes {
    pub users: usize,
    pub calendars: usize,
    /// On average: a few calendars hold most of the events (Zipf).
    pub events_per_calendar: usize,
    pub rooms: usize,
    pub seed: u64,
}

/// How many rows have been written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    pub users: u64,
    pub calendars: u64,
    pub events: u64,
    pub occurrences: u64,
    pub attendees: u64,
    pub reservations: u64,
    /// Of every table together.
    pub rows: u64,
}

/// What seeding did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Filled(Totals),
    /// This seed is here already; nothing was written.
    AlreadyFilled,
}

/// Everything a profile is made of: the ground first, then its calendars, some at a time.
struct Plot {
    ground: Ground,
    /// Found in the database when this very seed is there.
    mark: CalendarId,
    chunks: Box<dyn Iterator<Item = Result<Rows>> + Send>,
}

impl Koyomi {
    /// Fills the database as of `today` (midnight, UTC); `progress` is told after each step. All of it or nothing.
    ///
    /// # Errors
    /// `not_empty`: a load wants a database of its own, the demo its addresses.
    pub async fn seed(
        &self,
        profile: Profile,
        today: NaiveDate,
        progress: impl FnMut(Totals) + Send + 'static,
    ) -> Result<Outcome> {
        let tenant = self.users.create_tenant(DEFAULT_TENANT, "Default").await?;
        let password_hash = self.users.hash_password(PASSWORD.to_owned()).await?;
        let (store, now) = (self.store.clone(), today.and_time(NaiveTime::MIN).and_utc());
        let alone = matches!(profile, Profile::Load(_));
        let plot = match profile {
            Profile::Demo => demo::plot(tenant, now)?,
            Profile::Load(sizes) => load::plot(tenant, sizes, now),
        };
        let outcome = detached({
            let store = store.clone();
            async move { fill(&store, tenant, plot, alone, &password_hash, progress).await }
        })
        .await?;
        if matches!(outcome, Outcome::Filled(_)) {
            copy::settle(&mut store.conn().await?).await?;
        }
        Ok(outcome)
    }
}

async fn fill(
    store: &Store,
    tenant: TenantId,
    plot: Plot,
    alone: bool,
    password_hash: &str,
    mut progress: impl FnMut(Totals) + Send,
) -> Result<Outcome> {
    let mut tx = store.begin().await?;
    copy::lock(tx.conn()).await?;
    if copy::has_calendar(tx.conn(), plot.mark).await? {
        return Ok(Outcome::AlreadyFilled);
    }
    refuse_others(tx.conn(), alone).await?;
    // A load has the database to itself.
    let bare = if alone { Some(bare::strip(tx.conn()).await?) } else { None };
    let mut totals = Totals::default();
    copy::ground(tx.conn(), tenant, &plot.ground, password_hash, &mut totals).await.map_err(taken)?;
    progress(totals);
    for chunk in plot.chunks {
        copy::rows(tx.conn(), tenant, &chunk?, &mut totals).await?;
        progress(totals);
    }
    if let Some(bare) = bare {
        bare.dress(tx.conn()).await?;
    }
    tx.commit(|_| ()).await?;
    Ok(Outcome::Filled(totals))
}

async fn refuse_others(conn: &mut Conn, alone: bool) -> Result<()> {
    if alone && !copy::is_empty(conn).await? {
        return Err(not_empty("the database holds other data; load into an empty one"));
    }
    Ok(())
}

fn taken(error: sqlx::Error) -> Failure {
    match store::constraint(&error) {
        Some("users_tenant_email_key") => {
            not_empty("somebody here has an address of the demo already; seed an empty database")
        }
        _ => error.into(),
    }
}

fn not_empty(message: &str) -> Failure {
    Failure::new(Kind::Conflict, "not_empty", message)
}
