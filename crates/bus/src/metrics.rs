//! What the bus tells of itself (Prometheus names).

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

/// Handles, made once.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub sent: Counter,
    pub received: Counter,
    pub entries: Counter,
    pub completed: Counter,
    pub resyncs: Counter,
    /// How long the oldest entry of a message had lain in the outbox when it was sent, by the database's clock.
    pub relay_lag: Histogram,
    pub outbox_rows: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            sent: counter!("koyomi_bus_messages_sent_total"),
            received: counter!("koyomi_bus_messages_received_total"),
            entries: counter!("koyomi_bus_entries_total"),
            completed: counter!("koyomi_bus_completed_total"),
            resyncs: counter!("koyomi_bus_resyncs_total"),
            relay_lag: histogram!("koyomi_bus_relay_lag_seconds"),
            outbox_rows: gauge!("koyomi_bus_outbox_rows"),
        }
    }

    /// Rare, and by reason: looked up each time.
    pub(crate) fn lost(&self, reason: &'static str) {
        counter!("koyomi_bus_lost_total", "reason" => reason).increment(1);
    }
}
