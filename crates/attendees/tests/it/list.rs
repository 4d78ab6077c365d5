use kernel::{EventId, Kind, Limit};

use crate::invite::{guest, guests, invite};
use crate::support::{World, statements};

fn limit(rows: i64) -> Limit {
    Limit::new(Some(rows)).unwrap()
}

#[tokio::test]
async fn many_lists_cost_one_statement() {
    let world = World::new().await;
    let events = world.events(20).await;
    for (n, event) in events.iter().enumerate().skip(1) {
        let list: Vec<_> = (0..n).map(|k| guest(&world, &format!("{k}@x.org"))).collect();
        invite(&world, *event, &list).await.unwrap();
    }
    let mut conn = world.conn().await;
    let twice: Vec<EventId> = events.iter().chain(&events).copied().collect();
    let (lists, cost) = statements(attendees::list_many(&mut conn, &twice)).await;
    let lists = lists.unwrap();
    assert_eq!(cost, 1);
    assert_eq!(lists.len(), 19, "an event without guests is absent");
    let counts = attendees::count_many(&mut conn, &twice).await.unwrap();
    for (n, event) in events.iter().enumerate().skip(1) {
        let found: Vec<String> = lists[event].iter().map(|g| g.email.clone()).collect();
        let asked: Vec<String> = (0..n).map(|k| format!("{k}@x.org")).collect();
        assert_eq!(found, asked);
        assert_eq!(counts[event], i64::try_from(n).unwrap());
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let world = World::new().await;
    let event = world.event().await;
    let asked: Vec<String> = (0..23).map(|n| format!("{n}@x.org")).collect();
    let list: Vec<_> = asked.iter().map(|email| guest(&world, email)).collect();
    invite(&world, event, &list).await.unwrap();
    let mut conn = world.conn().await;
    let mut cursor = None;
    let mut seen = Vec::new();
    loop {
        let page = attendees::page(&mut conn, event, limit(5), cursor.as_deref()).await.unwrap();
        assert!(page.items.len() <= 5);
        seen.extend(page.items.into_iter().map(|a| a.guest.email));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, asked);
}

#[tokio::test]
async fn the_first_guests_of_many_events_lead_on_to_the_rest() {
    let world = World::new().await;
    let events = world.events(3).await;
    for event in &events {
        let list = guests(&world, &["a@x.org", "b@x.org", "c@x.org", "d@x.org"]);
        invite(&world, *event, &list).await.unwrap();
    }
    let mut conn = world.conn().await;
    let (pages, cost) = statements(attendees::first_many(&mut conn, &events, limit(3))).await;
    let mut pages = pages.unwrap();
    assert_eq!((pages.len(), cost), (3, 1));
    let first = pages.remove(&events[0]).unwrap();
    assert_eq!(first.items.len(), 3);
    let cursor = first.next_cursor.unwrap();
    let rest = attendees::page(&mut conn, events[0], limit(3), Some(&cursor)).await.unwrap();
    assert_eq!(rest.items.len(), 1);
    assert_eq!(rest.items[0].guest.email, "d@x.org");
    assert!(rest.next_cursor.is_none());
    let wrong = attendees::page(&mut conn, events[1], limit(3), Some(&cursor)).await.unwrap_err();
    assert_eq!(wrong.kind(), Kind::Malformed, "a cursor is of one event");
}

#[tokio::test]
async fn what_somebody_is_invited_to_is_listed_piece_by_piece() {
    let world = World::new().await;
    let mut events = world.events(7).await;
    for event in &events {
        invite(&world, *event, &guests(&world, &["owner@example.com"])).await.unwrap();
    }
    events.sort_unstable();
    let mut conn = world.conn().await;
    let first = attendees::event_ids_of_user(&mut conn, world.owner, None, 4).await.unwrap();
    assert_eq!(first, events[..4]);
    let rest = attendees::event_ids_of_user(&mut conn, world.owner, first.last().copied(), 4).await.unwrap();
    assert_eq!(rest, events[4..]);
}
