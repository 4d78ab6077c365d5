use kernel::{Clock, Ids, Result};
use koyomi::Koyomi;
use store::Store;

/// What every handler is given. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    pub koyomi: Koyomi,
    /// Mints request ids: apart from the store's, so that a test with seeded ids gets the same rows however many
    /// requests it makes.
    pub(crate) request_ids: Ids,
}

impl App {
    pub fn new(koyomi: Koyomi) -> Self {
        Self { koyomi, request_ids: Ids::random(Clock::System) }
    }

    /// Connects to the database and checks that it is fit to serve from.
    pub async fn open(settings: &store::Settings, clock: Clock, ids: Ids) -> Result<Self> {
        let store = Store::open(settings, clock, ids).await?;
        Ok(Self::new(Koyomi::new(store)))
    }
}
