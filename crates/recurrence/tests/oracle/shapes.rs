//! Rules that a library is known to get wrong in a way that cannot be predicted.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDateTime, TimeDelta};

use crate::case::{Answer, Case, Member, members};
use crate::classes::{Library, explain, offset_of};
use crate::models::{has, part};
use crate::support::local;

fn differing(ours: &[Member], theirs: &[Member]) -> Vec<NaiveDateTime> {
    let (ours, theirs): (BTreeSet<_>, BTreeSet<_>) = (ours.iter().collect(), theirs.iter().collect());
    ours.symmetric_difference(&theirs).map(|member| member.0).collect()
}

pub(crate) fn dateutil_shape(case: &Case, ours: &[Member], theirs: &[Member]) -> Option<&'static str> {
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
pub(crate) fn agreed_by_dateutil(case: &Case) -> bool {
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

pub(crate) fn icaljs_shape(case: &Case, ours: &[Member], theirs: &[Member]) -> Option<&'static str> {
    let start = local(case.start.split(' ').next().unwrap());
    let differing = differing(ours, theirs);
    if case.rules.len() > 1 && ends_with_the_first(case, ours, theirs) {
        return Some("several rules end together, with the first that ends");
    }
    let first_days = if case.rules.iter().any(|rule| part(rule, "FREQ") == Some("WEEKLY")) { 7 } else { 1 };
    let first = start.date()..start.date() + TimeDelta::days(first_days);
    if differing.iter().all(|at| first.contains(&at.date())) {
        return Some("at DTSTART the other parts of a rule are not heeded");
    }
    // with the offset after the gap it is earlier than it should be, by a day where a zone crossed the date line
    let clock = case.clock();
    let around = |at: NaiveDateTime| (-104..=104).map(move |n| at + TimeDelta::minutes(15 * n));
    let nearby = |at: &NaiveDateTime| around(*at).any(|at| offset_of(&clock, at).1);
    let listed = !case.exdates.is_empty() || !case.rdates.is_empty();
    let carries = has(&case.rules[0], "COUNT") && nearby(&start);
    let hourly = part(&case.rules[0], "FREQ") == Some("HOURLY");
    let all_skipped = differing.iter().all(|at| offset_of(&clock, *at).1);
    if all_skipped || listed && hourly && (carries || differing.iter().all(nearby)) {
        return Some("a skipped reading meets another, an RDATE or an EXDATE at the offset after the gap");
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
