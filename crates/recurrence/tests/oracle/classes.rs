//! The classes of differences that are explained. Most are models: they say what the library would answer because of its
//! reading of the RFC, and only that very answer is explained by them. Where a library has no reading that could be told in
//! a sentence, the class names the shape of the rule. In either case the definition must say what this crate says.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDateTime, TimeDelta};
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::case::{Answer, Case, Member, instant, members};
use crate::naive;
use crate::support::local;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Library {
    Dateutil,
    IcalJs,
}

type Classes = BTreeSet<&'static str>;

/// The classes that explain every difference; none when there is none. What this crate found, if something is unexplained.
pub(crate) fn explain(library: Library, case: &Case, theirs: &[Member]) -> Result<Classes, Vec<Member>> {
    let ours = case.ours(&case.rules);
    if case.inside(theirs.iter().copied()) == ours && theirs.is_sorted_by(|a, b| a.0 < b.0) {
        return Ok(Classes::new());
    }
    // a mistake of this crate's own is never what explains a difference
    match classes_of(library, case, &ours, theirs) {
        Some(classes) if case.definition() == ours => Ok(classes),
        _ => Err(ours),
    }
}

fn classes_of(library: Library, case: &Case, ours: &[Member], theirs: &[Member]) -> Option<Classes> {
    let mut classes = Classes::new();
    let theirs = on_the_clock(library, case, theirs, &mut classes);
    if theirs == ours {
        return Some(classes);
    }
    let start = local(case.start.split(' ').next().unwrap());
    for (names, rules) in readings(library, case) {
        let read = case.ours(&rules);
        let without_start = case.outside && library == Library::IcalJs;
        for without_start in [false, true].into_iter().take(1 + usize::from(without_start)) {
            let read: Vec<_> = read.iter().copied().filter(|member| !without_start || member.0 != start).collect();
            let exdates = library == Library::IcalJs && only_more_excluded(case, &read, &theirs);
            if read == theirs || exdates {
                let differs = read != theirs;
                classes.extend(names);
                classes.extend(without_start.then_some("a start that its rule does not generate is no member"));
                classes
                    .extend(differs.then_some("an EXDATE that is no member keeps those after it from being applied"));
                return Some(classes);
            }
        }
    }
    if library == Library::IcalJs && !agreed_by_dateutil(case) {
        return None;
    }
    let seen = readings(library, case).into_iter().find_map(|(names, rules)| {
        let read = case.ours(&rules);
        let shape = match library {
            Library::Dateutil => dateutil_shape(case, &read, &theirs),
            Library::IcalJs => icaljs_shape(case, &read, &theirs),
        };
        shape.map(|shape| names.into_iter().chain([shape]))
    });
    classes.extend(seen?);
    Some(classes)
}

/// What concerns single members: their order, and readings that are skipped or exist twice.
fn on_the_clock(library: Library, case: &Case, theirs: &[Member], classes: &mut Classes) -> Vec<Member> {
    let clock = case.clock();
    if library == Library::IcalJs && !theirs.is_sorted_by(|a, b| a.0 < b.0) {
        classes.insert("members out of order, or twice");
    }
    let mut real = BTreeSet::new();
    let mut read = Vec::new();
    for &(at, offset) in theirs {
        let (expected, in_gap) = offset_of(&clock, at);
        if !in_gap {
            real.insert(instant((at, expected)));
        }
        if offset != expected && library == Library::IcalJs {
            let class = match (in_gap, after(&clock, at) == offset) {
                (true, true) => "a skipped reading takes the offset after the gap",
                (false, true) => "a reading that exists twice is the second",
                (_, false) => {
                    read.push((at, offset));
                    continue;
                }
            };
            classes.insert(class);
            read.push((at, expected));
        } else {
            read.push((at, offset));
        }
    }
    let excluded = case.excluded();
    let held: BTreeSet<_> = excluded.iter().map(|at| instant((*at, offset_of(&clock, *at).0))).collect();
    read.retain(|member| {
        let in_gap = offset_of(&clock, member.0).1;
        if in_gap && real.contains(&instant(*member)) {
            classes.insert("a skipped reading that falls on another member is a member of its own");
            return false;
        }
        if in_gap && held.contains(&instant(*member)) {
            classes.insert("an EXDATE does not remove a skipped reading by the time at which it is held");
            return false;
        }
        true
    });
    case.inside(read)
}

/// Offset by §3.3.5, and whether the clock skips the reading.
fn offset_of(clock: &TimeZone, at: NaiveDateTime) -> (i64, bool) {
    let (utc, in_gap) = naive::resolve(clock, at);
    (at.and_utc().timestamp() - utc, in_gap)
}

/// The other offset of a reading that is skipped or exists twice.
fn after(clock: &TimeZone, at: NaiveDateTime) -> i64 {
    let civil = jiff::civil::date(at.year() as i16, at.month() as i8, at.day() as i8);
    let seconds = (at - at.date().and_hms_opt(0, 0, 0).unwrap()).num_seconds();
    let civil = civil.at(0, 0, 0, 0) + jiff::SignedDuration::from_secs(seconds);
    match clock.to_ambiguous_timestamp(civil).offset() {
        AmbiguousOffset::Gap { after, .. } | AmbiguousOffset::Fold { after, .. } => i64::from(after.seconds()),
        AmbiguousOffset::Unambiguous { offset } => i64::from(offset.seconds()),
    }
}

/// Whether what they have more than we is excluded, and nothing else differs.
fn only_more_excluded(case: &Case, ours: &[Member], theirs: &[Member]) -> bool {
    let excluded = case.excluded();
    !case.exdates.is_empty()
        && ours.iter().all(|member| theirs.contains(member))
        && theirs.iter().all(|member| ours.contains(member) || excluded.contains(&member.0))
}

/// What a library makes of a rule, as a rule that means that in this crate.
type Model = (&'static str, fn(&Case, usize) -> Option<String>);

const DATEUTIL: [Model; 3] = [
    ("COUNT does not count a start that its rule does not generate", count_without_start),
    ("BYWEEKNO alone takes all seven days", every_day_of_the_week),
    ("BYDAY with and without ordinals is an intersection", intersected_days),
];

const ICALJS: [Model; 5] = [
    ("COUNT does not count a start that its rule does not generate", count_without_start),
    ("BYSETPOS is not heeded", without_positions),
    ("MONTHLY with BYMONTH is walked by years", without_interval),
    ("BYMONTHDAY from the end is not heeded in DAILY and HOURLY", without_days_from_the_end),
    ("BYMONTHDAY alone stays in the month of DTSTART in YEARLY", in_month_of_start),
];

/// The rules of a case as the library reads them: its own, and with one model applied or several.
fn readings(library: Library, case: &Case) -> Vec<(Vec<&'static str>, Vec<String>)> {
    let models: &[Model] = if library == Library::Dateutil { &DATEUTIL } else { &ICALJS };
    let mut readings = vec![(Vec::new(), case.rules.clone())];
    for (name, model) in models {
        for at in 0..readings.len() {
            let (mut names, rules) = readings[at].clone();
            let case = case.with_rules(&rules);
            let read = |number: usize| model(&case, number).unwrap_or_else(|| rules[number].clone());
            let read: Vec<_> = (0..rules.len()).map(read).collect();
            if read != rules {
                names.push(*name);
                readings.push((names, read));
            }
        }
    }
    readings
}

fn without(rule: &str, name: &str) -> String {
    let parts = rule.split(';').filter(|part| part.split('=').next() != Some(name));
    parts.collect::<Vec<_>>().join(";")
}

fn without_positions(case: &Case, number: usize) -> Option<String> {
    let rule = &case.rules[number];
    has(rule, "BYSETPOS").then(|| without(rule, "BYSETPOS"))
}

fn without_interval(case: &Case, number: usize) -> Option<String> {
    let rule = &case.rules[number];
    (part(rule, "FREQ") == Some("MONTHLY") && has(rule, "BYMONTH")).then(|| without(rule, "INTERVAL"))
}

fn in_month_of_start(case: &Case, number: usize) -> Option<String> {
    let rule = &case.rules[number];
    let is_alone = part(rule, "FREQ") == Some("YEARLY") && has(rule, "BYMONTHDAY") && !has(rule, "BYMONTH");
    is_alone.then(|| format!("{rule};BYMONTH={}", local(case.start.split(' ').next().unwrap()).month()))
}

fn without_days_from_the_end(case: &Case, number: usize) -> Option<String> {
    let rule = &case.rules[number];
    let days: Vec<_> = part(rule, "BYMONTHDAY")?.split(',').filter(|day| !day.starts_with('-')).collect();
    let days = if days.is_empty() { "30;BYMONTH=2".to_owned() } else { days.join(",") };
    let rest = without(rule, "BYMONTHDAY");
    let rest = if days.contains("BYMONTH") { without(&rest, "BYMONTH") } else { rest };
    let heeded = !matches!(part(rule, "FREQ"), Some("DAILY" | "HOURLY"));
    (!heeded).then(|| format!("{rest};BYMONTHDAY={days}"))
}

fn part<'a>(rule: &'a str, name: &str) -> Option<&'a str> {
    rule.split(';').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
}

fn has(rule: &str, name: &str) -> bool {
    part(rule, name).is_some()
}

fn count_without_start(case: &Case, number: usize) -> Option<String> {
    let rule = &case.rules[number];
    let count: u32 = part(rule, "COUNT")?.parse().unwrap();
    let more = rule.replace(&format!("COUNT={count}"), &format!("COUNT={}", count + 1));
    case.uncounted.contains(&number).then_some(more)
}

fn every_day_of_the_week(case: &Case, number: usize) -> Option<String> {
    let rule = &case.rules[number];
    let says_day = ["BYDAY", "BYMONTHDAY", "BYYEARDAY"].iter().any(|name| has(rule, name));
    (has(rule, "BYWEEKNO") && !says_day).then(|| format!("{rule};BYDAY=MO,TU,WE,TH,FR,SA,SU"))
}

fn intersected_days(case: &Case, number: usize) -> Option<String> {
    let rule = &case.rules[number];
    let days: Vec<_> = part(rule, "BYDAY")?.split(',').collect();
    let (plain, numbered): (Vec<&str>, Vec<&str>) = days.iter().partition(|day| day.len() == 2);
    if plain.is_empty() || numbered.is_empty() {
        return None;
    }
    let both: Vec<_> = numbered.into_iter().filter(|day| plain.contains(&&day[day.len() - 2..])).collect();
    // of nothing in common, a day that no year has
    let both = if both.is_empty() { "BYMONTHDAY=30;BYMONTH=2".to_owned() } else { format!("BYDAY={}", both.join(",")) };
    let others = rule
        .split(';')
        .filter(|part| !(part.starts_with("BYDAY=") || both.starts_with("BYMONTHDAY") && part.starts_with("BYMONTH")));
    Some(others.chain([both.as_str()]).collect::<Vec<_>>().join(";"))
}

fn differing(ours: &[Member], theirs: &[Member]) -> Vec<NaiveDateTime> {
    let (ours, theirs): (BTreeSet<_>, BTreeSet<_>) = (ours.iter().collect(), theirs.iter().collect());
    ours.symmetric_difference(&theirs).map(|member| member.0).collect()
}

fn dateutil_shape(case: &Case, ours: &[Member], theirs: &[Member]) -> Option<&'static str> {
    let differing = differing(ours, theirs);
    let any = |shape: &dyn Fn(&str) -> bool| case.rules.iter().find(|rule| shape(rule));
    // what is missing in one place is made up for in another
    let carries = |rule: &str| has(rule, "COUNT") || has(rule, "BYSETPOS");
    let edge = |rule: &str| {
        let numbers = part(rule, "BYWEEKNO").unwrap_or("0").split(',');
        numbers.map(|n| n.parse::<i32>().unwrap()).any(|n| !(-50..=51).contains(&n))
    };
    if let Some(rule) = any(&edge) {
        let turn = |at: &NaiveDateTime| at.month() == 12 && at.day() > 25 || at.month() == 1 && at.day() < 8;
        if carries(rule) || differing.iter().all(turn) {
            return Some("weeks at the turn of the year are miscounted");
        }
    }
    if let Some(rule) = any(&|rule| has(rule, "BYSETPOS") && part(rule, "FREQ") == Some("WEEKLY")) {
        let start = local(case.start.split(' ').next().unwrap());
        if has(rule, "COUNT") || differing.iter().all(|at| *at < start + TimeDelta::days(7)) {
            return Some("the first week of BYSETPOS begins at DTSTART");
        }
    }
    None
}

/// ical.js implements parts in some combinations only, and what it does with the others cannot be told in a sentence:
/// where it is known to go astray, dateutil has to say what this crate says.
fn agreed_by_dateutil(case: &Case) -> bool {
    match case.answer(Library::Dateutil) {
        Answer::Members(dateutil) => explain(Library::Dateutil, case, &members(dateutil)).is_ok(),
        Answer::Refused { .. } => false,
    }
}

/// From some member on only RDATEs are left.
fn ends_with_the_first(case: &Case, ours: &[Member], theirs: &[Member]) -> bool {
    let excluded = case.excluded();
    let theirs: Vec<_> =
        theirs.iter().filter(|member| ours.contains(member) || !excluded.contains(&member.0)).collect();
    let shared = ours.iter().zip(&theirs).take_while(|(our, their)| our == *their).count();
    let listed = case.added();
    let ends = case.rules.iter().any(|rule| has(rule, "COUNT") || has(rule, "UNTIL"));
    ends && theirs[shared..].iter().all(|member| ours.contains(member) && listed.contains(&member.0))
}

fn icaljs_shape(case: &Case, ours: &[Member], theirs: &[Member]) -> Option<&'static str> {
    let start = local(case.start.split(' ').next().unwrap());
    let differing = differing(ours, theirs);
    if case.rules.len() > 1 && ends_with_the_first(case, ours, theirs) {
        return Some("several rules end together, with the first that ends");
    }
    let first_days = if case.rules.iter().any(|rule| part(rule, "FREQ") == Some("WEEKLY")) { 7 } else { 1 };
    if differing.iter().all(|at| at.date() < start.date() + TimeDelta::days(first_days)) {
        return Some("at DTSTART the other parts of a rule are not heeded");
    }
    // with the offset after the gap it is earlier than it should be, by a day where a zone crossed the date line
    let clock = case.clock();
    let around = |at: NaiveDateTime| (-104..=104).map(move |n| at + TimeDelta::minutes(15 * n));
    let nearby = |at: &NaiveDateTime| around(*at).any(|at| offset_of(&clock, at).1);
    let listed = !case.exdates.is_empty() || !case.rdates.is_empty();
    let carries = has(&case.rules[0], "COUNT") && nearby(&start);
    let hourly = part(&case.rules[0], "FREQ") == Some("HOURLY");
    if listed && hourly && (carries || differing.iter().all(nearby)) {
        return Some("a skipped reading meets an RDATE or EXDATE at the offset after the gap");
    }
    case.rules.iter().find_map(|rule| {
        let has = |name| has(rule, name);
        let times = has("BYHOUR") || has("BYMINUTE") || has("BYSECOND");
        let ordinals = part(rule, "BYDAY").is_some_and(|days| days.split(',').any(|day| day.len() > 2));
        let days = part(rule, "BYMONTHDAY").unwrap_or("0").split(',').map(|n| n.parse::<i32>().unwrap().abs());
        let is_missing_somewhere = start.day() > 28 || days.max() > Some(28);
        Some(match part(rule, "FREQ")? {
            "YEARLY" if has("BYWEEKNO") => "YEARLY with BYWEEKNO is walked as something else",
            "YEARLY" if times => "YEARLY with several times has the last of them",
            "YEARLY" if has("BYMONTHDAY") => "YEARLY with BYMONTHDAY has other days of other months",
            "YEARLY" if ordinals => "YEARLY with the n-th BYDAY has another one",
            "YEARLY" if has("BYDAY") && has("BYMONTH") => {
                "YEARLY with BYDAY, BYMONTH and BYSETPOS takes it of each month"
            }
            "YEARLY" if has("BYMONTH") && is_missing_somewhere => {
                "a day that a month does not have is moved to the next"
            }
            "HOURLY" if has("BYHOUR") => "HOURLY with BYHOUR is walked without its INTERVAL",
            "MONTHLY" if times && is_missing_somewhere => "a day that a month does not have is moved to the next",
            "MONTHLY" if has("BYMONTH") => "MONTHLY with BYMONTH is walked by years",
            "MONTHLY" if has("BYDAY") && (times || has("BYMONTHDAY")) => {
                "MONTHLY with BYDAY and more has the first of months"
            }
            _ => return None,
        })
    })
}
