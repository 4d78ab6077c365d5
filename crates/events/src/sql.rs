//! Every query of this room.
//!
//! A projection may read across rooms (a list shows the organizer's name, the first room, how many are invited);
//! writes never leave their own tables.

/// The record as [`crate::Event`] reads it, from `e`.
macro_rules! event {
    () => {
        "e.id, e.calendar_id, e.uid, e.recurring_event_id, e.previous_series_id, e.next_series_id, e.title, e.description, e.location, e.status, e.visibility,
         e.transparency, e.all_day, e.start_local, e.time_zone, e.end_time_zone, e.zone_rules, e.duration_days,
         e.duration_seconds, e.recurrence, e.organizer_id, e.organizer_email, e.sequence, e.seq, e.created_at,
         e.updated_at"
    };
}

/// What a list shows beside it: index-only counts and one name each (RFC-003 §2.2, "optimised query"). From `c` and
/// `og`, the organizer; the room is that of one occurrence.
macro_rules! summary {
    ($original_start:literal) => {
        concat!(
            "(select count(*) from attendees a where a.event_id = e.id) as attendee_count,
             coalesce(og.name, e.organizer_name) as organizer_name,
             coalesce(og.email, e.organizer_email) as organizer_address,
             og.avatar_url as organizer_avatar_url,
             (select (select r.name from resources r where r.id = v.resource_id) from reservations v
               where v.event_id = e.id and v.original_start = ",
            $original_start,
            " and v.status = 'confirmed'
               order by v.resource_id limit 1) as room_name,
             c.time_zone as calendar_time_zone"
        )
    };
}

/// The facts that decide what caller `$1` of tenant `$2` may see of event `e` in calendar `c`. `invited` is no `exists`:
/// that may be turned into a hash of everything the caller was ever invited to, 10 ms for one event and 10,000 invitations
/// instead of 0.6.
macro_rules! facts {
    () => {
        "(select m.role from calendar_members m where m.calendar_id = c.id and m.user_id = $1) as role,
         coalesce((select true from attendees a where a.event_id = e.id and a.user_id = $1 limit 1), false) as invited,
         h.seq as calendar_seq, h.acl as calendar_acl, (select d.epoch from deploy d) as epoch,
         (select t.directory_seq from tenants t where t.id = $2) as directory_seq"
    };
}

mod calendars;
mod lists;
mod records;
mod series;
mod zones;

pub use calendars::*;
pub use lists::*;
pub use records::*;
pub use series::*;
pub(crate) use zones::*;

/// What `$1` is the id of in tenant `$2`, by primary keys. Ids are of one kind each.
pub(crate) const NOUN: &str = "select 'calendar' from calendars where id = $1 and tenant_id = $2 and deleted_at is null
     union all
     select 'event' from events e
     join calendars c on c.id = e.calendar_id and c.tenant_id = $2
     where e.id = $1 and e.deleted_at is null
     union all
     select 'user' from users where id = $1 and tenant_id = $2
     union all
     select 'resource' from resources where id = $1 and tenant_id = $2
     limit 1";

/// Of whichever events, what a caller of a tenant may see.
macro_rules! find {
    ($which:literal) => {
        concat!(
            "select found.* from (
         select ",
            event!(),
            ", e.start_time, e.end_time, coalesce(e.original_start, e.start_local) as original_start,
             ",
            summary!("coalesce(e.original_start, e.start_local)"),
            ", ",
            facts!(),
            "
         from events e
         join calendars c on c.id = e.calendar_id and c.tenant_id = $2 and c.deleted_at is null
         left join users og on og.id = e.organizer_id
         join heads h on h.calendar_id = c.id
         where e.id ",
            $which,
            " and e.deleted_at is null
     ) found
     where found.role is not null or found.invited
     order by found.start_time, found.id"
        )
    };
}

/// Events `$3` that caller `$1` of tenant `$2` is a member or a guest of.
pub const FIND: &str = find!("= any($3)");
/// The same for the one event `$3`. Of how many an array has PostgreSQL knows nothing beforehand: it takes ten, finds one
/// cheaper each time, and so plans anew each time, which takes longer than running it.
pub const FIND_ONE: &str = find!("= $3");

/// As [`FIND`] for the one event `$3`, locked until the transaction ends. When it had to wait for the lock, the record is
/// the newest, but the facts beside it are from before: a change that depends on other rows reads them afterwards.
pub const FIND_FOR_UPDATE: &str = concat!(
    "select ",
    event!(),
    ", e.start_time, e.end_time, coalesce(e.original_start, e.start_local) as original_start,
         ",
    summary!("coalesce(e.original_start, e.start_local)"),
    ", ",
    facts!(),
    "
     from events e
     join calendars c on c.id = e.calendar_id and c.tenant_id = $2 and c.deleted_at is null
     left join users og on og.id = e.organizer_id
     join heads h on h.calendar_id = c.id
     where e.id = $3 and e.deleted_at is null
     for no key update of e"
);

/// What of event `$1` is written down, with the version it is written down in; one row of nulls when that is nothing.
pub const STORED: &str = "select e.seq, o.original_start, o.start_time, o.end_time
     from events e left join occurrences o on o.event_id = e.id
     where e.id = $1
     order by o.start_time";

/// Records from JSON (`NewEvent` and its `Plan` side by side).
pub(crate) const INSERT: &str = "insert into events (
         id, calendar_id, uid, recurring_event_id, original_start, previous_series_id, next_series_id, title, description,
         location, status, visibility, transparency, all_day, start_local, time_zone, end_time_zone, zone_rules, duration_days, duration_seconds,
         start_time, end_time, recurrence, recurrence_end, expanded_until, organizer_id, organizer_email,
         organizer_name, sequence, extra, source, stamped_at, created_at, updated_at)
     select id, calendar_id, uid, recurring_event_id, original_start, previous_series_id, next_series_id, title,
         description, location, status, visibility, transparency, all_day, start_local, time_zone, end_time_zone, zone_rules, duration_days, duration_seconds,
         start_time, end_time, recurrence, recurrence_end, expanded_until, organizer_id, organizer_email,
         organizer_name, sequence, extra, source, stamped_at, created_at, updated_at
     from jsonb_populate_recordset(null::events, $1)";

/// The same columns again for records that exist; who created it and when stays.
pub(crate) const UPDATE: &str = "update events e set
         title = n.title, description = n.description, location = n.location, status = n.status,
         visibility = n.visibility, transparency = n.transparency, all_day = n.all_day, start_local = n.start_local,
         time_zone = n.time_zone, end_time_zone = n.end_time_zone, zone_rules = n.zone_rules,
         duration_days = n.duration_days, duration_seconds = n.duration_seconds, start_time = n.start_time,
         end_time = n.end_time, recurrence = n.recurrence, recurrence_end = n.recurrence_end,
         expanded_until = n.expanded_until, organizer_id = n.organizer_id, organizer_email = n.organizer_email,
         organizer_name = n.organizer_name, sequence = n.sequence, extra = n.extra, source = n.source, stamped_at = n.stamped_at,
         recurring_event_id = n.recurring_event_id, original_start = n.original_start, updated_at = n.updated_at
     from jsonb_populate_recordset(null::events, $1) n
     where e.id = n.id";

/// Every column that an edit can change, of records that exist.
pub(crate) const REWRITE: &str = "update events e set
         title = n.title, description = n.description, location = n.location, status = n.status,
         visibility = n.visibility, transparency = n.transparency, sequence = n.sequence, updated_at = n.updated_at,
         all_day = n.all_day, start_local = n.start_local, time_zone = n.time_zone, end_time_zone = n.end_time_zone,
         zone_rules = n.zone_rules, duration_days = n.duration_days, duration_seconds = n.duration_seconds,
         start_time = n.start_time, end_time = n.end_time, recurrence = n.recurrence,
         recurrence_end = n.recurrence_end, expanded_until = n.expanded_until, uid = n.uid,
         recurring_event_id = n.recurring_event_id, original_start = n.original_start,
         previous_series_id = n.previous_series_id, next_series_id = n.next_series_id
     from jsonb_populate_recordset(null::events, $1) n
     where e.id = n.id";

pub(crate) const DELETE_RECORDS: &str =
    "update events set deleted_at = $2, updated_at = $2 where id = any($1) and deleted_at is null";

/// Moves records in time: what [`crate::Plan`] says of each.
pub(crate) const REPLAN: &str = "update events e set
         all_day = n.all_day, start_local = n.start_local, time_zone = n.time_zone, end_time_zone = n.end_time_zone,
         zone_rules = n.zone_rules, duration_days = n.duration_days, duration_seconds = n.duration_seconds,
         start_time = n.start_time, end_time = n.end_time, recurrence = n.recurrence,
         recurrence_end = n.recurrence_end, expanded_until = n.expanded_until
     from jsonb_populate_recordset(null::events, $1) n
     where e.id = n.id";

/// Writes occurrences ($1 calendars, $2 starts, $3 ends, $4 events, $5 original starts); those that stand already stay
/// where they are.
pub(crate) const OCCUR: &str =
    "insert into occurrences as old (calendar_id, start_time, end_time, event_id, original_start)
     select * from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::uuid[], $5::timestamp[])
     on conflict (event_id, start_time, original_start)
     do update set end_time = excluded.end_time where old.end_time <> excluded.end_time";

/// Takes away the occurrences of events `$1` that are not among ($2 events, $3 starts, $4 original starts).
pub(crate) const OCCUR_NO_MORE: &str =
    "delete from occurrences o
     where o.event_id = any($1)
       and not exists (
           select from unnest($2::uuid[], $3::timestamptz[], $4::timestamp[]) as kept (event_id, start_time, original_start)
           where kept.event_id = o.event_id and kept.start_time = o.start_time
             and kept.original_start = o.original_start)";

/// Keeps the bound that window queries start from; silent when it holds already.
pub(crate) const RAISE_LONGEST: &str =
    "update calendars set longest_seconds = $2 where id = $1 and longest_seconds < $2";

/// Marks event `$1` and the overrides of it as deleted.
pub(crate) const DELETE: &str = "update events set deleted_at = $2, updated_at = $2
     where (id = $1 or recurring_event_id = $1) and deleted_at is null";

/// Their occurrences go with them (by [`DELETE`]'s own condition: parts of a batch do not see each other).
pub(crate) const DELETE_OCCURRENCES: &str = "delete from occurrences
     where event_id in (select id from events where (id = $1 or recurring_event_id = $1) and deleted_at is null)";
