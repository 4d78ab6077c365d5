//! Faults to order, for the storms that must find them. Compiled in only with the feature `planted`; without it every
//! question here is a constant `false` and costs nothing.
//!
//! `KOYOMI_PLANT=tag_after_data,bus_drop=0.01` in the environment of a server built with the feature plants them.

/// A protocol mistake that somebody could make. Each stands at the one place where the protocol does it right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// Read the version after the data it is said to be of.
    TagAfterData,
    /// Join the head check that is already running.
    JoinRunningCheck,
    /// Leave the epoch out of the key.
    NoEpochInKey,
    /// Leave the view class out of the key.
    NoViewInKey,
    /// Store a fill under the version that was checked instead of the one that was read.
    FillUnderChecked,
    /// Store a fill that was read under other access rules than those that were checked.
    KeepOtherAccess,
    /// Decide what the caller may see before the heads are checked.
    AuthoriseFirst,
    /// Take somebody for who he was, without a look at his version.
    KeepCaller,
    /// Answer a request that carries a consistency token from memory.
    BoundedWithToken,
    /// Acknowledge a write before its COMMIT.
    AcknowledgeFirst,
    /// Acknowledge a revocation without waiting for those who answer from memory.
    NoFence,
    /// Go on after a gap in the bus as if nothing had been missed.
    IgnoreGap,
}

impl Bug {
    pub const ALL: [Self; 12] = [
        Self::TagAfterData,
        Self::JoinRunningCheck,
        Self::NoEpochInKey,
        Self::NoViewInKey,
        Self::FillUnderChecked,
        Self::KeepOtherAccess,
        Self::AuthoriseFirst,
        Self::KeepCaller,
        Self::BoundedWithToken,
        Self::AcknowledgeFirst,
        Self::NoFence,
        Self::IgnoreGap,
    ];

    /// Its word in `KOYOMI_PLANT`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TagAfterData => "tag_after_data",
            Self::JoinRunningCheck => "join_running_check",
            Self::NoEpochInKey => "no_epoch_in_key",
            Self::NoViewInKey => "no_view_in_key",
            Self::FillUnderChecked => "fill_under_checked",
            Self::KeepOtherAccess => "keep_other_access",
            Self::AuthoriseFirst => "authorise_first",
            Self::KeepCaller => "keep_caller",
            Self::BoundedWithToken => "bounded_with_token",
            Self::AcknowledgeFirst => "acknowledge_first",
            Self::NoFence => "no_fence",
            Self::IgnoreGap => "ignore_gap",
        }
    }
}

/// A place where the world may be slow or lossy, with its chance (`bus_drop=0.01`) or its milliseconds (`fill_ms=5`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Chance that a bus message is lost on its way in.
    BusDrop,
    /// Chance that it comes twice.
    BusDuplicate,
    /// Milliseconds that each message is late.
    BusDelayMs,
    /// Milliseconds between reading data and storing them.
    FillMs,
}

#[cfg(feature = "planted")]
mod planted {
    use std::collections::HashMap;
    use std::sync::OnceLock;

    fn words() -> &'static HashMap<String, f64> {
        static WORDS: OnceLock<HashMap<String, f64>> = OnceLock::new();
        WORDS.get_or_init(|| {
            let text = std::env::var("KOYOMI_PLANT").unwrap_or_default();
            let read = |word: &str| {
                let (name, value) = word.split_once('=').unwrap_or((word, "1"));
                (name.trim().to_owned(), value.trim().parse().unwrap_or(0.0))
            };
            text.split(',').filter(|word| !word.trim().is_empty()).map(read).collect()
        })
    }

    pub(super) fn value(name: &str) -> f64 {
        words().get(name).copied().unwrap_or(0.0)
    }
}

/// Whether this mistake is to be made.
#[cfg(feature = "planted")]
pub fn is(bug: Bug) -> bool {
    planted::value(bug.name()) > 0.0
}

/// Whether this mistake is to be made: never, in a build without the feature.
#[cfg(not(feature = "planted"))]
#[inline(always)]
pub const fn is(_: Bug) -> bool {
    false
}

/// The chance or the milliseconds of a fault.
#[cfg(feature = "planted")]
pub fn value(fault: Fault) -> f64 {
    planted::value(match fault {
        Fault::BusDrop => "bus_drop",
        Fault::BusDuplicate => "bus_duplicate",
        Fault::BusDelayMs => "bus_delay_ms",
        Fault::FillMs => "fill_ms",
    })
}

/// The chance or the milliseconds of a fault: none, in a build without the feature.
#[cfg(not(feature = "planted"))]
#[inline(always)]
pub const fn value(_: Fault) -> f64 {
    0.0
}
