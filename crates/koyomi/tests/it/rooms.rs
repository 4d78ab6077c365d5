//! Imports of events that have rooms booked.

use events::{Status, Transparency, Visibility};
use kernel::{CalendarId, Caller, ResourceId};
use koyomi::{EventInput, EventTime, ImportReport, TransferFormat};
use resources::{NewResource, ResourceKind};

use crate::support::{World, at};

/// A calendar with an event of an hour that has a room.
struct Booked {
    world: World,
    here: CalendarId,
    room: ResourceId,
    /// Its export.
    text: String,
}

async fn booked(recurrence: &[&str]) -> Booked {
    let world = World::new().await;
    let here = world.calendar().await;
    let admin = Caller { is_admin: true, ..world.mio.clone() };
    let room = NewResource {
        id: world.ids.mint(),
        name: "Blue".into(),
        kind: ResourceKind::Room,
        capacity: None,
        location: None,
        description: None,
        exclusive: true,
    };
    let room = world.koyomi.create_resource(&admin, room, None).await.unwrap().id;
    create(&world, here, room, 10, recurrence).await;
    let text = world.export_text(here, TransferFormat::Ics).await;
    Booked { world, here, room, text }
}

async fn create(world: &World, here: CalendarId, room: ResourceId, hour: u32, recurrence: &[&str]) {
    let time = |hour: u32| EventTime {
        date: None,
        date_time: Some(format!("2026-11-24T{hour:02}:00:00").parse().unwrap()),
        time_zone: Some("UTC".into()),
    };
    let input = EventInput {
        calendar_id: here,
        uid: None,
        title: "With a room".into(),
        description: None,
        location: None,
        status: Status::Confirmed,
        visibility: Visibility::Default,
        transparency: Transparency::Opaque,
        start: time(hour),
        end: Some(time(hour + 1)),
        recurrence: recurrence.iter().map(|line| (*line).to_owned()).collect(),
        attendees: Vec::new(),
        resources: vec![room],
    };
    world.koyomi.create_event(&world.mio, input, None).await.unwrap();
}

impl Booked {
    /// Imports the export again with these changes and a higher SEQUENCE.
    async fn import(&self, changes: &[(&str, &str)]) -> ImportReport {
        let text = changes.iter().fold(self.text.clone(), |text, (from, to)| {
            assert!(text.contains(from), "{from}: {text}");
            text.replace(from, to)
        });
        self.world.import(self.here, text.replace("DTSTART:", "SEQUENCE:1\r\nDTSTART:")).await
    }

    /// Day and hour of what is reserved.
    async fn reserved(&self) -> Vec<String> {
        sqlx::query_scalar(
            "select to_char(start_time, 'DD HH24') from reservations where status = 'confirmed' order by start_time",
        )
        .fetch_all(&mut self.world.conn().await)
        .await
        .unwrap()
    }
}

const LATER: [(&str, &str); 2] = [("20261124T100000Z", "20261124T140000Z"), ("20261124T110000Z", "20261124T150000Z")];

#[tokio::test]
async fn rooms_stay_with_an_event_that_stays() {
    let booked = booked(&["RRULE:FREQ=DAILY;COUNT=2"]).await;
    assert_eq!(booked.import(&[("With a room", "Renamed")]).await.updated, 1);
    assert_eq!(booked.reserved().await, ["24 10", "25 10"]);
}

#[tokio::test]
async fn rooms_follow_an_event_that_moves() {
    let booked = booked(&["RRULE:FREQ=DAILY;COUNT=2"]).await;
    assert_eq!(booked.import(&LATER).await.updated, 1);
    assert_eq!(booked.reserved().await, ["24 14", "25 14"]);
}

#[tokio::test]
async fn an_event_does_not_move_where_its_room_is_taken() {
    let booked = booked(&[]).await;
    create(&booked.world, booked.here, booked.room, 14, &[]).await;
    let report = booked.import(&LATER).await;
    assert_eq!((report.updated, report.skipped), (0, 1), "{report:#?}");
    assert!(report.issues[0].reason.contains("booked"), "{report:#?}");
    assert_eq!(booked.reserved().await, ["24 10", "24 14"]);
    assert_eq!(booked.world.shown(booked.here).await[0].start, at("2026-11-24T10:00:00Z"));
}

#[tokio::test]
async fn what_is_cancelled_gives_its_rooms_back() {
    let booked = booked(&["RRULE:FREQ=DAILY;COUNT=2"]).await;
    assert_eq!(booked.import(&[("STATUS:CONFIRMED", "STATUS:CANCELLED")]).await.updated, 1);
    assert!(booked.reserved().await.is_empty());
}

#[tokio::test]
async fn an_occurrence_does_not_move_away_from_the_room_of_its_series() {
    let booked = booked(&["RRULE:FREQ=DAILY;COUNT=3"]).await;
    let uid = booked.text.lines().find(|line| line.starts_with("UID:")).unwrap().to_owned();
    let import = async |day: u32, rest: &str| {
        let of = format!(
            "BEGIN:VEVENT\r\n{uid}\r\nRECURRENCE-ID:202611{day}T100000Z\r\n{rest}\r\nEND:VEVENT\r\nEND:VCALENDAR"
        );
        booked.world.import(booked.here, booked.text.replace("END:VCALENDAR", &of)).await
    };
    let moved = import(25, "DTSTART:20261125T150000Z\r\nDTEND:20261125T160000Z").await;
    assert_eq!((moved.created, moved.skipped), (0, 1), "{moved:#?}");
    assert!(moved.issues[0].reason.contains("rooms booked"), "{moved:#?}");
    let renamed = import(25, "DTSTART:20261125T100000Z\r\nDTEND:20261125T110000Z\r\nSUMMARY:Other").await;
    assert_eq!(renamed.created, 1, "{renamed:#?}");
    assert_eq!(booked.reserved().await, ["24 10", "25 10", "26 10"]);
    let cancelled = import(26, "DTSTART:20261126T100000Z\r\nSTATUS:CANCELLED").await;
    assert_eq!(cancelled.created, 1, "{cancelled:#?}");
    assert_eq!(booked.reserved().await, ["24 10", "25 10"]);
    let series = booked.import(&LATER).await;
    assert_eq!((series.updated, series.skipped), (0, 1), "{series:#?}");
    assert!(series.issues[0].reason.contains("occurrences that differ"), "{series:#?}");
}
