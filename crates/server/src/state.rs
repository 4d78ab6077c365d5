use std::ops::Deref;
use std::sync::Arc;

use bus::Transport;
use kernel::{Clock, Ids, Result};
use koyomi::Koyomi;
use store::Store;

use crate::again::Again;
use crate::graphql;
use crate::guard::{self, Guard};
use crate::listen;
use crate::live::Live;
use crate::middleware::cors::Origins;

/// What every handler is given: one pointer, since each request makes several of it.
#[derive(Debug, Clone)]
pub struct App(Arc<Inner>);

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

#[derive(Debug)]
pub struct Inner {
    pub koyomi: Koyomi,
    /// Mints request ids: apart from the store's, so that a test with seeded ids gets the same rows however many
    /// requests it makes.
    pub(crate) request_ids: Ids,
    pub(crate) again: Again,
    pub(crate) graphql: graphql::Executor,
    pub(crate) guard: Guard,
    pub(crate) http: listen::Settings,
    pub(crate) live: Live,
    pub(crate) origins: Origins,
    /// What [`crate::serve`] starts.
    pub(crate) bus: bus::Settings,
}

/// Where nothing else is said.
pub const MOST_SUBSCRIPTIONS: usize = 20_000;

/// What an instance is made with.
#[derive(Debug, Clone)]
pub struct Settings {
    pub database: store::Settings,
    pub koyomi: koyomi::Settings,
    pub bus: Transport,
    pub graphql: graphql::Settings,
    pub guard: guard::Settings,
    pub http: listen::Settings,
    /// Whose pages may ask.
    pub origins: Origins,
    /// Sockets and streams that stay open at most.
    pub subscriptions: usize,
}

impl Settings {
    /// PostgreSQL alone: strict reads, a cache in memory, the bus over LISTEN/NOTIFY.
    pub fn new(database: store::Settings) -> Self {
        Self {
            database,
            koyomi: koyomi::Settings::default(),
            bus: Transport::Postgres,
            graphql: graphql::Settings::default(),
            guard: guard::Settings::default(),
            http: listen::Settings::default(),
            origins: Origins::default(),
            subscriptions: MOST_SUBSCRIPTIONS,
        }
    }
}

impl App {
    /// Connects to the database and checks that it is fit to serve from.
    pub async fn open(settings: Settings, clock: Clock, ids: Ids) -> Result<Self> {
        // Before anything asks for a counter.
        crate::metrics::install();
        let store = Store::open(&settings.database, clock, ids).await?;
        let bus = bus::Settings::new(settings.bus, settings.database.url);
        let identity = store.identity().to_owned();
        let koyomi = Koyomi::open(store, settings.koyomi)?;
        // Whoever comes first to an empty database says with which zone data everything will be written.
        koyomi.zone_data().await?;
        let mut origins = settings.origins;
        origins.know(&koyomi.users, &koyomi.store).await?;
        Ok(Self(Arc::new(Inner {
            koyomi,
            request_ids: Ids::random(Clock::System),
            again: Again::default(),
            graphql: graphql::Executor::new(settings.graphql)?,
            guard: Guard::new(settings.guard, &identity)?,
            http: settings.http,
            live: Live::new(settings.subscriptions),
            origins,
            bus,
        })))
    }
}
