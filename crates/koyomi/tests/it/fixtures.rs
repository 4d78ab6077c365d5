//! Every form that an event can have, from files of our own.

use koyomi::{ImportIssue, ImportOptions, ImportOutcome, ImportReport, TransferFormat};

use crate::journey::{Arrived, travel};
use crate::support::{Shown, World, at};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../fixtures/", $name))
    };
}

/// Imports a fixture, checks how many of its components arrive and how many occurrences they have, and sends it on the
/// journey.
async fn arrive(world: &World, name: &str, bytes: &[u8], (created, skipped, shown): (u64, u64, usize)) -> Arrived {
    let format = if name.ends_with(".ndjson") { TransferFormat::Ndjson } else { TransferFormat::Ics };
    let arrived = travel(world, name, bytes, format).await;
    let Arrived { report, .. } = &arrived;
    assert_eq!((report.created, report.skipped, arrived.shown.len()), (created, skipped, shown), "{name}: {report:#?}");
    arrived
}

fn starts(shown: &[Shown], uid: &str) -> Vec<String> {
    let of = shown.iter().filter(|shown| shown.uid == uid);
    of.map(|shown| shown.start.format("%m-%dT%H:%M").to_string()).collect()
}

/// What became of the component of which the report says this.
fn outcome(report: &ImportReport, uid: &str, said: &str) -> ImportOutcome {
    let of = |issue: &&ImportIssue| issue.uid.as_deref() == Some(uid) && issue.reason.contains(said);
    report.issues.iter().find(of).unwrap_or_else(|| panic!("{uid}: {said}: {report:#?}")).outcome
}

#[tokio::test]
async fn series_with_all_that_belongs_to_them() {
    let world = World::new().await;
    let Arrived { shown, report, calendar } = arrive(&world, "series.ics", fixture!("series.ics"), (4, 0, 47)).await;
    // summer time ends on October 25; the EXDATE is gone, the two periods have lengths of their own
    assert_eq!(
        starts(&shown, "weekly@example.com"),
        ["10-12T07:30", "10-14T12:00", "10-15T12:00", "10-19T07:30", "10-26T08:30", "11-09T08:30", "11-16T08:30"]
    );
    let minutes: Vec<i64> = shown
        .iter()
        .filter(|shown| shown.uid == "weekly@example.com")
        .map(|shown| (shown.end - shown.start).num_minutes())
        .collect();
    assert_eq!(minutes, [60, 120, 30, 60, 60, 60, 60]);
    // RFC 5545 §3.3.6: a day of that weekend has 25 hours
    let nominal: Vec<_> = shown.iter().filter(|shown| shown.uid == "nominal@example.com").collect();
    assert_eq!((nominal[0].end - nominal[0].start).num_minutes(), 25 * 60 + 30);
    assert_eq!((nominal[1].end - nominal[1].start).num_minutes(), 24 * 60 + 30);
    assert_eq!(starts(&shown, "endless@example.com").len(), 37, "behind the horizon, too");
    assert_eq!(outcome(&report, "weekly@example.com", "not<an>address"), ImportOutcome::Created);

    let text = world.export_text(calendar, TransferFormat::Ics).await;
    let unfolded = text.replace("\r\n ", "");
    for line in [
        "SUMMARY:Planning\\, with a title that is long enough to be folded in the middle of a word and that has ümläuts",
        "DESCRIPTION;LANGUAGE=en:First line\\nSecond line\\; with a semicolon and a backslash \\\\",
        "LOCATION;ALTREP=\"https://example.com/rooms/1\":Room 1",
        "URL:https://example.com/planning?a=1,2;b=3",
        "SEQUENCE:3",
        "DTSTAMP:20261001T080000Z",
        "CREATED:20260901T080000Z",
        "LAST-MODIFIED:20261001T080000Z",
        "CLASS:CONFIDENTIAL",
        "STATUS:CONFIRMED",
        "X-EXAMPLE-PRIORITY;X-SCALE=5:3",
        "CATEGORIES:WORK,PLANNING",
        "RRULE:FREQ=WEEKLY;COUNT=6;BYDAY=MO",
        "ORGANIZER;CN=\"Olga; Organizer\":mailto:Olga@Example.com",
        "ATTENDEE;CN=\"Guest, Gus\";PARTSTAT=TENTATIVE;ROLE=OPT-PARTICIPANT;RSVP=TRUE:mailto:Gus@Example.com",
        "ATTENDEE;PARTSTAT=DELEGATED;DELEGATED-TO=\"mailto:next@example.com\":mailto:busy@example.com",
        "ATTENDEE;CN=By phone:tel:+4912345",
        "DURATION:P1DT30M",
        "DTEND;TZID=Asia/Tokyo:20261121T070000",
        "TRIGGER:-PT15M",
    ] {
        assert!(unfolded.lines().any(|found| found == line), "{line}\n{unfolded}");
    }
    // of those without a STATUS only one said so
    assert_eq!(text.matches("\nSTATUS:").count(), 2, "{text}");
    let guests = world.count(
        "select count(*) from attendees a join events e on e.id = a.event_id where e.uid = 'weekly@example.com'",
    );
    assert_eq!(guests.await % 4, 0, "the address that is none is nobody's invitation");
}

#[tokio::test]
async fn overrides_behind_their_series() {
    let world = World::new().await;
    let expected = (3, 0, 5);
    let shown = arrive(&world, "overrides_after.ics", fixture!("overrides_after.ics"), expected).await.shown;
    assert_eq!(
        starts(&shown, "daily@example.com"),
        ["10-23T07:00", "10-24T13:00", "10-25T08:00", "10-26T08:00", "10-27T08:00"]
    );
    let moved = shown.iter().find(|shown| shown.title == "Daily, moved").unwrap();
    assert_eq!(moved.original_start, "2026-10-24T09:00:00".parse().unwrap(), "it stands for the occurrence it was");
    let cancelled: Vec<_> = shown.iter().filter(|shown| shown.cancelled).collect();
    assert_eq!(cancelled.len(), 1);
    assert_eq!(cancelled[0].title, "Daily, cancelled, named in UTC");
    assert_eq!(cancelled[0].original_start, "2026-10-26T09:00:00".parse().unwrap(), "in the wall time of the series");
}

#[tokio::test]
async fn overrides_before_their_series_and_without_one() {
    let world = World::new().await;
    let bytes = fixture!("overrides_before.ics");
    let Arrived { shown, calendar, .. } = arrive(&world, "overrides_before.ics", bytes, (5, 0, 9)).await;
    assert_eq!(
        starts(&shown, "later@example.com"),
        ["10-23T07:00", "10-24T07:00", "10-25T08:00", "10-26T10:00", "10-27T08:00"]
    );
    assert_eq!(starts(&shown, "days@example.com"), ["11-02T00:00", "11-04T00:00", "11-05T00:00"]);
    assert_eq!(starts(&shown, "orphan@example.com"), ["11-10T01:00"]);
    let alone = format!(
        "select count(*) from events where calendar_id = '{calendar}' and original_start is not null
         and recurring_event_id is null"
    );
    assert_eq!(world.count(&alone).await, 1);
}

#[tokio::test]
async fn zones_that_only_the_file_knows() {
    let world = World::new().await;
    let Arrived { shown, calendar, report } = arrive(&world, "zones.ics", fixture!("zones.ics"), (4, 0, 5)).await;
    // +05:30 until October 25, then +05:45: the half that Moscow did not think of
    assert_eq!(starts(&shown, "own-zone@example.com"), ["10-24T06:15", "10-26T12:15", "10-27T06:15"]);
    assert_eq!(starts(&shown, "windows@example.com"), ["10-24T10:00"]);
    assert_eq!(starts(&shown, "unknown-zone@example.com"), ["10-24T12:00"]);
    assert_eq!(outcome(&report, "unknown-zone@example.com", "Nowhere/Land"), ImportOutcome::Created);
    let text = world.export_text(calendar, TransferFormat::Ics).await;
    assert_eq!(text.matches("TZID:Ship Time").count(), 1, "{text}");
    assert!(text.contains("RECURRENCE-ID;TZID=Ship Time:20261026T120000"), "{text}");
}

#[tokio::test]
async fn floating_all_day_and_nothing_at_all() {
    let world = World::new().await;
    let Arrived { shown, calendar, .. } = arrive(&world, "forms.ics", fixture!("forms.ics"), (7, 0, 12)).await;
    let of = |uid: &str| shown.iter().find(|shown| shown.uid == uid).unwrap();
    assert_eq!((of("days@example.com").end - of("days@example.com").start).num_days(), 3);
    assert!(of("day@example.com").all_day);
    assert_eq!(of("birthday@example.com").start, at("2012-02-29T00:00:00Z"));
    let text = world.export_text(calendar, TransferFormat::Ics).await;
    assert!(text.contains("DTSTART:20261124T070000\r\n"), "{text}");
    assert!(text.contains("CLASS:X-SECRET\r\n"), "private, and still what it said: {text}");
    assert_eq!(text.matches("SUMMARY").count(), 6, "an empty one is not none: {text}");

    // floating and whole days happen where the calendar lives
    let tokyo = world.calendar_in("Asia/Tokyo").await;
    world.import(tokyo, fixture!("forms.ics")).await;
    assert_eq!(starts(&world.shown(tokyo).await, "floating@example.com"), ["11-23T22:00", "11-24T22:00"]);
}

#[tokio::test]
async fn what_is_wrong_is_reported_and_the_rest_arrives() {
    let world = World::new().await;
    let Arrived { report, shown, .. } = arrive(&world, "untidy.ics", fixture!("untidy.ics"), (5, 6, 5)).await;
    let titles: Vec<&str> = shown.iter().map(|shown| shown.title.as_str()).collect();
    for title in ["Without a UID", "Ends before it begins", "Recurs somehow", "The newer copy", "Not closed"] {
        assert!(titles.contains(&title), "{title}: {titles:?}");
    }
    let skipped = ImportOutcome::Skipped;
    for (uid, said, became) in [
        ("no-start@example.com", "no DTSTART", skipped),
        ("bad-start@example.com", "DTSTART", skipped),
        ("backwards@example.com", "the end is not after the start", ImportOutcome::Created),
        ("bad-rule@example.com", "RRULE cannot be read", ImportOutcome::Created),
        ("todo@example.com", "VTODO is not imported", skipped),
        ("twice@example.com", "a newer copy of it stands at line 39", skipped),
        ("too-long@example.com", "limit duration: 4000 days, at most 3660", skipped),
        ("too-often@example.com", "limit occurrences: more than 50000", skipped),
    ] {
        assert_eq!(outcome(&report, uid, said), became, "{uid}");
    }
    let line = |uid: &str| report.issues.iter().find(|issue| issue.uid.as_deref() == Some(uid)).unwrap().line;
    assert_eq!((line("too-long@example.com"), line("twice@example.com")), (53, 46));
    assert!(report.issues.iter().any(|issue| issue.reason.contains("control characters")));
    assert!(report.issues.is_sorted_by_key(|issue| issue.line));
    assert!(report.issues.iter().any(|issue| issue.line == 1 && issue.outcome == ImportOutcome::Noted));
}

#[tokio::test]
async fn lines_of_json() {
    let world = World::new().await;
    let bytes = fixture!("events.ndjson");
    let Arrived { report, shown, .. } = arrive(&world, "events.ndjson", bytes, (5, 3, 6)).await;
    assert_eq!(starts(&shown, "series@example.com"), ["11-24T00:00", "12-02T00:00", "12-08T00:00"]);
    let lines: Vec<(u64, &str)> = report
        .issues
        .iter()
        .filter(|issue| issue.outcome == ImportOutcome::Skipped)
        .map(|issue| (issue.line, issue.reason.as_str()))
        .collect();
    assert_eq!(lines.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [5, 6, 9]);
    assert!(lines[0].1.contains("unknown field `colour`"), "{lines:?}");
    assert!(lines[2].1.contains("end: is exclusive"), "{lines:?}");
    assert!(report.issues.iter().any(|issue| issue.line == 8 && issue.reason.contains("UID is missing")));
}

#[tokio::test]
async fn no_mangled_file_breaks_an_import() {
    let world = World::new().await;
    let files: [(&[u8], TransferFormat); 4] = [
        (fixture!("series.ics"), TransferFormat::Ics),
        (fixture!("overrides_before.ics"), TransferFormat::Ics),
        (fixture!("zones.ics"), TransferFormat::Ics),
        (fixture!("events.ndjson"), TransferFormat::Ndjson),
    ];
    // a walk that is the same each time (Knuth's MMIX generator)
    let mut state = 42_u64;
    let mut roll = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for (bytes, format) in files {
        let here = world.calendar().await;
        for _ in 0..25 {
            let mut bytes = bytes.to_vec();
            for _ in 0..=roll(12) {
                let at = roll(bytes.len());
                match roll(4) {
                    0 => bytes[at] = roll(256) as u8,
                    1 => bytes.truncate(at.max(1)),
                    2 => drop(bytes.drain(at..(at + roll(80)).min(bytes.len()))),
                    _ => bytes.extend_from_within(at..(at + roll(400)).min(bytes.len())),
                }
                if bytes.is_empty() {
                    bytes.push(b'\n');
                }
            }
            let options = ImportOptions { format, ..ImportOptions::default() };
            let report = world.try_import(&world.mio, here, bytes.clone(), options).await;
            let report = report.unwrap_or_else(|failure| panic!("{failure}: {}", String::from_utf8_lossy(&bytes)));
            let sum = report.created + report.updated + report.unchanged + report.skipped;
            assert_eq!(report.components, sum, "{}", String::from_utf8_lossy(&bytes));
        }
        // whatever arrived is readable, and goes out
        world.shown(here).await;
        for format in [TransferFormat::Ics, TransferFormat::Ndjson] {
            world.export_text(here, format).await;
        }
    }
}
