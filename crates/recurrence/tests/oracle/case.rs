//! A line of the file, and what this crate and the definition make of it.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDateTime, TimeDelta};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use recurrence::{Budget, Duration, Moment, Rule, Series, Until};
use serde::Deserialize;

use crate::classes::Library;
use crate::naive;
use crate::support::{expand, local, moment, rdate, rule, window, zone};

#[derive(Deserialize, Clone)]
pub(crate) struct Case {
    pub(crate) start: String,
    anchor: String,
    pub(crate) rules: Vec<String>,
    #[serde(default)]
    pub(crate) rdates: Vec<String>,
    #[serde(default)]
    pub(crate) exdates: Vec<String>,
    from: String,
    to: String,
    /// Rules with a COUNT that do not generate the start.
    #[serde(default)]
    pub(crate) uncounted: Vec<usize>,
    /// No rule generates the start.
    #[serde(default)]
    pub(crate) outside: bool,
    dateutil: Answer,
    icaljs: Answer,
}

#[derive(Deserialize, Clone)]
#[serde(untagged)]
pub(crate) enum Answer {
    Members(Vec<String>),
    Refused { refused: String },
}

/// A reading of the clock of the series, and its offset from UTC in seconds.
pub(crate) type Member = (NaiveDateTime, i64);

/// `2026-03-29T02:30:00+3600`
pub(crate) fn members(written: &[String]) -> Vec<Member> {
    let member = |text: &String| (local(&text[..19]), text[19..].parse().unwrap());
    written.iter().map(member).collect()
}

pub(crate) fn instant((local, offset): Member) -> i64 {
    local.and_utc().timestamp() - offset
}

impl Case {
    pub(crate) fn answer(&self, library: Library) -> &Answer {
        match library {
            Library::Dateutil => &self.dateutil,
            Library::IcalJs => &self.icaljs,
        }
    }

    pub(crate) fn with_rules(&self, rules: &[String]) -> Case {
        Case { rules: rules.to_vec(), ..self.clone() }
    }

    /// What is inside the window, by reading.
    pub(crate) fn inside(&self, members: impl IntoIterator<Item = Member>) -> Vec<Member> {
        let window = window(&self.from, &self.to);
        let (from, to) = (window.from.timestamp(), window.to.timestamp());
        let inside = |member: &Member| (from..to).contains(&instant(*member));
        members.into_iter().filter(inside).collect::<BTreeSet<_>>().into_iter().collect()
    }

    pub(crate) fn clock(&self) -> TimeZone {
        TimeZoneDatabase::bundled().get(&self.anchor).unwrap()
    }

    fn series(&self, rules: &[String]) -> Series {
        Series {
            start: moment(&self.start),
            duration: Duration::ZERO,
            rules: rules.iter().map(|text| rule(text)).collect(),
            rdates: self.rdates.iter().map(|text| rdate(text)).collect(),
            exdates: self.exdates.iter().map(|text| moment(text)).collect(),
            anchor: zone(&self.anchor),
        }
    }

    /// What this crate says, with these rules in place of its own.
    pub(crate) fn ours(&self, rules: &[String]) -> Vec<Member> {
        let series = self.series(rules);
        let found = expand(&series, window(&self.from, &self.to));
        for o in found.iter().take(4) {
            assert!(series.matches(o.original_start, Budget::default()).unwrap(), "{}", o.original_start);
        }
        let offset = |o: &recurrence::Occurrence| (o.original_start.and_utc() - o.start).num_seconds();
        let mut found: Vec<_> = found.iter().map(|o| (o.original_start, offset(o))).collect();
        found.sort_unstable();
        found
    }

    /// What the definition says (`tests/support/naive.rs`, which shares nothing with the crate but the parser).
    pub(crate) fn definition(&self) -> Vec<Member> {
        let clock = self.clock();
        let start = moment(&self.start);
        let to = window(&self.from, &self.to).to.naive_utc() + TimeDelta::days(2);
        let mut readings: BTreeSet<_> = self.added().into_iter().collect();
        for text in &self.rules {
            let plain = self.plain(rule(text), start.is_date());
            readings.extend(naive::members(&plain, start.local(), to));
        }
        let excluded: BTreeSet<_> = self.excluded().into_iter().collect();
        let held: BTreeSet<_> =
            excluded.iter().map(|at| naive::resolve(&clock, *at)).filter(|(_, gap)| !gap).map(|(at, _)| at).collect();
        let found = naive::occurrences(&readings, &clock, 0, 0).into_iter();
        let found = found.filter(|(at, reading, _)| !excluded.contains(reading) && !held.contains(at));
        self.inside(found.map(|(at, reading, _)| (reading, reading.and_utc().timestamp() - at)))
    }

    /// A rule whose UNTIL is a reading, and which has no times where the start has none.
    fn plain(&self, rule: Rule, whole_days: bool) -> Rule {
        let end_of_day = |day: chrono::NaiveDate| Until::Local(day.and_hms_opt(23, 59, 59).unwrap());
        let until = rule.until().map(|until| match until {
            Until::Date(day) => end_of_day(day),
            Until::Local(at) if whole_days => end_of_day(at.date()),
            Until::Utc(at) if whole_days && ["00:00:00", "23:59:59"].contains(&at.time().to_string().as_str()) => {
                end_of_day(at.date_naive())
            }
            Until::Utc(at) if whole_days => end_of_day(zone(&self.anchor).to_local(at).date()),
            Until::Utc(at) => {
                Until::Local(zone(&self.anchor).to_local(DateTime::from_timestamp(at.timestamp(), 0).unwrap()))
            }
            local @ Until::Local(_) => local,
        });
        let mut rule = match until {
            Some(until) => rule.ending(until),
            None => rule,
        };
        if whole_days {
            let text = rule.to_string();
            let kept =
                text.split(';').filter(|p| !["BYHOUR=", "BYMINUTE=", "BYSECOND="].iter().any(|t| p.starts_with(t)));
            let kept = kept.collect::<Vec<_>>().join(";");
            // BYSETPOS needs another part beside it
            rule = Rule::parse(&kept).or_else(|_| Rule::parse(&format!("{kept};BYHOUR=0"))).unwrap();
        }
        rule
    }

    /// Readings of the EXDATEs.
    pub(crate) fn excluded(&self) -> Vec<NaiveDateTime> {
        self.exdates.iter().map(|text| self.reading(text)).collect()
    }

    /// Readings of the RDATEs.
    pub(crate) fn added(&self) -> Vec<NaiveDateTime> {
        self.rdates.iter().map(|text| self.reading(text)).collect()
    }

    /// What the clock of the series reads.
    fn reading(&self, text: &str) -> NaiveDateTime {
        let own = zone(&self.anchor);
        match moment(text) {
            Moment::Zoned(at, zone) if zone != own => own.to_local(zone.to_utc(at)),
            other => other.local(),
        }
    }
}
