//! The server as its callers see it: real HTTP, real PostgreSQL, a clock that stands still.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod access;
mod harness;
mod make;
mod operations;
mod rest;
mod wire;
