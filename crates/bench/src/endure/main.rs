//! What a running koyomi endures: ten thousand connections that rest, and a hundred thousand clients that hang up in the
//! middle of it.

mod connections;
mod hangups;
mod proxy;
mod rolling;
mod wire;

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[derive(Parser, Debug)]
#[command(name = "endure", about = "What a running koyomi endures")]
struct Cli {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    what: What,
}

/// Whom it is done to.
#[derive(clap::Args, Debug, Clone)]
pub(crate) struct Target {
    /// Where koyomi listens: address and port
    #[arg(long)]
    pub address: std::net::SocketAddr,
    #[arg(long, env = "ENDURE_TOKEN", hide_env_values = true)]
    pub token: String,
    /// A calendar that the token may write to
    #[arg(long)]
    pub calendar: uuid::Uuid,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Connections that are kept open, and what those who ask meanwhile notice
    Connections(connections::Options),
    /// Clients that hang up at random points
    Hangups(hangups::Options),
    /// Two instances that are restarted in turn
    Rolling(rolling::Options),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Cli { target, what } = Cli::parse();
    match what {
        What::Connections(options) => connections::run(&target, &options).await,
        What::Hangups(options) => hangups::run(&target, &options).await,
        What::Rolling(options) => rolling::run(&target, &options).await,
    }
}
