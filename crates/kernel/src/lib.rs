//! Words everybody uses, without I/O: ids, time, spans, pages, callers, failures.

mod caller;
mod check;
mod clock;
mod expected;
mod failure;
mod ids;
mod page;
pub mod plant;
mod role;
mod span;
mod subject;

pub use caller::{Caller, Credential, SecretHash};
pub use check::Checks;
pub use clock::{Clock, Ids, Shared};
pub use expected::Expected;
pub use failure::{Conflict, Failure, Kind, Spent, Violation};
pub use ids::{AttendeeId, CalendarId, EventId, ReservationId, ResourceId, TenantId, TokenId, UserId};
pub use page::{Limit, Page, decode_cursor, encode_cursor, filter_hash};
pub use role::Role;
pub use span::Span;
pub use subject::{Change, ChangeKind, Moved, Subject, Version};

/// What a room's function answers: a value, or a [`Failure`] that names what was wrong.
pub type Result<T, E = Failure> = std::result::Result<T, E>;
