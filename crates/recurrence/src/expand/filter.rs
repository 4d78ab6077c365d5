use super::days::DaySet;
use crate::civil;
use crate::rule::{Frequency, Rule, Weekday};

const EVERY_MONTH: u16 = 0b1_1111_1111_1110;

/// What a rule demands of a day, DTSTART's own share included: §3.3.10 derives what a rule leaves open from it.
#[derive(Debug)]
pub(super) struct Filter<'a> {
    rule: &'a Rule,
    /// Bits 1..=12.
    months: u16,
    /// Bits 1..=31: from the start of a month, and from its end (bit 1 is the last day).
    month_days: u32,
    month_days_from_end: u32,
    /// Bits 0..=6 from Monday: BYDAY without an ordinal.
    weekdays: u8,
    has_ordinals: bool,
    week_start: i64,
}

impl<'a> Filter<'a> {
    pub(super) fn new(rule: &'a Rule, start_day: i64) -> Filter<'a> {
        let mut filter = Filter {
            rule,
            months: rule.by_month.iter().fold(0, |mask, month| mask | 1 << month),
            month_days: 0,
            month_days_from_end: 0,
            weekdays: 0,
            has_ordinals: false,
            week_start: i64::from(rule.week_start.num_days_from_monday()),
        };
        for day in &rule.by_month_day {
            let bit = 1 << day.unsigned_abs();
            if *day > 0 { filter.month_days |= bit } else { filter.month_days_from_end |= bit }
        }
        for day in &rule.by_day {
            match day.ordinal {
                None => filter.weekdays |= bit_of(day.weekday),
                Some(_) => filter.has_ordinals = true,
            }
        }
        filter.complete(start_day);
        filter
    }

    /// Takes from DTSTART what the rule does not say.
    fn complete(&mut self, start_day: i64) {
        let (rule, (_, month, day)) = (self.rule, civil::date_of(start_day));
        let says_day = !rule.by_day.is_empty() || !rule.by_month_day.is_empty() || !rule.by_year_day.is_empty();
        match rule.freq {
            _ if says_day => {}
            Frequency::Weekly => self.weekdays = 1 << civil::weekday_of(start_day),
            Frequency::Yearly if !rule.by_week_no.is_empty() => {
                self.weekdays = 1 << civil::weekday_of(start_day);
            }
            Frequency::Yearly if self.months == 0 => {
                self.months = 1 << month;
                self.month_days = 1 << day;
            }
            Frequency::Yearly | Frequency::Monthly => self.month_days = 1 << day,
            _ => {}
        }
        if self.months == 0 {
            self.months = EVERY_MONTH;
        }
    }

    pub(super) fn week_start(&self) -> i64 {
        self.week_start
    }

    fn any_month_day(&self) -> bool {
        self.month_days == 0 && self.month_days_from_end == 0
    }

    fn any_weekday(&self) -> bool {
        self.weekdays == 0 && !self.has_ordinals
    }

    /// BYDAY=20MO means the 20th Monday of the year, unless BYMONTH makes it one of a month.
    fn ordinals_in_year(&self) -> bool {
        self.has_ordinals && self.rule.freq == Frequency::Yearly && self.rule.by_month.is_empty()
    }

    /// No day is refused.
    pub(super) fn is_open(&self) -> bool {
        self.months == EVERY_MONTH && self.any_month_day() && self.any_weekday() && self.rule.by_year_day.is_empty()
    }

    /// The 30th of February, the sixth Monday of a month: known to match nothing without walking to the year 9999.
    pub(super) fn is_impossible(&self) -> bool {
        let of_month = self.has_ordinals && self.weekdays == 0 && !self.ordinals_in_year();
        if of_month && self.rule.by_day.iter().filter_map(|day| day.ordinal).all(|n| n.unsigned_abs() > 5) {
            return true;
        }
        let longest = (1..=12).filter(|month| self.months >> month & 1 == 1);
        let longest = longest.map(|month| civil::days_in_month(2000, month)).max().unwrap_or(0);
        let wanted = self.month_days | self.month_days_from_end;
        wanted != 0 && wanted.trailing_zeros() > longest
    }

    /// How many days of the week BYDAY without ordinals allows.
    pub(super) fn weekdays(&self) -> usize {
        self.weekdays.count_ones() as usize
    }

    pub(super) fn days_per_week(&self) -> Option<i64> {
        (self.months == EVERY_MONTH).then_some(self.weekdays() as i64)
    }

    /// Days in each month, if that is the same for all of them.
    pub(super) fn days_per_month(&self) -> Option<i64> {
        if self.months != EVERY_MONTH { None } else { self.days_per_chosen_month() }
    }

    pub(super) fn days_per_year(&self) -> Option<i64> {
        let months = i64::from(self.months.count_ones());
        let plain = self.rule.by_year_day.is_empty() && self.rule.by_week_no.is_empty();
        if plain && !self.ordinals_in_year() { Some(months * self.days_per_chosen_month()?) } else { None }
    }

    fn days_per_chosen_month(&self) -> Option<i64> {
        // days 1 to 28 and the 1st to 4th of a weekday exist in every month, counted from either end, but not from both:
        // the 28th is the last day of some months only
        const ALWAYS: u32 = (1 << 29) - 1;
        if self.any_weekday() {
            match (self.month_days, self.month_days_from_end) {
                (days, 0) | (0, days) if days & !ALWAYS == 0 && days != 0 => Some(i64::from(days.count_ones())),
                _ => None,
            }
        } else if self.any_month_day() && self.weekdays == 0 {
            let mut ordinals = self.rule.by_day.iter().filter_map(|day| day.ordinal);
            let always = ordinals.clone().all(|n| (1..=4).contains(&n)) || ordinals.all(|n| (-4..=-1).contains(&n));
            always.then_some(self.rule.by_day.len() as i64)
        } else {
            None
        }
    }

    /// Whether a day passes every limit: for the frequencies DAILY and HOURLY, which expand no days.
    pub(super) fn accepts(&self, day: i64) -> bool {
        if self.weekdays != 0 && self.weekdays >> civil::weekday_of(day) & 1 == 0 {
            return false;
        }
        if self.months == EVERY_MONTH && self.any_month_day() && self.rule.by_year_day.is_empty() {
            return true;
        }
        let (year, month, of_month) = civil::date_of(day);
        if self.months >> month & 1 == 0 {
            return false;
        }
        if !self.any_month_day() {
            let from_end = civil::days_in_month(year, month) + 1 - of_month;
            if (self.month_days >> of_month | self.month_days_from_end >> from_end) & 1 == 0 {
                return false;
            }
        }
        let by_year_day = &self.rule.by_year_day;
        by_year_day.is_empty() || {
            let of_year = (day - civil::day_of(year, 1, 1)) as i16 + 1;
            let from_end = of_year - year_length(year) as i16 - 1;
            by_year_day.contains(&of_year) || by_year_day.contains(&from_end)
        }
    }

    pub(super) fn day(&self, day: i64) -> DaySet {
        DaySet::small(day, u64::from(self.accepts(day)))
    }

    /// The first day after `day` that may be accepted. It looks no further than the month of `day`, or its year where the
    /// rule names days of it: whoever asks pays for every one.
    pub(super) fn next_day(&self, day: i64) -> i64 {
        if self.is_open() {
            return day + 1;
        }
        if !self.rule.by_year_day.is_empty() {
            return self.next_year_day(day);
        }
        let (year, month, of_month) = civil::date_of(day);
        if self.months >> month & 1 == 1 {
            let first = civil::weekday_of(day - i64::from(of_month) + 1);
            // bit 0 is the first of the month: what is left begins the day after `day`
            let left = self.month_bits(civil::days_in_month(year, month), first).checked_shr(of_month).unwrap_or(0);
            if left != 0 {
                return day + 1 + i64::from(left.trailing_zeros());
            }
        }
        match self.months >> month >> 1 {
            0 => civil::day_of(year + 1, self.months.trailing_zeros(), 1),
            later => civil::day_of(year, month + 1 + later.trailing_zeros(), 1),
        }
    }

    fn next_year_day(&self, day: i64) -> i64 {
        let (year, ..) = civil::date_of(day);
        let (first, length) = (civil::day_of(year, 1, 1), year_length(year));
        let named = self.rule.by_year_day.iter().map(|n| i64::from(*n));
        let days = named.map(|n| first + if n > 0 { n - 1 } else { length + n });
        days.filter(|at| *at > day).min().unwrap_or(first + length).min(first + length)
    }

    pub(super) fn week(&self, first: i64) -> DaySet {
        let twice = u32::from(self.weekdays) | u32::from(self.weekdays) << 7;
        let mut bits = u64::from(twice >> self.week_start) & 0x7f;
        if self.months != EVERY_MONTH {
            for i in 0..7 {
                let (_, month, _) = civil::date_of(first + i);
                if self.months >> month & 1 == 0 {
                    bits &= !(1 << i);
                }
            }
        }
        DaySet::small(first, bits)
    }

    pub(super) fn month(&self, year: i64, month: u32) -> DaySet {
        let first = civil::day_of(year, month, 1);
        let days = if self.months >> month & 1 == 1 {
            self.month_bits(civil::days_in_month(year, month), civil::weekday_of(first))
        } else {
            0
        };
        DaySet::small(first, u64::from(days))
    }

    pub(super) fn year(&self, year: i64) -> DaySet {
        let first = civil::day_of(year, 1, 1);
        let mut set = DaySet::starting(first);
        let mut at = 0;
        let weekday = civil::weekday_of(first);
        for month in 1..=12 {
            let length = civil::days_in_month(year, month);
            if self.months >> month & 1 == 1 {
                set.add(at, self.month_bits(length, (weekday + at) % 7));
            }
            at += length;
        }
        if self.ordinals_in_year() {
            set.retain(&self.weekdays_of_year(year, first));
        }
        if !self.rule.by_year_day.is_empty() {
            set.retain(&self.year_days(year, first));
        }
        if !self.rule.by_week_no.is_empty() {
            set.retain(&self.weeks(year, first));
        }
        set
    }

    /// Bit 0 is the first of the month, whose weekday is `first`.
    fn month_bits(&self, length: u32, first: u32) -> u32 {
        let mut bits = u32::MAX >> (32 - length);
        if !self.any_month_day() {
            // bit k of the days from the end stands for bit `length - k` of the month
            let from_end = self.month_days_from_end.reverse_bits() >> (31 - length);
            bits &= self.month_days >> 1 | from_end;
        }
        if !self.any_weekday() && !self.ordinals_in_year() {
            let mut days = every_week(self.weekdays, first) as u32;
            for day in &self.rule.by_day {
                if let Some(n) = day.ordinal
                    && let Some(bit) = nth_weekday(day.weekday, n, first, i64::from(length))
                {
                    days |= 1 << bit;
                }
            }
            bits &= days;
        }
        bits
    }

    fn weekdays_of_year(&self, year: i64, first: i64) -> DaySet {
        let mut set = DaySet::starting(first);
        let weekday = civil::weekday_of(first);
        for (i, word) in set.bits.iter_mut().enumerate() {
            *word = every_week(self.weekdays, (weekday + i as u32 * 64) % 7);
        }
        for day in &self.rule.by_day {
            if let Some(n) = day.ordinal
                && let Some(bit) = nth_weekday(day.weekday, n, weekday, year_length(year))
            {
                set.set(bit);
            }
        }
        set
    }

    fn year_days(&self, year: i64, first: i64) -> DaySet {
        let mut set = DaySet::starting(first);
        for day in &self.rule.by_year_day {
            let day = i64::from(*day);
            set.set(if day > 0 { day - 1 } else { year_length(year) + day });
        }
        set
    }

    /// BYWEEKNO: the days of this calendar year that lie in those weeks, also in the first week of the next year and the
    /// last one of the year before.
    fn weeks(&self, year: i64, first: i64) -> DaySet {
        let mut set = DaySet::starting(first);
        for year in year - 1..=year + 1 {
            let (start, count) = (self.first_week(year), self.week_count(year));
            for number in &self.rule.by_week_no {
                let number = i64::from(*number);
                let index = if number > 0 { number - 1 } else { count + number };
                if (0..count).contains(&index) {
                    for day in 0..7 {
                        set.set(start + index * 7 + day - first);
                    }
                }
            }
        }
        set
    }

    /// Day number on which week 1 begins: the first week with at least four days in the year.
    fn first_week(&self, year: i64) -> i64 {
        let fourth = civil::day_of(year, 1, 4);
        fourth - (i64::from(civil::weekday_of(fourth)) - self.week_start).rem_euclid(7)
    }

    fn week_count(&self, year: i64) -> i64 {
        (self.first_week(year + 1) - self.first_week(year)) / 7
    }
}

fn bit_of(weekday: Weekday) -> u8 {
    1 << weekday.num_days_from_monday()
}

fn year_length(year: i64) -> i64 {
    365 + i64::from(civil::is_leap(year))
}

/// A bit for every day that is one of `weekdays`; bit 0 is a day of weekday `first`.
fn every_week(weekdays: u8, first: u32) -> u64 {
    /// Bits 0, 7, 14 … 63.
    const SEVENTHS: u64 = 0x8102_0408_1020_4081;
    let week = u64::from(weekdays);
    let week = (week >> first | week << (7 - first)) & 0x7f;
    // the product of a week with one bit per week; bit 63 starts the tenth week
    week.wrapping_mul(SEVENTHS)
}

/// The bit of the n-th (from the end when negative) `weekday` in a span of `length` days that begins on weekday `first`.
fn nth_weekday(weekday: Weekday, n: i8, first: u32, length: i64) -> Option<i64> {
    let offset = (7 + weekday.num_days_from_monday() - first) % 7;
    let offset = i64::from(offset);
    let n = i64::from(n);
    let bit = if n > 0 {
        offset + (n - 1) * 7
    } else {
        let occurrences = (length - offset + 6) / 7;
        offset + (occurrences + n) * 7
    };
    (0..length).contains(&bit).then_some(bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_repeat_over_a_whole_word() {
        for weekdays in 0..128u8 {
            for first in 0..7 {
                let naive = (0..64u32)
                    .filter(|bit| weekdays >> ((first + bit) % 7) & 1 == 1)
                    .fold(0u64, |mask, bit| mask | 1 << bit);
                assert_eq!(every_week(weekdays, first), naive, "{weekdays:07b} {first}");
            }
        }
    }
}
