use std::sync::Arc;

use kernel::Moved;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::metrics::Metrics;

/// How many news a subscriber may be behind before it is told to resync.
const CAPACITY: usize = 1024;

/// What a subscriber inside this process is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    Moved(Moved),
    /// Something may have been missed, of any subject: read what you follow from the database.
    Resync,
}

/// A subscription to the news. What happened before it began is not in it.
#[derive(Debug)]
pub struct Watch {
    news: broadcast::Receiver<News>,
    metrics: Arc<Metrics>,
}

impl Watch {
    /// The next one; none once the bus has stopped.
    pub async fn next(&mut self) -> Option<News> {
        match self.news.recv().await {
            Ok(news) => Some(news),
            Err(RecvError::Lagged(_)) => {
                self.metrics.resyncs.increment(1);
                Some(News::Resync)
            }
            Err(RecvError::Closed) => None,
        }
    }
}

/// The sending side, held by the consumer task alone: when it ends, the subscriptions end.
#[derive(Debug)]
pub(crate) struct FanOut(broadcast::Sender<News>);

impl FanOut {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }

    pub(crate) fn weak(&self) -> broadcast::WeakSender<News> {
        self.0.downgrade()
    }

    pub(crate) fn moved(&self, entries: &[Moved]) {
        if self.0.receiver_count() == 0 {
            return;
        }
        for moved in entries {
            // An error says that the last subscriber has gone.
            let _ = self.0.send(News::Moved(*moved));
        }
    }

    pub(crate) fn resync(&self) {
        let _ = self.0.send(News::Resync);
    }
}

/// A subscription; one that has ended already if the bus has.
pub(crate) fn subscribe(news: &broadcast::WeakSender<News>, metrics: &Arc<Metrics>) -> Watch {
    let news = match news.upgrade() {
        Some(news) => news.subscribe(),
        None => broadcast::channel(1).1,
    };
    Watch { news, metrics: Arc::clone(metrics) }
}
