//! How much of the tables is dead.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{FromRow, PgConnection};

use super::Finding;
use super::indexes::size;

/// Below that, nobody waits for dead rows. Above, autovacuum comes at a fifth, and is late at twice that.
const MANY: i64 = 10_000;
const PART: f64 = 0.4;

/// One of ours, as the statistics know it.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Table {
    pub name: String,
    /// With its indexes and what was too long for its rows.
    pub bytes: i64,
    /// Estimated, both.
    pub live: i64,
    pub dead: i64,
    /// By hand or by itself.
    pub last_vacuum: Option<DateTime<Utc>>,
    pub last_autovacuum: Option<DateTime<Utc>>,
    pub last_analyze: Option<DateTime<Utc>>,
    pub sequential_scans: i64,
    pub index_scans: i64,
}

pub(super) async fn tables(conn: &mut PgConnection) -> Result<Vec<Table>, sqlx::Error> {
    sqlx::query_as(
        "select relname::text as name, pg_total_relation_size(relid) as bytes, n_live_tup as live, n_dead_tup as dead,
             greatest(last_vacuum, last_autovacuum) as last_vacuum, last_autovacuum,
             greatest(last_analyze, last_autoanalyze) as last_analyze,
             seq_scan as sequential_scans, coalesce(idx_scan, 0) as index_scans
         from pg_stat_user_tables
         where schemaname = current_schema() and relname <> '_sqlx_migrations' order by relname",
    )
    .fetch_all(conn)
    .await
}

impl Table {
    /// The part of its rows that are dead.
    pub fn dead_ratio(&self) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "a ratio")]
        let ratio = self.dead as f64 / (self.live + self.dead).max(1) as f64;
        ratio
    }
}

pub(super) fn dead(tables: &[Table]) -> Finding {
    let (about, allowed) = ("dead_rows", format!("{MANY} rows, or {:.0} % of a table", PART * 100.0));
    let late = tables.iter().filter(|table| table.dead > MANY && table.dead_ratio() > PART);
    let names = late.map(|table| {
        let when = table.last_vacuum.map_or("never".to_owned(), |at| at.format("%Y-%m-%d %H:%M UTC").to_string());
        let percent = table.dead_ratio() * 100.0;
        format!("{} ({percent:.0} % of {}, vacuumed {when})", table.name, size(table.bytes))
    });
    let names: Vec<String> = names.collect();
    if names.is_empty() {
        let dead: i64 = tables.iter().map(|table| table.dead).sum();
        return Finding::fine(about, format!("{dead} in {} tables", tables.len()), allowed);
    }
    Finding::warning(about, names.join(", "), allowed).advice(
        "vacuum (analyze) it; if autovacuum is on and late again, lower its cost delay, or see what holds it back",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn few_dead_rows_are_nobodys_trouble_nor_is_a_small_part_of_many() {
        let of = |live, dead| {
            let name = "outbox".to_owned();
            let (last_vacuum, last_autovacuum, last_analyze) = (None, None, None);
            let bytes = 1 << 20;
            let (sequential_scans, index_scans) = (0, 0);
            super::dead(&[Table {
                name,
                bytes,
                live,
                dead,
                last_vacuum,
                last_autovacuum,
                last_analyze,
                sequential_scans,
                index_scans,
            }])
        };
        assert_eq!(of(0, 9_000).level, Level::Ok);
        assert_eq!(of(1_000_000, 300_000).level, Level::Ok);
        let late = of(10_000, 30_000);
        assert_eq!((late.level, late.found.as_str()), (Level::Warning, "outbox (75 % of 1024 kB, vacuumed never)"));
    }
}
