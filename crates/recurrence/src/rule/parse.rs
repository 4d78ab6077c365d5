use std::str::FromStr;

use chrono::{Datelike, NaiveDate, NaiveDateTime};

use super::{ByDay, Frequency, Rule, Until, Weekday};
use crate::Error;

impl Rule {
    /// Reads a RECUR value such as `FREQ=WEEKLY;BYDAY=MO,WE`, in any case, with or without `RRULE:` before it.
    ///
    /// # Errors
    /// Names the part that cannot be read, that is beyond a limit, or that does not go with another one.
    pub fn parse(text: &str) -> Result<Rule, Error> {
        if text.len() > Rule::MAX_LENGTH {
            return Err(Error::Limit {
                what: "the length of a rule in bytes",
                limit: Rule::MAX_LENGTH as u64,
                found: text.len() as u64,
            });
        }
        let text = text.trim();
        let text = match text.get(..6) {
            Some(name) if name.eq_ignore_ascii_case("RRULE:") => &text[6..],
            _ => text,
        };
        let mut parts = Parts::default();
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(|| Error::syntax(part, "", "NAME=VALUE"))?;
            parts.set(name.trim(), value.trim())?;
        }
        parts.finish()
    }
}

impl FromStr for Rule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Rule, Error> {
        Rule::parse(text)
    }
}

/// Every part at most once; an empty list cannot be written, so `[]` is "absent" for the BY parts.
#[derive(Default)]
struct Parts {
    freq: Option<Frequency>,
    interval: Option<u32>,
    count: Option<u32>,
    until: Option<Until>,
    week_start: Option<Weekday>,
    by_second: Vec<u8>,
    by_minute: Vec<u8>,
    by_hour: Vec<u8>,
    by_day: Vec<ByDay>,
    by_month_day: Vec<i8>,
    by_year_day: Vec<i16>,
    by_week_no: Vec<i8>,
    by_month: Vec<u8>,
    by_set_pos: Vec<i16>,
    /// Values of all BY parts so far, as they were written.
    values: usize,
}

impl Parts {
    fn set(&mut self, name: &str, value: &str) -> Result<(), Error> {
        match name.to_ascii_uppercase().as_str() {
            "FREQ" => once(&mut self.freq, name, value, frequency(value)?),
            "INTERVAL" => {
                let interval = bounded("INTERVAL", value, Rule::MAX_INTERVAL, "a number from 1 to 100000")?;
                once(&mut self.interval, name, value, interval)
            }
            "COUNT" => {
                let count = bounded("COUNT", value, Rule::MAX_COUNT, "a number from 1 to 10000")?;
                once(&mut self.count, name, value, count)
            }
            "UNTIL" => once(&mut self.until, name, value, until(value)?),
            "WKST" => {
                let day = weekday(value).ok_or_else(|| Error::syntax(name, value, "one of MO,TU,WE,TH,FR,SA,SU"))?;
                once(&mut self.week_start, name, value, day)
            }
            "BYSECOND" => {
                // §3.3.5: where there are no leap seconds, second 60 is second 59
                let second = |v: &str| within(v, 0, 60).map(|s: u8| s.min(59));
                numbers(&mut self.by_second, &mut self.values, name, value, "0 to 60", second)
            }
            "BYMINUTE" => {
                let minute = |v: &str| within(v, 0, 59);
                numbers(&mut self.by_minute, &mut self.values, name, value, "0 to 59", minute)
            }
            "BYHOUR" => {
                let hour = |v: &str| within(v, 0, 23);
                numbers(&mut self.by_hour, &mut self.values, name, value, "0 to 23", hour)
            }
            "BYDAY" => {
                let allowed = "MO to SU, with an ordinal of 1 to 53 or -53 to -1 before it or none";
                list(&mut self.by_day, &mut self.values, name, value, allowed, by_day)
            }
            "BYMONTHDAY" => {
                let day = |v: &str| around_zero(v, 31);
                let allowed = "1 to 31 or -31 to -1";
                numbers(&mut self.by_month_day, &mut self.values, name, value, allowed, day)
            }
            "BYYEARDAY" => {
                let day = |v: &str| around_zero(v, 366);
                let allowed = "1 to 366 or -366 to -1";
                numbers(&mut self.by_year_day, &mut self.values, name, value, allowed, day)
            }
            "BYWEEKNO" => {
                let week = |v: &str| around_zero(v, 53);
                let allowed = "1 to 53 or -53 to -1";
                numbers(&mut self.by_week_no, &mut self.values, name, value, allowed, week)
            }
            "BYMONTH" => {
                let month = |v: &str| within(v, 1, 12);
                numbers(&mut self.by_month, &mut self.values, name, value, "1 to 12", month)
            }
            "BYSETPOS" => {
                let position = |v: &str| around_zero(v, 366);
                let allowed = "1 to 366 or -366 to -1";
                numbers(&mut self.by_set_pos, &mut self.values, name, value, allowed, position)
            }
            "RSCALE" => Err(Error::Unsupported("RSCALE (RFC 7529)")),
            "SKIP" => Err(Error::Unsupported("SKIP (RFC 7529)")),
            _ => Err(Error::syntax(name, value, "a rule part of RFC 5545 section 3.3.10")),
        }
    }

    fn finish(self) -> Result<Rule, Error> {
        let freq = self.freq.ok_or_else(|| Error::syntax("FREQ", "", "HOURLY to YEARLY"))?;
        if freq < Frequency::Hourly {
            return Err(Error::TooFine { freq, finest: Frequency::Hourly });
        }
        self.check_combinations(freq)?;
        Ok(Rule {
            freq,
            interval: self.interval.unwrap_or(1),
            count: self.count,
            until: self.until,
            by_second: self.by_second,
            by_minute: self.by_minute,
            by_hour: self.by_hour,
            by_day: self.by_day,
            by_month_day: self.by_month_day,
            by_year_day: self.by_year_day,
            by_week_no: self.by_week_no,
            by_month: self.by_month,
            by_set_pos: self.by_set_pos,
            week_start: self.week_start.unwrap_or(Weekday::Mon),
        })
    }

    /// The "MUST NOT" sentences of §3.3.10.
    fn check_combinations(&self, freq: Frequency) -> Result<(), Error> {
        use Frequency::{Daily, Hourly, Monthly, Weekly, Yearly};
        let with = match freq {
            Yearly => "FREQ=YEARLY",
            Monthly => "FREQ=MONTHLY",
            Weekly => "FREQ=WEEKLY",
            Daily => "FREQ=DAILY",
            _ => "FREQ=HOURLY",
        };
        let refuse = |part| Err(Error::Combination { part, with });
        let ordinals = self.by_day.iter().any(|day| day.ordinal.is_some());
        if self.until.is_some() && self.count.is_some() {
            return Err(Error::Combination { part: "UNTIL", with: "COUNT" });
        }
        if freq == Weekly && !self.by_month_day.is_empty() {
            return refuse("BYMONTHDAY");
        }
        if !matches!(freq, Yearly | Hourly) && !self.by_year_day.is_empty() {
            return refuse("BYYEARDAY");
        }
        if freq != Yearly && !self.by_week_no.is_empty() {
            return refuse("BYWEEKNO");
        }
        if ordinals && !matches!(freq, Monthly | Yearly) {
            return refuse("BYDAY with an ordinal");
        }
        if ordinals && !self.by_week_no.is_empty() {
            return Err(Error::Combination { part: "BYDAY with an ordinal", with: "BYWEEKNO" });
        }
        if !self.by_set_pos.is_empty() && self.has_only_positions() {
            return Err(Error::Combination { part: "BYSETPOS", with: "no other BY part" });
        }
        Ok(())
    }

    fn has_only_positions(&self) -> bool {
        let times = self.by_second.is_empty() && self.by_minute.is_empty() && self.by_hour.is_empty();
        let days = self.by_day.is_empty() && self.by_month_day.is_empty() && self.by_year_day.is_empty();
        times && days && self.by_week_no.is_empty() && self.by_month.is_empty()
    }
}

fn once<T>(slot: &mut Option<T>, name: &str, value: &str, new: T) -> Result<(), Error> {
    if slot.is_some() {
        return Err(Error::syntax(name, value, "each rule part at most once"));
    }
    *slot = Some(new);
    Ok(())
}

fn list<T: PartialEq>(
    slot: &mut Vec<T>,
    values: &mut usize,
    name: &str,
    value: &str,
    allowed: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<(), Error> {
    if !slot.is_empty() {
        return Err(Error::syntax(name, value, "each rule part at most once"));
    }
    for item in value.split(',') {
        *values += 1;
        if *values > Rule::MAX_BY_VALUES {
            return Err(Error::Limit {
                what: "the number of values in all BY parts",
                limit: Rule::MAX_BY_VALUES as u64,
                found: *values as u64,
            });
        }
        let item = item.trim();
        let item = read(item).ok_or_else(|| Error::syntax(name, item, allowed))?;
        if !slot.contains(&item) {
            slot.push(item);
        }
    }
    Ok(())
}

fn numbers<T: Ord>(
    slot: &mut Vec<T>,
    values: &mut usize,
    name: &str,
    value: &str,
    allowed: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<(), Error> {
    list(slot, values, name, value, allowed, read)?;
    slot.sort_unstable();
    Ok(())
}

fn within<T: FromStr + PartialOrd>(value: &str, least: T, most: T) -> Option<T> {
    value.parse().ok().filter(|number| *number >= least && *number <= most)
}

/// `most` down to 1 and their negatives; zero is never a position.
fn around_zero<T: TryFrom<i16>>(value: &str, most: i16) -> Option<T> {
    let number: i16 = within(value, -most, most)?;
    if number == 0 { None } else { T::try_from(number).ok() }
}

/// A number that starts at 1; one that is merely too big is a limit, not a slip of the pen.
fn bounded(what: &'static str, value: &str, most: u32, allowed: &'static str) -> Result<u32, Error> {
    let number: u64 = value.parse().ok().filter(|n| *n > 0).ok_or_else(|| Error::syntax(what, value, allowed))?;
    match u32::try_from(number) {
        Ok(number) if number <= most => Ok(number),
        _ => Err(Error::Limit { what, limit: u64::from(most), found: number }),
    }
}

fn frequency(value: &str) -> Result<Frequency, Error> {
    Ok(match value.to_ascii_uppercase().as_str() {
        "SECONDLY" => Frequency::Secondly,
        "MINUTELY" => Frequency::Minutely,
        "HOURLY" => Frequency::Hourly,
        "DAILY" => Frequency::Daily,
        "WEEKLY" => Frequency::Weekly,
        "MONTHLY" => Frequency::Monthly,
        "YEARLY" => Frequency::Yearly,
        _ => {
            let allowed = "one of HOURLY, DAILY, WEEKLY, MONTHLY, YEARLY";
            return Err(Error::syntax("FREQ", value, allowed));
        }
    })
}

fn weekday(value: &str) -> Option<Weekday> {
    Some(match value.to_ascii_uppercase().as_str() {
        "MO" => Weekday::Mon,
        "TU" => Weekday::Tue,
        "WE" => Weekday::Wed,
        "TH" => Weekday::Thu,
        "FR" => Weekday::Fri,
        "SA" => Weekday::Sat,
        "SU" => Weekday::Sun,
        _ => return None,
    })
}

fn by_day(value: &str) -> Option<ByDay> {
    let (ordinal, day) = value.split_at_checked(value.len().checked_sub(2)?)?;
    let weekday = weekday(day)?;
    let ordinal = if ordinal.is_empty() { None } else { Some(around_zero(ordinal, 53)?) };
    Some(ByDay { ordinal, weekday })
}

fn until(value: &str) -> Result<Until, Error> {
    let wrong = || Error::syntax("UNTIL", value, "a date 20261231 or a time 20261231T235959, with Z or not");
    // fixed widths first: the formats below would take signs and odd widths
    let shape = value.bytes().enumerate().all(|(i, b)| match i {
        8 => b.eq_ignore_ascii_case(&b'T'),
        15 => b.eq_ignore_ascii_case(&b'Z'),
        _ => b.is_ascii_digit(),
    });
    if !shape {
        return Err(wrong());
    }
    let date = |text| NaiveDate::parse_from_str(text, "%Y%m%d").ok().filter(|d| d.year() > 0);
    let parsed = match value.len() {
        8 => date(value).map(Until::Date),
        15 => local_time(&value[..15]).map(Until::Local),
        16 => local_time(&value[..15]).map(|local| Until::Utc(local.and_utc())),
        _ => None,
    };
    parsed.ok_or_else(wrong)
}

fn local_time(text: &str) -> Option<NaiveDateTime> {
    let field = |range: std::ops::Range<usize>| text.get(range)?.parse::<u32>().ok();
    let date = NaiveDate::from_ymd_opt(field(0..4)? as i32, field(4..6)?, field(6..8)?)?;
    let second = field(13..15)?;
    let second = if second == 60 { 59 } else { second }; // §3.3.5, as in BYSECOND
    date.and_hms_opt(field(9..11)?, field(11..13)?, second).filter(|_| date.year() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        Rule::parse(text).unwrap().to_string()
    }

    #[test]
    fn what_clients_send_is_read_and_written_canonically() {
        for (sent, written) in [
            ("FREQ=WEEKLY;BYDAY=MO,WE", "FREQ=WEEKLY;BYDAY=MO,WE"),
            ("RRULE:FREQ=DAILY", "FREQ=DAILY"),
            ("rrule:freq=daily;interval=1;wkst=mo;", "FREQ=DAILY"),
            (" BYDAY=+1mo, -1SU ; FREQ=MONTHLY", "FREQ=MONTHLY;BYDAY=1MO,-1SU"),
            ("FREQ=YEARLY;BYMONTH=12,1,12", "FREQ=YEARLY;BYMONTH=1,12"),
            ("FREQ=DAILY;BYSECOND=60,0", "FREQ=DAILY;BYSECOND=0,59"),
            ("FREQ=DAILY;UNTIL=20260101", "FREQ=DAILY;UNTIL=20260101"),
            ("FREQ=DAILY;UNTIL=20260101t120000", "FREQ=DAILY;UNTIL=20260101T120000"),
            ("FREQ=DAILY;UNTIL=20260101T235960Z", "FREQ=DAILY;UNTIL=20260101T235959Z"),
            (
                "WKST=SU;BYSETPOS=-1;BYYEARDAY=-1;INTERVAL=2;COUNT=10000;FREQ=YEARLY;BYWEEKNO=-1,53;BYMONTHDAY=-31",
                "FREQ=YEARLY;COUNT=10000;INTERVAL=2;BYMONTHDAY=-31;BYYEARDAY=-1;BYWEEKNO=-1,53;BYSETPOS=-1;WKST=SU",
            ),
        ] {
            assert_eq!(canonical(sent), written, "{sent}");
            assert_eq!(canonical(written), written, "canonical text is a fixed point");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (sent, said) in [
            ("", "FREQ=: HOURLY to YEARLY is needed"),
            ("FREQ", "FREQ=: NAME=VALUE is needed"),
            ("FREQ=DAILY;FREQ=DAILY", "FREQ=DAILY: each rule part at most once is needed"),
            ("FREQ=SECONDLY", "FREQ=SECONDLY is too fine: HOURLY or coarser is needed"),
            ("FREQ=MINUTELY", "FREQ=MINUTELY is too fine: HOURLY or coarser is needed"),
            ("FREQ=DAILY;COUNT=0", "COUNT=0: a number from 1 to 10000 is needed"),
            ("FREQ=DAILY;COUNT=-1", "COUNT=-1: a number from 1 to 10000 is needed"),
            ("FREQ=DAILY;COUNT=10001", "COUNT is 10001: at most 10000 is allowed"),
            ("FREQ=DAILY;INTERVAL=0", "INTERVAL=0: a number from 1 to 100000 is needed"),
            ("FREQ=DAILY;INTERVAL=100001", "INTERVAL is 100001: at most 100000 is allowed"),
            ("FREQ=DAILY;COUNT=2;UNTIL=20260101", "UNTIL cannot be combined with COUNT"),
            ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY cannot be combined with FREQ=WEEKLY"),
            ("FREQ=DAILY;BYYEARDAY=1", "BYYEARDAY cannot be combined with FREQ=DAILY"),
            ("FREQ=HOURLY;BYWEEKNO=1", "BYWEEKNO cannot be combined with FREQ=HOURLY"),
            ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY with an ordinal cannot be combined with FREQ=WEEKLY"),
            ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO", "BYDAY with an ordinal cannot be combined with BYWEEKNO"),
            ("FREQ=DAILY;BYSETPOS=1", "BYSETPOS cannot be combined with no other BY part"),
            ("FREQ=DAILY;BYSETPOS=1,1", "BYSETPOS cannot be combined with no other BY part"),
            ("RSCALE=CHINESE;FREQ=DAILY", "RSCALE (RFC 7529) is not supported"),
            ("FREQ=DAILY;BYHOUR=24", "BYHOUR=24: 0 to 23 is needed"),
            ("FREQ=DAILY;BYHOUR=", "BYHOUR=: 0 to 23 is needed"),
            ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY=0: 1 to 31 or -31 to -1 is needed"),
            ("FREQ=DAILY;BYEASTER=0", "BYEASTER=0: a rule part of RFC 5545 section 3.3.10 is needed"),
        ] {
            assert_eq!(Rule::parse(sent).unwrap_err().to_string(), said, "{sent}");
        }
        for until in ["2026", "20261301", "20260101T", "20260101T250000Z", "00000101", "+2026010", "2026０１"] {
            let error = Rule::parse(&format!("FREQ=DAILY;UNTIL={until}")).unwrap_err();
            assert!(matches!(&error, Error::Syntax { part, .. } if part == "UNTIL"), "{until}: {error}");
        }
        for day in ["", "M", "XX", "0MO", "54MO", "é", "1é", "--1MO", "1 MO"] {
            let error = Rule::parse(&format!("FREQ=MONTHLY;BYDAY={day}")).unwrap_err();
            assert!(matches!(&error, Error::Syntax { part, .. } if part == "BYDAY"), "{day}: {error}");
        }
    }

    #[test]
    fn values_are_counted_over_all_by_parts() {
        let minutes = (0..30).map(|m| m.to_string()).collect::<Vec<_>>().join(",");
        let hours = (0..20).map(|h| h.to_string()).collect::<Vec<_>>().join(",");
        let rule = format!("FREQ=DAILY;BYMINUTE={minutes};BYHOUR={hours}");
        assert!(Rule::parse(&rule).is_ok());
        let error = Rule::parse(&format!("{rule};BYSETPOS=1")).unwrap_err();
        assert_eq!(error, Error::Limit { what: "the number of values in all BY parts", limit: 50, found: 51 });
    }

    #[test]
    fn a_long_value_is_quoted_only_in_part() {
        let error = Rule::parse(&format!("FREQ={}", "x".repeat(1_000))).unwrap_err();
        assert!(error.to_string().len() < 200);
    }
}
