//! What stays open: subscriptions, and how they hear that something happened or that this instance is being stopped.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use bus::{Bus, Watch};
use kernel::{Failure, Kind, Result};
use metrics::{Counter, counter, gauge};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

#[derive(Debug)]
pub(crate) struct Live {
    most: usize,
    bus: OnceLock<Bus>,
    leaving: AtomicBool,
    stopping: watch::Sender<bool>,
    places: Arc<Semaphore>,
    refused: Counter,
}

impl Live {
    /// Keeps so many subscriptions' sockets and streams open at most.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            bus: OnceLock::new(),
            leaving: AtomicBool::new(false),
            stopping: watch::Sender::new(false),
            places: Arc::new(Semaphore::new(most)),
            refused: counter!("koyomi_subscriptions_refused_total"),
        }
    }

    /// From now on there is news.
    pub(crate) fn hears(&self, bus: &Bus) {
        // The first one stays: an app is served once.
        let _ = self.bus.set(bus.clone());
    }

    /// The news from now on; none where no bus runs.
    pub(crate) fn watch(&self) -> Option<Watch> {
        self.bus.get().map(Bus::watch)
    }

    /// From now on nobody is to be sent here.
    pub(crate) fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    /// Whether the instance is being stopped.
    pub(crate) fn is_stopping(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    /// Tells the metrics what is open right now, and for how long the bus has said nothing.
    pub(crate) fn measure(&self) {
        let open = self.most - self.places.available_permits();
        gauge!("koyomi_subscriptions_open").set(f64::from(u32::try_from(open).unwrap_or(u32::MAX)));
        if let Some(heard) = self.bus.get().and_then(Bus::last_heard) {
            gauge!("koyomi_bus_silence_seconds").set(heard.elapsed().as_secs_f64());
        }
    }

    /// Tells everything that stays open to end.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Completes when the instance is being stopped.
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stopping = self.stopping.subscribe();
        async move {
            // An error means that the app is gone.
            let _ = stopping.wait_for(|stopping| *stopping).await;
        }
    }

    /// A place among those that stay open, until it is dropped.
    pub(crate) fn place(&self) -> Result<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            self.refused.increment(1);
            let most = self.most;
            let message =
                format!("{most} subscriptions are open here already; try again, another instance may have room");
            Failure::new(Kind::Unavailable, "unavailable", message)
        })
    }
}
