//! What each condition does to who is connected.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use link::{Condition, Link};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Long enough for what is carried to have arrived.
const WHILE: Duration = Duration::from_millis(200);

/// A part that says back what it hears, a link to it, and a client.
async fn echo() -> (Link, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let link = Link::start(listener.local_addr().unwrap()).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = client.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    let client = TcpStream::connect(link.address()).await.unwrap();
    (link, client)
}

async fn say(client: &mut TcpStream, text: &str) {
    client.write_all(text.as_bytes()).await.unwrap();
}

async fn hear(client: &mut TcpStream, text: &str) {
    let mut heard = vec![0; text.len()];
    client.read_exact(&mut heard).await.unwrap();
    assert_eq!(heard, text.as_bytes());
}

async fn hears_nothing(client: &mut TcpStream) {
    let mut byte = [0];
    let heard = tokio::time::timeout(WHILE, client.read(&mut byte)).await;
    assert!(heard.is_err(), "{heard:?}");
}

#[tokio::test]
async fn what_is_held_back_while_it_is_silent_arrives_later_in_order_and_once() {
    let (link, mut client) = echo().await;
    for condition in [Condition::Silent, Condition::Deaf, Condition::Mute] {
        say(&mut client, "before").await;
        hear(&mut client, "before").await;
        link.set(condition);
        say(&mut client, "one").await;
        say(&mut client, "two").await;
        hears_nothing(&mut client).await;
        let mut late = TcpStream::connect(link.address()).await.unwrap();
        say(&mut late, "new").await;
        hears_nothing(&mut late).await;
        link.set(Condition::Good);
        hear(&mut client, "onetwo").await;
        hear(&mut late, "new").await;
    }
}

#[tokio::test]
async fn who_is_cut_is_told_by_a_reset() {
    let (link, mut client) = echo().await;
    say(&mut client, "before").await;
    hear(&mut client, "before").await;
    link.set(Condition::Silent);
    say(&mut client, "lost").await;
    link.cut();
    let told = client.read(&mut [0]).await.unwrap_err();
    assert_eq!(told.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn who_is_forgotten_hears_nothing_ever_and_who_comes_now_is_well() {
    let (link, mut client) = echo().await;
    say(&mut client, "before").await;
    hear(&mut client, "before").await;
    link.forget();
    say(&mut client, "lost").await;
    hears_nothing(&mut client).await;
    let mut new = TcpStream::connect(link.address()).await.unwrap();
    say(&mut new, "new").await;
    hear(&mut new, "new").await;
    hears_nothing(&mut client).await;
}

#[tokio::test]
async fn slow_and_narrow_links_take_their_time() {
    let (link, mut client) = echo().await;
    let latency = Duration::from_millis(60);
    link.set(Condition::Slow { latency, jitter: Duration::from_millis(20) });
    let began = Instant::now();
    say(&mut client, "there and back").await;
    hear(&mut client, "there and back").await;
    assert!(began.elapsed() >= latency * 2);
    link.set(Condition::Narrow(1000));
    let (began, long) = (Instant::now(), "x".repeat(300));
    say(&mut client, &long).await;
    hear(&mut client, &long).await;
    assert!(began.elapsed() >= Duration::from_millis(250));
}
