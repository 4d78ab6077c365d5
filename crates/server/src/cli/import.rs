use std::fs::File;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use kernel::CalendarId;
use koyomi::{ImportLimits, ImportOptions, ImportReport, TransferFormat};
use uuid::Uuid;

use crate::config::Config;

#[derive(Args, Debug)]
pub(super) struct Import {
    #[command(flatten)]
    config: Config,
    /// iCalendar, or NDJSON where the name ends in .ndjson
    file: PathBuf,
    /// Id of the calendar; it is imported as its owner
    #[arg(long, value_name = "ID")]
    calendar: Uuid,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Bytes that the file may have
    #[arg(long, default_value_t = 1 << 30)]
    max_bytes: u64,
    /// Components that the file may have
    #[arg(long, default_value_t = 50_000)]
    max_components: u64,
}

impl Import {
    /// The report goes to stdout as JSON, progress to stderr.
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let app = super::open(&self.config).await?;
        let calendar = CalendarId(self.calendar);
        let owner = super::owner_of(&app, calendar).await?;
        let input = File::open(&self.file).with_context(|| format!("cannot open {}", self.file.display()))?;
        let ndjson = self.file.extension().is_some_and(|e| e.eq_ignore_ascii_case("ndjson"));
        let options = ImportOptions {
            format: if ndjson { TransferFormat::Ndjson } else { TransferFormat::Ics },
            dry_run: self.dry_run,
            limits: ImportLimits { bytes: self.max_bytes, components: self.max_components, ..ImportLimits::default() },
        };
        let report = app.koyomi.import_events(&owner, calendar, input, options, progress).await?;
        println!("{}", serde_json::to_string_pretty(&report)?);
        Ok(())
    }
}

fn progress(report: &ImportReport) {
    eprintln!(
        "{} components: {} created, {} updated, {} unchanged, {} skipped",
        report.components, report.created, report.updated, report.unchanged, report.skipped
    );
}
