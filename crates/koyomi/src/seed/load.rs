//! Many people, many calendars: sizes as in life, where a few have most of it.

use std::collections::HashSet;

use attendees::ResponseStatus;
use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use events::{Role, Status, Visibility, When};
use kernel::{CalendarId, Result, TenantId, filter_hash};
use resources::{Resource, ResourceKind};
use users::User;

use super::draft::{Draft, Invited, all_day, repeated, timed};
use super::rows::{Book, CalendarRow, Dice, Ground, Rooms, Rows};
use super::words::{FAMILY, GIVEN, KINDS, PLACES, SENTENCES, TOPICS, ZONES};
use super::{Plot, Sizes};

/// Events happen from so many days before to so many after the given one.
const REACH: usize = 365;
/// Events in memory at a time.
const CHUNK: usize = 20_000;
/// The first person is a member of so many calendars: the widest list somebody could ask for, and then some.
const WIDE: usize = 150;

struct Load {
    sizes: Sizes,
    now: DateTime<Utc>,
    dice: Dice,
    users: Vec<User>,
    rooms: Rooms,
    /// Events of each calendar.
    shares: Vec<usize>,
    ids: Vec<CalendarId>,
    popular: Zipf,
    next: usize,
}

/// Some are chosen often and many seldom: the k-th with a weight of k^-exponent.
struct Zipf(Vec<f64>);

impl Zipf {
    fn new(n: usize, exponent: f64) -> Self {
        let mut sum = 0.0;
        let weight = |k: usize| (k as f64).powf(-exponent);
        Self(
            (1..=n)
                .map(|k| {
                    sum += weight(k);
                    sum
                })
                .collect(),
        )
    }

    fn pick(&self, dice: &mut Dice) -> usize {
        let at = dice.part() * self.0.last().copied().unwrap_or(0.0);
        self.0.partition_point(|sum| *sum < at)
    }

    /// The whole of `total`, split by weight.
    fn shares(&self, total: usize) -> Vec<usize> {
        let all = self.0.last().copied().unwrap_or(1.0);
        let upto = |sum: f64| (sum / all * total as f64).round() as usize;
        let mut before = 0;
        self.0
            .iter()
            .map(|sum| {
                let share = upto(*sum) - before;
                before += share;
                share
            })
            .collect()
    }
}

pub(super) fn plot(tenant: TenantId, sizes: Sizes, now: DateTime<Utc>) -> Plot {
    let mut dice = Dice::new(filter_hash(&sizes));
    let since = now - TimeDelta::days(400);
    // Found again whatever the day: the moment in these ids is none of the data's.
    let birth = DateTime::from_timestamp(1_767_225_600, 0).unwrap_or(since);
    let ids: Vec<CalendarId> = (0..sizes.calendars).map(|_| dice.id(birth)).collect();
    let users: Vec<User> = (0..sizes.users)
        .map(|n| User {
            id: dice.id(birth),
            tenant_id: tenant,
            email: format!("user{n:05}@example.com"),
            name: format!("{} {}", dice.pick(&FAMILY), dice.pick(&GIVEN)),
            avatar_url: None,
            time_zone: (*dice.pick(&ZONES)).to_owned(),
            is_admin: n == 0,
            version: 1,
            created_at: since,
            updated_at: since,
            deactivated_at: None,
        })
        .collect();
    let resources: Vec<Resource> = (0..sizes.rooms)
        .map(|n| Resource {
            id: dice.id(birth),
            tenant_id: tenant,
            name: format!("Room {n:04}"),
            kind: ResourceKind::Room,
            capacity: i32::try_from(2 + dice.below(30)).ok(),
            location: Some((*dice.pick(&PLACES)).to_owned()),
            description: None,
            exclusive: true,
            version: 1,
            created_at: since,
            updated_at: since,
        })
        .collect();
    let mark = ids.first().copied().unwrap_or(CalendarId(uuid::Uuid::nil()));
    let load = Load {
        shares: Zipf::new(sizes.calendars, 0.9).shares(sizes.calendars * sizes.events_per_calendar),
        popular: Zipf::new(sizes.users, 0.6),
        rooms: Rooms::new(resources.clone()),
        users: users.clone(),
        ids,
        sizes,
        now,
        dice,
        next: 0,
    };
    Plot { ground: Ground { users, resources }, mark, chunks: Box::new(load) }
}

impl Iterator for Load {
    type Item = Result<Rows>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut rows = Rows::default();
        while self.next < self.sizes.calendars && rows.events.len() < CHUNK {
            if let Err(failure) = self.calendar(&mut rows) {
                return Some(Err(failure));
            }
            self.next += 1;
        }
        rows.interleave();
        (!rows.calendars.is_empty()).then_some(Ok(rows))
    }
}

impl Load {
    fn calendar(&mut self, rows: &mut Rows) -> Result<()> {
        let n = self.next;
        let owner = n % self.users.len();
        let zone = ZONES[n % ZONES.len()];
        let row = CalendarRow {
            id: self.ids[n],
            owner_id: self.users[owner].id,
            name: format!("{} {n:04}", self.dice.pick(&TOPICS)),
            description: None,
            color: "#1e90ff",
            time_zone: zone,
            longest_seconds: 0,
            created_at: self.now - TimeDelta::days(400),
            seq: 0,
            acl: 0,
        };
        let mut book = Book::open(row, self.now);
        if n < WIDE {
            book.share(self.users[0].id, if n.is_multiple_of(3) { Role::Reader } else { Role::Writer });
        }
        let team = if self.dice.percent(5) { 30 + self.dice.below(50) } else { self.dice.below(6) };
        for _ in 0..team.min(self.users.len()) {
            let user = self.dice.below(self.users.len());
            let role = match self.dice.below(100) {
                0..40 => Role::Writer,
                40..85 => Role::Reader,
                _ => Role::FreeBusy,
            };
            book.share(self.users[user].id, role);
        }
        for _ in 0..self.shares[n] {
            self.event(owner, zone, &mut book)?;
        }
        book.close(rows);
        Ok(())
    }

    fn event(&mut self, owner: usize, zone: &'static str, book: &mut Book) -> Result<()> {
        let recurring = self.dice.percent(20);
        let days = self.dice.below(if recurring { REACH + REACH / 2 } else { 2 * REACH });
        let day = (self.now.date_naive() - Days::new(REACH as u64)) + Days::new(days as u64);
        let zone = if self.dice.percent(85) { zone } else { *self.dice.pick(&ZONES) };
        let when = self.when(day, zone);
        let created_at = day.and_time(NaiveTime::MIN).and_utc() - TimeDelta::days(1 + self.dice.below(30) as i64)
            + TimeDelta::seconds(self.dice.below(86_400) as i64);
        let created_at = created_at.min(self.now - TimeDelta::seconds(self.dice.below(864_000) as i64));
        let title = format!("{} {}", self.dice.pick(&TOPICS), self.dice.pick(&KINDS));
        let guests = self.guests();
        let mut draft = Draft::new(title, when, self.users[owner].id, created_at).with(guests);
        draft = self.worded(draft);
        if !draft.event.when.all_day && self.dice.percent(if recurring { 15 } else { 40 }) {
            let rooms: Vec<usize> = (0..6).map(|_| self.dice.below(self.rooms.len())).collect();
            draft = draft.room(rooms);
        }
        if !recurring {
            book.add(draft, &mut self.dice, &mut self.rooms)?;
            return Ok(());
        }
        let line = self.rule(&draft.event.when);
        let weekly = line.starts_with("RRULE:FREQ=WEEKLY");
        draft.event.when = repeated(draft.event.when, [line]);
        if weekly && self.dice.percent(8) {
            return self.with_override(draft, book);
        }
        book.add(draft, &mut self.dice, &mut self.rooms)?;
        Ok(())
    }

    /// A series, and one of its occurrences a day later than it should be.
    fn with_override(&mut self, series: Draft, book: &mut Book) -> Result<()> {
        let event = series.event.clone();
        let weeks = 1 + self.dice.below(3) as i64;
        let original = event.when.start_local + TimeDelta::weeks(weeks);
        let moved = original + TimeDelta::days(1);
        let when = When { start_local: moved, recurrence: Vec::new(), ..event.when.clone() };
        let guests = self.guests();
        let id = book.add(series.without(original), &mut self.dice, &mut self.rooms)?;
        let later = (event.created_at + TimeDelta::days(1)).min(self.now);
        let organizer = event.organizer_id.unwrap_or(self.users[0].id);
        let draft = Draft::new(event.title, when, organizer, later).with(guests).instead_of(id, original);
        book.add(draft, &mut self.dice, &mut self.rooms)?;
        Ok(())
    }

    fn when(&mut self, day: chrono::NaiveDate, zone: &str) -> When {
        match self.dice.below(100) {
            0..6 => all_day(day, 1 + i32::from(self.dice.percent(30)) * 2),
            kind => {
                let hour = 8 + self.dice.below(11) as u32;
                let at = NaiveTime::from_hms_opt(hour, 15 * self.dice.below(4) as u32, 0).unwrap_or(NaiveTime::MIN);
                let minutes = match self.dice.below(100) {
                    0 => 60 * (8 + self.dice.below(64) as i64),
                    _ => *self.dice.pick(&[15, 30, 30, 45, 60, 60, 60, 90, 120]),
                };
                timed(day, at, minutes, (kind > 8).then_some(zone))
            }
        }
    }

    /// A third of the series has no end.
    fn rule(&mut self, when: &When) -> String {
        let until = (when.start_local + TimeDelta::days(200)).format("%Y%m%d");
        let until = if when.all_day {
            until.to_string()
        } else if when.time_zone.is_some() {
            format!("{until}T235959Z")
        } else {
            format!("{until}T235959")
        };
        match self.dice.below(100) {
            0..25 => "RRULE:FREQ=WEEKLY".to_owned(),
            25..32 => "RRULE:FREQ=MONTHLY".to_owned(),
            32..35 => "RRULE:FREQ=YEARLY".to_owned(),
            35..70 => format!("RRULE:FREQ=WEEKLY;COUNT={}", 4 + self.dice.below(26)),
            70..80 => format!("RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;COUNT={}", 5 + self.dice.below(40)),
            80..90 => format!("RRULE:FREQ=WEEKLY;INTERVAL=2;UNTIL={until}"),
            _ => format!("RRULE:FREQ=DAILY;COUNT={}", 2 + self.dice.below(8)),
        }
    }

    fn worded(&mut self, mut draft: Draft) -> Draft {
        if self.dice.percent(50) {
            let sentences: Vec<&str> = (0..=self.dice.below(3)).map(|_| *self.dice.pick(&SENTENCES)).collect();
            draft = draft.about(sentences.join(" "));
        }
        if self.dice.percent(30) {
            draft = draft.at(*self.dice.pick(&PLACES));
        }
        draft = match self.dice.below(100) {
            0..10 => draft.visibility(Visibility::Private),
            10..12 => draft.visibility(Visibility::Confidential),
            12..15 => draft.visibility(Visibility::Public),
            _ => draft,
        };
        match self.dice.below(100) {
            0..4 => draft.status(Status::Tentative),
            4..6 => draft.status(Status::Cancelled),
            6..12 => draft.transparent(),
            _ => draft,
        }
    }

    /// Five on average, sometimes a crowd; most have answered, a tenth is from outside.
    fn guests(&mut self) -> Vec<Invited> {
        let count = if self.dice.below(400) == 0 { 40 + self.dice.below(160) } else { self.dice.below(10) };
        let mut seen = HashSet::new();
        let mut guests = Vec::with_capacity(count);
        for _ in 0..count {
            let mut guest = if self.dice.percent(10) {
                Invited::outsider(format!("guest{}@partner.example", self.dice.below(5_000)), None)
            } else {
                Invited::user(&self.users[self.popular.pick(&mut self.dice)])
            };
            if !seen.insert(guest.email.clone()) {
                continue;
            }
            guest.is_optional = self.dice.percent(15);
            let after = TimeDelta::minutes(5 + self.dice.below(4_000) as i64);
            guests.push(match self.dice.below(100) {
                0..45 if guest.user_id.is_some() => guest.answers(ResponseStatus::Accepted, after, None),
                45..55 if guest.user_id.is_some() => {
                    guest.answers(ResponseStatus::Declined, after, Some("別の予定があります"))
                }
                55..63 if guest.user_id.is_some() => guest.answers(ResponseStatus::Tentative, after, None),
                _ => guest,
            });
        }
        guests
    }
}
