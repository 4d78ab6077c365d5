//! The product by its doors, against a real PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod fixtures;
mod journey;
mod real_files;
mod support;
