use chrono::{DateTime, NaiveDateTime, Utc};
use kernel::{CalendarId, EventId, Failure, Result};
use recurrence::Occurrence;
use serde::Serialize;
use serde_json::Value;
use store::Batch;

use crate::{Event, NewEvent, Plan, Stored, When, sql};

/// Writes records of one calendar with their occurrences: new ones, and new contents of those that exist.
///
/// [`crate::written`] says what a violated constraint means.
pub fn write_part(
    batch: &mut Batch,
    calendar_id: CalendarId,
    new: &[(NewEvent, Plan)],
    changed: &[(NewEvent, Plan)],
) -> Result<()> {
    if !changed.is_empty() {
        occurrences_gone_part(batch, changed.iter().map(|(e, plan)| (e.id, plan)));
    }
    for (sql, events) in [(sql::INSERT, new), (sql::UPDATE, changed)] {
        if events.is_empty() {
            continue;
        }
        let rows: Vec<Value> = events.iter().map(|(event, plan)| row(event, plan)).collect::<Result<_>>()?;
        batch.quiet(sql).bind(Value::Array(rows)).done();
    }
    let all = || new.iter().chain(changed);
    planned_part(batch, all().map(|(e, plan)| (calendar_id, e.id, plan)));
    raise_part(batch, calendar_id, all().map(|(_, plan)| plan.longest_seconds()).max());
    Ok(())
}

/// Moves records of one calendar in time. The longest of them is for [`crate::calendars::update_part`] to write: parts of
/// a batch cannot both write one row.
pub fn replan_part(batch: &mut Batch, calendar_id: CalendarId, events: &[(EventId, When, Plan)]) -> Result<()> {
    let rows: Vec<Value> =
        events.iter().map(|(id, when, plan)| row(&Replanned { id: *id, when }, plan)).collect::<Result<_>>()?;
    occurrences_gone_part(batch, events.iter().map(|(id, _, plan)| (*id, plan)));
    batch.quiet(sql::REPLAN).bind(Value::Array(rows)).done();
    planned_part(batch, events.iter().map(|(id, _, plan)| (calendar_id, *id, plan)));
    Ok(())
}

/// Marks the event and its overrides as deleted; their occurrences go. What stood before and behind it in a split series
/// stand beside each other now.
pub fn delete_part(batch: &mut Batch, event: &Event, now: DateTime<Utc>) {
    batch.quiet(sql::DELETE_OCCURRENCES).bind(event.id).done();
    batch.quiet(sql::DELETE).bind(event.id).bind(now).done();
    if let Some(previous) = event.previous_series_id {
        batch.quiet(sql::SET_NEXT).bind(previous).bind(event.next_series_id).done();
    }
    if let Some(next) = event.next_series_id {
        batch.quiet(sql::SET_PREVIOUS).bind(next).bind(event.previous_series_id).done();
    }
}

#[derive(Serialize)]
struct Replanned<'a> {
    id: EventId,
    #[serde(flatten)]
    when: &'a When,
}

/// A record as `jsonb_populate_recordset` reads it.
pub(crate) fn row(event: &impl Serialize, plan: &Plan) -> Result<Value> {
    let mut row = serde_json::to_value(event).map_err(Failure::internal)?;
    if let Value::Object(columns) = &mut row {
        columns.insert("start_time".into(), plan.start_time.to_rfc3339().into());
        columns.insert("end_time".into(), plan.end_time.to_rfc3339().into());
        columns.insert("recurrence_end".into(), instant(plan.recurrence_end));
        columns.insert("expanded_until".into(), instant(plan.expanded_until));
    }
    Ok(row)
}

fn instant(at: Option<DateTime<Utc>>) -> Value {
    at.map_or(Value::Null, |at| at.to_rfc3339().into())
}

fn planned_part<'a>(batch: &mut Batch, planned: impl Iterator<Item = (CalendarId, EventId, &'a Plan)>) {
    let (mut calendars, mut events): (Vec<CalendarId>, Vec<EventId>) = Default::default();
    let (mut starts, mut ends): (Vec<DateTime<Utc>>, Vec<DateTime<Utc>>) = Default::default();
    let mut originals: Vec<NaiveDateTime> = Vec::new();
    for (calendar_id, event_id, plan) in planned {
        for Occurrence { original_start, start, end } in &plan.occurrences {
            calendars.push(calendar_id);
            events.push(event_id);
            starts.push(*start);
            ends.push(*end);
            originals.push(*original_start);
        }
    }
    batch.quiet(sql::OCCUR).bind(calendars).bind(starts).bind(ends).bind(events).bind(originals).done();
}

/// Writes occurrences of one calendar; those that stand already are not touched, unless they end at another time.
pub(crate) fn occurrences_part(batch: &mut Batch, calendar_id: CalendarId, occurrences: &[Stored]) {
    batch
        .quiet(sql::OCCUR)
        .bind(vec![calendar_id; occurrences.len()])
        .bind(occurrences.iter().map(|o| o.start_time).collect::<Vec<_>>())
        .bind(occurrences.iter().map(|o| o.end_time).collect::<Vec<_>>())
        .bind(occurrences.iter().map(|o| o.event_id).collect::<Vec<_>>())
        .bind(occurrences.iter().map(|o| o.original_start).collect::<Vec<_>>())
        .done();
}

fn occurrences_gone_part<'a>(batch: &mut Batch, planned: impl Iterator<Item = (EventId, &'a Plan)>) {
    let mut events: Vec<EventId> = Vec::new();
    let mut kept: (Vec<EventId>, Vec<DateTime<Utc>>, Vec<NaiveDateTime>) = Default::default();
    for (id, plan) in planned {
        events.push(id);
        for occurrence in &plan.occurrences {
            kept.0.push(id);
            kept.1.push(occurrence.start);
            kept.2.push(occurrence.original_start);
        }
    }
    batch.quiet(sql::OCCUR_NO_MORE).bind(events).bind(kept.0).bind(kept.1).bind(kept.2).done();
}

pub(crate) fn raise_part(batch: &mut Batch, calendar_id: CalendarId, longest: Option<i64>) {
    batch.quiet(sql::RAISE_LONGEST).bind(calendar_id).bind(longest.unwrap_or(0)).done();
}
