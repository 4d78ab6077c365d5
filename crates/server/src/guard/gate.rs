//! Lets requests in: as many at once as [`super::limit`] has found good, a bounded number of others wait for a bounded time,
//! the rest is told at once to come back later.
//!
//! Invariants: what is under way is what was let in and has not left; a class has at most its share of that; nobody waits
//! where there is room for him; a queue holds at most as many as its class may have under way.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kernel::{Failure, Kind};
use metrics::{Counter, Gauge};
use tokio::sync::oneshot;

use super::class::Class;
use super::limit::{Limit, Window};

const CLASSES: usize = Class::ALL.len();
/// So long is looked at before something is learned from it; after a decrease until its effect can be seen.
const WINDOW: Duration = Duration::from_millis(100);

/// When requests are turned away.
#[derive(Debug, Clone, Copy)]
pub struct Shedding {
    /// A read should be answered within this, a GraphQL document or a change within twice as long, the wait to be let in
    /// included, which takes half of it at most.
    pub target: Duration,
    /// Under way at once: to begin with, at least, at most.
    pub first: usize,
    pub least: usize,
    pub most: usize,
}

impl Default for Shedding {
    fn default() -> Self {
        Self { target: Duration::from_millis(100), first: 128, least: 16, most: 4096 }
    }
}

#[derive(Debug)]
pub(super) struct Gate {
    target: Duration,
    state: Mutex<State<oneshot::Sender<()>>>,
    metrics: Metrics,
}

/// A place among those under way, until it is dropped.
#[derive(Debug)]
pub(super) struct Permit<'g> {
    gate: &'g Gate,
    class: Class,
    /// When it came, and perhaps had to wait.
    came: Instant,
    /// Answered, so that something can be learned from it; a client that hung up says nothing.
    answered: bool,
}

/// A place in a queue. A place under way may have been given to it in the moment in which it is given up.
struct Waiting<'g> {
    gate: &'g Gate,
    class: Class,
    turn: oneshot::Receiver<()>,
    served: bool,
}

impl Gate {
    pub(super) fn new(settings: Shedding) -> Self {
        let metrics = Metrics::new();
        let limit = Limit::new(settings.first, settings.least, settings.most);
        let state = State::new(limit, settings.target, Instant::now());
        metrics.limit(state.limit.get());
        Self { target: settings.target, state: Mutex::new(state), metrics }
    }

    /// # Errors
    /// `overloaded`.
    pub(super) async fn enter(&self, class: Class, until: Instant) -> Result<Permit<'_>, Failure> {
        let came = Instant::now();
        let queued = {
            let mut state = self.lock();
            match state.arrive(class, oneshot::Sender::is_closed) {
                Arrival::LetIn => None,
                Arrival::Full => return Err(self.shed(class)),
                Arrival::Queue => {
                    let (tell, turn) = oneshot::channel();
                    state.queues[class.index()].push_back(tell);
                    self.metrics.queue(class, state.queues[class.index()].len());
                    Some(turn)
                }
            }
        };
        if let Some(turn) = queued {
            let mut waiting = Waiting { gate: self, class, turn, served: false };
            let patience = patience(self.target).min(until.saturating_duration_since(came));
            match tokio::time::timeout(patience, &mut waiting.turn).await {
                Ok(Ok(())) => waiting.served = true,
                _ => return Err(self.shed(class)),
            }
        }
        Ok(Permit { gate: self, class, came, answered: false })
    }

    fn shed(&self, class: Class) -> Failure {
        self.metrics.shed[class.index()].increment(1);
        Failure::new(
            Kind::Unavailable,
            "overloaded",
            "more is asked of this server than it can answer; nothing was done, try again after Retry-After",
        )
        .with_retry_after(come_back(class))
    }

    fn leave(&self, class: Class, now: Instant, took: Option<Duration>) {
        let mut state = self.lock();
        if state.leave(class, took, now) {
            self.metrics.limit(state.limit.get());
        }
        if state.call_in(|tell| tell.send(()).is_ok()) {
            for class in Class::ALL {
                self.metrics.queue(class, state.queues[class.index()].len());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<oneshot::Sender<()>>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    pub(super) fn leave(mut self) {
        self.answered = true;
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        self.gate.leave(self.class, now, self.answered.then(|| now - self.came));
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.turn.close();
        if !self.served && self.turn.try_recv().is_ok() {
            self.gate.leave(self.class, Instant::now(), None);
        }
    }
}

/// Who waits longer to be let in is not answered within the target either.
fn patience(target: Duration) -> Duration {
    target / 2
}

/// Who waits for what needs more work is told to stay away longer.
const fn come_back(class: Class) -> Duration {
    Duration::from_secs(match class {
        Class::Bulk => 30,
        Class::Login => 5,
        Class::Write => 2,
        _ => 1,
    })
}

enum Arrival {
    LetIn,
    Queue,
    Full,
}

/// Without waiting and without a clock. `W`: how somebody in a queue is told.
#[derive(Debug)]
struct State<W> {
    limit: Limit,
    target: Duration,
    in_flight: [usize; CLASSES],
    queues: [VecDeque<W>; CLASSES],
    /// Whose turn it is next, so that no class waits for ever behind another.
    next: usize,
    window: Window,
    /// When the window is closed.
    closes: Instant,
}

impl<W> State<W> {
    fn new(limit: Limit, target: Duration, now: Instant) -> Self {
        Self {
            limit,
            target,
            in_flight: [0; CLASSES],
            queues: std::array::from_fn(|_| VecDeque::new()),
            next: 0,
            window: Window::default(),
            closes: now + WINDOW,
        }
    }

    /// `gone`: whether somebody in a queue has given up.
    fn arrive(&mut self, class: Class, mut gone: impl FnMut(&W) -> bool) -> Arrival {
        let n = class.index();
        if is_exempt(class) || (self.queues[n].is_empty() && self.has_room(class)) {
            self.let_in(class);
            return Arrival::LetIn;
        }
        // Of those whose time tells something.
        self.window.full |= self.target_of(class).is_some();
        let most = self.share(class);
        // All of a class wait equally long: those who have given up stand in front.
        while self.queues[n].len() >= most && self.queues[n].front().is_some_and(&mut gone) {
            self.queues[n].pop_front();
        }
        if self.queues[n].len() < most { Arrival::Queue } else { Arrival::Full }
    }

    /// `took`: of one that was answered, since it came. What it waited counts: by the work alone, as many would be let in as
    /// are answered just in time, and who had to wait, too, would be late. Whether the limit is another now.
    fn leave(&mut self, class: Class, took: Option<Duration>, now: Instant) -> bool {
        self.in_flight[class.index()] -= 1;
        if let (Some(took), Some(target)) = (took, self.target_of(class)) {
            self.window.answered += 1;
            self.window.slow += u64::from(took > target);
        }
        if now < self.closes {
            return false;
        }
        let window = std::mem::take(&mut self.window);
        self.window.peak = self.under_way();
        let before = self.limit.get();
        let less = self.limit.learn(window);
        // What is under way was let in by the old one.
        self.closes = now + if less { WINDOW.max(self.target * 2) } else { WINDOW };
        before != self.limit.get()
    }

    /// Lets in who waits, as long as there is room; `tell` says whether he was still there. Whether a queue is another now.
    fn call_in(&mut self, mut tell: impl FnMut(W) -> bool) -> bool {
        if self.queues.iter().all(VecDeque::is_empty) {
            return false;
        }
        let mut empty = 0;
        while empty < CLASSES {
            let class = Class::ALL[self.next];
            self.next = (self.next + 1) % CLASSES;
            empty += 1;
            while self.has_room(class)
                && let Some(waiting) = self.queues[class.index()].pop_front()
            {
                if tell(waiting) {
                    self.let_in(class);
                    empty = 0;
                    break;
                }
            }
        }
        true
    }

    fn let_in(&mut self, class: Class) {
        self.in_flight[class.index()] += 1;
        self.window.peak = self.window.peak.max(self.under_way());
    }

    fn has_room(&self, class: Class) -> bool {
        self.under_way() < self.limit.get() && self.in_flight[class.index()] < self.share(class)
    }

    fn under_way(&self) -> usize {
        Class::ALL.iter().filter(|class| !is_exempt(**class)).map(|class| self.in_flight[class.index()]).sum()
    }

    /// How many of a class may be under way: reads leave some room for changes, and what is large or slow on purpose has
    /// a quarter.
    fn share(&self, class: Class) -> usize {
        let limit = self.limit.get();
        match class {
            Class::Read | Class::Graphql => (limit * 9).div_ceil(10),
            Class::Login | Class::Bulk => limit.div_ceil(4),
            _ => limit,
        }
    }

    /// How long an answer should take; none where it says nothing of the load.
    fn target_of(&self, class: Class) -> Option<Duration> {
        match class {
            Class::Read => Some(self.target),
            Class::Graphql | Class::Write => Some(self.target * 2),
            _ => None,
        }
    }
}

const fn is_exempt(class: Class) -> bool {
    matches!(class, Class::Operation | Class::Live)
}

#[derive(Debug)]
struct Metrics {
    shed: [Counter; CLASSES],
    limit: Gauge,
    queues: [Gauge; CLASSES],
}

impl Metrics {
    fn new() -> Self {
        let shed = |class: Class| metrics::counter!("koyomi_http_requests_shed_total", "class" => class.name());
        let queue = |class: Class| metrics::gauge!("koyomi_http_queue_depth", "class" => class.name());
        Self {
            shed: Class::ALL.map(shed),
            limit: metrics::gauge!("koyomi_http_concurrency_limit"),
            queues: Class::ALL.map(queue),
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "thousands")]
    fn limit(&self, limit: usize) {
        self.limit.set(limit as f64);
    }

    #[allow(clippy::cast_precision_loss, reason = "thousands")]
    fn queue(&self, class: Class, length: usize) {
        self.queues[class.index()].set(length as f64);
    }
}

#[cfg(test)]
mod tests;
