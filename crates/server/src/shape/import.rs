use serde::Serialize;
use utoipa::ToSchema;

/// What an import did, component by component.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportReport {
    created: u64,
    updated: u64,
    /// They said already what the input says.
    unchanged: u64,
    /// Left out; `issues` says why.
    skipped: u64,
    /// The sum of the four.
    components: u64,
    /// The first 1,000 of them.
    issues: Vec<ImportIssue>,
    /// All of them.
    issues_total: u64,
    /// Nothing was written.
    dry_run: bool,
}

/// Something that could not be taken as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportIssue {
    /// From 1; of a whole component that of its BEGIN.
    line: u64,
    uid: Option<String>,
    /// `VEVENT` and the like; null outside of all.
    component: Option<String>,
    reason: String,
    #[schema(value_type = OutcomeOfImport)]
    outcome: koyomi::ImportOutcome,
}

/// What became of the component; `noted` where there was none.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "documents koyomi::ImportOutcome")]
pub(crate) enum OutcomeOfImport {
    Created,
    Updated,
    Unchanged,
    Skipped,
    Noted,
}

impl From<koyomi::ImportReport> for ImportReport {
    fn from(report: koyomi::ImportReport) -> Self {
        Self {
            created: report.created,
            updated: report.updated,
            unchanged: report.unchanged,
            skipped: report.skipped,
            components: report.components,
            issues: report.issues.into_iter().map(Into::into).collect(),
            issues_total: report.issues_total,
            dry_run: report.dry_run,
        }
    }
}

impl From<koyomi::ImportIssue> for ImportIssue {
    fn from(issue: koyomi::ImportIssue) -> Self {
        Self {
            line: issue.line,
            uid: issue.uid,
            component: issue.component,
            reason: issue.reason,
            outcome: issue.outcome,
        }
    }
}
