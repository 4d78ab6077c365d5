//! What leads from one thing to another, in every direction, and what it costs.

use serde_json::{Value, json};

use super::{WINDOW, ask, code, data};
use crate::harness::{self, Client, Mode, Socket};
use crate::make::{self, id};

fn titles(connection: &Value) -> Vec<String> {
    let nodes = connection["nodes"].as_array().unwrap_or_else(|| panic!("no nodes in {connection}"));
    nodes
        .iter()
        .map(|node| format!("{} {}", node["title"].as_str().unwrap(), node["startTime"].as_str().unwrap()))
        .collect()
}

/// All items, page by page in one direction.
async fn walk(who: &Client, root: &str, arguments: &str, size: usize, backward: bool) -> Vec<String> {
    let (count, at, has, cursor) = if backward {
        ("last", "before", "hasPreviousPage", "startCursor")
    } else {
        ("first", "after", "hasNextPage", "endCursor")
    };
    let (mut all, mut place) = (Vec::new(), String::new());
    loop {
        let query = format!(
            "{{ {root} {{ events({arguments}, {count}: {size}{place}) {{ nodes {{ title startTime }} pageInfo {{ {has} {cursor} }} }} }} }}"
        );
        let page = data(&ask(who, &query).await)["calendar"]["events"].clone();
        let found = titles(&page);
        if backward {
            all.splice(0..0, found);
        } else {
            all.extend(found);
        }
        if page["pageInfo"][has] == false {
            return all;
        }
        place = format!(", {at}: {}", page["pageInfo"][cursor]);
    }
}

#[tokio::test]
async fn a_list_read_backwards_is_the_same_list() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    for n in 0..7 {
        let start = make::at(&format!("2026-03-1{n}T10:00:00"), "Asia/Tokyo");
        make::event(&mio, &calendar, json!({ "title": format!("single {n}"), "start": start })).await;
    }
    let (start, end) = (make::at("2026-03-12T10:00:00", "Asia/Tokyo"), make::at("2026-03-12T11:00:00", "Asia/Tokyo"));
    let daily = json!({ "title": "daily", "start": start, "end": end, "recurrence": ["RRULE:FREQ=DAILY"] });
    make::event(&mio, &calendar, daily).await;
    let weekly = json!({ "title": "weekly", "start": make::at("2026-03-12T10:00:00", "Asia/Tokyo"), "recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=MO,TH"] });
    make::event(&mio, &calendar, weekly).await;
    let root = format!(r#"calendar(id: "{calendar}")"#);
    // What is written down, what is computed, and the border between the two.
    for (from, to) in [
        ("2026-03-01T00:00:00", "2026-04-15T00:00:00"),
        ("2027-12-01T00:00:00", "2028-06-01T00:00:00"),
        ("2080-01-01T00:00:00", "2080-07-01T00:00:00"),
        // One is running when it begins, and another begins just where the last stretch that is looked through does.
        ("2080-01-01T01:30:00", "2080-07-01T01:00:00"),
    ] {
        let window = format!(r#"from: "{from}Z", to: "{to}Z""#);
        let forward = walk(&mio, &root, &window, 500, false).await;
        assert!(forward.len() > 40, "{} from {from}", forward.len());
        for (size, backward) in [(3, false), (3, true), (500, true)] {
            assert_eq!(walk(&mio, &root, &window, size, backward).await, forward, "{size} {backward} {from}");
        }
        let counted =
            data(&ask(&mio, &format!("{{ {root} {{ events({window}, first: 1) {{ totalCount }} }} }}")).await);
        assert_eq!(counted["calendar"]["events"]["totalCount"], forward.len());
    }
    let agenda =
        |arguments: &str| format!("{{ agenda({WINDOW}, {arguments}) {{ totalCount nodes {{ title startTime }} }} }}");
    let (all, tail) = (data(&ask(&mio, &agenda("first: 500")).await), data(&ask(&mio, &agenda("last: 4")).await));
    assert_eq!(titles(&all["agenda"])[titles(&all["agenda"]).len() - 4..], titles(&tail["agenda"]));
    assert_eq!(all["agenda"]["totalCount"], titles(&all["agenda"]).len());
    // Either way, not both.
    let both = ask(&mio, &format!("{{ {root} {{ events({WINDOW}, first: 1, last: 1) {{ totalCount }} }} }}")).await;
    assert_eq!(code(&both), "malformed_request");
    let many = format!(
        r#"{{ {root} {{ events(to: "2200-01-01T00:00:00Z", first: 1) {{ totalCount nodes {{ title }} }} }} }}"#
    );
    let many = ask(&mio, &many).await.json();
    assert_eq!(many["errors"][0]["extensions"]["code"], "limit_exceeded", "{many}");
    assert_eq!(many["data"]["calendar"]["events"]["nodes"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_has_an_id_is_found_by_it_by_those_who_may_see_it() {
    let koyomi = harness::start().await;
    let (mio, eve) = (koyomi.admin("mio").await, koyomi.stranger("other", "eve").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&mio, "Kaede").await;
    let single = make::event(&mio, &calendar, json!({ "title": "single" })).await;
    let daily = json!({ "title": "daily", "recurrence": ["RRULE:FREQ=DAILY"] });
    make::event(&mio, &calendar, daily).await;
    let list = |from: &str, to: &str| {
        format!(
            r#"{{ calendar(id: "{calendar}") {{ events(from: "{from}T00:00:00Z", to: "{to}T00:00:00Z") {{ nodes {{ id title startTime }} }} }} }}"#
        )
    };
    let node = |id: &str| {
        format!(
            r#"{{ node(id: "{id}") {{ __typename id ... on Event {{ title startTime }} ... on Calendar {{ name }} ... on Resource {{ name }} ... on User {{ name }} }} }}"#
        )
    };
    for (from, to) in [("2026-03-01", "2026-03-20"), ("2080-03-01", "2080-03-05")] {
        for event in data(&ask(&mio, &list(from, to)).await)["calendar"]["events"]["nodes"].as_array().unwrap() {
            let found = data(&ask(&mio, &node(id(event))).await)["node"].clone();
            assert_eq!(found["__typename"], "Event");
            assert_eq!(
                (&found["id"], &found["title"], &found["startTime"]),
                (&event["id"], &event["title"], &event["startTime"])
            );
        }
    }
    for (id, kind, name) in [
        (calendar.as_str(), "Calendar", "Work"),
        (room.as_str(), "Resource", "Kaede"),
        (mio.id.0.to_string().as_str(), "User", "mio"),
    ] {
        let found = data(&ask(&mio, &node(id)).await)["node"].clone();
        assert_eq!((&found["__typename"], &found["name"], &found["id"]), (&json!(kind), &json!(name), &json!(id)));
        assert_eq!(code(&ask(&eve, &node(id)).await), "not_found", "{kind}");
    }
    let event = id(&single);
    for nothing in [event, &format!("{event}_20260310T100000"), &calendar.replace('0', "1")] {
        assert_eq!(code(&ask(&eve, &node(nothing)).await), "not_found", "{nothing}");
    }
    assert_eq!(code(&ask(&mio, &node(&format!("{event}_20260311T100000"))).await), "not_found");
    assert_eq!(code(&ask(&mio, &node("nonsense")).await), "malformed_request");
}

/// Calendars with events, guests and rooms.
async fn filled(mio: &Client, names: &[&str], events: usize) -> Vec<String> {
    let mut calendars = Vec::new();
    for name in names {
        let calendar = make::calendar(mio, name).await;
        let room = make::room(mio, name).await;
        for n in 0..events {
            let start = make::at(&format!("2026-03-{:02}T{:02}:00:00", 1 + n % 28, n / 28), "UTC");
            let end = make::at(&format!("2026-03-{:02}T{:02}:30:00", 1 + n % 28, n / 28), "UTC");
            let guests = json!([{ "email": "a@x.org" }, { "email": "mio@example.com" }]);
            let more = json!({ "title": format!("{name} {n}"), "start": start, "end": end, "attendees": guests, "resources": [room] });
            make::event(mio, &calendar, more).await;
        }
        calendars.push(calendar);
    }
    calendars
}

const BELOW: &str = "nodes { id title organizer { name } attendees(first: 5) { nodes { user { id name } } } reservations { resource { name } } }";

#[tokio::test]
async fn calendars_side_by_side_cost_as_much_as_one() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let mio = koyomi.admin("mio").await;
    let calendars = filled(&mio, &["A", "B", "C"], 4).await;
    let aliases: Vec<String> = ["a", "b", "c"]
        .iter()
        .zip(&calendars)
        .map(|(alias, id)| format!(r#"{alias}: calendar(id: "{id}") {{ id events({WINDOW}) {{ {BELOW} }} }}"#))
        .collect();
    let (cold, hot) = (
        ask(&mio, &format!("{{ {} }}", aliases.join(" "))).await,
        ask(&mio, &format!("{{ {} }}", aliases.join(" "))).await,
    );
    assert_eq!((cold.statements(), hot.statements()), (5, 1));
    assert_eq!(data(&cold), data(&hot));
    for (alias, name) in [("a", "A"), ("b", "B"), ("c", "C")] {
        let nodes = data(&cold)[alias]["events"]["nodes"].as_array().unwrap().clone();
        assert_eq!(nodes.len(), 4);
        for node in nodes {
            assert!(node["title"].as_str().unwrap().starts_with(name));
            assert_eq!(node["attendees"]["nodes"].as_array().unwrap().len(), 2);
            assert_eq!(node["reservations"][0]["resource"]["name"], name);
        }
    }
    // Each page is kept under the name that whoever asks for it alone looks for, REST too.
    let rest = format!(
        "/api/calendars/{}/events?from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z&expand=attendees,resources",
        calendars[1]
    );
    assert_eq!(mio.get(&rest).await.statements(), 1);
    // A stranger's calendar beside them is refused alone.
    let eve = koyomi.user("eve").await;
    let other = make::calendar(&eve, "Other").await;
    let query =
        format!(r#"{{ {} x: calendar(id: "{other}") {{ id events({WINDOW}) {{ {BELOW} }} }} }}"#, aliases.join(" "));
    let half = ask(&mio, &query).await.json();
    assert_eq!((&half["data"]["x"], half["errors"].as_array().unwrap().len()), (&Value::Null, 1));
    assert_eq!(half["data"]["a"], data(&cold)["a"]);

    let listed = format!(
        "{{ calendars(first: 10) {{ nodes {{ name members(first: 10) {{ nodes {{ user {{ name }} }} }} events({WINDOW}) {{ {BELOW} }} }} }} }}"
    );
    let hot = ask(&mio, &listed).await;
    assert!(hot.statements() <= 5, "{}", hot.statements());
    assert_eq!(data(&hot)["calendars"]["nodes"][2]["events"], data(&cold)["c"]["events"]);
    // The calendars of many events are read together.
    let ids: Vec<String> = calendars.iter().map(|id| format!("{id:?}")).collect();
    let homes = format!(
        "{{ events(calendarIds: [{}], {WINDOW}) {{ nodes {{ calendar {{ name owner {{ name }} }} }} }} }}",
        ids.join(", ")
    );
    let homes = ask(&mio, &homes).await;
    assert!(homes.statements() <= 9, "{}", homes.statements());
    assert_eq!(data(&homes)["events"]["nodes"].as_array().unwrap().len(), 12);
}

#[tokio::test]
async fn five_hundred_events_and_six_levels_cost_five_statements() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let mio = koyomi.admin("mio").await;
    let calendar = filled(&mio, &["A"], 500).await.remove(0);
    let query = |first: usize, below: &str| {
        format!(r#"{{ calendar(id: "{calendar}") {{ id events({WINDOW}, first: {first}) {{ {below} }} }} }}"#)
    };
    let wide = ask(&mio, &query(500, BELOW)).await;
    assert_eq!(wide.statements(), 5);
    assert_eq!(data(&wide)["calendar"]["events"]["nodes"].as_array().unwrap().len(), 500);
    // calendar, events, edges, node, attendees, nodes, user: the last one is asked for what did not come along.
    let deep =
        "edges { node { attendees(first: 5) { nodes { user { timeZone } } } reservations { resource { capacity } } } }";
    let (cold, hot) = (ask(&mio, &query(50, deep)).await, ask(&mio, &query(50, deep)).await);
    // One batch for the people and one for the rooms, each with its versions.
    assert!(cold.statements() <= 11 && hot.statements() <= 3, "{} {}", cold.statements(), hot.statements());
    let deep = "edges { node { attendees(first: 5) { nodes { user { id name email avatarUrl } } } reservations { resource { id name } } } }";
    assert_eq!(ask(&mio, &query(40, deep)).await.statements(), 5);
}

#[tokio::test]
async fn people_lead_to_their_events_and_rooms_to_their_bookings() {
    let koyomi = harness::start().await;
    let (mio, ken, ren) = (koyomi.admin("mio").await, koyomi.user("ken").await, koyomi.user("ren").await);
    let room = make::room(&mio, "Kaede").await;
    let (open, busy) = (make::calendar(&mio, "Open").await, make::calendar(&mio, "Busy").await);
    make::share(&mio, &open, &ren, "reader").await;
    make::share(&mio, &busy, &ren, "free_busy").await;
    let guests = json!([{ "email": ken.email }]);
    for (calendar, title, day, visibility) in
        [(&open, "seen", "10", "default"), (&open, "private", "11", "private"), (&busy, "hidden", "12", "default")]
    {
        let (start, end) =
            (make::at(&format!("2026-03-{day}T10:00:00"), "UTC"), make::at(&format!("2026-03-{day}T11:00:00"), "UTC"));
        let more = json!({ "title": title, "start": start, "end": end, "attendees": guests, "visibility": visibility, "resources": [room] });
        make::event(&mio, calendar, more).await;
    }
    let daily = json!({ "title": "daily", "start": make::at("2026-03-20T10:00:00", "UTC"), "attendees": guests, "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"] });
    make::event(&mio, &open, daily).await;
    let of = |user: &str| {
        format!(
            r#"{{ user(id: "{user}") {{ events({WINDOW}) {{ totalCount nodes {{ title startTime attendees {{ nodes {{ email }} }} }} }} }} }}"#
        )
    };
    let ids = |who: &harness::Person| who.id.0.to_string();
    for user in [ids(&ken), ids(&mio)] {
        let seen = data(&ask(&ren, &of(&user)).await)["user"]["events"].clone();
        let titles: Vec<_> = seen["nodes"].as_array().unwrap().iter().map(|n| n["title"].as_str().unwrap()).collect();
        assert_eq!(titles, ["seen", "daily", "daily", "daily"]);
        assert_eq!(
            (&seen["totalCount"], &seen["nodes"][0]["attendees"]["nodes"][0]["email"]),
            (&json!(4), &json!(ken.email))
        );
        let all = data(&ask(&mio, &of(&user)).await)["user"]["events"]["nodes"].as_array().unwrap().len();
        assert_eq!(all, 6);
    }
    // An outsider sees that a room is taken, not by what.
    let bookings = format!(
        r#"{{ resource(id: "{room}") {{ reservations(from: "2026-03-01T00:00:00Z", to: "2026-04-01T00:00:00Z", first: 2) {{
            nodes {{ startTime event {{ title }} }} pageInfo {{ endCursor hasNextPage }} }} }} }}"#
    );
    let page = data(&ask(&ren, &bookings).await)["resource"]["reservations"].clone();
    assert_eq!(page["nodes"][0]["event"]["title"], "seen");
    assert_eq!(page["nodes"][1]["event"]["title"], Value::Null);
    let next = bookings.replace("first: 2", &format!("first: 2, after: {}", page["pageInfo"]["endCursor"]));
    let rest = data(&ask(&mio, &next).await)["resource"]["reservations"].clone();
    assert_eq!(
        (&rest["nodes"][0]["event"]["title"], &rest["pageInfo"]["hasNextPage"]),
        (&json!("hidden"), &json!(false))
    );
}

#[tokio::test]
async fn whoever_follows_from_a_list_on_misses_nothing() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    make::event(&mio, &calendar, json!({ "title": "listed" })).await;
    let list = format!(r#"{{ calendar(id: "{calendar}") {{ events({WINDOW}) {{ token nodes {{ title }} }} }} }}"#);
    let listed = data(&ask(&mio, &list).await)["calendar"]["events"].clone();
    assert_eq!(listed["nodes"][0]["title"], "listed");
    make::event(&mio, &calendar, json!({ "title": "later" })).await;
    let follow = format!(
        r#"subscription {{ calendarChanged(calendarIds: ["{calendar}"], since: {}) {{ calendars {{ changes {{ event {{ title }} }} }} }} }}"#,
        listed["token"]
    );
    let mut socket = Socket::signed_in(&koyomi.base, &mio.token).await;
    socket.subscribe("1", &follow).await;
    let item = socket.next().await["calendarChanged"]["calendars"].clone();
    assert_eq!(item, json!([{ "changes": [{ "event": { "title": "later" } }] }]));
    // What REST says that somebody has seen is such a place, too.
    let rest = mio.get(&format!("/api/calendars/{calendar}/events")).await;
    let follow = follow.replace(listed["token"].as_str().unwrap(), rest.header("koyomi-consistency"));
    socket.subscribe("2", &follow).await;
    assert_eq!(socket.next().await["calendarChanged"]["calendars"], json!([]));
}
