use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bus::Transport;
use cache::{Family, Reads, Tiers};
use clap::{Args, ValueEnum};

use crate::graphql;

/// Everything that can be set from outside: by environment, or by option of the same name.
#[derive(Args, Clone)]
pub struct Config {
    /// `postgres://user:password@host:port/database`; PostgreSQL 15 or newer.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    /// Connections to PostgreSQL that this process holds at most.
    #[arg(long, env = "KOYOMI_DB_CONNECTIONS", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub db_connections: u32,
}

impl Config {
    pub fn database(&self) -> store::Settings {
        store::Settings { max_connections: self.db_connections, ..store::Settings::new(&self.database_url) }
    }
}

/// How reads are answered, and how instances hear of each other.
#[derive(Args, Clone)]
pub struct Freshness {
    /// Tiers of the cache: `off`, `l1` (memory) or `l1+l2` (and Redis).
    #[arg(long, env = "KOYOMI_CACHE", default_value_t = Tiers::L1L2)]
    pub cache: Tiers,
    /// Kinds of values that are not cached, comma-separated: calendar, page, event, occurrences, attendees, reservations,
    /// availability, users, resources, body.
    #[arg(long, env = "KOYOMI_CACHE_OFF", value_delimiter = ',', value_parser = family)]
    pub cache_off: Vec<Family>,
    /// Megabytes of memory for the first tier.
    #[arg(long, env = "KOYOMI_CACHE_MB", default_value_t = 128)]
    pub cache_mb: u64,
    /// `redis://host:port/database` of the second tier; without one there is none.
    #[arg(long, env = "KOYOMI_REDIS", hide_env_values = true)]
    pub redis: Option<String>,
    /// One of so many cache hits is read again from the database and compared; 0: none.
    #[arg(long, env = "KOYOMI_CACHE_SAMPLE", default_value_t = 1000)]
    pub cache_sample: u32,
    /// `strict`: every read asks the database whether its answer is the newest. `bounded:500ms` (up to 1000): it may be
    /// answered from memory that is at most so old.
    #[arg(long, env = "KOYOMI_READS", default_value_t = Reads::Strict)]
    pub reads: Reads,
    /// Connections to PostgreSQL that only ask for versions.
    #[arg(long, env = "KOYOMI_HEAD_CONNECTIONS", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub head_connections: u16,
    /// `postgres` (LISTEN/NOTIFY), `nats://host:port` (JetStream) or `off`: this instance neither sends nor hears.
    #[arg(long, env = "KOYOMI_BUS", default_value = "postgres")]
    pub bus: Transport,
}

fn family(text: &str) -> Result<Family, String> {
    Family::ALL.into_iter().find(|family| family.name() == text).ok_or_else(|| {
        let names: Vec<&str> = Family::ALL.iter().map(|family| family.name()).collect();
        format!("must be one of {}", names.join(", "))
    })
}

impl Freshness {
    pub fn koyomi(&self) -> koyomi::Settings {
        koyomi::Settings {
            reads: self.reads,
            head_connections: usize::from(self.head_connections),
            values: cache::Settings {
                tiers: self.cache,
                redis: self.redis.clone(),
                off: self.cache_off.clone(),
                l1_bytes: self.cache_mb << 20,
                sample: self.cache_sample,
            },
        }
    }
}

/// The URL of Redis may hold a password.
impl fmt::Debug for Freshness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Freshness")
            .field("cache", &self.cache)
            .field("cache_off", &self.cache_off)
            .field("reads", &self.reads)
            .field("bus", &self.bus)
            .finish_non_exhaustive()
    }
}

/// The URL holds a password.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("db_connections", &self.db_connections).finish_non_exhaustive()
    }
}

/// How GraphQL is served.
#[derive(Args, Debug, Clone)]
pub struct GraphQl {
    /// Run only the GraphQL documents of this list: Apollo's manifest of persisted queries, or Relay's.
    #[arg(long, env = "KOYOMI_PERSISTED_ONLY", value_name = "FILE")]
    pub persisted_only: Option<PathBuf>,
    /// Do not tell the GraphQL schema to whoever asks for it.
    #[arg(long, env = "KOYOMI_NO_INTROSPECTION")]
    pub no_introspection: bool,
    /// Seconds that a GraphQL query may take.
    #[arg(long, env = "KOYOMI_GRAPHQL_DEADLINE", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=30))]
    pub graphql_deadline: u64,
}

impl GraphQl {
    pub fn settings(&self) -> graphql::Settings {
        graphql::Settings {
            introspection: !self.no_introspection,
            deadline: Duration::from_secs(self.graphql_deadline),
            persisted_only: self.persisted_only.clone(),
        }
    }
}

/// What only `koyomi serve` reads.
#[derive(Args, Debug, Clone)]
pub struct Listen {
    /// Address to listen on. TLS is the business of a proxy in front.
    #[arg(long, env = "KOYOMI_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
}

#[derive(Args, Debug, Clone)]
pub struct Logging {
    /// Filter of the log, which goes to stderr: `debug` adds a line per request
    /// (<https://docs.rs/tracing-subscriber/latest/tracing_subscriber/filter/struct.EnvFilter.html>).
    #[arg(long, env = "KOYOMI_LOG", default_value = "info", global = true)]
    pub log: String,
    /// One line of text or one JSON object per entry.
    #[arg(long, env = "KOYOMI_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text, global = true)]
    pub log_format: LogFormat,
}

/// Where traces go, and of how many requests.
#[derive(Args, Debug, Clone)]
pub struct Tracing {
    /// `http://host:4318` of a collector: spans are sent there by OTLP over HTTP (protobuf). Without one nothing is traced.
    #[arg(long, env = "KOYOMI_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<String>,
    /// Share of the requests that are traced, 0 to 1. Whose sender has decided (`traceparent`) is traced as he says.
    #[arg(long, env = "KOYOMI_TRACE_SAMPLE", default_value_t = 0.01, value_parser = share)]
    pub trace_sample: f64,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "must be a number from 0 to 1".to_owned())
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}
