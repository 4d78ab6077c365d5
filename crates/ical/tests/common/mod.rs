#![allow(dead_code, reason = "each test file uses its share")]

use std::io::Cursor;

use ical::{Calendar, Event, Issue, Item, Limits, WriteOptions, Writer};

/// All that an input holds.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) calendars: Vec<Calendar>,
    pub(crate) events: Vec<Event>,
    pub(crate) issues: Vec<Issue>,
}

pub(crate) fn read_bytes(bytes: &[u8]) -> Outcome {
    read_within(bytes, Limits::default()).unwrap()
}

pub(crate) fn read_text(text: &str) -> Outcome {
    read_bytes(text.as_bytes())
}

pub(crate) fn read_within(bytes: &[u8], limits: Limits) -> Result<Outcome, ical::Error> {
    let mut outcome = Outcome::default();
    for item in ical::read(Cursor::new(bytes), limits)? {
        match item? {
            Item::Calendar(calendar) => outcome.calendars.push(*calendar),
            Item::Event { event, .. } => outcome.events.push(*event),
            Item::Issue(issue) => outcome.issues.push(issue),
        }
    }
    Ok(outcome)
}

/// The events in one calendar, that of the first head.
pub(crate) fn write(outcome: &Outcome) -> String {
    let head = outcome.calendars.first().cloned().unwrap_or_default();
    let mut writer = Writer::new(Vec::new(), &head, WriteOptions::default()).unwrap();
    for event in &outcome.events {
        writer.event(event).unwrap();
    }
    String::from_utf8(writer.finish().unwrap()).unwrap()
}

/// Bytes that a failing test shows as text.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) Vec<u8>);

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}
