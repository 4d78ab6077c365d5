use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kernel::{Moved, Result};
use store::Store;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use crate::consumer::Consumer;
use crate::keeper::Keeper;
use crate::mark::Marker;
use crate::marks::Marks;
use crate::metrics::Metrics;
use crate::nats::Nats;
use crate::relay::Relay;
use crate::source::Source;
use crate::tracker::Tracker;
use crate::trouble::Running;
use crate::watch::{FanOut, News, Watch, subscribe};
use crate::{Settings, Transport};

/// After this the tasks are ended where they are.
pub const LONGEST_GOODBYE: Duration = Duration::from_secs(2);

/// What an instance is told, in order and from one task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard<'a> {
    /// These subjects have reached these versions, at least. Repeats and older ones occur.
    Moved(&'a [Moved]),
    /// Something may have been missed, for this reason. Whatever rests on what was heard rests on nothing now.
    Lost(&'static str),
    /// A new epoch has begun; a `Lost` came before it.
    Epoch(i64),
    /// Everything that was committed before this instant has been heard, or was covered by a `Lost` before it.
    Complete { as_of: Instant },
}

/// Who is told.
pub(crate) type Hear = Box<dyn Fn(Heard<'_>) + Send + Sync>;

/// A running bus: relay, consumer, marks. It ends with [`Bus::stop`] or with its last clone.
#[derive(Clone)]
pub struct Bus(Arc<Inner>);

struct Inner {
    running: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    news: broadcast::WeakSender<News>,
    metrics: Arc<Metrics>,
    pulse: Arc<Pulse>,
}

impl Bus {
    /// Starts the tasks. What cannot be reached is tried again in the background; `hear` must be quick, and is called from
    /// the consumer's task only.
    ///
    /// # Errors
    /// When an address in the settings cannot be read.
    pub async fn start(
        store: Store,
        settings: Settings,
        hear: impl Fn(Heard<'_>) + Send + Sync + 'static,
    ) -> Result<Self> {
        let (running, receiver) = watch::channel(true);
        let running_too = Running(receiver);
        let metrics = Arc::new(Metrics::new());
        let pulse = Arc::new(Pulse::new());
        let fan_out = FanOut::new();
        let news = fan_out.weak();
        let mut tasks = Vec::new();
        if settings.transport != Transport::Off {
            let nats = match &settings.transport {
                Transport::Nats { url } => Some(Nats::connect(url).await?),
                Transport::Postgres | Transport::Off => None,
            };
            let marks = Arc::new(Marks::default());
            // Not one of the store's ids: those may be fixed, and two instances must never take each other's marks.
            let instance = rand::random();
            let tracker = Tracker::new(instance, store.epoch().0, Arc::clone(&marks), Arc::clone(&metrics));
            let consumer = Consumer {
                source: Source::new(&settings, nats.clone())?,
                tracker,
                hear: Box::new(hear),
                fan_out,
                pulse: Arc::clone(&pulse),
                silence: Duration::from_secs(3).max(settings.heartbeat * 3),
            };
            tasks.push(tokio::spawn(consumer.run(running_too.clone())));
            let relay = Relay::new(store.clone(), &settings, nats.clone(), Arc::clone(&metrics));
            let keeper = Keeper {
                store: store.clone(),
                every: settings.heartbeat,
                deleted: relay.deleted(),
                metrics: Arc::clone(&metrics),
            };
            tasks.push(tokio::spawn(relay.run(running_too.clone())));
            tasks.push(tokio::spawn(keeper.run(running_too.clone())));
            if let Some(interval) = settings.marks {
                let marker = Marker { store, nats, instance, marks, interval, life: 0 };
                tasks.push(tokio::spawn(marker.run(running_too)));
            }
        }
        Ok(Self(Arc::new(Inner { running, tasks: Mutex::new(tasks), news, metrics, pulse })))
    }

    /// The news from now on, for a subscriber that reads what came before from the database *after* it has called this.
    pub fn watch(&self) -> Watch {
        subscribe(&self.0.news, &self.0.metrics)
    }

    /// When the last message came in, of whatever kind.
    pub fn last_heard(&self) -> Option<Instant> {
        self.0.pulse.last()
    }

    /// Ends all tasks and waits for them. Nothing is heard afterwards.
    pub async fn stop(&self) {
        self.0.running.send_replace(false);
        let tasks = std::mem::take(&mut *self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let deadline = tokio::time::Instant::now() + LONGEST_GOODBYE;
        for mut task in tasks {
            if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
                task.abort();
                // Cancelled, which is what was asked for.
                let _ = task.await;
            }
        }
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus").field("last_heard", &self.last_heard()).finish_non_exhaustive()
    }
}

/// When something was heard last.
#[derive(Debug)]
pub(crate) struct Pulse {
    since: Instant,
    /// Microseconds after `since`, and one more; 0 for never.
    at: AtomicU64,
}

impl Pulse {
    fn new() -> Self {
        Self { since: Instant::now(), at: AtomicU64::new(0) }
    }

    pub(crate) fn beat(&self) {
        let micros = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX - 1);
        self.at.store(micros + 1, Ordering::Relaxed);
    }

    fn last(&self) -> Option<Instant> {
        let micros = self.at.load(Ordering::Relaxed).checked_sub(1)?;
        self.since.checked_add(Duration::from_micros(micros))
    }
}
