use chrono::{DateTime, NaiveDateTime, Utc};
use kernel::{CalendarId, Caller, EventId, Limit, Page, Result, Span, UserId, encode_cursor};
use recurrence::Budget;
use serde::{Deserialize, Serialize};
use store::{Batch, Conn};
use uuid::Uuid;

use crate::{Found, Grant, Happening, Role, When, horizon, sql};

/// Where a list of occurrences stands: the whole keyset (start, event, original start).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    pub start_micros: i64,
    pub event_id: EventId,
    pub original_micros: i64,
}

impl Position {
    /// Before everything.
    pub const START: Self = Self {
        start_micros: Span::EARLIEST.timestamp_micros(),
        event_id: EventId(Uuid::nil()),
        original_micros: Span::EARLIEST.timestamp_micros(),
    };

    fn start(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.start_micros).unwrap_or(Span::LATEST)
    }

    fn original(self) -> NaiveDateTime {
        DateTime::from_timestamp_micros(self.original_micros).unwrap_or(Span::LATEST).naive_utc()
    }
}

/// Which occurrences a list is made of.
#[derive(Debug, Clone)]
pub enum Source<'a> {
    /// All of these calendars.
    Calendars(&'a [Grant]),
    /// Those of one event and its overrides.
    Event(EventId),
    /// These calendars, and what the user is invited to elsewhere.
    Agenda(&'a [Grant], UserId),
}

/// What a page of occurrences is asked for with.
#[derive(Debug, Clone)]
pub struct Window<'a> {
    pub span: Span,
    /// Any part of title, place or description, whatever the case.
    pub q: Option<&'a str>,
    pub after: Position,
    pub limit: Limit,
    /// What the next cursor is bound to.
    pub filters: u64,
}

/// The caller's calendars among `ids`, all of them when `None`, with their heads. What is missing is not his.
pub async fn grants(conn: &mut Conn, caller: &Caller, ids: Option<&[CalendarId]>) -> Result<Vec<Grant>> {
    Ok(sqlx::query_as(sql::GRANTS).bind(caller.user_id).bind(caller.tenant_id).bind(ids).fetch_all(conn).await?)
}

/// As [`grants`], as part of the batch that opens a write.
pub fn grants_part(batch: &mut Batch, caller: &Caller, ids: &[CalendarId]) {
    batch.part(sql::GRANTS).bind(caller.user_id).bind(caller.tenant_id).bind(ids.to_vec()).done();
}

/// A page of occurrences in the order of (start, event, original start).
///
/// One statement; a second one only where the window reaches behind the horizon and a series goes on there.
pub async fn page(
    conn: &mut Conn,
    source: Source<'_>,
    window: &Window<'_>,
    now: DateTime<Utc>,
) -> Result<Page<Happening>> {
    let pattern = window.q.map(like);
    let mut rows = stored(conn, &source, window, pattern.as_deref()).await?;
    // What is written down ends at the horizon of the day it was written: never later than today's.
    let filled = rows.len() > window.limit.rows();
    let reach = match rows.last() {
        Some(last) if filled => last.start_time,
        _ => window.span.to,
    };
    if reach > oldest_horizon(now) {
        rows.extend(beyond(conn, &source, window, pattern.as_deref()).await?);
        rows.sort_by_key(Happening::position);
    }
    let more = rows.len() > window.limit.rows();
    rows.truncate(window.limit.rows());
    let next_cursor = match rows.last() {
        Some(last) if more => Some(encode_cursor(window.filters, &last.position())),
        _ => None,
    };
    Ok(Page { items: rows, next_cursor })
}

/// Series are rolled forward now and then; until then some end earlier than [`horizon`] says.
fn oldest_horizon(now: DateTime<Utc>) -> DateTime<Utc> {
    // An event written just now reaches the full horizon; older ones reach what was the horizon then. A window within
    // the coming month never asks.
    horizon(now) - chrono::TimeDelta::days(23 * 30)
}

async fn stored(
    conn: &mut Conn,
    source: &Source<'_>,
    window: &Window<'_>,
    pattern: Option<&str>,
) -> Result<Vec<Happening>> {
    let grants = match source {
        Source::Calendars(grants) | Source::Agenda(grants, _) => *grants,
        Source::Event(_) => &[],
    };
    let calendars: Vec<CalendarId> = grants.iter().map(|g| g.calendar_id).collect();
    let longest: Vec<i64> = grants.iter().map(|g| g.longest_seconds).collect();
    let query = match (source, pattern) {
        (Source::Event(id), _) => {
            return Ok(sqlx::query_as(sql::OF_EVENT)
                .bind(id)
                .bind(window.span.from)
                .bind(window.span.to)
                .bind(window.after.start())
                .bind(window.after.event_id)
                .bind(window.after.original())
                .bind(window.limit.probe())
                .fetch_all(conn)
                .await?);
        }
        (Source::Calendars(_), None) => sqlx::query_as(sql::PAGE),
        (Source::Calendars(_), Some(_)) => sqlx::query_as(sql::SEARCH),
        (Source::Agenda(..), _) => sqlx::query_as(sql::AGENDA),
    };
    let query = query
        .bind(calendars)
        .bind(longest)
        .bind(window.span.from)
        .bind(window.span.to)
        .bind(window.after.start())
        .bind(window.after.event_id)
        .bind(window.after.original())
        .bind(window.limit.probe());
    let query = match (source, pattern) {
        (Source::Agenda(_, user), _) => query.bind(user),
        (_, Some(pattern)) => query.bind(pattern.to_owned()).bind(seen_whole(grants)),
        _ => query,
    };
    Ok(query.fetch_all(conn).await?)
}

/// The calendars whose private events the caller sees too.
fn seen_whole(grants: &[Grant]) -> Vec<CalendarId> {
    grants.iter().filter(|g| g.role >= Role::Writer).map(|g| g.calendar_id).collect()
}

#[derive(Debug, sqlx::FromRow)]
struct Endless {
    #[sqlx(flatten)]
    happening: Happening,
    expanded_until: DateTime<Utc>,
    overridden: Vec<NaiveDateTime>,
}

/// The occurrences past what is written down, computed now: no series ends silently.
async fn beyond(
    conn: &mut Conn,
    source: &Source<'_>,
    window: &Window<'_>,
    pattern: Option<&str>,
) -> Result<Vec<Happening>> {
    let (grants, event, guest) = match source {
        Source::Calendars(grants) => (*grants, None, None),
        Source::Agenda(grants, user) => (*grants, None, Some(*user)),
        Source::Event(id) => (&[][..], Some(*id), None),
    };
    let calendars: Vec<CalendarId> = grants.iter().map(|g| g.calendar_id).collect();
    let endless: Vec<Endless> = sqlx::query_as(sql::ENDLESS)
        .bind(calendars)
        .bind(window.span.from)
        .bind(window.span.to)
        .bind(event)
        .bind(guest)
        .bind(pattern)
        .bind(seen_whole(grants))
        .fetch_all(conn)
        .await?;
    let mut found = Vec::new();
    for series in endless {
        expand_beyond(&series, window, &mut found)?;
    }
    Ok(found)
}

fn expand_beyond(series: &Endless, window: &Window<'_>, found: &mut Vec<Happening>) -> Result<()> {
    let Endless { happening, expanded_until, overridden } = series;
    let set = When::of(&happening.event).series(&happening.calendar_time_zone)?;
    let from = window.span.from.max(*expanded_until).max(window.after.start());
    // Everything up to the cursor and the overridden ones may be among the first.
    let enough = window.limit.rows() + overridden.len() + 2;
    let expansion = set
        .expand(recurrence::Window { from, to: window.span.to }, enough, Budget::default())
        .map_err(kernel::Failure::internal)?;
    found.extend(
        expansion
            .occurrences
            .into_iter()
            .filter(|o| o.start >= *expanded_until && !overridden.contains(&o.original_start))
            .map(|o| Happening {
                start_time: o.start,
                end_time: o.end,
                original_start: o.original_start,
                ..happening.clone()
            })
            .filter(|h| h.position() > window.after),
    );
    Ok(())
}

/// Those of `ids` that the caller is a member or a guest of.
pub async fn find_many(conn: &mut Conn, caller: &Caller, ids: &[EventId]) -> Result<Vec<Found>> {
    Ok(sqlx::query_as(sql::FIND).bind(caller.user_id).bind(caller.tenant_id).bind(ids).fetch_all(conn).await?)
}

/// Finds one event and locks it, as part of the batch that opens a write.
pub fn find_for_update_part(batch: &mut Batch, caller: &Caller, id: EventId) {
    batch.part(sql::FIND_FOR_UPDATE).bind(caller.user_id).bind(caller.tenant_id).bind(id).done();
}

/// Which occurrences of a series have a record of their own, as part of a batch.
pub fn overridden_part(batch: &mut Batch, id: EventId) {
    batch.part(sql::OVERRIDDEN).bind(id).done();
}

/// Reads what [`overridden_part`] found, in the series' wall time.
pub fn read_overridden(rows: &mut store::Rows) -> Result<Vec<NaiveDateTime>> {
    #[derive(Deserialize)]
    struct Row {
        original_start: NaiveDateTime,
    }
    Ok(rows.take::<Row>()?.into_iter().map(|row| row.original_start).collect())
}

/// Reads what [`find_for_update_part`] found, `None` when the caller is neither member nor guest.
pub fn read_found(rows: &mut store::Rows) -> Result<Option<Found>> {
    let found: Vec<Found> = rows.take()?;
    Ok(found.into_iter().find(|f| f.role.is_some() || f.happening.invited))
}

/// A substring as a LIKE pattern over lower-case text.
fn like(q: &str) -> String {
    let mut pattern = String::with_capacity(q.len() + 2);
    pattern.push('%');
    for c in q.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
