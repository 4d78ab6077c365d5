use crate::civil;

/// From this year on the transitions repeat every 400 years, as the Gregorian calendar does: no zone data reaches further
/// with anything but yearly rules.
const CYCLE_FROM: i64 = 2100;
const CYCLE_SECONDS: i64 = 146_097 * civil::DAY;

/// The first second of the year up to which a table must hold its transitions.
pub(super) fn horizon() -> i64 {
    cycle_start() + CYCLE_SECONDS
}

fn cycle_start() -> i64 {
    civil::day_of(CYCLE_FROM, 1, 1) * civil::DAY
}

/// All transitions of a zone up to [`horizon`], ready for binary search from both sides.
#[derive(Debug, PartialEq)]
pub(crate) struct Table {
    spans: Vec<Span>,
    /// The most a clock was ever moved at once, in either direction.
    pub(crate) widest_shift: i64,
    /// Computed here: it is asked for at every look-up.
    cycle_start: i64,
}

/// The time from one transition to the next.
#[derive(Debug, PartialEq)]
struct Span {
    /// UTC seconds of the transition.
    at: i64,
    /// Local seconds from which this offset is the right one: readings skipped by the transition still belong to the offset
    /// before it, and of readings that exist twice the first does too.
    local: i64,
    offset: i64,
}

/// A local time on its zone's clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Resolved {
    pub(crate) utc: i64,
    /// The clock was put forward over this reading; `utc` is later by the length of the gap.
    pub(crate) in_gap: bool,
}

impl Table {
    /// Transitions as (UTC seconds, offset from then on); order and repetitions do not matter.
    pub(super) fn new(first_offset: i32, mut transitions: Vec<(i64, i32)>) -> Table {
        transitions.sort_unstable_by_key(|(at, _)| *at);
        let first = i64::from(first_offset);
        let mut spans = Vec::with_capacity(transitions.len() + 1);
        spans.push(Span { at: i64::MIN, local: i64::MIN, offset: first });
        let (mut offset, mut local, mut widest_shift) = (first, i64::MIN, 0);
        for (at, next) in transitions {
            let next = i64::from(next);
            if next == offset {
                continue;
            }
            // two transitions closer together than their shift would break the order that the search needs
            local = local.max(at.saturating_add(offset.max(next)));
            widest_shift = widest_shift.max((next - offset).abs());
            spans.push(Span { at, local, offset: next });
            offset = next;
        }
        Table { spans, widest_shift, cycle_start: cycle_start() }
    }

    /// `hint` remembers where the last look-up ended: neighbours mostly share their offset.
    pub(crate) fn resolve(&self, local: i64, hint: &mut usize) -> Resolved {
        let seen = self.fold(local);
        let after = |i: usize| self.spans.get(i).map_or(i64::MAX, |span| span.local);
        if !(after(*hint) <= seen && seen < after(*hint + 1)) {
            *hint = self.spans.partition_point(|span| span.local <= seen).saturating_sub(1);
        }
        let offset = self.spans.get(*hint).map_or(0, |span| span.offset);
        let in_gap = self.spans.get(*hint + 1).is_some_and(|next| seen >= next.at.saturating_add(offset));
        Resolved { utc: local.saturating_sub(offset), in_gap }
    }

    pub(crate) fn local(&self, utc: i64) -> i64 {
        let seen = self.fold(utc);
        let i = self.spans.partition_point(|span| span.at <= seen).saturating_sub(1);
        utc.saturating_add(self.spans.get(i).map_or(0, |span| span.offset))
    }

    fn fold(&self, seconds: i64) -> i64 {
        // the margin keeps local readings and instants of one moment in the same cycle of the table
        let start = self.cycle_start + civil::DAY * 2;
        if seconds < start { seconds } else { start + (seconds - start) % CYCLE_SECONDS }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transitions_closer_than_their_shift_keep_the_search_sorted() {
        let table = Table::new(7_200, vec![(1_100, -7_000), (1_000, -7_200)]);
        assert!(table.spans.is_sorted_by_key(|span| span.local));
        let offsets = [0, 8_199, 8_200, 9_000].map(|local| local - table.resolve(local, &mut 0).utc);
        assert_eq!(offsets, [7_200, 7_200, -7_000, -7_000]);
    }
}
