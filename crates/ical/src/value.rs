//! The value types of RFC 5545 §3.3 that are not text.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use recurrence::Duration;

/// DATE (§3.3.4): `20240131`.
pub(crate) fn date(text: &str) -> Option<NaiveDate> {
    let digits = text.as_bytes();
    if digits.len() != 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // the outermost years are left to the zones, which move a time by up to a day
    let year = number(&digits[..4]);
    if !(1..=9998).contains(&year) {
        return None;
    }
    NaiveDate::from_ymd_opt(year as i32, number(&digits[4..6]), number(&digits[6..]))
}

/// DATE-TIME (§3.3.5): `20240131T235960`, and whether a `Z` follows. A leap second is the second before it.
pub(crate) fn date_time(text: &str) -> Option<(NaiveDateTime, bool)> {
    let (local, utc) = match text.strip_suffix(['Z', 'z']) {
        Some(local) => (local, true),
        None => (text, false),
    };
    let (day, time) = local.split_once(['T', 't'])?;
    Some((date(day)?.and_time(time_of_day(time)?), utc))
}

fn time_of_day(text: &str) -> Option<NaiveTime> {
    let digits = text.as_bytes();
    if digits.len() != 6 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    NaiveTime::from_hms_opt(number(&digits[..2]), number(&digits[2..4]), number(&digits[4..]).min(59))
        .filter(|_| number(&digits[4..]) <= 60)
}

/// DURATION (§3.3.6): weeks and days are nominal, the rest is exact. Weeks may stand beside the others.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let (negative, rest) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let mut rest = rest.strip_prefix(['P', 'p'])?;
    let (mut days, mut seconds, mut in_time, mut parts) = (0_i32, 0_i64, false, 0);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(['T', 't']) {
            if in_time {
                return None;
            }
            in_time = true;
            rest = after;
            continue;
        }
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: i32 = rest[..end].parse().ok()?;
        match (in_time, rest.as_bytes()[end].to_ascii_uppercase()) {
            (false, b'W') => days = days.checked_add(count.checked_mul(7)?)?,
            (false, b'D') => days = days.checked_add(count)?,
            (true, b'H') => seconds += i64::from(count) * 3600,
            (true, b'M') => seconds += i64::from(count) * 60,
            (true, b'S') => seconds += i64::from(count),
            _ => return None,
        }
        parts += 1;
        rest = &rest[end + 1..];
    }
    let sign = if negative { -1 } else { 1 };
    (parts > 0).then_some(Duration { days: days * sign, seconds: seconds * i64::from(sign) })
}

/// UTC-OFFSET (§3.3.14) in seconds: `-0330`, `+001234`.
pub(crate) fn utc_offset(text: &str) -> Option<i32> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = &text.as_bytes()[1..];
    if !matches!(digits.len(), 4 | 6) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (hours, minutes) = (number(&digits[..2]), number(&digits[2..4]));
    let seconds = if digits.len() == 6 { number(&digits[4..]) } else { 0 };
    (hours < 24 && minutes < 60 && seconds < 60).then_some(sign * (hours * 3600 + minutes * 60 + seconds) as i32)
}

fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'))
}

pub(crate) fn write_date(date: NaiveDate) -> String {
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

pub(crate) fn write_date_time(local: NaiveDateTime) -> String {
    format!("{}T{:02}{:02}{:02}", write_date(local.date()), local.hour(), local.minute(), local.second())
}

pub(crate) fn write_duration(duration: Duration) -> String {
    let mut out = String::from("P");
    if duration.days != 0 || duration.seconds == 0 {
        out.push_str(&format!("{}D", duration.days));
    }
    if duration.seconds != 0 {
        out.push('T');
        for (unit, count) in
            [('H', duration.seconds / 3600), ('M', duration.seconds / 60 % 60), ('S', duration.seconds % 60)]
        {
            if count != 0 {
                out.push_str(&format!("{count}{unit}"));
            }
        }
    }
    out
}

pub(crate) fn write_utc_offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let all = seconds.abs();
    let mut out = format!("{sign}{:02}{:02}", all / 3600, all / 60 % 60);
    if all % 60 != 0 {
        out.push_str(&format!("{:02}", all % 60));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_real_days() {
        assert_eq!(date("20240229"), NaiveDate::from_ymd_opt(2024, 2, 29));
        for text in ["20230229", "2024022", "2024-02-29", "00000101", "99990101", "202402２9", ""] {
            assert_eq!(date(text), None, "{text:?}");
        }
    }

    #[test]
    fn times_know_whether_they_are_utc() {
        let noon = NaiveDate::from_ymd_opt(2024, 1, 31).unwrap().and_hms_opt(12, 0, 59).unwrap();
        assert_eq!(date_time("20240131T120059"), Some((noon, false)));
        assert_eq!(date_time("20240131t120060z"), Some((noon, true)));
        for text in ["20240131", "20240131T1200", "20240131T240000", "20240131T120061", "20240131T120000ZZ", "T"] {
            assert_eq!(date_time(text), None, "{text:?}");
        }
    }

    #[test]
    fn durations_keep_days_apart_from_seconds() {
        let of = |days, seconds| Some(Duration { days, seconds });
        for (text, expected) in [
            ("P1D", of(1, 0)),
            ("P2W", of(14, 0)),
            ("PT1H30M", of(0, 5400)),
            ("P15DT5H0M20S", of(15, 18_020)),
            ("-P1DT1S", of(-1, -1)),
            ("+PT0S", of(0, 0)),
            ("P1W2D", of(9, 0)),
            ("P1DT", of(1, 0)),
            ("P", None),
            ("PT", None),
            ("1D", None),
            ("P1H", None),
            ("PT1D", None),
            ("PT1", None),
            ("PTT1H", None),
            ("P999999999999999999W", None),
            ("P2000000000W", None),
        ] {
            assert_eq!(duration(text), expected, "{text:?}");
        }
        for text in ["P1D", "P0D", "PT1H", "P1DT26H1M1S", "PT59S"] {
            assert_eq!(write_duration(duration(text).unwrap()), text);
        }
    }

    #[test]
    fn offsets_are_less_than_a_day() {
        for (text, expected) in [
            ("+0000", Some(0)),
            ("-0330", Some(-12_600)),
            ("+001234", Some(754)),
            ("+115544", Some(42_944)),
            ("+5744", None),
            ("+0060", None),
            ("0100", None),
            ("+1", None),
            ("", None),
        ] {
            assert_eq!(utc_offset(text), expected, "{text:?}");
        }
        for seconds in [0, -12_600, 754, 42_944] {
            assert_eq!(utc_offset(&write_utc_offset(seconds)), Some(seconds));
        }
    }
}
