//! Civil time as integers: days since 1970-01-01 and "local seconds", the seconds a clock on the wall has counted since
//! 1970-01-01T00:00:00 on that same wall. Proleptic Gregorian, years 1 to 9999.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

pub(crate) const DAY: i64 = 86_400;
/// 0001-01-01
pub(crate) const FIRST_DAY: i64 = -719_162;
/// 9999-12-31
pub(crate) const LAST_DAY: i64 = 2_932_896;
/// Within it a day number fits into what chrono takes, and its date into what chrono has.
const MOST_DAYS: i64 = 90_000_000;
/// 9999-12-31T23:59:59
pub(crate) const LAST_SECOND: i64 = LAST_DAY * DAY + DAY - 1;

/// Day number of a date (H. Hinnant, "chrono-compatible low-level date algorithms").
pub(crate) fn day_of(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let month = (i64::from(month) + 9) % 12; // March is 0, so that the leap day comes last
    let of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month 1..=12 and day 1..=31 of a day number.
pub(crate) fn date_of(day: i64) -> (i64, u32, u32) {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + carry, month as u32, day as u32)
}

/// 0 is Monday.
pub(crate) fn weekday_of(day: i64) -> u32 {
    (day + 3).rem_euclid(7) as u32 // 1970-01-01 was a Thursday
}

pub(crate) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub(crate) fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Local seconds of a wall time; fractions of a second are dropped.
pub(crate) fn seconds(local: NaiveDateTime) -> i64 {
    local.and_utc().timestamp()
}

/// Wall time of local seconds, saturating at the ends of what can be written.
pub(crate) fn wall(seconds: i64) -> NaiveDateTime {
    instant(seconds).naive_utc()
}

/// UTC of seconds since the epoch, saturating at the ends of what can be written.
pub(crate) fn instant(seconds: i64) -> DateTime<Utc> {
    let end = if seconds < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    DateTime::from_timestamp(seconds, 0).unwrap_or(end)
}

/// [`wall`] and [`instant`] for many seconds near each other: the calendar is asked once a day, not once a call, which is
/// where an expansion would spend most of its time.
#[derive(Debug, Default)]
pub(crate) struct Calendar {
    day: i64,
    date: NaiveDate, // 1970-01-01, as day 0 is
}

impl Calendar {
    pub(crate) fn wall(&mut self, seconds: i64) -> NaiveDateTime {
        let day = seconds.div_euclid(DAY);
        if day != self.day {
            let date = if day == self.day + 1 { self.date.succ_opt() } else { NaiveDate::from_epoch_days(day as i32) };
            match date {
                Some(date) if (-MOST_DAYS..=MOST_DAYS).contains(&day) => (self.day, self.date) = (day, date),
                _ => return wall(seconds),
            }
        }
        let time = NaiveTime::from_num_seconds_from_midnight_opt(seconds.rem_euclid(DAY) as u32, 0);
        self.date.and_time(time.unwrap_or_default())
    }

    pub(crate) fn instant(&mut self, seconds: i64) -> DateTime<Utc> {
        self.wall(seconds).and_utc()
    }
}

pub(crate) fn midnight(date: NaiveDate) -> NaiveDateTime {
    date.and_time(chrono::NaiveTime::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Datelike;

    #[test]
    fn every_day_agrees_with_chrono() {
        let mut date = NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
        for day in FIRST_DAY..=LAST_DAY {
            let (y, m, d) = date_of(day);
            assert_eq!((y, m, d), (i64::from(date.year()), date.month(), date.day()));
            assert_eq!(day_of(y, m, d), day);
            assert_eq!(weekday_of(day), date.weekday().num_days_from_monday());
            date = date.succ_opt().unwrap();
        }
        assert_eq!(seconds(midnight(date)), LAST_SECOND + 1);
    }

    #[test]
    fn a_calendar_says_what_the_days_say() {
        let mut calendar = Calendar::default();
        let far = [i64::MIN, -MOST_DAYS * DAY, 0, LAST_SECOND, MOST_DAYS * DAY, (1 << 40) * DAY, i64::MAX];
        for from in far {
            for step in [0, 1, DAY - 1, DAY, DAY + 1, 2 * DAY, 5 * DAY, 40 * DAY] {
                for seconds in [from.saturating_add(step), from.saturating_sub(step)] {
                    assert_eq!(calendar.wall(seconds), wall(seconds), "{seconds}");
                    assert_eq!(calendar.instant(seconds), instant(seconds), "{seconds}");
                }
            }
        }
    }

    #[test]
    fn far_seconds_saturate() {
        assert_eq!(instant(i64::MAX), DateTime::<Utc>::MAX_UTC);
        assert_eq!(instant(i64::MIN), DateTime::<Utc>::MIN_UTC);
    }
}
