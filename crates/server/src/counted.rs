//! The pure functions that every request or write goes through, each once and by a name of its own: `./dev budgets` runs this
//! under callgrind and holds the instructions of each to `crates/server/budgets`. Instructions of an unoptimised build, which
//! grow with the work and not with what else the machine does.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use events::{Event, Happening, Status, Transparency, View, Visibility};
use kernel::{CalendarId, EventId, Limit, Moved, Page, Subject};
use koyomi::{Expand, Listed, Listing};
use recurrence::{Budget, Duration, Moment, Rule, Series, Window, Zone};
use store::Epoch;
use uuid::Uuid;

use crate::shape::event::{Event as Shape, Shown, fields_of};

fn midday(year: i32) -> NaiveDateTime {
    NaiveDate::from_ymd_opt(year, 11, 6).unwrap().and_hms_opt(12, 0, 0).unwrap()
}

fn series(rule: &str) -> Series {
    let zone = Zone::iana("Europe/Berlin").unwrap();
    Series {
        start: Moment::Zoned(midday(2016), zone.clone()),
        duration: Duration::seconds(3_600),
        rules: vec![Rule::parse(rule).unwrap()],
        rdates: Vec::new(),
        exdates: Vec::new(),
        anchor: zone,
    }
}

fn november() -> Window {
    let first = |month| NaiveDate::from_ymd_opt(2026, month, 1).unwrap().and_hms_opt(0, 0, 0).unwrap().and_utc();
    Window { from: first(11), to: first(12) }
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn happening(n: i64) -> Happening {
    let start: DateTime<Utc> = midday(2026).and_utc() + TimeDelta::hours(n);
    Happening {
        event: Event {
            id: EventId(id(1_000 + u128::try_from(n).unwrap())),
            calendar_id: CalendarId(id(1)),
            uid: format!("{n}@example.com"),
            recurring_event_id: None,
            previous_series_id: None,
            next_series_id: None,
            title: "Design review".to_owned(),
            description: Some("What we have, and what is missing.".to_owned()),
            location: Some("Kaede".to_owned()),
            status: Status::Confirmed,
            visibility: Visibility::Default,
            transparency: Transparency::Opaque,
            all_day: false,
            start_local: start.naive_utc(),
            time_zone: Some("Europe/Berlin".to_owned()),
            end_time_zone: None,
            zone_rules: Vec::new(),
            duration_days: 0,
            duration_seconds: 3_600,
            recurrence: Vec::new(),
            organizer_id: None,
            organizer_email: None,
            sequence: 0,
            seq: 7,
            created_at: start,
            updated_at: start,
        },
        start_time: start,
        end_time: start + TimeDelta::hours(1),
        original_start: start.naive_utc(),
        attendee_count: 5,
        organizer_name: Some("Mio".to_owned()),
        organizer_address: Some("mio@example.com".to_owned()),
        organizer_avatar_url: None,
        room_name: Some("Kaede".to_owned()),
        calendar_time_zone: "Asia/Tokyo".to_owned(),
        invited: false,
        view: Some(View::Full),
    }
}

fn fifty() -> Listed {
    let page = Page { items: (0..50).map(happening).collect(), next_cursor: None };
    Listed { page, attendees: None, reservations: None }
}

fn listing() -> Listing {
    let expand = Expand { attendees: false, resources: false };
    let Window { from, to } = november();
    let limit = Limit::new(None).unwrap();
    Listing { from: Some(from), to: Some(to), q: None, limit, cursor: None, backward: false, expand }
}

const DOCUMENT: &str = "query Week($id: UUID!) { calendar(id: $id) { id name events(first: 50) { nodes { id title startTime \
                        endTime organizer { name } attendees(first: 10) { nodes { email user { id name } } } } } } }";

/// What is counted.
mod measured {
    use super::*;

    #[inline(never)]
    pub(super) fn month_of_a_rule(series: &Series) -> usize {
        series.expand(november(), 1_000, Budget::default()).unwrap().occurrences.len()
    }

    #[inline(never)]
    pub(super) fn month_of_a_rule_by_position(series: &Series) -> usize {
        series.expand(november(), 1_000, Budget::default()).unwrap().occurrences.len()
    }

    #[inline(never)]
    pub(super) fn rule_from_text(text: &str) -> Rule {
        Rule::parse(text).unwrap()
    }

    #[inline(never)]
    pub(super) fn cursor_of_an_event(listing: &Listing, happening: &Happening) -> String {
        koyomi::event_cursor(&[CalendarId(id(1))], listing, happening)
    }

    #[inline(never)]
    pub(super) fn token_of_a_list(versions: Vec<Moved>) -> String {
        cache::Consistency { epoch: Epoch(1), versions }.encode()
    }

    #[inline(never)]
    pub(super) fn fifty_as_busy(listed: Listed) -> Vec<Happening> {
        listed.page.items.into_iter().map(|happening| happening.seen_as(View::Busy)).collect()
    }

    #[inline(never)]
    pub(super) fn fifty_shaped(listed: Listed) -> Vec<Shape> {
        Shape::list(listed, false, Epoch(1)).unwrap().0
    }

    #[inline(never)]
    pub(super) fn fifty_as_json(items: &[Shown]) -> Vec<u8> {
        serde_json::to_vec(items).unwrap()
    }

    #[inline(never)]
    pub(super) fn document_scanned(text: &str) -> bool {
        crate::graphql::is_within_reach(text)
    }
}

/// Twice: the first time fills what is filled once for all (zones), which is nobody's budget; callgrind is told to begin in
/// between by the name of the second.
#[test]
fn each_does_what_it_is_counted_for() {
    once();
    counted();
}

#[inline(never)]
fn counted() {
    once();
}

fn once() {
    let (daily, last_workday) = ("FREQ=DAILY", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1");
    assert_eq!(measured::month_of_a_rule(&series(daily)), 30);
    assert_eq!(measured::month_of_a_rule_by_position(&series(last_workday)), 1);
    assert_eq!(measured::rule_from_text(last_workday), Rule::parse(last_workday).unwrap());
    assert!(measured::cursor_of_an_event(&listing(), &happening(1)).len() > 20);
    let moved = |n| Moved { subject: Subject::Calendar(CalendarId(id(n))), seq: 40, acl: 2 };
    assert!(measured::token_of_a_list((0..3).map(moved).collect()).len() > 20);
    assert!(measured::fifty_as_busy(fifty()).iter().all(|happening| happening.event.title.is_empty()));
    let items = measured::fifty_shaped(fifty());
    let names = ["id", "title", "start", "end", "start_time", "end_time", "organizer_name"].map(str::to_owned);
    let fields = Some(fields_of(&names));
    let items: Vec<Shown> = items.into_iter().map(|event| Shown { event, fields: fields.clone() }).collect();
    let json: serde_json::Value = serde_json::from_slice(&measured::fifty_as_json(&items)).unwrap();
    assert_eq!((json.as_array().unwrap().len(), json[49]["title"].as_str()), (50, Some("Design review")));
    assert!(measured::document_scanned(DOCUMENT));
}
