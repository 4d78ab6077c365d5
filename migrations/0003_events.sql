-- Events (the record) and occurrences (the read model).

create table events (
    id uuid primary key,
    calendar_id uuid not null references calendars (id),
    uid text not null,
    -- An override of one occurrence points to its series and says which occurrence it stands for, in the series' own
    -- wall time. An override whose series is not here (RFC 5546 allows sending one alone) has no series, only the time.
    recurring_event_id uuid references events (id),
    original_start timestamp,
    title text not null,
    description text,
    location text,
    status text not null default 'confirmed',
    visibility text not null default 'default',
    transparency text not null default 'opaque',
    -- Wall time and zone are the truth, UTC is derived. all_day: start_local is midnight of the first day and
    -- time_zone is null. Floating: time_zone is null. zone_rules: the VTIMEZONEs of zones that IANA does not know.
    all_day boolean not null,
    start_local timestamp not null,
    time_zone text,
    end_time_zone text,
    zone_rules text[] not null default '{}',
    -- Nominal days and exact seconds apart: RFC 5545 §3.3.6, "one day" is not "24 hours" when clocks change.
    duration_days integer not null,
    duration_seconds bigint not null,
    -- The first occurrence in UTC.
    start_time timestamptz not null,
    end_time timestamptz not null,
    -- RRULE, RDATE and EXDATE content lines as they came.
    recurrence text[] not null default '{}',
    -- End of the last occurrence; null when there is none.
    recurrence_end timestamptz,
    -- Set while the series goes on behind what `occurrences` holds: windows that reach past it expand on the fly.
    expanded_until timestamptz,
    organizer_id uuid references users (id),
    -- Of an imported event whose organizer is no user here.
    organizer_email text,
    organizer_name text,
    sequence integer not null default 0,
    -- The head's seq of the last change: the event's ETag and what If-Match compares.
    seq bigint not null default 0,
    -- Properties and components we do not model, as content lines, for a lossless export.
    extra text[] not null default '{}',
    -- What an imported event said that no column holds (URL, stamps, roles of guests), so that its export says it again.
    source jsonb,
    -- DTSTAMP or LAST-MODIFIED of an imported event: which of two copies with the same SEQUENCE is newer.
    stamped_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    constraint events_status check (status in ('confirmed', 'tentative', 'cancelled')),
    constraint events_visibility check (visibility in ('default', 'public', 'private', 'confidential')),
    constraint events_transparency check (transparency in ('opaque', 'transparent')),
    constraint events_span check (end_time >= start_time),
    constraint events_all_day check (not all_day or (time_zone is null and start_local = date_trunc('day', start_local)))
) with (fillfactor = 90); -- closing a transaction stamps seq: room for a HOT update

-- One live record per UID, and one override per occurrence (RFC 5545 §3.8.4.7).
create unique index events_uid on events (calendar_id, uid, original_start) nulls not distinct where deleted_at is null;
create index events_series on events (recurring_event_id) where recurring_event_id is not null;
-- RFC-003 index 5: what somebody organises.
create index events_active on events (organizer_id, start_time)
    where deleted_at is null and status = 'confirmed';
-- Series with more to come than is expanded: asked for by windows past the horizon and by the roll-forward.
create index events_endless on events (calendar_id, expanded_until)
    where expanded_until is not null and deleted_at is null;
-- The first of all of them: when that lies behind the window, no list has to look for the others.
create index events_horizon on events (expanded_until)
    where expanded_until is not null and deleted_at is null;
-- q=: any part of title, place or text, in any script.
create index events_search on events
    using gin ((lower(title || ' ' || coalesce(location, '') || ' ' || coalesce(description, ''))) gin_trgm_ops)
    where deleted_at is null;
-- Export and whole-calendar work.
create index events_calendar on events (calendar_id, id) where deleted_at is null;

-- Every concrete happening, single events included: a window is one index range, whatever recurs.
--
-- One table, not one per month. Measured with 930,000 occurrences in 41 monthly partitions (docs/PERFORMANCE.md): a
-- month of one calendar 0.7 ms instead of 1.2, but an open list of 100 calendars 22 instead of 4 and an agenda 150
-- instead of 43, because whatever is not bound to a month asks every partition; planning takes three times as long.
create table occurrences (
    calendar_id uuid not null,
    start_time timestamptz not null,
    end_time timestamptz not null,
    -- The record that says what happens: the override where there is one.
    event_id uuid not null references events (id),
    -- Identity within the series, in its wall time (RECURRENCE-ID).
    original_start timestamp not null,
    -- By event in time order: "the occurrences of this event from … to …".
    constraint occurrences_pkey primary key (event_id, start_time, original_start),
    constraint occurrences_span check (end_time >= start_time)
);
-- RFC-003 indexes 1 and 7 in one. They overlapped: both led with (calendar_id, start_time). This one carries the whole
-- keyset, so a page starts at its cursor, needs no sort and reads ids from the index alone.
create index occurrences_list on occurrences (calendar_id, start_time, event_id, original_start) include (end_time);
