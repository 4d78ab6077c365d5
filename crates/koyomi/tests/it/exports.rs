//! Who sees what of an export, and how it comes.

use bytes::Bytes;
use events::Role;
use futures::TryStreamExt;
use kernel::Kind;
use koyomi::TransferFormat;

use crate::imports::calendar;
use crate::support::{Shown, World};

const SECRETS: [&str; 2] = [
    "UID:secret-master@example.com
    DTSTAMP:20261001T080000Z
    SEQUENCE:7
    DTSTART;TZID=Europe/Berlin:20261123T100000
    DTEND;TZID=Europe/Berlin:20261123T110000
    RRULE:FREQ=DAILY;COUNT=3
    SUMMARY:secret title
    DESCRIPTION:secret text
    LOCATION:secret place
    URL:https://secret.example.com
    CATEGORIES:secret
    CLASS:PRIVATE
    ORGANIZER:mailto:secret@example.com
    ATTENDEE:mailto:guest@example.com
    ATTENDEE:mailto:secret@example.com",
    "UID:secret-master@example.com
    RECURRENCE-ID;TZID=Europe/Berlin:20261124T100000
    DTSTAMP:20261001T080000Z
    DTSTART;TZID=Europe/Berlin:20261124T150000
    DTEND;TZID=Europe/Berlin:20261124T160000
    SUMMARY:open title
    CLASS:PUBLIC",
];
const OPEN: &str = "UID:open@example.com
    DTSTAMP:20261001T080000Z
    DTSTART:20261123T100000Z
    TRANSP:TRANSPARENT
    SUMMARY:open to readers";

#[tokio::test]
async fn an_export_shows_what_a_list_would() {
    let world = World::new().await;
    let here = world.calendar().await;
    let reader = world.user("reader@example.com", "R").await;
    let watcher = world.user("watcher@example.com", "W").await;
    let guest = world.user("guest@example.com", "G").await;
    world.share(here, &reader, Role::Reader).await;
    world.share(here, &watcher, Role::FreeBusy).await;
    world.share(here, &guest, Role::FreeBusy).await;
    world.import(here, calendar(&[SECRETS[0], SECRETS[1], OPEN])).await;
    let export = async |caller, format| String::from_utf8(world.export(caller, here, format).await).unwrap();

    for format in [TransferFormat::Ics, TransferFormat::Ndjson] {
        let whole = export(&world.mio, format).await;
        assert!(whole.contains("secret title") && whole.contains("open title"), "{whole}");

        let read = export(&reader, format).await;
        assert!(!read.contains("secret"), "{read}");
        assert_eq!(read.matches("Busy").count(), 1, "{read}");
        assert!(read.contains("open title") && read.contains("open to readers"), "{read}");

        let watched = export(&watcher, format).await;
        assert_eq!(watched.matches("Busy").count(), 3, "{watched}");
        assert!(!watched.contains("secret") && !watched.contains("open"), "{watched}");
        assert!(!watched.contains("guest@example.com"), "{watched}");

        let invited = export(&guest, format).await;
        assert!(invited.contains("secret title"), "who is invited sees it: {invited}");
        assert_eq!(invited.matches("Busy").count(), 2, "{invited}");
    }

    // a busy series is still one series with one occurrence elsewhere
    let watched = export(&watcher, TransferFormat::Ics).await;
    let copy = world.calendar().await;
    world.import(copy, watched.clone()).await;
    let times = |shown: Vec<Shown>| shown.into_iter().map(|shown| (shown.start, shown.end)).collect::<Vec<_>>();
    assert_eq!(times(world.shown(copy).await), times(world.shown(here).await));
    assert!(watched.contains("TRANSP:TRANSPARENT"), "{watched}");
    // the clock tells where somebody is: a series needs it, a single event does not
    assert!(watched.contains("DTSTART:20261124T140000Z"), "{watched}");
}

#[tokio::test]
async fn strangers_export_nothing() {
    let world = World::new().await;
    let here = world.calendar().await;
    let stranger = world.user("s@example.com", "S").await;
    let refused = world.koyomi.export_events(&stranger, here, TransferFormat::Ics).await.err().unwrap();
    assert_eq!(refused.kind(), Kind::NotFound);
}

#[tokio::test]
async fn an_export_comes_in_chunks_with_each_series_in_one_piece() {
    let world = World::new().await;
    let here = world.calendar().await;
    let mut events: Vec<String> =
        (0..1_150).map(|n| format!("UID:{n}\nDTSTART:20261123T100000Z\nSUMMARY:{n}")).collect();
    for n in 0..40 {
        events.push(format!("UID:series-{n}\nDTSTART:20261101T100000Z\nRRULE:FREQ=DAILY;COUNT=30"));
        events.extend((1..25).map(|day| {
            format!(
                "UID:series-{n}\nRECURRENCE-ID:202611{day:02}T100000Z\nDTSTART:202611{day:02}T120000Z\nSUMMARY:Moved"
            )
        }));
    }
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let report = world.import(here, calendar(&events)).await;
    assert_eq!((report.created, report.issues_total), (1_150 + 40 * 25, 0), "{report:#?}");

    let chunks = world.koyomi.export_events(&world.mio, here, TransferFormat::Ics).await.unwrap();
    let chunks: Vec<Bytes> = chunks.try_collect().await.unwrap();
    let of = |chunk: &Bytes| String::from_utf8(chunk.to_vec()).unwrap().matches("BEGIN:VEVENT").count();
    let counts: Vec<usize> = chunks.iter().map(of).collect();
    assert_eq!(counts.iter().sum::<usize>(), events.len());
    assert!(counts.len() > 4 && counts.iter().all(|count| *count <= 525), "{counts:?}");

    let text = String::from_utf8(chunks.concat()).unwrap();
    let mut current = String::new();
    for event in text.split("BEGIN:VEVENT").skip(1) {
        let uid = event.lines().find(|line| line.starts_with("UID:")).unwrap();
        if event.contains("RECURRENCE-ID") {
            assert_eq!(uid, current, "an override follows its series");
        }
        current = uid.to_owned();
    }
    let copy = world.calendar().await;
    world.import(copy, text).await;
    assert_eq!(world.shown(copy).await, world.shown(here).await);
}

#[tokio::test]
async fn who_loses_access_loses_the_rest_of_an_export() {
    let world = World::new().await;
    let here = world.calendar().await;
    let reader = world.user("reader@example.com", "R").await;
    world.share(here, &reader, Role::Reader).await;
    let events: Vec<String> = (0..700).map(|n| format!("UID:{n}\nDTSTART:20261123T100000Z")).collect();
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    world.import(here, calendar(&events)).await;
    let mut chunks = world.koyomi.export_events(&reader, here, TransferFormat::Ndjson).await.unwrap();
    assert!(chunks.try_next().await.unwrap().is_some());
    world.run("delete from calendar_members where role = 'reader'").await;
    assert_eq!(chunks.try_next().await.unwrap_err().kind(), Kind::NotFound);
    assert!(chunks.try_next().await.unwrap().is_none());
}
