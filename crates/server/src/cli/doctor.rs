use std::fmt::Write;
use std::process::ExitCode;

use cache::Reads;
use clap::Args;
use kernel::Clock;
use serde::Serialize;
use store::doctor::{Finding, Level, Need, Report, Statements, Table};

use crate::config::{Config, Freshness};
use crate::shape::index::IndexUsage;

#[derive(Args, Debug)]
pub(super) struct Doctor {
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    freshness: Freshness,
    /// Instances of this configuration that serve from the database
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    instances: u32,
    /// Everything, as one JSON object
    #[arg(long)]
    json: bool,
}

/// For machines.
#[derive(Serialize)]
struct Told {
    /// No error among the findings.
    ok: bool,
    findings: Vec<Finding>,
    indexes: Option<IndexUsage>,
    tables: Vec<Table>,
    statements: Option<Statements>,
}

impl Doctor {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let bounded = match self.freshness.reads {
            Reads::Strict => None,
            Reads::Bounded(bound) => Some(bound),
        };
        let connections = self.config.connections(&self.freshness);
        let need = Need { instances: self.instances, connections, bounded };
        let mut report = store::doctor::examine(&self.config.database(), need, &Clock::System).await?;
        if let Some(redis) = &self.freshness.redis {
            report.findings.extend(cache::doctor::examine(redis).await?);
            report.findings.sort_by_key(|finding| finding.level);
        }
        let ok = report.findings.iter().all(|finding| finding.level != Level::Error);
        if self.json {
            let Report { findings, indexes, tables, statements } = report;
            let told = Told { ok, findings, indexes: indexes.map(IndexUsage::from), tables, statements };
            println!("{}", serde_json::to_string_pretty(&told)?);
        } else {
            print!("{}", text(&report));
        }
        Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn text(report: &Report) -> String {
    let mut text = String::new();
    for (level, word) in [(Level::Error, "error"), (Level::Warning, "warning"), (Level::Ok, "ok")] {
        let of_level: Vec<&Finding> = report.findings.iter().filter(|finding| finding.level == level).collect();
        if !of_level.is_empty() {
            let _ = writeln!(text, "{word}");
        }
        for finding in of_level {
            if level == Level::Ok {
                let _ = writeln!(text, "  {}: {} (allowed: {})", finding.about, finding.found, finding.allowed);
                continue;
            }
            let _ = writeln!(text, "  {}: {}\n      allowed: {}", finding.about, finding.found, finding.allowed);
            if let Some(advice) = &finding.advice {
                let _ = writeln!(text, "      to do: {advice}");
            }
        }
    }
    if let Some(statements) = &report.statements {
        text.push_str(&costly(statements));
    }
    text
}

fn costly(statements: &Statements) -> String {
    let mut text = String::from("statements that cost most");
    if let Some(since) = statements.counted_since {
        let _ = write!(text, ", since {}", since.format("%Y-%m-%d %H:%M UTC"));
    }
    let _ = writeln!(text, "\n  {:>12} {:>10} {:>10} {:>12} {:>6}", "total ms", "mean ms", "calls", "rows", "hits");
    for s in &statements.statements {
        let hits = s.hit_ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{:.0} %", ratio * 100.0));
        let _ = writeln!(
            text,
            "  {:>12.1} {:>10.3} {:>10} {:>12} {hits:>6}  {}",
            s.total_ms, s.mean_ms, s.calls, s.rows, s.text
        );
    }
    text
}
