//! The parameters of lists of occurrences.

use chrono::{DateTime, Utc};
use kernel::{CalendarId, EventId, Failure, Limit, Result, Span};
use koyomi::{Expand, Listing};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::shape::event::Event;
use crate::shape::time::instant;

/// A window of time, and how much of each item.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WindowParams {
    /// What is still going on after this instant.
    #[serde(default, deserialize_with = "instant")]
    #[param(value_type = Option<String>, format = "date-time", example = "2026-11-01T00:00:00Z")]
    from: Option<DateTime<Utc>>,
    /// What begins before this instant. Absent: 24 months from today.
    #[serde(default, deserialize_with = "instant")]
    #[param(value_type = Option<String>, format = "date-time", example = "2026-12-01T00:00:00Z")]
    to: Option<DateTime<Utc>>,
    /// Items per page; each occurrence counts as one.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before, with the same filters.
    cursor: Option<String>,
    /// Comma-separated: `attendees`, `resources`, `organizer`.
    #[param(example = "attendees,resources")]
    expand: Option<String>,
    /// Comma-separated names: only these fields of each item.
    #[param(example = "id,title,start,end")]
    fields: Option<String>,
}

/// As [`WindowParams`], with a search.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchParams {
    /// What is still going on after this instant.
    #[serde(default, deserialize_with = "instant")]
    #[param(value_type = Option<String>, format = "date-time", example = "2026-11-01T00:00:00Z")]
    from: Option<DateTime<Utc>>,
    /// What begins before this instant. Absent: 24 months from today.
    #[serde(default, deserialize_with = "instant")]
    #[param(value_type = Option<String>, format = "date-time", example = "2026-12-01T00:00:00Z")]
    to: Option<DateTime<Utc>>,
    /// Only events with this in title, location or description, in any case.
    #[param(min_length = 1, max_length = 200)]
    q: Option<String>,
    /// Items per page; each occurrence counts as one.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before, with the same filters.
    cursor: Option<String>,
    /// Comma-separated: `attendees`, `resources`, `organizer`.
    #[param(example = "attendees,resources")]
    expand: Option<String>,
    /// Comma-separated names: only these fields of each item.
    #[param(example = "id,title,start,end")]
    fields: Option<String>,
}

/// As [`SearchParams`], over several calendars or by ids.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsParams {
    /// Calendars, up to 100: `calendar_id=…&calendar_id=…`. Their occurrences come as one list in time order.
    #[serde(default)]
    #[param(value_type = Vec<uuid::Uuid>, required = false, max_items = 100)]
    pub calendar_id: Vec<CalendarId>,
    /// Instead of calendars: events by id, up to 500, each once. Unknown ones are left out.
    #[serde(default)]
    #[param(value_type = Vec<uuid::Uuid>, required = false, max_items = 500)]
    pub ids: Vec<EventId>,
    /// What is still going on after this instant.
    #[serde(default, deserialize_with = "instant")]
    #[param(value_type = Option<String>, format = "date-time", example = "2026-11-01T00:00:00Z")]
    from: Option<DateTime<Utc>>,
    /// What begins before this instant. Absent: 24 months from today.
    #[serde(default, deserialize_with = "instant")]
    #[param(value_type = Option<String>, format = "date-time", example = "2026-12-01T00:00:00Z")]
    to: Option<DateTime<Utc>>,
    /// Only events with this in title, location or description, in any case.
    #[param(min_length = 1, max_length = 200)]
    q: Option<String>,
    /// Items per page; each occurrence counts as one.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before, with the same filters.
    cursor: Option<String>,
    /// Comma-separated: `attendees`, `resources`, `organizer`.
    #[param(example = "attendees,resources")]
    expand: Option<String>,
    /// Comma-separated names: only these fields of each item.
    #[param(example = "id,title,start,end")]
    fields: Option<String>,
}

/// As much of one event as is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ShowParams {
    /// Comma-separated: `attendees`, `resources`, `organizer`.
    #[param(example = "attendees,resources")]
    pub expand: Option<String>,
    /// Comma-separated names: only these fields.
    #[param(example = "id,title,start,end")]
    pub fields: Option<String>,
}

/// What every list of occurrences has understood of its parameters.
#[derive(Debug)]
pub(crate) struct Asked {
    pub listing: Listing,
    pub organizer: bool,
    pub fields: Option<Vec<String>>,
}

impl From<WindowParams> for SearchParams {
    fn from(p: WindowParams) -> Self {
        let WindowParams { from, to, limit, cursor, expand, fields } = p;
        Self { from, to, q: None, limit, cursor, expand, fields }
    }
}

impl From<EventsParams> for SearchParams {
    fn from(p: EventsParams) -> Self {
        let EventsParams { calendar_id: _, ids: _, from, to, q, limit, cursor, expand, fields } = p;
        Self { from, to, q, limit, cursor, expand, fields }
    }
}

impl SearchParams {
    pub(crate) fn asked(self) -> Result<Asked> {
        let (expand, organizer) = expanded(self.expand.as_deref())?;
        for (name, bound) in [("?from", self.from), ("?to", self.to)] {
            if bound.is_some_and(|at| at < Span::EARLIEST || at > Span::LATEST) {
                return Err(Failure::malformed(name, "must lie in the years 1 to 9999"));
            }
        }
        Ok(Asked {
            listing: Listing {
                from: self.from,
                to: self.to,
                q: self.q,
                limit: Limit::new(self.limit)?,
                cursor: self.cursor,
                backward: false,
                expand,
            },
            organizer,
            fields: fields(self.fields.as_deref())?,
        })
    }
}

impl EventsParams {
    /// Ids stand alone: they name records, not a window.
    pub(crate) fn only_ids(&self) -> Result<()> {
        let others = [
            ("?calendar_id", !self.calendar_id.is_empty()),
            ("?from", self.from.is_some()),
            ("?to", self.to.is_some()),
            ("?q", self.q.is_some()),
            ("?limit", self.limit.is_some()),
            ("?cursor", self.cursor.is_some()),
        ];
        match others.iter().find(|(_, given)| *given) {
            Some((name, _)) => Err(Failure::malformed(*name, "cannot be combined with ids")),
            None => Ok(()),
        }
    }
}

/// What to nest, and whether the organizer is among it.
pub(crate) fn expanded(text: Option<&str>) -> Result<(Expand, bool)> {
    let (mut expand, mut organizer) = (Expand::default(), false);
    for name in text.iter().flat_map(|list| list.split(',')) {
        match name.trim() {
            "attendees" => expand.attendees = true,
            "resources" => expand.resources = true,
            "organizer" => organizer = true,
            _ => return Err(Failure::malformed("?expand", "may hold attendees, resources and organizer")),
        }
    }
    Ok((expand, organizer))
}

pub(crate) fn fields(text: Option<&str>) -> Result<Option<Vec<String>>> {
    let Some(text) = text else { return Ok(None) };
    let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
    match names.iter().find(|name| !Event::FIELDS.contains(&name.as_str())) {
        None => Ok(Some(names)),
        Some(_) => Err(Failure::malformed("?fields", format!("may hold {}", Event::FIELDS.join(", ")))),
    }
}
