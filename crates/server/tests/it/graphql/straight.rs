//! A page that is there already is written without the executor. `totalCount` is not there, so whoever asks for it gets the
//! same page by the executor.

use serde_json::{Value, json};

use super::{STRICT, WINDOW, data};
use crate::harness::{self, Client};
use crate::make::{self, at, day, id};

const EVENT: &str = "__typename id eventId calendar { __typename id } uid title description location status visibility
    transparency start { __typename date dateTime timeZone } end { date dateTime timeZone } startTime endTime recurrence
    originalStart organizer { __typename email name user { __typename id } } attendeeCount roomName sequence createdAt updatedAt
    view etag";
const BELOW: &str = "attendees { __typename edges { __typename cursor node { id } } nodes { __typename id email name responseStatus
        isOptional user { id email avatarUrl } } pageInfo { __typename hasPreviousPage hasNextPage startCursor endCursor } }
    reservations { __typename id resource { __typename id name } originalStart startTime endTime status }";

/// One page, straight and by the executor: letter by letter the same.
async fn same(client: &Client, fields: &str, variables: Value) -> String {
    let client = client.with("accept", STRICT);
    let ask = async |query: String| {
        let answer = client.post("/graphql", json!({ "query": query, "variables": variables })).await;
        data(&answer);
        answer.text()
    };
    let (before, after) = fields.rsplit_once('#').unwrap();
    let straight = ask(format!("{before}{after}")).await;
    let resolved = ask(format!("{before} totalCount {after}")).await;
    let counted = resolved.find(r#","totalCount":"#).expect(&resolved);
    let end = counted + resolved[counted..].find('}').unwrap();
    assert_eq!(straight, format!("{}{}", &resolved[..counted], &resolved[end..]), "{fields}");
    straight
}

#[tokio::test]
async fn a_page_that_is_there_already_is_the_one_that_the_executor_makes() {
    let koyomi = harness::start().await;
    let (mio, ken, ume) = (koyomi.admin("mio").await, koyomi.user("ken").await, koyomi.user("ume").await);
    let calendar = make::calendar(&mio, "Work \"\\ \u{1f4c5}").await;
    make::share(&mio, &calendar, &ken, "free_busy").await;
    make::share(&mio, &calendar, &ume, "reader").await;
    let room = make::room(&mio, "Kaede").await;
    let guests = json!([{ "email": "a@x.org", "name": "A \"quoted\"\n\u{7}" }, { "email": "b@x.org", "is_optional": true },
        { "email": ken.email }]);
    for more in [
        json!({ "title": "all \"of\" it\u{2028}", "location": "\\", "attendees": guests, "resources": [room] }),
        json!({ "title": "daily", "start": at("2026-03-20T10:00:00", "Asia/Tokyo"), "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"],
                "attendees": guests }),
        json!({ "title": "a day", "start": day("2026-03-12"), "end": day("2026-03-14"), "visibility": "private" }),
        json!({ "title": "floating", "start": make::floating("2026-03-13T10:00:00"), "end": make::floating("2026-03-13T11:00:00"),
                "transparency": "transparent", "status": "tentative" }),
    ] {
        make::event(&mio, &calendar, more).await;
    }
    let list =
        |page: &str| format!(r#"{{ calendar(id: "{calendar}") {{ events({WINDOW}, first: 4) {{ {page} # }} }} }}"#);
    let several = |page: &str| format!(r#"{{ events(calendarIds: ["{calendar}"], {WINDOW}) {{ {page} # }} }}"#);
    let agenda = |page: &str| format!("{{ agenda({WINDOW}, first: 2) {{ {page} # }} }}");
    let info = "pageInfo { hasPreviousPage hasNextPage startCursor endCursor }";
    for page in [
        format!("__typename nodes {{ {EVENT} {BELOW} }} {info} token"),
        format!("edges {{ __typename cursor node {{ {EVENT} {BELOW} }} }}"),
        format!("{info} nodes {{ a: title b: title start {{ x: dateTime }} }}"),
        "nodes { attendees(first: 2) { pageInfo { hasNextPage endCursor } nodes { email } } }".to_owned(),
        "nodes { ... { title } ... on Event { id ... on Event { etag } } }".to_owned(),
        // What has to wait after all.
        "nodes { calendar { id name } attendees { nodes { user { id timeZone } } } }".to_owned(),
        "nodes { title start { date } start { timeZone } reservations { event { title } } }".to_owned(),
    ] {
        for asked in [list(&page), several(&page), agenda(&page)] {
            for client in [&mio, &ken, &ume] {
                same(client, &asked, json!({})).await;
            }
        }
    }
    let named = format!(
        "query Q($first: Int, $with: Boolean!) {{ calendar(id: \"{calendar}\") {{ events({WINDOW}) {{
            nodes {{ ...Event title @include(if: $with) uid @skip(if: $with) attendees(first: $first) {{ nodes {{ ...Guest }} }} }} # }} }} }}
         fragment Event on Event {{ id calendar {{ ... on Calendar {{ id }} }} }} fragment Guest on Attendee {{ email }}"
    );
    for (first, with) in [(json!(1), true), (Value::Null, false)] {
        let shown = same(&mio, &named, json!({ "first": first, "with": with })).await;
        assert_eq!((shown.contains("\"title\""), shown.contains("\"uid\"")), (with, !with));
    }
}

#[tokio::test]
async fn what_is_asked_for_in_two_places_is_one_page() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "title": "both" })).await;
    let page = |fields: &str| format!("events({WINDOW}) {{ nodes {{ {fields} }} }}");
    let (a, b) = (page("id"), page("title"));
    for query in [
        format!(r#"{{ calendar(id: "{calendar}") {{ {a} {b} }} }}"#),
        format!(r#"{{ calendar(id: "{calendar}") {{ {a} }} calendar(id: "{calendar}") {{ {b} }} }}"#),
        format!(r#"{{ calendar(id: "{calendar}") {{ ... {{ {a} }} ...B }} }} fragment B on Calendar {{ {b} }}"#),
        format!(
            r#"{{ ...A ...B }} fragment A on Query {{ calendar(id: "{calendar}") {{ {a} }} }}
                   fragment B on Query {{ calendar(id: "{calendar}") {{ {b} }} }}"#
        ),
    ] {
        let answer = super::ask(&mio, &query).await;
        let both = json!([{ "id": id(&event), "title": "both" }]);
        assert_eq!(data(&answer)["calendar"]["events"]["nodes"], both, "{query}");
    }
    // A page beside another under its own name is none of that.
    let aliased = format!(r#"{{ calendar(id: "{calendar}") {{ x: {a} y: {b} }} }}"#);
    let answer = data(&super::ask(&mio, &aliased).await)["calendar"].clone();
    assert_eq!((&answer["x"]["nodes"][0]["id"], &answer["y"]["nodes"][0]["title"]), (&event["id"], &json!("both")));
}
