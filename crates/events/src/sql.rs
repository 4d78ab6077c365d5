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

/// The caller's calendars among `$3` (all of them when null), each with its head: the authorisation of every list.
/// Index-only on calendar_members_user; `written_until` is the first entry of events_endless.
pub const GRANTS: &str = "select m.calendar_id, m.role, h.seq, h.acl, c.time_zone, c.longest_seconds,
         (select min(e.expanded_until) from events e
           where e.calendar_id = c.id and e.expanded_until is not null and e.deleted_at is null) as written_until,
         (select d.epoch from deploy d) as epoch,
         (select t.directory_seq from tenants t where t.id = $2) as directory_seq
     from calendar_members m
     join calendars c on c.id = m.calendar_id and c.tenant_id = $2 and c.deleted_at is null
     join heads h on h.calendar_id = c.id
     where m.user_id = $1 and ($3::uuid[] is null or m.calendar_id = any($3))
     order by m.calendar_id";

/// `[$3, $4)`, the window: what goes on after its beginning and starts before its end; an instant at its beginning too.
/// Of that what lies behind (`>`) or before (`<`) the position ($5, $6, $7).
macro_rules! in_window {
    ($than:literal) => {
        concat!(
            "o.start_time < $4 and (o.end_time > $3 or (o.end_time = o.start_time and o.end_time = $3))
               and (o.start_time, o.event_id, o.original_start) ",
            $than,
            " ($5, $6, $7)"
        )
    };
}

/// The order in which a list is read: on from the position, or back from it.
macro_rules! in_order {
    (">") => {
        "order by o.start_time, o.event_id, o.original_start"
    };
    ("<") => {
        "order by o.start_time desc, o.event_id desc, o.original_start desc"
    };
}

/// The `$8` occurrences of each of the calendars `$1` (whose longest ones last `$2` seconds) in the window that are next to
/// the position ($5, $6, $7): one range of occurrences_list per calendar, which starts at the cursor.
macro_rules! of_calendars {
    ($than:tt) => {
        concat!(
            "select o.* from unnest($1::uuid[], $2::bigint[]) as mine (calendar_id, longest)
             cross join lateral (
                 select o.calendar_id, o.start_time, o.event_id, o.original_start, o.end_time
                 from occurrences o
                 where o.calendar_id = mine.calendar_id
                   and o.start_time >= $3 - make_interval(secs => mine.longest)
                   and ",
            in_window!($than),
            "
                 ",
            in_order!($than),
            "
                 limit $8
             ) o"
        )
    };
}

/// From the chosen occurrences `o` to what a list shows: as many records as there are.
macro_rules! shown_all {
    ($chosen:expr, $invited:literal) => {
        concat!(
            "select ",
            event!(),
            ", o.start_time, o.end_time, o.original_start, ",
            summary!("o.original_start"),
            ",
                 ",
            $invited,
            " as invited
             from (",
            $chosen,
            ") o
             join events e on e.id = o.event_id and e.deleted_at is null
             join calendars c on c.id = e.calendar_id and c.deleted_at is null
             left join users og on og.id = e.organizer_id"
        )
    };
}

/// The same of the first `$8` of them: as many records as the page has.
macro_rules! shown {
    ($than:tt, $chosen:expr, $invited:literal) => {
        shown_all!(
            concat!(
                "
                 select o.* from (",
                $chosen,
                ") o
                 ",
                in_order!($than),
                "
                 limit $8
             "
            ),
            $invited
        )
    };
}

macro_rules! page {
    ($than:tt) => {
        shown!($than, of_calendars!($than), "false")
    };
}

/// What matches the pattern `$11`, in the case of the column (Rust's small letters are others: the sigma at the end of a
/// word). `$10` are the calendars where the caller sees everything; in the others private and
/// confidential events do not match (their texts must not be guessable by searching).
macro_rules! matches_pattern {
    () => {
        "(lower(e.title || ' ' || coalesce(e.location, '') || ' ' || coalesce(e.description, '')) like lower($11)
          and (e.visibility in ('default', 'public') or e.calendar_id = any($10)))"
    };
}

macro_rules! search {
    ($than:tt) => {
        shown!(
            $than,
            concat!(
                "select o.calendar_id, o.start_time, o.event_id, o.original_start, o.end_time
                 from unnest($1::uuid[], $2::bigint[]) as mine (calendar_id, longest)
                 join events e on e.calendar_id = mine.calendar_id and e.deleted_at is null
                 join occurrences o on o.event_id = e.id
                 where ",
                matches_pattern!(),
                "
                   and o.start_time >= $3 - make_interval(secs => mine.longest)
                   and ",
                in_window!($than)
            ),
            "false"
        )
    };
}

/// The calendars of `$1`, and what `$9` is invited to in other ones, each occurrence once: somebody whose address changed
/// may be invited twice. What lies in a deleted calendar goes before the limit, or it would end the page early.
///
/// A probe of the primary key per invitation: 3 µs each, however long ago. The order of the invitations and the scalar
/// sub-selects keep it so: with a join of `calendars` and `exists` the planner hashes, and hashes again for each (10,000
/// invitations: 300 ms instead of 50).
macro_rules! agenda {
    ($than:tt) => {
        shown!(
            $than,
            concat!(
                of_calendars!($than),
                "
                 union all
                 select o.* from (select event_id from attendees where user_id = $9 group by event_id order by event_id) a
                 cross join lateral (
                     select o.calendar_id, o.start_time, o.event_id, o.original_start, o.end_time
                     from occurrences o
                     where o.event_id = a.event_id
                       and o.calendar_id <> all($1)
                       and ",
                in_window!($than),
                "
                     ",
                in_order!($than),
                "
                     limit $8
                 ) o
                 where (select c.deleted_at is null from calendars c where c.id = o.calendar_id)"
            ),
            "coalesce((select true from attendees a where a.event_id = e.id and a.user_id = $9 limit 1), false)"
        )
    };
}

/// The event `$12` and its overrides: ranges of the primary key.
macro_rules! of_event {
    () => {
        shown!(
            ">",
            concat!(
                "select o.calendar_id, o.start_time, o.event_id, o.original_start, o.end_time
                 from (
                     select $12::uuid as event_id
                     union all
                     select v.id from events v where v.recurring_event_id = $12 and v.deleted_at is null
                 ) of
                 join occurrences o on o.event_id = of.event_id
                 where ",
                in_window!(">")
            ),
            "false"
        )
    };
}

/// Of the calendars `$1` what `$9` called or is invited to, as far as the caller sees who is there: in calendars that he
/// only reads (all but `$10`) not what is private. Whoever sees only free/busy sees no people; his calendars are not among
/// `$1`.
macro_rules! open_to {
    () => {
        "(e.visibility in ('default', 'public') or e.calendar_id = any($10))"
    };
}

/// As in [`agenda!`] one probe for each invitation and each event he called (`offset 0` keeps it so), instead of a hash of
/// all events.
macro_rules! of_user {
    () => {
        shown!(
            ">",
            concat!(
                "select o.* from (
                     select event_id from attendees where user_id = $9
                     union
                     select e.id from events e
                     where e.organizer_id = $9 and e.calendar_id = any($1) and e.deleted_at is null
                 ) a
                 cross join lateral (
                     select e.id, e.calendar_id, e.visibility from events e
                     where e.id = a.event_id and e.deleted_at is null
                     offset 0
                 ) e
                 cross join lateral (
                     select o.calendar_id, o.start_time, o.event_id, o.original_start, o.end_time
                     from occurrences o
                     where o.event_id = e.id
                       and ",
                in_window!(">"),
                "
                     order by o.start_time, o.original_start
                     limit $8
                 ) o
                 where e.calendar_id = any($1) and ",
                open_to!()
            ),
            "false"
        )
    };
}

/// The same list where the window reaches behind what is written down: the page, and beside it the series that go on
/// there (`expanded_until` set, with the occurrences that have a record of their own).
macro_rules! with_endless {
    ($page:expr, $mine:expr) => {
        concat!(
            "select p.*, null::timestamptz as expanded_until, '{}'::timestamp[] as overridden from (",
            $page,
            ") p
             union all
             select ",
            event!(),
            ", e.start_time, e.end_time, e.start_local as original_start, ",
            summary!("null"),
            ",
                 coalesce((select true from attendees a where a.event_id = e.id and a.user_id = $9 limit 1), false)
                     as invited,
                 e.expanded_until,
                 array(select v.original_start from events v
                       where v.recurring_event_id = e.id and v.deleted_at is null
                         and v.original_start is not null) as overridden
             from events e
             join calendars c on c.id = e.calendar_id and c.deleted_at is null
             left join users og on og.id = e.organizer_id
             where e.deleted_at is null
               and e.expanded_until < $4
               -- Usually everything is written down: then one look at events_horizon is all.
               and (select min(m.expanded_until) from events m
                    where m.expanded_until is not null and m.deleted_at is null) < $4
               and (e.recurrence_end is null or e.recurrence_end > $3)
               and ",
            $mine
        )
    };
}

pub const PAGE: &str = page!(">");
pub const PAGE_BACK: &str = page!("<");
/// The pages of several calendars at once: `$8` occurrences of each.
pub const PAGES: &str = shown_all!(of_calendars!(">"), "false");
pub const SEARCH: &str = search!(">");
pub const SEARCH_BACK: &str = search!("<");
pub const AGENDA: &str = agenda!(">");
pub const AGENDA_BACK: &str = agenda!("<");
pub const OF_EVENT: &str = of_event!();
pub const OF_USER: &str = of_user!();

/// How many occurrences the calendars `$1` have in the window.
pub const COUNT: &str = "select coalesce(sum(o.found), 0)::bigint
     from unnest($1::uuid[], $2::bigint[]) as mine (calendar_id, longest)
     cross join lateral (
         select count(*) as found
         from occurrences o
         where o.calendar_id = mine.calendar_id
           and o.start_time >= $3 - make_interval(secs => mine.longest)
           and o.start_time < $4 and (o.end_time > $3 or (o.end_time = o.start_time and o.end_time = $3))
     ) o";

macro_rules! calendars_endless {
    () => {
        "e.calendar_id = any($1)"
    };
}

macro_rules! search_endless {
    () => {
        concat!("e.calendar_id = any($1) and ", matches_pattern!())
    };
}

macro_rules! agenda_endless {
    () => {
        "e.id in (
         select m.id from events m where m.calendar_id = any($1) and m.expanded_until < $4 and m.deleted_at is null
         union
         select a.event_id from attendees a where a.user_id = $9
     )"
    };
}

pub const PAGE_ENDLESS: &str = with_endless!(page!(">"), calendars_endless!());
pub const PAGE_ENDLESS_BACK: &str = with_endless!(page!("<"), calendars_endless!());
pub const SEARCH_ENDLESS: &str = with_endless!(search!(">"), search_endless!());
pub const SEARCH_ENDLESS_BACK: &str = with_endless!(search!("<"), search_endless!());
pub const AGENDA_ENDLESS: &str = with_endless!(agenda!(">"), agenda_endless!());
pub const AGENDA_ENDLESS_BACK: &str = with_endless!(agenda!("<"), agenda_endless!());
pub const OF_EVENT_ENDLESS: &str = with_endless!(of_event!(), "e.id = $12");
pub const OF_USER_ENDLESS: &str = with_endless!(
    of_user!(),
    concat!(
        "e.calendar_id = any($1) and ",
        open_to!(),
        " and (e.organizer_id = $9
               or coalesce((select true from attendees a where a.event_id = e.id and a.user_id = $9 limit 1), false))"
    )
);

/// How far the calendars of the agenda of `$1` in tenant `$2` have come; of those he is only a guest in, his events alone.
pub const AGENDA_MARKS: &str = "select m.calendar_id, h.seq, h.acl, 0::bigint as events
     from calendar_members m
     join calendars c on c.id = m.calendar_id and c.tenant_id = $2 and c.deleted_at is null
     join heads h on h.calendar_id = c.id
     where m.user_id = $1
     union all
     select e.calendar_id, max(e.seq), 0, count(*)
     from (select event_id from attendees where user_id = $1 group by event_id order by event_id) a
     cross join lateral (
         select e.calendar_id, e.seq from events e where e.id = a.event_id and e.deleted_at is null offset 0
     ) e
     join calendars c on c.id = e.calendar_id and c.tenant_id = $2 and c.deleted_at is null
     where not exists (select from calendar_members m where m.calendar_id = e.calendar_id and m.user_id = $1)
     group by e.calendar_id";

/// Events `$3` that caller `$1` of tenant `$2` is a member or a guest of.
pub const FIND: &str = concat!(
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
         where e.id = any($3) and e.deleted_at is null
     ) found
     where found.role is not null or found.invited
     order by found.start_time, found.id"
);

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

/// The whole record as [`crate::Record`] reads it, from `e` and `og`, for user `$1`. Guests come as arrays: their keys
/// would be most of a large answer.
macro_rules! record {
    () => {
        "e.original_start, e.organizer_name, e.extra, e.source, e.stamped_at,
         og.email as user_email, og.name as user_name,
         coalesce((select jsonb_agg(jsonb_build_array(a.email, a.name, u.name, a.response_status, a.is_optional,
                                                      a.responded_at) order by a.created_at, a.id)
                   from attendees a left join users u on u.id = a.user_id
                   where a.event_id = e.id), '[]') as guests,
         exists (select from attendees a where a.event_id = e.id and a.user_id = $1) as invited,
         array(select distinct v.resource_id from reservations v
               where v.event_id = e.id and v.status = 'confirmed' order by 1) as rooms"
    };
}

/// The records of calendar `$2` with the uids `$3`, overrides included: a range of events_uid for each.
pub const RECORDS: &str = concat!(
    "select ",
    event!(),
    ", ",
    record!(),
    "
     from events e
     left join users og on og.id = e.organizer_id
     where e.calendar_id = $2 and e.deleted_at is null and e.uid = any($3)"
);

/// Records of calendar `$2` behind the record `$3` in the order of ids, each followed by its overrides: at least one
/// with all that belongs to it, and so many that what an answer weighs stays near `$4`. A record weighs 1, and more with
/// its text and its guests.
pub const WALK: &str = concat!(
    "with roots as materialized (
         select r.id from (
             select r.id, sum(r.weight) over (order by r.id) - r.weight as before from (
                 select e.id,
                     (select sum(1 + (length(coalesce(v.description, '')) + length(v.extra::text)
                                      + length(coalesce(v.source::text, ''))) / 8192
                                 + (select count(*) from attendees a where a.event_id = v.id) / 20)
                      from (select e.id union all
                            select v.id from events v
                            where v.recurring_event_id = e.id and v.deleted_at is null) of
                      join events v on v.id = of.id) as weight
                 from events e
                 where e.calendar_id = $2 and e.deleted_at is null and e.recurring_event_id is null and e.id > $3
                 order by e.id
                 limit $4
             ) r
         ) r
         where r.before < $4
     )
     select ",
    event!(),
    ", ",
    record!(),
    "
     from (
         select id from roots
         union all
         select v.id from roots r join events v on v.recurring_event_id = r.id and v.deleted_at is null
     ) w
     join events e on e.id = w.id
     left join users og on og.id = e.organizer_id"
);

/// Locks the records `$1` until the transaction ends, in the order of ids, and answers what is newest of each.
pub(crate) const LOCK: &str = "select e.id, e.seq from events e
     where e.id = any($1) and e.deleted_at is null
     order by e.id
     for no key update";

/// The users of tenant `$1` with these addresses.
pub(crate) const USERS_BY_EMAIL: &str = "select email, id from users where tenant_id = $1 and email = any($2)";

/// When the first occurrence of calendar `$1` begins: the first entry of occurrences_list.
pub const FIRST_START: &str = "select start_time from occurrences where calendar_id = $1 order by start_time limit 1";

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

/// Records version `$1` of the zone data where there is neither a version nor an event; answers what is recorded.
pub(crate) const RECORD_FIRST_ZONES: &str = "with first as (
         update deploy set tz_version = $1 where tz_version is null and not exists (select from events)
         returning tz_version
     )
     select coalesce((select tz_version from first), (select tz_version from deploy))";

/// Every zone that something happens in, with the rules that are recorded of it.
pub(crate) const ZONES_IN_USE: &str = "select u.name, z.rules
     from (
         select time_zone as name from events where deleted_at is null and time_zone is not null
         union
         select time_zone from calendars where deleted_at is null
         union
         select (regexp_match(line, 'TZID=\"?([^\":;]+)'))[1] from events e, unnest(e.recurrence) as line
         where e.deleted_at is null and line like '%TZID=%'
     ) u
     left join zones z on z.name = u.name
     where u.name is not null
     order by u.name";

/// Series and single events behind `$3` that happen in the zones `$1`, by their own zone, their calendar's, that of an
/// override, or a line like one of `$2`; with their tenants.
pub(crate) const IN_ZONES: &str = "select distinct coalesce(e.recurring_event_id, e.id) as root, c.tenant_id
     from events e
     join calendars c on c.id = e.calendar_id and c.deleted_at is null
     where e.deleted_at is null and coalesce(e.recurring_event_id, e.id) > $3
       and (coalesce(e.time_zone, c.time_zone) = any($1)
            or exists (select from unnest(e.recurrence) as line where line like any($2)))
     order by root
     limit $4";

/// Remembers rules `$2` of zones `$1` and version `$3` of the data.
pub(crate) const RECORD_ZONES: &str = "with version as (update deploy set tz_version = $3)
     insert into zones (name, rules) select * from unnest($1::text[], $2::text[])
     on conflict (name) do update set rules = excluded.rules";

pub const LIST_CALENDARS: &str =
    "select c.id, c.tenant_id, c.owner_id, c.name, c.description, c.color, c.time_zone, c.created_at, c.updated_at,
         m.role, c.version, h.seq, h.acl
     from calendar_members m
     join calendars c on c.id = m.calendar_id and c.tenant_id = $2 and c.deleted_at is null
     join heads h on h.calendar_id = c.id
     where m.user_id = $1
       and ($3::uuid[] is null or c.id = any($3))
       and (c.created_at, c.id) > ($4, $5)
     order by c.created_at, c.id
     limit $6";

/// One calendar, locked together with its head: a change of it compares and bumps the head, so it must not have moved
/// while this waited.
pub(crate) const FIND_CALENDAR_FOR_UPDATE: &str =
    "select c.id, c.tenant_id, c.owner_id, c.name, c.description, c.color, c.time_zone, c.created_at, c.updated_at,
         m.role, c.version, h.seq, h.acl
     from calendar_members m
     join calendars c on c.id = m.calendar_id and c.tenant_id = $2 and c.deleted_at is null
     join heads h on h.calendar_id = c.id
     where m.user_id = $1 and c.id = $3
     for no key update of c, h";

pub(crate) const CREATE_CALENDAR: &str =
    "insert into calendars (id, tenant_id, owner_id, name, description, color, time_zone, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $8)";

pub(crate) const CREATE_HEAD: &str = "insert into heads (calendar_id) values ($1)";

pub(crate) const UPDATE_CALENDAR: &str =
    "update calendars set name = $2, description = $3, color = $4, time_zone = $5, updated_at = $6,
         longest_seconds = greatest(longest_seconds, $7), version = version + 1
     where id = $1";

pub(crate) const DELETE_CALENDAR: &str = "update calendars set deleted_at = $2, updated_at = $2 where id = $1";

/// Records whose UTC times hang on the calendar's zone; `stands_for` is the occurrence that an override replaces.
pub(crate) const ANCHORED: &str = concat!(
    "select ", event!(), ", e.original_start as stands_for,
         array(select v.original_start from events v
               where v.recurring_event_id = e.id and v.deleted_at is null and v.original_start is not null) as overridden
     from events e
     where e.calendar_id = $1 and e.deleted_at is null and e.time_zone is null
     order by e.id"
);

pub(crate) const OWNER_OF: &str = "select owner_id from calendars where id = $1 and deleted_at is null";

pub const LIST_MEMBERS: &str = "select m.calendar_id, m.user_id, u.email, u.name, u.avatar_url, m.role, m.created_at
     from calendar_members m
     join users u on u.id = m.user_id
     where m.calendar_id = $1 and (u.name, u.id) > ($2, $3)
     order by u.name, u.id
     limit $4";

/// The first `$2` members of each of the calendars `$1`, by name.
pub const FIRST_MEMBERS: &str = "select m.*
     from unnest($1::uuid[]) as mine (id)
     cross join lateral (
         select m.calendar_id, m.user_id, u.email, u.name, u.avatar_url, m.role, m.created_at
         from calendar_members m
         join users u on u.id = m.user_id
         where m.calendar_id = mine.id
         order by u.name, u.id
         limit $2
     ) m
     order by m.calendar_id, m.name, m.user_id";

/// Shares calendar `$1` with the user of tenant `$2` that has id `$3` or address `$4`.
pub(crate) const ADD_MEMBER: &str = "insert into calendar_members (calendar_id, user_id, role, created_at)
     select $1, u.id, $5, $6 from users u
     where u.tenant_id = $2 and u.deactivated_at is null and (u.id = $3 or u.email = $4)
     returning calendar_id, user_id, role, created_at,
         (select u.email from users u where u.id = calendar_members.user_id) as email,
         (select u.name from users u where u.id = calendar_members.user_id) as name,
         (select u.avatar_url from users u where u.id = calendar_members.user_id) as avatar_url";

pub(crate) const SET_ROLE: &str = "update calendar_members m set role = $3
     from users u
     where m.calendar_id = $1 and m.user_id = $2 and u.id = m.user_id
     returning m.calendar_id, m.user_id, m.role, m.created_at, u.email, u.name, u.avatar_url";

pub(crate) const REMOVE_MEMBER: &str =
    "delete from calendar_members where calendar_id = $1 and user_id = $2 returning user_id";

pub(crate) const OTHER_OWNER: &str =
    "select exists (select from calendar_members where calendar_id = $1 and user_id <> $2 and role = 'owner')";
