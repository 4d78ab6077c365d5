use std::slice;

use super::budget::Meter;
use super::days::DaySet;
use super::filter::Filter;
use crate::civil::{self, DAY, FIRST_DAY, LAST_DAY};
use crate::{Error, Frequency, Rule};

/// A rule made ready to run from a start: what DTSTART contributes is filled in, lists have become bit sets, and time
/// is cut into numbered periods (years, months, weeks, days or hours), every one of which can be computed on its own.
/// It knows no zone: it runs on local seconds.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    freq: Frequency,
    interval: i64,
    count: Option<u32>,
    positions: &'a [i16],
    filter: Filter<'a>,
    hours: u32,
    times: Times,
    /// Local seconds of DTSTART and the number of the period that holds it.
    pub(super) start: i64,
    origin: i64,
    /// How many members every whole period has, where that is known without looking.
    steady: Option<i64>,
    never: bool,
    /// Steps for looking at one period.
    pub(super) cost: u32,
}

/// Offsets within a day (within an hour for HOURLY), ascending. Nearly always one.
#[derive(Debug)]
enum Times {
    One(i64),
    Many(Vec<i64>),
}

impl Times {
    fn as_slice(&self) -> &[i64] {
        match self {
            Times::One(time) => slice::from_ref(time),
            Times::Many(times) => times,
        }
    }
}

impl<'a> Plan<'a> {
    /// `start` in local seconds. A series of whole days ignores BYHOUR, BYMINUTE and BYSECOND, as §3.3.10 demands.
    ///
    /// # Errors
    /// [`Error::TooFine`] for an HOURLY rule over whole days.
    pub(super) fn new(rule: &'a Rule, start: i64, whole_days: bool) -> Result<Plan<'a>, Error> {
        if whole_days && rule.freq == Frequency::Hourly {
            return Err(Error::TooFine { freq: rule.freq, finest: Frequency::Daily });
        }
        let filter = Filter::new(rule, start.div_euclid(DAY));
        let (hours, times) = times(rule, start.rem_euclid(DAY), whole_days);
        let mut plan = Plan {
            freq: rule.freq,
            interval: i64::from(rule.interval),
            count: rule.count,
            positions: &rule.by_set_pos,
            hours,
            times,
            start,
            origin: 0,
            steady: None,
            cost: cost(rule, filter.is_open()),
            never: filter.is_impossible() || !(FIRST_DAY..=LAST_DAY).contains(&start.div_euclid(DAY)),
            filter,
        };
        plan.origin = plan.period_of(start);
        plan.steady = plan.steady_size();
        plan.never |= plan.steady == Some(0) || plan.is_out_of_reach();
        Ok(plan)
    }

    pub(super) fn times(&self) -> &[i64] {
        self.times.as_slice()
    }

    pub(super) fn count(&self) -> Option<i64> {
        self.count.map(i64::from)
    }

    /// The first period, counted in intervals from that of the start, that may hold members at or after `from`.
    pub(super) fn index_at(&self, from: i64) -> i64 {
        self.index_of(self.period_of(from.max(self.start)))
    }

    /// Members in the periods `1..until`; counting may stop once there are `enough`.
    pub(super) fn members_until(&self, until: i64, enough: i64, meter: &mut Meter) -> Result<i64, Error> {
        if let Some(size) = self.steady {
            return Ok(size.saturating_mul(until - 1));
        }
        let (mut found, mut index) = (0, 1);
        while index < until && found < enough {
            meter.spend(self.cost)?;
            let Some(set) = self.set(index) else { break };
            found += self.size(&set);
            index = self.following(index, set.is_empty());
        }
        Ok(found)
    }

    /// For a rule with COUNT: local seconds at or after its last member, in the period of that member. `first` is how
    /// many members there are by the end of the period that holds the start.
    pub(super) fn end_of_count(&self, first: i64, meter: &mut Meter) -> Result<i64, Error> {
        let missing = self.count().unwrap_or(0) - first;
        let period_end = |set: &DaySet| set.base.saturating_add(366 * DAY);
        let mut end = self.start.saturating_add(366 * DAY);
        if missing <= 0 {
            return Ok(end);
        }
        if let Some(size) = self.steady {
            let last = if size > 0 { (missing + size - 1) / size } else { 0 };
            // past the year 9999 there are no periods
            return Ok(self.set(last).map_or(civil::LAST_SECOND, |set| period_end(&set)));
        }
        let (mut found, mut index) = (0, 1);
        while found < missing {
            meter.spend(self.cost)?;
            let Some(set) = self.set(index) else { break };
            let size = self.size(&set);
            if size > 0 {
                found += size;
                end = period_end(&set);
            }
            index = self.following(index, set.is_empty());
        }
        Ok(end)
    }

    /// The days of a period; `None` past the year 9999 or when nothing can ever match.
    pub(super) fn set(&self, index: i64) -> Option<DaySet> {
        if self.never {
            return None;
        }
        let period = self.origin + index * self.interval;
        let set = match self.freq {
            Frequency::Yearly => {
                if period > 9_999 {
                    return None;
                }
                self.filter.year(period)
            }
            Frequency::Monthly => {
                let (year, month) = (period.div_euclid(12), period.rem_euclid(12) as u32 + 1);
                if year > 9_999 {
                    return None;
                }
                self.filter.month(year, month)
            }
            Frequency::Weekly => self.filter.week(self.week_start(period)),
            Frequency::Daily => self.filter.day(period),
            _ => {
                let (day, hour) = (period.div_euclid(24), period.rem_euclid(24));
                let mut set = self.filter.day(day);
                set.base += hour * 3_600;
                if self.hours >> hour & 1 == 0 {
                    set.bits[0] = 0;
                }
                set
            }
        };
        if set.base > civil::LAST_SECOND { None } else { Some(set) }
    }

    /// Members of a period.
    pub(super) fn size(&self, set: &DaySet) -> i64 {
        let all = set.len() * self.times().len() as i64;
        if self.positions.is_empty() || all == 0 {
            return all;
        }
        let mut picked = Vec::with_capacity(self.positions.len());
        self.pick(set, &mut picked);
        picked.len() as i64
    }

    pub(super) fn has_positions(&self) -> bool {
        !self.positions.is_empty()
    }

    /// BYSETPOS: the members of a period at those positions, ascending.
    pub(super) fn pick(&self, set: &DaySet, picked: &mut Vec<i64>) {
        picked.clear();
        let times = self.times();
        let per_day = times.len() as i64;
        let all = set.len() * per_day;
        for &position in self.positions {
            let position = i64::from(position);
            let index = if position > 0 { position - 1 } else { all + position };
            if (0..all).contains(&index)
                && let Some(day) = set.nth(index / per_day)
            {
                picked.push(day + times[(index % per_day) as usize]);
            }
        }
        picked.sort_unstable();
        picked.dedup();
    }

    /// The next period worth looking at. An empty one may be followed by many alike: a daily rule in January only jumps
    /// to the next January.
    pub(super) fn following(&self, index: i64, was_empty: bool) -> i64 {
        let next = index + 1;
        if !was_empty {
            return next;
        }
        let period = self.origin + index * self.interval;
        let target = match self.freq {
            Frequency::Daily => self.filter.next_day(period),
            Frequency::Hourly => {
                let (day, hour) = (period.div_euclid(24), period.rem_euclid(24));
                let later_today = (self.hours >> hour) >> 1;
                if later_today == 0 || !self.filter.accepts(day) {
                    self.filter.next_day(day) * 24
                } else {
                    period + 1 + i64::from(later_today.trailing_zeros())
                }
            }
            // the next week in which a chosen day is in a chosen month
            Frequency::Weekly => {
                let day = self.filter.next_day(self.week_start(period) + 6);
                self.week_of(day)
            }
            _ => return next,
        };
        next.max(self.index_of(target))
    }

    fn index_of(&self, period: i64) -> i64 {
        let passed = (period - self.origin).max(0);
        passed / self.interval + i64::from(passed % self.interval != 0)
    }

    fn period_of(&self, local: i64) -> i64 {
        let day = local.div_euclid(DAY);
        match self.freq {
            Frequency::Yearly => civil::date_of(day).0,
            Frequency::Monthly => {
                let (year, month, _) = civil::date_of(day);
                year * 12 + i64::from(month) - 1
            }
            Frequency::Weekly => self.week_of(day),
            Frequency::Daily => day,
            _ => local.div_euclid(3_600),
        }
    }

    /// Weeks are numbered from the one that holds 1970-01-01, a Thursday.
    fn week_of(&self, day: i64) -> i64 {
        (day + 3 - self.filter.week_start()).div_euclid(7)
    }

    fn week_start(&self, period: i64) -> i64 {
        period * 7 - 3 + self.filter.week_start()
    }

    /// BYSETPOS=2 of an hour that has one member: known without walking to the year 9999.
    fn is_out_of_reach(&self) -> bool {
        let days = match self.freq {
            Frequency::Hourly | Frequency::Daily => 1,
            Frequency::Weekly => self.filter.weekdays(),
            Frequency::Monthly => 31,
            _ => 366,
        };
        let most = days * self.times().len();
        !self.positions.is_empty() && self.positions.iter().all(|p| usize::from(p.unsigned_abs()) > most)
    }

    fn steady_size(&self) -> Option<i64> {
        let days = match self.freq {
            Frequency::Hourly if self.hours != ALL_HOURS => return None,
            Frequency::Hourly | Frequency::Daily => self.filter.is_open().then_some(1),
            Frequency::Weekly => self.filter.days_per_week(),
            Frequency::Monthly => self.filter.days_per_month(),
            _ => self.filter.days_per_year(),
        }?;
        let all = days * self.times().len() as i64;
        let reached = |position: &&i16| i64::from(position.unsigned_abs()) <= all;
        match self.positions {
            [] => Some(all),
            // with both signs two positions may be the same one
            positions if positions.iter().all(|p| *p > 0) || positions.iter().all(|p| *p < 0) => {
                Some(positions.iter().filter(reached).count() as i64)
            }
            _ => None,
        }
    }
}

/// What a period costs beside a member, which is one step: `./dev fuzz` finds the rule where this is far from the truth.
fn cost(rule: &Rule, is_open: bool) -> u32 {
    let lists = rule.by_day.len() + rule.by_year_day.len();
    let days = match rule.freq {
        Frequency::Yearly => 3 + rule.by_week_no.len() / 3 + lists / 16,
        Frequency::Monthly => 1 + lists / 16,
        Frequency::Weekly => 2,
        _ if is_open && rule.by_hour.is_empty() => 1,
        Frequency::Daily => 2,
        _ => 3 + lists / 16,
    };
    let positions = if rule.by_set_pos.is_empty() { 0 } else { 1 + rule.by_set_pos.len() / 5 };
    (days + positions) as u32
}

const ALL_HOURS: u32 = (1 << 24) - 1;

/// Which hours an HOURLY rule may use, and the times within the unit that members are made of (day, or hour for HOURLY).
fn times(rule: &Rule, start: i64, whole_days: bool) -> (u32, Times) {
    let or_start = |values: &[u8], own: i64| -> Vec<i64> {
        if values.is_empty() || whole_days { vec![own] } else { values.iter().copied().map(i64::from).collect() }
    };
    let hourly = rule.freq == Frequency::Hourly;
    let hours = match rule.by_hour.as_slice() {
        hours if hourly && !hours.is_empty() => hours.iter().fold(0, |mask, hour| mask | 1 << hour),
        _ => ALL_HOURS,
    };
    let plain = rule.by_minute.is_empty() && rule.by_second.is_empty();
    if whole_days || plain && (hourly || rule.by_hour.is_empty()) {
        return (hours, Times::One(if hourly { start % 3_600 } else { start }));
    }
    let of_day = if hourly { vec![0] } else { or_start(&rule.by_hour, start / 3_600) };
    let minutes = or_start(&rule.by_minute, start / 60 % 60);
    let seconds = or_start(&rule.by_second, start % 60);
    // ascending, because each list is
    let times = of_day.iter().flat_map(|hour| {
        let seconds = &seconds;
        minutes.iter().flat_map(move |minute| seconds.iter().map(move |second| hour * 3_600 + minute * 60 + second))
    });
    (hours, Times::Many(times.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Budget, Rule};

    fn start() -> i64 {
        civil::day_of(2024, 1, 31) * DAY + 9 * 3_600
    }

    #[test]
    fn closed_forms_agree_with_counting() {
        for text in [
            "FREQ=DAILY;INTERVAL=3",
            "FREQ=DAILY;BYHOUR=1,2;BYMINUTE=5,6,7",
            "FREQ=WEEKLY;BYDAY=MO,WE,FR",
            "FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=2,5,1",
            "FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=-2",
            "FREQ=MONTHLY;BYMONTHDAY=1,28",
            "FREQ=MONTHLY;BYMONTHDAY=-1,-28",
            "FREQ=MONTHLY;BYDAY=1MO,4MO,2TU",
            "FREQ=MONTHLY;BYDAY=-4SU",
            "FREQ=YEARLY;BYMONTH=1,2;BYMONTHDAY=28,3",
            "FREQ=YEARLY;BYMONTH=6",
            "FREQ=YEARLY;BYMONTH=3;BYDAY=1SU,2SU",
            "FREQ=HOURLY;INTERVAL=5;BYMINUTE=0,30",
        ] {
            let rule = Rule::parse(text).unwrap();
            let rule = Plan { steady: None, ..Plan::new(&rule, start(), false).unwrap() };
            let steady = rule.steady_size();
            if text == "FREQ=YEARLY;BYMONTH=6" {
                assert_eq!(steady, None, "{text}: June has no 31st");
                continue;
            }
            let mut meter = Meter::new(Budget::steps(10_000));
            let walked = rule.members_until(2_000, i64::MAX, &mut meter).unwrap();
            assert_eq!(steady.map(|size| size * 1_999), Some(walked), "{text}");
        }
    }

    #[test]
    fn what_varies_has_no_closed_form() {
        for text in [
            "FREQ=MONTHLY", // the start is a 31st
            "FREQ=MONTHLY;BYMONTHDAY=28,-1",
            "FREQ=MONTHLY;BYDAY=5MO",
            "FREQ=MONTHLY;BYDAY=4MO,-1MO",
            "FREQ=MONTHLY;BYDAY=MO",
            "FREQ=YEARLY;BYYEARDAY=366",
            "FREQ=YEARLY;BYWEEKNO=53",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
            "FREQ=WEEKLY;BYMONTH=1",
            "FREQ=DAILY;BYDAY=MO",
            "FREQ=HOURLY;BYHOUR=1",
            "FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=1,-1",
        ] {
            let rule = Rule::parse(text).unwrap();
            assert_eq!(Plan::new(&rule, start(), false).unwrap().steady, None, "{text}");
        }
    }
}
