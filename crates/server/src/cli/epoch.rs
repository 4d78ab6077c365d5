use clap::Args;

use crate::config::Config;

#[derive(Args, Debug)]
pub(super) struct Epoch {
    #[command(flatten)]
    config: Config,
    /// The database may have gone back in time: from now on nothing that was cached, tagged or promised before counts
    #[arg(long)]
    new: bool,
}

impl Epoch {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let settings = self.config.database();
        let epoch = if self.new { store::new_epoch(&settings).await? } else { store::epoch(&settings).await? };
        println!("{}", epoch.0);
        Ok(())
    }
}
