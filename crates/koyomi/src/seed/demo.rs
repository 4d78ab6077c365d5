//! A company of twelve, their rooms, and their weeks around today.

mod weeks;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use events::{Role, Visibility};
use kernel::{CalendarId, Result, TenantId, UserId};
use resources::{Resource, ResourceKind};
use users::User;

use super::Plot;
use super::draft::{Draft, all_day, repeated};
use super::rows::{Book, CalendarRow, Dice, Ground, Rooms, Rows};

const TOKYO: &str = "Asia/Tokyo";
const BERLIN: &str = "Europe/Berlin";
const NEW_YORK: &str = "America/New_York";

/// Address, name, zone. The first two are the ones to sign in as.
const PEOPLE: [(&str, &str, &str); 12] = [
    ("mio", "佐藤 澪 / Mio Sato", TOKYO),
    ("ken", "田中 健 / Ken Tanaka", TOKYO),
    ("aoi", "鈴木 葵 / Aoi Suzuki", TOKYO),
    ("haruto", "高橋 陽翔 / Haruto Takahashi", TOKYO),
    ("yui", "伊藤 結衣 / Yui Ito", TOKYO),
    ("sota", "渡辺 颯太 / Sota Watanabe", TOKYO),
    ("hina", "山本 陽菜 / Hina Yamamoto", TOKYO),
    ("ren", "中村 蓮 / Ren Nakamura", TOKYO),
    ("emma", "Emma Schneider", BERLIN),
    ("lukas", "Lukas Weber", BERLIN),
    ("olivia", "Olivia Brown", NEW_YORK),
    ("noah", "Noah Davis", NEW_YORK),
];
pub(super) const MIO: usize = 0;
pub(super) const KEN: usize = 1;
pub(super) const AOI: usize = 2;
pub(super) const HARUTO: usize = 3;
pub(super) const YUI: usize = 4;
pub(super) const SOTA: usize = 5;
pub(super) const HINA: usize = 6;
pub(super) const REN: usize = 7;
pub(super) const EMMA: usize = 8;
pub(super) const LUKAS: usize = 9;
pub(super) const OLIVIA: usize = 10;
pub(super) const NOAH: usize = 11;

/// Name, kind, how many, where, one booking at a time.
const RESOURCES: [(&str, ResourceKind, i32, &str, bool); 10] = [
    ("富士 / Fuji", ResourceKind::Room, 12, "東京 10F", true),
    ("桜 / Sakura", ResourceKind::Room, 6, "東京 10F", true),
    ("松 / Matsu", ResourceKind::Room, 4, "東京 9F", true),
    ("海 / Ocean", ResourceKind::Room, 40, "東京 1F", true),
    ("Library", ResourceKind::Room, 8, "Berlin, 2nd floor", true),
    ("Hudson", ResourceKind::Room, 6, "New York, 14th floor", true),
    ("電話ブース / Phone booth", ResourceKind::Room, 1, "東京 10F", true),
    ("社用車 / Company car", ResourceKind::Vehicle, 5, "東京 B1", true),
    ("プロジェクター / Projector", ResourceKind::Equipment, 1, "東京 10F 受付", true),
    ("フリーアドレス席 / Hot desks", ResourceKind::Other, 20, "東京 9F", false),
];
pub(super) const FUJI: usize = 0;
pub(super) const SAKURA: usize = 1;
pub(super) const MATSU: usize = 2;
pub(super) const OCEAN: usize = 3;
pub(super) const LIBRARY: usize = 4;
pub(super) const HUDSON: usize = 5;

/// Everything that the weeks are made with.
pub(super) struct Scene {
    pub(super) now: DateTime<Utc>,
    /// Of this week.
    pub(super) monday: NaiveDate,
    pub(super) people: Vec<User>,
    pub(super) rooms: Rooms,
    pub(super) dice: Dice,
    /// When the company moved in: six months ago.
    pub(super) since: DateTime<Utc>,
}

impl Scene {
    pub(super) fn id(&self, person: usize) -> UserId {
        self.people[person].id
    }

    /// A day of the week that lies `weeks` ahead; 0 is Monday.
    pub(super) fn day(&self, weeks: i64, weekday: u64) -> NaiveDate {
        (self.monday + TimeDelta::weeks(weeks)) + Days::new(weekday)
    }

    /// When somebody wrote down what starts on that day: some days before, and not in the future.
    pub(super) fn before(&mut self, day: NaiveDate) -> DateTime<Utc> {
        let days = 2 + i64::try_from(self.dice.below(12)).unwrap_or(0);
        let minutes = i64::try_from(self.dice.below(600)).unwrap_or(0);
        let at = day.and_time(NaiveTime::MIN).and_utc() - TimeDelta::days(days) + TimeDelta::minutes(minutes);
        at.min(self.now - TimeDelta::minutes(minutes))
    }

    fn book(&mut self, owner: usize, name: &str, color: &'static str, about: Option<&str>) -> Book {
        let calendar = CalendarRow {
            id: self.dice.id(BIRTH),
            owner_id: self.id(owner),
            name: name.to_owned(),
            description: about.map(str::to_owned),
            color,
            time_zone: PEOPLE[owner].2,
            longest_seconds: 0,
            created_at: self.since,
            seq: 0,
            acl: 0,
        };
        Book::open(calendar, self.now)
    }

    fn add(&mut self, book: &mut Book, draft: Draft) -> Result<kernel::EventId> {
        book.add(draft, &mut self.dice, &mut self.rooms)
    }
}

/// The moment in the ids of people, rooms and calendars: with it they are the same in every demo, whatever the day.
const BIRTH: DateTime<Utc> = match DateTime::from_timestamp(1_767_225_600, 0) {
    Some(at) => at,
    None => DateTime::UNIX_EPOCH,
};

pub(super) fn plot(tenant: TenantId, now: DateTime<Utc>) -> Result<Plot> {
    let mut dice = Dice::new(2026);
    let since = now - TimeDelta::weeks(26);
    let people: Vec<User> = PEOPLE
        .iter()
        .enumerate()
        .map(|(n, (handle, name, zone))| User {
            id: dice.id(BIRTH),
            tenant_id: tenant,
            email: format!("{handle}@example.com"),
            name: (*name).to_owned(),
            avatar_url: None,
            time_zone: (*zone).to_owned(),
            is_admin: n == MIO,
            version: 1,
            created_at: since - TimeDelta::days(1),
            updated_at: since - TimeDelta::days(1),
            deactivated_at: None,
        })
        .collect();
    let resources: Vec<Resource> = RESOURCES
        .iter()
        .map(|(name, kind, capacity, location, exclusive)| Resource {
            id: dice.id(BIRTH),
            tenant_id: tenant,
            name: (*name).to_owned(),
            kind: *kind,
            capacity: Some(*capacity),
            location: Some((*location).to_owned()),
            description: None,
            exclusive: *exclusive,
            version: 1,
            created_at: since,
            updated_at: since,
        })
        .collect();
    let today = now.date_naive();
    let mut scene = Scene {
        now,
        monday: today - Days::new(u64::from(today.weekday().num_days_from_monday())),
        people: people.clone(),
        rooms: Rooms::new(resources.clone()),
        dice,
        since,
    };
    let rows = calendars(&mut scene)?;
    let mark = rows.calendars.iter().map(|c| c.id).min().unwrap_or(CalendarId(uuid::Uuid::nil()));
    Ok(Plot { ground: Ground { users: people, resources }, mark, chunks: Box::new([Ok(rows)].into_iter()) })
}

fn calendars(scene: &mut Scene) -> Result<Rows> {
    // All ids first: whatever a week holds, calendars keep theirs.
    let mut personal: Vec<Book> = (0..PEOPLE.len())
        .map(|n| {
            let handle = PEOPLE[n].0;
            let name =
                if PEOPLE[n].2 == TOKYO { format!("{handle} の予定") } else { format!("{handle}'s calendar") };
            scene.book(n, &name, ["#1e90ff", "#2e8b57", "#c71585", "#ff8c00"][n % 4], None)
        })
        .collect();
    let mut product =
        scene.book(MIO, "プロダクト開発 / Product", "#6a5acd", Some("開発チームの予定。Rooms are booked here."));
    let mut marketing = scene.book(YUI, "マーケティング / Marketing", "#ff7f50", None);
    let mut company = scene.book(KEN, "全社 / Company", "#008080", Some("Everybody reads, Ken and Mio write."));
    let mut leadership = scene.book(KEN, "経営 / Leadership", "#8b0000", Some("Others see only when it is busy."));
    let mut hiring = scene.book(HINA, "採用 / Hiring", "#daa520", None);
    let mut holidays = scene.book(KEN, "日本の祝日 / Holidays in Japan", "#dc143c", None);

    for n in [KEN, AOI, HARUTO, EMMA, LUKAS] {
        product.share(scene.id(n), Role::Writer);
    }
    marketing.share(scene.id(SOTA), Role::Owner);
    for n in [MIO, KEN, OLIVIA] {
        marketing.share(scene.id(n), Role::Reader);
    }
    company.share(scene.id(MIO), Role::Writer);
    for n in [MIO, AOI, HARUTO, HINA] {
        leadership.share(scene.id(n), Role::FreeBusy);
    }
    for n in [MIO, REN] {
        hiring.share(scene.id(n), Role::Writer);
    }
    for n in 0..PEOPLE.len() {
        company.share(scene.id(n), Role::Reader);
        holidays.share(scene.id(n), Role::Reader);
        product.share(scene.id(n), Role::Reader);
    }
    personal[MIO].share(scene.id(KEN), Role::Writer);
    personal[KEN].share(scene.id(MIO), Role::Reader);
    personal[AOI].share(scene.id(MIO), Role::FreeBusy);

    japanese_holidays(scene, &mut holidays)?;
    weeks::product(scene, &mut product)?;
    weeks::marketing(scene, &mut marketing)?;
    weeks::company(scene, &mut company)?;
    weeks::leadership(scene, &mut leadership)?;
    weeks::hiring(scene, &mut hiring)?;
    for (n, book) in personal.iter_mut().enumerate() {
        weeks::personal(scene, n, book)?;
    }
    let mut rows = Rows::default();
    for book in personal.into_iter().chain([product, marketing, company, leadership, hiring, holidays]) {
        book.close(&mut rows);
    }
    rows.interleave();
    Ok(rows)
}

/// By rule where a rule says it; the equinoxes by the approximation that holds until 2099. Substitute holidays are left
/// out.
fn japanese_holidays(scene: &mut Scene, book: &mut Book) -> Result<()> {
    const BY_RULE: [(&str, u32, u32, &str); 14] = [
        ("元日", 1, 1, ""),
        ("成人の日", 1, 0, "BYMONTH=1;BYDAY=2MO"),
        ("建国記念の日", 2, 11, ""),
        ("天皇誕生日", 2, 23, ""),
        ("昭和の日", 4, 29, ""),
        ("憲法記念日", 5, 3, ""),
        ("みどりの日", 5, 4, ""),
        ("こどもの日", 5, 5, ""),
        ("海の日", 7, 0, "BYMONTH=7;BYDAY=3MO"),
        ("山の日", 8, 11, ""),
        ("敬老の日", 9, 0, "BYMONTH=9;BYDAY=3MO"),
        ("スポーツの日", 10, 0, "BYMONTH=10;BYDAY=2MO"),
        ("文化の日", 11, 3, ""),
        ("勤労感謝の日", 11, 23, ""),
    ];
    let year = scene.monday.year() - 1;
    let mut days: Vec<(&str, Option<NaiveDate>, Option<String>)> = BY_RULE
        .iter()
        .map(|(name, month, day, rule)| match day {
            0 => (*name, second_or_third_monday(year, *month, rule), Some(format!("RRULE:FREQ=YEARLY;{rule}"))),
            day => (*name, NaiveDate::from_ymd_opt(year, *month, *day), Some("RRULE:FREQ=YEARLY".to_owned())),
        })
        .collect();
    for year in year..year + 5 {
        let since = year - 1980;
        let equinox = |base: f64| (base + 0.242_194 * f64::from(since)).floor() as u32 - (since / 4).unsigned_abs();
        days.push(("春分の日", NaiveDate::from_ymd_opt(year, 3, equinox(20.8431)), None));
        days.push(("秋分の日", NaiveDate::from_ymd_opt(year, 9, equinox(23.2488)), None));
    }
    for (name, day, rule) in days {
        let Some(day) = day else { continue };
        let when = repeated(all_day(day, 1), rule);
        let draft = Draft::new(name, when, scene.id(KEN), scene.since).transparent().visibility(Visibility::Public);
        scene.add(book, draft)?;
    }
    Ok(())
}

fn second_or_third_monday(year: i32, month: u32, rule: &str) -> Option<NaiveDate> {
    let nth = if rule.ends_with("3MO") { 3 } else { 2 };
    NaiveDate::from_weekday_of_month_opt(year, month, chrono::Weekday::Mon, nth)
}
