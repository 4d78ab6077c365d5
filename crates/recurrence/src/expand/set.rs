use std::ops::ControlFlow::{self, Break};

use chrono::{DateTime, NaiveTime, Timelike, Utc};

use super::Occurrence;
use super::budget::Meter;
use super::plan::Plan;
use super::stream::Stream;
use crate::civil::{self, Calendar, DAY, LAST_SECOND};
use crate::zone::Table;
use crate::{Duration, Error, Moment, Series, Until, Window, Zone};

/// A series made ready to be walked: all of its parts on the clock of one zone.
pub(super) struct RecurrenceSet<'a> {
    series: &'a Series,
    zone: &'a Zone,
    start: i64,
    rules: Vec<RuleOfSet<'a>>,
    /// Local seconds and own length, ascending.
    rdates: Vec<(i64, Option<Duration>)>,
}

struct RuleOfSet<'a> {
    plan: Plan<'a>,
    /// The last local second UNTIL may allow, and the exact instant where it names one: on the day the clock is put back a
    /// reading alone does not say which of two hours it means.
    last: i64,
    last_instant: Option<i64>,
}

impl<'a> RecurrenceSet<'a> {
    pub(super) fn new(series: &'a Series, meter: &mut Meter) -> Result<RecurrenceSet<'a>, Error> {
        let mut lengths = series.rdates.iter().filter_map(|rdate| rdate.duration);
        if series.duration.is_negative() || lengths.any(Duration::is_negative) {
            return Err(Error::EndBeforeStart);
        }
        let listed = series.rdates.len().saturating_add(series.exdates.len());
        meter.spend(u32::try_from(listed).unwrap_or(u32::MAX))?;
        let mut set = RecurrenceSet {
            series,
            zone: series.start.zone(&series.anchor),
            start: civil::seconds(series.start.local()),
            rules: Vec::with_capacity(series.rules.len()),
            rdates: Vec::new(),
        };
        for rule in &series.rules {
            let plan = Plan::new(rule, set.start, series.start.is_date())?;
            let (last, last_instant) = rule.until().map_or((LAST_SECOND, None), |until| set.bound(until));
            set.rules.push(RuleOfSet { plan, last, last_instant });
        }
        let rdates = series.rdates.iter().map(|rdate| (set.added(&rdate.start), rdate.duration));
        set.rdates = rdates.collect();
        set.rdates.sort_by_key(|(local, _)| *local);
        Ok(set)
    }

    pub(super) fn start(&self) -> i64 {
        self.start
    }

    pub(super) fn widest_shift(&self) -> i64 {
        self.table().widest_shift
    }

    /// The local seconds within which occurrences that overlap the window must start.
    pub(super) fn local_span(&self, window: Window) -> (i64, i64) {
        let shift = self.widest_shift();
        let from = self.table().local(window.from.timestamp()).saturating_sub(self.longest());
        let to = self.table().local(window.to.timestamp());
        // a nominal length may cross two shifts, one at each end
        (from.saturating_sub(2 * shift), to.saturating_add(shift))
    }

    /// Local seconds that no member is after, when every rule ends.
    pub(super) fn last(&self, meter: &mut Meter) -> Result<i64, Error> {
        let mut last = self.rdates.last().map_or(self.start, |(local, _)| self.start.max(*local));
        for RuleOfSet { plan, last: until, .. } in &self.rules {
            let end = if plan.count().is_some() {
                let first = Stream::members_of_first_period(plan, meter)?;
                plan.end_of_count(first, meter)?
            } else {
                *until
            };
            last = last.max(end.min(LAST_SECOND));
        }
        Ok(last)
    }

    /// Whether members that start before `from` end by `end`, unless their length is their own.
    pub(super) fn ends_by(&self, from: i64, end: DateTime<Utc>) -> bool {
        let latest = from.saturating_add(self.longest()).saturating_add(2 * self.widest_shift());
        latest <= self.table().local(end.timestamp())
    }

    /// Local seconds that the length of the series may span.
    fn longest(&self) -> i64 {
        let Duration { days, seconds } = self.series.duration;
        i64::from(days).saturating_mul(DAY).saturating_add(seconds)
    }

    pub(super) fn end_of_start(&self) -> DateTime<Utc> {
        let utc = self.table().resolve(self.start, &mut 0).utc;
        civil::instant(self.end(self.start, utc, self.series.duration, &mut 0))
    }

    /// Visits the members whose local start is in `from..=to`, sorted by start, until `visit` breaks off. RDATEs with a
    /// length of their own are visited however early they are, for their end may be anywhere.
    pub(super) fn walk(
        &self,
        from: i64,
        to: i64,
        meter: &mut Meter,
        mut visit: impl FnMut(Occurrence) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let mut rules = Vec::with_capacity(self.rules.len());
        for rule in &self.rules {
            let mut stream = Stream::open(&rule.plan, from, to.min(rule.last), meter)?;
            let head = stream.next(meter)?;
            rules.push((stream, head, rule.last_instant.unwrap_or(i64::MAX)));
        }
        let mut start = (from..=to).contains(&self.start).then_some(self.start);
        let rdates = self.rdates.iter().filter(|(local, own)| *local >= from || own.is_some());
        let mut rdates = rdates.take_while(|(local, _)| *local <= to).peekable();
        // of RDATEs with a length of their own the earliest may be long before the window
        let earliest = self.rdates.iter().find(|(_, own)| own.is_some()).map_or(from, |(local, _)| from.min(*local));
        let excluded = self.exclusions(earliest, to);
        let mut held: Vec<Occurrence> = Vec::new();
        let (mut hint, mut end_hint) = (0, 0);
        // one each: near midnight the three are on different days
        let [mut walls, mut starts, mut ends] = [(); 3].map(|()| Calendar::default());
        loop {
            let heads = rules.iter().filter_map(|(_, head, _)| *head);
            let next = heads.chain(start).chain(rdates.peek().map(|(local, _)| *local)).min();
            let Some(local) = next else { break };
            let resolved = self.table().resolve(local, &mut hint);
            let mut is_member = start.take_if(|start| *start == local).is_some();
            let mut length = None;
            while let Some((_, own)) = rdates.next_if(|(at, _)| *at == local) {
                is_member = true;
                length = length.or(*own);
            }
            for (stream, head, last_instant) in &mut rules {
                if *head == Some(local) {
                    is_member |= resolved.utc <= *last_instant;
                    *head = stream.next(meter)?;
                }
            }
            if !is_member {
                continue;
            }
            let instant = starts.instant(resolved.utc);
            if !resolved.in_gap && !held.is_empty() {
                // every later member starts later than this one: what was held back has its place in the order now,
                // and what falls on this very instant is not another occurrence
                let due = held.partition_point(|earlier| earlier.start < instant);
                for earlier in held.drain(..due) {
                    if visit(earlier).is_break() {
                        return Ok(());
                    }
                }
                held.retain(|other| other.start != instant);
            }
            if excluded.contain(local, resolved.utc) {
                continue;
            }
            let end = self.end(local, resolved.utc, length.unwrap_or(self.series.duration), &mut end_hint);
            let (original_start, end) = (walls.wall(local), ends.instant(end));
            let occurrence = Occurrence { original_start, start: instant, end };
            if resolved.in_gap {
                held.push(occurrence);
            } else if visit(occurrence).is_break() {
                return Ok(());
            }
        }
        for occurrence in held {
            if visit(occurrence) == Break(()) {
                break;
            }
        }
        Ok(())
    }

    fn table(&self) -> &Table {
        self.zone.table()
    }

    fn end(&self, local: i64, utc: i64, length: Duration, hint: &mut usize) -> i64 {
        let end = if length.days == 0 {
            utc
        } else {
            let end = local.saturating_add(i64::from(length.days) * DAY);
            self.table().resolve(end, hint).utc
        };
        end.saturating_add(length.seconds).max(utc)
    }

    /// What UNTIL means beside this start: the last local second, and the last instant if it names one.
    fn bound(&self, until: Until) -> (i64, Option<i64>) {
        let local = |utc: i64| self.table().local(utc);
        match until {
            Until::Utc(utc) if self.series.start.is_date() => {
                let local = if is_day_in_disguise(utc.time()) { utc.timestamp() } else { local(utc.timestamp()) };
                (end_of_day(local), None)
            }
            Until::Utc(utc) => {
                let instant = utc.timestamp();
                (local(instant).saturating_add(self.widest_shift()), Some(instant))
            }
            until => {
                let last = last_reading(until, local);
                (if self.series.start.is_date() { end_of_day(last) } else { last }, None)
            }
        }
    }

    /// An RDATE on the clock of the series; a date beside a timed start means that time of day.
    fn added(&self, moment: &Moment) -> i64 {
        match moment {
            Moment::Date(_) => civil::seconds(moment.local()) + self.start.rem_euclid(DAY),
            _ => self.reading(moment),
        }
    }

    /// A moment as the clock of the series reads it.
    fn reading(&self, moment: &Moment) -> i64 {
        let local = civil::seconds(moment.local());
        match moment {
            Moment::Zoned(_, zone) if zone != self.zone => self.table().local(zone.table().resolve(local, &mut 0).utc),
            _ => local,
        }
    }

    fn exclusions(&self, from: i64, to: i64) -> Exclusions {
        let mut excluded = Exclusions::default();
        let margin = 2 * DAY; // instants are up to a day away from readings
        let span = from.saturating_sub(margin)..=to.saturating_add(margin);
        let whole_days = self.series.start.is_date();
        for moment in &self.series.exdates {
            let local = civil::seconds(moment.local());
            if !span.contains(&local) {
                continue;
            }
            match moment {
                Moment::Date(_) => excluded.days.push(local.div_euclid(DAY)),
                // a midnight in any zone is a date that lost its VALUE=DATE
                _ if whole_days && local % DAY == 0 => excluded.days.push(local.div_euclid(DAY)),
                _ if whole_days => excluded.days.push(self.reading(moment).div_euclid(DAY)),
                Moment::Zoned(_, zone) if zone != self.zone => {
                    excluded.instants.push(zone.table().resolve(local, &mut 0).utc);
                }
                _ => {
                    excluded.readings.push(local);
                    let resolved = self.table().resolve(local, &mut 0);
                    if !resolved.in_gap {
                        excluded.instants.push(resolved.utc);
                    }
                }
            }
        }
        excluded.sort();
        excluded
    }
}

/// EXDATEs, sorted.
#[derive(Default)]
struct Exclusions {
    days: Vec<i64>,
    readings: Vec<i64>,
    /// Also those given as readings: an occurrence that the clock skipped is excluded by the time it takes place at.
    instants: Vec<i64>,
}

impl Exclusions {
    fn sort(&mut self) {
        for list in [&mut self.days, &mut self.readings, &mut self.instants] {
            list.sort_unstable();
        }
    }

    fn contain(&self, local: i64, utc: i64) -> bool {
        let has = |list: &[i64], value: i64| !list.is_empty() && list.binary_search(&value).is_ok();
        has(&self.days, local.div_euclid(DAY)) || has(&self.readings, local) || has(&self.instants, utc)
    }
}

/// The last local second of an UNTIL, `to_local` being the clock for one in UTC.
pub(super) fn last_reading(until: Until, to_local: impl Fn(i64) -> i64) -> i64 {
    match until {
        Until::Date(date) => end_of_day(civil::seconds(civil::midnight(date))),
        Until::Local(local) => civil::seconds(local),
        Until::Utc(utc) => to_local(utc.timestamp()),
    }
}

fn end_of_day(local: i64) -> i64 {
    local.div_euclid(DAY) * DAY + DAY - 1
}

/// Clients that must write a date as UTC write the first or the last second of the day.
fn is_day_in_disguise(time: NaiveTime) -> bool {
    matches!(time.num_seconds_from_midnight(), 0 | 86_399)
}
