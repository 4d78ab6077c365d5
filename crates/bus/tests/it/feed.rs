use bus::feed::{Feed, since};
use kernel::{CalendarId, ChangeKind, Kind};
use uuid::Uuid;

use crate::support::World;

const CALENDAR: CalendarId = CalendarId(Uuid::from_u128(3));

/// A calendar at seq 7 that has forgotten 1 and 2; seq s has s changes.
async fn world() -> World {
    let world = World::postgres().await;
    world
        .run(
            "insert into tenants (id, slug, name, created_at) values (lpad('1', 32, '0')::uuid, 'acme', 'Acme', now());
             insert into users (id, tenant_id, email, name, created_at, updated_at)
             values (lpad('2', 32, '0')::uuid, lpad('1', 32, '0')::uuid, 'o@example.com', 'Olga', now(), now());
             with head as (
                 insert into heads (calendar_id, seq, acl, min_seq) values (lpad('3', 32, '0')::uuid, 7, 4, 2)
             )
             insert into calendars (id, tenant_id, owner_id, name, color, time_zone, created_at, updated_at)
             values (lpad('3', 32, '0')::uuid, lpad('1', 32, '0')::uuid, lpad('2', 32, '0')::uuid, 'Team', '#1e90ff',
                 'UTC', now(), now());
             insert into changes (calendar_id, seq, n, kind, object_id)
             select lpad('3', 32, '0')::uuid, seq, n, 'event_updated', md5(seq || '.' || n)::uuid
             from generate_series(3, 7) seq, generate_series(0, seq - 1) n",
        )
        .await;
    world
}

/// (seq, n) of each change, and where to go on.
async fn read(world: &World, after_seq: i64, limit: u32) -> (Vec<(i64, i32)>, i64) {
    match since(&mut world.conn().await, CALENDAR, after_seq, limit).await.unwrap() {
        Feed::Changes { changes, next, head, acl, min_seq } => {
            assert_eq!((head, acl, min_seq), (7, 4, 2));
            for logged in &changes {
                assert_eq!((logged.change.calendar_id, logged.change.kind), (CALENDAR, ChangeKind::EventUpdated));
            }
            (changes.iter().map(|logged| (logged.seq, logged.n)).collect(), next)
        }
        Feed::Gone { min_seq, .. } => panic!("gone since {min_seq}"),
    }
}

#[tokio::test]
async fn a_seq_is_never_cut_and_none_is_left_out() {
    let world = world().await;
    let everything: Vec<(i64, i32)> =
        (3..=7).flat_map(|seq| (0..i32::try_from(seq).unwrap()).map(move |n| (seq, n))).collect();
    for limit in 0..=30 {
        let (mut seen, mut after) = (Vec::new(), 2);
        while after < 7 {
            let (changes, next) = read(&world, after, limit).await;
            let last = changes.last().unwrap().0;
            assert_eq!(next, last);
            let of_last = changes.iter().filter(|(seq, _)| *seq == last).count();
            assert_eq!(i64::try_from(of_last).unwrap(), last, "limit {limit}");
            assert!(changes.len() < usize::try_from(limit.max(1)).unwrap() + of_last, "limit {limit}");
            seen.extend(changes);
            after = next;
        }
        assert_eq!(seen, everything, "limit {limit}");
    }
}

#[tokio::test]
async fn at_the_head_there_is_nothing_and_before_the_log_it_is_gone() {
    let world = world().await;
    assert_eq!(read(&world, 7, 10).await, (Vec::new(), 7));
    let mut conn = world.conn().await;
    let gone = since(&mut conn, CALENDAR, 1, 10).await.unwrap();
    assert!(matches!(gone, Feed::Gone { min_seq: 2, .. }), "{gone:?}");
    let unknown = since(&mut conn, CalendarId(Uuid::from_u128(9)), 0, 10).await.unwrap_err();
    assert_eq!(unknown.kind(), Kind::NotFound);
}
