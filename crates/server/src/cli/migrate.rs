use clap::Args;
use store::Store;

use crate::config::Config;

#[derive(Args, Debug)]
pub(super) struct Migrate {
    #[command(flatten)]
    config: Config,
}

impl Migrate {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        Ok(Store::migrate(&self.config.database()).await?)
    }
}
