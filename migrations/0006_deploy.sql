-- What a deployment remembers about itself, and about requests it has already answered.

-- One row. The epoch changes when the database may have gone back in time (failover, restore); it is part of every
-- ETag and cursor-like token, so that nothing from the lost future is taken for current.
create table deploy (
    only_row boolean primary key default true,
    epoch bigint not null,
    system_identifier text not null,
    timeline integer not null,
    constraint deploy_one_row check (only_row)
);
insert into deploy (epoch, system_identifier, timeline)
select 1, system_identifier::text, (select timeline_id from pg_control_checkpoint()) from pg_control_system();

-- A POST with an Idempotency-Key leaves its result here, in the transaction that did the work.
create table idempotency_keys (
    user_id uuid not null references users (id) on delete cascade,
    key text not null,
    -- Of operation and input: the same key with another request is an error, not a replay.
    request_hash bytea not null,
    -- Null only inside the transaction that claims the key.
    result jsonb,
    created_at timestamptz not null,
    constraint idempotency_keys_pkey primary key (user_id, key)
);
create index idempotency_keys_age on idempotency_keys (created_at);
