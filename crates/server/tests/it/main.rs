//! The server as its callers see it: real HTTP, real PostgreSQL, a clock that stands still.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod access;
mod cache;
mod consistency;
mod crash;
mod graphql;
mod hangups;
mod harness;
mod heads;
mod horizon;
mod make;
mod metrics;
mod operations;
mod plans;
mod redis;
mod rest;
mod seed;
mod series_random;
mod statements;
mod traces;
mod wire;
mod zones;
