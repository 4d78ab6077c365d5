//! Whether two copies of an event say the same, and which of them is newer.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use events::{Record, RecordGuest};
use ical::Participation;
use kernel::filter_hash;

use super::from_ical::{invitable, stamp};
use super::json::Line;
use super::source::{Source, participation};
use super::to_ical::{answer, stored_stamp, to_ical};

/// What an import does with an event that is here already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Update,
    Unchanged,
    Skip(String),
}

/// What to do with an event whose UID (and occurrence) has a record already.
///
/// `said` is the event as it came, `incoming` the same with the answers that stay ([`keep_answers`]).
pub(super) fn verdict(said: &ical::Event, incoming: &ical::Event, record: &Record) -> Verdict {
    let existing = match to_ical(record, None) {
        Ok(existing) => existing,
        Err(failure) => return Verdict::Skip(failure.message().to_owned()),
    };
    let stored = record.event.sequence;
    if content(incoming) == content(&existing) {
        return Verdict::Unchanged;
    }
    match incoming.sequence.cmp(&stored) {
        Ordering::Less => {
            return Verdict::Skip(format!("SEQUENCE {} is older than {stored}, which is here", incoming.sequence));
        }
        Ordering::Greater => return Verdict::Update,
        Ordering::Equal => {}
    }
    // rooms, guests and the like change here without a new SEQUENCE
    if Source::of(record.source.as_ref()).and_then(|s| s.digest) == Some(digest(said)) {
        return Verdict::Skip("it was changed here since, and the input says nothing new".into());
    }
    match stamp(incoming) {
        Some(stamp) if stamp < stored_stamp(record) => Verdict::Skip(format!(
            "it is of {stamp}, older than {}, which is here with the same SEQUENCE",
            stored_stamp(record)
        )),
        _ => Verdict::Update,
    }
}

/// Answers given here stay, unless the input brings an answer that is newer: a copy made before the answer, or by
/// somebody whom it did not reach, must not take it back.
pub(super) fn keep_answers(incoming: &mut ical::Event, guests: &[RecordGuest]) {
    let stamp = stamp(incoming);
    for attendee in &mut incoming.attendees {
        let Some(email) = invitable(&attendee.email) else { continue };
        let Some(guest) = guests.iter().find(|guest| guest.email == email) else { continue };
        let Some(responded_at) = guest.responded_at else { continue };
        let newer = stamp.is_some_and(|stamp| stamp > responded_at);
        if attendee.participation == Participation::NeedsAction || !newer {
            attendee.participation = participation(answer(guest));
        }
    }
}

/// All but the stamps, which change with every export, and RECURRENCE-ID: which occurrence it is was decided before, and
/// its form is not content. The typed recurrence is what its lines say.
fn content(event: &ical::Event) -> ical::Event {
    ical::Event {
        dtstamp: None,
        created: None,
        last_modified: None,
        recurrence_id: None,
        rules: Vec::new(),
        rdates: Vec::new(),
        exdates: Vec::new(),
        ..event.clone()
    }
}

/// A fingerprint of the content.
pub(super) fn digest(event: &ical::Event) -> String {
    // Serialisation of plain strings and numbers does not fail; an empty text would only equal another one.
    let text = serde_json::to_string(&Line::from(&content(event))).unwrap_or_default();
    format!("{:016x}", filter_hash(&text))
}

/// Orders the copies of one event: the greatest is the newest.
pub(super) type Age = (i32, Option<DateTime<Utc>>);

pub(super) fn age(event: &ical::Event) -> Age {
    (event.sequence, stamp(event))
}
