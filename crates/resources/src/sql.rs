//! Every query of this room. An explanation of conflicts reads `events`; writes stay in `resources`, `reservations`
//! and the tenant's version of names.

mod reservations;

pub(crate) use reservations::{
    BEFORE, BOOK, EXTEND, FIND_RESERVATION, GIVE_BACK, LOCK_RESOURCES, MOVE, REBOOK, RELEASE, RELEASE_CALENDAR,
    RELEASE_OTHERS, RELEASE_SERIES, RESERVE, RESERVE_MISSING, SERIES_ROOMS, SHIFT, WITHDRAW,
};
pub use reservations::{
    BOOKED_MANY, CONFLICTS, LIST_FOR_OCCURRENCES, LIST_MANY, OF_RESOURCE, PAGE, SERIES_RESERVATIONS,
};

/// The row [`crate::Resource`], from `r`.
macro_rules! resource {
    () => {
        "r.id, r.tenant_id, r.name, r.kind, r.capacity, r.location, r.description, r.exclusive, r.version,
         r.created_at, r.updated_at"
    };
}

/// Live resources of tenant `$1` behind the position ($2, $3) that pass the filter `$4` (ids), `$5` (kind), `$6`
/// (people), `$7` (text), from `r`. An empty name and the nil id stand for the beginning, so that the position is
/// always a bound of resources_tenant and never an `or`.
macro_rules! filtered {
    () => {
        "r.tenant_id = $1 and r.deleted_at is null and (r.name, r.id) > ($2, $3)
           and ($4::uuid[] is null or r.id = any($4))
           and ($5::text is null or r.kind = $5)
           and ($6::integer is null or r.capacity >= $6)
           and ($7::text is null
                or strpos(lower(r.name || ' ' || coalesce(r.location, '')), lower($7)) > 0)"
    };
}

/// A page of resources, at most `$8`.
pub const LIST: &str =
    concat!("select ", resource!(), " from resources r where ", filtered!(), " order by r.name, r.id limit $8");

/// The live ones of the resources `$2` of tenant `$1`.
pub const FIND_MANY: &str = concat!(
    "select ",
    resource!(),
    " from resources r where r.tenant_id = $1 and r.deleted_at is null and r.id = any($2)"
);

/// Locked until the transaction ends: bookings of it wait, so what the next statement sees of them is all there is.
pub(crate) const FIND_FOR_UPDATE: &str = concat!(
    "select ",
    resource!(),
    " from resources r where r.tenant_id = $1 and r.deleted_at is null and r.id = $2 for no key update"
);

/// Whoever shows a resource's name carries the tenant's directory_seq in its validator.
macro_rules! directory {
    () => {
        "directory as (update tenants set directory_seq = directory_seq + 1 where id = $1)"
    };
}

pub(crate) const CREATE: &str = concat!(
    "with ",
    directory!(),
    " insert into resources as r
         (id, tenant_id, name, kind, capacity, location, description, exclusive, created_at, updated_at)
     values ($2, $1, $3, $4, $5, $6, $7, $8, $9, $9)
     returning ",
    resource!()
);

/// `$10`: exclusive changed, and its reservations with it. Becoming shared is for all of them. Becoming exclusive is for
/// those still to come and whatever touches them, back to the start of the first: if any two overlap PostgreSQL refuses;
/// older ones may lie over each other for ever.
pub(crate) const UPDATE: &str = concat!(
    "with ",
    directory!(),
    ", booked as (
         update reservations v set exclusive = $8
         where $10 and v.resource_id = $2 and v.status = 'confirmed' and v.exclusive <> $8
           and (not $8 or v.end_time > (select min(w.start_time) from reservations w
                                        where w.resource_id = $2 and w.status = 'confirmed' and w.end_time > $9))
     )
     update resources r set
         name = $3, kind = $4, capacity = $5, location = $6, description = $7, exclusive = $8, version = version + 1,
         updated_at = $9
     where r.tenant_id = $1 and r.id = $2
     returning ",
    resource!()
);

/// How many reservations are still to come at `$3`; the resource goes when there are none.
pub(crate) const DELETE: &str = "with busy as (
         select count(*) as n from reservations
         where resource_id = $2 and status = 'confirmed' and end_time > $3
     ), gone as (
         update resources r set deleted_at = $3, updated_at = $3, version = version + 1
         from busy where busy.n = 0 and r.tenant_id = $1 and r.id = $2
         returning r.tenant_id
     ), directory as (
         update tenants t set directory_seq = directory_seq + 1 from gone where t.id = gone.tenant_id
     )
     select n from busy";

/// What is booked of each resource between `$9` and `$10`, a page as in [`LIST`]; only free ones when `$11`.
///
/// Two ranges of reservations_resource_time per resource, both index-only and both short however long the history is:
/// what starts within the span, and the one before it. One is enough: reservations of an exclusive resource do not
/// overlap (those of no length aside), so the last to start is also the last to end. Measured for a page of 50 among
/// 1,000 resources with 500 reservations each: 1.4 ms; all that starts before the end of the span: 2.2 ms and growing
/// with the history; the GiST index: 4.1 ms, since it must look into the table.
pub const AVAILABILITY: &str = concat!(
    "select ",
    resource!(),
    ", b.starts, b.ends
     from resources r
     cross join lateral (
         select array_agg(v.start_time) as starts, array_agg(v.end_time) as ends
         from (
             (select v.start_time, v.end_time from (
                 select v.start_time, v.end_time from reservations v
                 where v.resource_id = r.id and v.status = 'confirmed' and v.start_time < $9
                   and v.end_time > v.start_time
                 order by v.start_time desc
                 limit 1
             ) v where v.end_time > $9)
             union all
             select v.start_time, v.end_time from reservations v
             where v.resource_id = r.id and v.status = 'confirmed' and v.start_time >= $9 and v.start_time < $10
               and v.end_time > v.start_time
         ) v
         where r.exclusive
     ) b
     where ",
    filtered!(),
    " and (not $11 or b.starts is null)
     order by r.name, r.id limit $8"
);
