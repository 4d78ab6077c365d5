//! What only GraphQL asks: lists read backwards, counted, of several calendars side by side, of people and of rooms; and what
//! followers ask.

use chrono::TimeDelta;
use sqlx::PgConnection;

use super::cases::case;
use super::plan::Case;
use super::world::{PAGE, World, limit, nil, time, uuid, uuids};

impl World {
    pub(super) async fn edges(&self, conn: &mut PgConnection) -> Vec<Case> {
        let mut cases = Vec::new();
        let end = || {
            ["'9999-12-31'".to_owned(), "'ffffffff-ffff-ffff-ffff-ffffffffffff'".to_owned(), "'9999-12-31'".to_owned()]
        };
        for n in [1, 10, 100] {
            let each = n as u64;
            let (reads, buffers, sorts) = (1.2 * n as f64 + 40.0, 2_000 + 20 * each, PAGE as u64 * each);
            let deep = self.deep(conn, n).await;
            for (name, span, before) in [
                ("the end of a month", self.month(), end()),
                ("the end of everything", self.everything(), end()),
                ("what comes before the middle", self.everything(), deep),
            ] {
                let arguments = self.listing(n, span, Some(before), None, None);
                let case = case(&format!("{name}, {n} calendars"), events::hot::PAGE_BACK, arguments);
                cases.push(case.index_only(&["occurrences"]).ranges(20.0).costs(reads, buffers, sorts));
            }
            let arguments = self.listing(n, self.month(), None, None, None);
            let case = case(&format!("a page of each of {n} calendars"), events::hot::PAGES, arguments);
            cases.push(case.index_only(&["occurrences"]).ranges(20.0).costs(40.0, 400 + 1_600 * each, sorts));
            let mut arguments = self.listing(n, self.month(), None, None, None);
            arguments.truncate(4);
            let case = self::case(&format!("how much a month of {n} calendars holds"), events::hot::COUNT, arguments);
            cases.push(case.index_only(&["occurrences"]).costs(1_000.0 + 40.0 * n as f64, 60 + 20 * each, 0));
            let arguments = vec![uuids(&self.calendars[..n]), limit(PAGE)];
            let case = self::case(&format!("the members of {n} calendars"), events::hot::FIRST_MEMBERS, arguments);
            cases.push(case.costs(4.0, 300 * each, 60 * each));
        }
        let arguments = self.listing(100, self.month(), Some(end()), Some(self.user), None);
        cases.push(case("the end of an agenda", events::hot::AGENDA_BACK, arguments).costs(4_000.0, 150_000, 60_000));
        let arguments = self.listing(100, self.month(), None, Some(self.user), None);
        cases.push(case("somebody's events", events::hot::OF_USER, arguments).costs(4_000.0, 150_000, 60_000));
        let arguments = vec![uuid(self.user), self.tenant()];
        cases
            .push(case("the marks of an agenda", events::hot::AGENDA_MARKS, arguments).costs(4_000.0, 150_000, 60_000));
        let (from, to) = (self.now, self.now + TimeDelta::days(31));
        let start = time(kernel::Span::EARLIEST);
        let arguments = vec![uuid(self.rooms[0]), self.tenant(), time(from), time(to), start, nil(), limit(PAGE)];
        cases.push(case("what has booked a room", resources::hot::OF_RESOURCE, arguments).costs(60.0, 2_000, 60));
        cases
    }
}
