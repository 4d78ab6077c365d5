//! In, in again, out and in again: what must hold for any input.

use kernel::CalendarId;
use koyomi::{ImportReport, TransferFormat};

use crate::support::{Shown, World};

/// What came of a first import.
pub(crate) struct Arrived {
    pub(crate) calendar: CalendarId,
    pub(crate) report: ImportReport,
    pub(crate) shown: Vec<Shown>,
}

/// Imports a file into an empty calendar and checks that a second import changes nothing, and that what is exported,
/// in either format, says the same: to the calendar it came from, and to an empty one.
pub(crate) async fn travel(world: &World, name: &str, bytes: &[u8], format: TransferFormat) -> Arrived {
    let calendar = world.calendar().await;
    let report = read(world, calendar, bytes, format).await;
    assert_eq!(
        report.components,
        report.created + report.updated + report.unchanged + report.skipped,
        "{name}: {report:#?}"
    );
    assert_eq!(report.updated, 0, "{name}: {report:#?}");
    let shown = world.shown(calendar).await;

    let head = world.grant(calendar).await.seq;
    let again = read(world, calendar, bytes, format).await;
    assert_eq!((again.created, again.updated), (0, 0), "{name} again: {again:#?}");
    assert_eq!((again.unchanged, again.skipped), (report.created, report.skipped), "{name} again: {again:#?}");

    for format in [TransferFormat::Ics, TransferFormat::Ndjson] {
        let exported = world.export_text(calendar, format).await;
        let back = read(world, calendar, exported.as_bytes(), format).await;
        let expected = (0, 0, report.created, 0);
        assert_eq!(
            (back.created, back.updated, back.unchanged, back.skipped),
            expected,
            "{name} back as {format:?}: {back:#?}\n{exported}"
        );
        let elsewhere = world.calendar().await;
        let fresh = read(world, elsewhere, exported.as_bytes(), format).await;
        assert_eq!(
            (fresh.created, fresh.updated, fresh.unchanged, fresh.skipped),
            (report.created, 0, 0, 0),
            "{name} elsewhere as {format:?}: {fresh:#?}"
        );
        assert_eq!(world.shown(elsewhere).await, shown, "{name} elsewhere as {format:?}\n{exported}");
        // and from there the very same text
        let copied = world.export_text(elsewhere, format).await;
        assert_eq!(sorted(&copied), sorted(&exported), "{name} copied as {format:?}");
    }
    assert_eq!(world.grant(calendar).await.seq, head, "{name}: nothing was written after the first import");
    Arrived { calendar, report, shown }
}

async fn read(world: &World, calendar: CalendarId, bytes: &[u8], format: TransferFormat) -> ImportReport {
    match format {
        TransferFormat::Ics => world.import(calendar, bytes).await,
        TransferFormat::Ndjson => world.import_ndjson(calendar, bytes).await,
    }
}

/// The lines, without an order: ids are minted anew, and an export goes by them.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}
