//! Lists of occurrences: windows, pages, cursors, and how much of each item.

use chrono::{DateTime, Days, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::harness::{self, Person};
use crate::make::{self, at, day, id, items, pages, span, texts};

/// Numbers that look random and are the same in each run (an LCG of 64 bits, its upper half).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn utc(at: DateTime<Utc>) -> Value {
    make::at(&at.format("%Y-%m-%dT%H:%M:%S").to_string(), "UTC")
}

fn instant(of: &Value) -> DateTime<Utc> {
    of.as_str().unwrap().parse().unwrap()
}

type Key = (DateTime<Utc>, String, String);

/// What lists are ordered by.
fn key(event: &Value) -> Key {
    (instant(&event["start_time"]), id(event).to_owned(), event["original_start"].to_string())
}

/// Three calendars with a few hundred events, many of which begin at the same time; some last long, some no time at
/// all, some recur.
async fn full_calendars(mio: &Person) -> Vec<String> {
    let mut calendars = Vec::new();
    for name in ["a", "b", "c"] {
        calendars.push(make::calendar(mio, name).await);
    }
    let mut dice = Dice(7);
    let monday = harness::start_of_time();
    for n in 0..240 {
        let start = monday + TimeDelta::hours(i64::try_from(dice.below(60)).unwrap());
        let minutes = [0, 0, 30, 60, 60, 600, 3 * 1440][usize::try_from(dice.below(7)).unwrap()];
        let mut more =
            json!({ "title": format!("{n}"), "start": utc(start), "end": utc(start + TimeDelta::minutes(minutes)) });
        if dice.below(12) == 0 {
            more["recurrence"] = json!([format!("RRULE:FREQ=DAILY;COUNT={}", 2 + dice.below(4))]);
        }
        let calendar = &calendars[usize::try_from(dice.below(3)).unwrap()];
        make::event(mio, calendar, more).await;
    }
    calendars
}

#[tokio::test]
async fn several_calendars_page_as_one_list_without_loss_repetition_or_disorder() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendars = full_calendars(&mio).await;
    let of = |ids: &[String]| ids.iter().map(|id| format!("calendar_id={id}")).collect::<Vec<_>>().join("&");
    let list = format!("/api/events?{}", of(&calendars));

    // Each calendar in one page is what the merged list must be made of.
    let mut all = Vec::new();
    for calendar in &calendars {
        let page = mio.get(&format!("/api/calendars/{calendar}/events?limit=500")).await.ok();
        assert_eq!(page["next_cursor"], json!(null));
        assert!(items(&page).iter().all(|event| event["calendar_id"] == calendar.as_str()));
        all.extend(items(&page).iter().cloned());
    }
    let titles: std::collections::HashSet<_> = all.iter().map(|e| e["title"].to_string()).collect();
    assert_eq!(titles.len(), 240);
    let keys = |events: &[Value]| -> Vec<Key> { events.iter().map(key).collect() };
    all.sort_by_key(key);
    for limit in 1..=7 {
        assert_eq!(keys(&pages(&mio, &list, limit).await), keys(&all), "{limit} at a time");
    }
    assert_eq!(keys(&pages(&mio, "/api/me/events", 13).await), keys(&all));

    // Windows: what overlaps, and an instant at the beginning.
    let mut dice = Dice(11);
    for _ in 0..12 {
        let from = harness::start_of_time() + TimeDelta::minutes(30 * i64::try_from(dice.below(140)).unwrap());
        let to = from + TimeDelta::minutes(30 * i64::try_from(1 + dice.below(12)).unwrap());
        let window = format!("from={}&to={}", from.format("%Y-%m-%dT%H:%M:%SZ"), to.format("%Y-%m-%dT%H:%M:%SZ"));
        let expected: Vec<Value> = all
            .iter()
            .filter(|event| {
                let (start, end) = (instant(&event["start_time"]), instant(&event["end_time"]));
                start < to && (end > from || (start == end && start >= from))
            })
            .cloned()
            .collect();
        for (list, limit) in [(&list, 7), (&list, 500), (&"/api/me/events?".to_owned(), 5)] {
            let found = pages(&mio, &format!("{list}&{window}").replace("?&", "?"), limit).await;
            assert_eq!(keys(&found), keys(&expected), "{window}");
        }
    }
}

#[tokio::test]
async fn a_window_shows_what_is_going_on_in_it() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    for (title, start, end) in [
        ("long", at("2025-01-01T00:00:00", "UTC"), at("2027-01-01T00:00:00", "UTC")),
        ("ends at the beginning", at("2026-03-10T00:00:00", "UTC"), at("2026-03-10T10:00:00", "UTC")),
        ("runs", at("2026-03-10T09:59:59", "UTC"), at("2026-03-10T10:00:01", "UTC")),
        ("instant at the beginning", at("2026-03-10T10:00:00", "UTC"), at("2026-03-10T10:00:00", "UTC")),
        ("instant before", at("2026-03-10T09:59:59", "UTC"), at("2026-03-10T09:59:59", "UTC")),
        ("last moment", at("2026-03-10T10:59:59", "UTC"), at("2026-03-10T12:00:00", "UTC")),
        ("begins at the end", at("2026-03-10T11:00:00", "UTC"), at("2026-03-10T12:00:00", "UTC")),
        ("instant at the end", at("2026-03-10T11:00:00", "UTC"), at("2026-03-10T11:00:00", "UTC")),
        ("day", day("2026-03-10"), day("2026-03-11")),
    ] {
        make::event(&mio, &calendar, json!({ "title": title, "start": start, "end": end })).await;
    }
    let window = "from=2026-03-10T10:00:00Z&to=2026-03-10T11:00:00Z";
    let expected = ["long", "day", "runs", "instant at the beginning", "last moment"];
    for limit in 1..=6 {
        let found = pages(&mio, &format!("/api/calendars/{calendar}/events?{window}"), limit).await;
        assert_eq!(texts(&json!({ "items": found }), "title"), expected);
    }
    // An event that was long once and is short now: nothing is lost.
    let long = mio.get(&format!("/api/calendars/{calendar}/events?limit=1")).await.ok();
    let short = json!({ "end": at("2025-01-01T01:00:00", "UTC") });
    mio.patch(&format!("/api/events/{}", id(&items(&long)[0])), short).await.is(200);
    let found = pages(&mio, &format!("/api/calendars/{calendar}/events?{window}"), 2).await;
    assert_eq!(texts(&json!({ "items": found }), "title"), expected[1..]);
}

#[tokio::test]
async fn a_list_without_bounds_begins_with_the_first_and_ends_two_years_from_now() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    for (title, date) in [("old", "0001-01-02"), ("near", "2028-03-01"), ("far", "2028-03-03"), ("last", "9999-12-30")]
    {
        make::event(&mio, &calendar, json!({ "title": title, "start": day(date) })).await;
    }
    let list = format!("/api/calendars/{calendar}/events");
    assert_eq!(texts(&mio.get(&list).await.ok(), "title"), ["old", "near"]);
    let found = pages(&mio, &format!("{list}?to=9999-12-31T23:59:59Z"), 1).await;
    assert_eq!(texts(&json!({ "items": found }), "title"), ["old", "near", "far", "last"]);
    assert_eq!(texts(&mio.get(&format!("{list}?from=2028-03-02T15:00:00Z")).await.ok(), "title"), ["far"]);
    for (query, pointer) in [
        ("from=2026-03-10T00:00:00Z&to=2026-03-10T00:00:00Z", "?to"),
        ("from=2026-03-11T00:00:00Z&to=2026-03-10T00:00:00Z", "?to"),
        ("from=-0001-01-01T00:00:00Z", "?from"),
        ("from=2026-03-10", "?from"),
        ("to=2026-03-10T00:00:00", "?to"),
        ("time_min=2026-03-10T00:00:00Z", "?time_min"),
    ] {
        let answer = mio.get(&format!("{list}?{query}")).await;
        answer.problem(400, "malformed_request");
        assert_eq!(answer.pointers(), [pointer], "{query}");
    }
}

#[tokio::test]
async fn what_lies_behind_the_horizon_pages_like_what_is_written_down() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    // Ten running at any time, one an instant, one at the same times as the first, and a single one among them.
    for (title, minutes) in [("long", 10 * 1440), ("instant", 0), ("hour", 60)] {
        let start: DateTime<Utc> = harness::start_of_time();
        let more = json!({
            "title": title, "start": utc(start), "end": utc(start + TimeDelta::minutes(minutes)),
            "recurrence": ["RRULE:FREQ=DAILY"],
        });
        make::event(&mio, &calendar, more).await;
    }
    let single = json!({
        "title": "single", "start": at("2080-03-12T09:00:00", "UTC"), "end": at("2080-03-12T10:00:00", "UTC"),
    });
    make::event(&mio, &calendar, single).await;
    let list = format!("/api/calendars/{calendar}/events");
    for (from, days) in [("2080-03-10", 4), ("2028-02-28", 5), ("2027-03-10", 4)] {
        let from: DateTime<Utc> = format!("{from}T09:00:00Z").parse().unwrap();
        let to = from + Days::new(days);
        let query = format!("from={}&to={}", from.format("%Y-%m-%dT%H:%M:%SZ"), to.format("%Y-%m-%dT%H:%M:%SZ"));
        let days = usize::try_from(days).unwrap();
        // The long ones of nine days before still run (the tenth ends as the window begins).
        let count = (9 + days) + days + days + usize::from(from.format("%Y").to_string() == "2080");
        let mut whole: Option<Vec<Key>> = None;
        for limit in [1, 2, 3, 5, 7, 50] {
            for list in [list.clone(), "/api/me/events".to_owned()] {
                let found = pages(&mio, &format!("{list}?{query}"), limit).await;
                let keys: Vec<Key> = found.iter().map(key).collect();
                assert_eq!(keys.len(), count, "{query}, {limit} at a time");
                assert!(keys.is_sorted_by(|a, b| a < b), "{query}, {limit} at a time");
                assert_eq!(*whole.get_or_insert_with(|| keys.clone()), keys);
            }
        }
    }
}

#[tokio::test]
async fn a_rule_that_never_happens_again_does_not_close_its_calendar() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    // A request with such a rule is refused; a file is taken as it is.
    let mut file = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n".to_owned();
    for (n, rule) in
        ["FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;INTERVAL=7;BYDAY=WE", "FREQ=HOURLY;INTERVAL=24;BYHOUR=3"]
            .into_iter()
            .enumerate()
    {
        file += &format!(
            "BEGIN:VEVENT\r\nUID:{n}@x\r\nDTSTAMP:20260301T000000Z\r\nSUMMARY:never\r\nDTSTART:20260310T010000Z\r\n\
             RRULE:{rule}\r\nEND:VEVENT\r\n"
        );
    }
    file += "END:VCALENDAR\r\n";
    let client = mio.with("content-type", "text/calendar");
    let path = format!("/api/calendars/{calendar}/import");
    let report = client.send(reqwest::Method::POST, &path, Some(file)).await.ok();
    assert_eq!((&report["created"], &report["issues_total"]), (&json!(3), &json!(3)), "{report}");
    make::event(&mio, &calendar, json!({ "title": "single" })).await;
    let list = format!("/api/calendars/{calendar}/events");
    let page = mio.get(&format!("{list}?to=2080-01-01T00:00:00Z")).await.ok();
    assert!(texts(&page, "title").contains(&"single".to_owned()));
    // Eight thousand years are too many to look through for nothing, and that is said.
    mio.get(&format!("{list}?to=9999-12-31T00:00:00Z")).await.problem(422, "window_too_wide");
}

#[tokio::test]
async fn a_cursor_belongs_to_its_query() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let foreign = koyomi.stranger("other", "zoe").await;
    let (a, b) = (make::calendar(&mio, "a").await, make::calendar(&mio, "b").await);
    let theirs = make::calendar(&foreign, "a").await;
    for (who, calendar) in [(&mio, &a), (&mio, &b), (&foreign, &theirs)] {
        make::event(who, calendar, json!({ "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"] })).await;
    }
    let window = "from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z";
    let first = mio.get(&format!("/api/events?calendar_id={a}&{window}&limit=2")).await.ok();
    let cursor = first["next_cursor"].as_str().unwrap();
    // The same query, however it is written, and with other fields and another limit.
    for same in [
        format!("/api/events?calendar_id={a}&{window}"),
        format!("/api/events?calendar_id={a}&calendar_id={a}&{window}&limit=7&expand=attendees&fields=id"),
        format!("/api/calendars/{a}/events?{window}"),
    ] {
        assert_eq!(items(&mio.get(&format!("{same}&cursor={cursor}")).await.ok()).len(), 1, "{same}");
    }
    for (who, other) in [
        (&mio, format!("/api/events?calendar_id={b}&{window}")),
        (&mio, format!("/api/events?calendar_id={a}&calendar_id={b}&{window}")),
        (&mio, format!("/api/events?calendar_id={a}&{window}&q=review")),
        (&mio, format!("/api/events?calendar_id={a}&from=2026-03-01T00:00:00Z&to=2026-04-02T00:00:00Z")),
        (&mio, format!("/api/events?calendar_id={a}&to=2026-04-01T00:00:00Z")),
        (&mio, format!("/api/me/events?{window}")),
        (&foreign, format!("/api/events?calendar_id={theirs}&{window}")),
        (&foreign, format!("/api/me/events?{window}")),
    ] {
        let answer = who.get(&format!("{other}&cursor={cursor}")).await;
        answer.problem(400, "malformed_request");
        assert_eq!(answer.pointers(), ["?cursor"], "{other}");
    }
    for junk in ["x", "AAAA", &cursor[..cursor.len() - 2], &format!("{cursor}AA")] {
        let answer = mio.get(&format!("/api/events?calendar_id={a}&{window}&cursor={junk}")).await;
        answer.problem(400, "malformed_request");
        assert_eq!(answer.pointers(), ["?cursor"], "{junk}");
    }
    foreign.get(&format!("/api/events?calendar_id={a}&cursor={cursor}")).await.problem(404, "not_found");
}

#[tokio::test]
async fn every_parameter_of_a_list_has_its_rule() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({})).await;
    let (list, ids) = (format!("calendar_id={calendar}"), format!("ids={}", id(&event)));
    let many = vec![list.clone(); 101].join("&");
    let many_ids = vec![ids.clone(); 501].join("&");
    for (query, pointer) in [
        ("".to_owned(), "?calendar_id"),
        (many, "?calendar_id"),
        (many_ids, "?ids"),
        ("calendar_id=x".to_owned(), "?calendar_id"),
        ("ids=x".to_owned(), "?ids"),
        (format!("{list}&{ids}"), "?calendar_id"),
        (format!("{ids}&limit=3"), "?limit"),
        (format!("{ids}&q=x"), "?q"),
        (format!("{ids}&from=2026-01-01T00:00:00Z"), "?from"),
        (format!("{ids}&cursor=x"), "?cursor"),
        (format!("{list}&limit=0"), "?limit"),
        (format!("{list}&limit=501"), "?limit"),
        (format!("{list}&limit=-1"), "?limit"),
        (format!("{list}&limit=1&limit=2"), "?limit"),
        (format!("{list}&expand=guests"), "?expand"),
        (format!("{list}&expand=attendees,"), "?expand"),
        (format!("{list}&fields=id,secret"), "?fields"),
        (format!("{list}&fields=id,"), "?fields"),
        (format!("{list}&offset=3"), "?offset"),
    ] {
        let answer = mio.get(&format!("/api/events?{query}")).await;
        answer.problem(400, "malformed_request");
        assert_eq!(answer.pointers(), [pointer], "{query}");
    }
    for query in ["expand=guests", "fields=secret", "limit=1"] {
        mio.get(&format!("/api/events/{}?{query}", id(&event))).await.problem(400, "malformed_request");
    }
}

#[tokio::test]
async fn items_are_trimmed_and_nested_as_asked_in_every_list() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    let event = make::event(
        &mio,
        &calendar,
        json!({
            "resources": [room], "attendees": [{ "email": "zoe@example.org" }],
            "recurrence": ["RRULE:FREQ=DAILY;COUNT=2"],
        }),
    )
    .await;
    for path in [
        format!("/api/events?calendar_id={calendar}&"),
        format!("/api/events?ids={}&", id(&event)),
        format!("/api/calendars/{calendar}/events?"),
        "/api/me/events?".to_owned(),
        format!("/api/events/{}/occurrences?", id(&event)),
        format!("/api/events/{}?", id(&event)),
    ] {
        let first = async |query: &str| -> Value {
            let body = mio.get(&format!("{path}{query}")).await.ok();
            if body["items"].is_array() { items(&body)[0].clone() } else { body }
        };
        let plain = first("").await;
        for nested in ["attendees", "resources", "organizer"] {
            assert!(plain.get(nested).is_none());
        }
        assert_eq!(
            first("fields=id,title,start").await,
            json!({ "id": event["id"], "title": "Review", "start": event["start"] })
        );
        let nested = first("expand=attendees,%20resources,organizer").await;
        assert_eq!(nested["attendees"][0]["email"], "zoe@example.org", "{path}");
        // What this occurrence has booked, not the next one.
        let booked: Vec<_> = nested["resources"].as_array().unwrap().iter().map(span).collect();
        assert_eq!(booked, ["2026-03-10T01:00:00Z/2026-03-10T02:00:00Z"], "{path}");
        assert_eq!(nested["organizer"]["email"], "mio@example.com");
        let both = first("expand=organizer&fields=organizer").await;
        assert_eq!(both, json!({ "organizer": nested["organizer"] }));
    }
}

/// Every text that only those may read who see the whole event.
const PRIVATE: [&str; 9] = [
    "hush-title",
    "hush-text",
    "hush-place",
    "hush-uid",
    "hush-guest",
    "hush-room",
    "hush-name",
    "FREQ=DAILY",
    "New_York",
];

#[tokio::test]
async fn a_busy_block_tells_when_and_nothing_else() {
    let koyomi = harness::start().await;
    let (mio, ren, admin) = (koyomi.user("hush-name").await, koyomi.user("ren").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "hush-room").await;
    let mut events = Vec::new();
    for (visibility, hour) in [("private", 10), ("confidential", 12), ("default", 14), ("public", 16)] {
        let more = json!({
            "title": "hush-title", "description": "hush-text", "location": "hush-place",
            "uid": format!("hush-uid-{visibility}"), "visibility": visibility, "resources": [room],
            "attendees": [{ "email": "hush-guest@example.org", "name": "hush-guest" }],
            "recurrence": ["RRULE:FREQ=DAILY"],
            "start": at(&format!("2026-03-10T{hour}:00:00"), "America/New_York"),
            "end": at(&format!("2026-03-10T{}:00:00", hour + 1), "America/New_York"),
        });
        events.push(make::event(&mio, &calendar, more).await);
    }
    let whole = "expand=attendees,resources,organizer&limit=500";
    for (role, hidden) in [("reader", 2), ("free_busy", 4)] {
        make::share(&mio, &calendar, &ren, role).await;
        for year in [2026, 2080] {
            let window = format!("from={year}-03-11T00:00:00Z&to={year}-03-12T00:00:00Z&{whole}");
            let mut lists = vec![
                format!("/api/events?calendar_id={calendar}&{window}"),
                format!("/api/calendars/{calendar}/events?{window}"),
                format!("/api/me/events?{window}"),
            ];
            for event in &events[..hidden] {
                lists.push(format!("/api/events/{}/occurrences?{window}", id(event)));
                lists.push(format!("/api/events/{}?expand=attendees,resources,organizer", id(event)));
                lists.push(format!("/api/events?ids={}&expand=attendees,resources,organizer", id(event)));
            }
            for path in &lists {
                let body = ren.get(path).await.ok();
                let found = if body["items"].is_array() { items(&body).clone() } else { vec![body] };
                assert!(!found.is_empty(), "{path}");
                for item in &found {
                    let secret = events[..hidden].iter().any(|event| event["id"] == item["id"]);
                    assert_eq!(item["view"], if secret { "busy" } else { "full" }, "{path}");
                    let text = item.to_string();
                    for private in PRIVATE.iter().filter(|_| secret) {
                        assert!(!text.contains(private), "{private} in {path} for a {role}: {text}");
                    }
                    for (name, value) in make::items_of_map(item).iter().filter(|_| secret) {
                        let known = match name.as_str() {
                            "id" | "calendar_id" | "start" | "end" | "start_time" | "end_time" | "status"
                            | "transparency" | "view" | "etag" => continue,
                            "visibility" => json!("private"),
                            "attendee_count" | "sequence" => json!(0),
                            "recurrence" => json!([]),
                            _ => Value::Null,
                        };
                        assert_eq!(*value, known, "{name} in {path} for a {role}");
                    }
                }
            }
        }
        for event in &events[..hidden] {
            for of in ["attendees", "reservations"] {
                let answer = ren.get(&format!("/api/events/{}/{of}", id(event))).await;
                answer.problem(403, "forbidden");
                assert!(PRIVATE.iter().all(|private| !answer.text().contains(private)));
            }
        }
        mio.delete(&format!("/api/calendars/{calendar}/members/{}", ren.id)).await.is(204);
    }
}
