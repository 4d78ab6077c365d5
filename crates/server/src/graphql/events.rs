//! Lists of occurrences.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::connection::{Connection, Edge};
use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{Context, ContextSelectionSet, Object, OutputType, Positioned, Result, ServerResult, Value};
use cache::Answer;
use chrono::{DateTime, Utc};
use kernel::{CalendarId, Caller, Failure, Limit, UserId};
use koyomi::{Expand, Listed, Listing, Scope};
use store::Epoch;

use super::asked::Asked;
use super::error::Told;
use super::event::{Event, expand, items};
use super::straight::{At, Page, Straight, Write, put};

/// A page of occurrences.
pub(super) struct EventConnection {
    events: Vec<Event>,
    has_previous_page: bool,
    has_next_page: bool,
    whole: Whole,
}

/// What the schema and the executor know it as.
type Resolved<'a> = Connection<String, &'a Event, &'a Whole>;

impl OutputType for EventConnection {
    fn type_name() -> Cow<'static, str> {
        <Resolved<'_> as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Resolved::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let Self { events, has_previous_page, has_next_page, whole } = self;
        let (has_previous_page, has_next_page) = (*has_previous_page, *has_next_page);
        let page = Page { nodes: events, has_previous_page, has_next_page, whole, cursor: Whole::cursor };
        if let Some(written) = page.written(ctx) {
            return Ok(written);
        }
        let mut connection = Resolved::with_additional_fields(has_previous_page, has_next_page, whole);
        connection.edges = events.iter().map(|event| Edge::new(whole.cursor(event), event)).collect();
        connection.resolve(ctx, field).await
    }
}

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
    ids.sort_unstable();
    ids.dedup();
    let whole = Whole { token: Some(koyomi::place(&answer)), of: Of::Calendars(ids), listing };
    Ok(connection(Arc::unwrap_or_clone(answer.value), answer.epoch, whole))
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
    let whole = Whole { token: None, of: Of::Agenda(caller), listing };
    Ok(connection(listed, asked.app().koyomi.store.epoch(), whole))
}

/// What somebody called or is invited to, as far as the caller sees that.
pub(super) async fn of_user(ctx: &Context<'_>, user: UserId, window: Window) -> Result<EventConnection> {
    let (asked, listing) = (Asked::of(ctx), window.listing(below(ctx)).told()?);
    let caller = asked.app().koyomi.caller(asked.asker().told()?, true).await.told()?;
    let listed = asked.app().koyomi.list_events_of(&caller, user, &listing).await.told()?;
    let whole = Whole { token: None, of: Of::User(caller, user), listing };
    Ok(connection(listed, asked.app().koyomi.store.epoch(), whole))
}

fn connection(listed: Listed, epoch: Epoch, whole: Whole) -> EventConnection {
    let (more, came_from) = (listed.page.next_cursor.is_some(), whole.listing.cursor.is_some());
    let (has_previous_page, has_next_page) = if whole.listing.backward { (more, came_from) } else { (came_from, more) };
    EventConnection { events: items(listed, epoch), has_previous_page, has_next_page, whole }
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

impl Whole {
    /// Where the list goes on after this one.
    fn cursor(&self, event: &Event) -> String {
        match &self.of {
            Of::Calendars(ids) => koyomi::event_cursor(ids, &self.listing, &event.happening),
            Of::Agenda(caller) => koyomi::agenda_cursor(caller.user_id, &self.listing, &event.happening),
            Of::User(_, user) => koyomi::of_user_cursor(*user, &self.listing, &event.happening),
        }
    }
}

impl<'a> Straight<'a> for &'a Whole {
    fn type_name() -> Cow<'static, str> {
        <Whole as OutputType>::type_name()
    }

    fn column(field: &'a Positioned<Field>, _: At<'a>) -> Option<Write<'a, Self>> {
        match field.node.name.node.as_str() {
            "token" => Some(Box::new(|whole: Self, out| put(&whole.token, out))),
            _ => None,
        }
    }
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
