//! Hears the messages and tells the instance.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use kernel::Failure;
use kernel::plant::{self, Fault};
use store::traceparent;
use tokio::time::Instant;
use tracing::{Span, debug_span};

use crate::bus::{Hear, Heard, Pulse};
use crate::frame::Frame;
use crate::source::{Ear, Source};
use crate::tracker::Tracker;
use crate::trouble::{Running, Trouble};
use crate::watch::FanOut;

pub(crate) struct Consumer {
    pub source: Source,
    pub tracker: Tracker,
    pub hear: Hear,
    pub fan_out: FanOut,
    pub pulse: Arc<Pulse>,
    /// After so long without any message the connection is taken for dead: a heartbeat should have come.
    pub silence: Duration,
}

impl Consumer {
    pub(crate) async fn run(mut self, mut running: Running) {
        let mut trouble = Trouble::new("hearing the bus");
        let mut unreadable = false;
        loop {
            let failure = tokio::select! {
                () = running.ended() => return,
                failure = self.listen(&mut trouble, &mut unreadable) => failure,
            };
            if !running.rest(trouble.failed(&failure)).await {
                return;
            }
        }
    }

    /// Hears until the subscription breaks.
    async fn listen(&mut self, trouble: &mut Trouble, unreadable: &mut bool) -> Failure {
        let mut ear = match self.source.listen().await {
            Ok(ear) => ear,
            Err(failure) => return failure,
        };
        self.tell(|tracker, hear| tracker.reconnected(hear));
        let mut late = Late::default();
        loop {
            let text = match self.next(&mut ear, &mut late).await {
                Ok(text) => text,
                Err(failure) => return failure,
            };
            match Frame::decode(&text) {
                Some(frame) => {
                    trouble.works();
                    let _span = hearing(&frame);
                    self.tell(|tracker, hear| tracker.take(&frame, hear));
                }
                None => {
                    if !std::mem::replace(unreadable, true) {
                        tracing::warn!(bytes = text.len(), "a message on the bus cannot be read: another version?");
                    }
                    self.tell(|tracker, hear| tracker.lose("unreadable", hear));
                }
            }
        }
    }

    /// The next message that is due.
    async fn next(&self, ear: &mut Ear, late: &mut Late) -> Result<String, Failure> {
        loop {
            if let Some(text) = late.due() {
                return Ok(text);
            }
            let deadline = late.next().unwrap_or_else(|| Instant::now() + self.silence);
            match tokio::time::timeout_at(deadline, ear.next()).await {
                Ok(text) => {
                    self.pulse.beat();
                    late.arrived(text?);
                }
                Err(_) if late.next().is_some() => {}
                Err(_) => return Err(Failure::internal("nothing was heard for too long")),
            }
        }
    }

    fn tell(&mut self, work: impl FnOnce(&mut Tracker, &dyn Fn(Heard<'_>))) {
        let (hear, fan_out) = (&self.hear, &self.fan_out);
        work(&mut self.tracker, &|heard| {
            hear(heard);
            match heard {
                Heard::Moved(entries) => fan_out.moved(entries),
                Heard::Lost(_) | Heard::Epoch(_) => fan_out.resync(),
                Heard::Complete { .. } => {}
            }
        });
    }
}

/// News, as they are told to the instance: below the span that they come from, where that is traced.
fn hearing(frame: &Frame) -> Span {
    let Frame::Message(message, Some(origin)) = frame else { return Span::none() };
    let span = debug_span!(
        target: "koyomi::trace",
        parent: None,
        "bus consume",
        otel.kind = "consumer",
        messaging.message.id = format!("{}.{}", message.epoch, message.n),
        messaging.batch.message_count = i64::try_from(message.entries.len()).unwrap_or(i64::MAX)
    );
    traceparent::below(&span, origin.context());
    span
}

/// What has arrived, with the faults that were ordered: lost, doubled, late.
#[derive(Default)]
struct Late(VecDeque<(Instant, String)>);

impl Late {
    fn arrived(&mut self, text: String) {
        let chance = |fault| {
            let chance = plant::value(fault);
            chance > 0.0 && rand::random::<f64>() < chance
        };
        if chance(Fault::BusDrop) {
            return;
        }
        let due = Instant::now() + Duration::from_secs_f64(plant::value(Fault::BusDelayMs).max(0.0) / 1000.0);
        if chance(Fault::BusDuplicate) {
            self.0.push_back((due, text.clone()));
        }
        self.0.push_back((due, text));
    }

    fn next(&self) -> Option<Instant> {
        self.0.front().map(|(due, _)| *due)
    }

    fn due(&mut self) -> Option<String> {
        let now = Instant::now();
        self.0.pop_front_if(|(due, _)| *due <= now).map(|(_, text)| text)
    }
}
