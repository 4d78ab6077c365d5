use bus::Transport;
use cache::{Reads, Tiers};
use server::Settings;

/// How a server under test answers its reads.
#[derive(Debug, Clone)]
pub struct Mode {
    pub tiers: Tiers,
    pub reads: Reads,
    pub bus: Transport,
    pub redis: Option<String>,
    pub graphql: server::graphql::Settings,
    /// Nobody is turned away unless a test says so.
    pub guard: server::guard::Settings,
    pub http: server::listen::Settings,
    pub origins: server::Origins,
    pub subscriptions: usize,
}

impl Mode {
    /// PostgreSQL and the memory of the process; nobody sends or listens.
    pub fn plain() -> Self {
        Self {
            tiers: Tiers::L1,
            reads: Reads::Strict,
            bus: Transport::Off,
            redis: None,
            graphql: Default::default(),
            guard: Default::default(),
            http: Default::default(),
            origins: Default::default(),
            subscriptions: server::MOST_SUBSCRIPTIONS,
        }
    }

    pub fn uncached() -> Self {
        Self { tiers: Tiers::Off, ..Self::plain() }
    }

    pub fn with_redis(url: &str) -> Self {
        Self { tiers: Tiers::L1L2, redis: Some(url.to_owned()), ..Self::plain() }
    }

    pub fn bounded() -> Self {
        Self { reads: "bounded:1000ms".parse().unwrap(), bus: Transport::Postgres, ..Self::plain() }
    }

    /// `KOYOMI_TEST_CACHE`, `KOYOMI_TEST_READS` and `KOYOMI_TEST_REDIS` choose for all tests that do not choose
    /// themselves: the suite runs under several of them.
    pub fn of_environment() -> Self {
        let of = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let plain = Self::plain();
        let reads = of("KOYOMI_TEST_READS").map_or(plain.reads, |text| text.parse().unwrap());
        Self {
            tiers: of("KOYOMI_TEST_CACHE").map_or(plain.tiers, |text| text.parse().unwrap()),
            bus: if reads == Reads::Strict { Transport::Off } else { Transport::Postgres },
            redis: of("KOYOMI_TEST_REDIS"),
            reads,
            ..plain
        }
    }

    pub(super) fn settings(&self, database_url: String) -> Settings {
        let database = store::Settings { max_connections: 8, ..store::Settings::new(database_url) };
        let values = cache::Settings {
            tiers: self.tiers,
            redis: self.redis.clone(),
            // A second reading would be counted among the statements of whoever comes next.
            sample: 0,
            ..cache::Settings::default()
        };
        let koyomi = koyomi::Settings { reads: self.reads, head_connections: 1, values };
        let (guard, http, origins) = (self.guard.clone(), self.http.clone(), self.origins.clone());
        let subscriptions = self.subscriptions;
        Settings {
            database,
            koyomi,
            bus: self.bus.clone(),
            graphql: self.graphql.clone(),
            guard,
            http,
            origins,
            subscriptions,
        }
    }
}
