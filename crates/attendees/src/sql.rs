//! Every query of this room. Names and pictures are read from `users`; writes stay in `attendees`.

/// The narrow row [`crate::Guest`], from `a` and `u`: nothing of `a` that attendees_event does not hold.
macro_rules! guest {
    () => {
        "a.id, a.event_id, a.user_id, a.email, coalesce(a.name, u.name) as name, u.avatar_url, a.response_status,
         a.is_optional, a.created_at"
    };
}

/// The user of the guest `a`, looked up one by one (through a memo, says the plan). A plain join made the planner hash
/// the whole of `users` for a page of events, three to seven times slower at 10,000 users; `offset 0` forbids it.
macro_rules! user {
    () => {
        " left join lateral (select name, avatar_url from users where id = a.user_id offset 0) u on true"
    };
}

/// The row [`crate::Attendee`] of a write. RETURNING cannot join, so the user is looked up twice per row.
macro_rules! returning {
    () => {
        "returning a.id, a.event_id, a.user_id, a.email,
             coalesce(a.name, (select u.name from users u where u.id = a.user_id)) as name,
             (select u.avatar_url from users u where u.id = a.user_id) as avatar_url,
             a.response_status, a.is_optional, a.comment, a.created_at, a.responded_at"
    };
}

/// Invitations of the events `$3` in the order of the lists: `$2`, or behind the last one that is there, and a
/// microsecond more for each (ids of one millisecond are in no order, so they cannot say it). Addresses of tenant
/// `$1` find their user.
macro_rules! insert {
    () => {
        "insert into attendees as a (id, event_id, user_id, email, name, response_status, is_optional, created_at)
         select g.id, g.event_id, u.id, g.email, g.name, g.response_status, g.is_optional,
             greatest($2, last.created_at + interval '1 microsecond')
                 + (row_number() over (partition by g.event_id order by g.n) - 1) * interval '1 microsecond'
         from unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::boolean[]) with ordinality
             as g (event_id, id, email, name, response_status, is_optional, n)
         join (
             select e.event_id, l.created_at
             from (select distinct event_id from unnest($3::uuid[]) as e (event_id)) e
             left join lateral (
                 select created_at from attendees where event_id = e.event_id
                 order by created_at desc, id desc limit 1
             ) l on true
         ) last on last.event_id = g.event_id
         left join users u on u.tenant_id = $1 and u.email = g.email "
    };
}

pub(crate) const INSERT: &str = concat!(insert!(), returning!());

/// As [`INSERT`] for one, unless `$9` are there already.
pub(crate) const ADD: &str =
    concat!(insert!(), "where (select count(*) from attendees where event_id = any($3)) < $9 ", returning!());

/// As [`INSERT`]; who is invited already keeps the row, and with it the answer unless `$9`.
pub(crate) const UPSERT: &str = concat!(
    insert!(),
    "on conflict on constraint attendees_event_email_key do update set
         user_id = coalesce(excluded.user_id, a.user_id), name = excluded.name, is_optional = excluded.is_optional,
         response_status = case when $9 then excluded.response_status else a.response_status end ",
    returning!()
);

/// Who is invited to the events `$1` and not in the lists (`$2`, `$3`).
pub(crate) const DELETE_OTHERS: &str = "delete from attendees a
     where a.event_id = any($1)
       and not exists (select from unnest($2::uuid[], $3::text[]) as k (event_id, email)
                       where k.event_id = a.event_id and k.email = a.email)
     returning a.id, a.event_id, a.user_id, a.email";

pub(crate) const DELETE_OF: &str = "delete from attendees where event_id = any($1)
     returning id, event_id, user_id, email";

/// The guests of `$1` again for `$2` under the ids `$3`, in their order; their answers too when `$4`.
pub(crate) const COPY: &str = concat!(
    "insert into attendees as a (id, event_id, user_id, email, name, response_status, is_optional, comment,
         created_at, responded_at)
     select i.id, $2, s.user_id, s.email, s.name,
         case when $4 then s.response_status else 'needs_action' end, s.is_optional,
         case when $4 then s.comment end, s.created_at, case when $4 then s.responded_at end
     from (select *, row_number() over (order by created_at, id) as n from attendees where event_id = $1) s
     join unnest($3::uuid[]) with ordinality as i (id, n) using (n) ",
    returning!()
);

pub(crate) const UPDATE: &str = concat!(
    "update attendees a set
         name = case when $3 then $4 else name end, is_optional = coalesce($5, is_optional)
     where event_id = $1 and id = $2 ",
    returning!()
);

pub(crate) const DELETE: &str = "delete from attendees where event_id = $1 and id = $2
     returning id, event_id, user_id, email";

/// By attendees_user. Somebody whose address changed may be invited twice: both rows answer.
pub(crate) const RESPOND: &str = concat!(
    "update attendees a set
         response_status = $3, comment = $4,
         responded_at = case when $3 = 'needs_action' then null else $5::timestamptz end
     where user_id = $2 and event_id = $1 ",
    returning!()
);

/// The first `$2` guests of each event `$1` (null: all). A probe per event: each is an index-only range of
/// attendees_event that comes in order and stops at the limit.
pub const LIST_MANY: &str = concat!(
    "select ",
    guest!(),
    " from unnest($1::uuid[]) as e (id)
     cross join lateral (
         select id, event_id, user_id, email, name, response_status, is_optional, created_at
         from attendees where event_id = e.id
         order by created_at, id
         limit $2
     ) a",
    user!()
);

/// A page of the guests of `$1` behind ($2, $3), at most `$4`; comment and answer time come from the table.
pub const PAGE: &str = concat!(
    "select ",
    guest!(),
    ", a.comment, a.responded_at from attendees a",
    user!(),
    " where a.event_id = $1 and (a.created_at, a.id) > ($2, $3)
     order by a.created_at, a.id
     limit $4"
);

/// Those of `$2` that are guests of the events `$1`.
pub(crate) const FIND: &str = concat!(
    "select ",
    guest!(),
    ", a.comment, a.responded_at from attendees a",
    user!(),
    " where a.id = any($2) and a.event_id = any($1)"
);

/// How many are invited to the events `$1`. Index-only, on attendees_event or on the unique index.
pub const COUNT_MANY: &str = "select event_id, count(*) from attendees where event_id = any($1) group by event_id";

/// What user `$1` answered to the events `$2`, the earliest invitation last. By attendees_user.
pub const ANSWERS_OF: &str = "select event_id, response_status from attendees
     where user_id = $1 and event_id = any($2) order by event_id, created_at desc, id desc";

/// What user `$1` is invited to behind `$2`. Index-only on attendees_user. Group by, because somebody whose address changed may be invited twice.
pub const EVENT_IDS_OF_USER: &str = "select event_id from attendees where user_id = $1 and event_id > $2
     group by event_id order by event_id limit $3";
