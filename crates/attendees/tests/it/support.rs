use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{CalendarId, Clock, EventId, Ids, TenantId, UserId};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use store::{Conn, Settings, Stats, Store};

/// 2027-01-15 08:00:00 UTC
pub(crate) fn the_day() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

/// A database of its own for one test, with a tenant, a user and a calendar; dropped with it.
pub(crate) struct World {
    name: String,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) tenant: TenantId,
    pub(crate) owner: UserId,
    pub(crate) calendar: CalendarId,
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
        settings.max_connections = 40;
        settings.acquire_timeout = std::time::Duration::from_secs(30);
        Store::migrate(&settings).await.unwrap();
        let clock = Clock::fixed(the_day());
        let ids = Ids::seeded(clock.clone(), 1);
        let store = Store::open(&settings, clock.clone(), ids.clone()).await.unwrap();
        let mut world = Self { name, store, clock, tenant: ids.mint(), owner: ids.mint(), calendar: ids.mint(), ids };
        world.tenant = world.tenant("acme").await;
        world.owner = world.user(world.tenant, "owner@example.com", "Olga Owner").await;
        world.calendar = world.calendar(world.tenant, world.owner).await;
        world
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(crate) async fn conn(&self) -> Conn {
        self.store.conn().await.unwrap()
    }

    pub(crate) async fn tenant(&self, slug: &str) -> TenantId {
        let id: TenantId = self.ids.mint();
        sqlx::query("insert into tenants (id, slug, name, created_at) values ($1, $2, $2, $3)")
            .bind(id)
            .bind(slug)
            .bind(self.now())
            .execute(&mut self.conn().await)
            .await
            .unwrap();
        id
    }

    pub(crate) async fn user(&self, tenant: TenantId, email: &str, name: &str) -> UserId {
        let id: UserId = self.ids.mint();
        sqlx::query(
            "insert into users (id, tenant_id, email, name, avatar_url, created_at, updated_at)
             values ($1, $2, $3, $4, 'https://cdn.example.com/' || $3, $5, $5)",
        )
        .bind(id)
        .bind(tenant)
        .bind(email)
        .bind(name)
        .bind(self.now())
        .execute(&mut self.conn().await)
        .await
        .unwrap();
        id
    }

    pub(crate) async fn calendar(&self, tenant: TenantId, owner: UserId) -> CalendarId {
        let id: CalendarId = self.ids.mint();
        sqlx::query(
            "with head as (insert into heads (calendar_id) values ($1))
             insert into calendars (id, tenant_id, owner_id, name, color, time_zone, created_at, updated_at)
             values ($1, $2, $3, 'Team', '#1e90ff', 'UTC', $4, $4)",
        )
        .bind(id)
        .bind(tenant)
        .bind(owner)
        .bind(self.now())
        .execute(&mut self.conn().await)
        .await
        .unwrap();
        id
    }

    pub(crate) async fn event(&self) -> EventId {
        self.events(1).await[0]
    }

    pub(crate) async fn events(&self, count: usize) -> Vec<EventId> {
        let ids: Vec<EventId> = (0..count).map(|_| self.ids.mint()).collect();
        sqlx::query(
            "insert into events (id, calendar_id, uid, title, all_day, start_local, time_zone, duration_days,
                 duration_seconds, start_time, end_time, created_at, updated_at)
             select id, $2, id::text, 'Meeting', false, $3 at time zone 'UTC', 'UTC', 0, 3600, $3,
                 $3 + interval '1 hour', $3, $3
             from unnest($1::uuid[]) as e (id)",
        )
        .bind(&ids)
        .bind(self.calendar)
        .bind(self.now())
        .execute(&mut self.conn().await)
        .await
        .unwrap();
        ids
    }

    pub(crate) fn later(&self, minutes: i64) -> DateTime<Utc> {
        self.clock.advance(TimeDelta::minutes(minutes));
        self.now()
    }

    pub(crate) async fn run(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut self.conn().await).await.unwrap();
    }

    /// Runs a prepared statement with literals and answers what EXPLAIN ANALYZE saw, once as a plan for these values
    /// and once as the generic plan that a connection may settle on.
    pub(crate) async fn plans(&self, sql: &str, literals: &[String]) -> [Plan; 2] {
        let mut conn = self.conn().await;
        let mut plans = Vec::new();
        for mode in ["force_custom_plan", "force_generic_plan"] {
            let prepare = format!("set plan_cache_mode = {mode}; prepare q as {sql}");
            sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut conn).await.unwrap();
            let explain = format!("explain (analyze, buffers, format json) execute q({})", literals.join(", "));
            let plan: Value =
                sqlx::query_scalar(AssertSqlSafe(explain)).persistent(false).fetch_one(&mut conn).await.unwrap();
            plans.push(Plan(plan));
            sqlx::raw_sql("deallocate q; reset plan_cache_mode").execute(&mut conn).await.unwrap();
        }
        plans.try_into().unwrap()
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

/// What EXPLAIN (ANALYZE, FORMAT JSON) said.
pub(crate) struct Plan(Value);

impl std::fmt::Debug for Plan {
    /// Node types, indexes and conditions only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for node in self.nodes() {
            let shown = ["Node Type", "Relation Name", "Index Name", "Index Cond", "Filter", "Heap Fetches"];
            for (n, key) in shown.into_iter().filter(|key| !node[*key].is_null()).enumerate() {
                write!(f, "{}{}", if n == 0 { "\n" } else { ", " }, node[key])?;
            }
        }
        Ok(())
    }
}

impl Plan {
    fn nodes(&self) -> Vec<&Value> {
        let mut nodes = Vec::new();
        let mut open = vec![&self.0[0]["Plan"]];
        while let Some(node) = open.pop() {
            nodes.push(node);
            if let Some(children) = node["Plans"].as_array() {
                open.extend(children);
            }
        }
        nodes
    }

    /// How the table is reached, once per place in the plan: (node type, index, heap fetches).
    pub(crate) fn scans(&self, table: &str) -> Vec<(String, String, i64)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.nodes()
            .into_iter()
            .filter(|node| node["Relation Name"] == table)
            .map(|node| {
                (text(&node["Node Type"]), text(&node["Index Name"]), node["Heap Fetches"].as_i64().unwrap_or(-1))
            })
            .collect()
    }

    pub(crate) fn assert_index_only(&self, table: &str, index: &str) {
        let scans = self.scans(table);
        assert!(!scans.is_empty(), "{table} is not read: {self:?}");
        for scan in scans {
            assert_eq!(scan, ("Index Only Scan".to_owned(), index.to_owned(), 0), "{self:?}");
        }
    }

    pub(crate) fn assert_no_seq_scan(&self) {
        assert!(self.nodes().iter().all(|node| node["Node Type"] != "Seq Scan"), "{self:?}");
    }
}

/// Runs the work and answers how many statements it cost beside what it answered.
pub(crate) async fn statements<T>(work: impl Future<Output = T>) -> (T, u32) {
    let stats = Arc::new(Stats::default());
    let value = store::counted(Arc::clone(&stats), work).await;
    (value, stats.statements())
}

/// `'{…}'::uuid[]`
pub(crate) fn uuids<Id: std::fmt::Display>(ids: &[Id]) -> String {
    let list: Vec<String> = ids.iter().map(Id::to_string).collect();
    format!("'{{{}}}'::uuid[]", list.join(","))
}
