//! What must hold after every edit.

#![allow(unreachable_pub, reason = "words for one test")]

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use recurrence::{Budget, Window};
use uuid::Uuid;

use super::edits::{Edit, What, Which};
use super::snapshot::{Occurrence, Record, Snapshot};

/// The occurrences that records mean, computed anew from each of them and nothing else.
fn computed(snapshot: &Snapshot) -> BTreeSet<Occurrence> {
    let mut all = BTreeSet::new();
    for record in snapshot.records.values() {
        let series = record.when().series(&snapshot.zone).unwrap();
        let from = Utc.with_ymd_and_hms(1900, 1, 1, 0, 0, 0).unwrap();
        let to = record.expanded_until.unwrap_or_else(|| Utc.with_ymd_and_hms(2200, 1, 1, 0, 0, 0).unwrap());
        let found = series.expand(Window { from, to }, usize::MAX, Budget::default()).unwrap();
        let own: BTreeSet<_> = snapshot.overrides(record.id).iter().filter_map(|o| o.original_start).collect();
        for occurrence in found.occurrences {
            let original = record.original_start.unwrap_or(occurrence.original_start);
            if !own.contains(&occurrence.original_start) {
                all.insert((record.id, original, occurrence.start, occurrence.end));
            }
        }
    }
    all
}

pub fn hold(snapshot: &Snapshot, told: &[String]) {
    let told = told.join("\n");
    let stored: BTreeSet<Occurrence> = snapshot.occurrences.keys().copied().collect();
    let computed = computed(snapshot);
    let missing: Vec<_> = computed.difference(&stored).take(5).collect();
    let extra: Vec<_> = stored.difference(&computed).take(5).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:?}\nextra {extra:?}\n{told}");

    // One occurrence, one record of it.
    let overrides = snapshot.records.values().filter(|r| r.recurring_event_id.is_some());
    let places: Vec<_> = overrides.map(|r| (r.recurring_event_id, r.original_start)).collect();
    assert_eq!(places.iter().collect::<BTreeSet<_>>().len(), places.len(), "{told}");
    for record in snapshot.records.values().filter(|r| r.recurring_event_id.is_some()) {
        let series = record.recurring_event_id.and_then(|id| snapshot.records.get(&id)).expect("its series is here");
        assert_eq!(record.uid, series.uid, "{told}");
    }
    // Halves know each other, or nobody.
    for record in snapshot.masters() {
        let half = |id: Option<Uuid>| {
            id.map(|id| snapshot.records.get(&id).unwrap_or_else(|| panic!("a half that is gone\n{told}")))
        };
        if let Some(next) = half(record.next_series_id) {
            assert_eq!(next.previous_series_id, Some(record.id), "{told}");
        }
        if let Some(previous) = half(record.previous_series_id) {
            assert_eq!(previous.next_series_id, Some(record.id), "{told}");
        }
    }
    bookings(snapshot, &told);
    // The log has no gap, and ends at the head.
    let seqs: BTreeSet<i64> = snapshot.changes.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(seqs, (1..=snapshot.head).collect(), "{told}");
    let mut of: BTreeMap<i64, Vec<i32>> = BTreeMap::new();
    for (seq, n) in &snapshot.changes {
        of.entry(*seq).or_default().push(*n);
    }
    assert!(of.values().all(|ns| ns.iter().copied().eq(0..i32::try_from(ns.len()).unwrap())), "{told}");
}

/// Every reservation is at the time of an occurrence of its record; a series has booked all of its own or none; what is
/// cancelled has booked nothing.
fn bookings(snapshot: &Snapshot, told: &str) {
    let mut booked: BTreeSet<(Uuid, NaiveDateTime)> = BTreeSet::new();
    for r in &snapshot.reservations {
        let occurrence = (r.event_id, r.original_start, r.start_time, r.end_time);
        assert!(snapshot.occurrences.contains_key(&occurrence), "{r:?} is of no occurrence\n{told}");
        assert_ne!(snapshot.records[&r.event_id].status, "cancelled", "{r:?}\n{told}");
        assert!(booked.insert((r.event_id, r.original_start)), "{r:?} is there twice\n{told}");
    }
    for record in snapshot.masters() {
        let own = snapshot.occurrences.keys().filter(|(id, ..)| *id == record.id);
        let (with, without): (Vec<Occurrence>, Vec<Occurrence>) =
            own.copied().partition(|(id, at, ..)| booked.contains(&(*id, *at)));
        assert!(with.is_empty() || without.is_empty(), "booked {}, not {:?}\n{told}", with.len(), without.first());
    }
}

/// Rows that say the same as before are the same rows, and nobody's answer changed but by himself.
pub fn untouched(before: &Snapshot, after: &Snapshot, edit: &Edit, told: &[String]) {
    let told = told.join("\n");
    for (occurrence, version) in &after.occurrences {
        if let Some(was) = before.occurrences.get(occurrence) {
            assert_eq!(was, version, "{occurrence:?} was written again\n{told}");
        }
    }
    for new in &after.reservations {
        if let Some(old) = before.reservations.iter().find(|old| old.id == new.id) {
            let same = (old.event_id, old.original_start, old.start_time, old.end_time, &old.status)
                == (new.event_id, new.original_start, new.start_time, new.end_time, &new.status);
            assert!(!same || old.version == new.version, "{new:?} was written again\n{told}");
        }
    }
    // An occurrence at the same time in the same record has the reservation that it had.
    for occurrence in after.occurrences.keys().filter(|o| before.occurrences.contains_key(o)) {
        let of = |snapshot: &Snapshot| -> Vec<Uuid> {
            let own =
                snapshot.reservations.iter().filter(|r| (r.event_id, r.original_start) == (occurrence.0, occurrence.1));
            own.map(|r| r.id).collect()
        };
        let status = |snapshot: &Snapshot| snapshot.records[&occurrence.0].status.clone();
        if (status(before) == "cancelled") == (status(after) == "cancelled") {
            assert_eq!(of(before), of(after), "the reservation of {occurrence:?}\n{told}");
        }
    }
    let answers = |snapshot: &Snapshot, id: Uuid| -> Vec<(String, String)> {
        snapshot
            .guests
            .get(&id)
            .into_iter()
            .flatten()
            .map(|(email, status, _)| (email.clone(), status.clone()))
            .collect()
    };
    for record in after.records.values() {
        if before.records.contains_key(&record.id) {
            if !matches!(edit, Edit::Respond(..)) {
                assert_eq!(
                    before.guests.get(&record.id),
                    after.guests.get(&record.id),
                    "answers of {}\n{told}",
                    record.title
                );
            }
        } else {
            // An override is asked as its series is, the second half as the first.
            let source = record.recurring_event_id.or(record.previous_series_id).expect("it comes from something");
            assert_eq!(answers(after, record.id), answers(before, source), "answers of the new {record:?}\n{told}");
        }
    }
}

/// The edit did what it says, and to the occurrences that it names.
pub fn meant(before: &Snapshot, after: &Snapshot, edit: &Edit, told: &[String]) {
    let told = told.join("\n");
    let Edit::Change { series, which, what, .. } = edit else { return };
    let old = before.family(*series);
    // A split leaves the rest to a new record.
    let mut new = after.family(*series);
    let is_new = |r: &&Record| !before.records.contains_key(&r.id) && r.recurring_event_id.is_none();
    let second: Vec<Uuid> = after.records.values().filter(is_new).map(|r| r.id).collect();
    assert!(second.len() <= 1, "{told}");
    for half in &second {
        new.extend(after.family(*half));
    }
    let changes = |at: &NaiveDateTime| match which {
        Which::This(x) => at == x,
        Which::Following(x) => at >= x,
        Which::All => true,
    };
    // Behind what is written down only the ones with a record of their own are; so they come without having been there.
    let until = before.records[series].expanded_until;
    let is_behind = |at: &NaiveDateTime| until.is_some_and(|until| at.and_utc() > until - TimeDelta::days(1));
    if let Which::This(at) = which
        && !old.contains_key(at)
        && *what != What::Back
    {
        assert!(is_behind(at), "{told}");
        new.remove(at);
    }
    // Whatever it was: the others stay.
    let others = |family: &BTreeMap<NaiveDateTime, (DateTime<Utc>, DateTime<Utc>)>| -> BTreeMap<_, _> {
        family.iter().filter(|(at, _)| !changes(at)).map(|(at, span)| (*at, *span)).collect()
    };
    let rest_moves = matches!(which, Which::Following(_)) && what.moves();
    if !matches!(which, Which::All) && !rest_moves {
        assert_eq!(others(&old), others(&new), "{told}");
    }
    match what {
        What::Title(title) => {
            assert_eq!(old, new, "{told}");
            if let Which::This(at) = which {
                let own = after
                    .records
                    .values()
                    .find(|r| r.recurring_event_id == Some(*series) && r.original_start == Some(*at));
                assert_eq!(own.map(|r| &r.title), Some(title), "{told}");
            }
        }
        What::Delete => assert!(new.keys().all(|at| !changes(at)), "{told}"),
        What::Cancel => assert_eq!(old, new, "{told}"),
        What::Back if matches!(which, Which::This(_)) => {
            let Which::This(at) = which else { return };
            assert!(is_behind(at) || new.contains_key(at), "{told}");
        }
        What::Move(_) | What::Length(_) if matches!(which, Which::This(_)) => {
            assert_eq!(old.keys().collect::<Vec<_>>(), new.keys().collect::<Vec<_>>(), "{told}");
        }
        // Hours on the same day move no occurrence away and bring none, whatever the rule.
        What::Length(_) => assert_eq!(starts(&old), starts(&new), "{told}"),
        _ => {}
    }
}

fn starts(family: &BTreeMap<NaiveDateTime, (DateTime<Utc>, DateTime<Utc>)>) -> Vec<NaiveDateTime> {
    family.keys().copied().collect()
}
