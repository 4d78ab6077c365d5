//! The RFC's "before": its five routes the way it complains about, on koyomi's own tables. A page of N events costs 1 + 3N
//! statements (for each event one for whoever called it, one for its guests, one for its rooms), every request looks its token
//! up, nothing is cached, whole rows are read and no index is read alone.
//!
//! It is kinder to PostgreSQL than the RFC's service was: the indexes are there, and statements are prepared. It answers
//! owners and writers of a calendar (whom nothing has to be hidden from), with first pages, and creates single events in a
//! zone. What it writes leaves heads, log and outbox as koyomi's writes do, so both may work on one database.

mod answer;
mod create;
mod db;
mod read;
mod routes;
mod shape;
mod sql;

use std::net::SocketAddr;

use axum::serve::ListenerExt;
use clap::Parser;
use tokio::net::TcpListener;

use self::db::Pool;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Answers the RFC's five routes with a statement for each thing of each event
#[derive(Parser, Debug)]
#[command(name = "naive")]
struct Options {
    /// Address to listen on
    #[arg(long)]
    listen: SocketAddr,
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: String,
    /// As koyomi
    #[arg(long, default_value_t = 20)]
    connections: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let pool = Pool::connect(&options.database_url, options.connections).await?;
    let listener = TcpListener::bind(options.listen).await?.tap_io(|tcp| {
        let _ = tcp.set_nodelay(true);
    });
    Ok(axum::serve(listener, routes::router(pool)).await?)
}
