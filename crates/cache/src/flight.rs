use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures::FutureExt;
use kernel::{Failure, Result};
use tokio::sync::Notify;

use crate::key::Key;

/// One piece of work for all who want the same at the same time. It runs in a task of its own: nobody who goes away takes
/// it with him. Who joins gets what it finds; what is *kept* of it is the worker's business, never under this key alone.
#[derive(Debug)]
pub(crate) struct Flights<V> {
    under_way: Arc<Mutex<HashMap<Key, Arc<Flight<V>>>>>,
}

#[derive(Debug)]
struct Flight<V> {
    landed: OnceLock<Result<V>>,
    wake: Notify,
}

impl<V: Clone + Send + Sync + 'static> Flights<V> {
    pub(crate) fn new() -> Self {
        Self { under_way: Arc::default() }
    }

    /// The result, and whether it was this call that started the work.
    pub(crate) async fn join<W>(&self, key: &Key, work: impl FnOnce() -> W) -> (Result<V>, bool)
    where
        W: Future<Output = Result<V>> + Send + 'static,
    {
        let (flight, led) = self.board(key);
        if led {
            let (under_way, key, flight, work) =
                (Arc::clone(&self.under_way), key.clone(), Arc::clone(&flight), work());
            store::spawned_for_all(async move {
                let result = AssertUnwindSafe(work).catch_unwind().await;
                let result = result.unwrap_or_else(|_| Err(Failure::internal("a fill panicked")));
                // Before the landing: who comes now finds the value kept, or starts anew.
                under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
                let _ = flight.landed.set(result);
                flight.wake.notify_waiters();
            });
        }
        loop {
            // Created before the look at `landed`: a wake-up between the two is not lost.
            let woken = flight.wake.notified();
            if let Some(result) = flight.landed.get() {
                return (result.clone(), led);
            }
            woken.await;
        }
    }

    fn board(&self, key: &Key) -> (Arc<Flight<V>>, bool) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = under_way.get(key) {
            return (Arc::clone(flight), false);
        }
        let flight = Arc::new(Flight { landed: OnceLock::new(), wake: Notify::new() });
        under_way.insert(key.clone(), Arc::clone(&flight));
        (flight, true)
    }
}
