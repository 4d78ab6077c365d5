//! Which indexes are used, and how much room they take.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sqlx::{AssertSqlSafe, FromRow, PgConnection, PgExecutor, Type};

use super::{Finding, Level};

/// Before that, nobody can say that an index is not used: some are for once a week.
const LONG_ENOUGH: TimeDelta = TimeDelta::days(7);
/// Half of what a fresh one has: worth rebuilding, where there is much of it.
const SPARSE: f64 = 45.0;
const LARGE: i64 = 8 << 20;
/// All pages of an index are read for its density.
const TOO_LARGE: i64 = 1 << 30;

#[derive(Debug, Clone, Serialize)]
pub struct Indexes {
    /// What is told has been counted since then, or longer.
    pub counted_since: DateTime<Utc>,
    /// By table, then name.
    pub indexes: Vec<Index>,
}

/// Of one of our tables.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Index {
    pub table: String,
    pub name: String,
    /// `btree`, `gin`, `gist`, …
    pub method: String,
    pub kind: IndexKind,
    /// An index that is not valid is written and never read.
    pub valid: bool,
    pub scans: i64,
    /// Entries that scans have returned.
    pub tuples_read: i64,
    /// Rows that plain scans have fetched.
    pub tuples_fetched: i64,
    /// All scans of its table, by this index or not.
    pub table_scans: i64,
    /// PostgreSQL 16 and newer know it.
    pub last_scan: Option<DateTime<Utc>>,
    pub bytes: i64,
    pub definition: String,
}

/// What it is there for beside being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum IndexKind {
    Primary,
    Unique,
    /// It keeps a promise of another kind (EXCLUDE).
    Constraint,
    Plain,
}

impl Index {
    /// Nobody has read it, and nothing else needs it.
    pub fn is_unused(&self) -> bool {
        self.kind == IndexKind::Plain && self.scans == 0
    }

    /// The part of its table's scans that went by it.
    pub fn usage_ratio(&self) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "a ratio")]
        let ratio = self.scans as f64 / self.table_scans.max(1) as f64;
        ratio
    }
}

/// Counting began when it was reset last; else no later than when the server started or, if that was afterwards, when
/// koyomi came to this database.
const INDEXES: &str = "select
         s.relname::text as \"table\", s.indexrelname::text as name, am.amname::text as method,
         case when x.indisprimary then 'primary' when x.indisunique then 'unique'
              when exists (select from pg_constraint c where c.conindid = x.indexrelid and c.contype = 'x') then 'constraint'
              else 'plain' end as kind,
         x.indisvalid as valid, s.idx_scan as scans, s.idx_tup_read as tuples_read, s.idx_tup_fetch as tuples_fetched,
         t.seq_scan + coalesce(t.idx_scan, 0) as table_scans,
         (to_jsonb(s) ->> 'last_idx_scan')::timestamptz as last_scan,
         pg_relation_size(s.indexrelid) as bytes, pg_get_indexdef(s.indexrelid) as definition,
         coalesce(d.stats_reset, greatest(pg_postmaster_start_time(), m.since)) as counted_since
     from pg_stat_user_indexes s
     join pg_index x on x.indexrelid = s.indexrelid
     join pg_class i on i.oid = s.indexrelid
     join pg_am am on am.oid = i.relam
     join pg_stat_user_tables t on t.relid = s.relid
     join pg_stat_database d on d.datname = current_database()
     cross join (select min(installed_on) as since from _sqlx_migrations) m
     where s.schemaname = current_schema() and s.relname <> '_sqlx_migrations'
     order by s.relname, s.indexrelname";

#[derive(FromRow)]
struct Row {
    #[sqlx(flatten)]
    index: Index,
    counted_since: DateTime<Utc>,
}

/// What PostgreSQL has counted of our indexes: of this server alone, a standby counts for itself.
pub async fn indexes(conn: impl PgExecutor<'_>) -> Result<Indexes, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(INDEXES).fetch_all(conn).await?;
    let counted_since = rows.first().map_or(DateTime::UNIX_EPOCH, |row| row.counted_since);
    Ok(Indexes { counted_since, indexes: rows.into_iter().map(|row| row.index).collect() })
}

impl Indexes {
    pub(super) fn findings(&self, now: DateTime<Utc>) -> Vec<Finding> {
        let unused: Vec<&Index> = self.indexes.iter().filter(|index| index.is_unused()).collect();
        let (since, allowed) = (self.counted_since.format("%Y-%m-%d %H:%M UTC"), "each read at least now and then");
        if unused.is_empty() {
            return vec![Finding::fine("indexes_unused", format!("none since {since}"), allowed)];
        }
        let names: Vec<String> = unused.iter().map(|index| format!("{} ({})", index.name, size(index.bytes))).collect();
        let bytes: i64 = unused.iter().map(|index| index.bytes).sum();
        let found = format!("since {since}, {} in all: {}", size(bytes), names.join(", "));
        let wrong = (now - self.counted_since >= LONG_ENOUGH).then_some(Level::Warning);
        vec![
            Finding::judged(
                wrong,
                "indexes_unused",
                found,
                format!("{allowed}; counted for a week before it says much"),
            )
            .advice(
                "if it is one of your own that no standby reads either: drop index concurrently. koyomi's own stay",
            ),
        ]
    }
}

/// How densely the leaves of the indexes are filled, where `pgstattuple` is there to read them: what can be estimated
/// without it is off by as much as it would say.
pub(super) async fn density(conn: &mut PgConnection) -> Result<Vec<Finding>, sqlx::Error> {
    const ABOUT: &str = "index_bloat";
    let allowed = format!("leaves filled to {SPARSE:.0} %, above {}", size(LARGE));
    let schema: Option<String> = sqlx::query_scalar(
        "select quote_ident(n.nspname) from pg_extension e join pg_namespace n on n.oid = e.extnamespace
         where e.extname = 'pgstattuple'",
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(schema) = schema else {
        let found = "not looked at: `create extension pgstattuple` lets it be read";
        return Ok(vec![Finding::fine(ABOUT, found, allowed)]);
    };
    // The name of a schema, quoted by the server.
    let sql = format!(
        "select i.relname::text, d.avg_leaf_density from pg_stat_user_indexes s
         join pg_class i on i.oid = s.indexrelid join pg_am am on am.oid = i.relam
         cross join lateral {schema}.pgstatindex(s.indexrelid::regclass) d
         where s.schemaname = current_schema() and am.amname = 'btree'
             and pg_relation_size(s.indexrelid) between $1 and $2
         order by 1"
    );
    let found: Vec<(String, f64)> =
        sqlx::query_as(AssertSqlSafe(sql)).bind(LARGE).bind(TOO_LARGE).fetch_all(conn).await?;
    Ok(vec![sparse(ABOUT, &found, allowed)])
}

fn sparse(about: &str, found: &[(String, f64)], allowed: String) -> Finding {
    let sparse = found.iter().filter(|(_, density)| *density < SPARSE);
    let names: Vec<String> = sparse.map(|(name, density)| format!("{name} ({density:.0} %)")).collect();
    if names.is_empty() {
        let up_to = size(TOO_LARGE);
        return Finding::fine(about, format!("none of {} that were read (those up to {up_to})", found.len()), allowed);
    }
    Finding::warning(about, names.join(", "), allowed).advice("reindex index concurrently …")
}

/// In words.
pub(super) fn size(bytes: i64) -> String {
    match bytes {
        bytes if bytes >= 10 << 30 => format!("{} GB", bytes >> 30),
        bytes if bytes >= 10 << 20 => format!("{} MB", bytes >> 20),
        bytes => format!("{} kB", bytes >> 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(kind: IndexKind, scans: i64) -> Index {
        let text = String::new;
        Index {
            table: text(),
            name: format!("{kind:?}_{scans}"),
            method: text(),
            kind,
            valid: true,
            scans,
            tuples_read: 0,
            tuples_fetched: 0,
            table_scans: 8,
            last_scan: None,
            bytes: 20 << 20,
            definition: text(),
        }
    }

    #[test]
    fn unused_is_what_nobody_reads_and_nothing_needs_for_a_week() {
        let indexes =
            [(IndexKind::Plain, 0), (IndexKind::Plain, 2), (IndexKind::Unique, 0), (IndexKind::Constraint, 0)];
        let indexes = indexes.map(|(kind, scans)| index(kind, scans)).to_vec();
        assert!((indexes[1].usage_ratio() - 0.25).abs() < 1e-9);
        let indexes = Indexes { counted_since: DateTime::UNIX_EPOCH, indexes };
        let after = |days| indexes.findings(DateTime::UNIX_EPOCH + TimeDelta::days(days)).remove(0);
        assert_eq!((after(6).level, after(7).level), (Level::Ok, Level::Warning));
        assert_eq!(after(7).found, "since 1970-01-01 00:00 UTC, 20 MB in all: Plain_0 (20 MB)");
    }

    #[test]
    fn sparse_leaves_are_named() {
        let found = [("full".to_owned(), 90.0), ("half".to_owned(), 44.0)];
        let of = |found| sparse("x", found, String::new());
        assert_eq!(of(&found[..1]).level, Level::Ok);
        assert_eq!((of(&found).level, of(&found).found.as_str()), (Level::Warning, "half (44 %)"));
    }
}
