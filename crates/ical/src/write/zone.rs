//! A VTIMEZONE from the IANA database, for readers that do not know the names.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Weekday};

use crate::value::{write_date_time, write_utc_offset};

/// Changes are looked at up to here; a pattern that still holds then goes on for ever. The database foretells what
/// follows the moon (Morocco, Gaza) up to 2087, and repeats itself from then on.
const LAST_YEAR: i32 = 2100;
/// So many years make a pattern that may go on without an end.
const PATTERN: usize = 5;

/// A change of the clock.
#[derive(Debug, Clone)]
struct Change {
    /// On the clock that was right before it.
    onset: NaiveDateTime,
    kind: Kind,
}

/// What is the same in all onsets of an observance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    from: i32,
    to: i32,
    name: String,
    dst: bool,
}

/// Onsets in consecutive years, one a year, at the same time of day.
#[derive(Debug)]
struct Run {
    kind: Kind,
    onsets: Vec<NaiveDateTime>,
}

/// The unfolded lines of a VTIMEZONE (RFC 5545 §3.6.5) that holds from the beginning of `from_year`. `None` when the
/// database does not know the name.
pub(super) fn vtimezone(name: &str, from_year: i32) -> Option<Vec<String>> {
    let zone = jiff::tz::TimeZoneDatabase::bundled().get(name).ok()?;
    let start = NaiveDate::from_ymd_opt(from_year.clamp(1, LAST_YEAR), 1, 1)?.and_time(NaiveTime::MIN);
    let start_at = jiff::Timestamp::from_second(start.and_utc().timestamp()).ok()?;
    let first = zone.to_offset_info(start_at);
    let mut offset = first.offset().seconds();
    let initial = Kind { from: offset, to: offset, name: first.abbreviation().to_owned(), dst: first.dst().is_dst() };
    let mut changes = Vec::new();
    for change in zone.following(start_at) {
        let kind = Kind {
            from: offset,
            to: change.offset().seconds(),
            name: change.abbreviation().to_owned(),
            dst: change.dst().is_dst(),
        };
        let onset = local(change.timestamp().as_second(), offset)?;
        if onset.year() > LAST_YEAR {
            break;
        }
        offset = kind.to;
        changes.push(Change { onset, kind });
    }

    // by onset, so that the text reads like the history it is
    let mut observances: BTreeMap<(NaiveDateTime, Kind), Vec<String>> = BTreeMap::new();
    observances.insert((local(start_at.as_second(), initial.to)?, initial), Vec::new());
    let mut singles: BTreeMap<Kind, Vec<NaiveDateTime>> = BTreeMap::new();
    for run in runs(changes) {
        let endless = run.onsets.last()?.year() == LAST_YEAR && run.onsets.len() >= PATTERN;
        match pattern(&run.onsets)
            .filter(|_| run.onsets.len() > 1 && (endless || run.onsets.last().map(Datelike::year) != Some(LAST_YEAR)))
        {
            Some(pattern) => {
                let mut rule = format!("RRULE:FREQ=YEARLY;{pattern}");
                if !endless {
                    let until = *run.onsets.last()? - chrono::TimeDelta::seconds(run.kind.from.into());
                    rule.push_str(&format!(";UNTIL={}Z", write_date_time(until)));
                }
                observances.insert((*run.onsets.first()?, run.kind), vec![rule]);
            }
            None => singles.entry(run.kind).or_default().extend(run.onsets),
        }
    }
    for (kind, mut onsets) in singles {
        onsets.sort_unstable();
        let rdates = onsets[1..].iter().map(|onset| format!("RDATE:{}", write_date_time(*onset))).collect();
        observances.insert((onsets[0], kind), rdates);
    }

    let mut lines = vec!["BEGIN:VTIMEZONE".to_owned(), format!("TZID:{name}")];
    for ((onset, kind), recurrence) in observances {
        let component = if kind.dst { "DAYLIGHT" } else { "STANDARD" };
        lines.push(format!("BEGIN:{component}"));
        lines.push(format!("DTSTART:{}", write_date_time(onset)));
        lines.push(format!("TZOFFSETFROM:{}", write_utc_offset(kind.from)));
        lines.push(format!("TZOFFSETTO:{}", write_utc_offset(kind.to)));
        lines.push(format!("TZNAME:{}", kind.name));
        lines.extend(recurrence);
        lines.push(format!("END:{component}"));
    }
    lines.push("END:VTIMEZONE".to_owned());
    Some(lines)
}

fn local(at: i64, offset: i32) -> Option<NaiveDateTime> {
    DateTime::from_timestamp(at + i64::from(offset), 0).map(|at| at.naive_utc())
}

/// Gathers changes of a kind, year after year, as long as one pattern describes them.
fn runs(changes: Vec<Change>) -> Vec<Run> {
    let mut open: BTreeMap<(Kind, NaiveTime), Vec<NaiveDateTime>> = BTreeMap::new();
    let mut done = Vec::new();
    for Change { onset, kind } in changes {
        let key = (kind.clone(), onset.time());
        let onsets = open.entry(key).or_default();
        let follows = onsets.last().is_none_or(|last| last.year() + 1 == onset.year());
        onsets.push(onset);
        if !follows || pattern(onsets).is_none() {
            onsets.pop();
            done.push(Run { kind, onsets: std::mem::replace(onsets, vec![onset]) });
        }
    }
    done.extend(open.into_iter().map(|((kind, _), onsets)| Run { kind, onsets }));
    done
}

/// The BY parts that give exactly these days in their years.
fn pattern(onsets: &[NaiveDateTime]) -> Option<String> {
    let first = onsets.first()?.date();
    let all = |test: &dyn Fn(NaiveDate) -> bool| onsets.iter().all(|onset| test(onset.date()));
    let month = first.month();
    let same_month = all(&|day| day.month() == month);
    if same_month && onsets.len() > 1 && all(&|day| day.day() == first.day()) {
        return Some(format!("BYMONTH={month};BYMONTHDAY={}", first.day()));
    }
    let weekday = first.weekday();
    if !all(&|day| day.weekday() == weekday) {
        return None;
    }
    let name = weekday_name(weekday);
    if same_month {
        if all(&|day| day.day() + 7 > u32::from(day.num_days_in_month())) {
            return Some(format!("BYMONTH={month};BYDAY=-1{name}"));
        }
        let week = (first.day() - 1) / 7;
        if week < 4 && all(&|day| (day.day() - 1) / 7 == week) {
            return Some(format!("BYMONTH={month};BYDAY={}{name}", week + 1));
        }
        let days = || onsets.iter().map(|onset| onset.day());
        let (least, most) = (days().min()?, days().max()?);
        return (most - least < 7).then(|| {
            let list = list(least as i32, 7);
            format!("BYMONTH={month};BYMONTHDAY={list};BYDAY={name}")
        });
    }
    // a week across the end of a month ("the day after the last Thursday"): counted from the end of the year, where
    // leap days do not matter
    if !all(&|day| day.month() > 2) {
        return None;
    }
    let from_end = || onsets.iter().map(|onset| onset.ordinal() as i32 - year_length(onset.year()) - 1);
    let (least, most) = (from_end().min()?, from_end().max()?);
    (most - least < 7).then(|| format!("BYYEARDAY={};BYDAY={name}", list(least, 7)))
}

fn list(from: i32, count: i32) -> String {
    (from..from + count).map(|day| day.to_string()).collect::<Vec<_>>().join(",")
}

fn year_length(year: i32) -> i32 {
    if NaiveDate::from_ymd_opt(year, 2, 29).is_some() { 366 } else { 365 }
}

fn weekday_name(weekday: Weekday) -> &'static str {
    match weekday {
        Weekday::Mon => "MO",
        Weekday::Tue => "TU",
        Weekday::Wed => "WE",
        Weekday::Thu => "TH",
        Weekday::Fri => "FR",
        Weekday::Sat => "SA",
        Weekday::Sun => "SU",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Utc;
    use recurrence::Zone;

    fn at(year: i32) -> i64 {
        NaiveDate::from_ymd_opt(year, 1, 1).unwrap().and_time(NaiveTime::MIN).and_utc().timestamp()
    }

    /// Every tenth day, and the seconds around each change.
    fn instants(name: &str, from: i32, to: i32) -> Vec<DateTime<Utc>> {
        let zone = jiff::tz::TimeZoneDatabase::bundled().get(name).unwrap();
        let start = jiff::Timestamp::from_second(at(from)).unwrap();
        let changes = zone.following(start).map(|change| change.timestamp().as_second());
        let around = changes.take_while(|change| *change < at(to)).flat_map(|change| [change - 1, change]);
        let mut all: Vec<i64> = (at(from)..at(to)).step_by(10 * 86_400).chain(around).collect();
        all.retain(|second| *second >= at(from));
        all.into_iter().map(|second| DateTime::from_timestamp(second, 0).unwrap()).collect()
    }

    #[test]
    fn every_zone_tells_the_same_time_from_its_text_as_from_the_database() {
        for name in Zone::names() {
            let known = Zone::iana(&name).unwrap();
            for from_year in [1970, 2024] {
                let text = vtimezone(&name, from_year).unwrap().join("\n");
                let read = crate::parse_vtimezone(&text).unwrap();
                for instant in instants(&name, from_year, 2120) {
                    assert_eq!(read.to_local(instant), known.to_local(instant), "{name} at {instant}\n{text}");
                }
            }
        }
    }

    #[test]
    fn a_history_is_told_in_few_observances() {
        let text = vtimezone("Europe/Berlin", 2000).unwrap().join("\n");
        assert_eq!(text.matches("BEGIN:STANDARD").count() + text.matches("BEGIN:DAYLIGHT").count(), 3, "{text}");
        assert!(text.contains("RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\n"), "{text}");
        assert!(text.contains("RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\n"), "{text}");
        let longest = Zone::names().map(|name| vtimezone(&name, 1970).unwrap().len()).max();
        assert!(longest < Some(600), "{longest:?}");
    }

    #[test]
    fn a_zone_without_changes_has_one_observance() {
        let text = vtimezone("Asia/Tokyo", 1970).unwrap().join("\n");
        assert_eq!(
            text,
            "BEGIN:VTIMEZONE\nTZID:Asia/Tokyo\nBEGIN:STANDARD\nDTSTART:19700101T090000\nTZOFFSETFROM:+0900\n\
             TZOFFSETTO:+0900\nTZNAME:JST\nEND:STANDARD\nEND:VTIMEZONE"
        );
        assert_eq!(vtimezone("Middle-earth/Shire", 1970), None);
    }
}
