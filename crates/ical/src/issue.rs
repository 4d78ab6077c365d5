use std::io;

use crate::Limit;

/// Something in the input that could not be taken as it stands. The rest of the input still arrives.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Issue {
    /// Physical line, from 1, where the content line begins.
    pub line: u64,
    /// Kind of the component around it ("VEVENT"), where there is one.
    pub component: Option<String>,
    /// UID of that component, where it has one.
    pub uid: Option<String>,
    /// What was wrong, and what was done about it.
    pub reason: Reason,
}

/// Why something was left out, repaired or read otherwise than written; the message of each says what it means. Quoted
/// input is cut at 80 characters.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Reason {
    #[error("limit {0}")]
    Limit(Limit),
    #[error("not valid UTF-8; the bytes were replaced by U+FFFD")]
    InvalidUtf8,
    #[error("control characters were removed")]
    ControlCharacters,
    #[error("not a content line (NAME;PARAM=VALUE:VALUE): {0:?}")]
    NotAContentLine(String),
    #[error("a parameter of {property} is malformed and was passed over")]
    MalformedParameter { property: String },
    #[error("text outside of a VCALENDAR")]
    OutsideCalendar,
    #[error("{0} stands outside of a VCALENDAR")]
    OrphanComponent(String),
    #[error("{0} is not closed")]
    NotClosed(String),
    #[error("the input ends inside {0}, which was left out")]
    Truncated(String),
    #[error("END:{0} closes nothing")]
    StrayEnd(String),
    #[error("{0} is not imported")]
    Unsupported(String),
    #[error("{property} cannot be read: {value:?}: {why}")]
    BadValue { property: String, value: String, why: String },
    #[error("{property} cannot be read as {expected} and was taken as {taken}: {value:?}")]
    Reinterpreted { property: String, value: String, expected: &'static str, taken: &'static str },
    #[error("{property} appears more than once; the first one counts")]
    Duplicate { property: String },
    #[error("there is no {property} that can be read; the component was left out")]
    Missing { property: &'static str },
    #[error("UID is missing; one was derived from the content: {0}")]
    DerivedUid(String),
    #[error("the end is not after the start; {taken} was taken")]
    EndBeforeStart { taken: &'static str },
    #[error("{property} is not of the form of DTSTART and was fitted to it")]
    EndForm { property: &'static str },
    #[error("the end lies beyond the year 9998; {taken} was taken")]
    EndOutOfRange { taken: &'static str },
    #[error("{passed_over} stands beside {taken}; {taken} counts")]
    Both { passed_over: &'static str, taken: &'static str },
    #[error("TZID {0:?} is neither a known time zone nor defined in the calendar; the time was taken as floating")]
    UnknownZone(String),
    #[error("VTIMEZONE {tzid:?} cannot be used: {why}")]
    BadZone { tzid: String, why: String },
    #[error("VTIMEZONE {tzid:?}: an observance was left out: {why}")]
    BadObservance { tzid: String, why: String },
    #[error("VTIMEZONE {0:?} is defined twice and differently; the first one counts")]
    ZoneRedefined(String),
    #[error("RANGE=THISANDFUTURE is not applied: the change was taken for this occurrence only")]
    RangeNotApplied,
    #[error("{property} is kept for export but not applied: {why}")]
    NotApplied { property: String, why: &'static str },
    #[error("a calendar property after the first component was passed over: {0}")]
    LateCalendarProperty(String),
}

/// Why reading or writing had to end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input or output failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A bound over the whole input ([`crate::Limits::components`], [`crate::Limits::total_bytes`]) was met at this line.
    #[error("line {line}: limit {limit}")]
    Limit {
        /// Which one.
        limit: Limit,
        /// Physical line, from 1.
        line: u64,
    },
    /// Text given to a function that reads one definition holds none that can be used.
    #[error("line {}: {}", .0.line, .0.reason)]
    Unusable(Box<Issue>),
}

/// Input as quoted in a reason.
pub(crate) fn quote(value: &str) -> String {
    match value.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}
