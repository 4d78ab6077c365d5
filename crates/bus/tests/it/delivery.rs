//! What is committed arrives.

use std::time::Duration;

use kernel::{CalendarId, Subject, TenantId, UserId};
use sqlx::postgres::PgListener;
use uuid::Uuid;

use crate::support::{Ears, World, announce};

const WRITERS: u128 = 8;
const ROUNDS: i64 = 60;

fn calendar(n: u128) -> Subject {
    Subject::Calendar(CalendarId(Uuid::from_u128(n)))
}

/// Each writer moves a subject of its own and, out of step with the others, a common one.
async fn write(world: &World) {
    let writers = (1..=WRITERS).map(|writer| {
        let store = world.store.clone();
        tokio::spawn(async move {
            for seq in 1..=ROUNDS {
                let mut conn = store.conn().await.unwrap();
                announce(&mut conn, Uuid::from_u128(writer), seq).await;
                announce(&mut conn, Uuid::nil(), seq * 100 + i64::try_from(writer).unwrap()).await;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

fn assert_all_heard(ears: &Ears) {
    let notes = ears.notes();
    for writer in 1..=WRITERS {
        assert_eq!(notes.seqs[&calendar(writer)].seq, ROUNDS, "writer {writer}");
    }
    let common = notes.seqs[&calendar(0)];
    assert_eq!((common.seq, common.acl), (ROUNDS * 100 + 8, ROUNDS * 100 + 8));
}

async fn all_arrive(world: World) {
    let (bus, ears) = world.instance().await;
    ears.complete().await;
    write(&world).await;
    ears.complete().await;
    assert_all_heard(&ears);
    world.outbox_is_emptied().await;
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_all_of_many_writers_arrives() {
    all_arrive(World::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_all_of_many_writers_arrives() {
    all_arrive(World::nats().await).await;
}

async fn three_instances(world: World) {
    let mut instances = Vec::new();
    for _ in 0..3 {
        instances.push(world.instance().await);
    }
    for (_, ears) in &instances {
        ears.complete().await;
    }
    let joined: Vec<usize> = instances.iter().map(|(_, ears)| ears.notes().lost.len()).collect();
    write(&world).await;
    for ((_, ears), joined) in instances.iter().zip(joined) {
        ears.complete().await;
        assert_all_heard(ears);
        assert_eq!(ears.notes().lost.len(), joined, "nothing was missed: {:?}", ears.notes().lost);
    }
    world.outbox_is_emptied().await;
    for (bus, _) in instances {
        bus.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_several_relays_lose_nothing() {
    three_instances(World::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_several_relays_lose_nothing() {
    three_instances(World::nats().await).await;
}

async fn a_backlog(world: World) {
    let mut listener = PgListener::connect(&world.url).await.unwrap();
    listener.listen("koyomi_bus").await.unwrap();
    world
        .run(
            "insert into outbox (kind, subject_id, seq, acl)
             select 'calendar', md5((n % 7000)::text)::uuid, 9000000000000000000 - 10000 + n, 9000000000000000000 - n
             from generate_series(1, 10000) n",
        )
        .await;
    let (bus, ears) = world.instance().await;
    ears.complete().await;
    ears.until("all subjects", |notes| notes.seqs.len() == 7000).await;
    world.outbox_is_emptied().await;
    bus.stop().await;
    let mut longest = 0;
    while let Ok(message) = tokio::time::timeout(Duration::from_millis(200), listener.recv()).await {
        longest = longest.max(message.unwrap().payload().len());
    }
    assert!(longest <= 7_900, "{longest}");
    assert!(world.nats.is_some() || longest > 5_000, "full messages were seen: {longest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_a_backlog_goes_out_in_messages_that_fit() {
    a_backlog(World::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_a_backlog_goes_out_in_messages_that_fit() {
    a_backlog(World::nats().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_and_tenants_are_news_too() {
    let world = World::postgres().await;
    let (bus, ears) = world.instance().await;
    ears.complete().await;
    world
        .run(
            "insert into outbox (kind, subject_id, seq)
             select kind, '00000000-0000-0000-0000-000000000001', 5 from unnest(array['user', 'tenant']) kind",
        )
        .await;
    ears.complete().await;
    let id = Uuid::from_u128(1);
    for subject in [Subject::User(UserId(id)), Subject::Tenant(TenantId(id))] {
        let moved = ears.notes().seqs[&subject];
        assert_eq!((moved.seq, moved.acl), (5, 0));
    }
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_complete_while_commits_leave_no_news() {
    let world = World::postgres().await;
    let (bus, ears) = world.instance().await;
    ears.complete().await;
    world.run("update deploy set outbox = false").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let before = ears.notes().complete;
    let lost = ears.notes().lost.len();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(ears.notes().complete, before);
    world.run("update deploy set outbox = true").await;
    ears.complete().await;
    assert!(ears.notes().lost.len() > lost, "what was committed meanwhile is a loss");
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_epoch_is_heard_of() {
    let world = World::postgres().await;
    let (bus, ears) = world.instance().await;
    ears.complete().await;
    world.run("update deploy set epoch = epoch + 7").await;
    let (before, expected) = (ears.notes().lost.len(), world.store.epoch().0 + 7);
    ears.until("the new epoch", |notes| notes.epochs == [expected]).await;
    assert!(ears.notes().lost.len() >= before);
    assert_eq!(ears.notes().lost.last().map(|(reason, _)| *reason), Some("epoch"));
    ears.complete().await;
    bus.stop().await;
}
