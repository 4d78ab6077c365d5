//! What a library makes of a rule, said as a rule that means that in this crate.

use chrono::Datelike;

use crate::case::Case;
use crate::classes::Library;
use crate::support::local;

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
pub(crate) fn readings(library: Library, case: &Case) -> Vec<(Vec<&'static str>, Vec<String>)> {
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

pub(crate) fn part<'a>(rule: &'a str, name: &str) -> Option<&'a str> {
    rule.split(';').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
}

pub(crate) fn has(rule: &str, name: &str) -> bool {
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
