//! A koyomi of its own for every test: a database cloned from a migrated template, a real server on a free port, a clock
//! that stands still until it is moved.
//!
//! ```ignore
//! let koyomi = harness::start().await;
//! let mio = koyomi.user("mio").await;
//! let me = mio.get("/api/me").await.ok();
//! mio.patch("/api/me", json!({ "name": "" })).await.problem(422, "validation_failed");
//! ```

#![allow(dead_code, unreachable_pub, reason = "words for tests, not all in use yet")]

mod answer;
mod client;
mod database;
mod mode;
mod socket;

use std::sync::{Arc, Mutex};

use cache::Reads;
use chrono::{DateTime, TimeZone, Utc};
use kernel::{Clock, Ids};
use koyomi::Koyomi;
use server::App;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use users::{DEFAULT_TENANT, NewToken, NewUser};

pub use answer::Answer;
pub use client::{Client, Person};
use database::Database;
pub use mode::Mode;
pub use socket::{Heard, Socket};

/// Monday, 2 March 2026, 09:00 UTC: what the clock says at the start of every test.
pub fn start_of_time() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 2, 9, 0, 0).unwrap()
}

pub const PASSWORD: &str = "correct horse battery";

/// A running server. Dropping it stops the server and empties the database.
pub struct Harness {
    /// The rooms behind the server, for what HTTP does not offer.
    pub koyomi: Koyomi,
    /// Of the server: `harness.clock.advance(TimeDelta::days(1))`.
    pub clock: Clock,
    pub base: String,
    http: reqwest::Client,
    /// What its clients have seen, where they must say so to read what they wrote.
    seen: Option<Arc<Mutex<Option<String>>>>,
    stop: Option<oneshot::Sender<()>>,
    ended: JoinHandle<()>,
    // Last: dropped after the server lost its sender.
    database: Arc<Database>,
}

/// The clock stands still at [`start_of_time`], and ids repeat from run to run.
pub async fn start() -> Harness {
    let clock = Clock::fixed(start_of_time());
    let ids = Ids::seeded(clock.clone(), 1);
    Harness::on(Database::take(), clock, ids).await
}

/// As [`start`], on a database that nobody has used before and that is dropped at the end: for tests that fill it, change
/// its schema or look at its plans.
pub async fn start_on_fresh_database() -> Harness {
    let clock = Clock::fixed(start_of_time());
    let ids = Ids::seeded(clock.clone(), 1);
    Harness::on(Database::fresh(), clock, ids).await
}

/// As [`start`], in a mode of its own, with the machine's clock.
pub async fn start_as(mode: Mode) -> Harness {
    let ids = Ids::random(Clock::System);
    let harness = Harness::serve_as(Arc::new(Database::take()), Clock::System, ids, mode).await;
    harness.koyomi.users.create_tenant(DEFAULT_TENANT, "Default").await.unwrap();
    harness
}

/// With the machine's clock and random ids.
pub async fn start_with_real_time() -> Harness {
    Harness::on(Database::take(), Clock::System, Ids::random(Clock::System)).await
}

impl Harness {
    async fn on(database: Database, clock: Clock, ids: Ids) -> Self {
        let harness = Self::serve(Arc::new(database), clock, ids).await;
        harness.koyomi.users.create_tenant(DEFAULT_TENANT, "Default").await.unwrap();
        harness
    }

    /// One more server on the same database and clock: what another instance would answer. Drop it first.
    pub async fn another_instance(&self) -> Self {
        self.another_instance_as(Mode::of_environment()).await
    }

    pub async fn another_instance_as(&self, mode: Mode) -> Self {
        self.another_instance_through(mode, self.database.url()).await
    }

    /// As [`Harness::another_instance_as`], which reaches the database by this URL.
    pub async fn another_instance_through(&self, mode: Mode, url: String) -> Self {
        let ids = Ids::random(self.clock.clone());
        Self::serve_through(Arc::clone(&self.database), self.clock.clone(), ids, mode, url).await
    }

    async fn serve(database: Arc<Database>, clock: Clock, ids: Ids) -> Self {
        Self::serve_as(database, clock, ids, Mode::of_environment()).await
    }

    async fn serve_as(database: Arc<Database>, clock: Clock, ids: Ids, mode: Mode) -> Self {
        let url = database.url();
        Self::serve_through(database, clock, ids, mode, url).await
    }

    async fn serve_through(database: Arc<Database>, clock: Clock, ids: Ids, mode: Mode, url: String) -> Self {
        let app = App::open(mode.settings(url), clock.clone(), ids).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let koyomi = app.koyomi.clone();
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(async move {
            server::serve(listener, app, async { drop(stopped.await) }).await.unwrap();
        });
        let seen = (mode.reads != Reads::Strict).then(Arc::default);
        Self { koyomi, clock, base, http: client::http(), seen, stop: Some(stop), ended, database }
    }

    /// Asks it to stop, as dropping it does.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    pub fn has_ended(&self) -> bool {
        self.ended.is_finished()
    }

    /// Until it has stopped.
    pub async fn ended(&mut self) {
        (&mut self.ended).await.unwrap();
    }

    /// Somebody without any credential.
    pub fn anonymous(&self) -> Client {
        Client::new(self.http.clone(), &self.base, self.seen.clone())
    }

    /// Somebody who never says what he has seen.
    pub fn forgetful(&self, secret: &str) -> Client {
        Client::new(self.http.clone(), &self.base, None).with("authorization", &format!("Bearer {secret}"))
    }

    pub fn bearer(&self, secret: &str) -> Client {
        self.anonymous().with("authorization", &format!("Bearer {secret}"))
    }

    /// A browser with a session cookie, on one of the server's own pages.
    pub fn cookie(&self, secret: &str) -> Client {
        self.anonymous().with("cookie", &format!("koyomi_session={secret}")).with("sec-fetch-site", "same-origin")
    }

    /// A new user `<name>@example.com` of the default tenant, signed in with an API token; no password (hashing one
    /// takes its time: see [`Harness::user_with_password`]).
    pub async fn user(&self, name: &str) -> Person {
        self.person(DEFAULT_TENANT, name, None, false).await
    }

    /// As [`Harness::user`], a tenant administrator.
    pub async fn admin(&self, name: &str) -> Person {
        self.person(DEFAULT_TENANT, name, None, true).await
    }

    /// As [`Harness::user`], with the password [`PASSWORD`].
    pub async fn user_with_password(&self, name: &str) -> Person {
        self.person(DEFAULT_TENANT, name, Some(PASSWORD), false).await
    }

    /// As [`Harness::user`], in another tenant, which is created if need be.
    pub async fn stranger(&self, tenant: &str, name: &str) -> Person {
        self.koyomi.users.create_tenant(tenant, tenant).await.unwrap();
        self.person(tenant, name, None, false).await
    }

    /// As [`Harness::stranger`], with the password [`PASSWORD`].
    pub async fn stranger_with_password(&self, tenant: &str, name: &str) -> Person {
        self.koyomi.users.create_tenant(tenant, tenant).await.unwrap();
        self.person(tenant, name, Some(PASSWORD), false).await
    }

    async fn person(&self, tenant: &str, name: &str, password: Option<&str>, is_admin: bool) -> Person {
        let new = NewUser {
            email: format!("{name}@example.com"),
            name: name.to_owned(),
            password: password.map(str::to_owned),
            time_zone: "Asia/Tokyo".to_owned(),
            is_admin,
        };
        let user = self.koyomi.users.create_user(tenant, new).await.unwrap();
        let token = NewToken { name: "test".to_owned(), expires_at: None };
        let (_, secret) = self.koyomi.users.create_token_for(tenant, &user.email, token).await.unwrap();
        let client = self.bearer(secret.expose());
        Person::new(user, secret.expose(), client)
    }

    /// A connection of the test's own, for rows that no door shows.
    pub async fn sql(&self) -> sqlx::PgConnection {
        use sqlx::Connection;
        sqlx::PgConnection::connect(&self.database.url()).await.unwrap()
    }

    pub fn database_url(&self) -> String {
        self.database.url()
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        self.stop();
    }
}
