//! The server as its callers see it: real HTTP, real PostgreSQL, a clock that stands still.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

/// As in the binary: a heap profile tells of nothing else.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

mod access;
mod bytes;
mod cache;
mod clock;
mod connections;
mod consistency;
mod cors;
mod crash;
mod deadlines;
mod doctor;
mod graphql;
mod hangups;
mod harness;
mod heads;
mod horizon;
mod make;
mod metrics;
mod network;
mod operations;
mod plans;
mod rates;
mod redis;
mod rest;
mod seed;
mod series_random;
mod start;
mod statements;
mod stopping;
mod switches;
mod traces;
mod wire;
mod zones;
