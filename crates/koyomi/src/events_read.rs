//! Lists of occurrences and single events, in the plural first.

use std::collections::HashMap;

use attendees::Guest;
use chrono::{DateTime, DurationRound, Months, NaiveDateTime, TimeDelta, Utc};
use events::{Grant, Happening, Position, Source, Window, calendars::MAX_CALENDARS};
use kernel::{CalendarId, Caller, EventId, Failure, Limit, Page, Result, Span, Version, decode_cursor, filter_hash};
use resources::Reservation;
use store::Conn;

use crate::{Koyomi, access};

/// What a list of occurrences is asked for with.
#[derive(Debug, Clone)]
pub struct Listing {
    /// Open ends: from the beginning of time, to [`events::HORIZON_MONTHS`] from now (endless series have no last page).
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
    pub q: Option<String>,
    pub limit: Limit,
    pub cursor: Option<String>,
    pub expand: Expand,
}

impl Listing {
    /// Where a list without `to` ends: the same all day long, so that its pages and its validator stand.
    pub fn open_end(now: DateTime<Utc>) -> DateTime<Utc> {
        events::horizon(now).duration_trunc(TimeDelta::days(1)).unwrap_or(Span::LATEST)
    }
}

/// What to nest into each item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expand {
    pub attendees: bool,
    pub resources: bool,
}

/// A list with what it was read from.
#[derive(Debug, Clone)]
pub struct Listed {
    pub page: Page<Happening>,
    /// By event; events without guests are absent.
    pub attendees: Option<HashMap<EventId, Vec<Guest>>>,
    /// By occurrence.
    pub reservations: Option<HashMap<(EventId, NaiveDateTime), Vec<Reservation>>>,
    /// The heads of the calendars, sorted by id: the list's validator.
    pub versions: Vec<Version>,
}

/// Ids that one call can ask for.
pub(crate) const MAX_IDS: usize = 500;

impl Koyomi {
    /// The heads behind a list, and the right to it: what answers a conditional request without reading the list.
    pub async fn list_grants(&self, caller: &Caller, ids: &[CalendarId]) -> Result<Vec<Grant>> {
        if ids.is_empty() || ids.len() > MAX_CALENDARS {
            return Err(Failure::malformed("?calendar_id", format!("must be given 1 to {MAX_CALENDARS} times")));
        }
        let mut conn = self.store.conn().await?;
        let grants = events::grants(&mut conn, caller, Some(ids)).await?;
        access::all_granted(grants, ids)
    }

    /// The occurrences of several calendars as one list, in time order.
    pub async fn list_events(&self, grants: &[Grant], listing: &Listing) -> Result<Listed> {
        let ids: Vec<CalendarId> = grants.iter().map(|g| g.calendar_id).collect();
        let filters = filter_hash(&("events", &ids, bounds(listing), &listing.q));
        let mut conn = self.store.conn().await?;
        let page = self.page(&mut conn, Source::Calendars(grants), listing, filters).await?;
        let roles: HashMap<CalendarId, events::Role> = grants.iter().map(|g| (g.calendar_id, g.role)).collect();
        let page = shown(page, |h| roles.get(&h.event.calendar_id).copied());
        expanded(&mut conn, page, grants, listing.expand).await
    }

    /// The agenda: my calendars and what I am invited to elsewhere, each occurrence once.
    pub async fn list_agenda(&self, caller: &Caller, listing: &Listing) -> Result<Listed> {
        if listing.q.is_some() {
            return Err(Failure::malformed("?q", "is not available on the agenda; search in calendars"));
        }
        let filters = filter_hash(&("agenda", caller.user_id, bounds(listing)));
        let mut conn = self.store.conn().await?;
        let grants = events::grants(&mut conn, caller, None).await?;
        let source = Source::Agenda(&grants, caller.user_id);
        let page = self.page(&mut conn, source, listing, filters).await?;
        let roles: HashMap<CalendarId, events::Role> = grants.iter().map(|g| (g.calendar_id, g.role)).collect();
        let page = shown(page, |h| roles.get(&h.event.calendar_id).copied());
        expanded(&mut conn, page, &grants, listing.expand).await
    }

    /// The occurrences of one event, overrides included.
    pub async fn list_occurrences(&self, caller: &Caller, id: EventId, listing: &Listing) -> Result<Listed> {
        let filters = filter_hash(&("occurrences", id, bounds(listing)));
        let mut conn = self.store.conn().await?;
        let found =
            events::find_many(&mut conn, caller, &[id]).await?.pop().ok_or_else(|| Failure::not_found("event"))?;
        let invited = found.happening.invited;
        let page = self.page(&mut conn, Source::Event(id), listing, filters).await?;
        let page = shown(
            Page {
                items: page.items.into_iter().map(|h| Happening { invited, ..h }).collect(),
                next_cursor: page.next_cursor,
            },
            |_| found.role,
        );
        expanded(&mut conn, page, &[], listing.expand).await
    }

    /// Those of `ids` that the caller may see, by start; unknown ones are left out.
    pub async fn find_events(&self, caller: &Caller, ids: &[EventId], expand: Expand) -> Result<Listed> {
        if ids.is_empty() || ids.len() > MAX_IDS {
            return Err(Failure::malformed("?ids", format!("must name 1 to {MAX_IDS} events")));
        }
        let mut conn = self.store.conn().await?;
        let items = events::find_many(&mut conn, caller, ids).await?.into_iter().filter_map(access::seen).collect();
        let page = Page { items, next_cursor: None };
        expanded(&mut conn, page, &[], expand).await
    }

    async fn page(
        &self,
        conn: &mut Conn,
        source: Source<'_>,
        listing: &Listing,
        filters: u64,
    ) -> Result<Page<Happening>> {
        let now = self.store.clock().now();
        let window = Window {
            span: span(listing, now)?,
            q: listing.q.as_deref(),
            after: match &listing.cursor {
                Some(cursor) => decode_cursor(filters, cursor)?,
                None => Position::START,
            },
            limit: listing.limit,
            filters,
        };
        events::page(conn, source, &window).await
    }
}

/// What binds a cursor: the bounds as they were asked for (an open end moves with the clock).
fn bounds(listing: &Listing) -> (Option<i64>, Option<i64>) {
    (listing.from.map(|t| t.timestamp_micros()), listing.to.map(|t| t.timestamp_micros()))
}

fn span(listing: &Listing, now: DateTime<Utc>) -> Result<Span> {
    let from = listing.from.unwrap_or(Span::EARLIEST).max(Span::EARLIEST);
    let to = listing.to.unwrap_or_else(|| Listing::open_end(now).max(from + Months::new(1))).min(Span::LATEST);
    if to <= from {
        return Err(Failure::malformed("?to", "must be after from"));
    }
    Ok(Span { from, to })
}

fn shown(page: Page<Happening>, role: impl Fn(&Happening) -> Option<events::Role>) -> Page<Happening> {
    Page {
        items: page.items.into_iter().filter_map(|h| access::seen_by(role(&h), h)).collect(),
        next_cursor: page.next_cursor,
    }
}

/// Nests guests and rooms: one statement each, whatever the page size; nothing below a busy block.
async fn expanded(conn: &mut Conn, page: Page<Happening>, grants: &[Grant], expand: Expand) -> Result<Listed> {
    let visible: Vec<&Happening> = page.items.iter().filter(|h| h.view == Some(events::View::Full)).collect();
    let attendees = if expand.attendees {
        let mut ids: Vec<EventId> = visible.iter().map(|h| h.event.id).collect();
        ids.sort_unstable();
        ids.dedup();
        Some(attendees::list_many(conn, &ids).await?)
    } else {
        None
    };
    let reservations = if expand.resources {
        let keys: Vec<(EventId, NaiveDateTime)> = visible.iter().map(|h| (h.event.id, h.original_start)).collect();
        Some(resources::list_for_occurrences(conn, &keys).await?)
    } else {
        None
    };
    let mut versions: Vec<Version> = grants.iter().map(Grant::version).collect();
    versions.sort_unstable_by_key(|v| v.calendar_id);
    Ok(Listed { page, attendees, reservations, versions })
}
