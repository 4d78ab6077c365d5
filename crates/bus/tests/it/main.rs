//! The bus by its door, against a real PostgreSQL and a real NATS server.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod cut;
mod delivery;
mod feed;
mod soundness;
mod support;
mod watch;
