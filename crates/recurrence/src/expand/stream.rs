use super::budget::Meter;
use super::days::DaySet;
use super::plan::Plan;
use crate::Error;
use crate::civil::{DAY, LAST_SECOND};

/// The members of one rule within a span, ascending in local seconds, without the start: that one belongs to the series.
#[derive(Debug)]
pub(crate) struct Stream<'p, 'r> {
    plan: &'p Plan<'r>,
    last: i64,
    /// How many COUNT still allows.
    remaining: i64,
    index: i64,
    /// What is left of the current period.
    set: DaySet,
    time: usize,
    /// What is left of it when BYSETPOS chose.
    picked: Vec<i64>,
    at: usize,
    was_empty: bool,
    done: bool,
}

impl<'p, 'r> Stream<'p, 'r> {
    /// Jumps to `from` without visiting what lies before it, unless a COUNT without closed form has to be counted.
    pub(crate) fn open(plan: &'p Plan<'r>, from: i64, last: i64, meter: &mut Meter) -> Result<Stream<'p, 'r>, Error> {
        let from = from.max(plan.start.saturating_add(1));
        let last = last.min(LAST_SECOND);
        let mut stream = Stream {
            plan,
            last,
            remaining: i64::MAX,
            index: 0,
            set: DaySet { base: 0, bits: [0; 6] },
            time: 0,
            picked: Vec::new(),
            at: 0,
            was_empty: false,
            done: from > last,
        };
        if stream.done {
            return Ok(stream);
        }
        let target = plan.index_at(from);
        if let Some(count) = plan.count() {
            let first = stream.enter_first(meter)?;
            stream.remaining = count - 1;
            if target > 0 {
                let between = plan.members_until(target, count - first, meter)?;
                stream.remaining = count.saturating_sub(first).saturating_sub(between);
            }
        } else if target == 0 {
            stream.enter_first(meter)?;
        }
        if target > 0 {
            stream.enter(target, meter)?;
        }
        let skipped = stream.drop_before(from);
        stream.count_down(skipped);
        Ok(stream)
    }

    /// Members by the end of the period that holds the start, the start included.
    pub(crate) fn members_of_first_period(plan: &'p Plan<'r>, meter: &mut Meter) -> Result<i64, Error> {
        let mut stream = Stream::open(plan, plan.start, plan.start, meter)?;
        stream.done = false;
        stream.enter_first(meter)
    }

    /// The next member.
    pub(crate) fn next(&mut self, meter: &mut Meter) -> Result<Option<i64>, Error> {
        while !self.done && self.remaining > 0 {
            if let Some(member) = self.take() {
                meter.spend(1)?;
                if member > self.last {
                    break;
                }
                self.count_down(1);
                return Ok(Some(member));
            }
            let next = self.plan.following(self.index, self.was_empty);
            self.enter(next, meter)?;
        }
        self.done = true;
        Ok(None)
    }

    fn enter_first(&mut self, meter: &mut Meter) -> Result<i64, Error> {
        self.enter(0, meter)?;
        self.drop_before(self.plan.start.saturating_add(1));
        Ok(1 + self.left())
    }

    fn enter(&mut self, index: i64, meter: &mut Meter) -> Result<(), Error> {
        meter.spend(self.plan.cost)?;
        self.index = index;
        self.time = 0;
        self.at = 0;
        self.picked.clear();
        match self.plan.set(index) {
            Some(set) if set.base <= self.last => {
                self.was_empty = set.is_empty();
                self.set = set;
                if self.plan.has_positions() {
                    self.plan.pick(&set, &mut self.picked);
                }
            }
            _ => {
                self.set.bits = [0; 6];
                self.done = true;
            }
        }
        Ok(())
    }

    fn count_down(&mut self, members: i64) {
        if self.plan.count().is_some() {
            self.remaining -= members;
        }
    }

    fn left(&self) -> i64 {
        if self.plan.has_positions() {
            (self.picked.len() - self.at) as i64
        } else {
            self.set.len() * self.plan.times().len() as i64 - self.time as i64
        }
    }

    fn take(&mut self) -> Option<i64> {
        if self.plan.has_positions() {
            let member = self.picked.get(self.at).copied();
            self.at += usize::from(member.is_some());
            return member;
        }
        let times = self.plan.times();
        let member = self.set.first()? + times.get(self.time)?;
        self.time += 1;
        if self.time == times.len() {
            self.time = 0;
            self.set.drop_first();
        }
        Some(member)
    }

    /// Drops what is left of the current period before `from`, and says how much that was.
    fn drop_before(&mut self, from: i64) -> i64 {
        let before = self.left();
        if self.plan.has_positions() {
            self.at = self.picked.partition_point(|member| *member < from).max(self.at);
            return before - self.left();
        }
        let day = (from - self.set.base).div_euclid(DAY);
        if self.set.drop_before(day) > 0 {
            self.time = 0;
        }
        let midnight = self.set.base + day * DAY;
        if self.set.first() == Some(midnight) {
            let times = self.plan.times();
            let passed = times.partition_point(|time| midnight + time < from);
            self.time = self.time.max(passed);
            if self.time == times.len() {
                self.time = 0;
                self.set.drop_first();
            }
        }
        before - self.left()
    }
}
