//! The network between the instances and their parts, where it is to be made bad.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use link::{Condition, Link};
use rand::Rng;
use rand::rngs::StdRng;

use crate::weather::Fault;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Part {
    Postgres,
    Redis,
    Nats,
}

/// What the network does to all connections with a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Trouble {
    /// Everything is late, now more, now less.
    Latency,
    /// Little fits through.
    Narrow,
    /// Nothing arrives, and nobody is told; then it is as before, or all connections are reset.
    HalfOpen,
    /// The same, one way only.
    OneWay,
    /// As half open; then whoever connects anew is served, and what was connected before stays silent for good.
    Forgotten,
}

impl Part {
    const ALL: [Self; 3] = [Self::Postgres, Self::Redis, Self::Nats];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Nats => "bus",
        }
    }
}

impl Trouble {
    const ALL: [Self; 5] = [Self::Latency, Self::Narrow, Self::HalfOpen, Self::OneWay, Self::Forgotten];
}

/// Every trouble of every part.
pub(crate) fn faults() -> impl Iterator<Item = Fault> {
    Part::ALL.into_iter().flat_map(|part| Trouble::ALL.map(|trouble| Fault::Link(part, trouble)))
}

pub(crate) const fn name(part: Part, trouble: Trouble) -> &'static str {
    use Part::{Nats, Postgres, Redis};
    match (trouble, part) {
        (Trouble::Latency, Postgres) => "latency_postgres",
        (Trouble::Latency, Redis) => "latency_redis",
        (Trouble::Latency, Nats) => "latency_nats",
        (Trouble::Narrow, Postgres) => "narrow_postgres",
        (Trouble::Narrow, Redis) => "narrow_redis",
        (Trouble::Narrow, Nats) => "narrow_nats",
        (Trouble::HalfOpen, Postgres) => "half_open_postgres",
        (Trouble::HalfOpen, Redis) => "half_open_redis",
        (Trouble::HalfOpen, Nats) => "half_open_nats",
        (Trouble::OneWay, Postgres) => "one_way_postgres",
        (Trouble::OneWay, Redis) => "one_way_redis",
        (Trouble::OneWay, Nats) => "one_way_nats",
        (Trouble::Forgotten, Postgres) => "forgotten_postgres",
        (Trouble::Forgotten, Redis) => "forgotten_redis",
        (Trouble::Forgotten, Nats) => "forgotten_nats",
    }
}

/// One for each part that is to have trouble.
#[derive(Default)]
pub(crate) struct Links {
    postgres: Option<Link>,
    redis: Option<Link>,
    nats: Option<Link>,
}

impl Links {
    /// What koyomi is told instead of `url`, where one of the faults is about this part.
    pub(crate) async fn lead(&mut self, part: Part, url: &str, faults: &[Fault]) -> anyhow::Result<String> {
        if !faults.iter().any(|fault| matches!(fault, Fault::Link(of, _) if *of == part)) {
            return Ok(url.to_owned());
        }
        let odd = || format!("no host and port in the URL of {}", part.name());
        let (before, rest) = url.split_once("://").with_context(odd)?;
        let (authority, after) = rest.split_once('/').map_or((rest, String::new()), |(a, b)| (a, format!("/{b}")));
        let (credentials, host) = authority
            .rsplit_once('@')
            .map_or((String::new(), authority), |(credentials, host)| (format!("{credentials}@"), host));
        let to: SocketAddr = tokio::net::lookup_host(host).await?.next().with_context(odd)?;
        let link = Link::start(to).await?;
        let led = format!("{before}://{credentials}{}{after}", link.address());
        *self.slot(part) = Some(link);
        Ok(led)
    }

    fn slot(&mut self, part: Part) -> &mut Option<Link> {
        match part {
            Part::Postgres => &mut self.postgres,
            Part::Redis => &mut self.redis,
            Part::Nats => &mut self.nats,
        }
    }

    pub(crate) fn of(&self, part: Part) -> anyhow::Result<&Link> {
        let link = match part {
            Part::Postgres => &self.postgres,
            Part::Redis => &self.redis,
            Part::Nats => &self.nats,
        };
        link.as_ref().with_context(|| format!("there is no link to {}", part.name()))
    }
}

/// How a trouble begins.
pub(crate) fn condition(trouble: Trouble, rng: &mut StdRng) -> Condition {
    let millis = Duration::from_millis;
    match trouble {
        Trouble::Latency => {
            Condition::Slow { latency: millis(rng.random_range(2..40)), jitter: millis(rng.random_range(1..40)) }
        }
        Trouble::Narrow => Condition::Narrow(rng.random_range(20_000..100_000)),
        Trouble::OneWay if rng.random_bool(0.5) => Condition::Deaf,
        Trouble::OneWay => Condition::Mute,
        Trouble::HalfOpen | Trouble::Forgotten => Condition::Silent,
    }
}

/// How it ends.
pub(crate) fn end(link: &Link, trouble: Trouble, rng: &mut StdRng) {
    match trouble {
        Trouble::HalfOpen | Trouble::OneWay if rng.random_bool(0.5) => link.cut(),
        Trouble::Forgotten => link.forget(),
        _ => {}
    }
    link.set(Condition::Good);
}
