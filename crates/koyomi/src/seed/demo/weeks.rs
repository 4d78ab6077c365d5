//! What the company does all week.

use attendees::ResponseStatus;
use chrono::{Datelike, NaiveDate, NaiveTime, TimeDelta, Weekday};
use events::{Status, Visibility, When};
use kernel::Result;

use super::{
    AOI, BERLIN, EMMA, FUJI, HARUTO, HINA, HUDSON, KEN, LIBRARY, LUKAS, MATSU, MIO, NEW_YORK, NOAH, OCEAN, OLIVIA,
    PEOPLE, REN, SAKURA, SOTA, Scene, TOKYO, YUI,
};
use crate::seed::draft::{Draft, Invited, all_day, repeated, timed};
use crate::seed::rows::Book;

/// Weeks that hold single events, before and after this one.
const PAST: i64 = 4;
const AHEAD: i64 = 8;
/// When series began.
const BEGAN: i64 = -10;

fn clock(hour: u32, minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or(NaiveTime::MIN)
}

fn weekly(when: When, rule: &str) -> When {
    repeated(when, [format!("RRULE:FREQ=WEEKLY{rule}")])
}

impl Scene {
    /// Colleagues as guests; most have answered.
    fn guests(&mut self, people: &[usize]) -> Vec<Invited> {
        people
            .iter()
            .map(|n| {
                let guest = Invited::user(&self.people[*n]);
                let after = TimeDelta::minutes(10 + i64::try_from(self.dice.below(900)).unwrap_or(0));
                match self.dice.below(10) {
                    0..=5 => guest.answers(ResponseStatus::Accepted, after, None),
                    6 => guest.answers(ResponseStatus::Tentative, after, Some("途中から参加するかもしれません")),
                    7 => guest.answers(ResponseStatus::Declined, after, Some("その日は休みです")),
                    _ => guest,
                }
            })
            .collect()
    }

    fn workday(&mut self, day: NaiveDate) -> NaiveDate {
        match day.weekday() {
            Weekday::Sat => day + TimeDelta::days(2),
            Weekday::Sun => day + TimeDelta::days(1),
            _ => day,
        }
    }
}

pub(super) fn product(scene: &mut Scene, book: &mut Book) -> Result<()> {
    let began = scene.since + TimeDelta::days(3);
    let monday = scene.day(BEGAN, 0);
    let team = scene.guests(&[KEN, AOI, HARUTO, REN]);

    let standup = weekly(timed(monday, clock(9, 30), 15, Some(TOKYO)), ";BYDAY=MO,TU,WE,TH,FR");
    let off = scene.day(1, 2).format("EXDATE;TZID=Asia/Tokyo:%Y%m%dT093000").to_string();
    let standup = repeated(standup.clone(), standup.recurrence.into_iter().chain([off]));
    let draft = Draft::new("朝会 / Daily stand-up", standup, scene.id(MIO), began);
    scene.add(book, draft.about("昨日・今日・困りごと").with(team))?;

    // One of the planning meetings is moved: a record of its own stands for that occurrence.
    let moved = scene.day(2, 0).and_time(clock(14, 0));
    let guests = scene.guests(&[KEN, AOI, HARUTO, EMMA]);
    let planning = weekly(timed(monday, clock(14, 0), 60, Some(TOKYO)), "");
    let draft = Draft::new("スプリント計画 / Sprint planning", planning, scene.id(MIO), began);
    let series = scene.add(book, draft.with(guests).room([FUJI]).without(moved))?;
    let guests = scene.guests(&[KEN, AOI, HARUTO, EMMA]);
    let instead = timed(scene.day(2, 1), clock(16, 0), 60, Some(TOKYO));
    let draft = Draft::new("スプリント計画 (移動) / Sprint planning, moved", instead, scene.id(MIO), scene.now);
    scene.add(book, draft.with(guests).room([FUJI]).instead_of(series, moved))?;

    // In Berlin's wall time: in Tokyo it moves by an hour when Europe's clocks change.
    let sync = weekly(timed(scene.day(BEGAN, 1), clock(9, 0), 45, Some(BERLIN)), "");
    let guests = scene.guests(&[MIO, AOI, LUKAS]);
    let draft = Draft::new("Tokyo–Berlin sync", sync, scene.id(EMMA), began);
    scene.add(book, draft.about("09:00 in Berlin, all year round.").with(guests).room([LIBRARY]))?;

    let review = repeated(
        timed(scene.day(BEGAN, 4), clock(16, 0), 60, Some(TOKYO)),
        ["RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=20".to_owned()],
    );
    let guests = scene.guests(&[MIO, KEN, AOI, HARUTO, YUI, EMMA]);
    let customer = Invited::outsider("tanizaki@customer.example".into(), Some("谷崎 様".into()));
    let draft = Draft::new("スプリントレビュー / Sprint review", review, scene.id(MIO), began);
    scene.add(book, draft.with(guests).with([customer]).room([OCEAN]))?;

    let release = all_day(scene.day(3, 3), 1);
    let draft = Draft::new("🚀 リリース 2.0", release, scene.id(MIO), began).transparent();
    scene.add(book, draft)?;

    const SINGLES: [(&str, i64, u64, u32, i64); 12] = [
        ("設計レビュー: 検索 / Design review: search", -3, 2, 15, 60),
        ("負荷試験のふりかえり / Load test retrospective", -2, 3, 11, 60),
        ("セキュリティ診断の報告 / Security report", -1, 1, 13, 90),
        ("設計レビュー: 通知 / Design review: notifications", 0, 2, 15, 60),
        ("ユーザーインタビュー / User interview", 0, 3, 10, 60),
        ("インシデント訓練 / Incident drill", 0, 4, 13, 120),
        ("ロードマップ会議 / Roadmap", 1, 1, 10, 90),
        ("データ移行リハーサル / Migration rehearsal", 1, 4, 11, 120),
        ("API 勉強会 / API study group", 2, 3, 17, 60),
        ("設計レビュー: 権限 / Design review: access", 3, 2, 15, 60),
        ("リリース判定 / Go or no-go", 3, 1, 10, 60),
        ("ふりかえり / Retrospective", 4, 4, 16, 60),
    ];
    for (title, weeks, weekday, hour, minutes) in SINGLES {
        let day = scene.day(weeks, weekday);
        let organizer = *scene.dice.pick(&[MIO, KEN, AOI, HARUTO]);
        let guests: Vec<usize> =
            [MIO, KEN, AOI, HARUTO, REN, EMMA, LUKAS].into_iter().filter(|n| *n != organizer).collect();
        let count = 2 + scene.dice.below(4);
        let guests = scene.guests(&guests[..count]);
        let at = scene.before(day);
        let draft = Draft::new(title, timed(day, clock(hour, 0), minutes, Some(TOKYO)), scene.id(organizer), at);
        scene.add(book, draft.with(guests).room([SAKURA, MATSU, FUJI]))?;
    }
    Ok(())
}

pub(super) fn marketing(scene: &mut Scene, book: &mut Book) -> Result<()> {
    let began = scene.since + TimeDelta::days(5);
    let weekly_meeting = weekly(timed(scene.day(BEGAN, 1), clock(11, 0), 45, Some(TOKYO)), "");
    let guests = scene.guests(&[SOTA, OLIVIA, MIO]);
    let draft = Draft::new("マーケ定例 / Marketing weekly", weekly_meeting, scene.id(YUI), began);
    scene.add(book, draft.with(guests).room([SAKURA]))?;

    let campaign = all_day(scene.day(1, 0), 12);
    let draft = Draft::new("冬のキャンペーン / Winter campaign", campaign, scene.id(YUI), began).transparent();
    scene.add(book, draft.about("LP 公開から抽選まで"))?;

    let webinar = timed(scene.day(2, 2), clock(10, 0), 90, Some(NEW_YORK));
    let guests = scene.guests(&[YUI, SOTA, NOAH]);
    let draft = Draft::new("Webinar: calendars that keep promises", webinar, scene.id(OLIVIA), began);
    scene.add(book, draft.at("https://meet.example.com/webinar").with(guests).room([HUDSON]))?;

    let negotiation = timed(scene.day(0, 3), clock(15, 0), 60, Some(TOKYO));
    let at = scene.before(scene.day(0, 3));
    let draft = Draft::new("代理店との契約交渉 / Agency contract", negotiation, scene.id(YUI), at);
    scene.add(
        book,
        draft.visibility(Visibility::Private).with([Invited::outsider("agent@agency.example".into(), None)]),
    )?;
    Ok(())
}

pub(super) fn company(scene: &mut Scene, book: &mut Book) -> Result<()> {
    let began = scene.since + TimeDelta::days(1);
    let first = first_friday(scene.day(BEGAN, 0));
    let all_hands = repeated(timed(first, clock(16, 30), 60, Some(TOKYO)), ["RRULE:FREQ=MONTHLY;BYDAY=1FR".to_owned()]);
    let everybody: Vec<usize> = (0..PEOPLE.len()).filter(|n| *n != KEN).collect();
    let guests = scene.guests(&everybody);
    let draft = Draft::new("全社会議 / All hands", all_hands, scene.id(KEN), began);
    scene.add(book, draft.about("四半期の数字、新しい仲間、質問").with(guests).room([OCEAN]))?;

    let offsite = all_day(scene.day(5, 2), 3);
    let guests = scene.guests(&everybody);
    let draft = Draft::new("社員旅行 (箱根) / Offsite in Hakone", offsite, scene.id(KEN), began);
    scene.add(book, draft.at("箱根町, 神奈川県").with(guests))?;

    let drill = timed(scene.day(-1, 2), clock(10, 0), 30, Some(TOKYO));
    let draft = Draft::new("避難訓練 / Fire drill", drill, scene.id(MIO), began).status(Status::Cancelled);
    scene.add(book, draft.about("雨天中止"))?;

    let party = timed(scene.day(4, 4), clock(18, 30), 180, Some(TOKYO));
    let at = scene.before(scene.day(4, 4));
    let draft = Draft::new("忘年会 / Year-end party", party, scene.id(MIO), at).status(Status::Tentative);
    scene.add(book, draft.at("居酒屋こよみ"))?;
    Ok(())
}

pub(super) fn leadership(scene: &mut Scene, book: &mut Book) -> Result<()> {
    let began = scene.since + TimeDelta::days(2);
    let board =
        repeated(timed(scene.day(BEGAN, 2), clock(8, 0), 90, Some(TOKYO)), ["RRULE:FREQ=WEEKLY;INTERVAL=4".to_owned()]);
    let guests = scene.guests(&[YUI, HINA]);
    let draft = Draft::new("取締役会 / Board", board, scene.id(KEN), began).visibility(Visibility::Confidential);
    scene.add(book, draft.with(guests).room([FUJI]))?;
    let budget = timed(scene.day(0, 1), clock(17, 0), 60, Some(TOKYO));
    let at = scene.before(scene.day(0, 1));
    let draft = Draft::new("予算 / Budget", budget, scene.id(KEN), at);
    scene.add(book, draft.room([MATSU]))?;
    // A quarter of an hour either side of midnight, where windows like to be off by one.
    let night = timed(scene.day(0, 4), clock(23, 45), 30, Some(TOKYO));
    let draft = Draft::new("決算発表の待機 / Earnings call standby", night, scene.id(KEN), began);
    scene.add(book, draft)?;
    Ok(())
}

pub(super) fn hiring(scene: &mut Scene, book: &mut Book) -> Result<()> {
    let began = scene.since + TimeDelta::days(4);
    let triage = weekly(timed(scene.day(BEGAN, 3), clock(13, 0), 30, Some(TOKYO)), "");
    let guests = scene.guests(&[MIO, REN]);
    let draft = Draft::new("応募者の確認 / Applications", triage, scene.id(HINA), began);
    scene.add(book, draft.with(guests).room([MATSU, SAKURA]))?;
    for (n, weeks) in (-PAST..AHEAD).enumerate() {
        for weekday in [1, 4] {
            let day = scene.day(weeks, weekday);
            let hour = 13 + u32::try_from(scene.dice.below(4)).unwrap_or(0);
            let interviewer = *scene.dice.pick(&[MIO, KEN, AOI, HARUTO, REN]);
            let candidate =
                Invited::outsider(format!("candidate{}@mail.example", n * 2 + usize::from(weekday == 4)), None);
            let guests = scene.guests(&[interviewer]);
            let at = scene.before(day);
            let draft = Draft::new("面接 / Interview", timed(day, clock(hour, 0), 60, Some(TOKYO)), scene.id(HINA), at);
            let draft = draft.visibility(Visibility::Private).with(guests).with([candidate]);
            scene.add(book, draft.room([MATSU, SAKURA]))?;
        }
    }
    Ok(())
}

/// Somebody's own calendar: habits, one-to-ones, and a meeting or two a day.
pub(super) fn personal(scene: &mut Scene, person: usize, book: &mut Book) -> Result<()> {
    let (zone, me) = (PEOPLE[person].2, scene.id(person));
    let began = scene.since + TimeDelta::days(6);
    // Lunch is at noon wherever one is: floating.
    let lunch = weekly(timed(scene.day(BEGAN, 0), clock(12, 0), 60, None), ";BYDAY=MO,TU,WE,TH,FR");
    scene.add(book, Draft::new("ランチ / Lunch", lunch, me, began).visibility(Visibility::Private))?;
    let birthday = NaiveDate::from_ymd_opt(scene.monday.year() - 1, u32::try_from(person).unwrap_or(0) % 12 + 1, 17);
    if let Some(day) = birthday {
        let when = repeated(all_day(day, 1), ["RRULE:FREQ=YEARLY".to_owned()]);
        let title = format!("🎂 {}", scene.people[person].name);
        scene.add(book, Draft::new(title, when, me, began).transparent())?;
    }
    let other = (person + 1) % PEOPLE.len();
    let one_to_one =
        repeated(timed(scene.day(BEGAN, 2), clock(17, 0), 30, Some(zone)), ["RRULE:FREQ=WEEKLY;INTERVAL=2".to_owned()]);
    let guests = scene.guests(&[other]);
    scene.add(book, Draft::new("1on1", one_to_one, me, began).with(guests))?;
    if person == MIO || person == OLIVIA {
        let gym = repeated(
            timed(scene.day(BEGAN, 1), clock(7, 0), 60, Some(zone)),
            ["RRULE:FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=".to_owned()
                + &scene.day(AHEAD, 6).format("%Y%m%dT000000Z").to_string()],
        );
        scene.add(book, Draft::new("ジム / Gym", gym, me, began).visibility(Visibility::Private))?;
        let flight = When { end_time_zone: None, ..timed(scene.day(3, 5), clock(17, 25), 12 * 60 + 40, Some(zone)) };
        scene.add(book, Draft::new("✈ NRT → JFK", flight, me, began).at("成田空港 第1ターミナル"))?;
        let leave = all_day(scene.day(6, 0), 5);
        scene.add(book, Draft::new("有給休暇 / Vacation", leave, me, began))?;
    }
    const TITLES: [&str; 12] = [
        "打ち合わせ / Catch-up",
        "資料作成 / Writing",
        "コードレビュー / Code review",
        "集中時間 / Focus time",
        "顧客訪問 / Customer visit",
        "電話会議 / Call",
        "相談 / Quick question",
        "ペア作業 / Pairing",
        "見積り / Estimates",
        "調査 / Research",
        "引き継ぎ / Handover",
        "デモ準備 / Demo preparation",
    ];
    for weeks in -PAST..AHEAD {
        for weekday in 0..5 {
            let day = scene.day(weeks, weekday);
            let mut hours = vec![10, 11, 13, 14, 15, 16];
            for _ in 0..=scene.dice.below(2) {
                let hour = hours.swap_remove(scene.dice.below(hours.len()));
                let title = *scene.dice.pick(&TITLES);
                let when = timed(day, clock(hour, 0), [30, 45, 60][scene.dice.below(3)], Some(zone));
                let at = scene.before(day);
                let mut draft = Draft::new(title, when, me, at);
                if scene.dice.percent(55) {
                    let first = scene.dice.below(PEOPLE.len());
                    let guests: Vec<usize> =
                        [first, (first + 3) % PEOPLE.len()].into_iter().filter(|n| *n != person).collect();
                    let guests = scene.guests(&guests);
                    draft = draft.with(guests);
                    if scene.dice.percent(50) {
                        draft = draft.room(rooms_of(zone));
                    }
                }
                scene.add(book, draft)?;
            }
        }
    }
    let dentist = scene.workday(scene.day(0, 2 + u64::try_from(person % 3).unwrap_or(0)));
    let at = scene.before(dentist);
    let draft = Draft::new("歯医者 / Dentist", timed(dentist, clock(9, 0), 45, Some(zone)), me, at);
    scene.add(book, draft.visibility(Visibility::Private))?;
    Ok(())
}

fn rooms_of(zone: &str) -> Vec<usize> {
    match zone {
        BERLIN => vec![LIBRARY],
        NEW_YORK => vec![HUDSON],
        _ => vec![MATSU, SAKURA, FUJI],
    }
}

fn first_friday(not_before: NaiveDate) -> NaiveDate {
    let of = |day: NaiveDate| NaiveDate::from_weekday_of_month_opt(day.year(), day.month(), Weekday::Fri, 1);
    let next = not_before + chrono::Months::new(1);
    of(not_before).filter(|day| *day >= not_before).or_else(|| of(next)).unwrap_or(not_before)
}
