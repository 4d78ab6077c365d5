//! The door of an import, and the input cut into batches.

use std::io::{Read, Seek};
use std::ops::ControlFlow::{Break, Continue};
use std::sync::Arc;

use kernel::{CalendarId, Caller, Failure, Result};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::TransferFormat;
use super::read::{Component, Found, Input};
use super::report::{ImportIssue, ImportOutcome, ImportReport, MAX_ISSUES};
use super::target::Target;
use crate::{Koyomi, access};

/// What an import is told beside its input.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// How the input is written.
    pub format: TransferFormat,
    /// Decides everything and writes nothing.
    pub dry_run: bool,
    /// Of the input.
    pub limits: ImportLimits,
}

/// How much one import takes. A component has limits of its own: it is left out and reported when it passes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportLimits {
    /// Of the whole input.
    pub bytes: u64,
    /// Of the whole input, whatever their kind; lines of NDJSON.
    pub components: u64,
    /// Of one content line of iCalendar, which is left out when it is longer.
    pub line_bytes: usize,
}

impl Default for ImportLimits {
    fn default() -> Self {
        Self { bytes: 10 << 20, components: 50_000, line_bytes: 64 << 10 }
    }
}

/// Components of one transaction.
const BATCH: usize = 500;
/// Bytes of text in them.
const BATCH_BYTES: usize = 4 << 20;

impl Koyomi {
    /// Brings events into a calendar. `progress` is told the report after each batch.
    ///
    /// By UID and occurrence: what is new is created, what is here is updated when the copy is newer (SEQUENCE, then
    /// LAST-MODIFIED or DTSTAMP). What cannot be taken is skipped and reported with its line; the rest arrives. Each
    /// batch is a transaction of its own, so that a failure in the middle leaves what came before.
    ///
    /// # Errors
    /// `not_found` and `forbidden` for the calendar, `import_limit`, `unreadable_input`; what else can go wrong with the
    /// database. They say how many components were taken before.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn import_events<R>(
        &self,
        caller: &Caller,
        calendar_id: CalendarId,
        input: R,
        options: ImportOptions,
        mut progress: impl FnMut(&ImportReport) + Send,
    ) -> Result<ImportReport>
    where
        R: Read + Seek + Send + 'static,
    {
        let ImportOptions { format, dry_run, limits } = options;
        // strangers do not make us read their files
        let grants = events::grants(&mut self.store.conn().await?, caller, Some(&[calendar_id])).await?;
        access::writable(grants, calendar_id)?;
        let mut report = ImportReport { dry_run, ..ImportReport::default() };
        let target = Target { store: self.store.clone(), caller: caller.clone(), calendar_id, dry_run };
        // one batch is read while another is written
        let (send, mut chunks) = mpsc::channel::<Chunk>(1);
        let reading = spawn_blocking(move || read(input, format, &limits, &send));
        while let Some(chunk) = chunks.recv().await {
            chunk.report.add_to(&mut report);
            let components = chunk.components.into_iter().map(Arc::new).collect();
            target.take(components, &mut report).await.map_err(|failure| after(failure, &report))?;
            progress(&report);
        }
        reading.await.map_err(Failure::internal)?.map_err(|failure| after(failure, &report))?;
        // what needs no decision was told before the components beside it
        report.issues.sort_by_key(|issue| issue.line);
        Ok(report)
    }
}

/// Says what stays although the import failed.
fn after(failure: Failure, report: &ImportReport) -> Failure {
    let written = report.created + report.updated;
    if written == 0 || report.dry_run {
        return failure;
    }
    let message = format!(
        "{}; {} created and {} updated before stay as they are now, importing again continues",
        failure.message(),
        report.created,
        report.updated
    );
    let renamed = Failure::new(failure.kind(), failure.code(), message);
    match failure.cause() {
        Some(cause) => renamed.because(cause),
        None => renamed,
    }
}

/// Some components, and what was found between them.
#[derive(Debug, Default)]
struct Chunk {
    components: Vec<Component>,
    bytes: usize,
    report: Noted,
}

/// What needs no decision.
#[derive(Debug, Default)]
struct Noted {
    issues: Vec<ImportIssue>,
    issues_total: u64,
    skipped: u64,
}

impl Noted {
    fn push(&mut self, issue: ImportIssue, left_out: bool) {
        self.skipped += u64::from(left_out);
        self.issues_total += 1;
        // the report names no more than that
        if self.issues.len() < MAX_ISSUES {
            self.issues.push(issue);
        }
    }

    fn add_to(self, report: &mut ImportReport) {
        let unnamed = self.issues_total - self.issues.len() as u64;
        self.issues.into_iter().for_each(|issue| report.issue(issue));
        report.issues_total += unnamed;
        report.skipped += self.skipped;
        report.components += self.skipped;
    }
}

/// Reads the input to its end, or until nobody wants more of it.
fn read<R: Read + Seek>(
    input: R,
    format: TransferFormat,
    limits: &ImportLimits,
    send: &mpsc::Sender<Chunk>,
) -> Result<()> {
    let mut input = Input::open(input, format, limits)?;
    let mut repeated = input.repeated()?;
    let mut chunk = Chunk::default();
    input.walk(|found| {
        match found {
            Found::Issue(issue) => chunk.report.push(issue, false),
            Found::LeftOut(issue) => chunk.report.push(issue, true),
            Found::Component(component) => match repeated.superseded(&component.event) {
                Some(line) => {
                    let reason = format!("a newer copy of it stands at line {line}");
                    chunk.report.push(component.issue(component.line, reason, ImportOutcome::Skipped), true);
                }
                None => {
                    chunk.bytes += weight(&component.event);
                    chunk.components.push(*component);
                }
            },
        }
        if chunk.components.len() < BATCH && chunk.bytes < BATCH_BYTES {
            return Continue(());
        }
        match send.blocking_send(std::mem::take(&mut chunk)) {
            Ok(()) => Continue(()),
            Err(_) => Break(()),
        }
    })?;
    // an importer that gave up has its own reason
    let _ = send.blocking_send(chunk);
    Ok(())
}

/// About how many bytes an event holds.
fn weight(event: &ical::Event) -> usize {
    let texts = [&event.summary, &event.description, &event.location, &event.url];
    let texts = texts.into_iter().flatten().map(String::len).sum::<usize>();
    let lines = event.recurrence.iter().chain(&event.extra).map(String::len).sum::<usize>();
    let zones = event.zones.iter().map(|zone| zone.text.len()).sum::<usize>();
    texts + lines + zones + 64 * event.attendees.len() + 256
}
