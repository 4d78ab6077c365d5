//! One struct per noun, what the wire shows of it.

pub(crate) mod attendee;
pub(crate) mod calendar;
pub(crate) mod event;
pub(crate) mod import;
pub(crate) mod index;
pub(crate) mod page;
pub(crate) mod preview;
pub(crate) mod problem;
pub(crate) mod readiness;
pub(crate) mod reservation;
pub(crate) mod resource;
pub(crate) mod time;
pub(crate) mod token;
pub(crate) mod user;

/// Serialises as it says; what a handler returns as its body.
pub(crate) use axum::Json;
