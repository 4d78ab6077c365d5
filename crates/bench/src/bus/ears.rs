use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bus::Heard;
use kernel::{CalendarId, Subject};

/// What has been heard, and how long it took from the answer to COMMIT.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ears(Arc<Mutex<Heads>>);

#[derive(Debug, Default)]
struct Heads {
    heads: HashMap<CalendarId, Head>,
    lags: Vec<Duration>,
    complete: Option<Instant>,
    losses: u64,
}

#[derive(Debug, Default)]
struct Head {
    heard: i64,
    /// Committed and not yet heard.
    open: VecDeque<(i64, Instant)>,
}

impl Ears {
    fn heads(&self) -> MutexGuard<'_, Heads> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn hear(&self, heard: Heard<'_>) {
        let mut all = self.heads();
        match heard {
            Heard::Moved(entries) => {
                for moved in entries {
                    let Subject::Calendar(calendar) = moved.subject else { continue };
                    let Heads { heads, lags, .. } = &mut *all;
                    let head = heads.entry(calendar).or_default();
                    head.heard = head.heard.max(moved.seq);
                    while let Some((_, committed)) = head.open.pop_front_if(|(seq, _)| *seq <= moved.seq) {
                        lags.push(committed.elapsed());
                    }
                }
            }
            Heard::Lost(_) => all.losses += 1,
            Heard::Epoch(_) => {}
            Heard::Complete { as_of } => all.complete = Some(as_of),
        }
    }

    pub(crate) fn committed(&self, calendar: CalendarId, seq: i64, at: Instant) {
        let mut all = self.heads();
        let Heads { heads, lags, .. } = &mut *all;
        let head = heads.entry(calendar).or_default();
        if head.heard >= seq {
            // Before its writer got to tell.
            lags.push(Duration::ZERO);
        } else {
            head.open.push_back((seq, at));
        }
    }

    /// Until everything committed before now has been heard.
    pub(crate) async fn complete(&self) {
        let now = Instant::now();
        while self.heads().complete.is_none_or(|as_of| as_of < now) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub(crate) fn heard(&self, calendar: CalendarId) -> i64 {
        self.heads().heads.get(&calendar).map_or(0, |head| head.heard)
    }

    pub(crate) fn losses(&self) -> u64 {
        self.heads().losses
    }

    pub(crate) fn take_lags(&self) -> Vec<Duration> {
        std::mem::take(&mut self.heads().lags)
    }
}
