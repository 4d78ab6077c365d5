//! Every statement: whole rows, one thing at a time.

/// Whose token `$1` (a hash) is.
pub(crate) const CALLER: &str = "select u.*
     from api_tokens t join users u on u.id = t.user_id
     where t.token_hash = $1 and t.revoked_at is null and (t.expires_at is null or t.expires_at > $2)
       and u.deactivated_at is null";

pub(crate) const ROLE: &str = "select * from calendar_members
     where calendar_id = $1 and user_id = $2 and role in ('owner', 'writer')";

/// Where a happening stands on the clocks of its zones.
macro_rules! clocks {
    ($start:literal, $end:literal) => {
        concat!(
            "timezone(coalesce(e.time_zone, c.time_zone), ",
            $start,
            ") as local_start,
             timezone(coalesce(e.end_time_zone, e.time_zone, c.time_zone), ",
            $end,
            ") as local_end"
        )
    };
}

/// The first `$4` occurrences of calendar `$1` that overlap [`$2`, `$3`).
pub(crate) const PAGE: &str = concat!(
    "select e.*, o.start_time as happens_at, o.end_time as ends_at, o.original_start as stands_for,
         ",
    clocks!("o.start_time", "o.end_time"),
    "
     from occurrences o
     join events e on e.id = o.event_id and e.deleted_at is null
     join calendars c on c.id = o.calendar_id and c.deleted_at is null
     where o.calendar_id = $1 and o.start_time < $3
       and (o.end_time > $2 or (o.end_time = o.start_time and o.end_time = $2))
     order by o.start_time, o.event_id, o.original_start
     limit $4"
);

pub(crate) const EVENT: &str = concat!(
    "select e.*, e.start_time as happens_at, e.end_time as ends_at,
         coalesce(e.original_start, e.start_local) as stands_for, ",
    clocks!("e.start_time", "e.end_time"),
    "
     from events e
     join calendars c on c.id = e.calendar_id and c.deleted_at is null
     where e.id = $1 and e.deleted_at is null"
);

/// The RFC's query 3.
pub(crate) const USER: &str = "select * from users where id = $1";

/// The RFC's query 1, with the users in it.
pub(crate) const GUESTS: &str = "select a.*, coalesce(a.name, u.name) as shown_name, u.avatar_url
     from attendees a left join users u on u.id = a.user_id
     where a.event_id = $1
     order by a.created_at, a.id";

/// The RFC's query 2.
pub(crate) const ROOMS: &str = "select v.*, r.name as resource_name
     from reservations v join resources r on r.id = v.resource_id
     where v.event_id = $1 and v.original_start = $2
     order by v.start_time, v.id";

pub(crate) const RESOURCES: &str = "select * from resources
     where tenant_id = $1 and deleted_at is null
     order by name, id
     limit $2";

pub(crate) const BOOKED: &str = "select * from reservations
     where resource_id = $1 and status = 'confirmed' and start_time < $3 and end_time > $2 and end_time > start_time
     order by start_time";

pub(crate) const KEY: &str = "select result ->> 'event' as event from idempotency_keys where user_id = $1 and key = $2";

pub(crate) const INSERT_KEY: &str = "insert into idempotency_keys (user_id, key, request_hash, result, created_at)
     values ($1, $2, $3, jsonb_build_object('event', $4::text), $5)";

/// A single event in a zone: `$5` and `$7` are the clock there.
pub(crate) const INSERT_EVENT: &str = "insert into events
         (id, calendar_id, uid, title, all_day, start_local, time_zone, duration_days, duration_seconds, start_time,
          end_time, recurrence_end, organizer_id, created_at, updated_at)
     values ($1, $2, $3, $4, false, $5::timestamp, $6::text, 0,
         extract(epoch from timezone($6::text, $7::timestamp) - timezone($6::text, $5::timestamp))::bigint,
         timezone($6::text, $5::timestamp), timezone($6::text, $7::timestamp), timezone($6::text, $7::timestamp), $8, $9, $9)
     returning start_time, end_time";

pub(crate) const INSERT_OCCURRENCE: &str =
    "insert into occurrences (calendar_id, start_time, end_time, event_id, original_start) values ($1, $2, $3, $4, $5)";

pub(crate) const USER_BY_EMAIL: &str = "select * from users where tenant_id = $1 and email = $2";

pub(crate) const INSERT_GUEST: &str =
    "insert into attendees (id, event_id, user_id, email, name, is_optional, created_at)
     values ($1, $2, $3, $4, $5, $6, $7)";

pub(crate) const RESOURCE: &str = "select * from resources where tenant_id = $1 and id = $2 and deleted_at is null";

pub(crate) const INSERT_RESERVATION: &str = "insert into reservations
         (id, resource_id, event_id, original_start, start_time, end_time, exclusive, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)";

pub(crate) const LENGTHEN: &str = "update calendars
     set longest_seconds = greatest(longest_seconds, extract(epoch from $3::timestamptz - $2::timestamptz)::bigint)
     where id = $1";

pub(crate) const BUMP: &str = "update heads set seq = seq + 1 where calendar_id = $1 returning seq, acl";

pub(crate) const STAMP: &str = "update events set seq = $2 where id = $1";

pub(crate) const LOG: &str = "insert into changes (calendar_id, seq, n, kind, object_id) values ($1, $2, 0, $3, $4)";

pub(crate) const ANNOUNCE: &str = "insert into outbox (kind, subject_id, seq, acl)
     select 'calendar', $1, $2, $3 from deploy where outbox";
