//! The storm: does a read that starts after a write was acknowledged see that write?
//!
//! Three instances, their Redis and their database are started, used by many writers and readers at once, and broken in
//! every way that the promise covers. Every write raises a counter; every read shows counters, and one that is below the
//! last acknowledged one is a finding. With `--bug` the binary under test is told to make a mistake, and the storm has to
//! find it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test: what cannot go on ends with a message")]

mod bugs;
mod cells;
mod cli;
mod clocks;
mod database;
mod epochs;
mod faults;
mod finale;
mod http;
mod links;
mod look;
mod nats;
mod options;
mod probes;
mod readers;
mod redis;
mod report;
mod resp;
mod revoke;
mod servers;
mod storm;
mod views;
mod weather;
mod world;
mod writers;

use std::process::ExitCode;

use clap::Parser;

use options::Options;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let done = if options.all_bugs {
        bugs::find_all(&options).await
    } else if let Some(bug) = options.bug {
        bugs::find_one(&options, bug).await
    } else {
        storm::pass(&options).await
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("stale: {error:#}");
            ExitCode::from(2)
        }
    }
}
