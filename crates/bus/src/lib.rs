//! The bus: a hint channel that carries the news of commits from any instance to every instance.
//!
//! A write leaves rows in `outbox` in its own transaction and is done. A relay, which runs in every instance, takes them
//! out and sends them; a consumer in every instance hears them. Nothing depends on a message arriving, except one
//! promise that must hold whatever is stopped, killed, cut, lost, late or repeated:
//!
//! **[`Heard::Complete`]**: everything that was committed before this instant has been heard by this instance.
//!
//! # Why it holds
//!
//! *Numbers.* A relay sends while it holds the lock of the one row of `bus` (its *turn*). It takes the message's number
//! from a sequence after it has the lock, reads the outbox in a later statement, sends, and in the same transaction
//! writes the number into `bus.n` and deletes the rows. So numbers are sent in their order; each message names the last
//! committed number before it (`previous`); and whatever was ever deleted from the outbox was sent under a number up to
//! the `bus.n` of the snapshot in which it is gone. A number whose transaction came to nothing is never used again and
//! nobody waits for it; its entries go out again, and consumers take maxima. (A broker may deliver a message before its
//! transaction commits, or although it fails: what is in it was committed by its writers all the same, and every number
//! that is committed afterwards is higher.)
//!
//! *Gaps.* A consumer knows the highest number up to which it has missed nothing. A message whose `previous` is higher
//! means a gap: [`Heard::Lost`]. What is repeated or late changes nothing.
//!
//! *Marks.* An instance notes an instant `s`, and then reads in one snapshot whether the outbox is empty, and `bus.n`.
//! What was committed before `s` is visible in that snapshot. If the outbox is empty there, all of it was sent under
//! numbers up to that `n`. The instance sends a mark with this `n` through the bus to itself. When it hears the mark and
//! has missed nothing up to `n`, it has heard everything that was committed before `s`.
//!
//! *The mark comes after the messages it speaks of*, so that waiting for it is enough. With NOTIFY: messages enter
//! PostgreSQL's queue before their transaction becomes visible, and the snapshot has seen that transaction, so the mark
//! enters the queue later; the queue is delivered in order. With NATS: a relay commits only after the broker has
//! acknowledged message `n`; the snapshot has seen the commit; so the mark is published after `n` was stored, and the
//! stream is delivered in order. (Were it not, the comparison with `n` would say `Lost`, never `Complete`.)
//!
//! *Sweeps.* Under load a snapshot hardly ever finds the outbox empty. So the same statement reads the sequence: a
//! message numbered higher than that took its number after `s`, and read the outbox after that. If it says that it left
//! nothing behind (`swept`), then what was committed before `s` is in it or in the messages up to its `previous`, and
//! hearing it without a gap completes `s` as the mark would have.
//!
//! *After a loss* only marks count whose instant is later than the moment at which `Lost` was heard.
//!
//! An instance that is stopped, late or cut off hears its marks late or never. Their instants do not move.
//!
//! # What it does not cover
//!
//! While `deploy.outbox` is false commits leave no news and nothing is completed. Whoever switches it on again begins a
//! new epoch afterwards, when the writes that were under way have ended.

mod bus;
mod consumer;
pub mod feed;
mod frame;
mod keeper;
mod mark;
mod marks;
mod metrics;
mod nats;
mod relay;
mod settings;
mod source;
mod sql;
mod tracker;
mod trouble;
mod watch;

pub use bus::{Bus, Heard, LONGEST_GOODBYE};
pub use settings::{Settings, Transport};
pub use watch::{News, Watch};
