//! What a consumer makes of what comes in: no I/O.

use std::sync::Arc;

use kernel::plant::{self, Bug};

use crate::bus::Heard;
use crate::frame::{Frame, Mark, Message, Place};
use crate::marks::Marks;
use crate::metrics::Metrics;

#[derive(Debug)]
pub(crate) struct Tracker {
    instance: u64,
    marks: Arc<Marks>,
    metrics: Arc<Metrics>,
    epoch: i64,
    /// Nothing up to this number was missed, or a loss was told after it was sent. None since the last (re)connect.
    last: Option<i64>,
    /// Of this instance's marks.
    life: Option<u64>,
    /// Marks up to this one were noted before the latest loss was told: they complete nothing.
    fence: u64,
}

impl Tracker {
    pub(crate) fn new(instance: u64, epoch: i64, marks: Arc<Marks>, metrics: Arc<Metrics>) -> Self {
        Self { instance, marks, metrics, epoch, last: None, life: None, fence: 0 }
    }

    /// Another connection: what was sent between the last one and this is unknown, and where its numbers begin, too.
    pub(crate) fn reconnected(&mut self, hear: &dyn Fn(Heard<'_>)) {
        self.last = None;
        self.lose("connected", hear);
    }

    pub(crate) fn take(&mut self, frame: &Frame, hear: &dyn Fn(Heard<'_>)) {
        self.metrics.received.increment(1);
        match frame {
            Frame::Message(message, _) => self.message(message, hear),
            Frame::Mark(mark, place) if mark.instance == self.instance => self.mark(*mark, *place, hear),
            Frame::Mark(..) => {}
        }
    }

    fn message(&mut self, message: &Message, hear: &dyn Fn(Heard<'_>)) {
        let Some(last) = self.arrive(message.epoch, message.previous, message.n, hear) else { return };
        self.last = Some(last.max(message.n));
        self.metrics.entries.increment(u64::try_from(message.entries.len()).unwrap_or(0));
        if !message.entries.is_empty() {
            hear(Heard::Moved(&message.entries));
        }
        if message.swept
            && let Some(as_of) = self.marks.swept(message.n, self.fence)
        {
            self.metrics.completed.increment(1);
            hear(Heard::Complete { as_of });
        }
    }

    fn mark(&mut self, mark: Mark, place: Place, hear: &dyn Fn(Heard<'_>)) {
        let Some(last) = self.arrive(place.epoch, place.n, place.n, hear) else { return };
        self.last = Some(last);
        if self.life != Some(mark.life) && self.life.replace(mark.life).is_some() {
            self.last = Some(place.n);
            self.lose("database", hear);
        }
        if mark.counter > self.fence
            && let Some(as_of) = self.marks.complete(mark.counter)
        {
            self.metrics.completed.increment(1);
            hear(Heard::Complete { as_of });
        }
    }

    /// Something came that presumes everything up to `known` to have been heard: tells of a loss if it was not. Answers
    /// the number up to which nothing is untold any more, or nothing for what is not of this epoch.
    fn arrive(&mut self, epoch: i64, known: i64, n: i64, hear: &dyn Fn(Heard<'_>)) -> Option<i64> {
        if epoch < self.epoch {
            // Of a past that did not happen, perhaps. If its number counts after all, the next one shows the gap.
            return None;
        }
        if epoch > self.epoch {
            self.epoch = epoch;
            self.lose("epoch", hear);
            hear(Heard::Epoch(epoch));
            return Some(n);
        }
        match self.last {
            // The very first may be missing, too: the loss told when the connection was made came before it was sent.
            None => {
                self.lose("joined", hear);
                Some(n)
            }
            Some(last) if known > last => {
                if !plant::is(Bug::IgnoreGap) {
                    self.lose("gap", hear);
                }
                Some(n)
            }
            Some(last) => Some(last),
        }
    }

    /// First it is told, and only what is noted afterwards counts again.
    pub(crate) fn lose(&mut self, reason: &'static str, hear: &dyn Fn(Heard<'_>)) {
        self.metrics.lost(reason);
        hear(Heard::Lost(reason));
        self.fence = self.marks.newest();
    }
}

#[cfg(test)]
mod tests;
