-- Which rules of which time zones everything was written with. UTC is derived from wall time and zone by the data that is
-- compiled into the program; another build may bring other rules, and then what was derived before is wrong.

-- The version of the zone data that the whole database was last written or checked with (2025b, …). Null: not known.
alter table deploy add column tz_version text;

-- The rules of each zone in use when that was checked, as a digest of its transitions: a new version of the data changes a
-- few zones, and only what happens in those has to be computed again. A zone that is not here is computed again once.
create table zones (
    name text primary key,
    rules text not null
);
