#![allow(clippy::unwrap_used, reason = "a test may stop at what cannot be")]

mod common;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use common::{Outcome, read_bytes, read_text};
use ical::{Class, Event, Kind, Participation, Reason, Role, Status, Transparency};
use recurrence::{Budget, Duration, Moment, Window, Zone};

const FORMS: &[u8] = include_bytes!("fixtures/forms.ics");
const RICH: &[u8] = include_bytes!("fixtures/rich.ics");
const SERIES: &[u8] = include_bytes!("fixtures/series.ics");
const ZONES: &[u8] = include_bytes!("fixtures/zones.ics");
const BROKEN: &[u8] = include_bytes!("fixtures/broken.ics");

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn local(text: &str) -> NaiveDateTime {
    text.parse().unwrap()
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn event<'a>(outcome: &'a Outcome, uid: &str) -> &'a Event {
    outcome.events.iter().find(|event| event.uid == uid).unwrap_or_else(|| panic!("no {uid}"))
}

/// One event, out of these lines.
fn one(lines: &str) -> (Event, Vec<Reason>) {
    let outcome = read_text(&format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:one\n{lines}\nEND:VEVENT\nEND:VCALENDAR\n"));
    let issues = outcome.issues.into_iter().map(|issue| issue.reason).collect();
    (outcome.events.into_iter().next().unwrap(), issues)
}

#[test]
fn the_head_of_a_calendar_is_read() {
    let outcome = read_bytes(FORMS);
    let [head] = outcome.calendars.as_slice() else { panic!("{:?}", outcome.calendars) };
    assert_eq!(head.name.as_deref(), Some("Forms"));
    assert_eq!(head.description.as_deref(), Some("Every form of a start, and of an end"));
    assert_eq!(head.time_zone.as_deref(), Some("Europe/Berlin"));
    assert_eq!(head.color.as_deref(), Some("turquoise"));
    assert_eq!(head.extra, ["REFRESH-INTERVAL;VALUE=DURATION:P1D"]);
}

#[test]
fn starts_and_ends_are_read_in_every_form() {
    let outcome = read_bytes(FORMS);
    assert_eq!(outcome.issues, []);
    let berlin = || Zone::iana("Europe/Berlin").unwrap();
    let zoned = |text| Moment::Zoned(local(text), berlin());
    for (uid, start, duration) in [
        ("date-default", Moment::Date(day("2024-01-31")), Duration::days(1)),
        ("date-end", Moment::Date(day("2024-01-31")), Duration::days(3)),
        ("date-weeks", Moment::Date(day("2024-01-31")), Duration::days(7)),
        ("floating-default", Moment::Floating(local("2024-01-31T09:00:00")), Duration::ZERO),
        ("floating-end", Moment::Floating(local("2024-03-31T01:30:00")), Duration::seconds(7200)),
        ("utc", Moment::Zoned(local("2024-01-31T09:00:00"), Zone::utc()), Duration::seconds(1800)),
        // the clock is put forward in between
        ("zoned", zoned("2024-03-31T01:30:00"), Duration::seconds(3600)),
        ("zoned-duration", zoned("2024-03-30T12:00:00"), Duration { days: 1, seconds: 7200 }),
        ("flight", zoned("2024-01-31T10:00:00"), Duration::seconds(9 * 3600)),
        ("leap-second", Moment::Zoned(local("2016-12-31T23:59:59"), Zone::utc()), Duration::ZERO),
        ("utc-beside-tzid", Moment::Zoned(local("2024-01-31T09:00:00"), Zone::utc()), Duration::ZERO),
    ] {
        let event = event(&outcome, uid);
        assert_eq!((&event.start, event.duration), (&start, duration), "{uid}");
    }
    assert_eq!(event(&outcome, "flight").end_zone, Zone::iana("America/New_York").ok());
    assert_eq!(outcome.events.iter().filter(|event| event.end_zone.is_some()).count(), 1);
}

#[test]
fn everything_an_event_says_is_kept() {
    let outcome = read_bytes(RICH);
    assert_eq!(outcome.issues, []);
    let event = event(&outcome, "rich");
    assert_eq!(event.sequence, 7);
    assert_eq!(event.dtstamp, Some(utc("2024-01-01T00:00:00Z")));
    assert_eq!(event.created, Some(utc("2024-01-01T00:00:00Z")));
    assert_eq!(event.last_modified, Some(utc("2024-01-02T03:04:05Z")));
    assert_eq!(event.summary.as_deref(), Some("Frühstück; mit Brötchen, Käse"));
    assert_eq!(event.description.as_deref(), Some("first\nsecond\\n, third"));
    assert_eq!(event.location.as_deref(), Some("Room 1"));
    assert_eq!(event.url.as_deref(), Some("http://example.com/a,b;c"));
    assert_eq!(event.status, Some(Status::Confirmed));
    assert_eq!(event.class, Some(Class::Private));
    assert_eq!(event.transparency, Transparency::Transparent);
    let organizer = event.organizer.as_ref().unwrap();
    assert_eq!((organizer.email.as_str(), organizer.name.as_deref()), ("jane@example.com", Some("Doe, Jane")));
    let attendees: Vec<_> = event
        .attendees
        .iter()
        .map(|a| (a.email.as_str(), a.name.as_deref().unwrap_or("-"), a.participation, a.role, a.kind))
        .collect();
    use Participation::{Accepted, Declined, Delegated, NeedsAction, Tentative};
    assert_eq!(
        attendees,
        [
            ("plain@example.com", "Plain", NeedsAction, Role::Required, Kind::Individual),
            ("chair@example.com", "-", Accepted, Role::Chair, Kind::Individual),
            ("joe@example.com", "O'Neil \"Joe\"", Declined, Role::Optional, Kind::Individual),
            ("room@example.com", "-", Tentative, Role::Required, Kind::Room),
            ("boss@example.com", "-", Delegated, Role::Required, Kind::Individual),
            ("team@example.com", "-", NeedsAction, Role::Required, Kind::Group),
            ("principal@example.com", "-", NeedsAction, Role::Required, Kind::Individual),
            ("bare@example.com", "Doe, John", NeedsAction, Role::Required, Kind::Individual),
        ]
    );
    assert_eq!(
        event.extra,
        [
            // lines that say more than the model
            "DTSTART;TZID=Europe/Berlin;X-FROM=mail:20240131T090000",
            "SUMMARY;LANGUAGE=de:Frühstück\\; mit Brötchen\\, Käse",
            "LOCATION;ALTREP=\"http://example.com/room\":Room 1",
            "CLASS:X-SECRET",
            "ORGANIZER;CN=\"Doe, Jane\";SENT-BY=\"mailto:office@example.com\":MAILTO:jane@example.com",
            "ATTENDEE;PARTSTAT=declined;ROLE=OPT-PARTICIPANT;RSVP=TRUE;CN=\"O'Neil ^'Joe^'\":mailto:joe@example.com",
            "ATTENDEE;PARTSTAT=DELEGATED;DELEGATED-TO=\"mailto:x@example.com\":mailto:boss@example.com",
            "ATTENDEE;PARTSTAT=X-MAYBE;CUTYPE=GROUP:mailto:team@example.com",
            "ATTENDEE;EMAIL=principal@example.com:/principals/42",
            "ATTENDEE;CN=Doe, John:bare@example.com",
            // what it does not know
            "X-BEFORE:1",
            "GEO:52.5;13.4",
            "CATEGORIES:BUSINESS,HUMAN RESOURCES",
            "ATTENDEE;CN=Nobody:invalid:nomail",
            "X-AFTER;X-P=\"a:b\":2",
            // sub-components
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            "TRIGGER:-PT15M",
            "SUMMARY:not that of the event",
            "BEGIN:X-DEEPER",
            "X-A:1",
            "END:X-DEEPER",
            "END:VALARM",
        ]
    );
}

#[test]
fn a_series_keeps_its_lines_and_expands() {
    let outcome = read_bytes(SERIES);
    let series = &outcome.events[0];
    assert_eq!(
        series.recurrence,
        [
            "RRULE:FREQ=WEEKLY;COUNT=10",
            "EXDATE;TZID=Europe/Paris:20240108T090000,20240115T090000",
            // the Z counts, so the TZID says nothing
            "EXDATE:20240122T080000Z",
            "RDATE;TZID=Europe/Paris:20240102T090000",
            "RDATE;VALUE=PERIOD:20240103T080000Z/PT30M,20240104T080000Z/20240104T100000Z",
        ]
    );
    assert_eq!(series.rdates[1].duration, Some(Duration::seconds(1800)));
    assert_eq!(series.rdates[2].duration, Some(Duration::seconds(7200)));
    let again = ical::parse_recurrence(&series.recurrence, &series.zones).unwrap();
    assert_eq!(
        (again.rules, again.rdates, again.exdates),
        (series.rules.clone(), series.rdates.clone(), series.exdates.clone())
    );

    let window = Window { from: utc("2024-01-01T00:00:00Z"), to: utc("2024-02-01T00:00:00Z") };
    let expansion = series.series(Zone::utc()).expand(window, 100, Budget::default()).unwrap();
    let starts: Vec<String> = expansion.occurrences.iter().map(|o| o.start.format("%d %H:%M").to_string()).collect();
    assert_eq!(starts, ["01 08:00", "02 08:00", "03 08:00", "04 08:00", "29 08:00"]);
}

#[test]
fn overrides_name_the_occurrence_they_change_and_do_not_recur() {
    let outcome = read_bytes(SERIES);
    let [_, moved, future, days] = outcome.events.as_slice() else { panic!() };
    assert_eq!(moved.recurrence_id, Some(Moment::Zoned(local("2024-01-29T08:00:00"), Zone::utc())));
    let paris = Zone::iana("Europe/Paris").unwrap();
    assert_eq!(future.recurrence_id, Some(Moment::Zoned(local("2024-02-05T09:00:00"), paris)));
    assert!(future.rules.is_empty() && future.recurrence.is_empty());
    assert_eq!(
        future.extra,
        ["RECURRENCE-ID;TZID=Europe/Paris;RANGE=THISANDFUTURE:20240205T090000", "RRULE:FREQ=DAILY"]
    );
    assert_eq!(days.extra, ["EXRULE:FREQ=YEARLY"]);
    let reasons: Vec<_> =
        outcome.issues.iter().map(|issue| (issue.line, issue.uid.as_deref(), &issue.reason)).collect();
    assert!(
        matches!(
            reasons.as_slice(),
            [
                (24, Some("series"), Reason::RangeNotApplied),
                (26, Some("series"), Reason::NotApplied { .. }),
                (34, Some("days"), Reason::NotApplied { .. }),
            ]
        ),
        "{reasons:?}"
    );
}

#[test]
fn an_override_whose_recurrence_id_is_lost_does_not_pass_for_the_series() {
    let outcome = read_bytes(BROKEN);
    assert!(outcome.events.iter().all(|event| event.uid != "bad-id"));
}

#[test]
fn a_time_zone_is_what_its_name_and_its_definition_say() {
    let outcome = read_bytes(ZONES);
    // (UID, zone, hours from UTC on the 1st of July, whether its text goes with the event)
    for (uid, name, hours, has_text) in [
        ("exact", "Europe/Berlin", 2.0, false),
        ("other-case", "Europe/Berlin", 2.0, false),
        ("path", "America/Argentina/Buenos_Aires", -3.0, false),
        ("windows", "Asia/Tokyo", 9.0, false),
        // the definition says what the IANA zone says
        ("windows-defined", "Europe/Berlin", 2.0, false),
        // it says something else
        ("windows-contradicted", "Eastern Standard Time", 10.0, true),
        ("customized", "Customized Time Zone", 5.5, true),
        ("location", "Africa/Lagos", 1.0, false),
        ("iana-wins", "Asia/Tokyo", 9.0, false),
        ("case-contradicted", "Europe/lisbon", 5.0, true),
        // another calendar, another definition
        ("customized-otherwise", "Customized Time Zone", -3.5, true),
        ("defined-elsewhere", "Eastern Standard Time", 10.0, true),
    ] {
        let event = event(&outcome, uid);
        let Moment::Zoned(wall, zone) = &event.start else { panic!("{uid}: {:?}", event.start) };
        assert_eq!(zone.name(), name, "{uid}");
        let offset = wall.and_utc() - zone.to_utc(*wall);
        assert_eq!(offset.num_minutes(), (hours * 60.0) as i64, "{uid}");
        assert_eq!(event.zones.len(), usize::from(has_text), "{uid}");
        for text in &event.zones {
            assert_eq!(text.tzid, name);
            assert_eq!(ical::parse_vtimezone(&text.text).unwrap(), *zone, "{uid}");
        }
    }
    let customized = event(&outcome, "customized");
    let again = ical::parse_recurrence(&customized.recurrence, &customized.zones).unwrap();
    assert_eq!(again.exdates, customized.exdates);
}

#[test]
fn an_unknown_time_zone_is_reported_and_never_taken_for_utc() {
    let outcome = read_bytes(ZONES);
    assert_eq!(event(&outcome, "unknown").start, Moment::Floating(local("2024-07-01T12:00:00")));
    assert_eq!(event(&outcome, "unknown").duration, Duration::seconds(3600));
    let unknown = Reason::UnknownZone("Middle-earth/Shire".to_owned());
    let issues: Vec<_> = outcome.issues.iter().map(|issue| (issue.line, &issue.reason)).collect();
    assert_eq!(issues, [(47, &unknown), (48, &unknown)]);
}

#[test]
fn all_that_is_broken_is_reported_with_its_line_and_the_rest_arrives() {
    let outcome = read_bytes(BROKEN);
    let uids: Vec<&str> = outcome.events.iter().map(|event| event.uid.as_str()).collect();
    let derived = uids[2];
    assert!(derived.ends_with("@derived.koyomi"), "{derived}");
    assert_eq!(uids, ["orphan", "values", derived, "both", "backwards", "far", "forms", "not-closed", "bad-zone"]);
    let issues: Vec<String> = outcome
        .issues
        .iter()
        .map(|issue| {
            let component = issue.component.as_deref().unwrap_or("-");
            let uid = issue.uid.as_deref().unwrap_or("-").replace(derived, "(derived)");
            format!("{} {component} {uid}: {}", issue.line, issue.reason.to_string().replace(derived, "(derived)"))
        })
        .collect();
    let expected = include_str!("fixtures/broken.issues");
    assert_eq!(issues.join("\n"), expected.trim_end(), "\n{}", issues.join("\n"));
}

#[test]
fn values_that_are_broken_leave_the_defaults() {
    let outcome = read_bytes(BROKEN);
    let values = event(&outcome, "values");
    assert_eq!(values.start, Moment::Date(day("2024-01-01")));
    assert_eq!(values.duration, Duration::days(1));
    assert_eq!((values.sequence, values.status, values.dtstamp), (0, None, None));
    assert_eq!(values.summary.as_deref(), Some("first"));
    assert_eq!(values.recurrence, ["RDATE:20240102,20240103"]);
    assert_eq!(values.rdates.len(), 2);
    assert!(values.rules.is_empty());
    assert!(values.extra.is_empty(), "{:?}", values.extra);
    assert_eq!(event(&outcome, "both").duration, Duration::seconds(3600));
    assert_eq!(event(&outcome, "backwards").duration, Duration::ZERO);
    assert_eq!(event(&outcome, "far").duration, Duration::ZERO);
    assert_eq!(event(&outcome, "forms").duration, Duration::seconds(3600));
    assert_eq!(event(&outcome, "not-closed").extra, ["BEGIN:VALARM", "ACTION:AUDIO", "END:VALARM"]);
    assert!(matches!(event(&outcome, "bad-zone").start, Moment::Floating(_)));
}

#[test]
fn a_derived_uid_depends_on_the_content_only() {
    let read = |lines: &str| {
        read_text(&format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{lines}\nEND:VEVENT\nEND:VCALENDAR")).events[0].uid.clone()
    };
    let first = read("DTSTART:20240101T000000Z\nSUMMARY:a");
    assert_eq!(read("DTSTAMP:20250101T000000Z\nDTSTART:20240101T000000Z\nSUMMARY:a\nSEQUENCE:3"), first);
    assert_ne!(read("DTSTART:20240101T000000Z\nSUMMARY:b"), first);
}

#[test]
fn ends_are_fitted_to_their_start() {
    for (lines, expected) in [
        ("DTSTART;VALUE=DATE:20240101\nDTEND:20240103T120000", Duration::days(3)),
        ("DTSTART;VALUE=DATE:20240101\nDTEND:20240103T000000", Duration::days(2)),
        ("DTSTART;VALUE=DATE:20240101\nDURATION:PT36H", Duration::days(2)),
        ("DTSTART:20240101T120000\nDTEND;VALUE=DATE:20240102", Duration::seconds(43_200)),
        ("DTSTART:20240101T120000\nDTEND;TZID=Asia/Tokyo:20240101T130000", Duration::seconds(3600)),
    ] {
        let (event, issues) = one(lines);
        assert_eq!(event.duration, expected, "{lines}");
        assert!(matches!(issues.as_slice(), [Reason::EndForm { .. }]), "{lines}: {issues:?}");
    }
}

#[test]
fn a_date_that_calls_itself_something_else_is_reported() {
    let (event, issues) = one("DTSTART:20240101");
    assert_eq!(event.start, Moment::Date(day("2024-01-01")));
    assert!(matches!(issues.as_slice(), [Reason::Reinterpreted { taken: "DATE", .. }]), "{issues:?}");
    let (event, issues) = one("DTSTART;VALUE=DATE:20240101T120000Z");
    assert_eq!(event.start, Moment::Date(day("2024-01-01")));
    assert!(matches!(issues.as_slice(), [Reason::Reinterpreted { .. }]), "{issues:?}");
}

#[test]
fn names_are_read_in_any_case() {
    let outcome = read_text(
        "begin:vcalendar\nBegin:vEvent\nuid:x\ndtstart;value=date:20240101\nrrule:freq=daily;count=2\nexdate;value=date:20240102\nend:VEVENT\nEND:vcalendar\n",
    );
    assert_eq!(outcome.issues, []);
    let event = event(&outcome, "x");
    assert_eq!(event.rules.len(), 1);
    assert_eq!(event.recurrence, ["RRULE:freq=daily;count=2", "EXDATE;value=date:20240102"]);
}

#[test]
fn a_calendar_property_may_follow_a_time_zone() {
    let outcome = read_text(
        "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:UTC\nEND:VTIMEZONE\nX-WR-CALNAME:late\nBEGIN:VEVENT\nUID:x\nDTSTART:20240101T000000Z\nEND:VEVENT\nEND:VCALENDAR",
    );
    assert_eq!(outcome.issues, []);
    assert_eq!(outcome.calendars[0].name.as_deref(), Some("late"));
}

#[test]
fn stored_lines_that_are_not_understood_are_an_error() {
    for line in ["RRULE:FREQ=NEVER", "EXDATE:soon", "SUMMARY:x", "nothing", "EXDATE;TZID=Nowhere:20240101T000000"] {
        let error = ical::parse_recurrence(&["RRULE:FREQ=DAILY", line], &[]).unwrap_err();
        let ical::Error::Unusable(issue) = error else { panic!("{line}: {error}") };
        assert_eq!(issue.line, 2, "{line}");
    }
}

#[test]
fn stored_zones_are_read_folded_or_not() {
    let text = "BEGIN:VTIMEZONE\r\nTZID:A \r\n very long name\\, with a comma\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0545\r\nTZOFFSETTO:+0545\r\nEND:STANDARD\r\nEND:VTIMEZONE";
    let zone = ical::parse_vtimezone(text).unwrap();
    assert_eq!(zone.name(), "A very long name, with a comma");
    assert_eq!(zone.to_utc(local("2024-01-01T05:45:00")), utc("2024-01-01T00:00:00Z"));
    for text in ["", "nothing", "BEGIN:VTIMEZONE\nEND:VTIMEZONE", "BEGIN:VTIMEZONE\nTZID:x\nEND:VTIMEZONE"] {
        assert!(matches!(ical::parse_vtimezone(text), Err(ical::Error::Unusable(_))), "{text}");
    }
}
