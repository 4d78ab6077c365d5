//! How many requests of a class one caller may send: `RateLimit` headers (draft-ietf-httpapi-ratelimit-headers-10) tell him
//! what is left, 429 that nothing is.

use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use axum::extract::Request;
use http::{HeaderMap, HeaderName, HeaderValue};
use kernel::{Failure, Kind, Result, Spent};
use metrics::Counter;

use super::class::Class;
use super::gcra::{Quota, Taken};
use super::principal::Key;
use super::table::Table;
use crate::listen::Peer;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Callers that are remembered; 7 MB.
const CALLERS: usize = 100_000;

/// What each class allows one caller; a class without a quota is not limited.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RateLimits(Vec<(&'static str, Quota)>);

impl RateLimits {
    fn standard() -> Self {
        let per_minute = [("login", 10), ("read", 120), ("write", 30), ("graphql", 60), ("bulk", 5)];
        Self(per_minute.map(|(class, requests)| (class, Quota::per_minute(requests))).into())
    }
}

/// `off`, `on`, or what is other than usual: `read=600,login=5/300` (requests per minute, or in so many seconds).
impl FromStr for RateLimits {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => return Ok(Self::default()),
            "on" => return Ok(Self::standard()),
            _ => {}
        }
        let mut limits = Self::standard();
        for part in text.split(',') {
            let problem =
                || format!("`{part}` is not like read=120 (per minute) or login=10/300 (in 300 s), nor on or off");
            let (class, quota) = part.split_once('=').ok_or_else(problem)?;
            let (requests, seconds) = quota.split_once('/').unwrap_or((quota, "60"));
            let (requests, seconds): (u32, u32) =
                requests.parse().ok().zip(seconds.parse().ok()).filter(|(_, s)| *s > 0).ok_or_else(problem)?;
            let place = limits.0.iter_mut().find(|(name, _)| *name == class.trim()).ok_or_else(|| {
                format!("`{class}` is no class of requests; there are login, read, write, graphql and bulk")
            })?;
            place.1 = Quota { requests, window: Duration::from_secs(seconds.into()) };
        }
        limits.0.retain(|(_, quota)| quota.requests > 0);
        Ok(limits)
    }
}

/// As it is read.
impl std::fmt::Display for RateLimits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.write_str("off");
        }
        if *self == Self::standard() {
            return f.write_str("on");
        }
        for (n, (class, quota)) in self.0.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            write!(f, "{comma}{class}={}/{}", quota.requests, quota.window.as_secs())?;
        }
        Ok(())
    }
}

/// How quotas are kept.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub limits: RateLimits,
    /// Redis, where all instances keep them together.
    pub shared: Option<String>,
    /// Addresses whose `X-Forwarded-For` is believed.
    pub proxies: Vec<IpAddr>,
}

#[derive(Debug)]
pub(crate) struct Rates {
    classes: [Option<Of>; Class::ALL.len()],
    table: Table,
    shared: Option<cache::Quotas>,
    proxies: Vec<IpAddr>,
}

/// The quota of a class.
#[derive(Debug)]
struct Of {
    name: &'static str,
    quota: Quota,
    policy: HeaderValue,
    limited: Counter,
}

/// Whose quota a request goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    class: Class,
    key: Key,
}

/// What is told of a quota.
#[derive(Debug)]
pub(crate) struct Charged<'r> {
    of: &'r Of,
    taken: Taken,
}

impl Rates {
    /// # Errors
    /// `validation_failed` for an address of Redis that is none.
    pub(super) fn new(settings: Settings, scope: &str) -> Result<Self> {
        let of = |class: Class| {
            let (name, quota) = settings.limits.0.iter().find(|(name, _)| *name == class.name())?;
            let policy = format!("\"{name}\";q={};w={}", quota.requests, quota.window.as_secs());
            Some(Of {
                name,
                quota: *quota,
                policy: HeaderValue::try_from(policy).ok()?,
                limited: metrics::counter!("koyomi_http_requests_limited_total", "class" => *name),
            })
        };
        let shared = settings.shared.as_deref().map(|url| cache::Quotas::new(url, scope)).transpose()?;
        Ok(Self { classes: Class::ALL.map(of), table: Table::new(CALLERS), shared, proxies: settings.proxies })
    }

    /// None where nothing is limited.
    pub(super) fn account(&self, class: Class, request: &Request) -> Option<Account> {
        self.classes[class.index()].as_ref()?;
        let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
        Some(Account { class, key: Key::of_request(class, request.headers(), peer, &self.proxies) })
    }

    /// Who tries the passwords of one person from many addresses is limited by that person.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) async fn signs_in(&self, tenant: &str, email: &str) -> Result<()> {
        let name = format!("{tenant}\0{}", email.trim().to_lowercase());
        let account = Account { class: Class::Login, key: Key::of(Class::Login, name.as_bytes()) };
        self.charge(account).await.map_or(Ok(()), |charged| charged.refusal().map_or(Ok(()), Err))
    }

    pub(super) async fn charge(&self, account: Account) -> Option<Charged<'_>> {
        let of = self.classes[account.class.index()].as_ref()?;
        let shared = match &self.shared {
            Some(quotas) => quotas.take(account.key.bytes(), of.quota.interval(), of.quota.most()).await,
            None => None,
        };
        // Without Redis each instance goes on for itself.
        let taken = match shared {
            Some((allowed, ahead)) => Taken { allowed, ahead },
            None => self.table.take(account.key, &of.quota),
        };
        if !taken.allowed {
            of.limited.increment(1);
        }
        Some(Charged { of, taken })
    }
}

impl Charged<'_> {
    pub(super) fn refusal(&self) -> Option<Failure> {
        if self.taken.allowed {
            return None;
        }
        let Of { name, quota, .. } = self.of;
        let (requests, window) = (quota.requests, quota.window.as_secs());
        let message = format!(
            "these requests ({name}) are limited to {requests} in {window} s, and nothing is left; wait as long as \
             Retry-After says"
        );
        let spent = Spent { name, quota: requests, window: u32::try_from(window).unwrap_or(u32::MAX) };
        let failure = Failure::new(Kind::TooOften, "rate_limited", message).with_spent(spent);
        Some(failure.with_retry_after(quota.wait(self.taken)))
    }

    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        let Of { name, quota, policy, .. } = self.of;
        let (left, seconds) = (quota.remaining(self.taken), self.taken.ahead.as_millis().div_ceil(1000));
        if let Ok(told) = HeaderValue::try_from(format!("\"{name}\";r={left};t={seconds}")) {
            headers.insert(LIMIT, told);
        }
        headers.insert(POLICY, policy.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_they_are_written() {
        let read = |text: &str| text.parse::<RateLimits>().map(|limits| limits.to_string());
        assert_eq!(read("off").unwrap(), "off");
        assert_eq!(read("on").unwrap(), "on");
        let some = read("read=600,login=5/300,bulk=0").unwrap();
        assert_eq!(some, "login=5/300,read=600/60,write=30/60,graphql=60/60");
        assert_eq!(read(&some).unwrap(), "login=5/300,read=600/60,write=30/60,graphql=60/60,bulk=5/60");
        for bad in ["", "read", "read=", "read=-1", "reads=1", "read=1/0", "read=1,", "yes"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
