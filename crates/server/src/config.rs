use std::fmt;
use std::net::SocketAddr;

use clap::{Args, ValueEnum};

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

/// The URL holds a password.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("db_connections", &self.db_connections).finish_non_exhaustive()
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

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}
