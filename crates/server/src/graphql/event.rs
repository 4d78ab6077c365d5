use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::connection::{Connection, Edge};
use async_graphql::parser::types::Field;
use async_graphql::{Context, ID, Lookahead, Object, OutputType, Positioned, Result, ScalarType, SimpleObject};
use attendees::Guest;
use chrono::{DateTime, NaiveDateTime, Utc};
use events::{Happening, View};
use kernel::{CalendarId, EventId, Failure, Limit};
use koyomi::{Expand, Listed, Scope};
use recurrence::Moment;
use store::Epoch;

use super::asked::Asked;
use super::calendar::Calendar;
use super::error::Told;
use super::guest::Attendee;
use super::resource::Reservation;
use super::scalar::{EventStatus, EventTime, EventTransparency, EventView, EventVisibility, LocalDateTime};
use super::straight::{At, Columns, Page, Straight, Write, instant, list, maybe, put, text, word};
use super::user::{Brief, Known, User};

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
        let Happening { event, organizer_address, organizer_name, organizer_avatar_url, .. } = &self.happening;
        let (email, name) = (organizer_address.clone(), organizer_name.clone());
        if email.is_none() && name.is_none() {
            return None;
        }
        let brief =
            email.clone().map(|email| Brief { email, name: name.clone(), avatar_url: organizer_avatar_url.clone() });
        Some(Organizer { email, name, user: event.organizer_id.map(|id| User::new(id, brief)) })
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
        let all = guests.map(Vec::as_slice).filter(|_| self.is_full()).unwrap_or_default();
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
        let booked = booked.map(Vec::as_slice).filter(|_| self.is_full()).unwrap_or_default();
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

/// The fields above that have nothing to wait for.
impl<'a> Straight<'a> for &'a Event {
    fn type_name() -> Cow<'static, str> {
        <Event as OutputType>::type_name()
    }

    fn column(field: &'a Positioned<Field>, at: At<'a>) -> Option<Write<'a, Self>> {
        let below = &field.node.selection_set.node;
        Some(match field.node.name.node.as_str() {
            "id" => Box::new(|event: Self, out| put(event.node_id(), out)),
            "eventId" => Box::new(|event: Self, out| text(event.happening.event.id.0, out)),
            "calendar" => {
                let columns = Columns::of(below, at)?;
                Box::new(move |event: Self, out| columns.write(InCalendar(event.happening.event.calendar_id), out))
            }
            "uid" => Box::new(|event: Self, out| put(event.shown(&event.happening.event.uid), out)),
            "title" => Box::new(|event: Self, out| put(event.shown(&event.happening.event.title), out)),
            "description" => Box::new(|event: Self, out| put(&event.happening.event.description, out)),
            "location" => Box::new(|event: Self, out| put(&event.happening.event.location, out)),
            "status" => Box::new(|event: Self, out| word(EventStatus::from(event.happening.event.status), out)),
            "visibility" => {
                Box::new(|event: Self, out| word(EventVisibility::from(event.happening.event.visibility), out))
            }
            "transparency" => {
                Box::new(|event: Self, out| word(EventTransparency::from(event.happening.event.transparency), out))
            }
            "start" => {
                let columns = Columns::of(below, at)?;
                Box::new(move |event: Self, out| columns.write(When(&event.happening, Happening::start), out))
            }
            "end" => {
                let columns = Columns::of(below, at)?;
                Box::new(move |event: Self, out| columns.write(When(&event.happening, Happening::end), out))
            }
            "startTime" => Box::new(|event: Self, out| instant(event.happening.start_time, out)),
            "endTime" => Box::new(|event: Self, out| instant(event.happening.end_time, out)),
            "recurrence" => Box::new(|event: Self, out| put(&event.happening.event.recurrence, out)),
            "originalStart" => Box::new(|event: Self, out| put(event.which().map(|at| at.to_value()), out)),
            "organizer" => {
                let columns = Columns::of(below, at)?;
                Box::new(move |event: Self, out| maybe(&columns, Called::of(event), out))
            }
            "attendeeCount" => Box::new(|event: Self, out| put(event.happening.attendee_count, out)),
            "attendees" => {
                let (first, after) =
                    (at.argument::<Option<u16>>(field, "first")?, at.argument::<Option<ID>>(field, "after")?);
                // What is out of bounds, and what goes on after somebody, is for the executor.
                if !first.is_none_or(|first| (1..=Limit::MAX).contains(&first)) || after.is_some() {
                    return None;
                }
                let (first, columns) = (usize::from(first.unwrap_or(Limit::DEFAULT)), Columns::of(below, at)?);
                Box::new(move |event: Self, out| {
                    let guests = event.guests.as_deref()?;
                    let all = if event.is_full() { guests } else { &[] };
                    let nodes = all.get(..first).unwrap_or(all);
                    let has_next_page = all.len() > first;
                    let cursor = |(): &(), guest: &Guest| guest.id.0.to_string();
                    let page = Page { nodes, has_previous_page: false, has_next_page, whole: &(), cursor };
                    columns.write(page, out)
                })
            }
            "reservations" => {
                let columns = Columns::of(below, at)?;
                Box::new(move |event: Self, out| {
                    let booked = event.booked.as_deref()?;
                    let all = if event.is_full() { booked } else { &[] };
                    list(all, out, |reservation, out| columns.write(reservation, out))
                })
            }
            "roomName" => Box::new(|event: Self, out| put(&event.happening.room_name, out)),
            "sequence" => Box::new(|event: Self, out| put(event.happening.event.sequence, out)),
            "createdAt" => Box::new(|event: Self, out| {
                put(event.shown(event.happening.event.created_at).map(|at| at.to_value()), out)
            }),
            "updatedAt" => Box::new(|event: Self, out| {
                put(event.shown(event.happening.event.updated_at).map(|at| at.to_value()), out)
            }),
            "view" => {
                Box::new(|event: Self, out| word(EventView::from(event.happening.view.unwrap_or(View::Busy)), out))
            }
            "etag" => Box::new(|event: Self, out| put(event.epoch.tag(event.happening.event.seq), out)),
            _ => return None,
        })
    }
}

/// The calendar of an event, as far as the event tells.
#[derive(Clone, Copy)]
struct InCalendar(CalendarId);

impl<'a> Straight<'a> for InCalendar {
    fn type_name() -> Cow<'static, str> {
        <Calendar as OutputType>::type_name()
    }

    fn column(field: &'a Positioned<Field>, _: At<'a>) -> Option<Write<'a, Self>> {
        match field.node.name.node.as_str() {
            "id" => Some(Box::new(|Self(id), out| text(id.0, out))),
            _ => None,
        }
    }
}

/// When it starts, or ends.
#[derive(Clone, Copy)]
struct When<'a>(&'a Happening, fn(&Happening) -> kernel::Result<Moment>);

impl When<'_> {
    fn time(self) -> Option<EventTime> {
        self.1(self.0).ok().map(EventTime::from)
    }
}

impl<'a> Straight<'a> for When<'a> {
    fn type_name() -> Cow<'static, str> {
        <EventTime as OutputType>::type_name()
    }

    fn column(field: &'a Positioned<Field>, _: At<'a>) -> Option<Write<'a, Self>> {
        Some(match field.node.name.node.as_str() {
            "date" => Box::new(|when: Self, out| put(when.time()?.date.map(|day| day.to_value()), out)),
            "dateTime" => Box::new(|when: Self, out| put(when.time()?.date_time.map(|at| at.to_value()), out)),
            "timeZone" => Box::new(|when: Self, out| put(when.time()?.time_zone, out)),
            _ => return None,
        })
    }
}

/// An [`Organizer`] where it stands.
#[derive(Clone, Copy)]
struct Called<'a> {
    email: Option<&'a str>,
    name: Option<&'a str>,
    user: Option<Known<'a>>,
}

impl<'a> Called<'a> {
    fn of(event: &'a Event) -> Option<Self> {
        let Happening { event, organizer_address, organizer_name, organizer_avatar_url, .. } = &event.happening;
        let (email, name) = (organizer_address.as_deref(), organizer_name.as_deref());
        if email.is_none() && name.is_none() {
            return None;
        }
        let avatar_url = organizer_avatar_url.as_deref();
        Some(Self { email, name, user: event.organizer_id.map(|id| Known { id, email, name, avatar_url }) })
    }
}

impl<'a> Straight<'a> for Called<'a> {
    fn type_name() -> Cow<'static, str> {
        <Organizer as OutputType>::type_name()
    }

    fn column(field: &'a Positioned<Field>, at: At<'a>) -> Option<Write<'a, Self>> {
        Some(match field.node.name.node.as_str() {
            "email" => Box::new(|called: Self, out| put(called.email, out)),
            "name" => Box::new(|called: Self, out| put(called.name, out)),
            "user" => {
                let columns = Columns::of(&field.node.selection_set.node, at)?;
                Box::new(move |called: Self, out| maybe(&columns, called.user, out))
            }
            _ => return None,
        })
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
