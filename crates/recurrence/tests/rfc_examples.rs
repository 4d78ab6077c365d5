//! The examples of RFC 5545 §3.8.5.3. Only those finer than HOURLY are missing: such rules are refused.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod support;

use chrono::Timelike;
use recurrence::{Error, Frequency, Rule};
use support::{expand, first, moment, series, window};

/// (start, rule, the dates as the RFC lists them; `…` after them when the rule goes on).
/// Times are 09:00 in New York unless they are written out.
const EXAMPLES: &[(&str, &str, &str)] = &[
    // Daily for 10 occurrences
    ("1997-09-02", "FREQ=DAILY;COUNT=10", "1997-09-02..1997-09-11"),
    // Daily until December 24, 1997
    ("1997-09-02", "FREQ=DAILY;UNTIL=19971224T000000Z", "1997-09-02..1997-12-23"),
    // Every other day - forever
    ("1997-09-02", "FREQ=DAILY;INTERVAL=2", "1997-09-02 04 06 08 10 12 14 16 18 20 22 24 26 28 30 1997-10-02 04 …"),
    // Every 10 days, 5 occurrences
    ("1997-09-02", "FREQ=DAILY;INTERVAL=10;COUNT=5", "1997-09-02 12 22 1997-10-02 12"),
    // Every day in January, for 3 years, in two spellings
    (
        "1998-01-01",
        "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
        "1998-01-01..1998-01-31 1999-01-01..1999-01-31 2000-01-01..2000-01-31",
    ),
    (
        "1998-01-01",
        "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1",
        "1998-01-01..1998-01-31 1999-01-01..1999-01-31 2000-01-01..2000-01-31",
    ),
    // Weekly for 10 occurrences
    ("1997-09-02", "FREQ=WEEKLY;COUNT=10", "1997-09-02 09 16 23 30 1997-10-07 14 21 28 1997-11-04"),
    // Weekly until December 24, 1997
    (
        "1997-09-02",
        "FREQ=WEEKLY;UNTIL=19971224T000000Z",
        "1997-09-02 09 16 23 30 1997-10-07 14 21 28 1997-11-04 11 18 25 1997-12-02 09 16 23",
    ),
    // Every other week - forever
    (
        "1997-09-02",
        "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
        "1997-09-02 16 30 1997-10-14 28 1997-11-11 25 1997-12-09 23 1998-01-06 20 1998-02-03 17 …",
    ),
    // Weekly on Tuesday and Thursday for five weeks
    (
        "1997-09-02",
        "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH",
        "1997-09-02 04 09 11 16 18 23 25 30 1997-10-02",
    ),
    ("1997-09-02", "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", "1997-09-02 04 09 11 16 18 23 25 30 1997-10-02"),
    // Every other week on Monday, Wednesday, and Friday until December 24, 1997
    (
        "1997-09-01",
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
        "1997-09-01 03 05 15 17 19 29 1997-10-01 03 13 15 17 27 29 31 1997-11-10 12 14 24 26 28 \
         1997-12-08 10 12 22",
    ),
    // Every other week on Tuesday and Thursday, for 8 occurrences
    ("1997-09-02", "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", "1997-09-02 04 16 18 30 1997-10-02 14 16"),
    // Monthly on the first Friday for 10 occurrences
    (
        "1997-09-05",
        "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
        "1997-09-05 1997-10-03 1997-11-07 1997-12-05 1998-01-02 1998-02-06 1998-03-06 1998-04-03 \
         1998-05-01 1998-06-05",
    ),
    // Monthly on the first Friday until December 24, 1997
    ("1997-09-05", "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR", "1997-09-05 1997-10-03 1997-11-07 1997-12-05"),
    // Every other month on the first and last Sunday of the month for 10 occurrences
    (
        "1997-09-07",
        "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
        "1997-09-07 28 1997-11-02 30 1998-01-04 25 1998-03-01 29 1998-05-03 31",
    ),
    // Monthly on the second-to-last Monday of the month for 6 months
    (
        "1997-09-22",
        "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
        "1997-09-22 1997-10-20 1997-11-17 1997-12-22 1998-01-19 1998-02-16",
    ),
    // Monthly on the third-to-the-last day of the month, forever
    ("1997-09-28", "FREQ=MONTHLY;BYMONTHDAY=-3", "1997-09-28 1997-10-29 1997-11-28 1997-12-29 1998-01-29 1998-02-26 …"),
    // Monthly on the 2nd and 15th of the month for 10 occurrences
    (
        "1997-09-02",
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
        "1997-09-02 15 1997-10-02 15 1997-11-02 15 1997-12-02 15 1998-01-02 15",
    ),
    // Monthly on the first and last day of the month for 10 occurrences
    (
        "1997-09-30",
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
        "1997-09-30 1997-10-01 31 1997-11-01 30 1997-12-01 31 1998-01-01 31 1998-02-01",
    ),
    // Every 18 months on the 10th thru 15th of the month for 10 occurrences
    (
        "1997-09-10",
        "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
        "1997-09-10..1997-09-15 1999-03-10..1999-03-13",
    ),
    // Every Tuesday, every other month
    (
        "1997-09-02",
        "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
        "1997-09-02 09 16 23 30 1997-11-04 11 18 25 1998-01-06 13 20 27 1998-03-03 10 17 24 31 …",
    ),
    // Yearly in June and July for 10 occurrences
    (
        "1997-06-10",
        "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
        "1997-06-10 1997-07-10 1998-06-10 1998-07-10 1999-06-10 1999-07-10 2000-06-10 2000-07-10 \
         2001-06-10 2001-07-10",
    ),
    // Every other year on January, February, and March for 10 occurrences
    (
        "1997-03-10",
        "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
        "1997-03-10 1999-01-10 1999-02-10 1999-03-10 2001-01-10 2001-02-10 2001-03-10 2003-01-10 \
         2003-02-10 2003-03-10",
    ),
    // Every third year on the 1st, 100th, and 200th day for 10 occurrences
    (
        "1997-01-01",
        "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
        "1997-01-01 1997-04-10 1997-07-19 2000-01-01 2000-04-09 2000-07-18 2003-01-01 2003-04-10 \
         2003-07-19 2006-01-01",
    ),
    // Every 20th Monday of the year, forever
    ("1997-05-19", "FREQ=YEARLY;BYDAY=20MO", "1997-05-19 1998-05-18 1999-05-17 …"),
    // Monday of week number 20, forever
    ("1997-05-12", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "1997-05-12 1998-05-11 1999-05-17 …"),
    // Every Thursday in March, forever
    ("1997-03-13", "FREQ=YEARLY;BYMONTH=3;BYDAY=TH", "1997-03-13 20 27 1998-03-05 12 19 26 1999-03-04 11 18 25 …"),
    // Every Thursday, but only during June, July, and August, forever
    (
        "1997-06-05",
        "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
        "1997-06-05 12 19 26 1997-07-03 10 17 24 31 1997-08-07 14 21 28 1998-06-04 11 18 25 \
         1998-07-02 09 16 23 30 1998-08-06 13 20 27 1999-06-03 10 17 24 1999-07-01 08 15 22 29 \
         1999-08-05 12 19 26 …",
    ),
    // The first Saturday that follows the first Sunday of the month, forever
    (
        "1997-09-13",
        "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
        "1997-09-13 1997-10-11 1997-11-08 1997-12-13 1998-01-10 1998-02-07 1998-03-07 1998-04-11 \
         1998-05-09 1998-06-13 …",
    ),
    // Every 4 years, the first Tuesday after a Monday in November, forever
    (
        "1996-11-05",
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
        "1996-11-05 2000-11-07 2004-11-02 …",
    ),
    // The third instance into the month of one of Tuesday, Wednesday, or Thursday, for the next 3 months
    ("1997-09-04", "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997-09-04 1997-10-07 1997-11-06"),
    // The second-to-last weekday of the month
    (
        "1997-09-29",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
        "1997-09-29 1997-10-30 1997-11-27 1997-12-30 1998-01-29 1998-02-26 1998-03-30 …",
    ),
    // Every 3 hours from 9:00 AM to 5:00 PM on a specific day (UNTIL as corrected by erratum 3883)
    ("1997-09-02", "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z", "1997-09-02 1997-09-02T12 1997-09-02T15"),
    // An example where the days generated makes a difference because of WKST
    ("1997-08-05", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997-08-05 10 19 24"),
    ("1997-08-05", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997-08-05 17 19 31"),
    // An example where an invalid date (i.e., February 30) is ignored
    ("2007-01-15", "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "2007-01-15 30 2007-02-15 2007-03-15 30"),
];

/// `1997-09-02 04 1997-10-01..1997-10-03 1997-11-01T12` as wall times; a lone number is a day of the month before it.
fn listed(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for word in text.split_whitespace().filter(|word| *word != "…") {
        if let Some((from, to)) = word.split_once("..") {
            let days = support::date(from).iter_days().take_while(|day| *day <= support::date(to));
            found.extend(days.map(|day| format!("{day}T09:00")));
        } else if word.len() == 2 {
            let month = found.last().expect("a month comes first")[..8].to_owned();
            found.push(format!("{month}{word}T09:00"));
        } else if let Some((day, hour)) = word.split_once('T') {
            found.push(format!("{day}T{hour}:00"));
        } else {
            found.push(format!("{word}T09:00"));
        }
    }
    found
}

#[test]
fn every_example_lists_what_the_rfc_lists() {
    for (start, rule, text) in EXAMPLES {
        let series = series(&format!("{start}T09:00:00 America/New_York"), &[rule]);
        let expected = listed(text);
        let endless = text.ends_with('…');
        let expansion = first(&series, if endless { expected.len() } else { 1_000 });
        let found = expansion.occurrences.iter();
        let found: Vec<_> = found.map(|o| o.original_start.format("%Y-%m-%dT%H:%M").to_string()).collect();
        assert_eq!(found, expected, "{rule}");
        assert_eq!(expansion.complete, !endless, "{rule}");
        // the RFC's wall times hold on both sides of daylight saving
        for o in &expansion.occurrences {
            assert_eq!(support::zone("America/New_York").to_local(o.start), o.original_start, "{rule}");
        }
    }
}

#[test]
fn every_friday_the_13th_without_the_start() {
    let mut series = series("1997-09-02T09:00:00 America/New_York", &["FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13"]);
    series.exdates = vec![moment("1997-09-02T09:00:00 America/New_York")];
    let found = expand(&series, window("1997-01-01", "2000-12-31"));
    let days: Vec<_> = found.iter().map(|o| o.original_start.date().to_string()).collect();
    assert_eq!(days, ["1998-02-13", "1998-03-13", "1998-11-13", "1999-08-13", "2000-10-13"]);
}

#[test]
fn every_20_minutes_of_the_working_day() {
    let rule = "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40";
    let series = series("1997-09-02T09:00:00 America/New_York", &[rule]);
    let found = expand(&series, window("1997-09-02T13:00:00", "1997-09-04T12:00:00"));
    assert_eq!(found.len(), 48);
    for (i, o) in found.iter().enumerate() {
        let (hour, minute) = (9 + i % 24 / 3, i % 3 * 20);
        assert_eq!((o.original_start.hour() as usize, o.original_start.minute() as usize), (hour, minute));
    }
}

#[test]
fn what_is_finer_than_hourly_is_refused() {
    for (rule, freq) in [
        ("FREQ=MINUTELY;INTERVAL=15;COUNT=6", Frequency::Minutely),
        ("FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16", Frequency::Minutely),
        ("FREQ=SECONDLY", Frequency::Secondly),
    ] {
        assert_eq!(Rule::parse(rule), Err(Error::TooFine { freq, finest: Frequency::Hourly }));
    }
}
