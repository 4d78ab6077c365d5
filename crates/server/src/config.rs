use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use bus::Transport;
use cache::{Family, Reads, Tiers};
use clap::{Args, ValueEnum};

use crate::{graphql, guard, listen};

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

/// Connections that one instance holds beside those that can be set: for what nobody waits for; for those whom it does not
/// know yet, for the bus and for the pulse (docs/OPERATIONS.md).
const OTHER_CONNECTIONS: u32 = 3 + 5;

impl Config {
    /// Connections to PostgreSQL that one instance holds at most.
    pub fn connections(&self, freshness: &Freshness) -> u32 {
        self.db_connections.saturating_add(freshness.head_connections.into()).saturating_add(OTHER_CONNECTIONS)
    }

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
    /// Serve no GraphQL at all.
    #[arg(long, env = "KOYOMI_NO_GRAPHQL")]
    pub no_graphql: bool,
    /// Sockets and streams of subscriptions that stay open at most; 0: no subscriptions.
    #[arg(long, env = "KOYOMI_MAX_SUBSCRIPTIONS", default_value_t = 20_000)]
    pub max_subscriptions: u32,
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
            enabled: !self.no_graphql,
            introspection: !self.no_introspection,
            deadline: Duration::from_secs(self.graphql_deadline),
            persisted_only: self.persisted_only.clone(),
        }
    }
}

/// How much is taken on.
#[derive(Args, Debug, Clone)]
pub struct Limits {
    /// Seconds that a read may take until its answer begins.
    #[arg(long, env = "KOYOMI_READ_DEADLINE", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=300))]
    pub read_deadline: u64,
    /// Seconds that a change may take; then its outcome is unknown.
    #[arg(long, env = "KOYOMI_WRITE_DEADLINE", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=300))]
    pub write_deadline: u64,
    /// Seconds that an import or a heap profile may take, or an export until it begins.
    #[arg(long, env = "KOYOMI_BULK_DEADLINE", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=300))]
    pub bulk_deadline: u64,
    /// Turn nobody away, however much is asked at once.
    #[arg(long, env = "KOYOMI_NO_SHEDDING")]
    pub no_shedding: bool,
    /// Milliseconds in which reads should be answered, the wait to be let in included: when more than one in ten take longer,
    /// less are let in at once.
    #[arg(long, env = "KOYOMI_LATENCY_TARGET", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub latency_target: u64,
    /// What one caller may send: `on` (login 10, reads 120, changes 30, GraphQL 60, imports, exports and heap profiles 5 a
    /// minute), `off`, or what is to be other than that: `read=600,login=5/300` (a minute, or in 300 s; 0: not limited).
    #[arg(long, env = "KOYOMI_RATE_LIMITS", default_value = "on")]
    pub rate_limits: guard::RateLimits,
    /// Keep these quotas in Redis, for all instances together; without it each instance counts for itself.
    #[arg(long, env = "KOYOMI_RATE_LIMITS_SHARED")]
    pub rate_limits_shared: bool,
    /// Addresses of proxies whose `X-Forwarded-For` says who asks, comma-separated.
    #[arg(long, env = "KOYOMI_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<IpAddr>,
}

impl Limits {
    /// With how long GraphQL may take, and the Redis there is.
    pub fn settings(&self, graphql: Duration, redis: Option<&str>) -> guard::Settings {
        let target = Duration::from_millis(self.latency_target);
        guard::Settings {
            deadlines: guard::Deadlines {
                read: Duration::from_secs(self.read_deadline),
                write: Duration::from_secs(self.write_deadline),
                graphql,
                bulk: Duration::from_secs(self.bulk_deadline),
            },
            shedding: (!self.no_shedding).then(|| guard::Shedding { target, ..guard::Shedding::default() }),
            rates: guard::RateSettings {
                limits: self.rate_limits.clone(),
                shared: redis.filter(|_| self.rate_limits_shared).map(str::to_owned),
                proxies: self.trusted_proxies.clone(),
            },
        }
    }
}

/// What only `koyomi serve` reads.
#[derive(Args, Debug, Clone)]
pub struct Listen {
    /// Address to listen on.
    #[arg(long, env = "KOYOMI_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Certificate and those that vouch for it, PEM; read again on SIGHUP and when the file changes.
    #[arg(long, env = "KOYOMI_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate, PEM.
    #[arg(long, env = "KOYOMI_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Connections open at once.
    #[arg(long, env = "KOYOMI_MAX_CONNECTIONS", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_connections: u32,
    /// Seconds until the head of a request must be complete; also how long a connection may rest between two requests.
    #[arg(long, env = "KOYOMI_HEADER_TIMEOUT", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub header_timeout: u64,
    /// Seconds between two pieces of a request's body.
    #[arg(long, env = "KOYOMI_BODY_TIMEOUT", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub body_timeout: u64,
    /// Seconds between saying that it is not ready and taking no more connections, when it is told to stop.
    #[arg(long, env = "KOYOMI_STOP_DELAY", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=60))]
    pub stop_delay: u64,
    /// Origins of other sites whose pages may ask, with a token, comma-separated: `https://calendar.example`. Cookies never
    /// cross sites.
    #[arg(long, env = "KOYOMI_CORS_ORIGINS", value_delimiter = ',')]
    pub cors_origins: Vec<String>,
    /// The same for the pages of one tenant, by its slug: `acme=https://calendar.example`. They may read what is answered to
    /// that tenant's tokens.
    #[arg(long, env = "KOYOMI_CORS_TENANTS", value_delimiter = ',')]
    pub cors_tenants: Vec<String>,
    /// Sample what is allocated from the start on, for `GET /api/admin/heap`: one allocation in 512 KiB.
    #[arg(long, env = "KOYOMI_HEAP_SAMPLING")]
    pub heap_sampling: bool,
}

impl Listen {
    pub fn settings(&self) -> listen::Settings {
        let files = self.tls_cert.clone().zip(self.tls_key.clone());
        listen::Settings {
            max_connections: usize::try_from(self.max_connections).unwrap_or(usize::MAX),
            header_timeout: Duration::from_secs(self.header_timeout),
            body_timeout: Duration::from_secs(self.body_timeout),
            stop_delay: Duration::from_secs(self.stop_delay),
            tls: files.map(|(chain, key)| listen::Certificate { chain, key }),
        }
    }
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
