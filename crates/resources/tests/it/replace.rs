//! What an event has booked, made anew.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use kernel::{EventId, Failure, Kind, ReservationId, Span};
use resources::{Booking, Reservation, ReservationStatus};
use store::Batch;

use crate::book::{booked, booking, hour, reserve};
use crate::keep::a_room;
use crate::support::{World, statements};

async fn replace(world: &World, event: EventId, bookings: &[Booking]) -> Result<Vec<Reservation>, Failure> {
    let mut tx = world.store.begin().await.unwrap();
    let now = tx.now();
    let made = resources::replace_in(tx.conn(), world.tenant, event, now, bookings).await?;
    tx.commit(|_| made).await
}

fn ids(reservations: &[Reservation]) -> BTreeSet<ReservationId> {
    reservations.iter().map(|r| r.id).collect()
}

/// Asked for again: a caller mints an id for each booking and does not know which ones exist.
fn again(world: &World, bookings: &[Booking]) -> Vec<Booking> {
    bookings.iter().map(|b| Booking { reservation_id: world.ids.mint(), ..*b }).collect()
}

#[tokio::test]
async fn unchanged_occurrences_keep_their_reservations() {
    let world = World::new().await;
    let events = world.events(2).await;
    let (fuji, tate) = (a_room(&world, "Fuji").await, a_room(&world, "Tate").await);
    let days: Vec<Booking> = (0..6).map(|day| booking(&world, fuji, hour(day * 24))).collect();
    let before = reserve(&world, events[0], &days).await.unwrap();
    let untouched = reserve(&world, events[1], &[booking(&world, fuji, hour(5))]).await.unwrap();

    // Day 0 goes, day 1 ends later, days 2 to 5 stay, day 6 comes, and all get a second room.
    let mut wanted = again(&world, &days[1..]);
    wanted[0].end_time += TimeDelta::minutes(30);
    wanted.push(booking(&world, fuji, hour(6 * 24)));
    let second: Vec<Booking> = wanted.iter().map(|b| Booking { resource_id: tate, ..*b }).collect();
    wanted.extend(again(&world, &second));

    let mut conn = world.conn().await;
    let work = resources::replace_in(&mut conn, world.tenant, events[0], world.now(), &wanted);
    let (after, cost) = statements(work).await;
    let after = after.unwrap();
    assert_eq!(cost, 1);
    assert_eq!(after, booked(&world, events[0]).await);
    assert_eq!(after.len(), 12);
    let in_fuji: Vec<&Reservation> = after.iter().filter(|r| r.resource_id == fuji).collect();
    for (kept, old) in in_fuji.iter().zip(&before[1..]) {
        assert_eq!(kept.id, old.id);
    }
    assert_eq!(in_fuji[0].end_time, before[1].end_time + TimeDelta::minutes(30));
    assert_eq!(&in_fuji[1].start_time, &before[2].start_time);
    assert_eq!(booked(&world, events[1]).await, untouched);
}

#[tokio::test]
async fn a_series_may_move_over_its_own_former_times() {
    let world = World::new().await;
    let event = world.event().await;
    let fuji = a_room(&world, "Fuji").await;
    let hours: Vec<Booking> = (0..24).map(|n| booking(&world, fuji, hour(n))).collect();
    let before = reserve(&world, event, &hours).await.unwrap();
    for shift in [1, -1] {
        // The occurrences keep their identity and take each other's place.
        let moved: Vec<Booking> = again(&world, &hours)
            .into_iter()
            .map(|b| Booking {
                start_time: b.start_time + TimeDelta::hours(shift),
                end_time: b.end_time + TimeDelta::hours(shift),
                ..b
            })
            .collect();
        let after = replace(&world, event, &moved).await.unwrap();
        assert_eq!(ids(&after), ids(&before));
        assert_eq!(after[0].start_time, hour(shift).from);
    }
    // The series begins elsewhere: every occurrence is another one.
    let renamed: Vec<Booking> = (1..25).map(|n| booking(&world, fuji, hour(n))).collect();
    assert_eq!(replace(&world, event, &renamed).await.unwrap().len(), 24);
    assert_eq!(booked(&world, event).await.len(), 24);
}

#[tokio::test]
async fn moving_onto_somebody_elses_time_is_a_conflict_and_changes_nothing() {
    let world = World::new().await;
    let events = world.events(2).await;
    let fuji = a_room(&world, "Fuji").await;
    let mine = [booking(&world, fuji, hour(0)), booking(&world, fuji, hour(1))];
    let before = reserve(&world, events[0], &mine).await.unwrap();
    reserve(&world, events[1], &[booking(&world, fuji, hour(2))]).await.unwrap();
    let mut wanted = again(&world, &mine);
    wanted[1].end_time += TimeDelta::minutes(1);
    let refused = replace(&world, events[0], &wanted).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (Kind::Conflict, "resource_conflict"));
    assert_eq!(booked(&world, events[0]).await, before);
    let blockers =
        resources::conflicts(&mut world.conn().await, world.tenant, Some(events[0]), &[], &wanted).await.unwrap();
    assert_eq!(blockers.len(), 1);
    assert_eq!(blockers[0].event_id, Some(events[1]));
}

#[tokio::test]
async fn an_unknown_resource_is_named_by_a_replacement_too() {
    let world = World::new().await;
    let event = world.event().await;
    let fuji = a_room(&world, "Fuji").await;
    let kept = booking(&world, fuji, hour(0));
    reserve(&world, event, &[kept]).await.unwrap();
    let wanted = [again(&world, &[kept])[0], booking(&world, world.ids.mint(), hour(0))];
    let refused = replace(&world, event, &wanted).await.unwrap_err();
    assert_eq!(refused.errors()[0].pointer, "/resources/1");
    assert_eq!(refused.errors().len(), 1);
}

#[tokio::test]
async fn a_withdrawn_reservation_is_confirmed_when_it_is_asked_for_again() {
    let world = World::new().await;
    let event = world.event().await;
    let fuji = a_room(&world, "Fuji").await;
    let mine = booking(&world, fuji, hour(0));
    let before = reserve(&world, event, &[mine]).await.unwrap();
    resources::release_in(&mut world.conn().await, event, before[0].id).await.unwrap();
    assert_eq!(booked(&world, event).await[0].status, ReservationStatus::Cancelled);
    let after = replace(&world, event, &again(&world, &[mine])).await.unwrap();
    assert_eq!(after, before);
}

#[tokio::test]
async fn an_empty_replacement_releases_everything() {
    let world = World::new().await;
    let events = world.events(2).await;
    let fuji = a_room(&world, "Fuji").await;
    reserve(&world, events[0], &[booking(&world, fuji, hour(0))]).await.unwrap();
    assert!(replace(&world, events[0], &[]).await.unwrap().is_empty());
    reserve(&world, events[1], &[booking(&world, fuji, hour(0))]).await.unwrap();
}

#[tokio::test]
async fn one_event_may_take_over_what_another_gives_up_in_the_same_batch() {
    let world = World::new().await;
    let events = world.events(2).await;
    let fuji = a_room(&world, "Fuji").await;
    let days: Vec<Booking> = (0..6).map(|day| booking(&world, fuji, hour(day * 24))).collect();
    let before = reserve(&world, events[0], &days).await.unwrap();
    // A split series: the rest goes to a new event, half an hour later, over its own former times.
    let rest: Vec<Booking> = again(&world, &days[3..])
        .into_iter()
        .map(|b| {
            let span = Span { from: b.start_time + TimeDelta::minutes(30), to: b.end_time + TimeDelta::minutes(30) };
            booking(&world, fuji, span)
        })
        .collect();
    let mut batch = Batch::new();
    let stay = again(&world, &days[..3]);
    resources::reserve_part(&mut batch, world.tenant, events[1], world.now(), &rest);
    resources::replace_parts(&mut batch, world.tenant, events[0], world.now(), &stay);
    let mut rows = batch.run(&mut world.conn().await).await.unwrap();
    assert_eq!(resources::reserved(&mut rows, &rest).unwrap().len(), 3);
    assert_eq!(resources::replaced(&mut rows, &stay).unwrap(), before[..3]);
    assert_eq!(booked(&world, events[1]).await.len(), 3);
}

#[tokio::test]
async fn more_rooms_come_beside_those_that_are_there() {
    let world = World::new().await;
    let event = world.event().await;
    let (fuji, tate) = (a_room(&world, "Fuji").await, a_room(&world, "Tate").await);
    let mine = booking(&world, fuji, hour(0));
    let before = reserve(&world, event, &[mine, booking(&world, fuji, hour(24))]).await.unwrap();
    let more = [again(&world, &[mine])[0], booking(&world, tate, hour(0))];
    let mut batch = Batch::new();
    resources::extend_parts(&mut batch, world.tenant, event, world.now(), &more);
    let mut rows = batch.run(&mut world.conn().await).await.unwrap();
    let made = resources::replaced(&mut rows, &more).unwrap();
    assert_eq!(made.len(), 2);
    assert!(made.contains(&before[0]), "what it had already is not booked twice");
    assert_eq!(booked(&world, event).await.len(), 3);
}

#[tokio::test]
async fn what_was_withdrawn_and_booked_anew_can_still_be_moved() {
    let world = World::new().await;
    let event = world.event().await;
    let fuji = a_room(&world, "Fuji").await;
    let mine = booking(&world, fuji, hour(0));
    let first = reserve(&world, event, &[mine]).await.unwrap();
    resources::release_in(&mut world.conn().await, event, first[0].id).await.unwrap();
    let second = reserve(&world, event, &again(&world, &[mine])).await.unwrap();
    let mut later = again(&world, &[mine]);
    later[0].end_time += TimeDelta::minutes(30);
    let after = replace(&world, event, &later).await.unwrap();
    assert_eq!(ids(&after), ids(&second));
    assert_eq!(after[0].end_time, later[0].end_time);
}
