//! The fields of an event that have nothing to wait for.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::{ID, OutputType, Positioned, ScalarType};
use attendees::Guest;
use events::{Happening, View};
use kernel::{CalendarId, Limit};
use recurrence::Moment;

use super::{Event, Organizer};
use crate::graphql::calendar::Calendar;
use crate::graphql::scalar::{EventStatus, EventTime, EventTransparency, EventView, EventVisibility};
use crate::graphql::straight::{At, Columns, Page, Straight, Write, instant, list, maybe, put, text, word};
use crate::graphql::user::Known;

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
                    let all = event.shown(guests).unwrap_or_default();
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
                    let all = event.shown(booked).unwrap_or_default();
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
pub(super) struct Called<'a> {
    pub email: Option<&'a str>,
    pub name: Option<&'a str>,
    pub user: Option<Known<'a>>,
}

impl<'a> Called<'a> {
    pub(super) fn of(event: &'a Event) -> Option<Self> {
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
