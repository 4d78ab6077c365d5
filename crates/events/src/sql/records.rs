//! Whole records, for what takes a calendar in or out.

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
