//! What is cut, killed or held comes back, and is told.

use std::time::{Duration, Instant};

use sqlx::Connection;
use uuid::Uuid;

use crate::support::{World, announce};

#[tokio::test(flavor = "multi_thread")]
async fn postgres_a_cut_listener_is_a_loss_and_then_complete_again() {
    let world = World::postgres().await;
    let (bus, ears) = world.instance().await;
    ears.complete().await;
    let before = ears.notes().lost.len();
    assert_eq!(world.cut("koyomi bus").await, 1);
    ears.until("a loss", |notes| notes.lost.len() > before).await;
    announce(&mut world.conn().await, Uuid::from_u128(1), 7).await;
    ears.complete().await;
    assert_eq!(ears.notes().seqs.values().next().unwrap().seq, 7);
    bus.stop().await;
}

async fn a_cut_relay(world: World) {
    let (bus, ears) = world.instance().await;
    ears.complete().await;
    for seq in 1..=30 {
        announce(&mut world.conn().await, Uuid::from_u128(1), seq).await;
        if seq % 10 == 0 {
            world.cut("koyomi bus relay").await;
            world.cut("koyomi bus marks").await;
        }
    }
    ears.complete().await;
    assert_eq!(ears.notes().seqs.values().next().unwrap().seq, 30);
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_a_cut_relay_loses_nothing() {
    a_cut_relay(World::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_a_cut_relay_loses_nothing() {
    a_cut_relay(World::nats().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_a_broker_that_comes_back_is_used_again() {
    let mut world = World::nats().await;
    let (bus, ears) = world.instance().await;
    ears.complete().await;
    let nats = world.nats.as_mut().unwrap();
    nats.kill();
    let down = Instant::now();
    announce(&mut world.conn().await, Uuid::from_u128(1), 7).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(world.outbox_rows().await, 1, "kept until somebody has it");
    assert!(ears.notes().complete.unwrap() < down + Duration::from_millis(100));
    world.nats.as_mut().unwrap().start_again();
    ears.complete().await;
    assert_eq!(ears.notes().seqs.values().next().unwrap().seq, 7);
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_an_instance_starts_without_its_broker() {
    let mut world = World::nats().await;
    world.nats.as_mut().unwrap().kill();
    let (bus, ears) = world.instance().await;
    announce(&mut world.conn().await, Uuid::from_u128(1), 7).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(ears.notes().complete.is_none());
    world.nats.as_mut().unwrap().start_again();
    ears.complete().await;
    world.outbox_is_emptied().await;
    bus.stop().await;
}

async fn a_held_turn(world: World) {
    let (bus, ears) = world.instance().await;
    ears.complete().await;
    // What a relay's connection looks like while its instance is stopped in the middle of a turn.
    let mut stopped = world.store.dedicated("koyomi bus relay").await.unwrap();
    sqlx::query("set idle_in_transaction_session_timeout = '1500ms'").execute(&mut stopped).await.unwrap();
    let mut turn = stopped.begin().await.unwrap();
    sqlx::query("select n from bus for update").execute(&mut *turn).await.unwrap();
    announce(&mut world.conn().await, Uuid::from_u128(1), 7).await;
    let committed = Instant::now();
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(ears.notes().complete.unwrap() <= committed, "it was not sent yet");
    assert_eq!(world.outbox_rows().await, 1);
    ears.complete().await;
    assert_eq!(ears.notes().seqs.values().next().unwrap().seq, 7);
    assert!(committed.elapsed() < Duration::from_secs(10));
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_a_relay_stopped_in_its_turn_delays_but_deceives_nobody() {
    a_held_turn(World::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_a_relay_stopped_in_its_turn_delays_but_deceives_nobody() {
    a_held_turn(World::nats().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_the_watch_and_the_hearing() {
    let world = World::postgres().await;
    let (bus, ears) = world.instance().await;
    ears.complete().await;
    assert!(bus.last_heard().is_some());
    let mut watch = bus.watch();
    bus.stop().await;
    while watch.next().await.is_some() {}
    let before = ears.notes().complete;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(ears.notes().complete, before);
    assert_eq!(bus.watch().next().await, None);
}
