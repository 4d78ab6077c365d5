//! What the cache promises, seen from outside: nothing stale, nobody too many, and at what price.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{self, Answer, Client, Harness, Mode, Person};
use crate::make::{self, id, items};
use crate::redis::Redis;

const WINDOW: &str = "from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z";
const TOKEN: &str = "koyomi-consistency";

fn list(calendar: &str) -> String {
    format!("/api/calendars/{calendar}/events?{WINDOW}&expand=attendees,resources,organizer")
}

#[track_caller]
fn titles(answer: &Answer) -> Vec<String> {
    make::texts(&answer.ok(), "title")
}

async fn retitled(owner: &Client, event: &Value, title: &str) -> Answer {
    let answer = owner.patch(&format!("/api/events/{}", id(event)), json!({ "title": title })).await;
    answer.is(200);
    answer
}

/// Somebody with a calendar and an event in it that has a guest and a room.
async fn world(koyomi: &Harness) -> (Person, String, Value) {
    let mio = koyomi.admin("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&mio, "A").await;
    let more = json!({ "title": "n=0", "resources": [room], "attendees": [{ "email": "guest@x.org" }] });
    let event = make::event(&mio, &calendar, more).await;
    (mio, calendar, event)
}

#[tokio::test]
async fn what_is_read_again_costs_the_head_check_and_nothing_else() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let (mio, calendar, event) = world(&koyomi).await;
    let event = id(&event);
    for path in [
        list(&calendar),
        format!("/api/events?calendar_id={calendar}&{WINDOW}"),
        format!("/api/events/{event}?expand=attendees"),
        format!("/api/events/{event}/occurrences"),
        format!("/api/events/{event}/attendees"),
        format!("/api/events/{event}/reservations"),
        format!("/api/calendars/{calendar}"),
        format!("/api/users?ids={}", mio.id),
        "/api/users?q=mio".to_owned(),
        "/api/resources".to_owned(),
        format!("/api/resources/availability?{WINDOW}"),
    ] {
        let first = mio.get(&path).await;
        let again = mio.get(&path).await;
        assert!(first.statements() > 1, "{path}: {}", first.statements());
        assert_eq!(again.statements(), 1, "{path}");
        assert_eq!((again.ok(), again.etag()), (first.ok(), first.etag()), "{path}");
        let have = mio.with("if-none-match", &first.etag()).get(&path).await;
        assert_eq!((have.is(304).statements(), have.body.len()), (1, 0), "{path}");
    }
}

#[tokio::test]
async fn a_list_that_somebody_has_is_answered_from_the_heads_alone_by_an_instance_that_never_read_it() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let (mio, calendar, event) = world(&koyomi).await;
    let tag = mio.get(&list(&calendar)).await.etag();
    let other = koyomi.another_instance_as(Mode::plain()).await;
    let there = other.bearer(&mio.token);
    let answer = there.with("if-none-match", &tag).get(&list(&calendar)).await;
    assert_eq!(answer.is(304).statements(), 1);
    retitled(&mio, &event, "n=1").await;
    assert_eq!(titles(&there.with("if-none-match", &tag).get(&list(&calendar)).await), ["n=1"]);
}

#[tokio::test]
async fn every_kind_of_write_is_seen_by_the_next_read_of_another_instance() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let (mio, calendar, event) = world(&koyomi).await;
    let other = koyomi.another_instance_as(Mode::plain()).await;
    let there = other.bearer(&mio.token);
    let (event, room) = (id(&event).to_owned(), id(&items(&mio.get("/api/resources").await.ok())[0]).to_owned());
    let free = format!("/api/resources/availability?{WINDOW}");
    let busy = async || items(&there.get(&free).await.ok())[0]["busy"].as_array().unwrap().len();
    let one = async || items(&there.get(&list(&calendar)).await.ok())[0].clone();

    // Everything is warm before it changes.
    assert_eq!((one().await["title"].clone(), busy().await), (json!("n=0"), 1));
    mio.patch(&format!("/api/events/{event}"), json!({ "title": "n=1" })).await.is(200);
    assert_eq!(one().await["title"], "n=1");
    mio.post(&format!("/api/events/{event}/attendees"), json!({ "email": "ren@x.org" })).await.is(201);
    assert_eq!(one().await["attendees"].as_array().unwrap().len(), 2);
    mio.patch(&format!("/api/resources/{room}"), json!({ "name": "Hall" })).await.is(200);
    assert_eq!((one().await["room_name"].clone()), "Hall");
    mio.patch("/api/me", json!({ "name": "Mio M." })).await.is(200);
    assert_eq!(one().await["organizer_name"], "Mio M.");
    assert_eq!(there.get("/api/me").await.ok()["name"], "Mio M.");
    mio.patch(&format!("/api/calendars/{calendar}"), json!({ "name": "Play" })).await.is(200);
    assert_eq!(there.get(&format!("/api/calendars/{calendar}")).await.ok()["name"], "Play");
    let booked = mio.get(&format!("/api/events/{event}/reservations")).await.ok();
    mio.delete(&format!("/api/events/{event}/reservations/{}", id(&items(&booked)[0]))).await.is(204);
    assert_eq!(busy().await, 0);
    mio.delete(&format!("/api/events/{event}")).await.is(204);
    assert_eq!(titles(&there.get(&list(&calendar)).await), [] as [&str; 0]);
    there.get(&format!("/api/events/{event}")).await.problem(404, "not_found");
}

#[tokio::test]
async fn who_is_taken_out_sees_nothing_from_the_next_request_on_whatever_is_cached() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let (mio, calendar, _) = world(&koyomi).await;
    let ren = koyomi.user("ren").await;
    make::share(&mio, &calendar, &ren, "reader").await;
    let other = koyomi.another_instance_as(Mode::plain()).await;
    let there = other.bearer(&ren.token);
    assert_eq!(titles(&there.get(&list(&calendar)).await), ["n=0"]);
    let member = format!("/api/calendars/{calendar}/members/{}", ren.id);
    mio.patch(&member, json!({ "role": "free_busy" })).await.is(200);
    assert_eq!(items(&there.get(&list(&calendar)).await.ok())[0]["view"], "busy");
    mio.delete(&member).await.is(204);
    there.get(&list(&calendar)).await.problem(404, "not_found");
    let token = id(&items(&ren.get("/api/tokens").await.ok())[0]).to_owned();
    ren.delete(&format!("/api/tokens/{token}")).await.is(204);
    there.get("/api/me").await.problem(401, "unauthenticated");
}

/// One caller per role looks at the same list, one after the other: what one may see does not leak to the next.
#[tokio::test]
async fn a_view_is_shared_by_those_who_may_see_the_same_and_by_nobody_else() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let (mio, calendar, _) = world(&koyomi).await;
    make::event(&mio, &calendar, json!({ "title": "secret", "visibility": "private" })).await;
    let (ken, ren, yui) = (koyomi.user("ken").await, koyomi.user("ren").await, koyomi.user("yui").await);
    for (person, role) in [(&ken, "writer"), (&ren, "reader"), (&yui, "free_busy")] {
        make::share(&mio, &calendar, person, role).await;
    }
    for _ in 0..2 {
        let seen = async |person: &Client| {
            let items = items(&person.get(&list(&calendar)).await.ok()).clone();
            items.iter().map(|item| item["title"].as_str().unwrap_or("-").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(seen(&mio).await, ["n=0", "secret"]);
        assert_eq!(seen(&yui).await, ["-", "-"]);
        assert_eq!(seen(&ren).await, ["n=0", "-"]);
        assert_eq!(seen(&ken).await, ["n=0", "secret"]);
    }
}

/// How often PostgreSQL was asked for the page, as it counted itself.
async fn page_fills(koyomi: &Harness) -> i64 {
    let mut sql = koyomi.sql().await;
    sqlx::query("create extension if not exists pg_stat_statements").execute(&mut sql).await.unwrap();
    sqlx::query_scalar(
        "select coalesce(sum(s.calls), 0)::bigint from pg_stat_statements s join pg_database d on d.oid = s.dbid
         where d.datname = current_database() and s.query like '%cross join lateral%occurrences o%'",
    )
    .fetch_one(&mut sql)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_readers_of_one_cold_page_cost_one_fill_per_version() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let (mio, calendar, event) = world(&koyomi).await;
    for round in 1..=2 {
        let before = page_fills(&koyomi).await;
        let path = list(&calendar);
        let readers = (0..5000).map(|_| {
            let (mio, path) = (mio.clone(), path.clone());
            async move { mio.get(&path).await.is(200).statements() }
        });
        let mut readers = Box::pin(futures::stream::StreamExt::buffer_unordered(futures::stream::iter(readers), 500));
        let mut dear = 0;
        while let Some(statements) = futures::StreamExt::next(&mut readers).await {
            dear += usize::from(statements > 1);
        }
        assert_eq!((page_fills(&koyomi).await - before, dear), (1, 1), "round {round}");
        retitled(&mio, &event, &format!("n={round}")).await;
    }
}

#[tokio::test]
async fn what_one_instance_has_read_another_finds_in_redis_and_nothing_garbled_is_believed() {
    let redis = Redis::start().await;
    let koyomi = harness::start_as(Mode::with_redis(&redis.url())).await;
    let (mio, calendar, _) = world(&koyomi).await;
    let read = mio.get(&list(&calendar)).await;
    let patience = Instant::now() + Duration::from_secs(5);
    while redis.keys().await == 0 {
        assert!(Instant::now() < patience, "nothing arrives in Redis");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let other = koyomi.another_instance_as(Mode::with_redis(&redis.url())).await;
    let there = other.bearer(&mio.token).get(&list(&calendar)).await;
    assert_eq!((there.statements(), there.ok()), (1, read.ok()));

    let script = b"for _, key in ipairs(redis.call('keys', '*')) do redis.call('setrange', key, 60, 'garbage') end";
    redis.say(&[b"EVAL", script, b"0"]).await;
    let third = koyomi.another_instance_as(Mode::with_redis(&redis.url())).await;
    let there = third.bearer(&mio.token).get(&list(&calendar)).await;
    assert!(there.statements() > 1, "garbage was taken for a value");
    assert_eq!(there.ok(), read.ok());
}

#[tokio::test]
async fn redis_that_dies_is_never_an_error() {
    let mut redis = Redis::start().await;
    let koyomi = harness::start_as(Mode::with_redis(&redis.url())).await;
    let (mio, calendar, event) = world(&koyomi).await;
    mio.get(&list(&calendar)).await.is(200);
    redis.kill();
    for n in 1..=10 {
        retitled(&mio, &event, &format!("n={n}")).await;
        assert_eq!(titles(&mio.get(&list(&calendar)).await), [format!("n={n}")]);
    }
    redis.restart().await;
    retitled(&mio, &event, "back").await;
    assert_eq!(titles(&mio.get(&list(&calendar)).await), ["back"]);
}

#[tokio::test]
async fn a_switched_off_cache_reads_everything_anew_and_answers_the_same() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let (mio, calendar, _) = world(&koyomi).await;
    let cached = mio.get(&list(&calendar)).await;
    let other = koyomi.another_instance_as(Mode::uncached()).await;
    let there = other.bearer(&mio.token);
    for _ in 0..2 {
        let answer = there.get(&list(&calendar)).await;
        assert_eq!(answer.statements(), 5);
        assert_eq!((answer.ok(), answer.etag()), (cached.ok(), cached.etag()));
    }
}

#[tokio::test]
async fn every_answer_says_what_it_rests_on_and_nobody_is_shown_anything_older() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let (mio, calendar, event) = world(&koyomi).await;
    let written = retitled(&mio, &event, "n=1").await.header(TOKEN).to_owned();
    let read = mio.with(TOKEN, &written).get(&list(&calendar)).await;
    assert_eq!(titles(&read), ["n=1"]);
    assert!(!read.header(TOKEN).is_empty());
    let mut sql = koyomi.sql().await;
    // As a database would be that lags behind.
    sqlx::query("update heads set seq = seq - 1").execute(&mut sql).await.unwrap();
    mio.with(TOKEN, &written).get(&list(&calendar)).await.problem(503, "unavailable");
    sqlx::query("update heads set seq = seq + 1").execute(&mut sql).await.unwrap();
    mio.with(TOKEN, "junk").get(&list(&calendar)).await.problem(400, "malformed_request");
    // As after a restore.
    sqlx::query("update deploy set epoch = epoch + 1").execute(&mut sql).await.unwrap();
    mio.with(TOKEN, &written).get(&list(&calendar)).await.problem(410, "epoch_over");
    let tag = read.etag();
    assert_eq!(titles(&mio.with("if-none-match", &tag).get(&list(&calendar)).await), ["n=1"]);
}

/// Waits until the instance answers from memory.
async fn warm(client: &Client, path: &str) {
    let patience = Instant::now() + Duration::from_secs(10);
    while client.get(path).await.statements() > 0 {
        assert!(Instant::now() < patience, "never answered from memory");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn in_bounded_mode_memory_answers_until_the_news_come_and_a_token_asks_the_primary() {
    let koyomi = harness::start_as(Mode::bounded()).await;
    let (mio, calendar, event) = world(&koyomi).await;
    // A client of its own, who does not say what he has seen.
    let plain = |koyomi: &Harness| koyomi.forgetful(&mio.token);
    let other = koyomi.another_instance_as(Mode::bounded()).await;
    let there = plain(&other);
    warm(&there, &list(&calendar)).await;
    let written = retitled(&mio, &event, "n=1").await.header(TOKEN).to_owned();
    assert_eq!(titles(&there.with(TOKEN, &written).get(&list(&calendar)).await), ["n=1"]);
    let patience = Instant::now() + Duration::from_secs(2);
    while titles(&there.get(&list(&calendar)).await) != ["n=1"] {
        assert!(Instant::now() < patience, "the news never came");
    }
    warm(&there, &list(&calendar)).await;
}

#[tokio::test]
async fn in_bounded_mode_a_revocation_holds_when_it_is_acknowledged() {
    let koyomi = harness::start_as(Mode::bounded()).await;
    let (mio, calendar, _) = world(&koyomi).await;
    let ren = koyomi.user("ren").await;
    let other = koyomi.another_instance_as(Mode::bounded()).await;
    let there = other.forgetful(&ren.token);
    let member = format!("/api/calendars/{calendar}/members/{}", ren.id);
    for _ in 0..3 {
        make::share(&mio, &calendar, &ren, "reader").await;
        let patience = Instant::now() + Duration::from_secs(5);
        while there.get(&list(&calendar)).await.status != 200 {
            assert!(Instant::now() < patience, "never shared");
        }
        warm(&there, &list(&calendar)).await;
        mio.delete(&member).await.is(204);
        there.get(&list(&calendar)).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn junk_is_turned_away_without_a_question_to_the_database() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let junk = koyomi.bearer(&format!("kyt_{}", "a".repeat(43)));
    assert_eq!(junk.get("/api/me").await.is(401).statements(), 1);
    assert_eq!(junk.get("/api/me").await.is(401).statements(), 0);
}
