//! Which part of a series an edit means.

use chrono::NaiveDateTime;
use kernel::{EventId, Failure, Result};

/// How far a change of one occurrence reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeriesScope {
    /// Only this occurrence.
    This,
    /// This one and all behind it: the series is split here.
    Following,
    /// The whole series.
    All,
}

/// What is to be changed: an event, or a part of a series.
#[derive(Debug, Clone)]
pub struct Aim {
    pub(super) id: EventId,
    pub(super) reach: Reach,
    /// What stands before the name of an argument in an error: `?` of a query, `/` of an input.
    prefix: char,
}

/// As it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The record of that id: a single event, a whole series, or an occurrence that has a record of its own.
    Record,
    /// Without a time: the occurrence whose record the id names.
    This(Option<NaiveDateTime>),
    Following(Option<NaiveDateTime>),
    All,
}

/// As it is meant, once the series is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    One(NaiveDateTime),
    Following(NaiveDateTime),
    Whole,
}

impl Aim {
    /// The record of that id, a series with all of its occurrences.
    pub fn record(id: EventId) -> Self {
        Self { id, reach: Reach::Record, prefix: '/' }
    }

    /// All of the series that `id` belongs to.
    pub(super) fn whole(id: EventId) -> Self {
        Self { reach: Reach::All, ..Self::record(id) }
    }

    /// A part of a series; `id` is that of the series, or of an occurrence that was changed on its own.
    ///
    /// # Errors
    /// `malformed_request` where one of the two is given without the other that it needs.
    pub fn new(
        id: EventId,
        scope: Option<SeriesScope>,
        original_start: Option<NaiveDateTime>,
        prefix: char,
    ) -> Result<Self> {
        let reach = match (scope, original_start) {
            (None, None) => Reach::Record,
            (None, Some(_)) => {
                return Err(Failure::malformed(
                    format!("{prefix}scope"),
                    "is needed beside original_start: this (only that occurrence) or following (it and all behind it)",
                ));
            }
            (Some(SeriesScope::All), None) => Reach::All,
            (Some(SeriesScope::All), Some(_)) => {
                return Err(Failure::malformed(
                    format!("{prefix}original_start"),
                    "does not go with scope=all, which means every occurrence; leave it out, or say this or following",
                ));
            }
            (Some(SeriesScope::This), at) => Reach::This(at),
            (Some(SeriesScope::Following), at) => Reach::Following(at),
        };
        Ok(Self { id, reach, prefix })
    }

    /// Less than a whole record may be meant.
    pub(super) fn is_part(&self) -> bool {
        matches!(self.reach, Reach::This(_) | Reach::Following(_))
    }

    pub(super) fn pointer(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    pub(super) fn no_occurrence_named(&self) -> Failure {
        Failure::malformed(
            self.pointer("original_start"),
            "is needed with scope=this and scope=following: which occurrence, as lists show its original_start",
        )
    }
}
