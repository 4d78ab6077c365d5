//! Nothing that was acknowledged is lost: many clients write into one calendar while PostgreSQL is killed under them.
//!
//! The size comes from the environment, for long runs: `KOYOMI_CRASH_CLIENTS` (200), `KOYOMI_CRASH_KILLS` (3),
//! `KOYOMI_CRASH_WRITES` (acknowledged writes before each kill, and after the last; 120), `KOYOMI_CRASH_SEED` (1).

mod clients;
mod postgres;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use kernel::{Clock, Ids};
use reqwest::Method;
use serde_json::{Value, json};
use server::App;
use sqlx::{Connection, PgConnection};
use store::{Settings, Store};
use users::{DEFAULT_TENANT, NewToken, NewUser};

use self::clients::{Known, Life, Shared, Told, live};
use self::postgres::Postgres;
use crate::consistency;

/// When nothing moves for so long, the server does not come back.
const STUCK: Duration = Duration::from_secs(90);

fn size(name: &str, usual: usize) -> usize {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_postgresql_is_killed() {
    let postgres = Postgres::start();
    let (shared, koyomi) = serve(&postgres.url()).await;
    let seed = size("KOYOMI_CRASH_SEED", 1) as u64;
    let clients: Vec<_> = (0..size("KOYOMI_CRASH_CLIENTS", 200))
        .map(|number| tokio::spawn(live(Arc::clone(&shared), number, seed)))
        .collect();

    let writes = size("KOYOMI_CRASH_WRITES", 120);
    for kill in 0..size("KOYOMI_CRASH_KILLS", 3) {
        progress(&shared, writes).await;
        if kill % 2 == 0 {
            postgres.kill_all();
            // Long enough for everybody to run into it.
            tokio::time::sleep(Duration::from_millis(500)).await;
            tokio::task::block_in_place(|| postgres.launch());
        } else {
            postgres.kill_one_backend();
        }
    }
    progress(&shared, writes).await;
    shared.stop.store(true, Ordering::Relaxed);
    let mut known = Vec::new();
    for client in clients {
        known.extend(client.await.unwrap());
    }

    let mut sql = PgConnection::connect(&postgres.url()).await.unwrap();
    verify(&shared, &known).await;
    consistency::check(&mut sql, Clock::System.now()).await;
    nobody_idles(&mut sql).await;
    assert!(shared.refused.load(Ordering::Relaxed) > 0, "nobody noticed the kills: they proved nothing");
    eprintln!(
        "{} events, {} writes acknowledged, {} refused, {} unknown",
        known.len(),
        shared.acknowledged.load(Ordering::Relaxed),
        shared.refused.load(Ordering::Relaxed),
        shared.unknown.load(Ordering::Relaxed),
    );
    koyomi.store.close().await;
}

/// A server with one user and one calendar; the server lasts as long as the test.
async fn serve(url: &str) -> (Arc<Shared>, koyomi::Koyomi) {
    let settings = Settings::new(url);
    Store::migrate(&settings).await.unwrap();
    let app = App::open(server::Settings::new(settings), Clock::System, Ids::random(Clock::System)).await.unwrap();
    let koyomi = app.koyomi.clone();
    koyomi.users.create_tenant(DEFAULT_TENANT, "Default").await.unwrap();
    let new = NewUser {
        email: "mio@example.com".to_owned(),
        name: "mio".to_owned(),
        password: None,
        time_zone: "Asia/Tokyo".to_owned(),
        is_admin: false,
    };
    koyomi.users.create_user(DEFAULT_TENANT, new).await.unwrap();
    let token = NewToken { name: "crash".to_owned(), expires_at: None };
    let (_, secret) = koyomi.users.create_token_for(DEFAULT_TENANT, "mio@example.com", token).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(server::serve(listener, app, std::future::pending()));
    // Longer than the server gives any request: who waits for this has found a hang.
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap();
    let mut shared = Shared {
        http,
        base,
        token: secret.expose().to_owned(),
        calendar: String::new(),
        stop: AtomicBool::new(false),
        acknowledged: AtomicUsize::new(0),
        refused: AtomicUsize::new(0),
        unknown: AtomicUsize::new(0),
    };
    let Told::Done(calendar) =
        shared.send(Method::POST, "/api/calendars", Some(&json!({ "name": "Crash" })), None).await
    else {
        panic!("no calendar")
    };
    shared.calendar = calendar["id"].as_str().unwrap().to_owned();
    (Arc::new(shared), koyomi)
}

/// Waits for so many more acknowledged writes.
async fn progress(shared: &Shared, writes: usize) {
    let goal = shared.acknowledged.load(Ordering::Relaxed) + writes;
    let moving = async {
        while shared.acknowledged.load(Ordering::Relaxed) < goal {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(STUCK, moving).await.expect("the server does not recover by itself");
}

/// What the clients were told is what a reader finds: by id, and in the list.
async fn verify(shared: &Shared, known: &[Known]) {
    let listed = list(shared).await;
    for event in known {
        let found = listed.get(&event.key).map(Vec::as_slice).unwrap_or_default();
        match event.life {
            Life::Lives => assert_eq!(found.len(), 1, "{} must be there exactly once", event.key),
            Life::Deleted | Life::Never => assert!(found.is_empty(), "{} must not be there", event.key),
            Life::Perhaps => assert!(found.len() <= 1, "{} is there twice", event.key),
        }
        assert!(!event.keyed || event.life != Life::Never);
        for title in found {
            assert!(event.titles.contains(title), "{} is called {title:?}, told {:?}", event.key, event.titles);
        }
        let Some(id) = &event.id else { continue };
        match shared.send(Method::GET, &format!("/api/events/{id}"), None, None).await {
            Told::Done(body) => {
                let title = body["title"].as_str().unwrap();
                assert!(event.life != Life::Deleted, "{} was deleted", event.key);
                assert!(event.titles.iter().any(|t| t == title), "{} is called {title:?}", event.key);
            }
            Told::Gone => assert!(event.life != Life::Lives, "{} was acknowledged and is lost", event.key),
            _ => panic!("the database is up"),
        }
    }
    let strangers = listed.keys().filter(|key| !known.iter().any(|event| event.key == **key)).count();
    assert_eq!(strangers, 0, "events that nobody made");
}

/// Titles by description, one for each event however often it recurs.
async fn list(shared: &Shared) -> HashMap<String, Vec<String>> {
    let mut found: HashMap<String, (String, String)> = HashMap::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/calendars/{}/events?limit=500{cursor}", shared.calendar);
        let Told::Done(page) = shared.send(Method::GET, &path, None, None).await else { panic!("no list") };
        for item in page["items"].as_array().unwrap() {
            let text = |field: &str| item[field].as_str().unwrap().to_owned();
            found.insert(text("id"), (text("description"), text("title")));
        }
        match &page["next_cursor"] {
            Value::String(next) => cursor = format!("&cursor={next}"),
            _ => break,
        }
    }
    let mut listed: HashMap<String, Vec<String>> = HashMap::new();
    for (key, title) in found.into_values() {
        listed.entry(key).or_default().push(title);
    }
    listed
}

/// A transaction whose client is gone would hold the head's lock until PostgreSQL ends it.
async fn nobody_idles(sql: &mut PgConnection) {
    const IDLE: &str = "select count(*) from pg_stat_activity where state like 'idle in transaction%'";
    // Connections on their way back to the pool may still be rolling back.
    for _ in 0..100 {
        if sqlx::query_scalar::<_, i64>(IDLE).fetch_one(&mut *sql).await.unwrap() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("a session is idle in a transaction");
}
