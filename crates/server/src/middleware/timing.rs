use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use store::Stats;

/// Where the time of a request went, beside the database: handlers find it in the request's extensions and add their
/// own entries (`head`, `cache`, `render`).
#[derive(Debug, Clone, Default)]
pub(crate) struct Timings(Arc<Mutex<String>>);

impl Timings {
    /// `name` is a token, `note` free of quotes: both are ours, not the caller's.
    pub(crate) fn add(&self, name: &str, took: Duration, note: Option<&str>) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entry(&mut entries, name, took, note);
        entries.push_str(", ");
    }

    /// `Server-Timing` (<https://www.w3.org/TR/server-timing/>), milliseconds.
    pub(super) fn header(&self, stats: &Stats, total: Duration) -> Option<HeaderValue> {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if !stats.head_check().is_zero() {
            entry(&mut text, "head", stats.head_check(), None);
            text.push_str(", ");
        }
        let queries = format!("queries={}", stats.statements());
        entry(&mut text, "db", stats.elapsed(), Some(&queries));
        text.push_str(", ");
        entry(&mut text, "total", total, None);
        HeaderValue::try_from(text).ok()
    }
}

fn entry(text: &mut String, name: &str, took: Duration, note: Option<&str>) {
    let micros = took.as_micros();
    let _ = write!(text, "{name};dur={}.{:03}", micros / 1000, micros % 1000);
    if let Some(note) = note {
        let _ = write!(text, ";desc=\"{note}\"");
    }
}
