mod straight;

use std::sync::Arc;

use async_graphql::connection::{Connection, Edge};
use async_graphql::{Context, ID, Lookahead, Object, Result, SimpleObject};
use attendees::Guest;
use chrono::{DateTime, NaiveDateTime, Utc};
use events::{Happening, View};
use kernel::{EventId, Failure, Limit};
use koyomi::{Expand, Listed, Scope};
use store::Epoch;

use self::straight::Called;
use super::asked::Asked;
use super::calendar::Calendar;
use super::error::Told;
use super::guest::Attendee;
use super::resource::Reservation;
use super::scalar::{EventStatus, EventTime, EventTransparency, EventView, EventVisibility, LocalDateTime};
use super::user::User;

/// What is asked for below each item.
pub(super) fn expand(items: &Lookahead<'_>) -> Expand {
    Expand { attendees: items.field("attendees").exists(), resources: items.field("reservations").exists() }
}

/// The items of a list, each with what was loaded along.
pub(super) fn items(listed: Listed, epoch: Epoch) -> Vec<Event> {
    let Listed { page, attendees, mut reservations } = listed;
    let event = |happening: Happening| {
        let (id, at) = (happening.event.id, happening.original_start);
        // The occurrences of a series share their guests.
        let guests = attendees.as_ref().map(|all| all.get(&id).cloned().unwrap_or_default());
        let booked = reservations.as_mut().map(|all| all.remove(&(id, at)).unwrap_or_default());
        Event { happening, epoch, guests, booked }
    };
    page.items.into_iter().map(event).collect()
}

/// One happening of an event. Lists show each occurrence of a series as one.
///
/// Who sees only free/busy gets `view: BUSY`: when it is and whether it takes up time, the rest null or empty.
#[derive(Clone)]
pub(super) struct Event {
    pub(super) happening: Happening,
    epoch: Epoch,
    guests: Option<Vec<Guest>>,
    booked: Option<Vec<resources::Reservation>>,
}

/// How an id names an occurrence.
const STAMP: &str = "%Y%m%dT%H%M%S";

/// Who called an event.
#[derive(SimpleObject)]
pub(super) struct Organizer {
    /// His address.
    email: Option<String>,
    /// His name.
    name: Option<String>,
    /// Null: not of the caller's organisation.
    user: Option<User>,
}

impl Event {
    /// As its writer sees it. What stands below it was not read along.
    pub(super) fn written(happening: Happening, epoch: Epoch) -> Self {
        Self { happening, epoch, guests: None, booked: None }
    }

    /// What was not read along.
    async fn alone(&self, ctx: &Context<'_>) -> kernel::Result<Self> {
        read(ctx, self.happening.event.id, Expand { attendees: true, resources: true }).await
    }

    fn is_full(&self) -> bool {
        self.happening.view == Some(View::Full)
    }

    /// What who sees only free/busy does not see.
    fn shown<T>(&self, value: T) -> Option<T> {
        self.is_full().then_some(value)
    }

    fn node_id(&self) -> String {
        let (id, at) = (self.happening.event.id.0, self.happening.original_start);
        if self.recurs() { format!("{id}_{}", at.format(STAMP)) } else { id.to_string() }
    }

    /// Which occurrence of its series.
    fn which(&self) -> Option<LocalDateTime> {
        self.recurs().then_some(LocalDateTime(self.happening.original_start))
    }

    fn recurs(&self) -> bool {
        let event = &self.happening.event;
        self.is_full() && (event.is_recurring() || event.recurring_event_id.is_some())
    }
}

#[Object]
impl Event {
    /// Of this occurrence: that of the event, and of a series also which occurrence, so that no two nodes share one.
    pub(super) async fn id(&self) -> ID {
        self.node_id().into()
    }

    /// Of the event, as REST has it; all occurrences of a series have the same.
    async fn event_id(&self) -> ID {
        self.happening.event.id.0.into()
    }

    /// Where it is.
    async fn calendar(&self) -> Calendar {
        Calendar::new(self.happening.event.calendar_id)
    }

    /// RFC 5545 UID.
    async fn uid(&self) -> Option<&str> {
        self.shown(&self.happening.event.uid).map(String::as_str)
    }

    /// What it is called.
    async fn title(&self) -> Option<&str> {
        self.shown(&self.happening.event.title).map(String::as_str)
    }

    /// What it is about.
    async fn description(&self) -> Option<&str> {
        self.happening.event.description.as_deref()
    }

    /// Where it happens.
    async fn location(&self) -> Option<&str> {
        self.happening.event.location.as_deref()
    }

    /// RFC 5545 §3.8.1.11
    async fn status(&self) -> EventStatus {
        self.happening.event.status.into()
    }

    /// RFC 5545 §3.8.1.3 (CLASS)
    async fn visibility(&self) -> EventVisibility {
        self.happening.event.visibility.into()
    }

    /// RFC 5545 §3.8.2.7
    async fn transparency(&self) -> EventTransparency {
        self.happening.event.transparency.into()
    }

    /// When it starts, in its own terms.
    async fn start(&self) -> Result<EventTime> {
        Ok(self.happening.start().told()?.into())
    }

    /// When it ends; exclusive for all-day events.
    async fn end(&self) -> Result<EventTime> {
        Ok(self.happening.end().told()?.into())
    }

    /// `start` in UTC.
    async fn start_time(&self) -> DateTime<Utc> {
        self.happening.start_time
    }

    /// `end` in UTC, exclusive.
    async fn end_time(&self) -> DateTime<Utc> {
        self.happening.end_time
    }

    /// RRULE, RDATE and EXDATE content lines (RFC 5545 §3.8.5).
    async fn recurrence(&self) -> &[String] {
        &self.happening.event.recurrence
    }

    /// Of an occurrence that was changed on its own: its series.
    async fn recurring_event_id(&self) -> Option<ID> {
        self.happening.event.recurring_event_id.map(|id| id.0.into())
    }

    /// Of a series that was split: what came before it.
    async fn previous_series_id(&self) -> Option<ID> {
        self.happening.event.previous_series_id.filter(|_| self.is_full()).map(|id| id.0.into())
    }

    /// Of a series that was split: what goes on after it.
    async fn next_series_id(&self) -> Option<ID> {
        self.happening.event.next_series_id.filter(|_| self.is_full()).map(|id| id.0.into())
    }

    /// Which occurrence of the series this is, in the series' wall time. Null where nothing recurs.
    async fn original_start(&self) -> Option<LocalDateTime> {
        self.which()
    }

    /// Who called it.
    async fn organizer(&self) -> Option<Organizer> {
        let Called { email, name, user } = Called::of(self)?;
        Some(Organizer { email: email.map(str::to_owned), name: name.map(str::to_owned), user: user.map(User::from) })
    }

    /// How many are invited.
    async fn attendee_count(&self) -> i64 {
        self.happening.attendee_count
    }

    /// Who is invited, the first `first` of them.
    #[graphql(complexity = "1 + usize::from(first.unwrap_or(50)) * child_complexity")]
    async fn attendees(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items, 1 to 500; 50 when absent.", validator(minimum = 1, maximum = 500))] first: Option<u16>,
        #[graphql(desc = "The cursor of the item before.")] after: Option<ID>,
    ) -> Result<Connection<String, Attendee>> {
        let alone = if self.guests.is_none() { self.alone(ctx).await.told()?.guests } else { None };
        let guests = self.guests.as_ref().or(alone.as_ref());
        let all = guests.and_then(|all| self.shown(all.as_slice())).unwrap_or_default();
        let skipped = after.map_or(0, |after| {
            let known = all.iter().position(|guest| guest.id.0.to_string() == after.as_str());
            known.map_or(all.len(), |at| at + 1)
        });
        let first = usize::from(first.unwrap_or(Limit::DEFAULT));
        let shown = all.iter().skip(skipped).take(first);
        let mut connection = Connection::new(skipped > 0, all.len() > skipped + first);
        connection.edges = shown.map(|guest| Edge::new(guest.id.0.to_string(), Attendee(guest.clone()))).collect();
        Ok(connection)
    }

    /// What this occurrence has booked.
    #[graphql(complexity = "1 + 2 * child_complexity")]
    async fn reservations(&self, ctx: &Context<'_>) -> Result<Vec<Reservation>> {
        let alone = if self.booked.is_none() { self.alone(ctx).await.told()?.booked } else { None };
        let booked = self.booked.as_ref().or(alone.as_ref());
        let booked = booked.and_then(|all| self.shown(all.as_slice())).unwrap_or_default();
        Ok(booked.iter().cloned().map(Reservation).collect())
    }

    /// The name of the first of its resources.
    async fn room_name(&self) -> Option<&str> {
        self.happening.room_name.as_deref()
    }

    /// RFC 5545 SEQUENCE.
    async fn sequence(&self) -> i32 {
        self.happening.event.sequence
    }

    /// When it was made.
    async fn created_at(&self) -> Option<DateTime<Utc>> {
        self.shown(self.happening.event.created_at)
    }

    /// When it last changed.
    async fn updated_at(&self) -> Option<DateTime<Utc>> {
        self.shown(self.happening.event.updated_at)
    }

    /// How much of it is shown.
    async fn view(&self) -> EventView {
        self.happening.view.unwrap_or(View::Busy).into()
    }

    /// For a change of this event.
    async fn etag(&self) -> String {
        self.epoch.tag(self.happening.event.seq)
    }
}

/// The id of one occurrence of a series, as [`Event::id`] gives it.
pub(super) fn occurrence_id(text: &str) -> Option<(EventId, NaiveDateTime)> {
    let (id, at) = text.split_once('_')?;
    Some((EventId(id.parse().ok()?), NaiveDateTime::parse_from_str(at, STAMP).ok()?))
}

/// One occurrence, with what is asked for below it; None: there is none.
pub(super) async fn find_occurrence(
    ctx: &Context<'_>,
    id: EventId,
    original_start: NaiveDateTime,
) -> kernel::Result<Option<Event>> {
    let (asked, below) = (Asked::of(ctx), expand(&ctx.look_ahead()));
    let koyomi = &asked.app().koyomi;
    let load = |opened| async move { koyomi.find_occurrence(&opened, id, original_start, below).await };
    let scope = Scope::Event(id);
    let first = asked.enter(scope.clone()).await?;
    let found = koyomi.reading(asked.asker()?, &scope, Some(first), load).await?;
    Ok(found.and_then(|listed| items(listed, asked.epoch()).pop()))
}

/// One event, with what is asked for below it.
pub(super) async fn find(ctx: &Context<'_>, id: EventId) -> kernel::Result<Event> {
    read(ctx, id, expand(&ctx.look_ahead())).await
}

async fn read(ctx: &Context<'_>, id: EventId, expand: Expand) -> kernel::Result<Event> {
    let asked = Asked::of(ctx);
    let found = asked
        .read(Scope::Event(id), |koyomi, opened| async move { koyomi.find_event(&opened, id, expand).await })
        .await?;
    let epoch = found.epoch;
    items(Arc::unwrap_or_clone(found.value), epoch).pop().ok_or_else(|| Failure::not_found("event"))
}
