//! The room by its door, against a real PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod answer;
mod invite;
mod list;
mod plans;
mod support;
