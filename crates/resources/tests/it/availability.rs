//! What is free when.

use chrono::TimeDelta;
use kernel::{Kind, Limit, ResourceId, Span};
use resources::{Availability, Filter};

use crate::book::{booking, hour, reserve};
use crate::keep::{a_room, create, room};
use crate::support::{World, statements};

fn hours(from: i64, to: i64) -> Span {
    Span { from: hour(from).from, to: hour(to).from }
}

async fn available(world: &World, span: Span, only_free: bool) -> Vec<Availability> {
    let all = Limit::new(Some(500)).unwrap();
    let mut conn = world.conn().await;
    let filter = Filter::default();
    let work = resources::availability(&mut conn, world.tenant, span, &filter, only_free, all, None);
    let (page, cost) = statements(work).await;
    assert_eq!(cost, 1, "whatever the number of resources");
    page.unwrap().items
}

#[tokio::test]
async fn what_touches_the_span_is_busy_and_what_only_meets_it_is_not() {
    let world = World::new().await;
    let event = world.event().await;
    let fuji = a_room(&world, "Fuji").await;
    let taken: Vec<_> = [hours(0, 2), hours(2, 3), hours(5, 6), hours(9, 12)]
        .into_iter()
        .map(|span| booking(&world, fuji, span))
        .collect();
    reserve(&world, event, &taken).await.unwrap();
    let cases = [
        (hours(1, 10), vec![hours(1, 3), hours(5, 6), hours(9, 10)]),
        (hours(3, 5), vec![]),
        (hours(6, 9), vec![]),
        (hours(10, 11), vec![hours(10, 11)]),
        (hours(-5, 20), vec![hours(0, 3), hours(5, 6), hours(9, 12)]),
        (hours(12, 20), vec![]),
    ];
    for (span, busy) in cases {
        let seen = available(&world, span, false).await.remove(0);
        assert_eq!((seen.free, seen.busy), (busy.is_empty(), busy.clone()), "{span:?}");
        assert_eq!(available(&world, span, true).await.len(), usize::from(busy.is_empty()));
    }
}

#[tokio::test]
async fn moments_and_withdrawn_reservations_hide_nothing_and_take_nothing() {
    let world = World::new().await;
    let event = world.event().await;
    let fuji = a_room(&world, "Fuji").await;
    let moment = |n: i64| Span { from: hour(n).from, to: hour(n).from };
    let asked = [hours(0, 10), moment(3), moment(5), moment(12), hours(14, 15)].map(|span| booking(&world, fuji, span));
    let made = reserve(&world, event, &asked).await.unwrap();
    let last = made.last().unwrap();
    resources::release_in(&mut world.conn().await, event, last.id).await.unwrap();
    let seen = available(&world, hours(4, 20), false).await.remove(0);
    assert_eq!(seen.busy, [hours(4, 10)]);
    assert!(available(&world, hours(11, 20), true).await[0].free);
}

#[tokio::test]
async fn what_many_may_use_is_always_free() {
    let world = World::new().await;
    let event = world.event().await;
    let mut new = room(&world, "Bridge");
    new.exclusive = false;
    let bridge = create(&world, world.tenant, &new).await.id;
    reserve(&world, event, &[booking(&world, bridge, hours(0, 5))]).await.unwrap();
    let seen = available(&world, hours(1, 2), true).await.remove(0);
    assert!(seen.free && seen.busy.is_empty());
}

#[tokio::test]
async fn free_rooms_fill_pages_that_follow_each_other() {
    let world = World::new().await;
    let event = world.event().await;
    let mut free = Vec::new();
    for n in 0..20 {
        let mut new = room(&world, &format!("Room {n:02}"));
        new.capacity = Some(n + 1);
        let id = create(&world, world.tenant, &new).await.id;
        if n % 3 == 0 {
            reserve(&world, event, &[booking(&world, id, hour(1))]).await.unwrap();
        } else if n >= 5 {
            free.push(id);
        }
    }
    let mut conn = world.conn().await;
    let filter = Filter { min_capacity: Some(6), ..Filter::default() };
    let limit = Limit::new(Some(4)).unwrap();
    let mut cursor: Option<String> = None;
    let mut seen: Vec<ResourceId> = Vec::new();
    loop {
        let page =
            resources::availability(&mut conn, world.tenant, hours(0, 5), &filter, true, limit, cursor.as_deref())
                .await
                .unwrap();
        assert!(page.items.len() == 4 || page.next_cursor.is_none());
        seen.extend(page.items.iter().map(|a| a.resource.id));
        cursor = page.next_cursor;
        let Some(cursor) = &cursor else { break };
        let other = hours(0, 6);
        let refused = resources::availability(&mut conn, world.tenant, other, &filter, true, limit, Some(cursor))
            .await
            .unwrap_err();
        assert_eq!(refused.kind(), Kind::Malformed, "a cursor is of one span");
    }
    assert_eq!(seen, free);
}

#[tokio::test]
async fn a_room_is_of_its_tenant() {
    let world = World::new().await;
    let elsewhere = world.tenant("other").await;
    create(&world, elsewhere, &room(&world, "Foreign")).await;
    assert!(available(&world, hours(0, 1), false).await.is_empty());
}

/// The query looks at one reservation before the span only. This one looks at all of them.
#[tokio::test]
async fn the_short_look_sees_what_the_long_one_sees() {
    let world = World::new().await;
    let event = world.event().await;
    let mut state = 42u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((state >> 33) % below).unwrap()
    };
    let at = |minutes: i64| hour(0).from + TimeDelta::minutes(minutes);
    let mut rooms = Vec::new();
    for n in 0..8 {
        let id = a_room(&world, &format!("Room {n}")).await;
        rooms.push(id);
        let mut asked = Vec::new();
        let mut from = random(60);
        while from < 3_000 {
            let to = from + random(5) * random(90);
            asked.push(booking(&world, id, Span { from: at(from), to: at(to) }));
            for _ in 0..random(3) {
                let moment = at(from + random(200));
                asked.push(booking(&world, id, Span { from: moment, to: moment }));
            }
            from = to + random(2) * random(120) + i64::from(to == from);
        }
        reserve(&world, event, &asked).await.unwrap();
    }
    for _ in 0..60 {
        let from = random(3_000);
        let span = Span { from: at(from), to: at(from + 1 + random(400)) };
        let mut truth: Vec<ResourceId> = sqlx::query_scalar(
            "select r.id from resources r where not exists (
                 select from reservations v where v.resource_id = r.id and v.status = 'confirmed'
                   and v.end_time > $1 and v.start_time < $2 and v.end_time > v.start_time)",
        )
        .bind(span.from)
        .bind(span.to)
        .fetch_all(&mut world.conn().await)
        .await
        .unwrap();
        let mut free: Vec<ResourceId> =
            available(&world, span, true).await.into_iter().map(|a| a.resource.id).collect();
        truth.sort_unstable();
        free.sort_unstable();
        assert_eq!(free, truth, "{span:?}");
        let of_all = available(&world, span, false).await;
        assert_eq!(of_all.iter().filter(|a| a.free).count(), truth.len());
    }
}
