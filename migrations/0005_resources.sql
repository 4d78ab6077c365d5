-- Things that can be booked, and the one place where a double booking is impossible.

create table resources (
    id uuid primary key,
    tenant_id uuid not null references tenants (id),
    name text not null,
    kind text not null,
    capacity integer,
    location text,
    description text,
    -- One booking at a time; false for things that many may use at once.
    exclusive boolean not null default true,
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    constraint resources_kind check (kind in ('room', 'vehicle', 'equipment', 'other')),
    constraint resources_capacity check (capacity > 0)
);
create index resources_tenant on resources (tenant_id, name, id) where deleted_at is null;

create table reservations (
    id uuid primary key,
    resource_id uuid not null references resources (id),
    event_id uuid not null references events (id),
    -- Which occurrence of the event, in its wall time.
    original_start timestamp not null,
    start_time timestamptz not null,
    end_time timestamptz not null,
    status text not null default 'confirmed',
    -- The resource's, copied: a constraint sees one table.
    exclusive boolean not null,
    created_at timestamptz not null,
    constraint reservations_status check (status in ('confirmed', 'cancelled')),
    constraint reservations_span check (end_time >= start_time),
    -- The promise "no room is booked twice", kept by PostgreSQL and by nobody else. Half-open: back to back is no
    -- conflict, and an empty range overlaps nothing. Deferrable but immediate: checked at the end of each statement
    -- instead of row by row, so that a whole series can move past its own old bookings in one UPDATE.
    constraint reservations_no_overlap exclude using gist (
        resource_id with =,
        tstzrange(start_time, end_time) with &&
    ) where (status = 'confirmed' and exclusive) deferrable initially immediate
);
-- RFC-003 index 3: the rooms of a page of events. What a page has are occurrences: with original_start in the key, fifty
-- occurrences of a long series are fifty probes instead of a filter over all that the series ever booked.
create index reservations_event on reservations (event_id, original_start, resource_id)
    include (start_time, end_time, status);
-- RFC-003 index 4: what stands between from and to.
create index reservations_resource_time on reservations (resource_id, start_time, end_time)
    where status = 'confirmed';
