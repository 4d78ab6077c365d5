use std::str::FromStr;
use std::time::Duration;

use kernel::Failure;

/// What carries the messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// LISTEN/NOTIFY.
    Postgres,
    /// JetStream. One NATS account serves one deployment.
    Nats { url: String },
    /// No relay, nothing is heard: for measuring what the bus costs.
    Off,
}

impl FromStr for Transport {
    type Err = Failure;

    /// `postgres`, `nats://host:port` or `off`.
    fn from_str(text: &str) -> Result<Self, Failure> {
        match text {
            "postgres" => Ok(Self::Postgres),
            "off" => Ok(Self::Off),
            url if url.starts_with("nats://") || url.starts_with("tls://") => Ok(Self::Nats { url: url.to_owned() }),
            _ => Err(Failure::invalid("bus", "is neither `postgres`, `nats://host:port` nor `off`")),
        }
    }
}

/// How the bus of one instance runs.
#[derive(Debug, Clone)]
pub struct Settings {
    pub transport: Transport,
    /// `postgres://…`, for the connection that listens.
    pub database_url: String,
    /// How long a relay that found nothing to send rests.
    pub relay_interval: Duration,
    /// After how much silence the relays send an empty message.
    pub heartbeat: Duration,
    /// How often this instance marks how far it has heard; without it nothing is ever [`crate::Heard::Complete`].
    pub marks: Option<Duration>,
}

impl Settings {
    pub fn new(transport: Transport, database_url: impl Into<String>) -> Self {
        Self {
            transport,
            database_url: database_url.into(),
            relay_interval: Duration::from_millis(5),
            heartbeat: Duration::from_secs(1),
            marks: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transport_is_one_of_three_words() {
        assert_eq!("postgres".parse::<Transport>().unwrap(), Transport::Postgres);
        assert_eq!("off".parse::<Transport>().unwrap(), Transport::Off);
        let url = "nats://127.0.0.1:4222";
        assert_eq!(url.parse::<Transport>().unwrap(), Transport::Nats { url: url.to_owned() });
        assert!("redis://127.0.0.1".parse::<Transport>().is_err());
    }
}
