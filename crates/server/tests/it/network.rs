//! A network that swallows what it is given and tells nobody, between one of two instances and its parts.

use std::net::SocketAddr;
use std::time::Duration;

use link::{Condition, Link};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::task::JoinHandle;

use crate::harness::{self, Answer, Client, Harness, Mode, Person};
use crate::make::{self, id, items};
use crate::redis::Redis;

const TIMEOUT: &str = "koyomi-timeout";
const WINDOW: &str = "from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z";

/// An instance that is well, and one behind a link to the database.
struct Scene {
    well: Harness,
    far: Harness,
    link: Link,
    mio: Person,
    event: String,
    list: String,
}

async fn scene(mode: Mode) -> Scene {
    let well = harness::start_as(Mode::plain()).await;
    let mio = well.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "title": "n=0" })).await;
    let (event, list) = (format!("/api/events/{}", id(&event)), format!("/api/calendars/{calendar}/events?{WINDOW}"));
    let url = well.database_url();
    let (before, rest) = url.rsplit_once('@').unwrap();
    let (host, name) = rest.split_once('/').unwrap();
    let to: SocketAddr = tokio::net::lookup_host(host).await.unwrap().next().unwrap();
    let link = Link::start(to).await.unwrap();
    let far = well.another_instance_through(mode, format!("{before}@{}/{name}", link.address())).await;
    let scene = Scene { well, far, link, mio, event, list };
    scene.until("application_name = 'koyomi pulse'", 2).await;
    scene
}

impl Scene {
    /// Through the instance behind the link.
    fn far(&self) -> Client {
        self.far.bearer(&self.mio.token)
    }

    async fn rename(&self, title: &str) {
        self.mio.patch(&self.event, json!({ "title": title })).await.is(200);
    }

    /// What the far instance shows, once it answers. It is asked until it does, and must not be wrong meanwhile.
    async fn shown(&self) -> String {
        for _ in 0..600 {
            let answer = self.far().get(&self.list).await;
            if answer.status == 200 {
                return items(&answer.ok())[0]["title"].as_str().unwrap().to_owned();
            }
            assert_eq!(answer.status, 503, "{}", answer.text());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it does not answer again");
    }

    /// Until there are so many such sessions.
    async fn until(&self, session: &str, count: i64) {
        let mut sql = self.well.sql().await;
        let question =
            format!("select count(*) from pg_stat_activity where datname = current_database() and {session}");
        for _ in 0..500 {
            if sqlx::query_scalar::<_, i64>(AssertSqlSafe(question.clone())).fetch_one(&mut sql).await.unwrap() >= count
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no session with {session}");
    }

    /// Their numbers.
    async fn sessions(&self, application: &str) -> Vec<i32> {
        let question = "select pid from pg_stat_activity where datname = current_database() and application_name = $1";
        sqlx::query_scalar(question).bind(application).fetch_all(&mut self.well.sql().await).await.unwrap()
    }

    /// A change through the far instance that waits for who holds the heads.
    async fn written_behind_a_lock(&self) -> (PgConnection, JoinHandle<Answer>) {
        let held = self.holding("select * from heads for update").await;
        let (far, event) = (self.far(), self.event.clone());
        let written = tokio::spawn(async move { far.patch(&event, json!({ "title": "perhaps" })).await });
        self.until("application_name = 'koyomi' and wait_event_type = 'Lock'", 1).await;
        (held, written)
    }

    async fn holding(&self, statement: &'static str) -> PgConnection {
        let mut sql = self.well.sql().await;
        sqlx::raw_sql("begin").execute(&mut sql).await.unwrap();
        sqlx::raw_sql(statement).execute(&mut sql).await.unwrap();
        sql
    }
}

#[tokio::test]
async fn a_half_open_database_costs_nothing_that_was_acknowledged_and_shows_nothing_old() {
    let scene = scene(Mode::plain()).await;
    assert_eq!(scene.shown().await, "n=0");
    let conditions = [Condition::Silent, Condition::Deaf, Condition::Mute];
    for (n, condition) in conditions.into_iter().chain(conditions).enumerate() {
        scene.link.set(condition);
        let (far, hasty) = (scene.far(), scene.far().with(TIMEOUT, "300"));
        hasty.get(&scene.list).await.problem(503, "timeout");
        let perhaps = format!("perhaps {n}");
        let answer = hasty.patch(&scene.event, json!({ "title": perhaps })).await;
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(!answer.header("retry-after").is_empty());
        if n >= conditions.len() {
            scene.link.cut();
        }
        scene.link.set(Condition::Good);
        // What was told to be unknown may still happen; nothing else.
        let title = format!("n={n}");
        scene.rename(&title).await;
        assert!([&title, &perhaps].contains(&&scene.shown().await), "{condition:?}");
        far.patch(&scene.event, json!({ "title": "far" })).await.is(200);
        let shown = scene.mio.get(&scene.event).await.ok()["title"].clone();
        assert!(shown == "far" || shown == perhaps, "{condition:?}: {shown}");
    }
}

#[tokio::test]
async fn the_locks_of_a_connection_that_was_lost_without_a_word_are_given_back() {
    let scene = scene(Mode::plain()).await;
    assert_eq!(scene.shown().await, "n=0");
    let (held, written) = scene.written_behind_a_lock().await;
    scene.link.forget();
    // Now its session has the head, in a transaction that nobody will end.
    held.close().await.unwrap();
    scene.rename("n=1").await;
    let told = written.await.unwrap();
    assert_eq!(told.status, 503, "{}", told.text());
    assert_eq!(scene.shown().await, "n=1");
    scene.far().patch(&scene.event, json!({ "title": "n=2" })).await.is(200);
    assert_eq!(scene.mio.get(&scene.event).await.ok()["title"], "n=2");
}

/// Nobody has heard the pulse when the network goes: it had just ended, and was being made anew.
#[tokio::test]
async fn a_network_that_goes_silent_while_the_pulse_is_made_anew_is_noticed() {
    let scene = scene(Mode::plain()).await;
    assert_eq!(scene.shown().await, "n=0");
    let (held, written) = scene.written_behind_a_lock().await;
    for pid in scene.sessions("koyomi pulse").await {
        let ended = sqlx::query("select pg_terminate_backend($1, 5000)").bind(pid);
        ended.execute(&mut scene.well.sql().await).await.unwrap();
    }
    // Its end has arrived, and it is found at the next beat.
    tokio::time::sleep(Duration::from_millis(20)).await;
    scene.link.set(Condition::Silent);
    tokio::time::sleep(Duration::from_secs(2)).await;
    scene.link.forget();
    scene.link.set(Condition::Good);
    held.close().await.unwrap();
    scene.rename("n=1").await;
    let told = written.await.unwrap();
    assert_eq!(told.status, 503, "{}", told.text());
    assert_eq!(scene.shown().await, "n=1");
}

/// Once more, before it is known that what was connected before the first time is lost.
#[tokio::test]
async fn what_is_forgotten_while_the_first_loss_is_being_noticed_is_ended_with_the_rest() {
    let scene = scene(Mode::plain()).await;
    assert_eq!(scene.shown().await, "n=0");
    scene.link.forget();
    // The pulse has asked, and hears nothing.
    tokio::time::sleep(Duration::from_millis(600)).await;
    let held = scene.holding("select * from heads for update").await;
    let written: Vec<_> = (0..5)
        .map(|_| {
            let (far, event) = (scene.far(), scene.event.clone());
            // Some on connections that are lost, the others on new ones.
            tokio::spawn(async move { far.patch(&event, json!({ "title": "perhaps" })).await })
        })
        .collect();
    scene.until("application_name = 'koyomi' and wait_event_type = 'Lock'", 1).await;
    scene.link.forget();
    held.close().await.unwrap();
    scene.rename("n=1").await;
    for told in written {
        let told = told.await.unwrap();
        assert!([200, 503].contains(&told.status), "{}", told.text());
    }
    scene.far().patch(&scene.event, json!({ "title": "n=2" })).await.is(200);
    assert_eq!(scene.shown().await, "n=2");
}

/// A machine with more to do than it can, or a backend that stands still: others are heard, so nothing is lost.
#[tokio::test]
async fn a_pulse_that_is_late_alone_ends_nobodys_session() {
    let scene = scene(Mode::plain()).await;
    assert_eq!(scene.shown().await, "n=0");
    let (heads, pulses) = (scene.sessions("koyomi heads").await, scene.sessions("koyomi pulse").await);
    let stopped: Vec<Stopped> = pulses.into_iter().map(Stopped::new).collect();
    for n in 0.. {
        // Each asks over a connection that was there before.
        scene.far().get(&scene.list).await.is(200);
        scene.mio.get(&scene.list).await.is(200);
        tokio::time::sleep(Duration::from_millis(20)).await;
        // Both look for others, and have had the time to judge by what those say.
        let doubtful = scene.sessions("koyomi pulse").await.len() >= 2 * stopped.len();
        if doubtful && n >= 100 {
            break;
        }
        assert!(n < 1000, "nobody has noticed that it is late");
    }
    let kept = scene.sessions("koyomi heads").await;
    assert!(heads.iter().all(|pid| kept.contains(pid)), "{heads:?}, then {kept:?}");
    drop(stopped);
    scene.until("application_name = 'koyomi pulse' and state = 'idle'", 2).await;
    scene.far().patch(&scene.event, json!({ "title": "n=1" })).await.is(200);
    assert_eq!(scene.shown().await, "n=1");
}

/// A backend that stands still, until this is dropped.
struct Stopped(i32);

impl Stopped {
    fn new(pid: i32) -> Self {
        signal("-STOP", pid);
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        signal("-CONT", self.0);
    }
}

fn signal(which: &str, pid: i32) {
    assert!(std::process::Command::new("kill").args([which, &pid.to_string()]).status().unwrap().success());
}

#[tokio::test]
async fn a_fill_on_a_connection_that_was_lost_without_a_word_is_made_anew() {
    let scene = scene(Mode::plain()).await;
    let held = scene.holding("lock table occurrences").await;
    let (far, list) = (scene.far(), scene.list.clone());
    let read = tokio::spawn(async move { far.get(&list).await });
    scene.until("application_name = 'koyomi' and wait_event_type = 'Lock'", 1).await;
    scene.link.forget();
    held.close().await.unwrap();
    let told = read.await.unwrap();
    assert!(told.status == 200 || told.status == 503 && told.json()["code"] != "timeout", "{}", told.text());
    scene.far().get(&scene.list).await.is(200);
}

#[tokio::test]
async fn a_half_open_redis_is_nobodys_business() {
    let redis = Redis::start().await;
    let link = Link::start(redis.address()).await.unwrap();
    let well = harness::start_as(Mode::with_redis(&redis.url())).await;
    let far = well.another_instance_as(Mode::with_redis(&format!("redis://{}/0", link.address()))).await;
    let mio = well.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "title": "before" })).await;
    let (event, list) = (format!("/api/events/{}", id(&event)), format!("/api/calendars/{calendar}/events?{WINDOW}"));
    let there = far.bearer(&mio.token);
    let troubles: [fn(&Link); 5] = [
        |link| link.set(Condition::Silent),
        |link| link.set(Condition::Deaf),
        |link| link.set(Condition::Mute),
        Link::cut,
        Link::forget,
    ];
    for (n, trouble) in troubles.into_iter().enumerate() {
        // Warm, so that there are connections to lose.
        there.get(&list).await.is(200);
        trouble(&link);
        for (m, writer) in [&*mio, &there].into_iter().enumerate() {
            let title = format!("n={n}.{m}");
            writer.patch(&event, json!({ "title": title })).await.is(200);
            for reader in [&*mio, &there] {
                let shown = reader.get(&list).await.ok();
                assert_eq!(items(&shown)[0]["title"], title);
            }
        }
        link.set(Condition::Good);
        is_used_again(&redis, &there, &list, &event).await;
    }
}

/// Until the far instance puts what it reads into Redis again.
async fn is_used_again(redis: &Redis, there: &Client, list: &str, event: &str) {
    for n in 0..500 {
        redis.say(&[b"FLUSHALL"]).await;
        there.patch(event, json!({ "title": format!("again {n}") })).await.is(200);
        there.get(list).await.is(200);
        tokio::time::sleep(Duration::from_millis(20)).await;
        if redis.keys().await > 0 {
            return;
        }
    }
    panic!("Redis is not used again");
}
