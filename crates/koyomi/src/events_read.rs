//! Lists of occurrences and single events, in the plural first.

use std::collections::HashMap;
use std::time::Duration;

use attendees::Guest;
use cache::{Answer, Consistency, Family, Reading};
use chrono::{DateTime, DurationRound, Months, NaiveDateTime, TimeDelta, Utc};
use events::{Found, Grant, Happening, Position, Source, Window};
use kernel::plant::{self, Bug, Fault};
use kernel::{
    CalendarId, Caller, EventId, Failure, Limit, Moved, Page, Result, Span, Subject, UserId, decode_cursor,
    encode_cursor, filter_hash,
};
use resources::Reservation;
use serde::{Deserialize, Serialize};
use store::{Conn, Epoch};

use crate::opened::moved_on;
use crate::{Koyomi, Opened, access};

/// What a list of occurrences is asked for with.
#[derive(Debug, Clone)]
pub struct Listing {
    /// Open ends: from the beginning of time, to [`events::HORIZON_MONTHS`] from now (endless series have no last page).
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
    pub q: Option<String>,
    pub limit: Limit,
    pub cursor: Option<String>,
    /// The last ones before the cursor, or of all, instead of the first ones behind it.
    pub backward: bool,
    pub expand: Expand,
}

impl Listing {
    /// Where a list without `to` ends: the same all day long, so that its pages and its validator stand.
    pub fn open_end(now: DateTime<Utc>) -> DateTime<Utc> {
        events::horizon(now).duration_trunc(TimeDelta::days(1)).unwrap_or(Span::LATEST)
    }
}

/// What to nest into each item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
pub struct Expand {
    pub attendees: bool,
    pub resources: bool,
}

/// A list with what is nested into it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    pub page: Page<Happening>,
    /// By event; events without guests are absent.
    pub attendees: Option<HashMap<EventId, Vec<Guest>>>,
    /// By occurrence.
    pub reservations: Option<HashMap<(EventId, NaiveDateTime), Vec<Reservation>>>,
}

impl Listed {
    /// What a list shows that has nothing in it.
    pub(crate) fn empty(expand: Expand) -> Self {
        Self {
            page: Page { items: Vec::new(), next_cursor: None },
            attendees: expand.attendees.then(HashMap::new),
            reservations: expand.resources.then(HashMap::new),
        }
    }
}

/// Ids that one call can ask for.
pub(crate) const MAX_IDS: usize = 500;

/// A question about occurrences, as it is asked of the data: nothing in it depends on when it is asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Question {
    span: Span,
    q: Option<String>,
    limit: u16,
    after: Position,
    backward: bool,
    /// What cursors are bound to.
    filters: u64,
    pub(crate) expand: Expand,
}

impl Question {
    pub(crate) fn of(listing: &Listing, filters: u64, now: DateTime<Utc>) -> Result<Self> {
        if listing.q.as_ref().is_some_and(|q| !(1..=200).contains(&q.chars().count())) {
            return Err(Failure::malformed("?q", "must have 1 to 200 characters"));
        }
        Ok(Self {
            span: span(listing, now)?,
            q: listing.q.clone(),
            limit: u16::try_from(listing.limit.rows()).unwrap_or(u16::MAX),
            after: match &listing.cursor {
                Some(cursor) => decode_cursor(filters, cursor)?,
                None if listing.backward => Position::END,
                None => Position::START,
            },
            backward: listing.backward,
            filters,
            expand: listing.expand,
        })
    }

    pub(crate) fn window(&self) -> Result<Window<'_>> {
        let limit = Limit::new(Some(i64::from(self.limit)))?;
        let Self { span, after, backward, filters, .. } = *self;
        Ok(Window { span, q: self.q.as_deref(), after, backward, limit, filters })
    }
}

impl Koyomi {
    /// The occurrences of the opened calendars as one list, in time order.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn list_events(&self, opened: &Opened, listing: &Listing) -> Result<Answer<Listed>> {
        let ids = opened.calendars();
        let filters = filters(&ids, listing);
        let question = Question::of(listing, filters, self.store.clock().now())?;
        self.read(Family::Page, opened, &question, |koyomi, caller| {
            let (ids, question) = (ids.clone(), question.clone());
            Box::pin(async move { koyomi.fill_page(&caller, &ids, &question).await })
        })
        .await
    }

    /// One snapshot: rights, heads, page, guests and rooms.
    pub(crate) async fn fill_page(
        &self,
        caller: &Caller,
        ids: &[CalendarId],
        question: &Question,
    ) -> Result<Reading<Listed>> {
        let mut conn = self.store.snapshot().await?;
        let mut grants = granted(&mut conn, caller, ids).await?;
        let page = events::page(&mut conn, Source::Calendars(&grants), &question.window()?).await?;
        let roles: HashMap<CalendarId, events::Role> = grants.iter().map(|g| (g.calendar_id, g.role)).collect();
        let page = shown(page, |h| roles.get(&h.event.calendar_id).copied());
        let value = expanded(&mut conn, page, question.expand).await?;
        late().await;
        if plant::is(Bug::TagAfterData) {
            grants = granted(&mut self.store.snapshot().await?, caller, ids).await?;
        }
        versioned(caller, &grants, value)
    }

    /// How many occurrences the whole list has, whichever page of it `listing` names.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn count_events(&self, opened: &Opened, listing: &Listing) -> Result<Answer<i64>> {
        let ids = opened.calendars();
        let whole = Listing { cursor: None, backward: false, ..listing.clone() };
        let question = Question::of(&whole, filters(&ids, listing), self.store.clock().now())?;
        self.read(Family::Page, opened, &("count", &question), |koyomi, caller| {
            let (ids, question) = (ids.clone(), question.clone());
            Box::pin(async move {
                let mut conn = koyomi.store.snapshot().await?;
                let grants = granted(&mut conn, &caller, &ids).await?;
                let value = events::count(&mut conn, Source::Calendars(&grants), &question.window()?).await?;
                versioned(&caller, &grants, value)
            })
        })
        .await
    }

    /// The same of an agenda.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn count_agenda(&self, caller: &Caller, listing: &Listing) -> Result<i64> {
        self.count_mine(caller, listing, |grants| Source::Agenda(grants, caller.user_id)).await
    }

    /// The same of somebody's events.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn count_events_of(&self, caller: &Caller, user: UserId, listing: &Listing) -> Result<i64> {
        self.count_mine(caller, listing, |grants| Source::Of(grants, user)).await
    }

    /// What somebody called or is invited to, of the calendars that are shared with the caller, as far as he sees who is
    /// there.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn list_events_of(&self, caller: &Caller, user: UserId, listing: &Listing) -> Result<Listed> {
        let filters = of_user_filters(user, listing);
        self.list_mine(caller, listing, filters, |grants| Source::Of(grants, user)).await
    }

    /// The agenda: my calendars and what I am invited to elsewhere, each occurrence once.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn list_agenda(&self, caller: &Caller, listing: &Listing) -> Result<Listed> {
        if listing.q.is_some() {
            return Err(Failure::malformed("?q", "is not available on the agenda; search in calendars"));
        }
        let filters = agenda_filters(caller.user_id, listing);
        self.list_mine(caller, listing, filters, |grants| Source::Agenda(grants, caller.user_id)).await
    }

    /// A list over all of the caller's calendars, with the rights of the same snapshot.
    async fn list_mine(
        &self,
        caller: &Caller,
        listing: &Listing,
        filters: u64,
        source: impl Fn(&[Grant]) -> Source<'_>,
    ) -> Result<Listed> {
        let question = Question::of(listing, filters, self.store.clock().now())?;
        let mut conn = self.store.snapshot().await?;
        let grants = events::grants(&mut conn, caller, None).await?;
        let page = events::page(&mut conn, source(&grants), &question.window()?).await?;
        let roles: HashMap<CalendarId, events::Role> = grants.iter().map(|g| (g.calendar_id, g.role)).collect();
        let page = shown(page, |h| roles.get(&h.event.calendar_id).copied());
        expanded(&mut conn, page, listing.expand).await
    }

    /// How many items such a list has, whichever page of it `listing` names.
    async fn count_mine(
        &self,
        caller: &Caller,
        listing: &Listing,
        source: impl Fn(&[Grant]) -> Source<'_>,
    ) -> Result<i64> {
        let whole = Listing { cursor: None, backward: false, ..listing.clone() };
        let question = Question::of(&whole, 0, self.store.clock().now())?;
        let mut conn = self.store.snapshot().await?;
        let grants = events::grants(&mut conn, caller, None).await?;
        events::count(&mut conn, source(&grants), &question.window()?).await
    }

    /// The occurrences of one event, overrides included.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn list_occurrences(&self, opened: &Opened, id: EventId, listing: &Listing) -> Result<Answer<Listed>> {
        let filters = filter_hash(&("occurrences", id, bounds(listing)));
        let question = Question::of(listing, filters, self.store.clock().now())?;
        self.read(Family::Occurrences, opened, &(id, &question), |koyomi, caller| {
            let question = question.clone();
            Box::pin(async move {
                let mut conn = koyomi.store.snapshot().await?;
                let found = found(&mut conn, &caller, id).await?;
                let invited = found.happening.invited;
                let page = events::page(&mut conn, Source::Event(id), &question.window()?).await?;
                let items = page.items.into_iter().map(|h| Happening { invited, ..h }).collect();
                let page = shown(Page { items, next_cursor: page.next_cursor }, |_| found.role);
                let value = expanded(&mut conn, page, question.expand).await?;
                Ok(of_event(&caller, &found, value))
            })
        })
        .await
    }

    /// One event, as a list of one.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn find_event(&self, opened: &Opened, id: EventId, expand: Expand) -> Result<Answer<Listed>> {
        self.read(Family::Event, opened, &(id, expand), |koyomi, caller| {
            Box::pin(async move {
                let mut conn = koyomi.store.snapshot().await?;
                let found = found(&mut conn, &caller, id).await?;
                let happening = access::seen(found.clone()).ok_or_else(|| Failure::not_found("event"))?;
                let page = Page { items: vec![happening], next_cursor: None };
                let value = expanded(&mut conn, page, expand).await?;
                late().await;
                Ok(of_event(&caller, &found, value))
            })
        })
        .await
    }

    /// Those of `ids` that the caller may see, by start; unknown ones are left out.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn find_events(&self, caller: &Caller, ids: &[EventId], expand: Expand) -> Result<Listed> {
        if ids.is_empty() || ids.len() > MAX_IDS {
            return Err(Failure::malformed("?ids", format!("must name 1 to {MAX_IDS} events")));
        }
        let mut conn = self.store.conn().await?;
        let items = events::find_many(&mut conn, caller, ids).await?.into_iter().filter_map(access::seen).collect();
        let page = Page { items, next_cursor: None };
        expanded(&mut conn, page, expand).await
    }
}

/// The event, if it exists for the caller.
pub(crate) async fn found(conn: &mut Conn, caller: &Caller, id: EventId) -> Result<Found> {
    events::find_many(conn, caller, &[id]).await?.pop().ok_or_else(|| Failure::not_found("event"))
}

/// A reading of something that belongs to an event, with the versions that were read beside it.
pub(crate) fn of_event<T>(caller: &Caller, found: &Found, value: T) -> Reading<T> {
    let calendar = Moved {
        subject: Subject::Calendar(found.happening.event.calendar_id),
        seq: found.calendar_seq,
        acl: found.calendar_acl,
    };
    let names = Moved { subject: Subject::Tenant(caller.tenant_id), seq: found.directory_seq, acl: 0 };
    Reading { epoch: Epoch(found.epoch), versions: vec![calendar, names], value }
}

/// All of the calendars, in the order of their ids.
pub(crate) async fn granted(conn: &mut Conn, caller: &Caller, ids: &[CalendarId]) -> Result<Vec<Grant>> {
    let grants = events::grants(conn, caller, Some(ids)).await?;
    if grants.len() == ids.len() { Ok(grants) } else { Err(moved_on()) }
}

/// Where the storms widen the gap between reading and keeping.
pub(crate) async fn late() {
    let millis = plant::value(Fault::FillMs);
    if millis > 0.0 {
        tokio::time::sleep(Duration::from_secs_f64(millis / 1000.0)).await;
    }
}

/// What was read of these calendars, with the versions that were read beside it.
fn versioned<T>(caller: &Caller, grants: &[Grant], value: T) -> Result<Reading<T>> {
    let first = grants.first().ok_or_else(moved_on)?;
    let names = Moved { subject: Subject::Tenant(caller.tenant_id), seq: first.directory_seq, acl: 0 };
    let heads = grants.iter().map(|g| Moved { subject: Subject::Calendar(g.calendar_id), seq: g.seq, acl: g.acl });
    Ok(Reading { epoch: Epoch(first.epoch), versions: heads.chain([names]).collect(), value })
}

/// The place in the history of its calendars that a list shows: whoever follows them from there misses nothing.
pub fn place<T>(answer: &Answer<T>) -> String {
    let calendars = answer.versions.iter().copied().filter(|moved| matches!(moved.subject, Subject::Calendar(_)));
    Consistency { epoch: answer.epoch, versions: calendars.collect() }.encode_place()
}

/// Where the list of these calendars (in the order of their ids) goes on after this occurrence.
pub fn event_cursor(ids: &[CalendarId], listing: &Listing, happening: &Happening) -> String {
    encode_cursor(filters(ids, listing), &happening.position())
}

/// Where somebody's agenda goes on after this occurrence.
pub fn agenda_cursor(user: UserId, listing: &Listing, happening: &Happening) -> String {
    encode_cursor(agenda_filters(user, listing), &happening.position())
}

pub(crate) fn filters(ids: &[CalendarId], listing: &Listing) -> u64 {
    filter_hash(&("events", ids, bounds(listing), &listing.q))
}

fn agenda_filters(user: UserId, listing: &Listing) -> u64 {
    filter_hash(&("agenda", user, bounds(listing)))
}

/// Where the list of somebody's events goes on after this occurrence.
pub fn of_user_cursor(user: UserId, listing: &Listing, happening: &Happening) -> String {
    encode_cursor(of_user_filters(user, listing), &happening.position())
}

fn of_user_filters(user: UserId, listing: &Listing) -> u64 {
    filter_hash(&("of", user, bounds(listing)))
}

/// What binds a cursor: the bounds as they were asked for (an open end moves with the clock).
fn bounds(listing: &Listing) -> (Option<i64>, Option<i64>) {
    (listing.from.map(|t| t.timestamp_micros()), listing.to.map(|t| t.timestamp_micros()))
}

fn span(listing: &Listing, now: DateTime<Utc>) -> Result<Span> {
    let from = listing.from.unwrap_or(Span::EARLIEST).clamp(Span::EARLIEST, Span::LATEST);
    let to = listing
        .to
        .unwrap_or_else(|| Listing::open_end(now).max(from.checked_add_months(Months::new(1)).unwrap_or(Span::LATEST)))
        .min(Span::LATEST);
    if to <= from {
        return Err(Failure::malformed("?to", "must be after from"));
    }
    Ok(Span { from, to })
}

pub(crate) fn shown(page: Page<Happening>, role: impl Fn(&Happening) -> Option<events::Role>) -> Page<Happening> {
    Page {
        items: page.items.into_iter().filter_map(|h| access::seen_by(role(&h), h)).collect(),
        next_cursor: page.next_cursor,
    }
}

/// Nests guests and rooms: one statement each, whatever the page size; nothing below a busy block.
pub(crate) async fn expanded(conn: &mut Conn, page: Page<Happening>, expand: Expand) -> Result<Listed> {
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
    Ok(Listed { page, attendees, reservations })
}
