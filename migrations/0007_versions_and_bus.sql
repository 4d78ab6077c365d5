-- What a cache needs to be never stale: a version for everything that is cached, and a bus that carries the news.
--
-- Calendars have theirs (`heads`). Here come the others, each narrow and read by primary key in the one statement that
-- every request begins with.

-- Of a person: one more with whatever changes who he is or what his credentials open. Bumped by hand in the same
-- statement that ends a session or revokes a token, so that an instance that keeps callers in memory hears of it.
alter table users add column seq bigint not null default 0;

-- Of what is booked of a resource: one more with each statement that changes its reservations. Availability has no
-- calendar, and its window spans many resources: its version is the sum of theirs, which grows whenever one does.
-- A table of its own, because `resources` is wide and its rows are locked by whoever books. No foreign key: the booking
-- statement holds the resource already.
create table resource_heads (
    resource_id uuid primary key,
    tenant_id uuid not null,
    seq bigint not null default 1
) with (fillfactor = 50);
create index resource_heads_tenant on resource_heads (tenant_id);

insert into resource_heads (resource_id, tenant_id)
select id, tenant_id from resources;

-- Triggers, because a dozen statements write reservations, and the one that forgot would be a stale answer. Per
-- statement, and in the order of ids, so that two series of the same two rooms wait instead of deadlocking.
create function reservations_changed() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into resource_heads as h (resource_id, tenant_id)
        select r.id, r.tenant_id from resources r
        where r.id in (select n.resource_id from new_rows n) order by r.id
        on conflict (resource_id) do update set seq = h.seq + 1;
    elsif tg_op = 'DELETE' then
        insert into resource_heads as h (resource_id, tenant_id)
        select r.id, r.tenant_id from resources r
        where r.id in (select o.resource_id from old_rows o) order by r.id
        on conflict (resource_id) do update set seq = h.seq + 1;
    else
        insert into resource_heads as h (resource_id, tenant_id)
        select r.id, r.tenant_id from resources r
        where r.id in (select n.resource_id from new_rows n union select o.resource_id from old_rows o) order by r.id
        on conflict (resource_id) do update set seq = h.seq + 1;
    end if;
    return null;
end $$;
create trigger reservations_inserted after insert on reservations
    referencing new table as new_rows for each statement execute function reservations_changed();
create trigger reservations_updated after update on reservations
    referencing old table as old_rows new table as new_rows for each statement execute function reservations_changed();
create trigger reservations_deleted after delete on reservations
    referencing old table as old_rows for each statement execute function reservations_changed();

-- The news of a commit, written in its transaction: rows only, no NOTIFY (NOTIFY takes a lock on the whole database
-- until the commit is durable). A relay takes them out and sends them. Rows are *deleted*; nobody keeps a position over
-- the ids, since commits do not happen in the order of ids.
create table outbox (
    id bigint generated always as identity primary key,
    -- calendar: seq and acl of its head. user: users.seq. tenant: tenants.directory_seq.
    kind text not null,
    subject_id uuid not null,
    seq bigint not null,
    acl bigint not null default 0,
    -- For the lag.
    written_at timestamptz not null default clock_timestamp(),
    constraint outbox_kind check (kind in ('calendar', 'user', 'tenant'))
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);

-- How many messages the bus has sent. A consumer that hears 7 after 5 has missed one. Changed in the transaction that
-- takes the rows out, whose row lock lets one relay send at a time: a snapshot in which the outbox is empty knows the
-- number of the message that emptied it.
create table bus (
    only_row boolean primary key default true,
    n bigint not null default 0,
    constraint bus_one_row check (only_row)
) with (fillfactor = 10);
insert into bus default values;

-- The numbers come from here: one that was used is never used again, even if its transaction came to nothing (a message
-- broker may have taken the message all the same).
create sequence bus_messages;

-- False: nothing is written into the outbox, and nobody may answer from memory (for measuring what the bus costs).
alter table deploy add column outbox boolean not null default true;
-- The longest time that an instance may answer from memory; 0: all of them ask the database. A write that takes access
-- away is acknowledged that much later, so that no answer given afterwards rests on what was known before.
alter table deploy add column bound_ms integer not null default 0;

-- The news of people and names, wherever they are written.
create function announce_user() returns trigger language plpgsql as $$
begin
    insert into outbox (kind, subject_id, seq) select 'user', new.id, new.seq from deploy where outbox;
    return null;
end $$;
create trigger users_announced after update of seq on users
    for each row when (old.seq is distinct from new.seq) execute function announce_user();

create function announce_tenant() returns trigger language plpgsql as $$
begin
    insert into outbox (kind, subject_id, seq) select 'tenant', new.id, new.directory_seq from deploy where outbox;
    return null;
end $$;
create trigger tenants_announced after update of directory_seq on tenants
    for each row when (old.directory_seq is distinct from new.directory_seq) execute function announce_tenant();
