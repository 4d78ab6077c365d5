//! What the statements of an answer cost by themselves: axum and tokio-postgres, the rows decoded and written as JSON, and
//! nothing else. `/graphql` is answered with a calendar's events, their guests and rooms in the shape of GraphQL, everything
//! else with the plain list of REST.

mod list;
mod nested;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use chrono::{DateTime, NaiveDateTime, Utc};
use clap::Parser;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use kernel::Clock;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Semaphore};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, NoTls, Row, Statement};
use uuid::Uuid;

use self::nested::{Answer, Event, Guest, Reservation};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Answers two questions with the statements that koyomi runs for them
#[derive(Parser, Debug)]
#[command(name = "statements")]
struct Options {
    /// Address to listen on
    #[arg(long)]
    listen: SocketAddr,
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: String,
    /// As koyomi
    #[arg(long, default_value_t = 20)]
    connections: usize,
    /// Of the token that asks, as it is stored: 64 hexadecimal digits
    #[arg(long)]
    token_hash: String,
    #[arg(long)]
    calendar: Uuid,
    #[arg(long)]
    from: DateTime<Utc>,
    #[arg(long)]
    to: DateTime<Utc>,
}

/// A connection and what is prepared on it.
struct Db {
    client: Client,
    versions: Statement,
    grants: Statement,
    page: Statement,
    guests: Statement,
    booked: Statement,
}

struct Service {
    options: Options,
    user: Uuid,
    tenant: Uuid,
    /// One that does head checks alone.
    heads: Db,
    pool: Mutex<Vec<Db>>,
    free: Semaphore,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let (listen, connections) = (options.listen, options.connections);
    let digits = options.token_hash.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    let hash = digits.map(|pair| pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()));
    let hash = hash.collect::<Option<Vec<u8>>>().context("--token-hash is not hexadecimal")?;
    let heads = connect(&options.database_url).await?;
    let (user, tenant) = whose(&heads.client, hash, options.calendar).await?;
    let mut pool = Vec::with_capacity(connections);
    for _ in 0..connections {
        pool.push(connect(&options.database_url).await?);
    }
    let service =
        Arc::new(Service { options, user, tenant, heads, pool: Mutex::new(pool), free: Semaphore::new(connections) });
    let listener = TcpListener::bind(listen).await?.tap_io(|tcp| {
        let _ = tcp.set_nodelay(true);
    });
    let routes = Router::new().route("/graphql", get(nested)).fallback(get(list)).with_state(service);
    Ok(axum::serve(listener, routes).await?)
}

async fn connect(url: &str) -> anyhow::Result<Db> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    client.batch_execute("set jit = off").await?;
    Ok(Db {
        versions: client
            .prepare_typed(
                cache::hot::VERSIONS,
                &[Type::UUID_ARRAY, Type::UUID_ARRAY, Type::UUID_ARRAY, Type::UUID_ARRAY],
            )
            .await?,
        grants: client.prepare_typed(events::hot::GRANTS, &[Type::UUID, Type::UUID, Type::UUID_ARRAY]).await?,
        page: client
            .prepare_typed(
                events::hot::PAGE,
                &[
                    Type::UUID_ARRAY,
                    Type::INT8_ARRAY,
                    Type::TIMESTAMPTZ,
                    Type::TIMESTAMPTZ,
                    Type::TIMESTAMPTZ,
                    Type::UUID,
                    Type::TIMESTAMP,
                    Type::INT8,
                ],
            )
            .await?,
        guests: client.prepare_typed(attendees::hot::LIST_MANY, &[Type::UUID_ARRAY, Type::INT8]).await?,
        booked: client
            .prepare_typed(resources::hot::LIST_FOR_OCCURRENCES, &[Type::UUID_ARRAY, Type::TIMESTAMP_ARRAY])
            .await?,
        client,
    })
}

/// Who shows the secret, and whether the calendar is shared with him.
async fn whose(client: &Client, hash: Vec<u8>, calendar: Uuid) -> anyhow::Result<(Uuid, Uuid)> {
    let types =
        [Type::BYTEA_ARRAY, Type::BOOL_ARRAY, Type::TIMESTAMPTZ, Type::UUID_ARRAY, Type::INT4_ARRAY, Type::UUID_ARRAY];
    let (check, calendars) = (client.prepare_typed(cache::hot::CHECK, &types).await?, vec![calendar]);
    let rows = client
        .query(&check, &[&vec![hash], &vec![false], &Clock::System.now(), &calendars, &vec![1_i32], &calendars])
        .await?;
    let of_kind = |kind: i32| rows.iter().find(move |row| row.get::<_, i32>(0) == kind);
    of_kind(3).context("the calendar is not shared with whoever has this token")?;
    let caller = of_kind(1).context("this token opens nothing")?;
    Ok((caller.get(2), caller.get(3)))
}

async fn nested(State(service): State<Arc<Service>>) -> Response {
    show(service, true).await
}

async fn list(State(service): State<Arc<Service>>) -> Response {
    show(service, false).await
}

async fn show(service: Arc<Service>, nested: bool) -> Response {
    // Whoever hangs up takes no connection with him.
    match tokio::spawn(async move { service.answer(nested).await }).await.unwrap_or_else(|error| Err(error.into())) {
        Ok(answer) => ([(CONTENT_TYPE, "application/json")], answer).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

impl Service {
    async fn answer(&self, nested: bool) -> anyhow::Result<Vec<u8>> {
        self.check().await?;
        let _free = self.free.acquire().await?;
        let db = self.pool.lock().await.pop().context("a connection")?;
        let answer = if nested { self.nested(&db).await } else { self.list(&db).await };
        self.pool.lock().await.push(db);
        answer
    }

    async fn list(&self, db: &Db) -> anyhow::Result<Vec<u8>> {
        let rows = self.page(db).await?;
        db.client.batch_execute("commit").await?;
        let mut items = rows.iter().map(list::item).collect::<anyhow::Result<Vec<_>>>()?;
        items.sort_by_key(|item| (item.start_time, item.id));
        let more = items.len() > 50;
        items.truncate(50);
        Ok(serde_json::to_vec(&list::Page { items, next_cursor: more.then_some("more") })?)
    }

    /// The head check of somebody who is known already, as koyomi makes it; there, whoever asks meanwhile shares it.
    async fn check(&self) -> anyhow::Result<()> {
        let (users, calendars, tenants) = (vec![self.user], vec![self.options.calendar], vec![self.tenant]);
        let rows =
            self.heads.client.query(&self.heads.versions, &[&users, &calendars, &tenants, &Vec::<Uuid>::new()]).await?;
        anyhow::ensure!(rows.len() == 4, "epoch, user, calendar and tenant have versions");
        Ok(())
    }

    /// Begins a transaction, and reads the page in it.
    async fn page(&self, db: &Db) -> anyhow::Result<Vec<Row>> {
        let Options { calendar, from, to, .. } = &self.options;
        db.client.batch_execute("begin isolation level repeatable read read only").await?;
        let grants = db.client.query_one(&db.grants, &[&self.user, &self.tenant, &vec![*calendar]]).await?;
        let (earliest, none) = (DateTime::<Utc>::UNIX_EPOCH, Uuid::nil());
        let longest: i64 = grants.get("longest_seconds");
        let arguments: [&(dyn ToSql + Sync); 8] =
            [&vec![*calendar], &vec![longest], from, to, &earliest, &none, &earliest.naive_utc(), &51_i64];
        Ok(db.client.query(&db.page, &arguments).await?)
    }

    async fn nested(&self, db: &Db) -> anyhow::Result<Vec<u8>> {
        let rows = self.page(db).await?;
        let mut events: Vec<Event> = rows.iter().map(event).collect();
        events.sort_by_key(|event| (event.start_time, event.event_id));
        let more = events.len() > 50;
        events.truncate(50);
        let (ids, starts): (Vec<Uuid>, Vec<NaiveDateTime>) =
            events.iter().map(|event| (event.event_id, event.original_start)).unzip();
        // The occurrences of a series share their guests.
        let mut once = ids.clone();
        once.sort_unstable();
        once.dedup();
        for row in db.client.query(&db.guests, &[&once, &500_i64]).await? {
            let of: Uuid = row.get("event_id");
            let guest = guest(&row);
            events.iter_mut().filter(|event| event.event_id == of).for_each(|event| event.guests.push(guest.clone()));
        }
        for row in db.client.query(&db.booked, &[&ids, &starts]).await? {
            let (of, at): (Uuid, NaiveDateTime) = (row.get("event_id"), row.get("original_start"));
            if let Some(event) = events.iter_mut().find(|event| (event.event_id, event.original_start) == (of, at)) {
                event.reservations.push(Reservation { id: row.get("resource_id"), name: row.get("resource_name") });
            }
        }
        db.client.batch_execute("commit").await?;
        Ok(serde_json::to_vec(&Answer { calendar: self.options.calendar, events, more })?)
    }
}

fn event(row: &Row) -> Event {
    Event {
        event_id: row.get("id"),
        title: row.get("title"),
        start_time: row.get("start_time"),
        end_time: row.get("end_time"),
        original_start: row.get("original_start"),
        organizer: row.get("organizer_name"),
        guests: Vec::new(),
        reservations: Vec::new(),
    }
}

fn guest(row: &Row) -> Guest {
    Guest {
        email: row.get("email"),
        response_status: row.get::<_, &str>("response_status").to_uppercase(),
        user: row.get("user_id"),
        name: row.get("name"),
    }
}
