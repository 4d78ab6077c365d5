use std::collections::HashMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use kernel::{CalendarId, Caller, EventId, Failure, Kind, Limit, Page, Result, Span, UserId, encode_cursor};
use recurrence::Occurrence;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use store::{Batch, Conn};
use uuid::Uuid;

use crate::beyond::{self, Mixed};
use crate::{Found, Grant, Happening, Role, sql};

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

    /// Behind everything.
    pub const END: Self = Self {
        start_micros: Span::LATEST.timestamp_micros(),
        event_id: EventId(Uuid::max()),
        original_micros: Span::LATEST.timestamp_micros(),
    };

    pub(crate) fn start(self) -> DateTime<Utc> {
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
    /// Of these calendars what the user called or is invited to, where the caller sees that.
    Of(&'a [Grant], UserId),
}

/// What a page of occurrences is asked for with.
#[derive(Debug, Clone)]
pub struct Window<'a> {
    pub span: Span,
    /// Any part of title, place or description, whatever the case.
    pub q: Option<&'a str>,
    /// Where the list goes on; where it ends, when it is read backwards.
    pub after: Position,
    /// What lies before the position, the next to it, instead of what comes after it. Not of the lists of one event or
    /// one user.
    pub backward: bool,
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
/// behind the horizon and series are expanded on the fly. Read backwards, `next_cursor` is where it goes on backwards.
pub async fn page(conn: &mut Conn, source: Source<'_>, window: &Window<'_>) -> Result<Page<Happening>> {
    let rows = gather(conn, &source, window, window.limit.rows()).await?;
    Ok(cut_page(rows, window))
}

/// The most that is counted one by one.
pub const MAX_COUNTED: usize = 2_000;

/// How many occurrences the whole window has, wherever the page stands.
///
/// # Errors
/// `limit_exceeded` for more than [`MAX_COUNTED`] where they have to be looked at one by one: in a search, in an agenda,
/// and where series go on behind what is written down.
pub async fn count(conn: &mut Conn, source: Source<'_>, window: &Window<'_>) -> Result<i64> {
    let window = Window { after: Position::START, backward: false, ..window.clone() };
    if let (Source::Calendars(grants), None, true) = (&source, window.q, source.is_written(window.span.to)) {
        return Ok(sqlx::query_scalar(sql::COUNT)
            .bind(grants.iter().map(|g| g.calendar_id).collect::<Vec<_>>())
            .bind(grants.iter().map(|g| g.longest_seconds).collect::<Vec<_>>())
            .bind(window.span.from)
            .bind(window.span.to)
            .fetch_one(conn)
            .await?);
    }
    let found = gather(conn, &source, &window, MAX_COUNTED).await?.len();
    if found > MAX_COUNTED {
        let message = format!("this list has more than {MAX_COUNTED} items, which are not counted; narrow the window");
        return Err(Failure::new(Kind::LimitExceeded, "limit_exceeded", message));
    }
    Ok(i64::try_from(found).unwrap_or(i64::MAX))
}

/// More than `most` of them, if there are more, in no particular order.
async fn gather(conn: &mut Conn, source: &Source<'_>, window: &Window<'_>, most: usize) -> Result<Vec<Happening>> {
    if source.is_written(window.span.to) {
        return select(conn, source, window, most, source.sql(window, false)).await;
    }
    let mixed: Vec<Mixed> = select(conn, source, window, most, source.sql(window, true)).await?;
    let mut rows = Vec::with_capacity(mixed.len());
    for row in mixed {
        match row.expanded_until {
            None => rows.push(row.happening),
            Some(until) if window.backward => beyond::before(&row, until, window, most, &mut rows)?,
            Some(until) => beyond::after(&row, until, window, most, &mut rows)?,
        }
        // However many series go on, only those next to the position are wanted.
        if rows.len() > 4 * (most + 1) {
            nearest(&mut rows, window, most + 1);
        }
    }
    Ok(rows)
}

/// The pages of several calendars, each for itself, as [`page`] would read it: one statement, unless a series goes on
/// behind what is written down, or something is searched for. The window's `filters` are those of `cut`.
pub async fn pages(
    conn: &mut Conn,
    grants: &[Grant],
    window: &Window<'_>,
    cut: impl Fn(CalendarId) -> u64,
) -> Result<HashMap<CalendarId, Page<Happening>>> {
    let mut pages = HashMap::with_capacity(grants.len());
    let source = Source::Calendars(grants);
    if window.q.is_some() || !source.is_written(window.span.to) {
        for grant in grants {
            let window = Window { filters: cut(grant.calendar_id), ..window.clone() };
            let page = page(conn, Source::Calendars(std::slice::from_ref(grant)), &window).await?;
            pages.insert(grant.calendar_id, page);
        }
        return Ok(pages);
    }
    let mut of: HashMap<CalendarId, Vec<Happening>> = grants.iter().map(|g| (g.calendar_id, Vec::new())).collect();
    let rows: Vec<Happening> = select(conn, &source, window, window.limit.rows(), sql::PAGES).await?;
    for row in rows {
        of.entry(row.event.calendar_id).or_default().push(row);
    }
    let cut = |(id, rows)| (id, cut_page(rows, &Window { filters: cut(id), ..window.clone() }));
    Ok(of.into_iter().map(cut).collect())
}

fn nearest(rows: &mut Vec<Happening>, window: &Window<'_>, most: usize) {
    rows.sort_by_key(Happening::position);
    if window.backward {
        rows.drain(..rows.len().saturating_sub(most));
    } else {
        rows.truncate(most);
    }
}

fn cut_page(mut rows: Vec<Happening>, window: &Window<'_>) -> Page<Happening> {
    rows.sort_by_key(Happening::position);
    let most = window.limit.rows();
    let more = rows.len() > most;
    let next = if window.backward {
        rows.drain(..rows.len().saturating_sub(most));
        rows.first()
    } else {
        rows.truncate(most);
        rows.last()
    };
    let next_cursor = next.filter(|_| more).map(|row| encode_cursor(window.filters, &row.position()));
    Page { items: rows, next_cursor }
}

impl Source<'_> {
    /// No series goes on between what is written down and `until`.
    fn is_written(&self, until: DateTime<Utc>) -> bool {
        match self {
            Source::Calendars(grants) | Source::Of(grants, _) => {
                grants.iter().filter_map(|g| g.written_until).all(|at| until <= at)
            }
            // Nobody has counted what the user is invited to.
            Source::Agenda(..) | Source::Event(_) => false,
        }
    }

    fn sql(&self, window: &Window<'_>, endless: bool) -> &'static str {
        match (self, window.q.is_some(), endless, window.backward) {
            (Source::Calendars(_), false, false, false) => sql::PAGE,
            (Source::Calendars(_), false, false, true) => sql::PAGE_BACK,
            (Source::Calendars(_), false, true, false) => sql::PAGE_ENDLESS,
            (Source::Calendars(_), false, true, true) => sql::PAGE_ENDLESS_BACK,
            (Source::Calendars(_), true, false, false) => sql::SEARCH,
            (Source::Calendars(_), true, false, true) => sql::SEARCH_BACK,
            (Source::Calendars(_), true, true, false) => sql::SEARCH_ENDLESS,
            (Source::Calendars(_), true, true, true) => sql::SEARCH_ENDLESS_BACK,
            (Source::Agenda(..), _, false, false) => sql::AGENDA,
            (Source::Agenda(..), _, false, true) => sql::AGENDA_BACK,
            (Source::Agenda(..), _, true, false) => sql::AGENDA_ENDLESS,
            (Source::Agenda(..), _, true, true) => sql::AGENDA_ENDLESS_BACK,
            (Source::Event(_), _, false, _) => sql::OF_EVENT,
            (Source::Event(_), _, true, _) => sql::OF_EVENT_ENDLESS,
            (Source::Of(..), _, false, _) => sql::OF_USER,
            (Source::Of(..), _, true, _) => sql::OF_USER_ENDLESS,
        }
    }
}

/// `$1` to `$12`: every list binds them all, each statement uses those it needs.
async fn select<R>(
    conn: &mut Conn,
    source: &Source<'_>,
    window: &Window<'_>,
    most: usize,
    sql: &'static str,
) -> Result<Vec<R>>
where
    R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    let (grants, event, guest) = match source {
        Source::Calendars(grants) => (*grants, None, None),
        Source::Agenda(grants, user) | Source::Of(grants, user) => (*grants, None, Some(*user)),
        Source::Event(id) => (&[][..], Some(*id), None),
    };
    // Whoever sees only when a calendar is busy must not learn by searching what it is busy with, nor who is there.
    let details = window.q.is_some() || matches!(source, Source::Of(..));
    let readable = |grant: &&Grant| !details || grant.role >= Role::Reader;
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
        .bind(i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1))
        .bind(guest)
        .bind(whole.collect::<Vec<_>>())
        .bind(window.q.map(like))
        .bind(event)
        .fetch_all(conn)
        .await?)
}

/// Those of `ids` that the caller is a member or a guest of.
pub async fn find_many(conn: &mut Conn, caller: &Caller, ids: &[EventId]) -> Result<Vec<Found>> {
    let (user, tenant) = (caller.user_id, caller.tenant_id);
    Ok(match ids {
        [id] => sqlx::query_as(sql::FIND_ONE).bind(user).bind(tenant).bind(id).fetch_all(conn).await?,
        ids => sqlx::query_as(sql::FIND).bind(user).bind(tenant).bind(ids).fetch_all(conn).await?,
    })
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
