//! Which rules the zones in use had when the occurrences were computed.

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
