//! JetStream: the stream, publishing into it, hearing it.

use std::time::Duration;

use async_nats::ConnectOptions;
use async_nats::connection::State;
use async_nats::header::{HeaderMap, NATS_MESSAGE_ID};
use async_nats::jetstream::consumer::{DeliverPolicy, push};
use async_nats::jetstream::{self, Context, stream};
use kernel::{Failure, Result};

const STREAM: &str = "KOYOMI_BUS";
const SUBJECT: &str = "koyomi.bus";

/// Less than the database lets a relay sit in its turn.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(1);

const CONNECTED_WITHIN: Duration = Duration::from_secs(2);
/// Three pings that nobody answers, and the connection is taken for dead; the client's own measure is a minute.
const PING: Duration = Duration::from_secs(1);

#[derive(Debug, Clone)]
pub(crate) struct Nats {
    context: Context,
}

impl Nats {
    /// Answers at once; the connection is made, and made again, in the background.
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        let client = ConnectOptions::new()
            .name("koyomi bus")
            .retry_on_initial_connect()
            .connection_timeout(CONNECTED_WITHIN)
            .ping_interval(PING)
            .reconnect_delay_callback(|attempts| {
                Duration::from_millis(50 * u64::try_from(attempts).unwrap_or(u64::MAX).clamp(1, 20))
            })
            .connect(url)
            .await
            .map_err(|error| Failure::invalid("bus", "is not the address of a NATS server").because(error))?;
        let mut context = jetstream::new(client);
        context.set_timeout(ACKNOWLEDGED_WITHIN);
        Ok(Self { context })
    }

    /// Instead of waiting, and instead of leaving in the client's buffer what nobody counts on any more later.
    fn connected(&self) -> Result<()> {
        match self.context.client().connection_state() {
            State::Connected => Ok(()),
            State::Pending | State::Disconnected => Err(Failure::internal("there is no connection to NATS")),
        }
    }

    /// Makes the stream if there is none. In files, so that its numbers go on when the broker restarts; for a minute,
    /// since whoever was away for longer has lost track anyway.
    pub(crate) async fn prepare(&self) -> Result<stream::Stream> {
        self.connected()?;
        let config = stream::Config {
            name: STREAM.to_owned(),
            subjects: vec![SUBJECT.to_owned()],
            max_age: Duration::from_secs(60),
            duplicate_window: Duration::from_secs(60),
            max_bytes: 256 << 20,
            discard: stream::DiscardPolicy::Old,
            storage: stream::StorageType::File,
            ..Default::default()
        };
        self.context.get_or_create_stream(config).await.map_err(Failure::internal)
    }

    /// Hears what is published from now on, in the stream's order.
    pub(crate) async fn subscribe(&self) -> Result<push::Ordered> {
        let config = push::OrderedConfig {
            deliver_subject: self.context.client().new_inbox(),
            deliver_policy: DeliverPolicy::New,
            ..Default::default()
        };
        let consumer = self.prepare().await?.create_consumer(config).await.map_err(Failure::internal)?;
        consumer.messages().await.map_err(Failure::internal)
    }

    /// Returns when the broker has stored the message.
    pub(crate) async fn publish(&self, epoch: i64, n: i64, text: String) -> Result<()> {
        self.connected()?;
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_ID, format!("{epoch}.{n}"));
        let stored = self
            .context
            .publish_with_headers(SUBJECT, headers, text.into())
            .await
            .map_err(Failure::internal)?
            .await
            .map_err(Failure::internal)?;
        if stored.duplicate {
            // It keeps the first message of that number, not this one.
            return Err(Failure::internal(format!("NATS has a message {epoch}.{n} already")));
        }
        Ok(())
    }

    /// A mark, after everything whose publishing was acknowledged before. Nobody waits for it.
    pub(crate) async fn publish_mark(&self, text: String) -> Result<()> {
        self.connected()?;
        self.context.client().publish(SUBJECT, text.into()).await.map_err(Failure::internal)
    }
}
