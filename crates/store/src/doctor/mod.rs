//! Whether a database keeps what koyomi promises with it, and what its statistics say. It only reads, and it reads what
//! koyomi would refuse to serve from, too.

mod finding;
mod indexes;
mod schema;
mod server;
mod settings;
mod statements;
mod tables;

use std::time::Duration;

use kernel::{Clock, Result};
use serde::Serialize;
use sqlx::{Connection, PgConnection};

pub use finding::{Finding, Level};
pub use indexes::{Index, IndexKind, Indexes, indexes};
pub use statements::{Statement, Statements};
pub use tables::Table;

use crate::Settings;

/// What the deployment asks of its database.
#[derive(Debug, Clone, Copy)]
pub struct Need {
    pub instances: u32,
    /// That one instance holds at most.
    pub connections: u32,
    /// How long instances answer from memory; none: they ask each time.
    pub bounded: Option<Duration>,
}

/// What was found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub findings: Vec<Finding>,
    pub indexes: Option<Indexes>,
    pub tables: Vec<Table>,
    pub statements: Option<Statements>,
}

/// Looks at everything. What cannot be read is a finding like any other.
///
/// # Errors
/// For an address that is none.
pub async fn examine(settings: &Settings, need: Need, clock: &Clock) -> Result<Report> {
    let options = crate::store::options(settings)?;
    let mut report = Report::default();
    let (mut conn, mut second) =
        match futures::try_join!(PgConnection::connect_with(&options), PgConnection::connect_with(&options)) {
            Ok(both) => both,
            Err(error) => {
                report
                    .findings
                    .push(Finding::error("connection", error, "two connections").advice(
                        "see that PostgreSQL is up, that DATABASE_URL is right, and that connections are left",
                    ));
                return Ok(report);
            }
        };
    report.take("sessions", server::backends(&mut conn, &mut second).await);
    report.take("settings", settings::examine(&mut conn).await);
    report.take("server", server::examine(&mut conn, need, clock).await);
    let migrated = schema::migrations(&mut conn).await;
    let is_migrated = matches!(&migrated, Ok(findings) if findings.iter().all(|found| found.level != Level::Error));
    report.take("migrations", migrated);
    if is_migrated {
        report.take("schema", schema::examine(&mut conn, need).await);
        match indexes(&mut conn).await {
            Ok(indexes) => {
                report.findings.extend(indexes.findings(clock.now()));
                report.indexes = Some(indexes);
            }
            Err(error) => report.take("indexes", Err(error)),
        }
        let density = indexes::density(&mut conn).await;
        report.take("index_bloat", density);
        match tables::tables(&mut conn).await {
            Ok(tables) => {
                report.findings.push(tables::dead(&tables));
                report.tables = tables;
            }
            Err(error) => report.take("dead_tuples", Err(error)),
        }
    }
    match statements::slowest(&mut conn).await {
        Ok((finding, statements)) => {
            report.findings.push(finding);
            report.statements = statements;
        }
        Err(error) => report.take("statements", Err(error)),
    }
    report.findings.sort_by_key(|found| found.level);
    // Nothing waits for the answer.
    let _ = futures::join!(conn.close(), second.close());
    Ok(report)
}

impl Report {
    fn take(&mut self, about: &'static str, looked: Result<Vec<Finding>, sqlx::Error>) {
        match looked {
            Ok(findings) => self.findings.extend(findings),
            Err(error) => self.findings.push(
                Finding::warning(about, format!("cannot be read: {error}"), "to be read")
                    .advice("let koyomi's role read it (`grant pg_monitor to …`), or see what the error says"),
            ),
        }
    }
}
