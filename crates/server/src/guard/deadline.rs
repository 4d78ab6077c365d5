use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, Method};
use kernel::{Failure, Kind};

use super::class::Class;
use crate::error::ApiError;

/// Milliseconds that the sender will wait: may only shorten what the server allows.
const TIMEOUT: HeaderName = HeaderName::from_static("koyomi-timeout");

/// GraphQL tells of its own deadline in its own words; it gets so much time for that.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How long requests may take until their answer begins, where they do not ask for less.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    pub read: Duration,
    pub write: Duration,
    pub graphql: Duration,
    pub bulk: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { read: seconds(20), write: seconds(20), graphql: seconds(20), bulk: seconds(60) }
    }
}

/// How long one request may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// When the work for it is to end.
    pub until: Instant,
    /// When the answer is given up that should have come by then.
    pub at_last: Instant,
    is_safe: bool,
}

impl Deadlines {
    pub(super) fn of(
        &self,
        class: Class,
        method: &Method,
        headers: &HeaderMap,
        now: Instant,
    ) -> Result<Patience, ApiError> {
        let usual = match class {
            Class::Operation | Class::Read | Class::Live => self.read,
            Class::Login | Class::Write => self.write,
            Class::Graphql => self.graphql,
            Class::Bulk => self.bulk,
        };
        let allowed = wished(headers)?.map_or(usual, |wished| wished.min(usual));
        let until = now + allowed;
        let own_words = if class == Class::Graphql { LAST_WORDS } else { Duration::ZERO };
        Ok(Patience { until, at_last: until + own_words, is_safe: method.is_safe() })
    }
}

impl Patience {
    #[cfg(test)]
    pub(crate) fn of_a_read(allowed: Duration) -> Self {
        let until = Instant::now() + allowed;
        Self { until, at_last: until, is_safe: true }
    }

    /// What is said when the time is over: a write goes on in its own task.
    pub(crate) fn over(&self) -> Failure {
        if self.is_safe {
            let message = "this took longer than it was given and was given up; ask for less, or leave it more time";
            return Failure::new(Kind::Unavailable, "timeout", message);
        }
        Failure::new(
            Kind::OutcomeUnknown,
            "outcome_unknown",
            "this took too long to wait for, and may still happen; read it back, or send it again with the same \
             Idempotency-Key",
        )
    }
}

fn wished(headers: &HeaderMap) -> Result<Option<Duration>, ApiError> {
    let Some(value) = headers.get(&TIMEOUT) else { return Ok(None) };
    match value.to_str().ok().and_then(|text| text.parse::<u32>().ok()) {
        Some(millis) if millis > 0 => Ok(Some(Duration::from_millis(millis.into()))),
        _ => Err(Failure::malformed("Koyomi-Timeout", "must be a number of milliseconds, 1 or more").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_only_shortens() {
        let of = |text: &'static str| {
            let headers = HeaderMap::from_iter([(TIMEOUT, text.parse().unwrap())]);
            let before = Instant::now();
            let patience = Deadlines::default().of(Class::Read, &Method::GET, &headers, before).ok()?;
            Some((patience.until - before).as_secs())
        };
        assert_eq!(of("5000"), Some(5));
        assert_eq!(of("4000000000"), Some(20));
        for bad in ["0", "-1", "1.5", "soon", "99999999999"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
