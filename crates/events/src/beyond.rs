//! Behind what is written down: the occurrences of endless series, computed now, so that no series ends silently.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use kernel::{Failure, Kind, Result};
use recurrence::{Budget, Series};

use crate::{Happening, When, Window};

/// An occurrence, or a series that goes on behind what is written down.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Mixed {
    #[sqlx(flatten)]
    pub happening: Happening,
    pub expanded_until: Option<DateTime<Utc>>,
    /// Which of its occurrences have a record of their own.
    pub overridden: Vec<NaiveDateTime>,
}

/// The first `most` occurrences behind the position, and one more.
pub(crate) fn after(
    series: &Mixed,
    written_until: DateTime<Utc>,
    window: &Window<'_>,
    most: usize,
    found: &mut Vec<Happening>,
) -> Result<()> {
    let set = set(series)?;
    let from = window.span.from.max(written_until).max(window.after.start());
    // Those that are running at `from`, before the cursor or overridden come first and are not wanted: should they use
    // up the limit, more are asked for.
    let mut limit = most + series.overridden.len() + 2;
    loop {
        let span = recurrence::Window { from, to: window.span.to };
        let expansion = set.expand(span, limit, Budget::default()).map_err(too_wide)?;
        let wanted: Vec<Happening> = series
            .shown(expansion.occurrences, written_until)
            .filter(|happening| happening.position() > window.after)
            .collect();
        if expansion.complete || wanted.len() > most {
            found.extend(wanted);
            return Ok(());
        }
        limit = limit.saturating_mul(4);
    }
}

/// How far it is looked back at first.
const STEP: TimeDelta = TimeDelta::days(92);

/// The last `most` occurrences before the position, and one more: looked for in ever longer stretches.
pub(crate) fn before(
    series: &Mixed,
    written_until: DateTime<Utc>,
    window: &Window<'_>,
    most: usize,
    found: &mut Vec<Happening>,
) -> Result<()> {
    let set = set(series)?;
    let from = window.span.from.max(written_until);
    // What begins at the very instant of the position may lie before it.
    let instant = TimeDelta::microseconds(1);
    let mut to = window.span.to.min(window.after.start().checked_add_signed(instant).unwrap_or(window.span.to));
    let (mut step, mut enough) = (STEP, 0);
    while from < to && enough <= most {
        let begin = to.checked_sub_signed(step).unwrap_or(from).max(from);
        let span = recurrence::Window { from: begin, to };
        let expansion = set.expand(span, usize::MAX, Budget::default()).map_err(too_wide)?;
        let wanted = series
            .shown(expansion.occurrences, written_until)
            .filter(|h| h.position() < window.after && (h.start_time >= begin || begin == from));
        let held = found.len();
        found.extend(wanted);
        enough += found.len() - held;
        (to, step) = (begin, step * 4);
    }
    Ok(())
}

impl Mixed {
    fn shown(
        &self,
        occurrences: Vec<recurrence::Occurrence>,
        written_until: DateTime<Utc>,
    ) -> impl Iterator<Item = Happening> {
        let wanted =
            move |o: &recurrence::Occurrence| o.start >= written_until && !self.overridden.contains(&o.original_start);
        occurrences.into_iter().filter(wanted).map(|o| Happening {
            start_time: o.start,
            end_time: o.end,
            original_start: o.original_start,
            ..self.happening.clone()
        })
    }
}

fn set(series: &Mixed) -> Result<Series> {
    let happening = &series.happening;
    When::of(&happening.event).series(&happening.calendar_time_zone)
}

/// A rule that matches next to nothing is walked through in vain: over centuries that is too much for one request.
fn too_wide(error: recurrence::Error) -> Failure {
    match error {
        recurrence::Error::BudgetExhausted { .. } => Failure::new(
            Kind::LimitExceeded,
            "window_too_wide",
            "a series in this window has so few occurrences that they cannot be found that far away; ask for a shorter \
             window",
        ),
        error => Failure::internal(error),
    }
}
