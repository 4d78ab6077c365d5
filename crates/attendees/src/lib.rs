//! Invitations: who is asked to come to an event, and what they answered.
//!
//! Reading is in the plural ([`list_many`]); writing happens inside a `store::Tx`, mostly as parts of a `store::Batch`.
//! Every id that comes in here was authorised by the layer above.

mod error;
mod model;
mod read;
mod sql;
mod write;

pub use error::{refusal, written};
pub use model::{
    Answers, Attendee, AttendeeChange, Guest, MAX_COMMENT, MAX_NAME, MAX_PER_EVENT, NewAttendee, Removed,
    ResponseStatus,
};
pub use read::{answers_of, count_many, event_ids_of_user, find_in, find_many, first_many, list_many, page};
pub use write::{
    add_in, copy_part, delete_part, insert_many_part, insert_part, remove_in, replace_many_parts, replace_parts,
    respond_in, update_in,
};

/// The statements that must keep their plan, for tests that look at it.
pub mod hot {
    pub use crate::sql::{ANSWERS_OF, COUNT_MANY, EVENT_IDS_OF_USER, LIST_MANY, PAGE};
}
