//! Real feeds, which stay outside of the repository: set KOYOMI_ICS to a folder with `expected.jsonl` (what another
//! implementation found in each file), the files it names, and `malformed/`.

use std::fs;
use std::path::PathBuf;

use koyomi::{ImportOutcome, TransferFormat};
use serde_json::Value;

use crate::journey::travel;
use crate::support::World;

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("KOYOMI_ICS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: KOYOMI_ICS names no folder with real calendars");
    }
    folder
}

/// Where the other implementation failed: VEVENTs that arrive, and occurrences.
const DECIDED: [(&str, u64, u64); 5] = [
    // DTSTART stands there twice, which RFC 5545 §3.6.1 forbids: the first one counts
    ("tricky/america_new_york_forward_reference.ics", 1, 1),
    ("tricky/pacific_fiji.ics", 1, 1),
    // an event with an RDATE; the two others have no DTSTART, which an event in a calendar without METHOD needs
    ("tricky/issue_722_missing_timezones.ics", 1, 2),
    // RDATE is a date, a time with its date, or a period (§3.8.5.2): VALUE=TIME is none of them
    ("tricky/multiple_timezones.ics", 3, 3),
    // no DTSTART in any of the six
    ("tricky/rfc_5545_RDATE_example.ics", 0, 0),
];

/// RRULEs that cannot be read: this file says "RRULE:" 34 times, and §3.3.10 demands a FREQ. The other implementation
/// counts them and takes them for nothing, as we do.
const EMPTY_RULES: (&str, u64) = ("Germany_Holidays.ics", 34);

#[tokio::test]
async fn real_calendars_arrive_whole_and_travel() {
    let Some(folder) = folder() else { return };
    let world = World::new().await;
    let expected = fs::read_to_string(folder.join("expected.jsonl")).unwrap();
    for line in expected.lines() {
        let expected: Value = serde_json::from_str(line).unwrap();
        let name = expected["file"].as_str().unwrap();
        let number = |field: &str| expected[field].as_u64().unwrap();
        let bytes = fs::read(folder.join(name)).unwrap();
        let arrived = travel(&world, name, &bytes, TransferFormat::Ics).await;
        let (created, shown) = (arrived.report.created, arrived.shown.len() as u64);
        let not_events = arrived.report.issues.iter().filter(|issue| {
            issue.outcome == ImportOutcome::Skipped && issue.component.as_deref().is_some_and(|c| c != "VEVENT")
        });
        let vevents = arrived.report.components - not_events.count() as u64;
        assert_eq!(vevents, number("vevents"), "{name}: VEVENTs");
        eprintln!("{name}: {created} of {vevents} VEVENTs, {shown} occurrences");
        if !expected["oracle_error"].is_null() {
            let (_, events, occurrences) = DECIDED.iter().find(|(file, ..)| *file == name).expect(name);
            assert_eq!((created, shown), (*events, *occurrences), "{name}: {:#?}", arrived.report);
            continue;
        }
        assert_eq!(created, number("vevents"), "{name}: {:#?}", arrived.report);
        assert_eq!(shown, number("occurrences_2010_to_2030_utc"), "{name}: occurrences");
        let calendar = arrived.calendar;
        let count = async |what: &str| {
            let sql = format!("select {what} from events where calendar_id = '{calendar}'");
            u64::try_from(world.count(&sql).await).unwrap()
        };
        assert_eq!(count("count(distinct uid)").await, number("uids"), "{name}: UIDs");
        assert_eq!(count("count(original_start)").await, number("overrides"), "{name}: overrides");
        let rules = count("count(*) filter (where array_to_string(recurrence, ' ') like '%RRULE%')").await;
        let empty = if EMPTY_RULES.0 == name { EMPTY_RULES.1 } else { 0 };
        assert_eq!(rules + empty, number("with_rrule"), "{name}: RRULEs");
    }
}

#[tokio::test]
async fn malformed_calendars_give_what_can_be_read_and_reasons_for_the_rest() {
    let Some(folder) = folder() else { return };
    let world = World::new().await;
    for file in fs::read_dir(folder.join("malformed")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let bytes = fs::read(&path).unwrap();
        let report = travel(&world, name, &bytes, TransferFormat::Ics).await.report;
        eprintln!("{name}: {} created, {} skipped, {} issues", report.created, report.skipped, report.issues_total);
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u64 + 2;
        assert!(report.issues.iter().all(|issue| (1..=lines).contains(&issue.line)), "{name}: {report:#?}");
        assert!(report.issues_total > 0 || name == "empty.ics", "{name}");
    }
}
