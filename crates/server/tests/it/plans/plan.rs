//! What EXPLAIN (ANALYZE, BUFFERS) says, and what must be true of it.

use std::fmt;

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};

/// Tables that are never read from one end to the other. The others are small enough that the planner may like to.
const BIG: [&str; 5] = ["events", "occurrences", "attendees", "reservations", "changes"];

/// A statement of the product with values, and what it may cost.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) sql: &'static str,
    /// Type and literal of `$1`, `$2`, …
    pub(super) arguments: Vec<(&'static str, String)>,
    /// Tables that are read from an index alone.
    pub(super) index_only: &'static [&'static str],
    /// Blocks that a range of these indexes may touch on average, wherever in the index it lies.
    pub(super) range: f64,
    /// Tables that may be read from one end to the other all the same.
    pub(super) scans: &'static [&'static str],
    /// Rows of big tables that may be touched, kept or thrown away, for each row of the answer (ten at least).
    pub(super) reads_per_row: f64,
    /// Blocks of 8 KiB, cached or not.
    pub(super) buffers: u64,
    /// Rows that any one sort may take in.
    pub(super) sorts: u64,
    /// Only with these values in the plan: the product does not prepare it (`persistent(false)`).
    pub(super) planned_each_time: bool,
    /// A connection settles on the generic plan: planning would take longer than running it.
    pub(super) planned_once: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Custom,
    /// What a connection may settle on after five executions.
    Generic,
}

pub(super) struct Seen {
    root: Value,
    pub(super) milliseconds: f64,
    pub(super) planning: f64,
}

impl Case {
    /// Runs it in a transaction that is rolled back, with the settings of the product's connections.
    pub(super) async fn explain(&self, conn: &mut PgConnection, mode: Mode) -> Seen {
        let mode = match mode {
            Mode::Custom => "force_custom_plan",
            Mode::Generic => "force_generic_plan",
        };
        let execute = self.prepare(conn, mode).await;
        // Once for the caches: what is measured is the statement, not the disk.
        if !self.sql.contains("update ") {
            raw(conn, &execute).await;
        }
        let explain = format!("explain (analyze, buffers, format json) {execute}");
        let told: Value =
            sqlx::query_scalar(AssertSqlSafe(explain)).persistent(false).fetch_one(&mut *conn).await.unwrap();
        raw(conn, "rollback; deallocate looked_at").await;
        let number = |name: &str| told[0][name].as_f64().unwrap_or(0.0);
        Seen {
            milliseconds: number("Execution Time"),
            planning: number("Planning Time"),
            root: told[0]["Plan"].clone(),
        }
    }

    /// Whether PostgreSQL, left to choose, stops planning it anew after five executions.
    pub(super) async fn settles(&self, conn: &mut PgConnection) -> bool {
        let execute = self.prepare(conn, "auto").await;
        for _ in 0..7 {
            raw(conn, &execute).await;
        }
        let settled = "select generic_plans > 0 from pg_prepared_statements where name = 'looked_at'";
        let settled: bool = sqlx::query_scalar(settled).persistent(false).fetch_one(&mut *conn).await.unwrap();
        raw(conn, "rollback; deallocate looked_at").await;
        settled
    }

    /// Prepares it in a transaction; what runs it then.
    async fn prepare(&self, conn: &mut PgConnection, plan_cache_mode: &str) -> String {
        let types: Vec<&str> = self.arguments.iter().map(|(kind, _)| *kind).collect();
        let values: Vec<&str> = self.arguments.iter().map(|(_, value)| value.as_str()).collect();
        let prepare = format!(
            "begin; set local jit = off; set local plan_cache_mode = {plan_cache_mode}; prepare looked_at ({}) as {}",
            types.join(", "),
            self.sql
        );
        raw(conn, &prepare).await;
        format!("execute looked_at ({})", values.join(", "))
    }

    /// Everything about the plan that must not be.
    pub(super) fn objections(&self, seen: &Seen) -> Vec<String> {
        let mut found = Vec::new();
        for node in seen.nodes() {
            let (kind, table) =
                (node["Node Type"].as_str().unwrap_or(""), node["Relation Name"].as_str().unwrap_or(""));
            if kind == "Seq Scan" && BIG.contains(&table) && !self.scans.contains(&table) {
                found.push(format!("Seq Scan on {table}"));
            }
            if self.index_only.contains(&table) && (kind != "Index Only Scan" || count(node, "Heap Fetches") > 0.0) {
                found.push(format!("{kind} on {table}, {} heap fetches", count(node, "Heap Fetches")));
            }
            let blocks = blocks(node) / count(node, "Actual Loops").max(1.0);
            if self.index_only.contains(&table) && blocks > self.range {
                found.push(format!("{blocks} blocks for each range of {table}"));
            }
            let sorted: f64 = match kind {
                "Sort" | "Incremental Sort" => children(node).map(rows).sum(),
                _ => 0.0,
            };
            if sorted > self.sorts as f64 {
                found.push(format!("a sort of {sorted} rows"));
            }
        }
        let reads = seen.reads();
        let allowed = self.reads_per_row * seen.returned().max(10.0);
        if reads > allowed {
            found.push(format!("{reads} rows read for {} returned, {allowed} allowed", seen.returned()));
        }
        if seen.buffers() > self.buffers {
            found.push(format!("{} buffers, {} allowed", seen.buffers(), self.buffers));
        }
        found
    }
}

impl Seen {
    fn nodes(&self) -> Vec<&Value> {
        let mut nodes = Vec::new();
        let mut open = vec![&self.root];
        while let Some(node) = open.pop() {
            nodes.push(node);
            open.extend(children(node));
        }
        nodes
    }

    pub(super) fn returned(&self) -> f64 {
        rows(&self.root)
    }

    pub(super) fn buffers(&self) -> u64 {
        blocks(&self.root) as u64
    }

    /// Rows that scans of big tables saw, those they threw away included. A bitmap counts once, at the heap. PostgreSQL
    /// rounds per loop, so thousands of probes that find nothing may count for a few or for none.
    pub(super) fn reads(&self) -> f64 {
        let of_big = |node: &&Value| {
            node["Relation Name"].as_str().is_some_and(|table| BIG.contains(&table))
                && node["Node Type"] != "ModifyTable"
        };
        let seen = |node: &Value| {
            let thrown = count(node, "Rows Removed by Filter") + count(node, "Rows Removed by Index Recheck");
            rows(node) + thrown * count(node, "Actual Loops")
        };
        self.nodes().into_iter().filter(of_big).map(seen).sum()
    }
}

/// The plan as an indented list.
impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn line(node: &Value, depth: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{:depth$}{}", "", node["Node Type"].as_str().unwrap_or(""), depth = depth * 2)?;
            for key in ["Relation Name", "Index Name", "Index Cond", "Recheck Cond", "Filter", "Sort Key"] {
                if !node[key].is_null() {
                    write!(f, " | {}", node[key])?;
                }
            }
            let removed = count(node, "Rows Removed by Filter") + count(node, "Rows Removed by Index Recheck");
            writeln!(
                f,
                " | {} rows × {} loops, {removed} removed, {} heap fetches, {} buffers, {:.2} ms",
                node["Actual Rows"],
                node["Actual Loops"],
                count(node, "Heap Fetches"),
                blocks(node),
                count(node, "Actual Total Time") * count(node, "Actual Loops"),
            )?;
            children(node).try_for_each(|child| line(child, depth + 1, f))
        }
        line(&self.root, 0, f)
    }
}

fn children(node: &Value) -> impl Iterator<Item = &Value> {
    node["Plans"].as_array().into_iter().flatten()
}

/// Of all loops together.
fn rows(node: &Value) -> f64 {
    count(node, "Actual Rows") * count(node, "Actual Loops")
}

/// Of all loops together, cached or not.
fn blocks(node: &Value) -> f64 {
    count(node, "Shared Hit Blocks") + count(node, "Shared Read Blocks")
}

fn count(node: &Value, key: &str) -> f64 {
    node[key].as_f64().unwrap_or(0.0)
}

async fn raw(conn: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(conn).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}
