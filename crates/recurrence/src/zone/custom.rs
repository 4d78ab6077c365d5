use super::{Observance, table};
use crate::expand::onsets;
use crate::{Budget, Error, Rule};

/// Observances a VTIMEZONE may have; the longest history in the IANA database needs some 240.
const MAX_OBSERVANCES: usize = 1_000;
/// Two yearly rules from 1601, as Microsoft writes them, cost 7,200 steps.
const STEPS: Budget = Budget::steps(50_000);
const DAY: i32 = 86_400;

/// The transitions of a VTIMEZONE up to the horizon of the table.
pub(super) fn table(name: &str, observances: &[Observance]) -> Result<table::Table, Error> {
    let invalid = |reason| Error::InvalidZone { name: name.chars().take(40).collect(), reason };
    if observances.len() > MAX_OBSERVANCES {
        return Err(Error::Limit {
            what: "the number of observances in a time zone",
            limit: MAX_OBSERVANCES as u64,
            found: observances.len() as u64,
        });
    }
    let first = observances
        .iter()
        .min_by_key(|observance| observance.onset)
        .ok_or_else(|| invalid("it has neither STANDARD nor DAYLIGHT"))?;
    let sane = |offset: i32| (1 - DAY..DAY).contains(&offset);
    if !observances.iter().all(|o| sane(o.offset_from) && sane(o.offset_to)) {
        return Err(invalid("an offset is a day or more"));
    }
    let mut transitions = Vec::new();
    let mut meter = crate::expand::Meter::new(STEPS);
    for observance in observances {
        let Observance { onset, offset_from, offset_to, rule, rdates } = observance;
        let rule: Option<&Rule> = rule.as_ref();
        // an onset is read on the clock that was right until then (§3.6.5: "local time")
        let offset = i64::from(*offset_from);
        onsets(rule, *onset, rdates, offset, table::horizon(), &mut meter, |local| {
            transitions.push((local - offset, *offset_to));
        })?;
    }
    Ok(table::Table::new(first.offset_from, transitions))
}
