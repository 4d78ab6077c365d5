//! A series as it is: read whole, under its locks.

use chrono::NaiveDateTime;
use events::{Extent, Locked, Stored, When};
use kernel::{Caller, EventId, Failure, Kind, Result, TenantId, UserId};
use resources::Reservation;
use serde::de::DeserializeOwned;
use store::{Batch, Claim, IdempotencyKey, Rows, Tx, claim_part, read_claim};

use super::aim::{Aim, Reach, Target};
use super::lines;
use crate::access;

/// Everything an edit is decided from.
#[derive(Debug)]
pub(super) struct Series {
    /// The series, or a single event; an override whose series is not here stands alone.
    pub(super) master: Locked,
    /// Of the extent that was read, in the order of their occurrences.
    pub(super) overrides: Vec<Locked>,
    /// Of all extents.
    pub(super) overrides_total: i64,
    pub(super) occurrences: Vec<Stored>,
    pub(super) reservations: Vec<Reservation>,
    /// What the series itself has booked.
    pub(super) rooms: Vec<kernel::ResourceId>,
    /// The calendar's.
    pub(super) zone: String,
    /// The record that the id names.
    addressed: EventId,
}

/// What opening an edit finds.
pub(super) enum Opened<T> {
    /// It was made before, with this result.
    Replay(T),
    Series(Box<Series>),
}

/// Claims the key and locks the series in one statement; a second one only where somebody was faster.
pub(super) async fn open<T: DeserializeOwned>(
    tx: &mut Tx,
    caller: &Caller,
    aim: &Aim,
    key: Option<IdempotencyKey>,
    occurrences: bool,
) -> Result<Opened<T>> {
    let mut batch = Batch::new();
    if let Some(key) = &key {
        claim_part(&mut batch, caller.user_id, key, tx.now());
    }
    let who = (caller.user_id, caller.tenant_id);
    parts(&mut batch, who, aim, occurrences);
    let mut rows = batch.run(tx.conn()).await?;
    if let Some(key) = key {
        if let Claim::Replay(value) = read_claim(&mut rows, tx.conn(), caller.user_id, &key).await? {
            return Ok(Opened::Replay(value));
        }
        tx.answer_under(caller.user_id, key);
    }
    let mut found = read(&mut rows, aim)?;
    if !found.settled {
        // The locks are held now: what is read behind them is the newest.
        let mut again = Batch::new();
        parts(&mut again, who, aim, occurrences);
        found = read(&mut again.run(tx.conn()).await?, aim)?;
    }
    let series = found.series.ok_or_else(|| Failure::not_found("event"))?;
    let addressed = series.addressed().found.clone();
    let exists = addressed.role.is_some() || addressed.happening.invited;
    let found = access::change_event(exists.then_some(addressed))?;
    tx.authorised(found.happening.event.calendar_id, found.calendar_acl);
    Ok(Opened::Series(Box::new(series)))
}

/// A whole series, locked for what nobody asks for; `None` where it is gone by now.
pub(super) async fn open_unasked(tx: &mut Tx, tenant: TenantId, id: EventId) -> Result<Option<Series>> {
    let aim = Aim::whole(id);
    let nobody = (UserId(uuid::Uuid::nil()), tenant);
    let mut settled = false;
    let mut series = None;
    // Once more where somebody was faster.
    for _ in 0..2 {
        if settled {
            break;
        }
        let mut batch = Batch::new();
        parts(&mut batch, nobody, &aim, true);
        let found = read(&mut batch.run(tx.conn()).await?, &aim)?;
        (series, settled) = (found.series, found.settled);
    }
    if let Some(series) = &series {
        let found = &series.master.found;
        tx.authorised(found.happening.event.calendar_id, found.calendar_acl);
    }
    Ok(series)
}

fn parts(batch: &mut Batch, who: (UserId, TenantId), aim: &Aim, occurrences: bool) {
    let extent = match aim.reach {
        Reach::Record => Extent::OfRecord,
        Reach::This(at) => Extent::Occurrence(at),
        Reach::Following(_) | Reach::All => Extent::Whole,
    };
    events::series_parts(batch, who, aim.id, extent, occurrences);
    resources::series_parts(batch, aim.id, extent.binds(), occurrences);
}

struct Read {
    series: Option<Series>,
    settled: bool,
}

fn read(rows: &mut Rows, aim: &Aim) -> Result<Read> {
    let found = events::read_series(rows)?;
    let (reservations, rooms) = resources::read_series(rows)?;
    let mut records = found.records;
    // The id is among them, or the event does not exist.
    let is_here = records.iter().any(|record| record.id() == aim.id);
    let series = if is_here {
        let master = records.remove(0);
        Some(Series {
            zone: master.found.happening.calendar_time_zone.clone(),
            overrides: records,
            master,
            overrides_total: found.overrides,
            occurrences: found.occurrences,
            reservations,
            rooms,
            addressed: aim.id,
        })
    } else {
        None
    };
    Ok(Read { series, settled: found.settled })
}

impl Series {
    /// The record that the caller named.
    pub(super) fn addressed(&self) -> &Locked {
        self.overrides.iter().find(|record| record.id() == self.addressed).unwrap_or(&self.master)
    }

    pub(super) fn override_at(&self, at: NaiveDateTime) -> Option<&Locked> {
        self.overrides.iter().find(|record| record.stands_for == Some(at))
    }

    pub(super) fn when(&self) -> When {
        When::of(&self.master.found.happening.event)
    }

    pub(super) fn set(&self) -> Result<recurrence::Series> {
        self.when().series(&self.zone)
    }

    /// What of the series is meant.
    ///
    /// # Errors
    /// `validation_failed` where nothing recurs, `malformed_request` where no occurrence is named.
    pub(super) fn target(&self, aim: &Aim) -> Result<Target> {
        let own = self.overrides.iter().find(|record| record.id() == self.addressed).and_then(|r| r.stands_for);
        let (asked, following) = match aim.reach {
            Reach::All => return Ok(Target::Whole),
            Reach::Record => return Ok(own.map_or(Target::Whole, Target::One)),
            Reach::This(at) => (at, false),
            Reach::Following(at) => (at, true),
        };
        let at = match (asked, own) {
            (Some(asked), Some(own)) if asked != own => {
                return Err(Failure::malformed(
                    aim.pointer("original_start"),
                    format!("this id is that of the occurrence at {own:?}; leave it out, or take the id of the series"),
                ));
            }
            (asked, own) => asked.or(own).ok_or_else(|| aim.no_occurrence_named())?,
        };
        if !self.master.found.happening.event.is_recurring() && self.override_at(at).is_none() {
            return Err(Failure::invalid(
                aim.pointer("scope"),
                "is for series: this event does not recur; leave scope and original_start out",
            ));
        }
        Ok(if following { Target::Following(at) } else { Target::One(at) })
    }

    /// The occurrence exists, in the series or as a record of its own.
    pub(super) fn has(&self, at: NaiveDateTime) -> Result<bool> {
        Ok(self.override_at(at).is_some() || lines::contains(&self.set()?, at))
    }

    pub(super) fn no_such_occurrence(&self, at: NaiveDateTime) -> Result<Failure> {
        let set = self.set()?;
        let shown = |at: &NaiveDateTime| {
            if set.start.is_date() { at.date().to_string() } else { at.format("%Y-%m-%dT%H:%M:%S").to_string() }
        };
        let message = if lines::contains(&lines::with_all(&set), at) {
            format!(
                "the occurrence at {} was deleted; change its status to confirmed (scope=this) and it is back",
                shown(&at)
            )
        } else {
            let next: Vec<String> = lines::members(&set, at, 3)?.iter().map(shown).collect();
            let next =
                if next.is_empty() { "none follows".to_owned() } else { format!("the next: {}", next.join(", ")) };
            format!(
                "the series has no occurrence at {}, in the wall time of the series as lists show original_start; {next}",
                shown(&at)
            )
        };
        Ok(Failure::new(Kind::NotFound, "no_such_occurrence", message))
    }
}
