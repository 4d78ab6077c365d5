//! The command line: one file per command.

mod bound;
mod epoch;
mod export;
mod import;
mod migrate;
mod openapi;
mod rezone;
mod schema;
mod seed;
mod serve;
mod tenant;
mod token;
mod user;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use kernel::{CalendarId, Caller, Clock, Failure, Ids, Result};

use crate::config::{Config, Logging};
use crate::state::{App, Settings};
use crate::telemetry;

/// koyomi, a calendar backend
#[derive(Parser, Debug)]
#[command(name = "koyomi", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    logging: Logging,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Answer HTTP requests until SIGTERM or SIGINT
    Serve(serve::Serve),
    /// Bring the database's schema up to date
    Migrate(migrate::Migrate),
    /// Show the database's epoch, or begin a new one after a restore
    Epoch(epoch::Epoch),
    /// Show how long instances may answer from memory (writes that take access away wait for it), or lower it
    Bound(bound::Bound),
    /// Compute anew what happens in time zones whose rules have changed with this build
    Rezone(rezone::Rezone),
    /// Bring the events of a file into a calendar
    Import(import::Import),
    /// Write the events of a calendar to a file
    Export(export::Export),
    /// Fill the database with data to look at or to measure with
    Seed(seed::Seed),
    /// Print the OpenAPI document of the API
    Openapi,
    /// Print the GraphQL schema
    Schema,
    /// Keep tenants
    #[command(subcommand)]
    Tenant(tenant::Tenant),
    /// Keep users
    #[command(subcommand)]
    User(user::User),
    /// Keep API tokens
    #[command(subcommand)]
    Token(token::Token),
}

/// Reads the command line, does what it says, and reports.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // Only a server has so much to tell.
    let tracing = if let Command::Serve(serve) = &cli.command { Some(&serve.tracing) } else { None };
    let result = telemetry::start(&cli.logging, tracing).and_then(|exporting| {
        let done = run(cli.command);
        if let Some(exporting) = exporting {
            exporting.end();
        }
        done
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

fn report(error: &anyhow::Error) {
    let Some(failure) = error.downcast_ref::<Failure>() else {
        eprintln!("koyomi: {error:#}");
        return;
    };
    eprintln!("koyomi: {failure}");
    if let [_, _, ..] = failure.errors() {
        for violation in failure.errors() {
            eprintln!("  {}: {}", violation.pointer, violation.reason);
        }
    }
}

#[tokio::main]
async fn run(command: Command) -> anyhow::Result<()> {
    // An error means that one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match command {
        Command::Serve(command) => command.run().await,
        Command::Migrate(command) => command.run().await,
        Command::Bound(command) => command.run().await,
        Command::Epoch(command) => command.run().await,
        Command::Rezone(command) => command.run().await,
        Command::Import(command) => command.run().await,
        Command::Export(command) => command.run().await,
        Command::Seed(command) => command.run().await,
        Command::Openapi => openapi::run(),
        Command::Schema => schema::run(),
        Command::Tenant(command) => command.run().await,
        Command::User(command) => command.run().await,
        Command::Token(command) => command.run().await,
    }
}

async fn open(config: &Config) -> Result<App> {
    let clock = Clock::System;
    let ids = Ids::random(clock.clone());
    App::open(Settings::new(config.database()), clock, ids).await
}

/// The owner of a calendar, for whom the command line acts.
async fn owner_of(app: &App, calendar: CalendarId) -> Result<Caller> {
    let mut conn = app.koyomi.store.conn().await?;
    let owner =
        events::calendars::owner_of(&mut conn, calendar).await?.ok_or_else(|| Failure::not_found("calendar"))?;
    drop(conn);
    app.koyomi.users.vouched(owner).await
}
