//! Which requests are traced. Decided before anything is made for it: a request that is not traced costs what it costs
//! where nothing is traced at all.

use std::sync::OnceLock;

use opentelemetry::trace::{Link, SpanKind, TraceContextExt, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};
use uuid::Uuid;

/// Of the traces that begin here, those whose number is below this one. None: nobody collects any.
static BELOW: OnceLock<u64> = OnceLock::new();

/// The part of a minted number that is random and nothing else: its last 32 bits (before them stands a counter).
const RANDOM: u64 = 1 << 32;

pub(super) fn start(share: f64) {
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 2^32"
    )]
    BELOW.get_or_init(|| (share.clamp(0.0, 1.0) * RANDOM as f64) as u64);
}

/// Whether traces are collected.
pub(crate) fn is_on() -> bool {
    BELOW.get().is_some()
}

/// Whether a request is traced: as its sender has decided, or by the random part of its own number.
pub(crate) fn begins(sender: Option<bool>, own: &Uuid) -> bool {
    let Some(below) = BELOW.get() else { return false };
    sender.unwrap_or_else(|| is_below(*below, own))
}

fn is_below(below: u64, own: &Uuid) -> bool {
    (own.as_u64_pair().1 & (RANDOM - 1)) < below
}

/// Of requests it has been decided; what begins by itself is taken by the same share.
#[derive(Debug, Clone)]
pub(super) struct Decided(pub Sampler);

impl ShouldSample for Decided {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let above =
            parent.filter(|parent| parent.has_active_span()).map(|parent| parent.span().span_context().is_sampled());
        let taken = if *kind == SpanKind::Server { Some(true) } else { above };
        let Some(taken) = taken else { return self.0.should_sample(parent, trace_id, name, kind, attributes, links) };
        let decision = if taken { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop };
        SamplingResult { decision, attributes: Vec::new(), trace_state: TraceState::default() }
    }
}

#[cfg(test)]
mod tests {
    use kernel::{Clock, Ids};

    use super::*;

    #[test]
    fn the_share_is_kept_by_the_numbers_that_are_minted_here() {
        let ids = Ids::random(Clock::System);
        let (below, own) = (RANDOM / 4, || -> Uuid { ids.mint() });
        let taken = (0..4000).filter(|_| is_below(below, &own())).count();
        assert!((800..1200).contains(&taken), "{taken} of 4000 at a quarter");
        assert!(!is_below(0, &own()));
        assert!(is_below(RANDOM, &own()));
    }
}
