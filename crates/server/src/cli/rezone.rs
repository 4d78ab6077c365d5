use clap::Args;

use super::open;
use crate::config::Config;

#[derive(Args, Debug)]
pub(super) struct Rezone {
    #[command(flatten)]
    config: Config,
    /// Say only which data this build has and which the database was written with
    #[arg(long)]
    check: bool,
}

impl Rezone {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let app = open(&self.config).await?;
        let data = app.koyomi.zone_data().await?;
        let recorded = data.recorded.as_deref().unwrap_or("unknown");
        println!("zone data of this build: {}; of the database: {recorded}", data.built);
        if self.check {
            if let Some(advice) = data.advice() {
                println!("{advice}");
            }
            return Ok(());
        }
        let report = app.koyomi.rezone().await?;
        println!(
            "{} zones with other rules or seen for the first time; of {} events in them {} take place at another instant now, \
             {} reservations were given up",
            report.zones.len(),
            report.checked,
            report.changed,
            report.unbooked
        );
        Ok(())
    }
}
