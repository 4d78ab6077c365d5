use chrono::{DateTime, NaiveDateTime, Utc};
use kernel::{CalendarId, Caller, EventId, Failure, Kind, Limit, Page, Result, Span, UserId, encode_cursor};
use recurrence::{Budget, Occurrence};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use store::{Batch, Conn};
use uuid::Uuid;

use crate::{Found, Grant, Happening, Role, When, sql};

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

/// A page of occurrences in the order of (start, event, original start): one statement, also where the window reaches
/// behind the horizon and series are expanded on the fly.
pub async fn page(conn: &mut Conn, source: Source<'_>, window: &Window<'_>) -> Result<Page<Happening>> {
    let mut rows: Vec<Happening> = if source.is_written(window.span.to) {
        select(conn, &source, window, source.sql(window, false)).await?
    } else {
        let mixed: Vec<Mixed> = select(conn, &source, window, source.sql(window, true)).await?;
        let mut rows = Vec::with_capacity(mixed.len());
        for row in mixed {
            match row.expanded_until {
                None => rows.push(row.happening),
                Some(until) => expand_beyond(&row, until, window, &mut rows)?,
            }
        }
        rows
    };
    rows.sort_by_key(Happening::position);
    let more = rows.len() > window.limit.rows();
    rows.truncate(window.limit.rows());
    let next_cursor = match rows.last() {
        Some(last) if more => Some(encode_cursor(window.filters, &last.position())),
        _ => None,
    };
    Ok(Page { items: rows, next_cursor })
}

impl Source<'_> {
    /// No series goes on between what is written down and `until`.
    fn is_written(&self, until: DateTime<Utc>) -> bool {
        match self {
            Source::Calendars(grants) => grants.iter().filter_map(|g| g.written_until).all(|at| until <= at),
            // Nobody has counted what the user is invited to.
            Source::Agenda(..) | Source::Event(_) => false,
        }
    }

    fn sql(&self, window: &Window<'_>, endless: bool) -> &'static str {
        match (self, window.q.is_some(), endless) {
            (Source::Calendars(_), false, false) => sql::PAGE,
            (Source::Calendars(_), false, true) => sql::PAGE_ENDLESS,
            (Source::Calendars(_), true, false) => sql::SEARCH,
            (Source::Calendars(_), true, true) => sql::SEARCH_ENDLESS,
            (Source::Agenda(..), _, false) => sql::AGENDA,
            (Source::Agenda(..), _, true) => sql::AGENDA_ENDLESS,
            (Source::Event(_), _, false) => sql::OF_EVENT,
            (Source::Event(_), _, true) => sql::OF_EVENT_ENDLESS,
        }
    }
}

/// `$1` to `$12`: every list binds them all, each statement uses those it needs.
async fn select<R>(conn: &mut Conn, source: &Source<'_>, window: &Window<'_>, sql: &'static str) -> Result<Vec<R>>
where
    R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    let (grants, event, guest) = match source {
        Source::Calendars(grants) => (*grants, None, None),
        Source::Agenda(grants, user) => (*grants, None, Some(*user)),
        Source::Event(id) => (&[][..], Some(*id), None),
    };
    // Whoever sees only when a calendar is busy must not learn by searching what it is busy with.
    let readable = |grant: &&Grant| window.q.is_none() || grant.role >= Role::Reader;
    let grants: Vec<&Grant> = grants.iter().filter(readable).collect();
    // Where the caller sees private events too.
    let whole = grants.iter().filter(|g| g.role >= Role::Writer).map(|g| g.calendar_id);
    Ok(sqlx::query_as(sql)
        // A search is planned with its pattern: two characters have no trigram, and the one plan for all patterns would
        // walk the whole of events_search for them (300 ms for 100,000 events instead of 15).
        .persistent(window.q.is_none())
        .bind(grants.iter().map(|g| g.calendar_id).collect::<Vec<_>>())
        .bind(grants.iter().map(|g| g.longest_seconds).collect::<Vec<_>>())
        .bind(window.span.from)
        .bind(window.span.to)
        .bind(window.after.start())
        .bind(window.after.event_id)
        .bind(window.after.original())
        .bind(window.limit.probe())
        .bind(guest)
        .bind(whole.collect::<Vec<_>>())
        .bind(window.q.map(like))
        .bind(event)
        .fetch_all(conn)
        .await?)
}

/// An occurrence, or a series that goes on behind what is written down.
#[derive(Debug, sqlx::FromRow)]
struct Mixed {
    #[sqlx(flatten)]
    happening: Happening,
    expanded_until: Option<DateTime<Utc>>,
    overridden: Vec<NaiveDateTime>,
}

/// The occurrences past what is written down, computed now: no series ends silently.
fn expand_beyond(
    series: &Mixed,
    written_until: DateTime<Utc>,
    window: &Window<'_>,
    found: &mut Vec<Happening>,
) -> Result<()> {
    let Mixed { happening, overridden, .. } = series;
    let set = When::of(&happening.event).series(&happening.calendar_time_zone)?;
    let from = window.span.from.max(written_until).max(window.after.start());
    // Those that are running at `from`, before the cursor or overridden come first and are not wanted: should they use
    // up the limit, more are asked for.
    let mut limit = window.limit.rows() + overridden.len() + 2;
    loop {
        let expansion =
            set.expand(recurrence::Window { from, to: window.span.to }, limit, Budget::default()).map_err(too_wide)?;
        let wanted: Vec<Happening> = expansion
            .occurrences
            .into_iter()
            .filter(|o| o.start >= written_until && !overridden.contains(&o.original_start))
            .map(|o| Happening {
                start_time: o.start,
                end_time: o.end,
                original_start: o.original_start,
                ..happening.clone()
            })
            .filter(|h| h.position() > window.after)
            .collect();
        if expansion.complete || wanted.len() > window.limit.rows() {
            found.extend(wanted);
            return Ok(());
        }
        limit = limit.saturating_mul(4);
    }
}

/// A rule that matches next to nothing is walked through in vain: over centuries that is too much for one request.
fn too_wide(error: recurrence::Error) -> Failure {
    match error {
        recurrence::Error::BudgetExhausted { .. } => Failure::new(
            Kind::LimitExceeded,
            "window_too_wide",
            "a series in this window has so few occurrences that they cannot be found that far away; ask for a shorter \
             window",
        ),
        error => Failure::internal(error),
    }
}

/// Those of `ids` that the caller is a member or a guest of.
pub async fn find_many(conn: &mut Conn, caller: &Caller, ids: &[EventId]) -> Result<Vec<Found>> {
    Ok(sqlx::query_as(sql::FIND).bind(caller.user_id).bind(caller.tenant_id).bind(ids).fetch_all(conn).await?)
}

/// Finds one event and locks it, as part of the batch that opens a write.
pub fn find_for_update_part(batch: &mut Batch, caller: &Caller, id: EventId) {
    batch.part(sql::FIND_FOR_UPDATE).bind(caller.user_id).bind(caller.tenant_id).bind(id).done();
}

/// The occurrences that are written down, as part of a batch: what a new reservation has to cover.
pub fn stored_part(batch: &mut Batch, id: EventId) {
    batch.part(sql::STORED).bind(id).done();
}

/// Reads what [`stored_part`] found, with the event's version that it belongs to.
pub fn read_stored(rows: &mut store::Rows) -> Result<(Option<i64>, Vec<Occurrence>)> {
    #[derive(Deserialize)]
    struct Row {
        seq: i64,
        original_start: Option<NaiveDateTime>,
        start_time: Option<DateTime<Utc>>,
        end_time: Option<DateTime<Utc>>,
    }
    let rows: Vec<Row> = rows.take()?;
    let seq = rows.first().map(|row| row.seq);
    let occurrences = rows.into_iter().filter_map(|row| {
        Some(Occurrence { original_start: row.original_start?, start: row.start_time?, end: row.end_time? })
    });
    Ok((seq, occurrences.collect()))
}

/// Reads what [`find_for_update_part`] found, `None` when the caller is neither member nor guest.
pub fn read_found(rows: &mut store::Rows) -> Result<Option<Found>> {
    let found: Vec<Found> = rows.take()?;
    Ok(found.into_iter().find(|f| f.role.is_some() || f.happening.invited))
}

/// A substring as a LIKE pattern.
fn like(q: &str) -> String {
    let mut pattern = String::with_capacity(q.len() + 2);
    pattern.push('%');
    for c in q.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
