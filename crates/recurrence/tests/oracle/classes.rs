//! The classes of differences that are explained. Most are models: they say what the library would answer because of its
//! reading of the RFC, and only that very answer is explained by them. Where a library has no reading that could be told in
//! a sentence, the class names the shape of the rule. In either case the definition must say what this crate says.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::case::{Case, Member, instant};
use crate::models::readings;
use crate::naive;
use crate::shapes::{agreed_by_dateutil, dateutil_shape, icaljs_shape};
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
pub(crate) fn offset_of(clock: &TimeZone, at: NaiveDateTime) -> (i64, bool) {
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
