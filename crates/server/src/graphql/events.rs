//! Lists of occurrences.

use std::sync::Arc;

use async_graphql::connection::{Connection, Edge};
use async_graphql::{Context, Object, Result};
use cache::Answer;
use chrono::{DateTime, Utc};
use events::Happening;
use kernel::{CalendarId, Caller, Failure, Limit, UserId};
use koyomi::{Expand, Listed, Listing, Scope};
use store::Epoch;

use super::asked::Asked;
use super::error::Told;
use super::event::{Event, expand, items};

pub(super) type EventConnection = Connection<String, Event, Whole>;

/// What a list of occurrences is asked for with.
#[derive(Default)]
pub(super) struct Window {
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
    pub q: Option<String>,
    pub first: Option<u16>,
    pub after: Option<String>,
    pub last: Option<u16>,
    pub before: Option<String>,
}

impl Window {
    fn listing(self, expand: Expand) -> kernel::Result<Listing> {
        let Self { from, to, q, first, after, last, before } = self;
        let (forward, backward) = (first.is_some() || after.is_some(), last.is_some() || before.is_some());
        if forward && backward {
            return Err(Failure::malformed("/last", "goes with before, as first goes with after; ask for either"));
        }
        // As in REST: words of nothing search for nothing.
        let q = q.filter(|q| !q.is_empty());
        let (limit, cursor) = if backward { (last, before) } else { (first, after) };
        Ok(Listing { from, to, q, limit: Limit::new(limit.map(i64::from))?, cursor, backward, expand })
    }
}

/// As a connection and as a plain list of nodes.
fn below(ctx: &Context<'_>) -> Expand {
    let (nodes, edges) =
        (expand(&ctx.look_ahead().field("nodes")), expand(&ctx.look_ahead().field("edges").field("node")));
    Expand { attendees: nodes.attendees || edges.attendees, resources: nodes.resources || edges.resources }
}

/// The occurrences of these calendars as one list.
pub(super) async fn list(ctx: &Context<'_>, mut ids: Vec<CalendarId>, window: Window) -> Result<EventConnection> {
    let (asked, listing) = (Asked::of(ctx), window.listing(below(ctx)).told()?);
    let answer = listed(asked, &ids, &listing).await.told()?;
    let whole = Whole { token: Some(koyomi::place(&answer)), of: Of::Calendars(ids.clone()), listing: listing.clone() };
    ids.sort_unstable();
    ids.dedup();
    let cursor = |happening: &Happening| koyomi::event_cursor(&ids, &listing, happening);
    Ok(connection(Arc::unwrap_or_clone(answer.value), answer.epoch, whole, cursor))
}

async fn listed(asked: &Asked, ids: &[CalendarId], listing: &Listing) -> kernel::Result<Answer<Listed>> {
    // Those beside it have another cursor.
    if let ([id], None, false) = (ids, &listing.cursor, listing.backward)
        && let Some(group) = asked.group(*id)
        && let Some(answer) = group.events(asked, *id, listing).await?
    {
        return Ok(answer);
    }
    asked
        .read(
            Scope::Calendars(ids.to_vec()),
            |koyomi, opened| async move { koyomi.list_events(&opened, listing).await },
        )
        .await
}

/// The caller's calendars and what he is invited to in others.
pub(super) async fn agenda(ctx: &Context<'_>, window: Window) -> Result<EventConnection> {
    let (asked, listing) = (Asked::of(ctx), window.listing(below(ctx)).told()?);
    let caller = asked.app().koyomi.caller(asked.asker().told()?, true).await.told()?;
    let listed = asked.app().koyomi.list_agenda(&caller, &listing).await.told()?;
    let whole = Whole { token: None, of: Of::Agenda(Arc::clone(&caller)), listing: listing.clone() };
    let cursor = |happening: &Happening| koyomi::agenda_cursor(caller.user_id, &listing, happening);
    Ok(connection(listed, asked.app().koyomi.store.epoch(), whole, cursor))
}

/// What somebody called or is invited to, as far as the caller sees that.
pub(super) async fn of_user(ctx: &Context<'_>, user: UserId, window: Window) -> Result<EventConnection> {
    let (asked, listing) = (Asked::of(ctx), window.listing(below(ctx)).told()?);
    let caller = asked.app().koyomi.caller(asked.asker().told()?, true).await.told()?;
    let listed = asked.app().koyomi.list_events_of(&caller, user, &listing).await.told()?;
    let whole = Whole { token: None, of: Of::User(caller, user), listing: listing.clone() };
    let cursor = |happening: &Happening| koyomi::of_user_cursor(user, &listing, happening);
    Ok(connection(listed, asked.app().koyomi.store.epoch(), whole, cursor))
}

fn connection(listed: Listed, epoch: Epoch, whole: Whole, cursor: impl Fn(&Happening) -> String) -> EventConnection {
    let (more, came_from) = (listed.page.next_cursor.is_some(), whole.listing.cursor.is_some());
    let (before, after) = if whole.listing.backward { (more, came_from) } else { (came_from, more) };
    let mut connection = Connection::with_additional_fields(before, after, whole);
    let edge = |event: Event| Edge::new(cursor(&event.happening), event);
    connection.edges = items(listed, epoch).into_iter().map(edge).collect();
    connection
}

/// What is true of the whole list, whichever page of it this is.
pub(super) struct Whole {
    token: Option<String>,
    of: Of,
    listing: Listing,
}

enum Of {
    Calendars(Vec<CalendarId>),
    Agenda(Arc<Caller>),
    User(Arc<Caller>, UserId),
}

#[Object]
impl Whole {
    /// The place in the history of its calendars that this page shows: `calendarChanged(since:)` goes on from there, and
    /// nothing in between is missed. Null in lists that are not of chosen calendars.
    async fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Items on all pages together. Counted only when it is asked for, with a statement of its own. Null, with
    /// an error, where there are more than can be counted.
    #[graphql(complexity = "100 + child_complexity")]
    async fn total_count(&self, ctx: &Context<'_>) -> Option<Result<i64>> {
        let (asked, listing) = (Asked::of(ctx), &self.listing);
        let count = async {
            match &self.of {
                Of::Calendars(ids) => {
                    let scope = Scope::Calendars(ids.clone());
                    let count = asked
                        .read(scope, |koyomi, opened| async move { koyomi.count_events(&opened, listing).await })
                        .await;
                    Ok(*count?.value)
                }
                Of::Agenda(caller) => asked.app().koyomi.count_agenda(caller, listing).await,
                Of::User(caller, user) => asked.app().koyomi.count_events_of(caller, *user, listing).await,
            }
        };
        Some(count.await.told())
    }
}
