-- Tenants, users and what they sign in with.
--
-- Expand/contract: every migration of this folder only adds. A later one that replaces a column first adds the new
-- one, the code of one release writes both, and only the next release's migration drops the old. So each release runs
-- on the schema of the one before and after it, and a rolling deploy can be stopped half way.
--
-- Words (roles, states) are text with a named CHECK rather than enum types: a CHECK can be widened without rewriting
-- anything and narrowed as NOT VALID first.

create extension if not exists btree_gist; -- the booking constraint mixes uuid = with range &&
create extension if not exists pg_trgm; -- q= search: substrings, in any script

create table tenants (
    id uuid primary key,
    slug text not null,
    name text not null,
    -- The version of names: bumped when a user or a resource of the tenant changes what a list shows of it. Answers
    -- with names in them carry it in their ETag, so a rename is seen at once and costs no write per calendar.
    directory_seq bigint not null default 0,
    created_at timestamptz not null,
    constraint tenants_slug_key unique (slug)
);

create table users (
    id uuid primary key,
    tenant_id uuid not null references tenants (id),
    email text not null,
    name text not null,
    avatar_url text,
    time_zone text not null default 'UTC',
    -- Argon2id in PHC format; null: cannot sign in with a password.
    password_hash text,
    is_admin boolean not null default false,
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deactivated_at timestamptz,
    constraint users_email_lower check (email = lower(email)),
    -- Per tenant: the same person may work for two.
    constraint users_tenant_email_key unique (tenant_id, email)
);

-- ?q= over people: name or address, any part of it.
create index users_search on users using gin ((lower(name) || ' ' || email) gin_trgm_ops);
create index users_tenant_name on users (tenant_id, name, id);

-- Only a hash of a secret is ever stored (BLAKE3 of 256 random bits: nothing to guess, so no salt and no slow hash).
create table sessions (
    token_hash bytea primary key,
    user_id uuid not null references users (id) on delete cascade,
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create index sessions_user on sessions (user_id);
create index sessions_expiry on sessions (expires_at);

create table api_tokens (
    id uuid primary key,
    user_id uuid not null references users (id) on delete cascade,
    name text not null,
    token_hash bytea not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    constraint api_tokens_hash_key unique (token_hash)
);
create index api_tokens_user on api_tokens (user_id, created_at, id);
