use crate::Frequency;

/// What was wrong with a rule, a zone or a request, and what would be right.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No zone of this name in the bundled IANA database.
    #[error("unknown time zone {0:?}: an IANA name such as Europe/Berlin is needed")]
    UnknownZone(String),
    /// The observances of a VTIMEZONE do not make a zone.
    #[error("time zone {name:?}: {reason}")]
    InvalidZone {
        /// The name it was to have.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A rule part that cannot be read.
    #[error("{part}={value}: {allowed} is needed")]
    Syntax {
        /// The rule part, for instance `BYDAY`.
        part: String,
        /// What stood there, shortened.
        value: String,
        /// What may stand there.
        allowed: &'static str,
    },
    /// Valid iCalendar that this crate does not implement.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
    /// Two rule parts that exclude each other (RFC 5545 §3.3.10).
    #[error("{part} cannot be combined with {with}")]
    Combination {
        /// The part that is out of place.
        part: &'static str,
        /// What it cannot stand beside.
        with: &'static str,
    },
    /// A frequency that would fill a calendar.
    #[error("FREQ={freq} is too fine: {finest} or coarser is needed")]
    TooFine {
        /// The frequency that was asked for.
        freq: Frequency,
        /// The finest one that is allowed here.
        finest: Frequency,
    },
    /// A number outside what is stored.
    #[error("{what} is {found}: at most {limit} is allowed")]
    Limit {
        /// What was counted.
        what: &'static str,
        /// The most that is allowed.
        limit: u64,
        /// What was found; counting may stop at the first one too many.
        found: u64,
    },
    /// The expansion was too costly; nothing was cut silently.
    #[error("the expansion needs more than {steps} steps")]
    BudgetExhausted {
        /// The budget that was given.
        steps: u32,
    },
    /// An end before its start, or a negative length.
    #[error("the end is before the start")]
    EndBeforeStart,
    /// A date as the start and a time as the end, or the reverse.
    #[error("start and end must both be dates or both be times")]
    MixedForms,
}

impl Error {
    /// Errors travel into logs and replies: a hostile value is quoted only in part.
    pub(crate) fn syntax(part: &str, value: &str, allowed: &'static str) -> Error {
        let shorten = |text: &str| text.chars().take(40).collect::<String>();
        Error::Syntax { part: shorten(part), value: shorten(value), allowed }
    }
}
