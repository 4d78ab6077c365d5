//! The names of docs/METRICS.md, and their words as `/metrics` repeats them.

use metrics::{KeyName, SharedString, with_recorder};

const TABLES: &str = include_str!("../../../../docs/METRICS.md");

/// A line of one of the tables: | `name` | type | labels | words |
struct Row {
    name: &'static str,
    kind: &'static str,
    words: &'static str,
}

fn rows() -> impl Iterator<Item = Row> {
    TABLES.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
        let name = cells.next()?.strip_suffix('`')?;
        // A star: it is there from when it first happens.
        let kind = cells.next()?.trim_end_matches('*');
        Some(Row { name, kind, words: cells.nth(1)? })
    })
}

/// Tells the recorder what each name means.
pub(super) fn describe() {
    with_recorder(|recorder| {
        for Row { name, kind, words } in rows() {
            let (name, words) = (KeyName::from_const_str(name), SharedString::const_str(words));
            match kind {
                "counter" => recorder.describe_counter(name, None, words),
                "gauge" => recorder.describe_gauge(name, None, words),
                _ => recorder.describe_histogram(name, None, words),
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_can_be_read() {
        let rows: Vec<Row> = rows().collect();
        assert!(rows.len() > 50, "{}", rows.len());
        for Row { name, kind, words } in rows {
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{name} is a {kind}");
            assert!(!words.is_empty(), "{name} has no words");
            let counts = kind == "counter";
            assert_eq!(counts, name.ends_with("_total"), "{name}: counters, and only they, end in _total");
        }
    }
}
