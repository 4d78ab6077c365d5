//! Many at once.

use std::sync::Arc;

use kernel::{Failure, Kind, ResourceId};
use resources::Booking;
use tokio::task::JoinSet;

use crate::book::{booked, booking, hour, reserve};
use crate::keep::{a_room, delete};
use crate::support::World;

/// Everybody books for an event of their own; answers how it went for each.
async fn all_at_once(world: &Arc<World>, wishes: Vec<Vec<Booking>>) -> Vec<Result<(), Failure>> {
    let events = world.events(wishes.len()).await;
    let start = Arc::new(tokio::sync::Barrier::new(wishes.len()));
    let mut tasks = JoinSet::new();
    for (event, bookings) in events.into_iter().zip(wishes) {
        let (world, start) = (Arc::clone(world), Arc::clone(&start));
        tasks.spawn(async move {
            start.wait().await;
            let booked = reserve(&world, event, &bookings).await;
            booked.map(|_| ())
        });
    }
    tasks.join_all().await
}

async fn count(world: &World) -> i64 {
    sqlx::query_scalar("select count(*) from reservations").fetch_one(&mut world.conn().await).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_32_who_book_one_room_for_one_hour_exactly_one_gets_it() {
    let world = Arc::new(World::new().await);
    for round in 0..5 {
        let fuji = a_room(&world, "Fuji").await;
        let wishes = (0..32).map(|_| vec![booking(&world, fuji, hour(round))]).collect();
        let (won, lost): (Vec<_>, Vec<_>) = all_at_once(&world, wishes).await.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 31));
        for refused in lost {
            let refused = refused.unwrap_err();
            assert_eq!((refused.kind(), refused.code()), (Kind::Conflict, "resource_conflict"), "{refused}");
        }
        assert_eq!(count(&world).await, round + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn bookers_of_the_same_rooms_in_another_order_do_not_deadlock() {
    let world = Arc::new(World::new().await);
    let rooms: Vec<ResourceId> =
        [a_room(&world, "A").await, a_room(&world, "B").await, a_room(&world, "C").await].to_vec();
    for round in 0..5 {
        let wishes = (0..24)
            .map(|n| {
                let mut order = rooms.clone();
                order.rotate_left(n % 3);
                if n % 2 == 0 {
                    order.reverse();
                }
                order.into_iter().map(|id| booking(&world, id, hour(round))).collect()
            })
            .collect();
        let (won, lost): (Vec<_>, Vec<_>) = all_at_once(&world, wishes).await.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        for refused in lost {
            assert_eq!(refused.unwrap_err().code(), "resource_conflict");
        }
    }
    assert_eq!(count(&world).await, 15);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_events_that_exchange_their_hours_for_the_other_room_do_not_deadlock() {
    let world = Arc::new(World::new().await);
    let events = world.events(8).await;
    let rooms = [a_room(&world, "A").await, a_room(&world, "B").await];
    for (n, event) in (0..).zip(&events) {
        let span = hour(n / 2);
        let room = rooms[usize::try_from(n % 2).unwrap()];
        reserve(&world, *event, &[booking(&world, room, span)]).await.unwrap();
    }
    for round in 1..=20_usize {
        let mut tasks = JoinSet::new();
        for (n, event) in events.iter().copied().enumerate() {
            let world = Arc::clone(&world);
            let room = rooms[(n + round) % 2];
            tasks.spawn(async move {
                let span = hour(i64::try_from(n / 2).unwrap());
                let mut tx = world.store.begin().await.unwrap();
                let now = tx.now();
                let wish = [booking(&world, room, span)];
                let replaced = resources::replace_in(tx.conn(), world.tenant, event, now, &wish).await;
                match replaced {
                    Ok(made) => tx.commit(|_| made).await.map(|_| ()),
                    Err(refused) => Err(refused),
                }
            });
        }
        for refused in tasks.join_all().await.into_iter().filter_map(Result::err) {
            assert_eq!(refused.code(), "resource_conflict", "{refused}");
        }
    }
    assert_eq!(count(&world).await, 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_resource_is_not_deleted_under_a_booking() {
    let world = Arc::new(World::new().await);
    let event = world.event().await;
    let fuji = a_room(&world, "Fuji").await;
    let mut tx = world.store.begin().await.unwrap();
    let now = tx.now();
    resources::reserve_in(tx.conn(), world.tenant, event, now, &[booking(&world, fuji, hour(1))]).await.unwrap();
    let deleting = tokio::spawn({
        let world = Arc::clone(&world);
        async move { delete(&world, fuji).await }
    });
    waiting_for_a_lock(&world).await;
    tx.commit(|_| ()).await.unwrap();
    assert_eq!(deleting.await.unwrap().unwrap_err().code(), "resource_in_use");
    assert_eq!(booked(&world, event).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_booking_that_waited_for_a_deletion_finds_the_resource_gone() {
    let world = Arc::new(World::new().await);
    let event = world.event().await;
    let fuji = a_room(&world, "Fuji").await;
    let mut tx = world.store.begin().await.unwrap();
    let tag = |r: &resources::Resource| r.version.to_string();
    resources::delete_in(&mut tx, world.tenant, fuji, &kernel::Expected::Any, tag).await.unwrap();
    let booking_it = tokio::spawn({
        let world = Arc::clone(&world);
        async move { reserve(&world, event, &[booking(&world, fuji, hour(1))]).await }
    });
    waiting_for_a_lock(&world).await;
    tx.commit(|_| ()).await.unwrap();
    let refused = booking_it.await.unwrap().unwrap_err();
    assert_eq!(refused.errors()[0].pointer, "/resources/0");
}

/// Until somebody in this database waits for somebody else.
async fn waiting_for_a_lock(world: &World) {
    let mut conn = world.conn().await;
    for _ in 0..1_000 {
        let waiting: bool = sqlx::query_scalar(
            "select exists (select from pg_stat_activity
                            where datname = current_database() and wait_event_type = 'Lock')",
        )
        .fetch_one(&mut conn)
        .await
        .unwrap();
        if waiting {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("nobody waits");
}
