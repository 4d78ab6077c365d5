//! Calendars and their members.

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
