//! What python-dateutil makes of random rules (`oracle/dateutil_cases.py` wrote the file).
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod support;

use recurrence::{Budget, Duration};
use serde::Deserialize;
use support::{expand, originals, series, window};

#[derive(Deserialize)]
struct Case {
    start: String,
    rule: String,
    from: String,
    to: String,
    starts: Vec<String>,
}

#[test]
fn random_rules_expand_as_in_dateutil() {
    let frozen = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dateutil.jsonl");
    let path = std::env::var("ORACLE_CASES").unwrap_or_else(|_| frozen.to_owned());
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut differences = Vec::new();
    let mut cases = 0;
    for line in text.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        cases += 1;
        let mut series = series(&case.start, &[&case.rule]);
        series.duration = Duration::ZERO;
        let found = originals(&expand(&series, window(&case.from, &case.to)));
        if found != case.starts {
            differences.push(format!("{line}\n  found {found:?}"));
            continue;
        }
        for start in &case.starts {
            let is_member = series.matches(start.parse().unwrap(), Budget::default()).unwrap();
            assert!(is_member, "{line}: {start}");
        }
    }
    assert!(cases >= 300, "the file is cut: {cases} cases");
    assert!(differences.is_empty(), "{} of {cases} differ:\n{}", differences.len(), differences.join("\n"));
}
