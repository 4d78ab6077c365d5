//! Where a consumer's messages come from.

use std::time::Duration;

use async_nats::jetstream::consumer::push::Ordered;
use futures::StreamExt;
use kernel::{Failure, Result};
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};

use crate::nats::Nats;
use crate::{Settings, sql};

const CONNECT_WITHIN: Duration = Duration::from_secs(5);

pub(crate) enum Source {
    Postgres(Box<PgConnectOptions>),
    Nats(Box<Nats>),
}

/// One subscription. When it breaks it is thrown away.
pub(crate) enum Ear {
    Postgres(PgListener),
    Nats(Box<Ordered>),
}

impl Source {
    pub(crate) fn new(settings: &Settings, nats: Option<Nats>) -> Result<Self> {
        if let Some(nats) = nats {
            return Ok(Self::Nats(Box::new(nats)));
        }
        let options: PgConnectOptions = settings
            .database_url
            .parse()
            .map_err(|error| Failure::invalid("DATABASE_URL", format!("is not a postgres:// URL: {error}")))?;
        let options = options.application_name("koyomi bus").options(store::KEEPALIVE).disable_statement_logging();
        Ok(Self::Postgres(Box::new(options)))
    }

    /// Everything sent after this has returned is heard, or the ear breaks.
    pub(crate) async fn listen(&self) -> Result<Ear> {
        let listening = async {
            match self {
                // A pool for each: the listener of a connection that died silently may hold on to its own for long.
                Self::Postgres(options) => {
                    let pool = PgPoolOptions::new()
                        .max_connections(1)
                        .acquire_timeout(CONNECT_WITHIN)
                        .idle_timeout(None)
                        .max_lifetime(None)
                        .connect_with((**options).clone())
                        .await?;
                    let mut listener = PgListener::connect_with(&pool).await?;
                    listener.eager_reconnect(false);
                    listener.ignore_pool_close_event(true);
                    listener.listen(sql::CHANNEL).await?;
                    Ok(Ear::Postgres(listener))
                }
                Self::Nats(nats) => Ok(Ear::Nats(Box::new(nats.subscribe().await?))),
            }
        };
        tokio::time::timeout(CONNECT_WITHIN, listening).await.map_err(Failure::internal)?
    }
}

impl Ear {
    /// # Errors
    /// When the subscription has broken.
    pub(crate) async fn next(&mut self) -> Result<String> {
        match self {
            Self::Postgres(listener) => match listener.try_recv().await? {
                Some(notification) => Ok(notification.payload().to_owned()),
                None => Err(Failure::internal("the connection that listens was cut")),
            },
            Self::Nats(messages) => match messages.next().await {
                // Text that is none is as unreadable as any other.
                Some(Ok(message)) => Ok(String::from_utf8_lossy(&message.payload).into_owned()),
                Some(Err(error)) => Err(Failure::internal(error)),
                None => Err(Failure::internal("the subscription ended")),
            },
        }
    }
}
