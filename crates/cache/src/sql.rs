//! The statement that every request begins with: [`VERSIONS`] where the caller and his rights are known, else [`CHECK`].

/// `kind` 0: the epoch, always. 1: a credential that opens something. (Both head checks have these rows.)
macro_rules! callers {
    () => {
        "with shown as materialized (
             select a.n::int as n, a.bookings, s.token_id, s.expires_at, u.id, u.tenant_id, u.name, u.email, u.time_zone,
                 u.is_admin, u.seq, u.version, t.directory_seq
             from unnest($1::bytea[], $2::bool[]) with ordinality as a (hash, bookings, n)
             cross join lateral (
                 select user_id, null::uuid as token_id, expires_at from sessions
                 where token_hash = a.hash and expires_at > $3
                 union all
                 select user_id, id, expires_at from api_tokens
                 where token_hash = a.hash and revoked_at is null and (expires_at is null or expires_at > $3)
             ) s
             join users u on u.id = s.user_id and u.deactivated_at is null
             join tenants t on t.id = u.tenant_id
         )
         select 0 as kind, 0 as n, null::uuid as id, null::uuid as tenant_id, epoch as seq, 0::int8 as acl,
             null::text as name, null::text as email, null::text as time_zone, null::bool as is_admin,
             null::int8 as version, null::uuid as token_id, null::timestamptz as expires_at, null::int8 as bookings
         from deploy
         union all
         select 1, n, id, tenant_id, seq, directory_seq, name, email, time_zone, is_admin, version, token_id, expires_at,
             case when bookings then
                 (select coalesce(sum(r.seq), 0)::int8 from resource_heads r where r.tenant_id = shown.tenant_id) end
         from shown"
    };
}

/// `kind` 2: the heads of the calendars `asked`. 3: the roles of the pairs of a credential and a calendar, `pair`.
macro_rules! calendars {
    ($asked:literal, $pair:literal) => {
        concat!(
            "
         union all
         select 2, 0, h.calendar_id, null, h.seq, h.acl, null, null, null, null, null, null, null, null
         from ",
            $asked,
            " as asked (id) join heads h on h.calendar_id = asked.id
         union all
         select 3, shown.n, m.calendar_id, null, 0, 0, m.role, null, null, null, null, null, null, null
         from ",
            $pair,
            " as pair (n, calendar_id)
         join shown on shown.n = pair.n
         join calendar_members m on m.calendar_id = pair.calendar_id and m.user_id = shown.id
         join calendars c on c.id = m.calendar_id and c.tenant_id = shown.tenant_id and c.deleted_at is null"
        )
    };
}

/// What is asked by many requests at once: credentials (`$1` hashes; `$2` whether the version of their tenant's bookings
/// is wanted) at the time `$3`, heads of the calendars `$4`, and the roles of the pairs (`$5` which credential, counted
/// from 1; `$6` which calendar).
///
/// Rows of several kinds, told apart by `kind`. All of them by unique index, one probe each.
pub const CHECK: &str = concat!(callers!(), calendars!("unnest($4::uuid[])", "unnest($5::int[], $6::uuid[])"));

/// As [`CHECK`], with pairs of a credential (`$7`) and an event (`$8`), whose calendar is looked up on the way: `kind` 4.
/// Apart, because most batches have none, and the longer plan takes longer to start.
pub const CHECK_EVENTS: &str = concat!(
    callers!(),
    calendars!(
        "(select unnest($4::uuid[]) union
                 select e.calendar_id from events e where e.id = any($8))",
        "(select * from unnest($5::int[], $6::uuid[]) union
                 select p.n, e.calendar_id from unnest($7::int[], $8::uuid[]) p (n, id) join events e using (id))"
    ),
    "
         union all
         select 4, 0, e.id, e.calendar_id, 0, 0, null, null, null, null, null, null, null, null
         from events e where e.id = any($8)"
);

/// The versions of users `$1`, calendars `$2` and tenants `$3`, and those of the bookings of tenants `$4`; `kind` 0 is the
/// epoch, always.
pub const VERSIONS: &str = "select 0 as kind, null::uuid as id, epoch as seq, 0::int8 as acl from deploy
     union all
     select 1, id, seq, 0 from users where id = any($1)
     union all
     select 2, calendar_id, seq, acl from heads where calendar_id = any($2)
     union all
     select 3, id, directory_seq, 0 from tenants where id = any($3)
     union all
     select 4, asked.id, (select coalesce(sum(r.seq), 0)::int8 from resource_heads r where r.tenant_id = asked.id), 0
     from unnest($4::uuid[]) as asked (id)";

/// The versions of tenant `$1`: its names, and with `$2` its bookings.
pub(crate) const TENANT: &str = "select d.epoch, t.directory_seq,
         case when $2 then
             (select coalesce(sum(r.seq), 0)::int8 from resource_heads r where r.tenant_id = t.id) end as bookings
     from tenants t, deploy d
     where t.id = $1";
