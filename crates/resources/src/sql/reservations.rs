//! Reservations: how they are read, made and given back.

/// The row [`crate::Reservation`], from `v` and `r`.
macro_rules! reservation {
    () => {
        "v.id, v.resource_id, r.name as resource_name, v.event_id, v.original_start, v.start_time, v.end_time, v.status"
    };
}

/// The name of what `v` is about, looked up one by one (through a memo, says the plan) instead of hashing `resources`,
/// to which a plain join leads.
macro_rules! named {
    () => {
        " join lateral (select name from resources where id = v.resource_id offset 0) r on true "
    };
}

/// The same of a write: RETURNING cannot join.
macro_rules! returning {
    () => {
        "returning v.id, v.resource_id, (select r.name from resources r where r.id = v.resource_id) as resource_name,
             v.event_id, v.original_start, v.start_time, v.end_time, v.status"
    };
}

/// The reservations of the events `$1`, cancelled ones too.
pub const LIST_MANY: &str = concat!(
    "select ",
    reservation!(),
    " from reservations v",
    named!(),
    "where v.event_id = any($1)
     order by v.start_time, v.id"
);

/// The reservations of the occurrences (`$1`, `$2`), cancelled ones too: one probe of reservations_event per occurrence.
pub const LIST_FOR_OCCURRENCES: &str = concat!(
    "select ",
    reservation!(),
    " from unnest($1::uuid[], $2::timestamp[]) as o (event_id, original_start)
     cross join lateral (
         select * from reservations
         where event_id = o.event_id and original_start = o.original_start
         offset 0
     ) v",
    named!(),
    "order by v.start_time, v.id"
);

/// What each of the events `$1` has booked, whatever the number of its occurrences: index-only on reservations_event.
pub const BOOKED_MANY: &str = concat!(
    "select v.event_id, v.resource_id, r.name as resource_name, v.reservations
     from (
         select event_id, resource_id, count(*) as reservations
         from reservations where event_id = any($1) and status = 'confirmed'
         group by event_id, resource_id
     ) v",
    named!(),
    "order by v.event_id, r.name, v.resource_id"
);

/// A page of the reservations of event `$1` behind ($2, $3), at most `$4`.
pub const PAGE: &str = concat!(
    "select ",
    reservation!(),
    " from reservations v",
    named!(),
    "where v.event_id = $1 and (v.start_time, v.id) > ($2, $3)
     order by v.start_time, v.id
     limit $4"
);

/// What holds of resource `$1` of tenant `$2` in the window [`$3`, `$4`) behind ($5, $6), at most `$7`: one range of
/// reservations_resource_time.
pub const OF_RESOURCE: &str = concat!(
    "select ",
    reservation!(),
    " from reservations v
      join resources r on r.id = v.resource_id and r.tenant_id = $2
      where v.resource_id = $1 and v.status = 'confirmed' and v.start_time < $4 and v.end_time > $3
        and (v.start_time, v.id) > ($5, $6)
      order by v.start_time, v.id
      limit $7"
);

pub(crate) const FIND_RESERVATION: &str =
    concat!("select ", reservation!(), " from reservations v", named!(), "where v.event_id = $1 and v.id = $2");

/// Who holds what the bookings ($2, $3, $4) of tenant `$1` ask for, other than event `$5` and the reservations `$7` (which
/// are being moved); at most `$6`. The same two
/// ranges as in [`AVAILABILITY`]: left to itself the planner reads all that a resource ever had.
pub const CONFLICTS: &str = "select v.resource_id, v.start_time, v.end_time, v.event_id, e.calendar_id, e.visibility
     from (
         select distinct v.id, v.resource_id, v.start_time, v.end_time, v.event_id
         from unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[]) as b (resource_id, start_time, end_time)
         join lateral (select id from resources where id = b.resource_id and tenant_id = $1 offset 0) r on true
         cross join lateral (
             (select * from (
                 select v.id, v.resource_id, v.start_time, v.end_time, v.event_id from reservations v
                 where v.resource_id = r.id and v.status = 'confirmed' and v.exclusive
                   and v.start_time < b.start_time and v.end_time > v.start_time
                 order by v.start_time desc
                 limit 1
             ) v where v.end_time > b.start_time and b.end_time > b.start_time)
             union all
             select v.id, v.resource_id, v.start_time, v.end_time, v.event_id from reservations v
             where v.resource_id = r.id and v.status = 'confirmed' and v.exclusive
               and v.start_time >= b.start_time and v.start_time < b.end_time and v.end_time > v.start_time
         ) v
         where v.event_id is distinct from $5 and v.id <> all($7::uuid[])
         order by v.start_time, v.id
         limit $6
     ) v
     join lateral (select calendar_id, visibility from events where id = v.event_id offset 0) e on true
     order by v.start_time, v.id";

/// The resources a write is about, locked in the order of their ids until the transaction ends.
///
/// Without it two bookers of the same hour would each insert first and then wait for the other: a deadlock, which
/// PostgreSQL finds after a second and answers with an error that says nothing. With it the second waits here and then
/// meets the constraint. It also keeps `exclusive` and deletion from changing under a booking. `held` must be read to
/// its end before the first row is written, or the order of locks is lost: `(select count(*) from held) >= 0` in a
/// WHERE is evaluated once, before anything else of its statement.
macro_rules! held {
    ($ids:literal) => {
        concat!(
            "with held as materialized (
                 select id, exclusive, deleted_at is null and tenant_id = $1 as live from resources
                 where id = any(",
            $ids,
            ")
                 order by id for no key update
             ) "
        )
    };
}

/// The bookings `$4` to `$8` of event `$2`.
macro_rules! bookings {
    () => {
        "unnest($4::uuid[], $5::uuid[], $6::timestamp[], $7::timestamptz[], $8::timestamptz[])
             as b (id, resource_id, original_start, start_time, end_time)"
    };
}

macro_rules! reserve {
    () => {
        concat!(
            "insert into reservations as v
                 (id, resource_id, event_id, original_start, start_time, end_time, exclusive, created_at)
             select b.id, b.resource_id, $2, b.original_start, b.start_time, b.end_time, held.exclusive, $3
             from ",
            bookings!(),
            " join held on held.id = b.resource_id and held.live
             where (select count(*) from held) >= 0 "
        )
    };
}

pub(crate) const RESERVE: &str = concat!(held!("$5"), reserve!(), returning!());

/// What a replacement is about: what the event had and what it shall have.
macro_rules! held_for_replacement {
    () => {
        held!("array(select v.resource_id from reservations v where v.event_id = $2 union select unnest($5::uuid[]))")
    };
}

/// All that event `$1` had before the statement.
pub(crate) const BEFORE: &str =
    concat!("select ", reservation!(), " from reservations v", named!(), "where v.event_id = $1");

/// The replacing parts have the same arguments; the driver names their types, so one may stay unused.
pub(crate) const RELEASE_OTHERS: &str = concat!(
    held_for_replacement!(),
    "delete from reservations v
     where v.event_id = $2 and (select count(*) from held) >= 0
       and not exists (select from ",
    bookings!(),
    " where b.resource_id = v.resource_id and b.original_start = v.original_start)"
);

/// Bookings that are there, at another time or withdrawn. Where one was withdrawn and made anew, the new one counts.
pub(crate) const MOVE: &str = concat!(
    held_for_replacement!(),
    "update reservations v set
         start_time = b.start_time, end_time = b.end_time, status = 'confirmed', exclusive = held.exclusive
     from ",
    bookings!(),
    " join held on held.id = b.resource_id and held.live
     join (
         select distinct on (resource_id, original_start) id, resource_id, original_start
         from reservations where event_id = $2
         order by resource_id, original_start, status = 'confirmed' desc, id
     ) w on w.resource_id = b.resource_id and w.original_start = b.original_start
     where (select count(*) from held) >= 0 and v.id = w.id
       and (v.start_time, v.end_time, v.status) is distinct from (b.start_time, b.end_time, 'confirmed') ",
    returning!()
);

/// Bookings that are not there.
pub(crate) const RESERVE_MISSING: &str = concat!(
    held_for_replacement!(),
    reserve!(),
    "and not exists (select from reservations w
                     where w.event_id = $2 and w.resource_id = b.resource_id and w.original_start = b.original_start) ",
    returning!()
);

/// All reservations of the events `$1`; of their occurrences `$2` when that is not null.
pub(crate) const RELEASE: &str = "with held as materialized (
         select id from resources
         where id = any(array(select v.resource_id from reservations v where v.event_id = any($1)))
         order by id for no key update
     )
     delete from reservations v
     where v.event_id = any($1) and (select count(*) from held) >= 0
       and ($2::timestamp[] is null or v.original_start = any($2))";

pub(crate) const WITHDRAW: &str =
    concat!("update reservations v set status = 'cancelled' where v.event_id = $1 and v.id = $2 ", returning!());

/// The reservations of the series that event `$1` belongs to, if `$4` or if it is an override; `$2`, `$3` say how much of it, as in
/// `events::Extent`.
pub const SERIES_RESERVATIONS: &str = concat!(
    "select ",
    reservation!(),
    " from reservations v",
    named!(),
    "where ($4 or (select r.recurring_event_id from events r where r.id = $1) is not null) and v.event_id = any(array(
             select s.id from (select coalesce((select r.recurring_event_id from events r where r.id = $1), $1) as id) s
             union all
             select o.id from (select coalesce((select r.recurring_event_id from events r where r.id = $1), $1) as id) s
             join events o on o.recurring_event_id = s.id and o.deleted_at is null
         ))
       and ($3 = 2 or ($3 = 1 and (select r.recurring_event_id from events r where r.id = $1) is null)
            or v.original_start = coalesce($2, (select r.original_start from events r where r.id = $1)))"
);

/// The resources that the series of event `$1` itself holds, if `$2` or if the event is an override.
pub(crate) const SERIES_ROOMS: &str = "select distinct v.resource_id from reservations v
     where ($2 or (select r.recurring_event_id from events r where r.id = $1) is not null) and v.status = 'confirmed'
       and v.event_id = coalesce((select r.recurring_event_id from events r where r.id = $1), $1)
     order by v.resource_id";

/// The resources `$2` of tenant `$1`, as [`held`].
macro_rules! held_here {
    () => {
        held!("$2")
    };
}

pub(crate) const GIVE_BACK: &str = concat!(
    held_here!(),
    "delete from reservations v where (select count(*) from held) >= 0 and v.id = any($3::uuid[])"
);

/// Reservations `$3` to `$7` go along with their occurrence. What can no longer be booked stays only where it is.
pub(crate) const REBOOK: &str = concat!(
    held_here!(),
    "update reservations v set
         event_id = b.event_id, original_start = b.original_start, start_time = b.start_time, end_time = b.end_time,
         exclusive = held.exclusive
     from unnest($3::uuid[], $4::uuid[], $5::timestamp[], $6::timestamptz[], $7::timestamptz[])
         as b (id, event_id, original_start, start_time, end_time), held
     where (select count(*) from held) >= 0 and v.id = b.id and held.id = v.resource_id
       and (held.live or v.status <> 'confirmed' or (v.start_time, v.end_time) = (b.start_time, b.end_time))
     returning v.id"
);

/// Books for several events at once (`$4` to `$9`).
pub(crate) const BOOK: &str = concat!(
    held_here!(),
    "insert into reservations as v
         (id, resource_id, event_id, original_start, start_time, end_time, exclusive, created_at)
     select b.id, b.resource_id, b.event_id, b.original_start, b.start_time, b.end_time, held.exclusive, $3
     from unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::timestamp[], $8::timestamptz[], $9::timestamptz[])
         as b (id, resource_id, event_id, original_start, start_time, end_time)
     join held on held.id = b.resource_id and held.live
     where (select count(*) from held) >= 0 ",
    returning!()
);

pub(crate) const LOCK_RESOURCES: &str =
    "select id from resources where id = any($1::uuid[]) order by id for no key update";

/// Bookings `$3` to `$8` of resources that are locked already. What is taken, or overlaps another of them (not `$9`), or is
/// of a resource that is gone, is written down as withdrawn.
pub(crate) const EXTEND: &str =
    "insert into reservations as v
         (id, resource_id, event_id, original_start, start_time, end_time, status, exclusive, created_at)
     select b.id, b.resource_id, b.event_id, b.original_start, b.start_time, b.end_time,
         case when r.deleted_at is null and r.tenant_id = $1
                   and (not r.exclusive
                        or b.alone and not exists (
                            select from reservations o
                            where o.resource_id = b.resource_id and o.status = 'confirmed' and o.exclusive
                              and tstzrange(o.start_time, o.end_time) && tstzrange(b.start_time, b.end_time)))
              then 'confirmed' else 'cancelled' end,
         r.exclusive, $2
     from unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::timestamp[], $7::timestamptz[], $8::timestamptz[], $9::boolean[])
         as b (id, resource_id, event_id, original_start, start_time, end_time, alone)
     join resources r on r.id = b.resource_id
     where not exists (select from reservations w
                       where w.event_id = b.event_id and w.resource_id = b.resource_id
                         and w.original_start = b.original_start)
     returning v.event_id, v.resource_id, v.start_time, v.status";

/// Frees what the event `$1` and its overrides hold: the series is being deleted.
pub(crate) const RELEASE_SERIES: &str =
    "delete from reservations where event_id in (select id from events where id = $1 or recurring_event_id = $1)";

/// Moves what the occurrences (`$1` events, `$2` original starts) have booked to `$3`, `$4`, withdrawn ones too.
pub(crate) const SHIFT: &str = "with held as materialized (
         select id from resources
         where id = any(array(select v.resource_id from reservations v where v.event_id = any($1)))
         order by id for no key update
     )
     update reservations v set start_time = b.start_time, end_time = b.end_time
     from unnest($1::uuid[], $2::timestamp[], $3::timestamptz[], $4::timestamptz[])
         as b (event_id, original_start, start_time, end_time)
     where (select count(*) from held) >= 0
       and v.event_id = b.event_id and v.original_start = b.original_start
       and (v.start_time, v.end_time) is distinct from (b.start_time, b.end_time)";

/// Frees what the events of calendar `$1` hold: the calendar is being deleted.
pub(crate) const RELEASE_CALENDAR: &str =
    "delete from reservations where event_id in (select id from events where calendar_id = $1)";
