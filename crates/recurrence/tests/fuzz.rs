//! The short form of `./dev fuzz`: the same random series and checks, and what they cost counted in steps instead of time.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "../examples/fuzz/check.rs"]
#[allow(dead_code, reason = "the long form has its own uses")]
mod check;
#[path = "../examples/fuzz/generate.rs"]
mod generate;

use generate::Case;
use recurrence::{Budget, Error, Frequency, Rule};

const DAY: i64 = 86_400;

/// Days in which a rule has to look for members: those of the window, or all since the start where it must count.
fn days(case: &Case, rule: &Rule) -> i64 {
    let (from, to) = (case.window.from, case.window.to);
    let start = case.series.start.local().and_utc();
    let from = if rule.count().is_some() { from.min(start) } else { from };
    let length = i64::from(case.series.duration.days) + case.series.duration.seconds / DAY;
    // the clock may be a day away from UTC, and is asked a little before and after
    (to - from).num_days() + length + 8
}

fn times(rule: &Rule) -> i64 {
    let of = |list: &[u8]| list.len().max(1) as i64;
    let hours = match rule.frequency() {
        Frequency::Hourly => 24,
        _ => of(rule.by_hour()),
    };
    hours * of(rule.by_minute()) * of(rule.by_second())
}

/// The most that looking at the periods of a rule may cost.
fn periods(case: &Case, rule: &Rule) -> i64 {
    let days = days(case, rule);
    let periods = match rule.frequency() {
        Frequency::Yearly => days / 365,
        Frequency::Monthly => days / 28,
        Frequency::Weekly => days / 7,
        Frequency::Daily => days,
        _ => days * 24,
    };
    // the dearer ones are those of rules with many values
    let values = rule.to_string().split([',', ';']).count() as i64;
    (periods / i64::from(rule.interval()) + 4) * (3 + values)
}

/// No more steps than there are members in the window and periods to look at: nothing that came before the window counts.
fn most_steps(case: &Case, found: Option<usize>) -> i64 {
    let series = &case.series;
    let listed = (series.rdates.len() + series.exdates.len()) as i64;
    let per_rule = series.rules.iter().map(|rule| {
        let members = match found {
            // those at its edges are found and turn out to be outside
            Some(found) if series.rules.len() == 1 && listed == 0 => found as i64 + 4 * times(rule),
            _ => (days(case, rule) + 4) * times(rule),
        };
        periods(case, rule) + members
    });
    listed + per_rule.sum::<i64>() + 8
}

#[test]
fn random_series_are_answered_within_their_steps() {
    let (mut refused, mut exhausted, mut expanded) = (0, 0, 0);
    for number in 0..20_000 {
        let (text, case) = generate::case(7, number);
        let Some(case) = case else {
            let said = Rule::parse(&text).unwrap_err().to_string();
            assert!(said.len() < 400, "{said}");
            refused += 1;
            continue;
        };
        let answer = check::expand(&case);
        let about = || format!("#{number} {}", check::describe(&case));
        assert_eq!(check::fault(&case, &answer), None, "{}", about());
        match answer {
            Ok(found) => {
                expanded += 1;
                let most = most_steps(&case, Some(found.occurrences.len()));
                let budget = Budget::steps(u32::try_from(most).unwrap());
                let again = case.series.expand(case.window, usize::MAX, budget);
                assert_eq!(again.as_ref(), Ok(&found), "{most} steps for {}", about());
            }
            Err(Error::BudgetExhausted { .. }) => {
                exhausted += 1;
                let most = most_steps(&case, None);
                assert!(most > 100_000, "{most} steps should be enough for {}", about());
            }
            Err(_) => refused += 1,
        }
    }
    assert!(expanded > 12_000 && exhausted > 5 && refused > 3_000, "{expanded} {exhausted} {refused}");
}
