//! What an import decides when something is here already, and what it refuses.

use events::Role;
use kernel::{CalendarId, EventId, Kind};
use koyomi::{
    EventPatch, EventTime, GuestInput, ImportLimits, ImportOptions, ImportOutcome, ImportReport, Reply, TransferFormat,
};

use crate::support::{World, at, statements};

/// A calendar of events in lines that need no escaping.
pub(crate) fn calendar(events: &[&str]) -> String {
    let mut text = String::from("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//Test//EN\r\n");
    for event in events {
        text.push_str("BEGIN:VEVENT\r\n");
        for line in event.lines() {
            text.push_str(line.trim());
            text.push_str("\r\n");
        }
        text.push_str("END:VEVENT\r\n");
    }
    text + "END:VCALENDAR\r\n"
}

const MEETING: &str = "UID:meeting@example.com
    DTSTAMP:20261001T080000Z
    SEQUENCE:1
    DTSTART;TZID=Europe/Berlin:20261123T100000
    DTEND;TZID=Europe/Berlin:20261123T110000
    ORGANIZER:mailto:olga@example.com
    ATTENDEE;CN=Mio M.:mailto:mio@example.com
    ATTENDEE;PARTSTAT=ACCEPTED:mailto:gus@example.com
    SUMMARY:Meeting";

fn counts(report: &ImportReport) -> (u64, u64, u64, u64) {
    (report.created, report.updated, report.unchanged, report.skipped)
}

const CREATED: (u64, u64, u64, u64) = (1, 0, 0, 0);
const UPDATED: (u64, u64, u64, u64) = (0, 1, 0, 0);
const UNCHANGED: (u64, u64, u64, u64) = (0, 0, 1, 0);
const SKIPPED: (u64, u64, u64, u64) = (0, 0, 0, 1);

async fn id_of(world: &World, calendar: CalendarId, uid: &str) -> EventId {
    sqlx::query_scalar(
        "select id from events where calendar_id = $1 and uid = $2 and original_start is null and deleted_at is null",
    )
    .bind(calendar)
    .bind(uid)
    .fetch_one(&mut world.conn().await)
    .await
    .unwrap()
}

async fn title_of(world: &World, calendar: CalendarId, uid: &str) -> String {
    let id = id_of(world, calendar, uid).await;
    sqlx::query_scalar("select title from events where id = $1")
        .bind(id)
        .fetch_one(&mut world.conn().await)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_newer_copy_wins() {
    let world = World::new().await;
    let here = world.calendar().await;
    let import = async |text: &str| world.import(here, calendar(&[text])).await;
    assert_eq!(counts(&import(MEETING).await), CREATED);

    let stamped = |text: &str| MEETING.replace("20261001T080000Z", text);
    assert_eq!(counts(&import(&stamped("20261111T080000Z")).await), UNCHANGED, "a stamp is no content");

    let renamed = |title: &str, text: &str| text.replace("SUMMARY:Meeting", &format!("SUMMARY:{title}"));
    let older = import(&renamed("Older", &MEETING.replace("SEQUENCE:1", "SEQUENCE:0"))).await;
    assert_eq!(counts(&older), SKIPPED);
    assert!(older.issues[0].reason.contains("SEQUENCE 0 is older than 1"), "{older:#?}");
    assert_eq!((older.issues[0].line, older.issues[0].outcome), (4, ImportOutcome::Skipped));

    let stale = import(&renamed("Stale", &stamped("20260930T080000Z"))).await;
    assert_eq!(counts(&stale), SKIPPED);
    assert!(stale.issues[0].reason.contains("older than 2026-10-01"), "{stale:#?}");

    assert_eq!(counts(&import(&renamed("Newer", &stamped("20261002T080000Z"))).await), UPDATED);
    assert_eq!(title_of(&world, here, "meeting@example.com").await, "Newer");
    // LAST-MODIFIED goes before DTSTAMP, which many write anew with each export
    let exported_late = renamed("Stale", &stamped("20261120T080000Z\nLAST-MODIFIED:20260930T080000Z"));
    assert_eq!(counts(&import(&exported_late).await), SKIPPED);
    let next = renamed("Next", &MEETING.replace("SEQUENCE:1", "SEQUENCE:2"));
    assert_eq!(counts(&import(&next).await), UPDATED, "whatever its stamp");
    assert_eq!(title_of(&world, here, "meeting@example.com").await, "Next");
    assert_eq!(counts(&import(&renamed("No stamp", &next.replace("DTSTAMP", "X-STAMP"))).await), UPDATED);
}

#[tokio::test]
async fn the_second_of_two_copies_in_one_input_is_reported_and_only_the_newest_is_written() {
    let world = World::new().await;
    let here = world.calendar().await;
    let newest = MEETING.replace("SEQUENCE:1", "SEQUENCE:5").replace("SUMMARY:Meeting", "SUMMARY:Newest");
    // far enough from each other for two transactions
    let between: Vec<String> =
        (0..600).map(|n| format!("UID:{n}\nDTSTAMP:20261001T080000Z\nDTSTART:20261123T100000Z\nSUMMARY:{n}")).collect();
    let mut events = vec![newest.as_str(), MEETING];
    events.extend(between.iter().map(String::as_str));
    events.push(MEETING);
    let text = calendar(&events);
    let report = world.import(here, text.clone()).await;
    assert_eq!(counts(&report), (601, 0, 0, 2), "{report:#?}");
    assert!(report.issues.iter().all(|issue| issue.reason == "a newer copy of it stands at line 4"), "{report:#?}");
    assert_eq!(title_of(&world, here, "meeting@example.com").await, "Newest");
    assert_eq!(counts(&world.import(here, text).await), (0, 0, 601, 2));
}

const SERIES: &str = "UID:series@example.com
    DTSTAMP:20261001T080000Z
    DTSTART;TZID=Europe/Berlin:20261123T100000
    DTEND;TZID=Europe/Berlin:20261123T110000
    RRULE:FREQ=DAILY;COUNT=4
    SUMMARY:Series";
const MOVED: &str = "UID:series@example.com
    RECURRENCE-ID:20261124T090000Z
    DTSTAMP:20261001T080000Z
    DTSTART:20261124T150000Z
    DTEND:20261124T160000Z
    SUMMARY:Moved";

#[tokio::test]
async fn overrides_find_their_series_in_whatever_order_they_come() {
    let world = World::new().await;
    let together = world.calendar().await;
    world.import(together, calendar(&[SERIES, MOVED])).await;
    let expected = world.shown(together).await;
    assert_eq!(expected.len(), 4);
    assert_eq!(expected.iter().filter(|shown| shown.title == "Moved").count(), 1);
    for parts in [[SERIES, MOVED], [MOVED, SERIES]] {
        let apart = world.calendar().await;
        for part in parts {
            assert_eq!(counts(&world.import(apart, calendar(&[part])).await), CREATED);
        }
        assert_eq!(world.shown(apart).await, expected, "{parts:?}");
        let linked = format!(
            "select count(*) from events v join events e on e.id = v.recurring_event_id
             where v.calendar_id = '{apart}' and v.original_start = '2026-11-24T10:00:00'"
        );
        assert_eq!(world.count(&linked).await, 1, "{parts:?}");
        assert_eq!(counts(&world.import(apart, calendar(&[MOVED, SERIES])).await), (0, 0, 2, 0));
    }
}

#[tokio::test]
async fn a_series_that_changes_leaves_its_overrides_in_place() {
    let world = World::new().await;
    let here = world.calendar().await;
    world.import(here, calendar(&[SERIES, MOVED])).await;
    // the same times, told on another clock: what was an occurrence in Berlin is one in Tokyo
    let in_tokyo = SERIES
        .replace("Europe/Berlin:20261123T100000", "Asia/Tokyo:20261123T180000")
        .replace("Europe/Berlin:20261123T110000", "Asia/Tokyo:20261123T190000")
        .replace("COUNT=4", "COUNT=6");
    let newer = in_tokyo.replace("DTSTAMP:20261001", "DTSTAMP:20261002");
    assert_eq!(counts(&world.import(here, calendar(&[&newer])).await), UPDATED);
    let shown = world.shown(here).await;
    let starts: Vec<String> = shown.iter().map(|shown| shown.start.format("%dT%H").to_string()).collect();
    assert_eq!(starts, ["23T09", "24T15", "25T09", "26T09", "27T09", "28T09"]);
    assert_eq!(counts(&world.import(here, calendar(&[&newer, MOVED])).await), (0, 0, 2, 0));
}

#[tokio::test]
async fn what_changed_here_stays_and_is_exported() {
    let world = World::new().await;
    let here = world.calendar().await;
    world.import(here, calendar(&[MEETING])).await;
    let id = id_of(&world, here, "meeting@example.com").await;
    world.clock.advance(chrono::TimeDelta::hours(1));

    let reply = Reply { response_status: attendees::ResponseStatus::Declined, comment: None };
    world.koyomi.respond(&world.mio, id, reply, None).await.unwrap();
    let again = world.import(here, calendar(&[MEETING])).await;
    assert_eq!(counts(&again), UNCHANGED, "an answer given here is newer than the question: {again:#?}");
    let text = world.export_text(here, TransferFormat::Ics).await;
    assert!(text.contains("ATTENDEE;CN=Mio M.;PARTSTAT=DECLINED:mailto:mio@example.com"), "{text}");
    let moved = MEETING.replace("DTSTAMP:20261001", "DTSTAMP:20261101").replace("T110000", "T120000");
    assert_eq!(counts(&world.import(here, calendar(&[&moved])).await), UPDATED);
    let text = world.export_text(here, TransferFormat::Ics).await;
    assert!(text.contains("CN=Mio M.;PARTSTAT=DECLINED"), "the organizer has not heard of it yet: {text}");
    let answered = moved.replace("CN=Mio M.:", "CN=Mio M.;PARTSTAT=TENTATIVE:").replace("20261101", "20261201");
    assert_eq!(counts(&world.import(here, calendar(&[&answered])).await), UPDATED);
    let text = world.export_text(here, TransferFormat::Ics).await;
    assert!(text.contains("CN=Mio M.;PARTSTAT=TENTATIVE"), "a later answer counts: {text}");

    let guest = GuestInput { email: "new@example.com".into(), name: None, is_optional: true };
    world.koyomi.create_attendee(&world.mio, id, guest, None).await.unwrap();
    let again = world.import(here, calendar(&[&answered])).await;
    assert_eq!(counts(&again), SKIPPED, "the same file again takes nobody off the list");
    assert!(again.issues[0].reason.contains("changed here since"), "{again:#?}");

    world.clock.advance(chrono::TimeDelta::hours(1));
    let patch = EventPatch { title: Some("Renamed here".into()), ..EventPatch::default() };
    world.koyomi.update_event(&world.mio, id, patch, kernel::Expected::Any, None).await.unwrap();
    let again = world.import(here, calendar(&[&answered])).await;
    assert_eq!(counts(&again), SKIPPED);
    assert!(again.issues[0].reason.contains("SEQUENCE 1 is older than 2"), "{again:#?}");
    let text = world.export_text(here, TransferFormat::Ics).await;
    for line in [
        "SUMMARY:Renamed here",
        "SEQUENCE:2",
        "DTSTAMP:20261122T020000Z",
        "LAST-MODIFIED:20261122T020000Z",
        "ATTENDEE;PARTSTAT=NEEDS-ACTION;ROLE=OPT-PARTICIPANT:mailto:new@example.com",
    ] {
        assert!(text.contains(&format!("{line}\r\n")), "{line}: {text}");
    }
    assert_eq!(counts(&world.import(here, text).await), UNCHANGED);
}

#[tokio::test]
async fn events_of_the_api_travel_as_well() {
    let world = World::new().await;
    let here = world.calendar().await;
    let time = |text: &str| EventTime {
        date: None,
        date_time: Some(text.parse().unwrap()),
        time_zone: Some("Asia/Tokyo".into()),
    };
    let input = koyomi::EventInput {
        calendar_id: here,
        uid: None,
        title: "Made here; \"quoted\", with\r\ntwo lines".into(),
        description: Some("a\rb\u{7}c".into()),
        location: None,
        status: events::Status::Tentative,
        visibility: events::Visibility::Private,
        transparency: events::Transparency::Transparent,
        start: time("2026-11-24T09:00:00"),
        end: Some(time("2026-11-24T10:00:00")),
        recurrence: vec!["RRULE:FREQ=WEEKLY;COUNT=3".into()],
        attendees: vec![
            GuestInput { email: "mio@example.com".into(), name: None, is_optional: false },
            GuestInput { email: "x@example.com".into(), name: Some("X: \"Y\"".into()), is_optional: true },
        ],
        resources: Vec::new(),
    };
    world.koyomi.create_event(&world.mio, input, None).await.unwrap();
    for format in [TransferFormat::Ics, TransferFormat::Ndjson] {
        let text = world.export_text(here, format).await;
        let options = ImportOptions { format, ..ImportOptions::default() };
        let back = world.try_import(&world.mio, here, text.clone(), options.clone()).await.unwrap();
        assert_eq!(counts(&back), UNCHANGED, "{text}");
        let elsewhere = world.calendar().await;
        world.try_import(&world.mio, elsewhere, text.clone(), options).await.unwrap();
        assert_eq!(world.shown(elsewhere).await.len(), 3);
        assert_eq!(world.export_text(elsewhere, format).await, text);
        let organized =
            format!("select count(*) from events where calendar_id = '{elsewhere}' and organizer_id is not null");
        assert_eq!(world.count(&organized).await, 1, "by its address");
        let invited = format!(
            "select count(a.user_id) from attendees a join events e on e.id = a.event_id
             where e.calendar_id = '{elsewhere}'"
        );
        assert_eq!(world.count(&invited).await, 1, "by her address");
    }
}

#[tokio::test]
async fn a_dry_run_says_what_would_happen_and_writes_nothing() {
    let world = World::new().await;
    let here = world.calendar().await;
    world.import(here, calendar(&[MEETING, SERIES])).await;
    let renamed = MEETING.replace("SEQUENCE:1", "SEQUENCE:2").replace("SUMMARY:Meeting", "SUMMARY:Renamed");
    let broken = "UID:broken@example.com\nSUMMARY:No start";
    let text = calendar(&[&renamed, SERIES, MOVED, broken]);
    let before = world.grant(here).await.seq;
    let options = ImportOptions { dry_run: true, ..ImportOptions::default() };
    let dry = world.try_import(&world.mio, here, text.clone(), options).await.unwrap();
    assert_eq!(counts(&dry), (1, 1, 1, 1), "{dry:#?}");
    assert_eq!(world.grant(here).await.seq, before);
    assert_eq!(title_of(&world, here, "meeting@example.com").await, "Meeting");
    let wet = world.import(here, text).await;
    assert_eq!(ImportReport { dry_run: true, ..wet }, dry);
}

#[tokio::test]
async fn only_writers_import() {
    let world = World::new().await;
    let here = world.calendar().await;
    let (reader, stranger) = (world.user("r@example.com", "R").await, world.user("s@example.com", "S").await);
    world.share(here, &reader, Role::Reader).await;
    for (caller, kind) in [(&reader, Kind::Forbidden), (&stranger, Kind::NotFound)] {
        // an input without a single event is no way to find out what is there
        for text in [calendar(&[MEETING]), String::new()] {
            let refused = world.try_import(caller, here, text, ImportOptions::default()).await.unwrap_err();
            assert_eq!(refused.kind(), kind);
        }
    }
    assert_eq!(world.count("select count(*) from events").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_taken_away_ends_the_import_between_two_batches() {
    let world = World::new().await;
    let here = world.calendar().await;
    let writer = world.user("w@example.com", "W").await;
    world.share(here, &writer, Role::Writer).await;
    let events: Vec<String> = (0..1_600).map(|n| format!("UID:{n}\nDTSTART:20261123T100000Z")).collect();
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let mut batches = 0;
    let import = world.koyomi.import_events(
        &writer,
        here,
        std::io::Cursor::new(calendar(&events)),
        ImportOptions::default(),
        |report| {
            batches += 1;
            assert_eq!(report.created, 500 * batches);
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current()
                    .block_on(world.run("delete from calendar_members where role = 'writer'"));
            });
        },
    );
    let refused = import.await.unwrap_err();
    assert_eq!(refused.kind(), Kind::NotFound);
    assert!(refused.message().contains("500 created and 0 updated before stay"), "{refused}");
    assert_eq!(world.count("select count(*) from events").await, 500);
}

#[tokio::test]
async fn limits_have_names() {
    let world = World::new().await;
    let here = world.calendar().await;
    let with = |limits: ImportLimits, format| ImportOptions { limits, format, dry_run: false };
    let three =
        calendar(&["UID:1\nDTSTART:20261123T100000Z", "UID:2\nDTSTART:20261123T100000Z", "UID:3\nDTSTART:20261123"]);
    let lines = "{\"uid\":\"1\",\"start\":{\"date\":\"2026-11-23\"}}\n".repeat(3);
    for (limits, name, kind) in [
        (ImportLimits { components: 2, ..ImportLimits::default() }, "limit components", Kind::LimitExceeded),
        (ImportLimits { bytes: 100, ..ImportLimits::default() }, "limit total_bytes", Kind::TooLarge),
    ] {
        for (format, text) in [(TransferFormat::Ics, &three), (TransferFormat::Ndjson, &lines)] {
            let refused = world.try_import(&world.mio, here, text.clone(), with(limits, format)).await.unwrap_err();
            assert_eq!((refused.kind(), refused.code()), (kind, "import_limit"), "{refused}");
            assert!(refused.message().contains(name), "{refused}");
        }
    }
    assert_eq!(world.count("select count(*) from events").await, 0, "found before the first was written");

    let start = "DTSTART:20261123T100000Z";
    let attendees = |n: usize| (0..n).map(|n| format!("ATTENDEE:mailto:{n}@example.com\n")).collect::<String>();
    let dates =
        |n: usize| (0..n).map(|n| format!("EXDATE:20261123T{:02}{:02}00Z\n", n / 60, n % 60)).collect::<String>();
    for (uid, lines, limit) in [
        ("title", format!("SUMMARY:{}", "x".repeat(1_001)), "limit title: 1001 characters, at most 1000"),
        ("location", format!("LOCATION:{}", "x".repeat(2_001)), "limit location"),
        ("attendees", attendees(501), "limit attendees: 501 attendees, at most 500"),
        ("recurrence", dates(1_001), "limit recurrence_lines"),
        ("period", "RDATE;VALUE=PERIOD:20261123T100000Z/P3661D".into(), "limit duration"),
        ("hours", "RRULE:FREQ=HOURLY;BYMINUTE=0,15,30,45;COUNT=10001".into(), ""),
    ] {
        let good = format!("UID:next-to-{uid}\n{start}");
        let report = world.import(here, calendar(&[&format!("UID:{uid}\n{start}\n{lines}"), &good])).await;
        if limit.is_empty() {
            assert_eq!(counts(&report), (2, 0, 0, 0), "a rule that cannot be read is left out: {report:#?}");
            continue;
        }
        assert_eq!(counts(&report), (1, 0, 0, 1), "{uid}: {report:#?}");
        let issue = &report.issues[0];
        assert!(issue.reason.contains(limit), "{uid}: {issue:?}");
        assert_eq!((issue.line, issue.uid.as_deref()), (4, Some(uid)));
    }
    let long = format!("UID:line\n{start}\nSUMMARY:Kept\nDESCRIPTION:{}", "x".repeat(70_000));
    let report = world.import(here, calendar(&[&long])).await;
    assert_eq!(counts(&report), CREATED);
    assert!(report.issues[0].reason.contains("limit line_bytes"), "{report:#?}");
    let uid = "u".repeat(513);
    let report = world.import(here, calendar(&[&format!("UID:{uid}\n{start}")])).await;
    assert!(report.issues[0].reason.contains("limit uid"), "{report:#?}");
}

#[tokio::test]
async fn issues_are_counted_beyond_those_that_are_named() {
    let world = World::new().await;
    let here = world.calendar().await;
    let report = world.import_ndjson(here, "nonsense\n".repeat(1_234)).await;
    assert_eq!((report.skipped, report.issues_total, report.issues.len()), (1_234, 1_234, 1_000));
}

#[tokio::test]
async fn what_the_database_refuses_is_skipped_alone() {
    let world = World::new().await;
    let here = world.calendar().await;
    world.run("alter table events add constraint no_curse check (title not like 'Cursed%')").await;
    let events: Vec<String> = (0..100)
        .map(|n| {
            let title = if [13, 66].contains(&n) { "Cursed" } else { "Fine" };
            format!("UID:{n}\nDTSTART:20261123T100000Z\nSUMMARY:{title}\nATTENDEE:mailto:{n}@example.com")
        })
        .collect();
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let report = world.import(here, calendar(&events)).await;
    assert_eq!(counts(&report), (98, 0, 0, 2), "{report:#?}");
    let culprits: Vec<_> = report.issues.iter().filter_map(|issue| issue.uid.as_deref()).collect();
    assert_eq!(culprits, ["13", "66"]);
    assert!(report.issues[0].reason.contains("SQLSTATE 23514"), "{report:#?}");
    assert_eq!(world.count("select count(*) from attendees").await, 98, "nothing is half written");
}

#[tokio::test]
async fn a_change_between_reading_and_writing_is_seen() {
    let world = World::new().await;
    let here = world.calendar().await;
    world.import(here, calendar(&[MEETING])).await;
    let mut other = world.koyomi.store.begin().await.unwrap();
    sqlx::query(
        "update events set title = 'Changed here', sequence = 9, seq = seq + 1 where uid = 'meeting@example.com'",
    )
    .execute(other.conn())
    .await
    .unwrap();
    let newer = MEETING.replace("SEQUENCE:1", "SEQUENCE:3").replace("SUMMARY:Meeting", "SUMMARY:Too late");
    let import = world.import(here, calendar(&[&newer]));
    let release = async {
        // until the import waits for the row
        let waits = "select count(*) from pg_locks where not granted";
        while world.count(waits).await == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        other.commit(|_| ()).await.unwrap();
    };
    let (report, ()) = tokio::join!(import, release);
    assert_eq!(counts(&report), SKIPPED, "{report:#?}");
    assert_eq!(title_of(&world, here, "meeting@example.com").await, "Changed here");
}

#[tokio::test]
async fn two_imports_of_one_file_at_once_make_one_calendar() {
    let world = World::new().await;
    let here = world.calendar().await;
    let events: Vec<String> = (0..700).map(|n| format!("UID:{n}\nDTSTART:20261123T100000Z\nSUMMARY:{n}")).collect();
    let mut events: Vec<&str> = events.iter().map(String::as_str).collect();
    events.extend([SERIES, MOVED]);
    let text = calendar(&events);
    let (one, two) = tokio::join!(world.import(here, text.clone()), world.import(here, text));
    assert_eq!(one.created + two.created, 702, "{one:#?} {two:#?}");
    assert_eq!(one.unchanged + two.unchanged, 702, "{one:#?} {two:#?}");
    assert_eq!(world.shown(here).await.len(), 704);
}

#[tokio::test]
async fn deleted_events_do_not_count() {
    let world = World::new().await;
    let here = world.calendar().await;
    world.import(here, calendar(&[SERIES, MOVED])).await;
    let id = id_of(&world, here, "series@example.com").await;
    world.koyomi.delete_event(&world.mio, id, kernel::Expected::Any, None).await.unwrap();
    assert_eq!(counts(&world.import(here, calendar(&[SERIES, MOVED])).await), (2, 0, 0, 0));
    assert_eq!(world.shown(here).await.len(), 4);
}

#[tokio::test]
async fn statements_do_not_grow_with_the_events() {
    let world = World::new().await;
    for events in [1, 400] {
        let here = world.calendar().await;
        let events: Vec<String> = (0..events)
            .map(|n| {
                format!("UID:{n}\nDTSTART:20261123T100000Z\nRRULE:FREQ=DAILY;COUNT=3\nATTENDEE:mailto:mio@example.com")
            })
            .collect();
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        let text = calendar(&events);
        // the right to it; then what is here, the write, heads and log
        let (_, cost) = statements(world.import(here, text.clone())).await;
        assert_eq!(cost, 4);
        let (_, cost) = statements(world.import(here, text.clone())).await;
        assert_eq!(cost, 2, "nothing to write");
        let newer = text.replace("DTSTART:", "SEQUENCE:1\r\nDTSTART:");
        let (_, cost) = statements(world.import(here, newer)).await;
        assert_eq!(cost, 5, "and a lock of what is rewritten");
    }
}

#[tokio::test]
async fn a_long_occurrence_is_found_by_windows_behind_its_start() {
    let world = World::new().await;
    let here = world.calendar().await;
    let long = "UID:long\nDTSTART:20260101T000000Z\nDTEND:20261231T000000Z";
    let short = "UID:short\nDTSTART:20261123T000000Z\nRRULE:FREQ=DAILY;COUNT=2";
    let moved = "UID:short\nRECURRENCE-ID:20261124T000000Z\nDTSTART:20261124T010000Z";
    world.import(here, calendar(&[short])).await;
    // a series that is written again and a new event in one transaction
    world.import(here, calendar(&[long, moved])).await;
    let shown = world.shown_between(here, "2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z").await;
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].end, at("2026-12-31T00:00:00Z"));
}

#[tokio::test]
async fn overrides_that_are_left_behind_are_told_of() {
    let world = World::new().await;
    let here = world.calendar().await;
    world.import(here, calendar(&[SERIES, MOVED])).await;
    let later = SERIES.replace("T100000", "T120000").replace("T110000", "T130000").replace("20261001", "20261002");
    let report = world.import(here, calendar(&[&later])).await;
    assert_eq!(counts(&report), UPDATED);
    assert!(report.issues[0].reason.contains("1 changed occurrences are no occurrences of it any more"), "{report:#?}");
    assert_eq!(report.issues[0].outcome, ImportOutcome::Updated);
    assert_eq!(world.shown(here).await.len(), 5);
}
