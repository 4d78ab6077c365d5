//! People: who they are, what they sign in with, and how a request's secret becomes a [`kernel::Caller`].
//!
//! Nothing here leaves the tenant: every query that a caller reaches carries the caller's `tenant_id`.

mod model;
mod password;
mod read;
mod secret;
mod sql;
mod tokens;
mod write;

pub use model::{
    DEFAULT_TENANT, NewToken, NewUser, SignedIn, Token, User, UserChanges, find_by_emails_part, find_many_part,
};
pub use read::search_cursor;
pub use secret::Secret;

use password::Passwords;
use store::Store;

/// The door of this room. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Users {
    store: Store,
    passwords: Passwords,
}

impl Users {
    pub fn new(store: Store) -> Self {
        Self { store, passwords: Passwords::new() }
    }
}

/// The statements that must keep their plan, for tests that look at it.
pub mod hot {
    pub use crate::sql::{FIND_MANY, SEARCH};
}
