//! The command line: one file per command.

mod bound;
mod config;
mod doctor;
mod epoch;
mod export;
mod import;
mod migrate;
mod openapi;
mod rezone;
mod schema;
mod seed;
mod serve;
mod settings;
mod tenant;
mod token;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
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
    /// A file of settings (TOML), under the names of the options: see koyomi.example.toml. Options win over the environment,
    /// which wins over the file.
    #[arg(long, env = "KOYOMI_CONFIG", value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    logging: Logging,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Answer HTTP requests until SIGTERM or SIGINT
    Serve(serve::Serve),
    /// Show what `serve` would do with these options, and where each setting comes from
    Config(config::Show),
    /// Look whether the database, its Redis and this configuration keep what koyomi promises, and what to do where not
    Doctor(doctor::Doctor),
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
    let result = read().and_then(|(cli, shown)| {
        if let Some(shown) = shown {
            print!("{shown}");
            return Ok(ExitCode::SUCCESS);
        }
        // Only a server has so much to tell.
        let tracing = if let Command::Serve(serve) = &cli.command { Some(&serve.tracing) } else { None };
        let exporting = telemetry::start(&cli.logging, tracing)?;
        let done = run(cli.command);
        if let Some(exporting) = exporting {
            exporting.end();
        }
        done
    });
    match result {
        Ok(code) => code,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

/// What the command line, the environment and the file say; and what `koyomi config` shows of that.
fn read() -> anyhow::Result<(Cli, Option<String>)> {
    let command = Cli::command();
    let file = settings::File::named(&command, &std::env::args_os().collect::<Vec<_>>())?;
    let mut command = file.under(command);
    command.build();
    let matches = command.clone().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let shown = match (&cli.command, matches.subcommand()) {
        (Command::Config(config::Show { .. }), Some((name, of))) => {
            command.find_subcommand(name).map(|command| settings::shown(command, of, &file))
        }
        _ => None,
    };
    Ok((cli, shown))
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
async fn run(command: Command) -> anyhow::Result<ExitCode> {
    // An error means that one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match command {
        // What it finds is no failure of its own.
        Command::Doctor(command) => return command.run().await,
        Command::Serve(command) => command.run().await,
        Command::Config(_) => Ok(()),
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
    .map(|()| ExitCode::SUCCESS)
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
