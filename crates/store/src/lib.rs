//! PostgreSQL: the pool, the write transaction, migrations, and the counting of statements.

mod batch;
mod conn;
mod deadline;
mod deploy;
pub mod doctor;
mod idempotency;
mod lifeline;
mod metrics;
mod retry;
mod stats;
mod store;
pub mod traceparent;
mod tx;

pub use batch::{Batch, Part, Rows};
pub use conn::Conn;
pub use deadline::{remaining, until};
pub use deploy::{Epoch, announce_bound, bound, epoch, new_epoch};
pub use idempotency::{Claim, IdempotencyKey, REMEMBERED, claim_part, forget_old_keys, read_claim};
pub use lifeline::{KEEPALIVE, Lifeline};
pub use stats::{
    Seen, Stats, Trace, count_head_check, counted, current_trace, detached, saw, spawned, spawned_for_all,
};
pub use store::{Settings, Store};
pub use tx::Tx;

/// The statements that must keep their plan, for tests that look at it.
pub mod hot {
    pub use crate::tx::BUMP;
}

/// The name of the constraint a statement ran into, for the room that knows what it means.
pub fn constraint(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error()?.constraint()
}
