//! The gate before a server that does not exist, in time that does not pass by itself: open arrivals, a fixed capacity.

use std::collections::{BTreeMap, HashMap};

use super::*;

const TARGET: Duration = Duration::from_millis(100);
const STEP: Duration = Duration::from_millis(1);

/// A server that works on all it was given at once, each at the same speed: what it can do per second is fixed.
struct World {
    state: State<u64>,
    began: Instant,
    now: Instant,
    per_step: f64,
    /// Work left, and when it came, of what is under way.
    working: BTreeMap<u64, (f64, Instant, Class)>,
    queued: HashMap<u64, (Instant, Class)>,
    asked: u64,
    due: f64,
    seen: Seen,
}

#[derive(Default, Debug)]
struct Seen {
    answered: u64,
    shed: u64,
    took: Vec<Duration>,
}

impl World {
    fn new(per_second: f64, first: usize) -> Self {
        let now = Instant::now();
        Self {
            state: State::new(Limit::new(first, 4, 4096), TARGET, now),
            began: now,
            now,
            per_step: per_second / 1_000.0,
            working: BTreeMap::new(),
            queued: HashMap::new(),
            asked: 0,
            due: 0.0,
            seen: Seen::default(),
        }
    }

    /// `rate` requests per second arrive for so long.
    fn run(&mut self, seconds: u64, rate: f64, class: impl Fn(u64) -> Class) -> Seen {
        self.seen = Seen::default();
        for _ in 0..seconds * 1_000 {
            self.now += STEP;
            self.give_up();
            self.due += rate / 1_000.0;
            while self.due >= 1.0 {
                self.due -= 1.0;
                self.asked += 1;
                self.arrive(self.asked, class(self.asked));
            }
            self.work();
            self.check();
        }
        std::mem::take(&mut self.seen)
    }

    fn arrive(&mut self, id: u64, class: Class) {
        match self.state.arrive(class, |id| !self.queued.contains_key(id)) {
            Arrival::LetIn => drop(self.working.insert(id, (1.0, self.now, class))),
            Arrival::Full => self.seen.shed += 1,
            Arrival::Queue => {
                self.state.queues[class.index()].push_back(id);
                self.queued.insert(id, (self.now, class));
            }
        }
    }

    fn give_up(&mut self) {
        let now = self.now;
        let before = self.queued.len();
        self.queued.retain(|_, (came, _)| now - *came < patience(TARGET));
        self.seen.shed += (before - self.queued.len()) as u64;
    }

    fn work(&mut self) {
        let each = self.per_step / self.working.len().max(1) as f64;
        self.working.values_mut().for_each(|(left, ..)| *left -= each);
        let done: Vec<u64> = self.working.iter().filter(|(_, (left, ..))| *left <= 0.0).map(|(id, _)| *id).collect();
        for id in done {
            let (_, came, class) = self.working.remove(&id).unwrap();
            let took = self.now - came;
            self.seen.answered += 1;
            self.seen.took.push(took);
            self.state.leave(class, Some(took), self.now);
            let (queued, working) = (&mut self.queued, &mut self.working);
            let _ = self.state.call_in(|id| {
                let Some((came, class)) = queued.remove(&id) else { return false };
                working.insert(id, (1.0, came, class));
                true
            });
        }
    }

    /// The invariants, in every state that is reached.
    fn check(&self) {
        assert_eq!(self.working.len(), self.state.in_flight.iter().sum::<usize>());
        for class in Class::ALL {
            let waits = self.state.queues[class.index()].iter().any(|id| self.queued.contains_key(id));
            assert!(!waits || !self.state.has_room(class), "{class:?} waits though there is room");
        }
    }
}

impl Seen {
    fn p99(&self) -> Duration {
        let mut took = self.took.clone();
        took.sort_unstable();
        took[took.len() * 99 / 100]
    }
}

fn reads(_: u64) -> Class {
    Class::Read
}

#[test]
fn at_three_times_what_it_can_do_it_goes_on_doing_it() {
    // As many under way at first as it answers in a second would be, and less, and more.
    for (capacity, firsts) in [(100.0, [4, 16, 128]), (1_000.0, [16, 128, 1_000]), (3_000.0, [16, 128, 1_000])] {
        for first in firsts {
            let mut world = World::new(capacity, first);
            world.run(5, capacity * 3.0, reads);
            let seen = world.run(10, capacity * 3.0, reads);
            let told = format!("{capacity} {first}: {} answered, {} shed, {:?}", seen.answered, seen.shed, seen.p99());
            assert!(seen.answered as f64 >= 0.95 * capacity * 10.0, "{told}");
            assert!(seen.p99() <= TARGET * 3 / 2, "{told}");
        }
    }
}

#[test]
fn when_the_flood_is_over_everybody_is_let_in_again() {
    let mut world = World::new(1_000.0, 128);
    world.run(30, 3_000.0, reads);
    world.run(1, 700.0, reads);
    let seen = world.run(10, 700.0, reads);
    assert_eq!(seen.shed, 0);
}

#[test]
fn what_it_can_do_is_never_refused() {
    let mut world = World::new(1_000.0, 128);
    assert_eq!(world.run(30, 900.0, reads).shed, 0);
}

#[test]
fn reads_leave_room_for_changes_and_bulk_leaves_room_for_both() {
    let mut world = World::new(1_000.0, 128);
    for _ in 0..300 {
        world.asked += 1;
        world.arrive(world.asked, Class::Bulk);
    }
    assert_eq!(world.state.in_flight[Class::Bulk.index()], 32);
    for _ in 0..300 {
        world.asked += 1;
        world.arrive(world.asked, Class::Read);
    }
    assert_eq!(world.state.under_way(), 128);
    let mut world = World::new(1_000.0, 128);
    for _ in 0..300 {
        world.asked += 1;
        world.arrive(world.asked, Class::Read);
    }
    assert_eq!(world.state.in_flight[Class::Read.index()], 116);
    assert!(matches!(world.state.arrive(Class::Write, |_| false), Arrival::LetIn));
    assert!(matches!(world.state.arrive(Class::Operation, |_| false), Arrival::LetIn), "never refused");
}

#[test]
fn seldom_and_slow_is_no_reason_to_let_in_less() {
    let mut world = World::new(2.0, 128);
    world.run(60, 2.0, reads);
    assert_eq!(world.state.limit.get(), 128);
    assert!(world.began < world.now);
}

#[tokio::test]
async fn who_goes_away_in_the_queue_leaves_no_place_taken() {
    let gate = Gate::new(Shedding { first: 1, least: 1, most: 1, ..Shedding::default() });
    let later = Instant::now() + Duration::from_secs(10);
    for _ in 0..100 {
        let first = gate.enter(Class::Write, later).await.unwrap();
        let second = gate.enter(Class::Write, later);
        tokio::pin!(second);
        assert!(futures::poll!(&mut second).is_pending());
        assert_eq!(gate.enter(Class::Write, later).await.unwrap_err().code(), "overloaded");
        // His turn comes, and he is gone before he hears of it.
        first.leave();
        assert_eq!(gate.lock().under_way(), 1);
    }
    assert_eq!(gate.lock().under_way(), 0);
}
