use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Failure, Kind, Limit, Page, Result, Span, TenantId, encode_cursor, filter_hash};
use store::Conn;

use crate::read::{filtered, position};
use crate::{Availability, Filter, Resource, sql};

/// The longest span one question can be about.
pub const MAX_SPAN: TimeDelta = TimeDelta::days(92);

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(flatten)]
    resource: Resource,
    starts: Option<Vec<DateTime<Utc>>>,
    ends: Option<Vec<DateTime<Utc>>>,
}

/// When resources are taken within `span`, a page by name; one statement. `only_free` leaves out what is taken at any
/// moment of it.
///
/// It shows what was committed, and decides nothing: only a booking does.
///
/// # Errors
/// `malformed_request` when the span is empty, `span_too_long` when it is longer than [`MAX_SPAN`].
pub async fn availability(
    conn: &mut Conn,
    tenant_id: TenantId,
    span: Span,
    filter: &Filter,
    only_free: bool,
    limit: Limit,
    cursor: Option<&str>,
) -> Result<Page<Availability>> {
    check(span)?;
    filter.check()?;
    let filters = filters(tenant_id, &span, filter, only_free);
    let query = sqlx::query_as(sql::AVAILABILITY);
    let rows: Vec<Row> = filtered(query, tenant_id, filter, filters, limit, cursor)?
        .bind(span.from)
        .bind(span.to)
        .bind(only_free)
        .fetch_all(conn)
        .await?;
    let page = Page::cut(rows, limit, filters, |row| position(&row.resource));
    Ok(page.map(|row| {
        let busy = merged(span, row.starts.unwrap_or_default(), row.ends.unwrap_or_default());
        Availability { resource: row.resource, free: busy.is_empty(), busy }
    }))
}

pub(crate) fn check(span: Span) -> Result<()> {
    if span.from >= span.to {
        return Err(Failure::malformed("?to", "must be after from"));
    }
    if span.to - span.from > MAX_SPAN {
        return Err(Failure::new(
            Kind::LimitExceeded,
            "span_too_long",
            format!("availability is told for at most {} days at once", MAX_SPAN.num_days()),
        ));
    }
    Ok(())
}

/// Cut to the span, in order, neighbours joined.
fn merged(span: Span, starts: Vec<DateTime<Utc>>, ends: Vec<DateTime<Utc>>) -> Vec<Span> {
    let mut taken: Vec<Span> = starts
        .into_iter()
        .zip(ends)
        .map(|(start, end)| Span { from: start.max(span.from), to: end.min(span.to) })
        .filter(|busy| busy.from < busy.to)
        .collect();
    taken.sort_by_key(|busy| busy.from);
    let mut joined: Vec<Span> = Vec::with_capacity(taken.len());
    for busy in taken {
        match joined.last_mut() {
            Some(last) if busy.from <= last.to => last.to = last.to.max(busy.to),
            _ => joined.push(busy),
        }
    }
    joined
}

/// Where such a list goes on after this resource.
pub fn availability_cursor(span: &Span, filter: &Filter, only_free: bool, resource: &Resource) -> String {
    encode_cursor(filters(resource.tenant_id, span, filter, only_free), &position(resource))
}

fn filters(tenant_id: TenantId, span: &Span, filter: &Filter, only_free: bool) -> u64 {
    filter_hash(&("availability", tenant_id, span, filter, only_free))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + hour * 3600, 0).unwrap()
    }

    fn span(from: i64, to: i64) -> Span {
        Span { from: at(from), to: at(to) }
    }

    #[test]
    fn busy_spans_are_cut_ordered_and_joined_with_their_neighbours() {
        let busy =
            merged(span(0, 10), vec![at(8), at(3), at(-2), at(2), at(5)], vec![at(12), at(4), at(1), at(3), at(5)]);
        assert_eq!(busy, [span(0, 1), span(2, 4), span(8, 10)]);
    }

    #[test]
    fn a_span_has_a_direction_and_a_limit() {
        assert_eq!(check(span(1, 1)).unwrap_err().kind(), kernel::Kind::Malformed);
        assert!(check(span(0, 92 * 24)).is_ok());
        assert_eq!(check(span(0, 92 * 24 + 1)).unwrap_err().code(), "span_too_long");
    }
}
