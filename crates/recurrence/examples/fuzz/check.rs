//! What must hold of every answer, whatever was asked.

use recurrence::{Budget, Error, Expansion, Frequency, Rule, Series};

use crate::generate::Case;

pub(crate) fn expand(case: &Case) -> Result<Expansion, Error> {
    case.series.expand(case.window, usize::MAX, Budget::default())
}

/// What is wrong with the answer, if something is.
pub(crate) fn fault(case: &Case, answer: &Result<Expansion, Error>) -> Option<String> {
    let (series, window) = (&case.series, case.window);
    for rule in &series.rules {
        let text = rule.to_string();
        if Rule::parse(&text).as_ref() != Ok(rule) {
            return Some(format!("{text} is read as another rule"));
        }
    }
    let hourly_dates = series.start.is_date() && series.rules.iter().any(|r| r.frequency() == Frequency::Hourly);
    let found = match answer {
        Ok(found) => found,
        Err(Error::BudgetExhausted { .. }) => return None,
        Err(Error::TooFine { .. }) if hourly_dates => return None,
        Err(error) => return Some(format!("refused: {error}")),
    };
    let all = &found.occurrences;
    if !found.complete {
        return Some("cut without a limit".to_owned());
    }
    for pair in all.windows(2) {
        if (pair[0].start, pair[0].original_start) >= (pair[1].start, pair[1].original_start) {
            return Some(format!("out of order: {pair:?}"));
        }
    }
    for o in all {
        let overlaps = o.start < window.to && (o.end > window.from || o.start == o.end && o.start >= window.from);
        if o.end < o.start || !overlaps {
            return Some(format!("not in the window: {o:?}"));
        }
    }
    let some = [all.first(), all.get(all.len() / 2), all.last()];
    for o in some.into_iter().flatten() {
        if series.matches(o.original_start, Budget::default()) == Ok(false) {
            return Some(format!("{} is an occurrence, and is not", o.original_start));
        }
    }
    match series.last_end(Budget::default()) {
        Ok(Some(last)) if all.iter().any(|o| o.end > last) => return Some(format!("the last end is {last}")),
        Ok(_) | Err(Error::BudgetExhausted { .. }) => {}
        Err(error) => return Some(format!("there is no last end: {error}")),
    }
    let few = all.len().min(3);
    match series.expand(window, few, Budget::default()) {
        Ok(cut) if cut.occurrences[..] == all[..few] && cut.complete == (few == all.len()) => None,
        other => Some(format!("the first {few} are {other:?}")),
    }
}

/// The smallest budget that is enough for the window, `None` when the default is not.
pub(crate) fn steps(case: &Case) -> Option<u32> {
    let enough = |steps| {
        let answer = case.series.expand(case.window, usize::MAX, Budget::steps(steps));
        !matches!(answer, Err(Error::BudgetExhausted { .. }))
    };
    let (mut low, mut high) = (0, 100_000);
    if !enough(high) {
        return None;
    }
    while low < high {
        let middle = (low + high) / 2;
        if enough(middle) { high = middle } else { low = middle + 1 }
    }
    Some(low)
}

/// A case as one can read it.
pub(crate) fn describe(case: &Case) -> String {
    let Series { start, duration, rdates, exdates, .. } = &case.series;
    let mut text = format!("{} from {start:?}", case.text);
    if let Some(second) = case.series.rules.get(1) {
        text += &format!(", and {second}");
    }
    if !(rdates.is_empty() && exdates.is_empty()) {
        text += &format!(", {} RDATEs and {} EXDATEs", rdates.len(), exdates.len());
    }
    let days = f64::from(duration.days) + duration.seconds as f64 / 86_400.0;
    text + &format!(", {days:.2} days long, in the year from {}", case.window.from.format("%Y-%m-%d"))
}
