#![allow(clippy::unwrap_used, reason = "a test may stop at what cannot be")]

mod common;

use std::io::{self, BufRead, Cursor, Read};

use common::{Text, read_bytes, read_text, read_within, write};
use ical::{Error, Item, Limit, Limits, Reason};
use proptest::prelude::*;

fn limits() -> Limits {
    Limits::default()
}

fn limits_met(text: &str, limits: Limits) -> Vec<(u64, Limit)> {
    let outcome = read_within(text.as_bytes(), limits).unwrap();
    outcome
        .issues
        .iter()
        .filter_map(|issue| match issue.reason {
            Reason::Limit(limit) => Some((issue.line, limit)),
            _ => None,
        })
        .collect()
}

fn event(uid: &str, more: &str) -> String {
    format!("BEGIN:VEVENT\nUID:{uid}\nDTSTART:20240101T000000Z\n{more}END:VEVENT\n")
}

fn calendar(events: &str) -> String {
    format!("BEGIN:VCALENDAR\n{events}END:VCALENDAR\n")
}

fn uids(text: &str, limits: Limits) -> Vec<String> {
    read_within(text.as_bytes(), limits).unwrap().events.into_iter().map(|event| event.uid).collect()
}

#[test]
fn a_line_that_is_too_long_costs_only_itself() {
    let text = calendar(&event("1", &format!("SUMMARY:{}\nLOCATION:here\n", "x".repeat(64 << 10))));
    assert_eq!(limits_met(&text, limits()), [(5, Limit::LineBytes(64 << 10))]);
    let outcome = read_text(&text);
    assert_eq!(outcome.issues[0].uid.as_deref(), Some("1"));
    assert_eq!((outcome.events[0].summary.as_deref(), outcome.events[0].location.as_deref()), (None, Some("here")));
    let fits = calendar(&event("1", &format!("SUMMARY:{}\n", "x".repeat((64 << 10) - 8))));
    assert_eq!(limits_met(&fits, limits()), []);
}

#[test]
fn a_component_with_too_many_lines_costs_only_itself() {
    let limits = Limits { component_lines: 10, ..limits() };
    let big = event("big", &"X-A:1\n".repeat(8));
    let text = calendar(&format!("{}{big}{}", event("1", ""), event("2", "")));
    // the END counts
    assert_eq!(limits_met(&text, limits), [(17, Limit::ComponentLines(10))]);
    assert_eq!(uids(&text, limits), ["1", "2"]);
    let outcome = read_within(text.as_bytes(), limits).unwrap();
    assert_eq!(outcome.issues[0].uid.as_deref(), Some("big"));
    let fits = calendar(&event("1", &"X-A:1\n".repeat(7)));
    assert_eq!(limits_met(&fits, limits), []);
}

#[test]
fn a_component_with_too_many_bytes_costs_only_itself() {
    let limits = Limits { component_bytes: 1000, ..limits() };
    let text = calendar(&format!("{}{}", event("big", &format!("X-A:{}\n", "x".repeat(1000))), event("2", "")));
    assert_eq!(limits_met(&text, limits), [(5, Limit::ComponentBytes(1000))]);
    assert_eq!(uids(&text, limits), ["2"]);
}

#[test]
fn a_component_that_nests_too_deep_costs_only_itself() {
    let nest = |levels: usize| {
        let begin: String = (0..levels).map(|n| format!("BEGIN:X-{n}\n")).collect();
        let end: String = (0..levels).rev().map(|n| format!("END:X-{n}\n")).collect();
        calendar(&format!("{}{}", event("deep", &format!("{begin}{end}")), event("2", "")))
    };
    // VCALENDAR and VEVENT are two of the eight
    assert_eq!(limits_met(&nest(6), limits()), []);
    assert_eq!(limits_met(&nest(7), limits()), [(11, Limit::Depth(8))]);
    assert_eq!(uids(&nest(7), limits()), ["2"]);
    assert_eq!(uids(&nest(1000), limits()), ["2"]);
}

#[test]
fn too_many_components_end_the_reading() {
    let limits = Limits { components: 2, ..limits() };
    let text = calendar(&(1..=3).map(|n| event(&n.to_string(), "")).collect::<String>());
    assert_eq!(uids(&text.replacen(&event("3", ""), "", 1), limits), ["1", "2"]);
    let error = read_within(text.as_bytes(), limits).unwrap_err();
    assert!(matches!(error, Error::Limit { limit: Limit::Components(2), line: 10 }), "{error}");
    assert_eq!(error.to_string(), "line 10: limit components: the input holds more than 2 components");

    // what was read before arrives, and after the error nothing does
    let zones = ical::Zones::default();
    let items: Vec<_> = ical::events(text.as_bytes(), zones, limits).collect();
    assert!(
        matches!(items.as_slice(), [Ok(Item::Calendar(_)), Ok(Item::Event { .. }), Ok(Item::Event { .. }), Err(_)]),
        "{items:?}"
    );
}

#[test]
fn too_many_bytes_end_the_reading() {
    let text = calendar(&event("1", ""));
    let limits = Limits { total_bytes: text.len() as u64 - 1, ..limits() };
    let error = read_within(text.as_bytes(), limits).unwrap_err();
    assert!(matches!(error, Error::Limit { limit: Limit::TotalBytes(_), line: 6 }), "{error}");
    assert!(read_within(text.as_bytes(), Limits { total_bytes: text.len() as u64, ..limits }).is_ok());
}

#[test]
fn only_so_many_time_zones_are_computed_and_kept() {
    let zone = |n: usize| {
        format!(
            "BEGIN:VTIMEZONE\nTZID:Z{n}\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n"
        )
    };
    let text = calendar(&(0..5).map(zone).collect::<String>());
    let kept = Limits { zones: 3, ..limits() };
    assert_eq!(limits_met(&text, kept), [(26, Limit::Zones(3)), (34, Limit::Zones(3))]);
    let kept = Limits { zone_bytes: 300, ..limits() };
    assert_eq!(limits_met(&text, kept).len(), 3);
    // one that is said twice is one, unless it says something else
    let twice = calendar(&zone(1).repeat(2));
    assert_eq!(read_within(twice.as_bytes(), Limits { zones: 1, ..limits() }).unwrap().issues, []);
    let otherwise = calendar(&format!("{}{}", zone(1), zone(1).replace("+0100", "+0200")));
    assert!(matches!(read_text(&otherwise).issues[0].reason, Reason::ZoneRedefined(_)));
    // names of the database need no place
    let known = text.replace("TZID:Z", "TZID:Etc/GMT-");
    assert_eq!(limits_met(&known, Limits { zones: 0, ..limits() }), []);
}

#[test]
fn a_zone_that_computes_for_ever_is_refused() {
    let text = calendar(&format!(
        "BEGIN:VTIMEZONE\nTZID:Slow\n{}END:VTIMEZONE\n{}",
        "BEGIN:STANDARD\nDTSTART:00010101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nRRULE:FREQ=HOURLY\nEND:STANDARD\n".repeat(900),
        event("1", "EXDATE;TZID=Slow:20240101T000000\n"),
    ));
    let outcome = read_text(&text);
    assert!(matches!(outcome.issues[0].reason, Reason::BadZone { .. }), "{:?}", outcome.issues[0]);
    assert_eq!(outcome.events.len(), 1);
}

/// An input as long as wanted, which is never held: a head, then one piece over and over.
struct Endless {
    head: Cursor<Vec<u8>>,
    piece: Cursor<Vec<u8>>,
    left: u64,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.fill_buf()?[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Endless {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if !self.head.fill_buf()?.is_empty() {
            return self.head.fill_buf();
        }
        if self.piece.fill_buf()?.is_empty() {
            self.piece.set_position(0);
        }
        let left = self.left;
        let piece = self.piece.fill_buf()?;
        Ok(&piece[..piece.len().min(left as usize)])
    }

    fn consume(&mut self, count: usize) {
        if (self.head.position() as usize) < self.head.get_ref().len() {
            return self.head.consume(count);
        }
        self.left -= count as u64;
        self.piece.consume(count);
    }
}

/// Every way to make one thing of a calendar long. Reading them must end, with few issues: what is not kept cannot grow.
#[test]
fn nothing_that_is_long_is_held() {
    let limits = || Limits { line_bytes: 16 << 10, component_lines: 1000, component_bytes: 64 << 10, ..limits() };
    for (head, piece) in [
        ("", "x"),
        ("", "\n"),
        ("", "x\n"),
        ("", "x\n "),
        ("BEGIN:VCALENDAR\nX:", "x"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\n", "SUMMARY:x\n"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\n", "BEGIN:X\n"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\n", "END:X\n"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\n", "X:\u{1}\n"),
        ("BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\n", "BEGIN:STANDARD\nX\nEND:STANDARD\n"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nX:", "x\n "),
    ] {
        let piece = piece.repeat((8 << 10) / piece.len());
        let input =
            || Endless { head: Cursor::new(head.into()), piece: Cursor::new(piece.clone().into()), left: 256 << 10 };
        let zones = ical::scan_zones(input(), &limits()).unwrap();
        let mut count = 0;
        for item in ical::events(input(), zones, limits()) {
            assert!(matches!(item.unwrap(), Item::Issue(_) | Item::Calendar(_)), "{head:?}");
            count += 1;
        }
        // at most what one component may hold, and the end of it
        assert!(count <= limits().component_lines + 10, "{head:?} {:?}: {count}", &piece[..20]);
    }
}

/// Lines as producers write them, to be cut up and mixed.
fn real_lines() -> Vec<Text> {
    let fixtures: [&[u8]; 5] = [
        include_bytes!("fixtures/forms.ics"),
        include_bytes!("fixtures/rich.ics"),
        include_bytes!("fixtures/series.ics"),
        include_bytes!("fixtures/zones.ics"),
        include_bytes!("fixtures/broken.ics"),
    ];
    fixtures
        .iter()
        .flat_map(|bytes| bytes.split_inclusive(|byte| *byte == b'\n'))
        .map(|line| Text(line.to_vec()))
        .collect()
}

fn small() -> Limits {
    Limits {
        line_bytes: 60,
        depth: 3,
        component_lines: 12,
        component_bytes: 400,
        components: 6,
        total_bytes: 4000,
        zones: 1,
        zone_bytes: 200,
    }
}

/// Whatever it is, it can be read, what was read can be written, and that can be read again.
fn survives(bytes: &[u8]) -> Result<(), TestCaseError> {
    let first = read_bytes(bytes);
    let lines = bytes.iter().filter(|byte| matches!(byte, b'\r' | b'\n')).count() as u64 + 1;
    for issue in &first.issues {
        prop_assert!((1..=lines).contains(&issue.line), "{issue}");
    }
    let text = write(&first);
    let second = read_text(&text);
    prop_assert_eq!(first.events.len(), second.events.len());
    for (one, two) in first.events.iter().zip(&second.events) {
        // zones of the same name may have been renamed
        if one.zones.is_empty() {
            prop_assert_eq!(one, two);
        }
    }

    let limits = small();
    let outcome = read_within(bytes, limits);
    if let Ok(outcome) = &outcome {
        prop_assert!(bytes.len() as u64 <= limits.total_bytes);
        prop_assert!(outcome.events.len() as u64 <= limits.components);
        for event in &outcome.events {
            prop_assert!(event.extra.len() <= limits.component_lines, "{:?}", event.extra);
            prop_assert!(event.extra.iter().all(|line| line.len() <= limits.line_bytes + 20), "{:?}", event.extra);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_survive(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        survives(&bytes)?;
    }

    #[test]
    fn any_structure_survives(pieces in proptest::collection::vec(proptest::sample::select(vec![
        "BEGIN:VCALENDAR\n", "END:VCALENDAR\n", "BEGIN:VEVENT\n", "END:VEVENT\n", "BEGIN:VALARM\n", "END:VALARM\n",
        "BEGIN:VTIMEZONE\n", "END:VTIMEZONE\n", "BEGIN:STANDARD\n", "END:STANDARD\n", "UID:1\n", "TZID:Z\n",
        "DTSTART:20240101T000000\n", "DTSTART;TZID=Z:20240101T000000\n", "TZOFFSETFROM:+0100\n", "TZOFFSETTO:+0100\n",
        "RRULE:FREQ=DAILY\n", "RDATE;TZID=Z:20240101T000000\n", "RECURRENCE-ID;RANGE=X:20240101T000000\n", "X\n", "\n ", "\r", "ATTENDEE:a@b\n",
    ]), 0..60)) {
        survives(pieces.concat().as_bytes())?;
    }

    #[test]
    fn real_lines_survive_what_is_done_to_them(
        lines in proptest::collection::vec((proptest::sample::select(real_lines()), any::<prop::sample::Index>(), any::<u8>(), 0..6), 0..60),
    ) {
        let mut bytes = Vec::new();
        for (Text(mut line), at, byte, what) in lines {
            let at = at.index(line.len());
            match what {
                0 => line[at] = byte,
                1 => line.truncate(at),
                2 => line.insert(at, byte),
                _ => {}
            }
            bytes.extend(line);
        }
        survives(&bytes)?;
    }
}
