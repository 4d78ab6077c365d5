//! What must hold of the rows, whoever wrote them: the write path, a seed, or a server that was killed in between.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use events::{Plan, When};
use recurrence::Occurrence;
use sqlx::PgConnection;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct Stored {
    id: Uuid,
    recurring_event_id: Option<Uuid>,
    original_start: Option<NaiveDateTime>,
    all_day: bool,
    start_local: NaiveDateTime,
    time_zone: Option<String>,
    end_time_zone: Option<String>,
    zone_rules: Vec<String>,
    duration_days: i32,
    duration_seconds: i64,
    recurrence: Vec<String>,
    start_time: DateTime<Utc>,
    end_time: DateTime<Utc>,
    recurrence_end: Option<DateTime<Utc>>,
    expanded_until: Option<DateTime<Utc>>,
    calendar_zone: String,
    longest_seconds: i64,
}

/// Panics with everything that does not hold. `now` is when series were expanded last.
pub(crate) async fn check(conn: &mut PgConnection, now: DateTime<Utc>) {
    let mut wrong = laws(conn).await;
    wrong.extend(plans(conn, now).await);
    assert!(wrong.is_empty(), "{} rows are not as they must be:\n{}", wrong.len(), wrong.join("\n"));
}

/// Each answers the ids that break it.
const LAWS: [(&str, &str); 10] = [
    (
        "the log is gapless up to the head",
        "select h.calendar_id from heads h
         left join (select calendar_id, min(seq) as low, max(seq) as high, count(distinct seq) as n
                    from changes group by calendar_id) c using (calendar_id)
         where (coalesce(c.high, 0), coalesce(c.n, 0)) is distinct from (h.seq, h.seq - h.min_seq)
            or c.low <> h.min_seq + 1",
    ),
    ("a commit's changes count from 0", "select calendar_id from changes group by calendar_id, seq having min(n) <> 0 or max(n) <> count(*) - 1"),
    ("a log has a head", "select c.calendar_id from changes c where not exists (select from heads h where h.calendar_id = c.calendar_id)"),
    (
        "an event's seq is that of its last change",
        "select e.id from events e
         where e.seq is distinct from (select max(c.seq) from changes c
             where c.calendar_id = e.calendar_id and c.object_id = e.id and c.kind like 'event\\_%')",
    ),
    (
        "acl counts the changes of access",
        "select h.calendar_id from heads h
         where h.acl <> (select count(distinct c.seq) from changes c where c.calendar_id = h.calendar_id
             and c.kind in ('calendar_created', 'calendar_deleted', 'member_changed'))",
    ),
    ("what is deleted does not happen", "select e.id from events e join occurrences o on o.event_id = e.id where e.deleted_at is not null"),
    (
        "no occurrence is longer than the calendar's longest, nor in another calendar than its event",
        "select o.event_id from occurrences o join events e on e.id = o.event_id join calendars c on c.id = e.calendar_id
         where o.calendar_id <> e.calendar_id or o.end_time - o.start_time > make_interval(secs => c.longest_seconds)",
    ),
    (
        "a guest with a colleague's address is the colleague",
        "select a.id from attendees a join events e on e.id = a.event_id join calendars c on c.id = e.calendar_id
         left join users u on u.tenant_id = c.tenant_id and u.email = a.email
         where a.user_id is distinct from u.id",
    ),
    (
        "a reservation is of an occurrence",
        "select v.id from reservations v join resources r on r.id = v.resource_id
         where v.status = 'confirmed' and (v.exclusive <> r.exclusive or not exists (select from occurrences o
             where o.event_id = v.event_id and o.original_start = v.original_start
               and o.start_time = v.start_time and o.end_time = v.end_time))",
    ),
    (
        "a calendar belongs to somebody",
        "select c.id from calendars c where not exists (select from calendar_members m
             where m.calendar_id = c.id and m.user_id = c.owner_id and m.role = 'owner')",
    ),
];

async fn laws(conn: &mut PgConnection) -> Vec<String> {
    let mut wrong = Vec::new();
    for (law, sql) in LAWS {
        let broken: Vec<Uuid> = sqlx::query_scalar(sql).fetch_all(&mut *conn).await.unwrap();
        wrong.extend(broken.into_iter().map(|id| format!("{law}: {id}")));
    }
    wrong
}

/// What is written down of each live event is what its plan says.
async fn plans(conn: &mut PgConnection, now: DateTime<Utc>) -> Vec<String> {
    let stored: Vec<Stored> = sqlx::query_as(
        "select e.*, c.time_zone as calendar_zone, c.longest_seconds
         from events e join calendars c on c.id = e.calendar_id where e.deleted_at is null",
    )
    .fetch_all(&mut *conn)
    .await
    .unwrap();
    let rows: Vec<(Uuid, NaiveDateTime, DateTime<Utc>, DateTime<Utc>)> = sqlx::query_as(
        "select event_id, original_start, start_time, end_time from occurrences order by start_time, original_start",
    )
    .fetch_all(conn)
    .await
    .unwrap();
    let mut happening: HashMap<Uuid, Vec<Occurrence>> = HashMap::new();
    for (event, original_start, start, end) in rows {
        happening.entry(event).or_default().push(Occurrence { original_start, start, end });
    }
    let mut overridden: HashMap<Uuid, Vec<NaiveDateTime>> = HashMap::new();
    for event in &stored {
        if let (Some(series), Some(at)) = (event.recurring_event_id, event.original_start) {
            overridden.entry(series).or_default().push(at);
        }
    }
    stored
        .iter()
        .filter_map(|event| {
            let plan = planned(event, overridden.get(&event.id), now);
            let found = happening.remove(&event.id).unwrap_or_default();
            let times = (event.start_time, event.end_time, event.recurrence_end, event.expanded_until);
            let same = found == plan.occurrences
                && times == (plan.start_time, plan.end_time, plan.recurrence_end, plan.expanded_until)
                && plan.longest_seconds() <= event.longest_seconds;
            (!same).then(|| format!("event {} is not what its plan says: {found:?} but {plan:?}", event.id))
        })
        .collect()
}

fn planned(event: &Stored, overridden: Option<&Vec<NaiveDateTime>>, now: DateTime<Utc>) -> Plan {
    let when = When {
        all_day: event.all_day,
        start_local: event.start_local,
        time_zone: event.time_zone.clone(),
        end_time_zone: event.end_time_zone.clone(),
        zone_rules: event.zone_rules.clone(),
        duration_days: event.duration_days,
        duration_seconds: event.duration_seconds,
        recurrence: event.recurrence.clone(),
    };
    let horizon = event.expanded_until.unwrap_or(events::horizon(now));
    let mut plan = Plan::of(&when, &event.calendar_zone, horizon)
        .unwrap()
        .without(overridden.map(Vec::as_slice).unwrap_or_default());
    if let Some(at) = event.original_start {
        plan.occurrences.iter_mut().for_each(|o| o.original_start = at);
    }
    plan
}
