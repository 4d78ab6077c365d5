//! Series as they are edited in parts, and written on as time goes by.

/// Halves of a split series: what comes before event `$1`, and what goes on after it.
pub(crate) const SET_PREVIOUS: &str = "update events set previous_series_id = $2 where id = $1 and deleted_at is null";
pub(crate) const SET_NEXT: &str = "update events set next_series_id = $2 where id = $1 and deleted_at is null";

/// The records that event `$id` (a series, an override or a single event) belongs to: the series, and of its overrides all
/// (`$how` is 2, or 1 and `$id` the series itself), else that of the occurrence `$at` and the one that was asked for.
macro_rules! members {
    ($id:literal, $at:literal, $how:literal) => {
        concat!(
            "array(
                 select root from (
                     select coalesce((select r.recurring_event_id from events r where r.id = ",
            $id,
            "), ",
            $id,
            ") as root
                 ) k
                 union
                 select v.id from (
                     select coalesce((select r.recurring_event_id from events r where r.id = ",
            $id,
            "), ",
            $id,
            ") as root
                 ) k
                 join events v on v.recurring_event_id = k.root and v.deleted_at is null
                 where ",
            $how,
            " = 2 or (",
            $how,
            " = 1 and k.root = ",
            $id,
            ")
                    or v.original_start = ",
            $at,
            " or v.id = ",
            $id,
            "
             )"
        )
    };
}

/// The series of event `$3`, locked in the order of ids; `$1`, `$2` are caller and tenant, `$4`, `$5` say how much of it.
/// When it had to wait for a lock, the records are the newest, but what stands beside them is from before
/// ([`SERIES_VERSIONS`]).
pub const LOCK_SERIES: &str = concat!(
    "select ",
    event!(),
    ", e.start_time, e.end_time, coalesce(e.original_start, e.start_local) as original_start, ",
    summary!("coalesce(e.original_start, e.start_local)"),
    ", ",
    facts!(),
    ", e.original_start as stands_for, e.organizer_name as told_organizer_name, e.extra, e.source, e.stamped_at,
         e.expanded_until
     from events e
     join calendars c on c.id = e.calendar_id and c.tenant_id = $2 and c.deleted_at is null
     left join users og on og.id = e.organizer_id
     join heads h on h.calendar_id = c.id
     where e.id = any(",
    members!("$3::uuid", "$4::timestamp", "$5::int"),
    ") and e.deleted_at is null
     order by e.id
     for no key update of e"
);

/// What the same statement sees of their versions without a lock: where the two differ, somebody was faster.
pub const SERIES_VERSIONS: &str = concat!(
    "select e.id, e.seq, e.expanded_until,
         (select count(*) from events v where v.recurring_event_id = e.id and v.deleted_at is null) as overrides
     from events e where e.id = any(",
    members!("$1::uuid", "$2::timestamp", "$3::int"),
    ") and e.deleted_at is null"
);

/// What is written down of them, if `$4` or if the event is an override; of one occurrence only where only its record was asked for.
pub const SERIES_OCCURRENCES: &str = concat!(
    "select o.event_id, o.original_start, o.start_time, o.end_time
     from occurrences o
     where ($4 or (select r.recurring_event_id from events r where r.id = $1) is not null) and o.event_id = any(",
    members!("$1::uuid", "$2::timestamp", "$3::int"),
    ") and ($3 = 2 or ($3 = 1 and (select r.recurring_event_id from events r where r.id = $1) is null)
            or o.original_start = coalesce($2, (select r.original_start from events r where r.id = $1)))"
);

/// Takes away the occurrences ($1 events, $2 starts, $3 original starts).
pub(crate) const OCCURRENCES_GONE: &str = "delete from occurrences o
     using unnest($1::uuid[], $2::timestamptz[], $3::timestamp[]) as gone (event_id, start_time, original_start)
     where o.event_id = gone.event_id and o.start_time = gone.start_time and o.original_start = gone.original_start";

/// Series that are written down until less than `$1`, but for `$2`: the first `$3` of events_horizon that nobody holds.
pub const LOCK_ROLLING: &str = "select e.id from events e
     where e.expanded_until < $1 and e.expanded_until is not null and e.deleted_at is null and e.id <> all($2)
     order by e.expanded_until
     limit $3
     for no key update skip locked";

/// Those series, with what writing them on depends on. Calendars that were deleted are among them: they cost little, and the
/// first entry of events_horizon must not stay behind for ever.
pub const ROLLING: &str = concat!(
    "select ",
    event!(),
    ", e.expanded_until, e.recurrence_end, c.time_zone as calendar_time_zone, c.tenant_id, h.acl as calendar_acl,
         array(select v.original_start from events v
               where v.recurring_event_id = e.id and v.deleted_at is null and v.original_start is not null) as overridden,
         array(select distinct r.resource_id from reservations r
               where r.event_id = e.id and r.status = 'confirmed' order by r.resource_id) as rooms
     from events e
     join calendars c on c.id = e.calendar_id
     join heads h on h.calendar_id = c.id
     where e.id = any($1)
     order by e.expanded_until, e.id"
);

pub(crate) const ROLLED: &str = "update events e set expanded_until = n.expanded_until
     from unnest($1::uuid[], $2::timestamptz[]) as n (id, expanded_until)
     where e.id = n.id";
