use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, NaiveDateTime, Utc};
use events::{Grant, Position, Role, Source, Status, Window};
use futures::TryStreamExt;
use kernel::{
    CalendarId, Caller, Clock, Credential, Ids, Limit, Result, Span, TenantId, UserId, decode_cursor, filter_hash,
};
use koyomi::{CalendarInput, ImportOptions, ImportReport, Koyomi, TransferFormat};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use store::{Conn, Settings, Stats, Store};

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A database of its own for one test, with a tenant and a user; dropped with it. It is 2026-11-22.
pub(crate) struct World {
    name: String,
    pub(crate) koyomi: Koyomi,
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) tenant: TenantId,
    pub(crate) mio: Caller,
}

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

/// One occurrence as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shown {
    pub(crate) start: DateTime<Utc>,
    pub(crate) uid: String,
    pub(crate) original_start: NaiveDateTime,
    pub(crate) end: DateTime<Utc>,
    pub(crate) title: String,
    pub(crate) all_day: bool,
    pub(crate) cancelled: bool,
}

impl World {
    pub(crate) async fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("it_{}_{}_{}", env!("CARGO_PKG_NAME"), std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut admin = PgConnection::connect(&server()).await.unwrap();
        for sql in [format!("drop database if exists {name} with (force)"), format!("create database {name}")] {
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut admin).await.unwrap();
        }
        let mut settings = Settings::new(url_of(&name));
        settings.acquire_timeout = std::time::Duration::from_secs(30);
        Store::migrate(&settings).await.unwrap();
        let clock = Clock::fixed(at("2026-11-22T00:00:00Z"));
        let ids = Ids::seeded(clock.clone(), 1);
        let store = Store::open(&settings, clock.clone(), ids.clone()).await.unwrap();
        let tenant: TenantId = ids.mint();
        let mut world = Self {
            name,
            koyomi: Koyomi::open(store, koyomi::Settings::default()).unwrap(),
            clock,
            tenant,
            mio: nobody(tenant),
            ids,
        };
        world
            .run(&format!(
                "insert into tenants (id, slug, name, created_at) values ('{tenant}', 'acme', 'Acme', now())"
            ))
            .await;
        world.mio = world.user("mio@example.com", "Mio").await;
        world
    }

    pub(crate) async fn conn(&self) -> Conn {
        self.koyomi.store.conn().await.unwrap()
    }

    pub(crate) async fn run(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut self.conn().await).await.unwrap();
    }

    pub(crate) async fn count(&self, sql: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut self.conn().await).await.unwrap()
    }

    pub(crate) async fn user(&self, email: &str, name: &str) -> Caller {
        let (id, tenant): (UserId, _) = (self.ids.mint(), self.tenant);
        self.run(&format!(
            "insert into users (id, tenant_id, email, name, created_at, updated_at)
             values ('{id}', '{tenant}', '{email}', '{name}', now(), now())"
        ))
        .await;
        Caller { user_id: id, name: name.into(), email: email.into(), ..nobody(tenant) }
    }

    /// A calendar of mio's, in UTC.
    pub(crate) async fn calendar(&self) -> CalendarId {
        self.calendar_in("UTC").await
    }

    pub(crate) async fn calendar_in(&self, zone: &str) -> CalendarId {
        let input = CalendarInput {
            name: "Team".into(),
            description: Some("Everything, and more".into()),
            color: None,
            time_zone: Some(zone.into()),
        };
        self.koyomi.create_calendar(&self.mio, input, None).await.unwrap().id
    }

    pub(crate) async fn share(&self, calendar: CalendarId, with: &Caller, role: Role) {
        let who = events::Invitee::User(with.user_id);
        self.koyomi.create_member(&self.mio, calendar, who, role, None).await.unwrap();
    }

    pub(crate) async fn import(&self, calendar: CalendarId, bytes: impl Into<Vec<u8>>) -> ImportReport {
        self.try_import(&self.mio, calendar, bytes, ImportOptions::default()).await.unwrap()
    }

    pub(crate) async fn import_ndjson(&self, calendar: CalendarId, bytes: impl Into<Vec<u8>>) -> ImportReport {
        let options = ImportOptions { format: TransferFormat::Ndjson, ..ImportOptions::default() };
        self.try_import(&self.mio, calendar, bytes, options).await.unwrap()
    }

    pub(crate) async fn try_import(
        &self,
        caller: &Caller,
        calendar: CalendarId,
        bytes: impl Into<Vec<u8>>,
        options: ImportOptions,
    ) -> Result<ImportReport> {
        self.koyomi.import_events(caller, calendar, Cursor::new(bytes.into()), options, |_| {}).await
    }

    pub(crate) async fn export(&self, caller: &Caller, calendar: CalendarId, format: TransferFormat) -> Vec<u8> {
        let chunks = self.koyomi.export_events(caller, calendar, format).await.unwrap();
        let chunks: Vec<_> = chunks.try_collect().await.unwrap();
        chunks.concat()
    }

    pub(crate) async fn export_text(&self, calendar: CalendarId, format: TransferFormat) -> String {
        String::from_utf8(self.export(&self.mio, calendar, format).await).unwrap()
    }

    pub(crate) async fn grant(&self, calendar: CalendarId) -> Grant {
        events::grants(&mut self.conn().await, &self.mio, Some(&[calendar])).await.unwrap().remove(0)
    }

    /// What overlaps 2010 to 2030, page by page through the door of the list.
    pub(crate) async fn shown(&self, calendar: CalendarId) -> Vec<Shown> {
        self.shown_between(calendar, "2010-01-01T00:00:00Z", "2030-01-01T00:00:00Z").await
    }

    pub(crate) async fn shown_between(&self, calendar: CalendarId, from: &str, to: &str) -> Vec<Shown> {
        let grants = [self.grant(calendar).await];
        let filters = filter_hash(&"shown");
        let mut window = Window {
            span: Span { from: at(from), to: at(to) },
            q: None,
            after: Position::START,
            backward: false,
            limit: Limit::new(Some(500)).unwrap(),
            filters,
        };
        let mut shown = Vec::new();
        let mut conn = self.conn().await;
        loop {
            let page = events::page(&mut conn, Source::Calendars(&grants), &window).await.unwrap();
            shown.extend(page.items.into_iter().map(|happening| Shown {
                start: happening.start_time,
                uid: happening.event.uid,
                original_start: happening.original_start,
                end: happening.end_time,
                title: happening.event.title,
                all_day: happening.event.all_day,
                cancelled: happening.event.status == Status::Cancelled,
            }));
            match page.next_cursor {
                Some(cursor) => window.after = decode_cursor(filters, &cursor).unwrap(),
                None => break,
            }
        }
        assert!(shown.is_sorted_by_key(|shown| shown.start));
        // of those that begin together ids decide, which are minted anew in each calendar
        shown.sort();
        shown
    }
}

fn nobody(tenant: TenantId) -> Caller {
    Caller {
        user_id: UserId(uuid::Uuid::nil()),
        tenant_id: tenant,
        name: String::new(),
        email: String::new(),
        time_zone: "UTC".into(),
        is_admin: false,
        directory_seq: 0,
        version: 1,
        seq: 0,
        credential: Credential::Session,
        expires_at: None,
    }
}

impl Drop for World {
    /// In a thread of its own, because a test's runtime may be the thread that drops it.
    fn drop(&mut self) {
        let name = self.name.clone();
        let dropped = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
                let mut admin = PgConnection::connect(&server()).await.unwrap();
                let sql = format!("drop database if exists {name} with (force)");
                // refused while autovacuum looks at it, whom only a superuser may send away
                for _ in 0..100 {
                    if sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut admin).await.is_ok() {
                        return;
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            });
        });
        let _ = dropped.join();
    }
}

/// Runs the work and answers how many statements it cost beside what it answered.
pub(crate) async fn statements<T>(work: impl Future<Output = T>) -> (T, u32) {
    let stats = Arc::new(Stats::default());
    let value = store::counted(Arc::clone(&stats), work).await;
    (value, stats.statements())
}
