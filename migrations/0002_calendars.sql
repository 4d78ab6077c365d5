-- Calendars, who may see them, and the one number per calendar that everything else hangs on.

create table calendars (
    id uuid primary key,
    tenant_id uuid not null references tenants (id),
    owner_id uuid not null references users (id),
    name text not null,
    description text,
    color text not null,
    -- Where floating and all-day events happen.
    time_zone text not null,
    -- The longest occurrence in it. A window query for overlap reads the index from `from - longest_seconds` on
    -- instead of from the beginning of time. Writes raise it; nothing lowers it (a stale maximum costs a few index
    -- entries, a wrong one would hide a running event).
    longest_seconds bigint not null default 0,
    -- Of the calendar's own fields (its ETag); what happens in it is the head's.
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz
);
create index calendars_owner on calendars (owner_id) where deleted_at is null;

create table calendar_members (
    calendar_id uuid not null references calendars (id),
    user_id uuid not null references users (id),
    role text not null,
    created_at timestamptz not null,
    constraint calendar_members_pkey primary key (calendar_id, user_id),
    constraint calendar_members_role check (role in ('owner', 'writer', 'reader', 'free_busy'))
);
-- RFC-003 index 6: "which calendars are mine, and what may I do there" from the index alone. The calendar is in the key:
-- 500 events by id ask 500 times for one calendar, and read 159 entries each time for somebody with 159 calendars.
create index calendar_members_user on calendar_members (user_id, calendar_id) include (role);

-- One row per calendar, narrow and hot: bumped once in every transaction that changes anything in the calendar. Its
-- row lock orders the commits, which makes `changes` gapless and in commit order per calendar. Half-empty pages keep
-- the updates HOT: nothing indexed ever changes.
create table heads (
    calendar_id uuid primary key references calendars (id),
    seq bigint not null default 0,
    acl bigint not null default 0,
    -- The oldest seq that `changes` still knows.
    min_seq bigint not null default 0
) with (fillfactor = 50);

-- The log of each calendar: seq s exists for every s in (min_seq, heads.seq], n counts the objects of one commit.
create table changes (
    calendar_id uuid not null,
    seq bigint not null,
    n integer not null,
    kind text not null,
    object_id uuid not null,
    constraint changes_pkey primary key (calendar_id, seq, n)
);
