use std::time::Duration;

use clap::Args;

use crate::config::Config;

#[derive(Args, Debug)]
pub(super) struct Bound {
    #[command(flatten)]
    config: Config,
    /// Milliseconds; only when no running instance answers from memory that is older
    #[arg(long, value_parser = clap::value_parser!(u16).range(0..=1000))]
    set: Option<u16>,
}

impl Bound {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let settings = self.config.database();
        let set = self.set.map(|millis| Duration::from_millis(u64::from(millis)));
        println!("{} ms", store::bound(&settings, set).await?.as_millis());
        Ok(())
    }
}
