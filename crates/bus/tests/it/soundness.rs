//! `Complete { as_of }` must be true: everything committed before `as_of` has been heard.
//!
//! A writer that has waited for its COMMIT notes when. The checker, which is what hears, compares at each `Complete`.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bus::{Bus, Heard};
use kernel::{CalendarId, Subject};
use uuid::Uuid;

use crate::support::{PATIENCE, World, announce};

const WRITERS: u128 = 6;
const INSTANCES: usize = 3;
const WRITING: Duration = Duration::from_secs(4);

struct Commit {
    seq: i64,
    /// Before the statement was sent.
    begun: Instant,
    /// After the COMMIT was answered.
    done: Instant,
}

#[derive(Default)]
struct Checker {
    commits: HashMap<Subject, VecDeque<Commit>>,
    heard: HashMap<Subject, i64>,
    /// What was committed before may have been missed: whoever hears this reads the database.
    lost: Option<Instant>,
    complete: Option<Instant>,
    completed: u32,
    checked: u32,
    broken: Vec<String>,
}

impl Checker {
    fn hear(&mut self, what: Heard<'_>) {
        match what {
            Heard::Moved(entries) => {
                for moved in entries {
                    let seq = self.heard.entry(moved.subject).or_default();
                    *seq = moved.seq.max(*seq);
                }
            }
            Heard::Lost(_) => self.lost = Some(Instant::now()),
            Heard::Epoch(_) => {}
            Heard::Complete { as_of } => self.complete(as_of),
        }
    }

    fn complete(&mut self, as_of: Instant) {
        self.completed += 1;
        self.complete = Some(as_of);
        for (subject, commits) in &mut self.commits {
            while let Some(commit) = commits.pop_front_if(|commit| commit.done < as_of) {
                let heard = self.heard.get(subject).copied().unwrap_or_default();
                self.checked += 1;
                if heard < commit.seq && self.lost.is_none_or(|lost| commit.begun > lost) {
                    let early = as_of - commit.done;
                    self.broken.push(format!("{subject:?}: {} of {heard} was committed {early:?} before", commit.seq));
                }
            }
        }
    }
}

type Shared = Arc<Mutex<Checker>>;

async fn instance(world: &World, stall: Option<Duration>) -> (Bus, Shared) {
    let checker = Shared::default();
    let hearing = Arc::clone(&checker);
    let stalled = Mutex::new(Instant::now());
    let hear = move |what: Heard<'_>| {
        if let Some(stall) = stall {
            let mut last = stalled.lock().unwrap();
            if last.elapsed() > stall * 2 {
                std::thread::sleep(stall);
                *last = Instant::now();
            }
        }
        hearing.lock().unwrap().hear(what);
    };
    let bus = Bus::start(world.store.clone(), world.settings(), hear).await.unwrap();
    (bus, checker)
}

/// Writers against several instances; `disturb` happens meanwhile.
async fn check(world: World, stall: Option<Duration>, disturb: impl AsyncFn(&World)) {
    let mut instances = Vec::new();
    for _ in 0..INSTANCES {
        instances.push(instance(&world, stall).await);
    }
    let writing = Arc::new(AtomicBool::new(true));
    let writers = (1..=WRITERS).map(|writer| {
        let (store, writing) = (world.store.clone(), Arc::clone(&writing));
        let checkers: Vec<Shared> = instances.iter().map(|(_, checker)| Arc::clone(checker)).collect();
        tokio::spawn(async move {
            let id = Uuid::from_u128(writer);
            let mut seq = 0;
            while writing.load(Ordering::Relaxed) {
                let mut conn = store.conn().await.unwrap();
                seq += 1;
                let begun = Instant::now();
                announce(&mut conn, id, seq).await;
                let done = Instant::now();
                drop(conn);
                for checker in &checkers {
                    let mut checker = checker.lock().unwrap();
                    let commits = checker.commits.entry(Subject::Calendar(CalendarId(id))).or_default();
                    commits.push_back(Commit { seq, begun, done });
                }
                tokio::time::sleep(Duration::from_millis(u64::from(rand::random::<u8>() % 8))).await;
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let until = Instant::now() + WRITING;
    while Instant::now() < until {
        tokio::time::sleep(WRITING / 5).await;
        disturb(&world).await;
    }
    writing.store(false, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    let end = Instant::now();
    for (bus, checker) in instances {
        while checker.lock().unwrap().complete.is_none_or(|as_of| as_of < end) {
            assert!(end.elapsed() < PATIENCE, "never complete again");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        bus.stop().await;
        let checker = checker.lock().unwrap();
        println!("completed {} times, {} commits checked", checker.completed, checker.checked);
        assert!(checker.broken.is_empty(), "{} of {}: {:?}", checker.broken.len(), checker.checked, checker.broken[0]);
        assert!(checker.completed >= 20, "complete only {} times", checker.completed);
        assert!(checker.checked >= 1000, "only {} commits checked", checker.checked);
    }
}

const STALL: Duration = Duration::from_millis(300);

/// Relays, marks and listeners are killed while it goes on.
async fn cut(world: &World) {
    for name in ["koyomi bus relay", "koyomi bus marks", "koyomi bus"] {
        world.cut(name).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn postgres_complete_is_true() {
    check(World::postgres().await, None, async |_| {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn nats_complete_is_true() {
    check(World::nats().await, None, async |_| {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn postgres_complete_is_true_where_hearing_stalls() {
    check(World::postgres().await, Some(STALL), async |_| {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn nats_complete_is_true_where_hearing_stalls() {
    check(World::nats().await, Some(STALL), async |_| {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn postgres_complete_is_true_while_connections_are_cut() {
    check(World::postgres().await, None, cut).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn nats_complete_is_true_while_connections_are_cut() {
    check(World::nats().await, None, cut).await;
}
