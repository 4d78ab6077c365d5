use chrono::{DateTime, Utc};
use serde::Serialize;
use store::doctor::IndexKind;
use utoipa::ToSchema;

/// How the indexes of this database are used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IndexUsage {
    /// Scans have been counted since then, or longer. A standby counts for itself.
    pub counted_since: DateTime<Utc>,
    /// By table, then name.
    pub items: Vec<Index>,
}

/// An index of one of koyomi's tables
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Index {
    #[schema(example = "occurrences")]
    table: String,
    #[schema(example = "occurrences_list")]
    name: String,
    #[schema(example = "btree")]
    method: String,
    kind: Kind,
    /// One that is not is written and never read.
    valid: bool,
    scans: i64,
    /// Entries that its scans have returned.
    tuples_read: i64,
    /// Rows that its plain scans have fetched.
    tuples_fetched: i64,
    /// The part of its table's scans that went by it, 0 to 1.
    usage_ratio: f64,
    /// Not known before PostgreSQL 16.
    last_scan: Option<DateTime<Utc>>,
    size_bytes: i64,
    /// Nobody has scanned it, and no key or constraint needs it.
    unused: bool,
    definition: String,
}

/// What an index is there for beside being read: nothing else, where it is `plain`. `constraint`: an EXCLUDE.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Primary,
    Unique,
    Constraint,
    Plain,
}

impl From<store::doctor::Indexes> for IndexUsage {
    fn from(found: store::doctor::Indexes) -> Self {
        let items = found.indexes.into_iter().map(Index::from).collect();
        Self { counted_since: found.counted_since, items }
    }
}

impl From<store::doctor::Index> for Index {
    fn from(index: store::doctor::Index) -> Self {
        Self {
            usage_ratio: index.usage_ratio(),
            unused: index.is_unused(),
            table: index.table,
            name: index.name,
            method: index.method,
            kind: match index.kind {
                IndexKind::Primary => Kind::Primary,
                IndexKind::Unique => Kind::Unique,
                IndexKind::Constraint => Kind::Constraint,
                IndexKind::Plain => Kind::Plain,
            },
            valid: index.valid,
            scans: index.scans,
            tuples_read: index.tuples_read,
            tuples_fetched: index.tuples_fetched,
            last_scan: index.last_scan,
            size_bytes: index.bytes,
            definition: index.definition,
        }
    }
}
