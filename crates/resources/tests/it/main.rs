//! The room by its door, against a real PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod availability;
mod book;
mod keep;
mod plans;
mod race;
mod replace;
mod support;
