#![allow(clippy::unwrap_used, reason = "a test may stop at what cannot be")]

mod common;

use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, Utc};
use common::{Outcome, read_bytes, read_text, write};
use ical::{
    Attendee, Calendar, Class, Event, Kind, Organizer, Participation, Role, Status, Transparency, WriteOptions, Writer,
    ZoneText,
};
use proptest::prelude::*;
use recurrence::{Duration, Moment, Zone};

const FIXTURES: [(&str, &[u8]); 5] = [
    ("forms", include_bytes!("fixtures/forms.ics")),
    ("rich", include_bytes!("fixtures/rich.ics")),
    ("series", include_bytes!("fixtures/series.ics")),
    ("zones", include_bytes!("fixtures/zones.ics")),
    ("broken", include_bytes!("fixtures/broken.ics")),
];

fn local(text: &str) -> NaiveDateTime {
    text.parse().unwrap()
}

fn zone(name: &str) -> Zone {
    Zone::iana(name).unwrap()
}

fn event(uid: &str, start: Moment) -> Event {
    let duration = if start.is_date() { Duration::days(1) } else { Duration::ZERO };
    Event {
        uid: uid.to_owned(),
        recurrence_id: None,
        sequence: 0,
        dtstamp: None,
        created: None,
        last_modified: None,
        summary: None,
        description: None,
        location: None,
        url: None,
        status: None,
        class: None,
        transparency: Transparency::Opaque,
        start,
        duration,
        end_zone: None,
        rules: Vec::new(),
        rdates: Vec::new(),
        exdates: Vec::new(),
        recurrence: Vec::new(),
        organizer: None,
        attendees: Vec::new(),
        extra: Vec::new(),
        zones: Vec::new(),
    }
}

fn written(events: &[Event]) -> String {
    write(&Outcome { events: events.to_vec(), ..Outcome::default() })
}

/// The lines of the first VEVENT, unfolded.
fn lines(text: &str) -> Vec<String> {
    let unfolded = text.replace("\r\n ", "");
    let body = unfolded.split("BEGIN:VEVENT\r\n").nth(1).unwrap().split("END:VEVENT").next().unwrap();
    body.lines().map(str::to_owned).collect()
}

#[test]
fn fixtures_are_written_and_read_again_alike() {
    for (name, bytes) in FIXTURES {
        let first = read_bytes(bytes);
        let text = write(&first);
        let second = read_text(&text);
        // one calendar takes them all: a second definition of a TZID gets another name in it
        let renamed = |event: &Event| name == "zones" && event.uid == "customized-otherwise";
        for (one, two) in first.events.iter().zip(&second.events) {
            assert!(renamed(one) || one == two, "{name}\n{one:#?}\n{two:#?}\n{text}");
        }
        assert_eq!(first.events.len(), second.events.len(), "{name}");
        assert_eq!(
            first.calendars[0],
            Calendar { prodid: first.calendars[0].prodid.clone(), ..second.calendars[0].clone() }
        );
        assert_eq!(write(&second), text, "{name}");
    }
}

#[test]
fn an_export_is_proper_text() {
    for (name, bytes) in FIXTURES {
        let text = write(&read_bytes(bytes));
        assert!(
            text.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:") && text.ends_with("END:VCALENDAR\r\n"),
            "{name}"
        );
        for line in text.split_terminator("\r\n") {
            assert!(line.len() <= 75 && !line.is_empty(), "{name}: {line}");
            assert!(!line.contains(['\r', '\n']), "{name}: {line}");
        }
    }
}

#[test]
fn two_definitions_of_one_name_do_not_become_one() {
    let first = read_bytes(FIXTURES[3].1);
    let text = write(&first);
    assert_eq!(text.matches("TZID:Customized Time Zone").count(), 2);
    assert_eq!(text.matches("TZID:Customized Time Zone (2)\r\n").count(), 1);
    let second = read_text(&text);
    let instant = |outcome: &Outcome| {
        let event = outcome.events.iter().find(|event| event.uid == "customized-otherwise").unwrap();
        event.start.to_utc(&Zone::utc())
    };
    assert_eq!(instant(&first), instant(&second));
}

#[test]
fn a_definition_stands_once_and_before_the_events_that_need_it() {
    let start = |at| Moment::Zoned(local(at), zone("Europe/Berlin"));
    let text = written(&[event("1", start("2024-01-01T09:00:00")), event("2", start("2024-01-02T09:00:00"))]);
    assert_eq!(text.matches("TZID:Europe/Berlin\r\n").count(), 1);
    assert!(text.find("BEGIN:VTIMEZONE") < text.find("BEGIN:VEVENT"));
    let utc = written(&[event("1", Moment::Zoned(local("2024-01-01T09:00:00"), Zone::utc()))]);
    assert!(!utc.contains("VTIMEZONE") && utc.contains("DTSTART:20240101T090000Z\r\n"), "{utc}");
}

#[test]
fn the_end_is_written_so_that_the_length_stays() {
    let zoned = |at, name| Moment::Zoned(local(at), zone(name));
    for (start, duration, end_zone, expected) in [
        (zoned("2024-01-01T09:00:00", "Europe/Berlin"), Duration::ZERO, None, None),
        (
            zoned("2024-01-01T09:00:00", "Europe/Berlin"),
            Duration::seconds(60),
            None,
            Some("DTEND;TZID=Europe/Berlin:20240101T090100"),
        ),
        (
            zoned("2024-01-01T09:00:00", "Europe/Berlin"),
            Duration::seconds(3600),
            Some("Asia/Tokyo"),
            Some("DTEND;TZID=Asia/Tokyo:20240101T180000"),
        ),
        (zoned("2024-01-01T09:00:00", "UTC"), Duration::seconds(60), None, Some("DTEND:20240101T090100Z")),
        // nominal days are no DTEND
        (zoned("2024-03-30T09:00:00", "Europe/Berlin"), Duration::days(1), None, Some("DURATION:P1D")),
        (
            zoned("2024-03-30T09:00:00", "Europe/Berlin"),
            Duration::seconds(86_400),
            None,
            Some("DTEND;TZID=Europe/Berlin:20240331T100000"),
        ),
        // 02:30 comes twice that night, and DTEND could only name the first
        (zoned("2024-10-27T01:30:00", "Europe/Berlin"), Duration::seconds(7200), None, Some("DURATION:PT2H")),
        (
            zoned("2024-10-27T01:30:00", "Europe/Berlin"),
            Duration::seconds(3600),
            None,
            Some("DTEND;TZID=Europe/Berlin:20241027T023000"),
        ),
        (Moment::Floating(local("2024-01-01T09:00:00")), Duration::seconds(60), None, Some("DTEND:20240101T090100")),
        (Moment::Date("2024-01-31".parse().unwrap()), Duration::days(1), None, Some("DTEND;VALUE=DATE:20240201")),
    ] {
        let mut event = event("x", start);
        event.duration = duration;
        event.end_zone = end_zone.map(zone);
        let text = written(std::slice::from_ref(&event));
        let found = lines(&text).into_iter().find(|line| line.starts_with("DTEND") || line.starts_with("DURATION"));
        assert_eq!(found.as_deref(), expected, "{event:?}");
        assert_eq!(read_text(&text).events, [event]);
    }
}

#[test]
fn an_override_takes_the_form_of_its_series() {
    let berlin = |at| Moment::Zoned(local(at), zone("Europe/Berlin"));
    let in_utc = Moment::Zoned(local("2024-07-01T08:00:00"), Zone::utc());
    for (start, id, expected) in [
        (berlin("2024-01-01T10:00:00"), in_utc.clone(), "RECURRENCE-ID;TZID=Europe/Berlin:20240701T100000"),
        (
            berlin("2024-01-01T10:00:00"),
            Moment::Date("2024-07-01".parse().unwrap()),
            "RECURRENCE-ID;TZID=Europe/Berlin:20240701T100000",
        ),
        (Moment::Date("2024-01-01".parse().unwrap()), in_utc.clone(), "RECURRENCE-ID;VALUE=DATE:20240701"),
        (
            Moment::Floating(local("2024-01-01T10:00:00")),
            Moment::Floating(local("2024-07-01T10:00:00")),
            "RECURRENCE-ID:20240701T100000",
        ),
        (
            Moment::Zoned(local("2024-01-01T10:00:00"), Zone::utc()),
            berlin("2024-07-01T10:00:00"),
            "RECURRENCE-ID:20240701T080000Z",
        ),
    ] {
        let series = event("x", start);
        let changed = Event { recurrence_id: Some(id), ..event("x", in_utc.clone()) };
        let mut writer = Writer::new(Vec::new(), &Calendar::default(), WriteOptions::default()).unwrap();
        writer.override_of(&series, &changed).unwrap();
        let text = String::from_utf8(writer.finish().unwrap()).unwrap();
        assert_eq!(lines(&text)[1], expected);
    }
}

#[test]
fn an_original_line_is_written_only_while_it_is_true() {
    let mut event = read_bytes(FIXTURES[1].1).events.remove(0);
    assert!(
        lines(&written(std::slice::from_ref(&event)))
            .contains(&"SUMMARY;LANGUAGE=de:Frühstück\\; mit Brötchen\\, Käse".to_owned())
    );
    event.summary = Some("Lunch".to_owned());
    event.organizer = Some(Organizer { email: "new@example.com".to_owned(), name: None });
    event.attendees.retain(|attendee| attendee.email != "joe@example.com");
    event.attendees[1].participation = Participation::Declined;
    event.start = Moment::Date("2024-02-01".parse().unwrap());
    event.duration = Duration::days(1);
    let lines = lines(&written(&[event]));
    assert!(lines.contains(&"SUMMARY:Lunch".to_owned()), "{lines:#?}");
    assert!(lines.contains(&"ORGANIZER:mailto:new@example.com".to_owned()), "{lines:#?}");
    assert!(lines.contains(&"ATTENDEE;PARTSTAT=DECLINED;ROLE=CHAIR:mailto:chair@example.com".to_owned()), "{lines:#?}");
    assert!(lines.contains(&"DTSTART;VALUE=DATE:20240201".to_owned()), "{lines:#?}");
    let all = lines.join("\n");
    assert!(
        !all.contains("joe@") && !all.contains("jane@") && !all.contains("Frühstück") && !all.contains("X-FROM"),
        "{all}"
    );
    // what the model never knew stays
    assert!(all.contains("ATTENDEE;CN=Nobody:invalid:nomail") && all.contains("BEGIN:X-DEEPER"), "{all}");
}

#[test]
fn no_text_can_break_out_of_its_line() {
    let mut event = event("x\r\nEND:VEVENT", Moment::Floating(local("2024-01-01T09:00:00")));
    event.summary = Some("a\r\nBEGIN:VEVENT\0".to_owned());
    event.url = Some("http://x\r\nX-INJECTED:1".to_owned());
    event.organizer =
        Some(Organizer { email: "a@b\r\nX-INJECTED:1".to_owned(), name: Some("\"\r\nX-INJECTED:1".to_owned()) });
    event.recurrence = vec!["RRULE:FREQ=DAILY\r\nX-INJECTED:1".to_owned()];
    event.extra = vec!["X-A:1\r\nX-INJECTED:1".to_owned(), "BEGIN:VALARM".to_owned(), "END:VEVENT".to_owned()];
    let text = written(&[event]);
    assert!(!text.replace("\r\n ", "").contains("\r\nX-INJECTED"), "{text}");
    let again = read_text(&text);
    assert_eq!(again.events.len(), 1);
    assert_eq!(again.events[0].summary.as_deref(), Some("a\nBEGIN:VEVENT"));
    assert_eq!(again.events[0].extra, ["X-A:1X-INJECTED:1"]);
}

#[test]
fn a_stamp_is_given_to_events_that_have_none() {
    let stamp: DateTime<Utc> = "2024-05-06T07:08:09Z".parse().unwrap();
    let options = WriteOptions { stamp: Some(stamp), ..WriteOptions::default() };
    let mut writer = Writer::new(Vec::new(), &Calendar::default(), options).unwrap();
    writer.event(&event("x", Moment::Floating(local("2024-01-01T09:00:00")))).unwrap();
    let text = String::from_utf8(writer.finish().unwrap()).unwrap();
    assert_eq!(read_text(&text).events[0].dtstamp, Some(stamp));
}

fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        // control characters have no place in iCalendar
        8 => any::<char>().prop_map(|c| if c.is_ascii_control() { 'x' } else { c }),
        2 => proptest::sample::select(vec!['\n', '\t', '\\', ';', ',', ':', '"', '^', ' ', '\'', '☃']),
    ];
    proptest::collection::vec(character, 0..120).prop_map(|chars| chars.into_iter().collect())
}

fn some_text() -> impl Strategy<Value = String> {
    text().prop_filter("blank", |text| !text.trim().is_empty())
}

fn custom() -> (Zone, ZoneText) {
    let text = "BEGIN:VTIMEZONE\nTZID:Own\\; zone\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0545\nTZOFFSETTO:+0545\nEND:STANDARD\nEND:VTIMEZONE";
    (ical::parse_vtimezone(text).unwrap(), ZoneText { tzid: "Own; zone".to_owned(), text: Arc::from(text) })
}

fn zones() -> impl Strategy<Value = Zone> {
    let names = ["UTC", "Etc/UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe"];
    let zones = names.into_iter().map(zone).chain([custom().0]).collect::<Vec<_>>();
    proptest::sample::select(zones)
}

fn instants() -> impl Strategy<Value = DateTime<Utc>> {
    (-2_000_000_000_i64..4_000_000_000).prop_map(|at| DateTime::from_timestamp(at, 0).unwrap())
}

fn moments() -> impl Strategy<Value = Moment> {
    let clock = || instants().prop_map(|at| at.naive_utc());
    prop_oneof![
        clock().prop_map(|at| Moment::Date(at.date())),
        clock().prop_map(Moment::Floating),
        (clock(), zones()).prop_map(|(at, zone)| Moment::Zoned(at, zone)),
    ]
}

fn lengths(start: &Moment) -> BoxedStrategy<(Duration, Option<Zone>)> {
    let seconds = || 0..1_000_000_i64;
    match start {
        Moment::Date(_) => (1..400).prop_map(|days| (Duration::days(days), None)).boxed(),
        Moment::Floating(_) => (0..3, seconds()).prop_map(|(days, seconds)| (Duration { days, seconds }, None)).boxed(),
        Moment::Zoned(..) => prop_oneof![
            (0..3, seconds()).prop_map(|(days, seconds)| (Duration { days, seconds }, None)),
            (seconds(), zones()).prop_map(|(seconds, zone)| (Duration::seconds(seconds), Some(zone))),
        ]
        .boxed(),
    }
}

fn attendees() -> impl Strategy<Value = Attendee> {
    use Participation::{Accepted, Declined, Delegated, NeedsAction, Tentative};
    (
        "[a-z.]{1,9}@[a-z]{1,9}",
        proptest::option::of(some_text()),
        proptest::sample::select(vec![NeedsAction, Accepted, Declined, Tentative, Delegated]),
        proptest::sample::select(vec![Role::Chair, Role::Required, Role::Optional, Role::NonParticipant]),
        proptest::sample::select(vec![Kind::Individual, Kind::Group, Kind::Resource, Kind::Room, Kind::Unknown]),
    )
        .prop_map(|(email, name, participation, role, kind)| Attendee { email, name, participation, role, kind })
}

fn recurrences() -> impl Strategy<Value = Vec<String>> {
    let lines = [
        "RRULE:FREQ=WEEKLY;BYDAY=MO,TU;COUNT=7",
        "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1;UNTIL=20300101T000000Z",
        "EXDATE:20240101T000000Z,20240102T000000Z",
        "EXDATE;VALUE=DATE:20240103",
        "EXDATE;TZID=Pacific/Apia:20240104T000000",
        "RDATE;TZID=\"Own; zone\":20240105T000000",
        "RDATE;X-P=1;VALUE=PERIOD:20240106T000000Z/PT1H",
    ];
    proptest::sample::subsequence(lines.map(str::to_owned).to_vec(), 0..=lines.len())
}

prop_compose! {
    fn events()(start in moments())(
        uid in some_text(),
        id in proptest::option::of(moments()),
        (dtstamp, created, last_modified) in (proptest::option::of(instants()), proptest::option::of(instants()), proptest::option::of(instants())),
        sequence in 0..i32::MAX,
        summary in proptest::option::of(text()),
        description in proptest::option::of(text()),
        location in proptest::option::of(text()),
        url in proptest::option::of("https?://[!-~]{0,100}"),
        status in proptest::option::of(proptest::sample::select(vec![Status::Tentative, Status::Confirmed, Status::Cancelled])),
        class in proptest::option::of(proptest::sample::select(vec![Class::Public, Class::Private, Class::Confidential])),
        transparency in proptest::sample::select(vec![Transparency::Opaque, Transparency::Transparent]),
        (duration, end_zone) in lengths(&start),
        recurrence in recurrences(),
        organizer in proptest::option::of(("[a-z]{1,9}@[a-z]{1,9}", proptest::option::of(some_text()))),
        attendees in proptest::collection::vec(attendees(), 0..4),
        extra in proptest::collection::vec("X-[A-Z]{1,5}(;[A-Z]{1,5}=(\"[ !#-~]{0,9}\"|[a-z]{0,9}))?:[ -~]{0,150}", 0..4),
        alarm in any::<bool>(),
        start in Just(start),
    ) -> Event {
        let recurrence = if id.is_some() { Vec::new() } else { recurrence };
        let (own, text) = custom();
        let typed = ical::parse_recurrence(&recurrence, std::slice::from_ref(&text)).unwrap();
        let end_zone = end_zone.filter(|zone| matches!(&start, Moment::Zoned(_, own) if own != zone));
        let is_own = |moment: &Moment| matches!(moment, Moment::Zoned(_, zone) if *zone == own);
        let used = is_own(&start) || end_zone.as_ref() == Some(&own) || id.as_ref().is_some_and(is_own)
            || recurrence.iter().any(|line| line.contains("Own"));
        let mut extra = extra;
        if alarm {
            extra.extend(["BEGIN:VALARM", "TRIGGER:-PT5M", "DESCRIPTION:x", "END:VALARM"].map(str::to_owned));
        }
        Event {
            uid, recurrence_id: id, sequence, dtstamp, created, last_modified, summary, description, location, url, status,
            class, transparency, start, duration, end_zone,
            rules: typed.rules, rdates: typed.rdates, exdates: typed.exdates, recurrence,
            organizer: organizer.map(|(email, name)| Organizer { email, name }),
            attendees, extra, zones: if used { vec![text] } else { Vec::new() },
        }
    }
}

/// An end in a repeated hour of another zone can only be written as a DURATION, which has no zone.
fn end_can_be_written(event: &Event) -> bool {
    let (Some(zone), Moment::Zoned(local, own)) = (&event.end_zone, &event.start) else { return true };
    let end = own.to_utc(*local) + chrono::TimeDelta::seconds(event.duration.seconds);
    zone.to_utc(zone.to_local(end)) == end
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_event_is_written_and_read_again_alike(events in proptest::collection::vec(events(), 1..3)) {
        prop_assume!(events.iter().all(end_can_be_written));
        let text = written(&events);
        let outcome = read_text(&text);
        prop_assert_eq!(outcome.issues, vec![], "{}", text);
        prop_assert_eq!(&outcome.events, &events, "{}", text);
        prop_assert_eq!(written(&outcome.events), text);
    }
}
