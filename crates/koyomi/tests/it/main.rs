//! The product by its doors, against a real PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod exports;
mod fixtures;
mod imports;
mod journey;
mod real_files;
mod rooms;
mod support;
