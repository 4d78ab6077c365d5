//! Edits that somebody might make, one after the other.

#![allow(unreachable_pub, reason = "words for one test")]

use attendees::ResponseStatus;
use chrono::{NaiveDateTime, TimeDelta};
use events::Status;
use kernel::{Caller, EventId, Expected};
use koyomi::{Aim, EventPatch, EventTime, Koyomi, Preview, SeriesScope};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};
use uuid::Uuid;

use super::snapshot::{Record, Snapshot};

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Which {
    This(NaiveDateTime),
    Following(NaiveDateTime),
    All,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Title(String),
    /// To a start of that form.
    Move(EventTime),
    /// To an end of that form.
    Length(EventTime),
    Form(EventTime, EventTime),
    Rule(Vec<String>),
    Cancel,
    Back,
    Delete,
}

impl What {
    pub fn moves(&self) -> bool {
        matches!(self, Self::Move(_) | Self::Form(..) | Self::Rule(_))
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    Change { series: Uuid, which: Which, what: What, by_own_id: Option<Uuid> },
    Respond(EventId, ResponseStatus),
    Roll,
}

/// A new series of any form.
pub fn series(rng: &mut StdRng) -> Value {
    let zone = *["Asia/Tokyo", "Europe/Berlin", "America/New_York"].choose(rng).unwrap();
    let form = rng.random_range(0..4);
    let day = rng.random_range(1..28);
    let hour = rng.random_range(1..20);
    let local = |minutes: u32| format!("2026-03-{day:02}T{:02}:{:02}:00", hour + minutes / 60, minutes % 60);
    let (start, end) = match form {
        0 => (json!({ "date": format!("2026-03-{day:02}") }), json!({ "date": format!("2026-03-{:02}", day + 1) })),
        1 => (json!({ "date_time": local(0) }), json!({ "date_time": local(45) })),
        _ => {
            (json!({ "date_time": local(0), "time_zone": zone }), json!({ "date_time": local(90), "time_zone": zone }))
        }
    };
    let mut lines = vec![format!("RRULE:{}", rule(rng, form == 0))];
    if rng.random_bool(0.3) {
        let day = rng.random_range(1..28);
        lines.push(match form {
            0 => format!("RDATE;VALUE=DATE:202604{day:02}"),
            1 => format!("RDATE:202604{day:02}T203000"),
            _ => format!("RDATE;TZID={zone}:202604{day:02}T203000"),
        });
    }
    json!({ "title": "Series", "start": start, "end": end, "recurrence": lines })
}

fn rule(rng: &mut StdRng, days: bool) -> String {
    let base = *[
        "FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=3",
        "FREQ=WEEKLY",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,FR",
        "FREQ=WEEKLY;BYDAY=TU,SU",
        "FREQ=MONTHLY",
        "FREQ=MONTHLY;BYDAY=2TU,-1FR",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "FREQ=YEARLY;BYMONTH=3,4,5;BYMONTHDAY=10",
    ]
    .choose(rng)
    .unwrap();
    match rng.random_range(0..4) {
        0 => format!("{base};COUNT={}", rng.random_range(2..30)),
        1 if days => format!("{base};UNTIL=20261{}15", rng.random_range(0..3)),
        1 => format!("{base};UNTIL=20261{}15T120000Z", rng.random_range(0..3)),
        _ => base.to_owned(),
    }
}

/// What is done next. Deleted events end the row.
pub fn choose(snapshot: &Snapshot, rng: &mut StdRng) -> Option<Edit> {
    let masters = snapshot.masters();
    let series = *masters.choose(rng)?;
    match rng.random_range(0..20) {
        0 => return Some(Edit::Roll),
        1 | 2 => {
            let ids: Vec<&Uuid> = snapshot.records.keys().collect();
            let status = [ResponseStatus::Accepted, ResponseStatus::Declined, ResponseStatus::Tentative];
            return Some(Edit::Respond(EventId(**ids.choose(rng)?), *status.choose(rng)?));
        }
        _ => {}
    }
    let family: Vec<NaiveDateTime> = snapshot.family(series.id).into_keys().collect();
    // Mostly early ones: there the edits meet.
    let near = family.iter().take(if rng.random_bool(0.8) { 12 } else { 400 }).copied().collect::<Vec<_>>();
    let beyond = beyond(snapshot, series);
    let at = beyond.choose(rng).filter(|_| rng.random_bool(0.25)).or(near.choose(rng)).copied();
    let excluded = excluded(series);
    if let Some(at) = excluded.choose(rng).filter(|_| rng.random_bool(0.3)) {
        return Some(change(snapshot, series, Which::This(*at), What::Back, rng));
    }
    let which = match (rng.random_range(0..10), at) {
        (0..5, Some(at)) => Which::This(at),
        (5..8, Some(at)) => Which::Following(at),
        // Something that is not there, now and then.
        (8, Some(at)) if rng.random_bool(0.1) => Which::This(at + TimeDelta::minutes(7)),
        _ => Which::All,
    };
    let base = match which {
        Which::This(at) => {
            let own = snapshot.overrides(series.id).into_iter().find(|o| o.original_start == Some(at));
            own.map_or((series, at), |own| (own, own.start_local))
        }
        Which::Following(at) => (series, at),
        Which::All => (series, series.start_local),
    };
    let what = what(base, which, rng);
    Some(change(snapshot, series, which, what, rng))
}

fn change(snapshot: &Snapshot, series: &Record, which: Which, what: What, rng: &mut StdRng) -> Edit {
    let own = match which {
        Which::This(at) | Which::Following(at) => {
            snapshot.overrides(series.id).into_iter().find(|o| o.original_start == Some(at)).map(|o| o.id)
        }
        Which::All => None,
    };
    Edit::Change { series: series.id, which, what, by_own_id: own.filter(|_| rng.random_bool(0.5)) }
}

fn what((record, start): (&Record, NaiveDateTime), which: Which, rng: &mut StdRng) -> What {
    let time = |local: NaiveDateTime| {
        if record.all_day {
            EventTime { date: Some(local.date()), date_time: None, time_zone: None }
        } else {
            EventTime { date: None, date_time: Some(local), time_zone: record.time_zone.clone() }
        }
    };
    let floating = |local: NaiveDateTime| EventTime { date: None, date_time: Some(local), time_zone: None };
    let minutes = *[30, -30, 90, 24 * 60, -24 * 60, 48 * 60, 7 * 24 * 60, 3 * 24 * 60 + 60].choose(rng).unwrap();
    match rng.random_range(0..16) {
        0..3 => What::Title(format!("Title {}", rng.random_range(0..100))),
        3..7 => What::Move(time(start + TimeDelta::minutes(minutes))),
        7 | 8 => {
            let length = if record.all_day {
                TimeDelta::days(rng.random_range(1..3))
            } else {
                TimeDelta::minutes(rng.random_range(10..200))
            };
            What::Length(time(start + length))
        }
        9 => match rng.random_range(0..3) {
            0 => {
                let day =
                    |n| EventTime { date: Some(start.date() + TimeDelta::days(n)), date_time: None, time_zone: None };
                What::Form(day(0), day(1))
            }
            1 => What::Form(floating(start + TimeDelta::hours(1)), floating(start + TimeDelta::hours(2))),
            _ => {
                let there = |hours| EventTime {
                    time_zone: Some("Europe/Berlin".to_owned()),
                    ..floating(start + TimeDelta::hours(hours))
                };
                What::Form(there(0), there(1))
            }
        },
        10 | 11 if !matches!(which, Which::This(_)) => What::Rule(vec![format!("RRULE:{}", rule(rng, record.all_day))]),
        10 | 11 => What::Cancel,
        12 if matches!(which, Which::This(_)) => What::Cancel,
        13 => What::Back,
        14 | 15 if !matches!(which, Which::All) => What::Delete,
        _ => What::Title("Same".to_owned()),
    }
}

/// The first occurrences behind what is written down of a series, those with a record of their own left out.
fn beyond(snapshot: &Snapshot, series: &Record) -> Vec<NaiveDateTime> {
    let Some(from) = series.expanded_until else { return Vec::new() };
    let set = series.when().series(&snapshot.zone).unwrap();
    let window = recurrence::Window { from, to: from + TimeDelta::days(150) };
    let found = set.expand(window, 4, recurrence::Budget::default()).unwrap();
    let own = snapshot.overrides(series.id);
    let starts = found.occurrences.into_iter().map(|o| o.original_start);
    starts.filter(|at| own.iter().all(|o| o.original_start != Some(*at))).collect()
}

/// What EXDATE lines name, as far as they are plain.
fn excluded(series: &Record) -> Vec<NaiveDateTime> {
    let lines = series.recurrence.iter().filter(|line| line.starts_with("EXDATE"));
    let values = lines.filter_map(|line| line.rsplit(':').next()).flat_map(|values| values.split(','));
    let read = |value: &str| match value.len() {
        8 => NaiveDateTime::parse_from_str(&format!("{value}T000000"), "%Y%m%dT%H%M%S").ok(),
        _ => NaiveDateTime::parse_from_str(value.trim_end_matches('Z'), "%Y%m%dT%H%M%S").ok(),
    };
    values.filter_map(read).collect()
}

impl Edit {
    fn parts(&self) -> Option<(Aim, Option<EventPatch>)> {
        let Self::Change { series, which, what, by_own_id } = self else { return None };
        let id = EventId(by_own_id.unwrap_or(*series));
        let (scope, at) = match which {
            Which::This(at) => (SeriesScope::This, Some(*at)),
            Which::Following(at) => (SeriesScope::Following, Some(*at)),
            Which::All => (SeriesScope::All, None),
        };
        let at = at.filter(|_| by_own_id.is_none());
        let aim = Aim::new(id, Some(scope), at, '?').unwrap();
        let mut patch = EventPatch::default();
        match what.clone() {
            What::Title(title) => patch.title = Some(title),
            What::Move(start) => patch.start = Some(start),
            What::Length(end) => patch.end = Some(end),
            What::Form(start, end) => (patch.start, patch.end) = (Some(start), Some(end)),
            What::Rule(lines) => patch.recurrence = Some(lines),
            What::Cancel => patch.status = Some(Status::Cancelled),
            What::Back => patch.status = Some(Status::Confirmed),
            What::Delete => return Some((aim, None)),
        }
        Some((aim, Some(patch)))
    }

    pub async fn make(&self, koyomi: &Koyomi, caller: &Caller) -> kernel::Result<()> {
        match self.parts() {
            Some((aim, Some(patch))) => koyomi.update_event(caller, aim, patch, Expected::Any, None).await.map(|_| ()),
            Some((aim, None)) => koyomi.delete_event(caller, aim, Expected::Any, None).await,
            None => Ok(()),
        }
    }

    /// What it would do; refusals are met again when it is made.
    pub async fn preview(&self, koyomi: &Koyomi, caller: &Caller) -> Option<Preview> {
        match self.parts()? {
            (aim, Some(patch)) => koyomi.preview_update(caller, aim, patch, Expected::Any).await.ok(),
            (aim, None) => koyomi.preview_delete(caller, aim, Expected::Any).await.ok(),
        }
    }
}
