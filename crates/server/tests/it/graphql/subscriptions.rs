//! Following: docs/SUBSCRIPTIONS.md, sentence by sentence.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::code;
use crate::harness::{self, Harness, Heard, Mode, Person, Socket};
use crate::make::{self, id};

/// With and without the bus: it is a hint.
fn modes() -> [Mode; 2] {
    [Mode::plain(), Mode { bus: bus::Transport::Postgres, ..Mode::plain() }]
}

fn following(calendars: &[&str], since: Option<&str>) -> String {
    let since = since.map(|token| format!(r#", since: "{token}""#)).unwrap_or_default();
    format!(
        r"subscription {{ calendarChanged(calendarIds: {calendars:?}{since}) {{
            token calendars {{ resync calendar {{ id }} changes {{ kind objectId event {{ title view }} }} }}
        }} }}"
    )
}

async fn follow(koyomi: &Harness, who: &Person, query: &str) -> Socket {
    let mut socket = Socket::signed_in(&koyomi.base, &who.token).await;
    socket.subscribe("1", query).await;
    socket
}

/// What an item tells, as (calendar, kind, object).
fn told(item: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let calendars = item["calendarChanged"]["calendars"].as_array().unwrap();
    let of = |calendar: &Value| {
        assert_eq!(calendar["resync"], false, "{calendar}");
        let id = text(&calendar["calendar"]["id"]);
        let changes = calendar["changes"].as_array().unwrap().clone();
        changes.into_iter().map(move |change| (id.clone(), text(&change["kind"]), text(&change["objectId"])))
    };
    calendars.iter().flat_map(of).collect()
}

fn token(item: &Value) -> String {
    item["calendarChanged"]["token"].as_str().unwrap().to_owned()
}

/// The log behind the first rows of a calendar.
async fn logged(koyomi: &Harness, calendar: &str, after: i64) -> Vec<(String, String, String)> {
    let rows: Vec<(String, uuid::Uuid)> =
        sqlx::query_as("select kind, object_id from changes where calendar_id = $1::uuid and seq > $2 order by seq, n")
            .bind(calendar)
            .bind(after)
            .fetch_all(&mut koyomi.sql().await)
            .await
            .unwrap();
    rows.into_iter().map(|(kind, object)| (calendar.to_owned(), kind.to_uppercase(), object.to_string())).collect()
}

async fn head(koyomi: &Harness, calendar: &str) -> i64 {
    let head = sqlx::query_scalar("select seq from heads where calendar_id = $1::uuid").bind(calendar);
    head.fetch_one(&mut koyomi.sql().await).await.unwrap()
}

#[tokio::test]
async fn whoever_goes_away_and_comes_back_has_heard_everything_once() {
    for (n, mode) in modes().into_iter().enumerate() {
        let koyomi = harness::start_as(mode.clone()).await;
        let other = koyomi.another_instance_as(mode).await;
        let mio = koyomi.user("mio").await;
        let calendars = [make::calendar(&mio, "A").await, make::calendar(&mio, "B").await];
        let ids = [calendars[0].as_str(), calendars[1].as_str()];
        let begun = [head(&koyomi, ids[0]).await, head(&koyomi, ids[1]).await];
        let first = follow(&koyomi, &mio, &following(&ids, None)).await.next().await;

        let writer = {
            let (mio, calendars) = (mio.clone(), calendars.clone());
            tokio::spawn(async move {
                for n in 0..60 {
                    let event = make::event(&mio, &calendars[n % 2], json!({ "title": format!("n={n}") })).await;
                    if n % 5 == 0 {
                        mio.delete(&format!("/api/events/{}", id(&event))).await.is(204);
                    }
                }
            })
        };
        let mut random = StdRng::seed_from_u64(17 + u64::try_from(n).unwrap());
        let (mut heard, mut since, mut visits) = (Vec::new(), token(&first), 0);
        while heard.len() < 72 {
            // On the one instance or the other, for some items, and away again without a word.
            let at = if random.random_bool(0.5) { &koyomi } else { &other };
            let mut socket = follow(at, &mio, &following(&ids, Some(&since))).await;
            for _ in 0..random.random_range(1..3) {
                let item = socket.next().await;
                heard.extend(told(&item));
                since = token(&item);
                if heard.len() >= 72 {
                    break;
                }
            }
            visits += 1;
        }
        writer.await.unwrap();
        for (calendar, begun) in ids.iter().zip(begun) {
            let of_it: Vec<_> = heard.iter().filter(|(of, ..)| of == calendar).cloned().collect();
            assert_eq!(of_it, logged(&koyomi, calendar, begun).await);
        }
        assert!(visits > 1, "{visits}");
    }
}

#[tokio::test]
async fn nothing_is_told_after_access_was_taken_away() {
    for mode in modes() {
        let koyomi = harness::start_as(mode).await;
        let (mio, ken) = (koyomi.user("mio").await, koyomi.user("ken").await);
        let calendar = make::calendar(&mio, "Work").await;
        make::share(&mio, &calendar, &ken, "reader").await;
        let mut socket = follow(&koyomi, &ken, &following(&[&calendar], None)).await;
        assert!(told(&socket.next().await).is_empty());
        make::event(&mio, &calendar, json!({ "title": "before" })).await;
        let item = socket.next().await;
        assert_eq!(item["calendarChanged"]["calendars"][0]["changes"][0]["event"]["title"], "before");

        // Taken away together with what happens next: that is not for him.
        mio.delete(&format!("/api/calendars/{calendar}/members/{}", ken.id)).await.is(204);
        let after = make::event(&mio, &calendar, json!({ "title": "after" })).await;
        let heard = socket.hear().await;
        assert!(!format!("{heard:?}").contains(id(&after)), "{heard:?}");
        let errors = Socket::payload_of(&heard, "error");
        assert_eq!(errors[0]["extensions"]["code"], "not_found", "{errors}");

        // The socket itself goes on; a token that opens nothing ends it.
        let own = make::calendar(&ken, "Mine").await;
        socket.subscribe("2", &following(&[&own], None)).await;
        socket.next().await;
        let ends = sqlx::query("update api_tokens set expires_at = now() - interval '1 second' where user_id = $1");
        ends.bind(ken.id.0).execute(&mut koyomi.sql().await).await.unwrap();
        let errors = Socket::payload_of(&socket.hear().await, "error");
        assert_eq!(errors[0]["extensions"]["code"], "unauthenticated");
        assert_eq!(socket.hear().await, Heard::Closed(4403));
    }
}

#[tokio::test]
async fn who_may_see_less_is_told_less() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let (mio, ken, ren) = (koyomi.user("mio").await, koyomi.user("ken").await, koyomi.user("ren").await);
    let calendar = make::calendar(&mio, "Work").await;
    make::share(&mio, &calendar, &ken, "free_busy").await;
    make::share(&mio, &calendar, &ren, "reader").await;
    let (mut busy, mut reader) = (
        follow(&koyomi, &ken, &following(&[&calendar], None)).await,
        follow(&koyomi, &ren, &following(&[&calendar], None)).await,
    );
    busy.next().await;
    reader.next().await;
    let eve = koyomi.user("eve").await;
    make::share(&mio, &calendar, &eve, "reader").await;
    let member = told(&reader.next().await);
    assert_eq!(member, [(calendar.clone(), "MEMBER_CHANGED".to_owned(), eve.id.0.to_string())]);
    make::event(&mio, &calendar, json!({ "title": "secret", "visibility": "private" })).await;
    for (socket, kinds) in [(&mut busy, 1), (&mut reader, 1)] {
        let item = socket.next().await;
        assert!(!item.to_string().contains("secret"), "{item}");
        assert_eq!(told(&item).len(), kinds, "{item}");
        assert_eq!(item["calendarChanged"]["calendars"][0]["changes"][0]["event"]["view"], "BUSY");
    }
}

#[tokio::test]
async fn a_new_epoch_and_a_log_that_begins_later_mean_reading_anew() {
    let koyomi = harness::start_on_fresh_database().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let mut socket = follow(&koyomi, &mio, &following(&[&calendar], None)).await;
    let since = token(&socket.next().await);
    make::event(&mio, &calendar, json!({})).await;
    make::event(&mio, &calendar, json!({})).await;
    let mut sql = koyomi.sql().await;
    sqlx::query("update heads set min_seq = seq").execute(&mut sql).await.unwrap();
    sqlx::query("delete from changes").execute(&mut sql).await.unwrap();
    let mut again = follow(&koyomi, &mio, &following(&[&calendar], Some(&since))).await;
    let item = again.next().await;
    assert_eq!(item["calendarChanged"]["calendars"][0]["resync"], true, "{item}");
    let since = token(&item);

    sqlx::query("update deploy set epoch = epoch + 1").execute(&mut sql).await.unwrap();
    let live = again.next().await;
    assert_eq!(live["calendarChanged"]["calendars"][0]["resync"], true, "{live}");
    let mut later = follow(&koyomi, &mio, &following(&[&calendar], Some(&since))).await;
    assert_eq!(later.next().await["calendarChanged"]["calendars"][0]["resync"], true);
}

#[tokio::test]
async fn tokens_that_are_none_and_calendars_that_are_not_shared_are_refused() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let (mio, ken) = (koyomi.user("mio").await, koyomi.user("ken").await);
    let (calendar, other) = (make::calendar(&mio, "Work").await, make::calendar(&ken, "Other").await);
    let more = make::calendar(&mio, "More").await;
    let mut socket = follow(&koyomi, &mio, &following(&[&calendar], None)).await;
    let since = token(&socket.next().await);
    for (query, code) in [
        (following(&[&calendar, &other], None), "not_found"),
        (following(&[], None), "malformed_request"),
        (following(&[&calendar], Some("nonsense")), "malformed_request"),
        (following(&[&calendar, &more], Some(&since)), "malformed_request"),
        ("subscription { agendaChanged(since: \"AAAA\") { token } }".to_owned(), "malformed_request"),
        ("subscription { a: agendaChanged { token } b: agendaChanged { token } }".to_owned(), "graphql_invalid"),
    ] {
        socket.subscribe("2", &query).await;
        let errors = Socket::payload_of(&socket.hear().await, "error");
        assert_eq!(errors[0]["extensions"]["code"], code, "{query}: {errors}");
    }
    let plain = mio.post("/graphql", json!({ "query": following(&[&calendar], None) })).await;
    assert_eq!(code(&plain), "subscription_transport");
}

#[tokio::test]
async fn an_agenda_is_told_of_what_it_shows_and_of_nothing_else() {
    let query = "subscription { agendaChanged { token calendarIds } }";
    for mode in modes() {
        let koyomi = harness::start_as(mode).await;
        let (mio, ken) = (koyomi.user("mio").await, koyomi.user("ken").await);
        let (work, own) = (make::calendar(&mio, "Work").await, make::calendar(&ken, "Mine").await);
        let mut socket = follow(&koyomi, &ken, query).await;
        let first = socket.next().await["agendaChanged"].clone();
        assert_eq!(first["calendarIds"], json!([]));
        let since = first["token"].as_str().unwrap();

        // What he is not invited to, and then what he is: only the second is told.
        make::event(&mio, &work, json!({ "title": "without him" })).await;
        make::event(&ken, &own, json!({})).await;
        assert_eq!(socket.next().await["agendaChanged"]["calendarIds"], json!([own]));
        let event = make::event(&mio, &work, json!({ "attendees": [{ "email": ken.email }] })).await;
        assert_eq!(socket.next().await["agendaChanged"]["calendarIds"], json!([work]));
        mio.patch(&format!("/api/events/{}", id(&event)), json!({ "title": "moved" })).await.is(200);
        assert_eq!(socket.next().await["agendaChanged"]["calendarIds"], json!([work]));
        mio.delete(&format!("/api/events/{}", id(&event))).await.is(204);
        let last = socket.next().await["agendaChanged"].clone();
        assert_eq!(last["calendarIds"], json!([work]));

        // Whoever comes back learns whether something happened.
        let resumed = |since: &str| format!(r#"subscription {{ agendaChanged(since: "{since}") {{ calendarIds }} }}"#);
        let mut behind = follow(&koyomi, &ken, &resumed(since)).await;
        assert_eq!(behind.next().await["agendaChanged"]["calendarIds"], Value::Null);
        let mut level = follow(&koyomi, &ken, &resumed(last["token"].as_str().unwrap())).await;
        assert_eq!(level.next().await["agendaChanged"]["calendarIds"], json!([]));
    }
}
