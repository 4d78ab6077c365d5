use serde::{Deserialize, Serialize};

/// What an import did, component by component.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// New events and overrides.
    pub created: u64,
    /// Records that were here and say what the input says now.
    pub updated: u64,
    /// Records that said it already.
    pub unchanged: u64,
    /// Components that were left out; `issues` says why.
    pub skipped: u64,
    /// VEVENTs and whatever else stands beside them in a calendar, time zones aside; lines of NDJSON. The sum of the
    /// four above.
    pub components: u64,
    /// The first [`MAX_ISSUES`] of them.
    pub issues: Vec<ImportIssue>,
    /// All of them.
    pub issues_total: u64,
    /// Nothing was written.
    pub dry_run: bool,
}

/// Issues that a report names.
pub const MAX_ISSUES: usize = 1_000;

/// Something that could not be taken as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportIssue {
    /// From 1; of a whole component that of its BEGIN.
    pub line: u64,
    /// Of the component, where it has one.
    pub uid: Option<String>,
    /// Its kind ("VEVENT"); absent for what stands outside of all.
    pub component: Option<String>,
    /// A limit is named as `limit NAME: …`.
    pub reason: String,
    /// What became of the component.
    pub outcome: ImportOutcome,
}

/// What became of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportOutcome {
    /// It was not here.
    Created,
    /// It was here and says what the input says now.
    Updated,
    /// It was here and said so already.
    Unchanged,
    /// It was left out.
    Skipped,
    /// It is no component: a property of the calendar, a time zone, text outside.
    Noted,
}

impl ImportReport {
    /// Adds what became of one component.
    pub(super) fn count(&mut self, outcome: ImportOutcome) {
        let counter = match outcome {
            ImportOutcome::Created => &mut self.created,
            ImportOutcome::Updated => &mut self.updated,
            ImportOutcome::Unchanged => &mut self.unchanged,
            ImportOutcome::Skipped => &mut self.skipped,
            ImportOutcome::Noted => return,
        };
        *counter += 1;
        self.components += 1;
    }

    pub(super) fn issue(&mut self, issue: ImportIssue) {
        self.issues_total += 1;
        if self.issues.len() < MAX_ISSUES {
            self.issues.push(issue);
        }
    }
}
