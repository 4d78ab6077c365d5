//! Lists of occurrences: of calendars, of an agenda, of one event, of one person; forward and back, written down or computed.

/// `[$3, $4)`, the window: what goes on after its beginning and starts before its end; an instant at its beginning too.
/// Of that what lies behind (`>`) or before (`<`) the position ($5, $6, $7).
macro_rules! in_window {
    ($than:literal) => {
        concat!(
            "o.start_time < $4 and (o.end_time > $3 or (o.end_time = o.start_time and o.end_time = $3))
               and (o.start_time, o.event_id, o.original_start) ",
            $than,
            " ($5, $6, $7)"
        )
    };
}

/// The order in which a list is read: on from the position, or back from it.
macro_rules! in_order {
    (">") => {
        "order by o.start_time, o.event_id, o.original_start"
    };
    ("<") => {
        "order by o.start_time desc, o.event_id desc, o.original_start desc"
    };
}

/// `[$3, $4)` and the position as [`in_window!`] has them, for one range of occurrences_list: what starts before `mine.earliest`
/// is over. The position is moved into the window, so that it is the only bound on its side: of two, PostgreSQL begins the range
/// at the comparison of rows, however far away that is, and a first page would read all that its calendar ever had.
macro_rules! in_range {
    (">") => {
        "o.start_time < $4 and (o.end_time > $3 or (o.end_time = o.start_time and o.end_time = $3))
         and (o.start_time, o.event_id, o.original_start)
             > (greatest($5, mine.earliest),
                case when $5 < mine.earliest then '00000000-0000-0000-0000-000000000000' else $6 end,
                case when $5 < mine.earliest then '-infinity' else $7 end)"
    };
    ("<") => {
        "o.start_time >= mine.earliest and (o.end_time > $3 or (o.end_time = o.start_time and o.end_time = $3))
         and (o.start_time, o.event_id, o.original_start)
             < (least($5, $4),
                case when $5 < $4 then $6 else '00000000-0000-0000-0000-000000000000' end,
                case when $5 < $4 then $7 else '-infinity' end)"
    };
}

/// The `$8` occurrences of each of the calendars `$1` (whose longest ones last `$2` seconds) in the window that are next to
/// the position ($5, $6, $7): one range of occurrences_list per calendar, which starts at the cursor.
macro_rules! of_calendars {
    ($than:tt) => {
        concat!(
            "select o.* from (
                 select calendar_id, $3 - make_interval(secs => longest) as earliest
                 from unnest($1::uuid[], $2::bigint[]) as mine (calendar_id, longest)
             ) mine
             cross join lateral (
                 select o.calendar_id, o.start_time, o.event_id, o.original_start, o.end_time
                 from occurrences o
                 where o.calendar_id = mine.calendar_id
                   and ",
            in_range!($than),
            "
                 ",
            in_order!($than),
            "
                 limit $8
             ) o"
        )
    };
}

/// From the chosen occurrences `o` to what a list shows: as many records as there are.
macro_rules! shown_all {
    ($chosen:expr, $invited:literal) => {
        concat!(
            "select ",
            event!(),
            ", o.start_time, o.end_time, o.original_start, ",
            summary!("o.original_start"),
            ",
                 ",
            $invited,
            " as invited
             from (",
            $chosen,
            ") o
             join events e on e.id = o.event_id and e.deleted_at is null
             join calendars c on c.id = e.calendar_id and c.deleted_at is null
             left join users og on og.id = e.organizer_id"
        )
    };
}

/// The same of the first `$8` of them: as many records as the page has.
macro_rules! shown {
    ($than:tt, $chosen:expr, $invited:literal) => {
        shown_all!(
            concat!(
                "
                 select o.* from (",
                $chosen,
                ") o
                 ",
                in_order!($than),
                "
                 limit $8
             "
            ),
            $invited
        )
    };
}

macro_rules! page {
    ($than:tt) => {
        shown!($than, of_calendars!($than), "false")
    };
}

/// What matches the pattern `$11`, in the case of the column (Rust's small letters are others: the sigma at the end of a
/// word). `$10` are the calendars where the caller sees everything; in the others private and
/// confidential events do not match (their texts must not be guessable by searching).
macro_rules! matches_pattern {
    () => {
        "(lower(e.title || ' ' || coalesce(e.location, '') || ' ' || coalesce(e.description, '')) like lower($11)
          and (e.visibility in ('default', 'public') or e.calendar_id = any($10)))"
    };
}

macro_rules! search {
    ($than:tt) => {
        shown!(
            $than,
            concat!(
                "select o.calendar_id, o.start_time, o.event_id, o.original_start, o.end_time
                 from unnest($1::uuid[], $2::bigint[]) as mine (calendar_id, longest)
                 join events e on e.calendar_id = mine.calendar_id and e.deleted_at is null
                 join occurrences o on o.event_id = e.id
                 where ",
                matches_pattern!(),
                "
                   and o.start_time >= $3 - make_interval(secs => mine.longest)
                   and ",
                in_window!($than)
            ),
            "false"
        )
    };
}

/// The calendars of `$1`, and what `$9` is invited to in other ones, each occurrence once: somebody whose address changed
/// may be invited twice. What lies in a deleted calendar goes before the limit, or it would end the page early.
///
/// A probe of the primary key per invitation: 3 µs each, however long ago. The order of the invitations and the scalar
/// sub-selects keep it so: with a join of `calendars` and `exists` the planner hashes, and hashes again for each (10,000
/// invitations: 300 ms instead of 50).
macro_rules! agenda {
    ($than:tt) => {
        shown!(
            $than,
            concat!(
                of_calendars!($than),
                "
                 union all
                 select o.* from (select event_id from attendees where user_id = $9 group by event_id order by event_id) a
                 cross join lateral (
                     select o.calendar_id, o.start_time, o.event_id, o.original_start, o.end_time
                     from occurrences o
                     where o.event_id = a.event_id
                       and o.calendar_id <> all($1)
                       and ",
                in_window!($than),
                "
                     ",
                in_order!($than),
                "
                     limit $8
                 ) o
                 where (select c.deleted_at is null from calendars c where c.id = o.calendar_id)"
            ),
            "coalesce((select true from attendees a where a.event_id = e.id and a.user_id = $9 limit 1), false)"
        )
    };
}

/// The event `$12` and its overrides: ranges of the primary key.
macro_rules! of_event {
    () => {
        shown!(
            ">",
            concat!(
                "select o.calendar_id, o.start_time, o.event_id, o.original_start, o.end_time
                 from (
                     select $12::uuid as event_id
                     union all
                     select v.id from events v where v.recurring_event_id = $12 and v.deleted_at is null
                 ) of
                 join occurrences o on o.event_id = of.event_id
                 where ",
                in_window!(">")
            ),
            "false"
        )
    };
}

/// Of the calendars `$1` what `$9` called or is invited to, as far as the caller sees who is there: in calendars that he
/// only reads (all but `$10`) not what is private. Whoever sees only free/busy sees no people; his calendars are not among
/// `$1`.
macro_rules! open_to {
    () => {
        "(e.visibility in ('default', 'public') or e.calendar_id = any($10))"
    };
}

/// As in [`agenda!`] one probe for each invitation and each event he called (`offset 0` keeps it so), instead of a hash of
/// all events.
macro_rules! of_user {
    () => {
        shown!(
            ">",
            concat!(
                "select o.* from (
                     select event_id from attendees where user_id = $9
                     union
                     select e.id from events e
                     where e.organizer_id = $9 and e.calendar_id = any($1) and e.deleted_at is null
                 ) a
                 cross join lateral (
                     select e.id, e.calendar_id, e.visibility from events e
                     where e.id = a.event_id and e.deleted_at is null
                     offset 0
                 ) e
                 cross join lateral (
                     select o.calendar_id, o.start_time, o.event_id, o.original_start, o.end_time
                     from occurrences o
                     where o.event_id = e.id
                       and ",
                in_window!(">"),
                "
                     order by o.start_time, o.original_start
                     limit $8
                 ) o
                 where e.calendar_id = any($1) and ",
                open_to!()
            ),
            "false"
        )
    };
}

/// The same list where the window reaches behind what is written down: the page, and beside it the series that go on
/// there (`expanded_until` set, with the occurrences that have a record of their own).
macro_rules! with_endless {
    ($page:expr, $mine:expr) => {
        concat!(
            "select p.*, null::timestamptz as expanded_until, '{}'::timestamp[] as overridden from (",
            $page,
            ") p
             union all
             select ",
            event!(),
            ", e.start_time, e.end_time, e.start_local as original_start, ",
            summary!("null"),
            ",
                 coalesce((select true from attendees a where a.event_id = e.id and a.user_id = $9 limit 1), false)
                     as invited,
                 e.expanded_until,
                 array(select v.original_start from events v
                       where v.recurring_event_id = e.id and v.deleted_at is null
                         and v.original_start is not null) as overridden
             from events e
             join calendars c on c.id = e.calendar_id and c.deleted_at is null
             left join users og on og.id = e.organizer_id
             where e.deleted_at is null
               and e.expanded_until < $4
               -- Usually everything is written down: then one look at events_horizon is all.
               and (select min(m.expanded_until) from events m
                    where m.expanded_until is not null and m.deleted_at is null) < $4
               and (e.recurrence_end is null or e.recurrence_end > $3)
               and ",
            $mine
        )
    };
}

pub const PAGE: &str = page!(">");
pub const PAGE_BACK: &str = page!("<");
/// The pages of several calendars at once: `$8` occurrences of each.
pub const PAGES: &str = shown_all!(of_calendars!(">"), "false");
pub const SEARCH: &str = search!(">");
pub const SEARCH_BACK: &str = search!("<");
pub const AGENDA: &str = agenda!(">");
pub const AGENDA_BACK: &str = agenda!("<");
pub const OF_EVENT: &str = of_event!();
pub const OF_USER: &str = of_user!();

/// How many occurrences the calendars `$1` have in the window.
pub const COUNT: &str = "select coalesce(sum(o.found), 0)::bigint
     from unnest($1::uuid[], $2::bigint[]) as mine (calendar_id, longest)
     cross join lateral (
         select count(*) as found
         from occurrences o
         where o.calendar_id = mine.calendar_id
           and o.start_time >= $3 - make_interval(secs => mine.longest)
           and o.start_time < $4 and (o.end_time > $3 or (o.end_time = o.start_time and o.end_time = $3))
     ) o";

macro_rules! calendars_endless {
    () => {
        "e.calendar_id = any($1)"
    };
}

macro_rules! search_endless {
    () => {
        concat!("e.calendar_id = any($1) and ", matches_pattern!())
    };
}

macro_rules! agenda_endless {
    () => {
        "e.id in (
         select m.id from events m where m.calendar_id = any($1) and m.expanded_until < $4 and m.deleted_at is null
         union
         select a.event_id from attendees a where a.user_id = $9
     )"
    };
}

pub const PAGE_ENDLESS: &str = with_endless!(page!(">"), calendars_endless!());
pub const PAGE_ENDLESS_BACK: &str = with_endless!(page!("<"), calendars_endless!());
pub const SEARCH_ENDLESS: &str = with_endless!(search!(">"), search_endless!());
pub const SEARCH_ENDLESS_BACK: &str = with_endless!(search!("<"), search_endless!());
pub const AGENDA_ENDLESS: &str = with_endless!(agenda!(">"), agenda_endless!());
pub const AGENDA_ENDLESS_BACK: &str = with_endless!(agenda!("<"), agenda_endless!());
pub const OF_EVENT_ENDLESS: &str = with_endless!(of_event!(), "e.id = $12");
pub const OF_USER_ENDLESS: &str = with_endless!(
    of_user!(),
    concat!(
        "e.calendar_id = any($1) and ",
        open_to!(),
        " and (e.organizer_id = $9
               or coalesce((select true from attendees a where a.event_id = e.id and a.user_id = $9 limit 1), false))"
    )
);

/// How far the calendars of the agenda of `$1` in tenant `$2` have come; of those he is only a guest in, his events alone.
pub const AGENDA_MARKS: &str = "select m.calendar_id, h.seq, h.acl, 0::bigint as events
     from calendar_members m
     join calendars c on c.id = m.calendar_id and c.tenant_id = $2 and c.deleted_at is null
     join heads h on h.calendar_id = c.id
     where m.user_id = $1
     union all
     select e.calendar_id, max(e.seq), 0, count(*)
     from (select event_id from attendees where user_id = $1 group by event_id order by event_id) a
     cross join lateral (
         select e.calendar_id, e.seq from events e where e.id = a.event_id and e.deleted_at is null offset 0
     ) e
     join calendars c on c.id = e.calendar_id and c.tenant_id = $2 and c.deleted_at is null
     where not exists (select from calendar_members m where m.calendar_id = e.calendar_id and m.user_id = $1)
     group by e.calendar_id";
