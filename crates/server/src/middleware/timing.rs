use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use store::Stats;

/// Where the time of a request went, beside the database: handlers find it in the request's extensions and add their
/// own entries (`cache`, `render`).
#[derive(Debug, Clone, Default)]
pub(crate) struct Timings(Arc<Mutex<String>>);

impl Timings {
    /// `name` is a token, ours and not the caller's.
    pub(crate) fn add(&self, name: &str, took: Duration) {
        entry(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner), name, took);
    }

    /// `Server-Timing` (<https://www.w3.org/TR/server-timing/>), milliseconds.
    pub(super) fn header(&self, stats: &Stats, total: Duration) -> Option<HeaderValue> {
        let mut text = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        text.reserve(96);
        if !stats.head_check().is_zero() {
            entry(&mut text, "head", stats.head_check());
        }
        entry(&mut text, "db", stats.elapsed());
        text.push_str(";desc=\"queries=");
        text.push_str(itoa::Buffer::new().format(stats.statements()));
        text.push('"');
        entry(&mut text, "total", total);
        HeaderValue::try_from(text).ok()
    }
}

fn entry(text: &mut String, name: &str, took: Duration) {
    if !text.is_empty() {
        text.push_str(", ");
    }
    let micros = took.as_micros();
    text.push_str(name);
    text.push_str(";dur=");
    text.push_str(itoa::Buffer::new().format(micros / 1000));
    // Three digits, the leading zeros too.
    let thousandths = itoa::Buffer::new().format(1000 + micros % 1000).to_owned();
    text.push('.');
    text.push_str(&thousandths[1..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_milliseconds_with_three_digits() {
        let timings = Timings::default();
        timings.add("render", Duration::from_micros(1_007));
        let header = timings.header(&Stats::default(), Duration::from_micros(12_345_670)).unwrap();
        assert_eq!(header, "render;dur=1.007, db;dur=0.000;desc=\"queries=0\", total;dur=12345.670");
    }
}
