//! The statements of the product, and what each may cost.

use chrono::{DateTime, Months, TimeDelta, Utc};
use sqlx::PgConnection;

use super::plan::Case;
use super::world::{PAGE, World, limit, long_ago, many, nil, text, time, uuid, uuids};

impl World {
    pub(super) async fn cases(&self, conn: &mut PgConnection) -> Vec<Case> {
        let mut cases = self.people();
        cases.extend(self.calendars());
        cases.extend(self.lists(conn).await);
        cases.extend(self.searches());
        cases.extend(self.agendas());
        cases.extend(self.events(conn).await);
        cases.extend(self.guests());
        cases.extend(self.rooms(conn).await);
        cases.extend(self.edges(conn).await);
        cases.push(self.commit());
        cases
    }

    fn people(&self) -> Vec<Case> {
        let ids = uuids(&self.users);
        let mut cases = Vec::new();
        for n in [1, 64] {
            cases.extend(self.head_checks(n));
            let calendars = uuids(&self.calendars[..n]);
            let tenant = || uuids(&[self.tenant]);
            let arguments = vec![uuids(&self.users), calendars, tenant(), tenant()];
            cases.push(case(&format!("the versions of {n} calendars"), cache::hot::VERSIONS, arguments).costs(
                10.0,
                200 + 4 * n as u64,
                100,
            ));
        }
        cases.extend([
            case("50 users", users::hot::FIND_MANY, vec![self.tenant(), ids]).costs(1.0, 180, 0),
            case(
                "users by name or address",
                users::hot::SEARCH,
                vec![self.tenant(), text("%user0001%"), text(""), nil(), limit(PAGE)],
            )
            .costs(100.0, 120, 1_000)
            .planned_each_time(),
        ]);
        cases
    }

    /// One person asks for so many calendars, and then for the calendar of an event, too.
    fn head_checks(&self, calendars: usize) -> [Case; 2] {
        let ids = uuids(&self.calendars[..calendars]);
        let ones = format!("array_fill(1, array[{calendars}])");
        let asked = vec![
            ("bytea[]", format!("array[{}]::bytea[]", self.token_hash)),
            ("boolean[]", "'{true}'".to_owned()),
            time(self.now),
            ids.clone(),
            ("integer[]", ones),
            ids,
        ];
        let of_event = [("integer[]", "'{1}'".to_owned()), uuids(&self.events[..1])];
        let with_event = asked.iter().cloned().chain(of_event).collect();
        let name = format!("the head check of {calendars} calendars");
        [
            case(&name, cache::hot::CHECK, asked).costs(20.0, 60 + 12 * calendars as u64, 600),
            case(&format!("{name} and an event"), cache::hot::CHECK_EVENTS, with_event).costs(
                20.0,
                80 + 12 * calendars as u64,
                600,
            ),
        ]
    }

    fn calendars(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for n in [1, 10, 100] {
            let ids = uuids(&self.calendars[..n]);
            let arguments = vec![uuid(self.user), self.tenant(), ids];
            cases.push(case(&format!("the right to {n} calendars"), events::hot::GRANTS, arguments).costs(
                5.0,
                40 + 12 * n as u64,
                200,
            ));
        }
        let all = || ("uuid[]", "null".to_owned());
        cases.push(
            case("the right to all calendars", events::hot::GRANTS, vec![uuid(self.user), self.tenant(), all()])
                .costs(5.0, 2_000, 400),
        );
        let arguments = vec![uuid(self.user), self.tenant(), all(), time(long_ago()), nil(), limit(PAGE)];
        // The caller's calendars, however many, are sorted by age: nobody has thousands.
        cases.push(case("my calendars", events::hot::LIST_CALENDARS, arguments).costs(20.0, 1_000, 400));
        let arguments = vec![uuid(self.calendars[0]), text(""), nil(), limit(PAGE)];
        cases.push(case("members of a calendar", events::hot::LIST_MEMBERS, arguments).costs(4.0, 300, 200));
        cases
    }

    async fn lists(&self, conn: &mut PgConnection) -> Vec<Case> {
        let mut cases = Vec::new();
        for n in [1, 10, 100] {
            let each = n as u64;
            // Every calendar gives at most a page; what is shown is looked up for a page of them.
            let (reads, buffers, sorts) = (1.2 * n as f64 + 40.0, 2_000 + 20 * each, PAGE as u64 * each);
            let mut list = |name: &str, sql, span, after| {
                let arguments = self.listing(n, span, after, None, None);
                let case = case(&format!("{name}, {n} calendars"), sql, arguments).index_only(&["occurrences"]);
                cases.push(case.ranges(20.0).costs(reads, buffers, sorts));
            };
            list("a month", events::hot::PAGE, self.month(), None);
            list("everything", events::hot::PAGE, self.everything(), None);
            let after = self.deep(conn, n).await;
            list("everything, far in", events::hot::PAGE, self.everything(), Some(after));
            let behind = (self.now + Months::new(25), self.now + Months::new(36));
            let arguments = self.listing(n, behind, None, None, None);
            // As many series as go on in these calendars come along to be expanded.
            let name = format!("behind the horizon, {n} calendars");
            let case = case(&name, events::hot::PAGE_ENDLESS, arguments);
            cases.push(case.costs(20.0, 18_000 + 300 * each, 100));
        }
        cases
    }

    fn searches(&self) -> Vec<Case> {
        // Two characters have no trigram: every text of these calendars is looked at, and with calendars enough that is
        // the whole table. Three and more find their events by events_search; a common word finds many.
        let words = [
            ("2 characters", "%検索%", 4_000.0, 20_000),
            ("a common word", "%review%", 1_000.0, 30_000),
            ("a rare one", "%障害対応 1on1%", 30.0, 2_000),
        ];
        let mut cases = Vec::new();
        for n in [1, 100] {
            for (word, pattern, reads, buffers) in words {
                for (name, span) in [("a month", self.month()), ("everything", self.everything())] {
                    for (kind, sql) in [("", events::hot::SEARCH), (", endless", events::hot::SEARCH_ENDLESS)] {
                        let name = format!("search for {word}, {name}, {n} calendars{kind}");
                        let arguments = self.listing(n, span, None, None, Some(pattern));
                        let case = case(&name, sql, arguments).costs(reads, buffers, 60_000).planned_each_time();
                        let whole = n == 100 && pattern == "%検索%";
                        cases.push(if whole { case.may_scan(&["events"]) } else { case });
                    }
                }
            }
        }
        cases
    }

    fn agendas(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for (name, span) in [("a month", self.month()), ("everything", self.everything())] {
            for (kind, sql) in [("", events::hot::AGENDA), (", endless", events::hot::AGENDA_ENDLESS)] {
                let arguments = self.listing(100, span, None, Some(self.user), None);
                cases.push(case(&format!("agenda, {name}{kind}"), sql, arguments).costs(4_000.0, 150_000, 60_000));
            }
        }
        cases
    }

    async fn events(&self, conn: &mut PgConnection) -> Vec<Case> {
        let mut cases = Vec::new();
        for (name, span) in [("a month", self.month()), ("everything", self.everything())] {
            for (kind, sql) in [("", events::hot::OF_EVENT), (", endless", events::hot::OF_EVENT_ENDLESS)] {
                let mut arguments = self.listing(0, span, None, None, None);
                arguments[11] = uuid(self.series);
                cases.push(
                    case(&format!("occurrences of a series, {name}{kind}"), sql, arguments).costs(16.0, 1_500, 600),
                );
            }
        }
        for n in [1, 50, 500] {
            let arguments = vec![uuid(self.user), self.tenant(), uuids(&self.events[..n])];
            let buffers = 60 + 60 * n as u64;
            cases.push(case(&format!("{n} events by id"), events::hot::FIND, arguments).costs(16.0, buffers, 500));
        }
        let arguments = vec![uuid(self.user), self.tenant(), uuid(self.events[0])];
        cases.push(case("an event", events::hot::FIND_ONE, arguments).costs(16.0, 120, 10).planned_once());
        let arguments = vec![uuid(self.user), self.tenant(), uuid(self.series)];
        cases.push(case("an event to change", events::hot::FIND_FOR_UPDATE, arguments).costs(8.0, 120, 10));
        cases.push(
            case("what is written down of a series", events::hot::STORED, vec![uuid(self.series)]).costs(2.0, 400, 300),
        );
        let at = || ("timestamp", "null".to_owned());
        let how = |n: &str| ("integer", n.to_owned());
        let yes = || ("boolean", "true".to_owned());
        for (name, extent, rows) in [("one occurrence of a series", "0", 8.0), ("a whole series", "2", 60.0)] {
            let arguments = vec![uuid(self.user), self.tenant(), uuid(self.series), at(), how(extent)];
            cases.push(case(&format!("{name} to change"), events::hot::LOCK_SERIES, arguments).costs(rows, 1_500, 200));
            let arguments = vec![uuid(self.series), at(), how(extent)];
            let name = format!("versions of {name}");
            cases.push(case(&name, events::hot::SERIES_VERSIONS, arguments).costs(rows, 600, 200));
        }
        let arguments = vec![uuid(self.series), at(), how("2"), yes()];
        cases.push(
            case("occurrences to change", events::hot::SERIES_OCCURRENCES, arguments.clone()).costs(3.0, 600, 600),
        );
        cases.push(
            case("reservations to change", resources::hot::SERIES_RESERVATIONS, arguments).costs(6.0, 3_000, 600),
        );
        let below = self.now + Months::new(events::ROLL_BELOW_MONTHS);
        let arguments = vec![time(below), uuids(&[]), limit(100)];
        cases.push(case("no series to write on", events::hot::LOCK_ROLLING, arguments).costs(1.0, 12, 0));
        let all = vec![time(self.now + Months::new(30)), uuids(&[]), limit(100)];
        cases.push(case("100 series to write on", events::hot::LOCK_ROLLING, all).costs(3.0, 1_500, 0));
        cases.push(
            case("50 series as they are written on", events::hot::ROLLING, vec![uuids(&self.events[..50])])
                .costs(60.0, 9_000, 4_000),
        );
        cases.push(
            case("the first occurrence", events::hot::FIRST_START, vec![uuid(self.calendars[0])])
                .costs(1.0, 8, 0)
                .index_only(&["occurrences"]),
        );
        let uids: Vec<String> = sqlx::query_scalar("select uid from events where calendar_id = $1 limit 50")
            .bind(self.calendars[0])
            .fetch_all(conn)
            .await
            .unwrap();
        let uids = format!("'{{{}}}'::text[]", uids.join(","));
        let arguments = vec![uuid(self.user), uuid(self.calendars[0]), ("text[]", uids)];
        cases.push(case("50 records by uid", events::hot::RECORDS, arguments).costs(20.0, 4_000, 100));
        let arguments = vec![uuid(self.user), uuid(self.calendars[0]), nil(), ("bigint", "500".to_owned())];
        cases.push(case("a walk through a calendar", events::hot::WALK, arguments).costs(60.0, 30_000, 1_500));
        cases
    }

    fn guests(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for n in [50, 500] {
            let ids = || uuids(&self.events[..n]);
            let each = n as u64;
            for (name, limit) in [("all guests", "null"), ("the first 10 guests", "11")] {
                let arguments = vec![ids(), ("bigint", limit.to_owned())];
                let case = case(&format!("{name} of {n} events"), attendees::hot::LIST_MANY, arguments);
                cases.push(case.index_only(&["attendees"]).costs(2.0, 40 + 30 * each, 200));
            }
            let case = case(&format!("how many guests {n} events have"), attendees::hot::COUNT_MANY, vec![ids()]);
            cases.push(case.index_only(&["attendees"]).costs(30.0, 40 + 8 * each, 20 * each));
            let case = self::case(
                &format!("what I answered to {n} events"),
                attendees::hot::ANSWERS_OF,
                vec![uuid(self.user), ids()],
            );
            cases.push(case.costs(60.0, 40 + 12 * each, 600));
        }
        let arguments = vec![uuid(self.events[0]), time(long_ago()), nil(), limit(PAGE)];
        cases.push(case("guests of an event", attendees::hot::PAGE, arguments).costs(3.0, 300, 0));
        let arguments = vec![uuid(self.user), nil(), limit(100)];
        cases.push(
            case("what I am invited to", attendees::hot::EVENT_IDS_OF_USER, arguments)
                .index_only(&["attendees"])
                .costs(1.5, 16, 0),
        );
        cases
    }

    async fn rooms(&self, conn: &mut PgConnection) -> Vec<Case> {
        let listing = || {
            let null = |kind| (kind, "null".to_owned());
            vec![
                self.tenant(),
                text(""),
                nil(),
                null("uuid[]"),
                null("text"),
                null("integer"),
                null("text"),
                limit(PAGE),
            ]
        };
        let mut cases = vec![case("rooms", resources::hot::LIST, listing()).costs(1.5, 60, 0).planned_each_time()];
        for (name, days) in [("a day", 1), ("a quarter", 90)] {
            for only_free in ["false", "true"] {
                let mut arguments = listing();
                arguments.extend([
                    time(self.now),
                    time(self.now + TimeDelta::days(days)),
                    ("boolean", only_free.to_owned()),
                ]);
                let name = format!("availability, {name}{}", if only_free == "true" { ", only free" } else { "" });
                let case = case(&name, resources::hot::AVAILABILITY, arguments).index_only(&["reservations"]);
                // Only free ones: every room may have to be looked at to fill a page.
                let (reads, buffers) = if only_free == "true" { (2_000.0, 10_000) } else { (60.0, 600) };
                cases.push(case.costs(reads, buffers, 0).planned_each_time());
            }
        }
        let booked =
            many(conn, "select event_id from reservations group by event_id order by md5(event_id::text) limit 50")
                .await;
        cases.push(
            case("reservations of 50 events", resources::hot::LIST_MANY, vec![uuids(&booked)]).costs(3.0, 9_000, 4_000),
        );
        cases.push(
            case("rooms of 50 events", resources::hot::BOOKED_MANY, vec![uuids(&booked)])
                .index_only(&["reservations"])
                .costs(60.0, 600, 4_000),
        );
        let starts: Vec<String> = sqlx::query_scalar(
            "select min(v.original_start)::text from reservations v join unnest($1::uuid[]) with ordinality e (id, n) on e.id = v.event_id
             group by e.n order by e.n",
        )
        .bind(&booked)
        .fetch_all(conn)
        .await
        .unwrap();
        let starts = (
            "timestamp[]",
            format!("'{{{}}}'::timestamp[]", starts.iter().map(|s| format!("\"{s}\"")).collect::<Vec<_>>().join(",")),
        );
        cases.push(
            case("reservations of 50 occurrences", resources::hot::LIST_FOR_OCCURRENCES, vec![uuids(&booked), starts])
                .costs(60.0, 9_000, 100),
        );
        let arguments = vec![uuid(booked[0]), time(long_ago()), nil(), limit(PAGE)];
        cases.push(case("reservations of an event", resources::hot::PAGE, arguments).costs(6.0, 400, 300));
        let (from, to) = (self.now + TimeDelta::days(2), self.now + TimeDelta::days(3));
        let span = |at: DateTime<Utc>| ("timestamptz[]", format!("array['{at}', '{at}', '{at}']::timestamptz[]"));
        let nobody = ("uuid", "null".to_owned());
        let arguments = vec![self.tenant(), uuids(&self.rooms), span(from), span(to), nobody, limit(100), uuids(&[])];
        cases.push(case("who stands in the way", resources::hot::CONFLICTS, arguments).costs(6.0, 600, 200));
        cases
    }

    /// The end of every write.
    fn commit(&self) -> Case {
        let calendar = uuids(&self.calendars[..1]);
        let arguments = vec![
            calendar.clone(),
            ("uuid[]", "'{}'".to_owned()),
            calendar,
            ("integer[]", "'{0}'".to_owned()),
            ("text[]", "'{event_updated}'".to_owned()),
            uuids(&self.events[..1]),
        ];
        case("lock and bump a head", store::hot::BUMP, arguments).costs(1.0, 60, 10)
    }
}

impl Case {
    pub(super) fn costs(mut self, reads_per_row: f64, buffers: u64, sorts: u64) -> Self {
        (self.reads_per_row, self.buffers, self.sorts) = (reads_per_row, buffers, sorts);
        self
    }

    pub(super) fn index_only(mut self, tables: &'static [&'static str]) -> Self {
        self.index_only = tables;
        self
    }

    pub(super) fn ranges(mut self, blocks: f64) -> Self {
        self.range = blocks;
        self
    }

    fn may_scan(mut self, tables: &'static [&'static str]) -> Self {
        self.scans = tables;
        self
    }

    fn planned_once(mut self) -> Self {
        self.planned_once = true;
        self
    }

    fn planned_each_time(mut self) -> Self {
        self.planned_each_time = true;
        self
    }
}

pub(super) fn case(name: &str, sql: &'static str, arguments: Vec<(&'static str, String)>) -> Case {
    let name = name.to_owned();
    Case {
        name,
        sql,
        arguments,
        index_only: &[],
        range: f64::INFINITY,
        scans: &[],
        reads_per_row: 0.0,
        buffers: 0,
        sorts: 0,
        planned_each_time: false,
        planned_once: false,
    }
}
