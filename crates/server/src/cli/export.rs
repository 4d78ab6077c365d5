use anyhow::Context;
use clap::{Args, ValueEnum};
use futures::StreamExt;
use kernel::CalendarId;
use koyomi::TransferFormat;
use std::path::PathBuf;
use tokio::fs::File;
use tokio::io::{AsyncWrite, AsyncWriteExt, stdout};
use uuid::Uuid;

use crate::config::Config;

#[derive(Args, Debug)]
pub(super) struct Export {
    #[command(flatten)]
    config: Config,
    /// Id of the calendar; it is exported as its owner sees it
    #[arg(long, value_name = "ID")]
    calendar: Uuid,
    #[arg(long, value_enum, default_value_t = Format::Ics)]
    format: Format,
    /// Stdout where it is absent
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Ics,
    Ndjson,
}

impl Export {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let app = super::open(&self.config).await?;
        let calendar = CalendarId(self.calendar);
        let owner = super::owner_of(&app, calendar).await?;
        let format = match self.format {
            Format::Ics => TransferFormat::Ics,
            Format::Ndjson => TransferFormat::Ndjson,
        };
        let mut out: Box<dyn AsyncWrite + Unpin> = match &self.output {
            Some(path) => {
                Box::new(File::create(path).await.with_context(|| format!("cannot write {}", path.display()))?)
            }
            None => Box::new(stdout()),
        };
        let mut chunks = app.koyomi.export_events(&owner, calendar, format).await?;
        while let Some(chunk) = chunks.next().await {
            out.write_all(&chunk?).await?;
        }
        out.flush().await?;
        Ok(())
    }
}
