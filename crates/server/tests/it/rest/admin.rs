use std::collections::VecDeque;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use prost::Message;
use sqlx::AssertSqlSafe;

use crate::harness;
use crate::make::items;
use crate::traces::server::Server;

#[tokio::test]
async fn who_runs_the_deployment_sees_how_indexes_are_used() {
    let koyomi = harness::start_on_fresh_database().await;
    let admin = koyomi.admin("admin").await;
    let mut sql = koyomi.sql().await;
    let make = "create index planted on events (title, created_at)";
    sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut sql).await.unwrap();
    let told = admin.get("/api/admin/indexes").await.ok();
    let find = |name: &str| items(&told).iter().find(|index| index["name"] == name).unwrap().clone();
    let planted = find("planted");
    assert_eq!((planted["table"].as_str(), planted["scans"].as_i64()), (Some("events"), Some(0)));
    assert_eq!(planted["unused"], true);
    assert!(planted["definition"].as_str().unwrap().starts_with("CREATE INDEX planted ON public.events"));
    assert_eq!(find("reservations_no_overlap")["unused"], false, "it keeps a promise");
    assert!(told["counted_since"].is_string());
}

/// As much of pprof's `profile.proto` as is read here.
#[derive(Message)]
struct Profile {
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
    #[prost(message, repeated, tag = "4")]
    locations: Vec<Location>,
}

#[derive(Message)]
struct Sample {
    #[prost(uint64, repeated, tag = "1")]
    locations: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    values: Vec<i64>,
}

#[derive(Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(uint64, tag = "3")]
    address: u64,
}

const MEGABYTE: usize = 1 << 20;

#[tokio::test]
async fn an_instance_that_samples_from_the_start_on_tells_all_of_it() {
    let koyomi = harness::start_with_real_time().await;
    let admin = koyomi.admin("admin").await;
    let sampling = [("KOYOMI_HEAP_SAMPLING", "true")];
    let server = Server::start(&koyomi.database_url(), "http://127.0.0.1:9", "0", &sampling).await;
    let (status, text) = server.get("/api/admin/heap", &admin.token).await;
    assert_eq!(status, 200, "{text}");
    let (status, text) = server.get("/api/admin/heap?seconds=1", &admin.token).await;
    assert!(status == 400 && text.contains("must be left out"), "{status}: {text}");
    server.stop().await;
}

#[tokio::test]
async fn who_runs_the_deployment_sees_what_holds_the_memory() {
    let koyomi = harness::start().await;
    let admin = koyomi.admin("admin").await;
    for (query, reason) in [("", "how long"), ("?seconds=0", "1 to 50"), ("?seconds=51", "1 to 50")] {
        let refused = admin.get(&format!("/api/admin/heap{query}")).await.problem(400, "malformed_request");
        assert!(refused["errors"][0]["reason"].as_str().unwrap().contains(reason), "{refused}");
    }
    let hasty = admin.with("koyomi-timeout", "1500").get("/api/admin/heap?seconds=2").await;
    assert!(hasty.problem(400, "malformed_request")["errors"][0]["reason"].as_str().unwrap().contains("less than"));
    // While it is sampled: some of what is held, and more of what was given back.
    let enough = Arc::new(AtomicBool::new(false));
    let holder = {
        let enough = Arc::clone(&enough);
        std::thread::spawn(move || {
            let mut held = VecDeque::new();
            while !enough.load(Ordering::Relaxed) {
                drop(vec![1_u8; 8 * MEGABYTE]);
                held.push_back(vec![1_u8; MEGABYTE]);
                held.drain(..held.len().saturating_sub(32));
                std::thread::sleep(Duration::from_millis(10));
            }
        })
    };
    let told = admin.get("/api/admin/heap?seconds=2").await;
    enough.store(true, Ordering::Relaxed);
    holder.join().unwrap();
    assert_eq!(told.is(200).header("content-type"), "application/octet-stream");
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(&*told.body).read_to_end(&mut bytes).unwrap();
    let profile = Profile::decode(&*bytes).unwrap();
    assert!(profile.samples.iter().all(|sample| !sample.locations.is_empty()));
    assert!(profile.locations.iter().all(|location| location.id > 0 && location.address > 0));
    let dearest = profile.samples.iter().map(|sample| sample.values[0]).max().unwrap();
    let megabytes = dearest / MEGABYTE as i64;
    // What was given back would be hundreds.
    assert!((1..100).contains(&megabytes), "{dearest}");
}
