use async_graphql::{Enum, InputValueError, InputValueResult, Scalar, ScalarType, SimpleObject, Value};
use chrono::{NaiveDate, NaiveDateTime};
use recurrence::Moment;

/// A day: `2026-11-22`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Date(pub NaiveDate);

#[Scalar(specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6")]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .map(Self)
            .map_err(|_| InputValueError::custom("must be a day that exists, like 2026-11-22"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A reading of a clock, without an offset: `2026-11-22T10:00:00`.
#[derive(Debug, Clone, Copy)]
pub(super) struct LocalDateTime(pub NaiveDateTime);

const LOCAL: &str = "%Y-%m-%dT%H:%M:%S";

#[Scalar(specified_by_url = "https://www.rfc-editor.org/rfc/rfc5545#section-3.3.5")]
impl ScalarType for LocalDateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        NaiveDateTime::parse_from_str(text, LOCAL)
            .map(Self)
            .map_err(|_| InputValueError::custom("must be a local time like 2026-11-22T10:00:00, without an offset"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.format(LOCAL).to_string())
    }
}

/// A day (`date`), or a reading of a clock (`dateTime`) in a zone; in floating time the zone is null.
#[derive(Debug, SimpleObject)]
pub(super) struct EventTime {
    /// Of all-day events. The end is exclusive: one day long is the next day.
    pub date: Option<Date>,
    /// Of all others.
    pub date_time: Option<LocalDateTime>,
    /// IANA. Null beside `dateTime`: floating time, the same reading everywhere.
    pub time_zone: Option<String>,
}

impl From<Moment> for EventTime {
    fn from(moment: Moment) -> Self {
        match moment {
            Moment::Date(day) => Self { date: Some(Date(day)), date_time: None, time_zone: None },
            Moment::Floating(local) => Self { date: None, date_time: Some(LocalDateTime(local)), time_zone: None },
            Moment::Zoned(local, zone) => {
                Self { date: None, date_time: Some(LocalDateTime(local)), time_zone: Some(zone.name().to_owned()) }
            }
        }
    }
}

/// RFC 5545 §3.8.1.11
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "events::Status")]
pub(super) enum EventStatus {
    Confirmed,
    Tentative,
    Cancelled,
}

/// RFC 5545 §3.8.1.3 (CLASS). Private and confidential events are busy blocks to readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "events::Visibility")]
pub(super) enum EventVisibility {
    Default,
    Public,
    Private,
    Confidential,
}

/// RFC 5545 §3.8.2.7: does it take up time?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "events::Transparency")]
pub(super) enum EventTransparency {
    Opaque,
    Transparent,
}

/// How far a change of one occurrence reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "SeriesScope", remote = "koyomi::SeriesScope")]
pub(super) enum ScopeOfSeries {
    /// Only this occurrence.
    This,
    /// This one and all behind it: the series is split here.
    Following,
    /// The whole series.
    All,
}

/// How much of the event is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "events::View")]
pub(super) enum EventView {
    Busy,
    Full,
}

/// RFC 5545 §3.2.12 (PARTSTAT)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "attendees::ResponseStatus")]
pub(super) enum AttendeeResponseStatus {
    NeedsAction,
    Accepted,
    Declined,
    Tentative,
}

/// `OWNER`: everything, and shares, renames, deletes the calendar. `WRITER`: sees and changes all events. `READER`: sees
/// events, private ones as busy. `FREE_BUSY`: sees when it is busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "kernel::Role")]
pub(super) enum MemberRole {
    Owner,
    Writer,
    Reader,
    FreeBusy,
}

/// Does it hold?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "resources::ReservationStatus")]
pub(super) enum ReservationState {
    Confirmed,
    Cancelled,
}

/// What can be booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "resources::ResourceKind")]
pub(super) enum KindOfResource {
    Room,
    Vehicle,
    Equipment,
    Other,
}
