//! Real feeds, which stay outside the repository: set KOYOMI_ICS to a folder with `*.ics`, `tricky/`, `malformed/` and
//! `expected.jsonl` (what another implementation found in each file).

#![allow(clippy::unwrap_used, reason = "a test may stop at what cannot be")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, Utc};
use common::{Outcome, read_bytes, write};
use ical::{Event, Issue, Reason};
use recurrence::{Budget, Moment, Window, Zone};

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("KOYOMI_ICS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: KOYOMI_ICS names no folder with real calendars");
    }
    folder
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|extension| extension == "ics") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn window() -> Window {
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    Window { from: at("2010-01-01T00:00:00Z"), to: at("2030-01-01T00:00:00Z") }
}

/// Occurrences that overlap the window, each override in the place of the occurrence it changes.
fn occurrences(events: &[Event]) -> usize {
    let mut series: BTreeMap<&str, (Vec<&Event>, Vec<&Event>)> = BTreeMap::new();
    for event in events {
        let (masters, overrides) = series.entry(&event.uid).or_default();
        if event.recurrence_id.is_some() { overrides.push(event) } else { masters.push(event) }
    }
    let expand = |event: &Event| {
        let expansion = event.series(Zone::utc()).expand(window(), 1_000_000, Budget::default()).unwrap();
        assert!(expansion.complete);
        expansion.occurrences
    };
    let mut count = 0;
    for (masters, overrides) in series.values() {
        let mut starts = BTreeSet::new();
        let mut replaced = BTreeSet::new();
        for master in masters {
            starts.extend(expand(master).iter().map(|occurrence| occurrence.original_start));
            replaced.extend(overrides.iter().filter_map(|event| original_start(event, master)));
        }
        count += starts.difference(&replaced).count();
        count += overrides.iter().map(|event| expand(event).len()).sum::<usize>();
    }
    count
}

/// RECURRENCE-ID on the clock of the series.
fn original_start(event: &Event, master: &Event) -> Option<NaiveDateTime> {
    let id = event.recurrence_id.as_ref()?;
    Some(match (id, &master.start) {
        (Moment::Zoned(local, own), Moment::Zoned(_, zone)) => zone.to_local(own.to_utc(*local)),
        _ => id.local(),
    })
}

fn is_left_out(issue: &Issue) -> bool {
    let left_out = matches!(issue.reason, Reason::Missing { .. } | Reason::Truncated(_) | Reason::Limit(_));
    left_out && issue.component.as_deref() == Some("VEVENT")
}

fn is_bad_rule(issue: &Issue) -> bool {
    matches!(&issue.reason, Reason::BadValue { property, .. } if property == "RRULE")
}

#[test]
fn counts_agree_with_the_oracle() {
    let Some(folder) = folder() else { return };
    let expected = fs::read_to_string(folder.join("expected.jsonl")).unwrap();
    let mut compared = 0;
    for line in expected.lines() {
        let expected: serde_json::Value = serde_json::from_str(line).unwrap();
        let name = expected["file"].as_str().unwrap();
        let field = |name: &str| expected[name].as_u64().unwrap() as usize;
        let Outcome { events, issues, .. } = read_bytes(&fs::read(folder.join(name)).unwrap());
        // what cannot be an event is reported, never lost
        let left_out = issues.iter().filter(|issue| is_left_out(issue)).count();
        assert_eq!(events.len() + left_out, field("vevents"), "{name}: VEVENTs {issues:#?}");
        if !expected["oracle_error"].is_null() {
            continue;
        }
        compared += 1;
        assert_eq!(left_out, 0, "{name}: {issues:#?}");
        let uids: BTreeSet<&str> = events.iter().map(|event| event.uid.as_str()).collect();
        assert_eq!(uids.len(), field("uids"), "{name}: UIDs");
        // Germany_Holidays.ics says "RRULE:" 34 times; RFC 5545 §3.3.10 wants a FREQ in it, so that is reported
        let bad_rules = issues.iter().filter(|issue| is_bad_rule(issue)).count();
        let with_rule = events.iter().filter(|event| !event.rules.is_empty()).count();
        assert_eq!(with_rule + bad_rules, field("with_rrule"), "{name}: RRULEs");
        let overrides = events.iter().filter(|event| event.recurrence_id.is_some()).count();
        assert_eq!(overrides, field("overrides"), "{name}: overrides");
        assert_eq!(occurrences(&events), field("occurrences_2010_to_2030_utc"), "{name}: occurrences");
    }
    assert!(compared > 0);
}

#[test]
fn what_is_read_is_written_and_read_again_alike() {
    let Some(folder) = folder() else { return };
    for path in files(&folder) {
        let first = read_bytes(&fs::read(&path).unwrap());
        let text = write(&first);
        let second = read_bytes(text.as_bytes());
        let name = path.display();
        assert_eq!(first.events.len(), second.events.len(), "{name}\n{text}");
        for (one, two) in first.events.iter().zip(&second.events) {
            assert_eq!(one, two, "{name}\n{text}");
        }
        // and from then on nothing moves at all
        assert_eq!(write(&second), text, "{name}");
    }
}

/// How many events can be read in each; the folder may hold more files.
const MALFORMED: [(&str, usize); 16] = [
    // 20 VEVENTs without DTSTART, and no END:VCALENDAR
    ("big_bad_calendar.ics", 0),
    ("broken_dtstart.ics", 0),
    // "DTSTART;;VALUE=…": the empty parameter is passed over
    ("broken_ical.ics", 1),
    ("empty.ics", 0),
    ("empty_RDATE.ics", 0),
    ("fuzz_testcase_0_char_in_component_name.ics", 0),
    ("fuzz_testcase_invalid_month.ics", 0),
    ("fuzz_testcase_vtimezone_lone_cr.ics", 0),
    // the duration is not taken, the event is
    ("invalid_duration.ics", 1),
    ("issue_104_broken_calendar.ics", 1),
    // the rule is not taken, the event is
    ("issue_1081_invalid_rrule_freq.ics", 1),
    ("issue_1081_invalid_start_and_end.ics", 0),
    ("issue_218_bad_tzid.ics", 1),
    ("parsing_error.ics", 2),
    ("parsing_error_in_UTC_offset.ics", 0),
    ("small_bad_calendar.ics", 0),
];

#[test]
fn malformed_files_give_what_can_be_read_and_reasons_for_the_rest() {
    let Some(folder) = folder() else { return };
    for path in files(&folder.join("malformed")) {
        let bytes = fs::read(&path).unwrap();
        let Outcome { events, issues, .. } = read_bytes(&bytes);
        let name = path.file_name().unwrap().to_str().unwrap();
        let lines = bytes.iter().filter(|byte| matches!(byte, b'\r' | b'\n')).count() as u64 + 1;
        for issue in &issues {
            assert!((1..=lines).contains(&issue.line), "{name}: {issue}");
        }
        assert_eq!(issues.is_empty(), name == "empty.ics", "{name}: {issues:#?}");
        if let Some((_, expected)) = MALFORMED.iter().find(|(known, _)| *known == name) {
            assert_eq!(events.len(), *expected, "{name}: {issues:#?}");
        }
    }
}
