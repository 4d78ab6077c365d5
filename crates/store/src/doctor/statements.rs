//! What statements cost, where `pg_stat_statements` counts them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{AssertSqlSafe, FromRow, PgConnection};

use super::{Finding, Level};

/// Milliseconds on average, of what is not a rare thing: from here on an alert counts it as slow, too.
const SLOW: f64 = 100.0;
const OFTEN: i64 = 10;
const SHOWN: i64 = 10;

#[derive(Debug, Clone, Serialize)]
pub struct Statements {
    pub counted_since: Option<DateTime<Utc>>,
    /// By total time, those that cost most.
    pub statements: Vec<Statement>,
}

/// Of this database, whoever sent it.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Statement {
    /// Without values, on one line, cut off.
    pub text: String,
    pub calls: i64,
    pub mean_ms: f64,
    pub total_ms: f64,
    pub rows: i64,
    /// The part of the pages it needed that were in memory.
    pub hit_ratio: Option<f64>,
}

/// What is not a question or a change of rows is left out: PostgreSQL keeps its text as it came, passwords and all.
const SLOWEST: &str = r"
     where dbid = (select oid from pg_database where datname = current_database())
         and query ~* '^\s*(with|select|insert|update|delete|merge)\M'";

const COLUMNS: &str = r"select left(regexp_replace(query, '\s+', ' ', 'g'), 160) as text, calls, mean_exec_time as mean_ms,
         total_exec_time as total_ms, rows,
         shared_blks_hit::float8 / nullif(shared_blks_hit + shared_blks_read, 0) as hit_ratio";

/// `object_not_in_prerequisite_state`: the extension is there, and its library was not loaded at the start.
const NOT_LOADED: &str = "55000";

pub(super) async fn slowest(conn: &mut PgConnection) -> Result<(Finding, Option<Statements>), sqlx::Error> {
    // Which libraries are loaded, not every role may know.
    let (schema, loaded): (Option<String>, Option<bool>) = sqlx::query_as(
        "select (select quote_ident(n.nspname) from pg_extension e join pg_namespace n on n.oid = e.extnamespace
                 where e.extname = 'pg_stat_statements'),
             (select setting ~ 'pg_stat_statements' from pg_settings where name = 'shared_preload_libraries')",
    )
    .fetch_one(&mut *conn)
    .await?;
    let Some(schema) = schema else { return Ok((missing(loaded), None)) };
    match read(conn, &schema).await {
        Ok((slow, statements)) => Ok((judge(&slow), Some(statements))),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(NOT_LOADED) => {
            Ok((missing(Some(false)), None))
        }
        Err(error) => Err(error),
    }
}

/// Those that are slow, and those that cost most. `schema` is the extension's, quoted by the server.
async fn read(conn: &mut PgConnection, schema: &str) -> Result<(Vec<Statement>, Statements), sqlx::Error> {
    let from = format!("{COLUMNS} from {schema}.pg_stat_statements {SLOWEST}");
    let most = format!("{from} order by total_exec_time desc limit {SHOWN}");
    let statements = sqlx::query_as(AssertSqlSafe(most)).fetch_all(&mut *conn).await?;
    let slow = format!("{from} and mean_exec_time >= $1 and calls >= $2 order by mean_exec_time desc limit {SHOWN}");
    let slow = sqlx::query_as(AssertSqlSafe(slow)).bind(SLOW).bind(OFTEN).fetch_all(&mut *conn).await?;
    let since = format!("select stats_reset from {schema}.pg_stat_statements_info");
    let counted_since = sqlx::query_scalar(AssertSqlSafe(since)).fetch_one(conn).await?;
    Ok((slow, Statements { counted_since, statements }))
}

fn missing(loaded: Option<bool>) -> Finding {
    let advice = match loaded {
        Some(true) => "create extension pg_stat_statements (it is loaded already)",
        _ => {
            "alter system set shared_preload_libraries = 'pg_stat_statements' (with what stands there already), restart \
             PostgreSQL, create extension pg_stat_statements"
        }
    };
    Finding::warning("statements", "not counted", "counted by pg_stat_statements").advice(advice)
}

fn judge(slow: &[Statement]) -> Finding {
    let allowed = format!("{SLOW:.0} ms on average");
    if slow.is_empty() {
        return Finding::fine("statements", "none is slow", allowed);
    }
    let told = |s: &Statement| format!("{:.0} ms × {}: {}", s.mean_ms, s.calls, s.text);
    let found: Vec<String> = slow.iter().map(told).collect();
    Finding::judged(Some(Level::Warning), "statements", found.join("; "), allowed)
        .advice("explain (analyze, buffers) it; docs/PERFORMANCE.md has the plans that the hot ones should have")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_to_have_them_counted_depends_on_what_is_there() {
        assert!(missing(Some(true)).advice.unwrap().starts_with("create extension"));
        assert!(missing(Some(false)).advice.unwrap().contains("restart"));
        assert_eq!(judge(&[]).level, Level::Ok);
    }
}
