use std::collections::HashMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bus::{Bus, Heard, Settings, Transport};
use kernel::{Clock, Ids, Moved, Subject};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use store::{Conn, Store};
use uuid::Uuid;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// Long, for a machine that does other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

fn server() -> String {
    std::env::var("KOYOMI_TEST_DATABASE_URL").unwrap_or_else(|_| {
        panic!(
            "KOYOMI_TEST_DATABASE_URL must name a PostgreSQL server as a role that may create databases; \
             `./dev test` sets it"
        )
    })
}

/// The server's URL with another database in it.
fn url_of(database: &str) -> String {
    let server = server();
    let (address, options) = match server.split_once('?') {
        Some((address, options)) => (address, format!("?{options}")),
        None => (server.as_str(), String::new()),
    };
    let (host, _) = address.rsplit_once('/').expect("KOYOMI_TEST_DATABASE_URL names a database");
    format!("{host}/{database}{options}")
}

/// A database of its own for one test, and a NATS server if it wants one; gone with it.
pub(crate) struct World {
    name: String,
    pub(crate) url: String,
    pub(crate) store: Store,
    pub(crate) nats: Option<NatsServer>,
}

impl World {
    pub(crate) async fn postgres() -> Self {
        let name =
            format!("it_{}_{}_{}", env!("CARGO_PKG_NAME"), std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut admin = PgConnection::connect(&server()).await.unwrap();
        for sql in [format!("drop database if exists {name} with (force)"), format!("create database {name}")] {
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut admin).await.unwrap();
        }
        let url = url_of(&name);
        let mut settings = store::Settings::new(&url);
        settings.max_connections = 12;
        settings.acquire_timeout = PATIENCE;
        Store::migrate(&settings).await.unwrap();
        let store = Store::open(&settings, Clock::System, Ids::random(Clock::System)).await.unwrap();
        Self { name, url, store, nats: None }
    }

    pub(crate) async fn nats() -> Self {
        let mut world = Self::postgres().await;
        world.nats = Some(NatsServer::start());
        world
    }

    pub(crate) fn settings(&self) -> Settings {
        let transport = match &self.nats {
            Some(nats) => Transport::Nats { url: nats.url() },
            None => Transport::Postgres,
        };
        let mut settings = Settings::new(transport, &self.url);
        settings.marks = Some(Duration::from_millis(20));
        settings
    }

    /// One instance that notes what it hears.
    pub(crate) async fn instance(&self) -> (Bus, Ears) {
        let ears = Ears::default();
        let hear = ears.clone();
        let bus = Bus::start(self.store.clone(), self.settings(), move |heard| hear.note(heard)).await.unwrap();
        (bus, ears)
    }

    pub(crate) async fn conn(&self) -> Conn {
        self.store.conn().await.unwrap()
    }

    pub(crate) async fn run(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut self.conn().await).await.unwrap();
    }

    pub(crate) async fn outbox_rows(&self) -> i64 {
        sqlx::query_scalar("select count(*) from outbox").fetch_one(&mut self.conn().await).await.unwrap()
    }

    /// A message may be heard a moment before its relay commits.
    pub(crate) async fn outbox_is_emptied(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.outbox_rows().await > 0 {
            assert!(Instant::now() < deadline, "rows stay in the outbox");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends the connections of this database with that name; how many there were.
    pub(crate) async fn cut(&self, application_name: &str) -> usize {
        sqlx::query(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where application_name = $1 and datname = current_database()",
        )
        .bind(application_name)
        .fetch_all(&mut self.conn().await)
        .await
        .unwrap()
        .len()
    }
}

impl Drop for World {
    /// In a thread of its own, because a test's runtime may be the thread that drops it.
    fn drop(&mut self) {
        let name = self.name.clone();
        let dropped = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
                let mut admin = PgConnection::connect(&server()).await.unwrap();
                sqlx::raw_sql(AssertSqlSafe(format!("drop database if exists {name} with (force)")))
                    .execute(&mut admin)
                    .await
                    .unwrap();
            });
        });
        let _ = dropped.join();
    }
}

/// `seq` of a calendar that exists nowhere else, in a transaction of its own.
pub(crate) async fn announce(conn: &mut Conn, subject: Uuid, seq: i64) {
    sqlx::query("insert into outbox (kind, subject_id, seq, acl) values ('calendar', $1, $2, $2)")
        .bind(subject)
        .bind(seq)
        .execute(conn)
        .await
        .unwrap();
}

/// What an instance has heard.
#[derive(Clone, Default)]
pub(crate) struct Ears(Arc<Mutex<Notes>>);

#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) seqs: HashMap<Subject, Moved>,
    pub(crate) lost: Vec<(&'static str, Instant)>,
    pub(crate) epochs: Vec<i64>,
    pub(crate) complete: Option<Instant>,
}

impl Ears {
    pub(crate) fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap()
    }

    fn note(&self, heard: Heard<'_>) {
        let mut notes = self.notes();
        match heard {
            Heard::Moved(entries) => {
                for moved in entries {
                    let known = notes.seqs.entry(moved.subject).or_insert(*moved);
                    known.seq = known.seq.max(moved.seq);
                    known.acl = known.acl.max(moved.acl);
                }
            }
            Heard::Lost(reason) => notes.lost.push((reason, Instant::now())),
            Heard::Epoch(epoch) => notes.epochs.push(epoch),
            Heard::Complete { as_of } => notes.complete = Some(as_of),
        }
    }

    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Notes) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(&self.notes()) {
            assert!(Instant::now() < deadline, "waited too long: {what}; lost: {:?}", self.notes().lost);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Until everything committed before now has been heard.
    pub(crate) async fn complete(&self) {
        let now = Instant::now();
        self.until("complete", |notes| notes.complete.is_some_and(|as_of| as_of >= now)).await;
    }
}

/// A JetStream server on a free port, with files of its own.
pub(crate) struct NatsServer {
    child: Child,
    port: u16,
    directory: PathBuf,
}

impl NatsServer {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let directory = std::env::temp_dir().join(format!(
            "koyomi-nats-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        ));
        Self { child: Self::spawn(port, &directory), port, directory }
    }

    fn spawn(port: u16, directory: &PathBuf) -> Child {
        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/usr/local/sbin";
        Command::new("nats-server")
            .env("PATH", path)
            .args(["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd"])
            .arg(directory)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("nats-server cannot be started ({error}); install the Debian package nats-server")
            })
    }

    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn start_again(&mut self) {
        self.child = Self::spawn(self.port, &self.directory);
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
