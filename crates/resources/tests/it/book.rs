//! Bookings and what stands in their way.

use chrono::TimeDelta;
use kernel::{EventId, Failure, Kind, Limit, ResourceId, Span};
use resources::{Booking, Reservation, ReservationStatus};
use store::Batch;

use crate::keep::{a_room, create, delete, room};
use crate::support::{World, statements, the_day};

/// The `n`th hour of the day.
pub(crate) fn hour(n: i64) -> Span {
    let from = the_day() + TimeDelta::hours(n);
    Span { from, to: from + TimeDelta::hours(1) }
}

pub(crate) fn booking(world: &World, resource_id: ResourceId, span: Span) -> Booking {
    Booking {
        reservation_id: world.ids.mint(),
        resource_id,
        original_start: span.from.naive_utc(),
        start_time: span.from,
        end_time: span.to,
    }
}

pub(crate) async fn reserve(world: &World, event: EventId, bookings: &[Booking]) -> Result<Vec<Reservation>, Failure> {
    let mut tx = world.store.begin().await.unwrap();
    let now = tx.now();
    let made = resources::reserve_in(tx.conn(), world.tenant, event, now, bookings).await?;
    tx.commit(|_| made).await
}

pub(crate) async fn booked(world: &World, event: EventId) -> Vec<Reservation> {
    resources::list_many(&mut world.conn().await, &[event]).await.unwrap().remove(&event).unwrap_or_default()
}

#[tokio::test]
async fn a_booking_answers_what_a_read_shows() {
    let world = World::new().await;
    let event = world.event().await;
    let (fuji, tate) = (a_room(&world, "Fuji").await, a_room(&world, "Tate").await);
    let asked = [booking(&world, tate, hour(2)), booking(&world, fuji, hour(1))];
    let made = reserve(&world, event, &asked).await.unwrap();
    assert_eq!(made, booked(&world, event).await);
    assert_eq!(
        made[0],
        Reservation {
            id: asked[1].reservation_id,
            resource_id: fuji,
            resource_name: "Fuji".into(),
            event_id: event,
            original_start: hour(1).from.naive_utc(),
            start_time: hour(1).from,
            end_time: hour(1).to,
            status: ReservationStatus::Confirmed,
        }
    );
    let mut conn = world.conn().await;
    let found = resources::find_reservation_in(&mut conn, event, made[1].id).await.unwrap();
    assert_eq!(found, made[1]);
    let other = world.event().await;
    let hidden = resources::find_reservation_in(&mut conn, other, made[1].id).await.unwrap_err();
    assert_eq!(hidden.kind(), Kind::NotFound);
}

#[tokio::test]
async fn an_unknown_resource_is_named_by_its_place() {
    let world = World::new().await;
    let event = world.event().await;
    let fuji = a_room(&world, "Fuji").await;
    let gone = a_room(&world, "Gone").await;
    delete(&world, gone).await.unwrap();
    let elsewhere = world.tenant("other").await;
    let foreign = create(&world, elsewhere, &room(&world, "Foreign")).await.id;
    let unknown: ResourceId = world.ids.mint();
    let mut asked = Vec::new();
    for day in 0..3 {
        for id in [fuji, gone, foreign, unknown] {
            asked.push(booking(&world, id, hour(day * 24)));
        }
    }
    let refused = reserve(&world, event, &asked).await.unwrap_err();
    let pointers: Vec<&str> = refused.errors().iter().map(|v| v.pointer.as_str()).collect();
    assert_eq!(refused.kind(), Kind::Invalid);
    assert_eq!(pointers, ["/resources/1", "/resources/2", "/resources/3"]);
    assert!(booked(&world, event).await.is_empty(), "all or nothing");
}

#[tokio::test]
async fn back_to_back_is_no_conflict() {
    let world = World::new().await;
    let events = world.events(3).await;
    let fuji = a_room(&world, "Fuji").await;
    for (n, event) in (0..).zip(&events) {
        reserve(&world, *event, &[booking(&world, fuji, hour(n))]).await.unwrap();
    }
}

#[tokio::test]
async fn a_microsecond_of_overlap_is_a_conflict() {
    let world = World::new().await;
    let events = world.events(2).await;
    let fuji = a_room(&world, "Fuji").await;
    reserve(&world, events[0], &[booking(&world, fuji, hour(1))]).await.unwrap();
    let mut early = hour(0);
    early.to += TimeDelta::microseconds(1);
    let refused = reserve(&world, events[1], &[booking(&world, fuji, early)]).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (Kind::Conflict, "resource_conflict"));
}

#[tokio::test]
async fn a_moment_takes_nothing_from_anybody() {
    let world = World::new().await;
    let events = world.events(2).await;
    let fuji = a_room(&world, "Fuji").await;
    reserve(&world, events[0], &[booking(&world, fuji, hour(1))]).await.unwrap();
    let mut moment = hour(1);
    moment.from += TimeDelta::minutes(30);
    moment.to = moment.from;
    reserve(&world, events[1], &[booking(&world, fuji, moment)]).await.unwrap();
}

#[tokio::test]
async fn many_may_use_what_is_not_exclusive() {
    let world = World::new().await;
    let events = world.events(3).await;
    let mut new = room(&world, "Bridge");
    new.exclusive = false;
    new.capacity = Some(1);
    let bridge = create(&world, world.tenant, &new).await.id;
    for event in &events {
        reserve(&world, *event, &[booking(&world, bridge, hour(1))]).await.unwrap();
    }
}

#[tokio::test]
async fn a_conflict_names_the_occurrence_in_the_way_and_its_event_only_to_who_may_see_it() {
    let world = World::new().await;
    let events = world.events(3).await;
    let (fuji, tate) = (a_room(&world, "Fuji").await, a_room(&world, "Tate").await);
    let weekly: Vec<Booking> = (0..10).map(|week| booking(&world, fuji, hour(week * 168))).collect();
    reserve(&world, events[0], &weekly).await.unwrap();
    reserve(&world, events[1], &[booking(&world, tate, hour(72))]).await.unwrap();

    // Daily in both rooms: meets the weekly one on days 0 and 7 and the single one on day 3.
    let daily: Vec<Booking> =
        (0..10).flat_map(|day| [fuji, tate].map(|id| booking(&world, id, hour(day * 24)))).collect();
    let refused = reserve(&world, events[2], &daily).await.unwrap_err();
    assert_eq!(refused.code(), "resource_conflict");

    let mut conn = world.conn().await;
    let (blockers, cost) = statements(resources::conflicts(&mut conn, world.tenant, None, &[], &daily)).await;
    let blockers = blockers.unwrap();
    assert_eq!(cost, 1);
    let seen: Vec<_> = blockers.iter().map(|b| (b.resource_id, b.start_time, b.event_id)).collect();
    assert_eq!(
        seen,
        [
            (fuji, hour(0).from, Some(events[0])),
            (tate, hour(72).from, Some(events[1])),
            (fuji, hour(168).from, Some(events[0])),
        ]
    );
    assert!(blockers.iter().all(|b| b.calendar_id == Some(world.calendar)));
    let failure = resources::overlap_failure(blockers, |blocker| blocker.event_id == Some(events[1]));
    assert_eq!((failure.kind(), failure.code()), (Kind::Conflict, "resource_conflict"));
    let told: Vec<_> = failure.conflicts().iter().map(|c| c.event_id).collect();
    assert_eq!(told, [None, Some(events[1].0), None]);

    let own = resources::conflicts(&mut conn, world.tenant, Some(events[0]), &[], &weekly).await.unwrap();
    assert!(own.is_empty(), "an event does not stand in its own way");
    let elsewhere = world.tenant("other").await;
    let hidden = resources::conflicts(&mut conn, elsewhere, None, &[], &daily).await.unwrap();
    assert!(hidden.is_empty(), "another tenant learns nothing");
}

#[tokio::test]
async fn a_series_that_overlaps_itself_is_told_so() {
    let world = World::new().await;
    let event = world.event().await;
    let fuji = a_room(&world, "Fuji").await;
    let long: Vec<Booking> = (0..3)
        .map(|day| {
            let from = hour(day * 24).from;
            booking(&world, fuji, Span { from, to: from + TimeDelta::hours(25) })
        })
        .collect();
    let refused = reserve(&world, event, &long).await.unwrap_err();
    assert_eq!(refused.code(), "resource_conflict");
    let blockers = resources::conflicts(&mut world.conn().await, world.tenant, None, &[], &long).await.unwrap();
    let seen: Vec<_> = blockers.iter().map(|b| (b.start_time, b.event_id)).collect();
    assert_eq!(seen, [(hour(24).from, None), (hour(48).from, None)]);
    let failure = resources::overlap_failure(blockers, |_| true);
    assert!(failure.message().contains("each other"), "{}", failure.message());
}

#[tokio::test]
async fn what_is_released_is_free_again() {
    let world = World::new().await;
    let events = world.events(3).await;
    let fuji = a_room(&world, "Fuji").await;
    let days: Vec<Booking> = (0..4).map(|day| booking(&world, fuji, hour(day * 24))).collect();
    let made = reserve(&world, events[0], &days).await.unwrap();
    let mut conn = world.conn().await;

    let withdrawn = resources::release_in(&mut conn, events[0], made[0].id).await.unwrap();
    assert_eq!(withdrawn.status, ReservationStatus::Cancelled);
    reserve(&world, events[1], &[booking(&world, fuji, hour(0))]).await.unwrap();
    let foreign = resources::release_in(&mut conn, events[1], made[1].id).await.unwrap_err();
    assert_eq!(foreign.kind(), Kind::NotFound);

    let mut batch = Batch::new();
    resources::release_occurrences_part(&mut batch, events[0], &[hour(24).from.naive_utc()]);
    batch.run(&mut conn).await.unwrap();
    assert_eq!(booked(&world, events[0]).await.len(), 3);
    reserve(&world, events[1], &[booking(&world, fuji, hour(24))]).await.unwrap();

    let mut batch = Batch::new();
    resources::release_part(&mut batch, &[events[0], events[2]]);
    batch.run(&mut conn).await.unwrap();
    assert!(booked(&world, events[0]).await.is_empty());
    assert_eq!(booked(&world, events[1]).await.len(), 2);
    reserve(&world, events[2], &days[2..]).await.unwrap();
}

#[tokio::test]
async fn reservations_are_read_by_event_by_occurrence_and_in_pages() {
    let world = World::new().await;
    let events = world.events(2).await;
    let (fuji, tate) = (a_room(&world, "Fuji").await, a_room(&world, "Tate").await);
    let series: Vec<Booking> =
        (0..30).flat_map(|day| [fuji, tate].map(|id| booking(&world, id, hour(day * 24)))).collect();
    reserve(&world, events[0], &series).await.unwrap();
    reserve(&world, events[1], &[booking(&world, tate, hour(1))]).await.unwrap();
    let mut conn = world.conn().await;

    let keys = [
        (events[0], hour(48).from.naive_utc()),
        (events[0], hour(48).from.naive_utc()),
        (events[1], hour(1).from.naive_utc()),
        (events[1], hour(2).from.naive_utc()),
    ];
    let (lists, cost) = statements(resources::list_for_occurrences(&mut conn, &keys)).await;
    let lists = lists.unwrap();
    assert_eq!((lists.len(), cost), (2, 1));
    assert_eq!(lists[&keys[0]].len(), 2);
    assert_eq!(lists[&keys[2]][0].resource_name, "Tate");

    let summary = resources::booked_many(&mut conn, &events).await.unwrap();
    let of_series: Vec<_> = summary[&events[0]].iter().map(|b| (b.resource_name.as_str(), b.reservations)).collect();
    assert_eq!(of_series, [("Fuji", 30), ("Tate", 30)]);

    let mut cursor = None;
    let mut walked = Vec::new();
    loop {
        let limit = Limit::new(Some(7)).unwrap();
        let page = resources::page(&mut conn, events[0], limit, cursor.as_deref()).await.unwrap();
        walked.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(walked, booked(&world, events[0]).await);
    assert_eq!(walked.len(), 60);
}
