//! Calendars in and out, as iCalendar (RFC 5545) or NDJSON.
//!
//! What comes in goes out again: `from_ical` and `to_ical` are each other's inverse. What no column holds is kept in
//! `source` and `extra`; where a record has been changed here since, its columns win.
//!
//! An import is a stream of components on a thread of its own (`read`), cut into batches (`import`). Each batch is one
//! transaction (`target`): a statement that reads what is here, a decision for each UID (`decide`, `group`, `series`,
//! `content`), a statement that writes. An export walks the calendar series by series (`export`).

mod content;
mod decide;
mod export;
mod from_ical;
mod group;
mod import;
mod json;
mod read;
mod report;
mod series;
mod source;
mod target;
mod time;
mod to_ical;

pub(crate) use time::identity;

pub use import::{ImportLimits, ImportOptions};
pub use report::{ImportIssue, ImportOutcome, ImportReport, MAX_ISSUES};

/// How events are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TransferFormat {
    /// iCalendar, `text/calendar`.
    #[default]
    Ics,
    /// One JSON object per line, `application/x-ndjson`.
    Ndjson,
}

impl TransferFormat {
    /// The media type of an export.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Ics => "text/calendar; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
        }
    }

    /// The format that a media type names, whatever its parameters.
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        [("text/calendar", Self::Ics), ("application/x-ndjson", Self::Ndjson), ("application/ndjson", Self::Ndjson)]
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(essence))
            .map(|(_, format)| format)
    }

    /// The ending of a file's name.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Ics => "ics",
            Self::Ndjson => "ndjson",
        }
    }
}
