//! The server as its callers see it: real HTTP, real PostgreSQL, a clock that stands still.

mod harness;
mod rest;
mod wire;
