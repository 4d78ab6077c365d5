-- Invitations: one row per address and event.

create table attendees (
    id uuid primary key,
    event_id uuid not null references events (id),
    -- Null: an address outside the tenant.
    user_id uuid references users (id),
    email text not null,
    name text,
    response_status text not null default 'needs_action',
    is_optional boolean not null default false,
    comment text,
    created_at timestamptz not null,
    responded_at timestamptz,
    constraint attendees_email_lower check (email = lower(email)),
    constraint attendees_event_email_key unique (event_id, email),
    constraint attendees_response check (response_status in ('needs_action', 'accepted', 'declined', 'tentative'))
);
-- RFC-003 index 2. Its query orders by (event_id, created_at), which its index left out: a sort and a heap fetch per
-- row. With the order in the key and the rest included, a page of events gets its guests from the index alone.
create index attendees_event on attendees (event_id, created_at, id)
    include (user_id, email, name, response_status, is_optional);
-- The agenda: what am I invited to.
create index attendees_user on attendees (user_id, event_id) where user_id is not null;
