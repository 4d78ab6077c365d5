//! Random series against python-dateutil and ical.js (`oracle/` in this crate wrote the file). A difference is a failure
//! unless one of the classes below explains it, each of which the README lists with the sentence of the RFC.
//!
//! `./dev oracle` makes new cases and runs this over them; without `ORACLE_CASES` the frozen ones are read.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod case;
mod classes;
mod models;
#[path = "../support/naive.rs"]
mod naive;
mod shapes;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;

use case::{Answer, Case};
use classes::Library;

/// What one library said, over all cases.
#[derive(Default)]
struct Tally {
    agreed: usize,
    /// What it would not or could not answer, by what it said.
    silent: BTreeMap<String, usize>,
    explained: BTreeMap<&'static str, usize>,
    unexplained: Vec<String>,
}

impl Tally {
    fn note(&mut self, library: Library, case: &Case, line: &str) {
        let theirs = match case.answer(library) {
            Answer::Members(theirs) => theirs,
            Answer::Refused { refused } => {
                *self.silent.entry(refused.clone()).or_default() += 1;
                return;
            }
        };
        match classes::explain(library, case, &case::members(theirs)) {
            Ok(classes) if classes.is_empty() => self.agreed += 1,
            Ok(classes) => classes.into_iter().for_each(|class| *self.explained.entry(class).or_default() += 1),
            Err(found) => self.unexplained.push(format!("{line}\n  {library:?} against {found:?}")),
        }
    }

    fn print(&self, library: Library) {
        println!("{library:?}: {} agree", self.agreed);
        self.silent.iter().for_each(|(why, n)| println!("  {n:>6} unanswered: {why}"));
        self.explained.iter().for_each(|(class, n)| println!("  {n:>6} explained: {class}"));
        println!("  {:>6} unexplained", self.unexplained.len());
    }
}

#[test]
fn random_series_expand_as_in_other_libraries() {
    let frozen = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle.jsonl");
    let path = std::env::var("ORACLE_CASES").unwrap_or_else(|_| frozen.to_owned());
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let [mut dateutil, mut icaljs] = [Tally::default(), Tally::default()];
    let mut cases = 0;
    for line in text.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        cases += 1;
        dateutil.note(Library::Dateutil, &case, line);
        icaljs.note(Library::IcalJs, &case, line);
    }
    println!("{cases} series");
    dateutil.print(Library::Dateutil);
    icaljs.print(Library::IcalJs);
    assert!(path != frozen || cases >= 400, "the file is cut: {cases} cases");
    assert!(dateutil.agreed * 100 > cases * 80, "too few agree with dateutil: {}", dateutil.agreed);
    assert!(icaljs.agreed * 100 > cases * 50, "too few agree with ical.js: {}", icaljs.agreed);
    let unexplained: Vec<_> = dateutil.unexplained.iter().chain(&icaljs.unexplained).map(String::as_str).collect();
    assert!(unexplained.is_empty(), "{} unexplained:\n{}", unexplained.len(), unexplained.join("\n"));
}
