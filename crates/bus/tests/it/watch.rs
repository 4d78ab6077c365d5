use bus::News;
use kernel::{CalendarId, Moved, Subject};
use uuid::Uuid;

use crate::support::{World, announce};

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_is_told_and_a_slow_one_is_told_to_resync() {
    let world = World::postgres().await;
    let (bus, ears) = world.instance().await;
    ears.complete().await;
    let (mut quick, mut slow) = (bus.watch(), bus.watch());
    announce(&mut world.conn().await, Uuid::from_u128(1), 7).await;
    let moved = Moved { subject: Subject::Calendar(CalendarId(Uuid::from_u128(1))), seq: 7, acl: 7 };
    assert_eq!(quick.next().await, Some(News::Moved(moved)));
    world
        .run("insert into outbox (kind, subject_id, seq) select 'user', gen_random_uuid(), 1 from generate_series(1, 2000)")
        .await;
    ears.until("all of them", |notes| notes.seqs.len() == 2001).await;
    assert_eq!(slow.next().await, Some(News::Resync));
    assert!(matches!(slow.next().await, Some(News::Moved(_))), "and goes on after that");
    bus.stop().await;
}
