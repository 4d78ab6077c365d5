//! The cache that is never stale, because nothing in it can be: values are immutable, and their name holds the versions of
//! everything they depend on.
//!
//! 1. *Head check* ([`Heads`]): who asks, what may he see, and which versions must his answer have? Asked of the primary by
//!    a statement that starts after the request has arrived, shared by all who arrive meanwhile. In bounded mode, where
//!    nothing speaks against it, from memory that the bus moves forward.
//! 2. *Look-up* ([`Values`]) under (family, render version, epoch, versions, view, question): memory, then Redis.
//! 3. *Fill*, one for all who want the same: one snapshot of the primary reads value and versions together, and the value
//!    is kept under the versions that were read.
//!
//! A write makes new versions and so new names; old ones are never asked for again and go when their time is over. So
//! there is nothing to invalidate, and no race between a fill and an invalidation.

mod batch;
mod breaker;
mod consistency;
pub mod doctor;
mod family;
mod flight;
mod heads;
mod key;
mod known;
mod memory;
mod metrics;
mod quotas;
mod redis;
mod refused;
mod shards;
mod sql;
mod tenant;
mod values;
mod versions;
mod whole;

pub use consistency::Consistency;
pub use family::Family;
pub use heads::{Ask, Checked, Heads, Held, Reads};
pub use key::{Key, View, Want};
pub use quotas::Quotas;
pub use tenant::{TenantVersions, tenant_versions};
pub use values::{Answer, AsyncFill, Reading, Settings, Tiers, Value, Values, access_moved, is_access_moved};

/// The statements that must keep their plan, for tests that look at it.
pub mod hot {
    pub use crate::sql::{CHECK, CHECK_EVENTS, VERSIONS};
}
