use std::fmt::Write;

use reqwest::Method;
use serde_json::{Value, json};

use super::path;
use crate::harness;
use crate::make::{self, at, traces};

fn many(n: usize, of: impl Fn(usize) -> String) -> String {
    (0..n).map(of).collect::<Vec<_>>().join(",")
}

/// A rule, where it is refused, and a word of the limit that is named.
fn rules() -> Vec<(Vec<String>, &'static str, &'static str)> {
    let rule = |text: &str| vec![format!("RRULE:{text}")];
    vec![
        (rule("FREQ=SECONDLY"), "/recurrence/0", "HOURLY or coarser"),
        (rule("FREQ=MINUTELY;INTERVAL=15"), "/recurrence/0", "HOURLY or coarser"),
        (rule("FREQ=DAILY;COUNT=1000000000"), "/recurrence/0", "10000"),
        (rule("FREQ=DAILY;COUNT=0"), "/recurrence/0", "COUNT"),
        (rule("FREQ=DAILY;INTERVAL=0"), "/recurrence/0", "INTERVAL"),
        (rule("FREQ=DAILY;INTERVAL=100001"), "/recurrence/0", "100000"),
        (rule("FREQ=DAILY;UNTIL=20200101T000000Z"), "/recurrence/0", "before the start"),
        (rule("FREQ=DAILY;UNTIL=20260309"), "/recurrence/0", "before the start"),
        (rule("FREQ=DAILY;UNTIL=20261301"), "/recurrence/0", "UNTIL"),
        (rule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), "/recurrence/0", "no occurrence"),
        (rule("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30,31"), "/recurrence/0", "no occurrence"),
        (rule("FREQ=DAILY;INTERVAL=7;BYDAY=MO"), "/recurrence/0", "no occurrence"),
        (rule(&format!("FREQ=YEARLY;BYYEARDAY={}", many(400, |n| format!("{}", n % 366 + 1)))), "/recurrence/0", "50"),
        (rule("RSCALE=HEBREW;FREQ=YEARLY"), "/recurrence/0", "RSCALE"),
        (vec!["RRULE:FREQ=DAILY".into(), "RRULE:FREQ=OFTEN".into()], "/recurrence/1", "FREQ"),
        // 100,000 EXDATEs do not fit into a body; so many do.
        (vec![format!("EXDATE:{}", many(50_000, |_| "20260310T100000".into()))], "/recurrence", "65536 bytes"),
        (vec!["EXDATE:20260310T100000".into(); 1_001], "/recurrence", "1000 lines"),
    ]
}

#[tokio::test]
async fn a_bomb_or_nonsense_is_refused_with_its_place_and_its_limit_in_whatever_request() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "recurrence": ["RRULE:FREQ=DAILY;COUNT=5"] })).await;
    let before = traces(&koyomi).await;
    for (lines, pointer, word) in rules() {
        let create = make::input(&calendar, json!({ "recurrence": lines }));
        let change = json!({ "recurrence": lines });
        let following = format!("{}?scope=following&original_start=2026-03-11T10:00:00", path(&event));
        for answer in [
            mio.post("/api/events", create).await,
            mio.patch(&path(&event), change.clone()).await,
            mio.patch(&format!("{}?dry_run=true", path(&event)), change.clone()).await,
            mio.patch(&following, change.clone()).await,
        ] {
            let problem = answer.problem(422, "validation_failed");
            let shown: String = lines[0].chars().take(60).collect();
            assert_eq!(answer.pointers(), [pointer], "{shown}");
            let reason = problem["errors"][0]["reason"].as_str().unwrap();
            assert!(reason.contains(word), "{shown}: {reason}");
            assert!(reason.len() < 300, "{reason}");
        }
    }
    let bomb = json!({ "recurrence": [format!("EXDATE:{}", many(100_000, |_| "20260310T100000".into()))] });
    let problem = mio.patch(&path(&event), bomb).await.problem(413, "too_large");
    assert!(problem["detail"].as_str().unwrap().contains("1048576 bytes"));
    // An end that the start has passed.
    let ends = json!({ "recurrence": ["RRULE:FREQ=DAILY;UNTIL=20260315T000000Z"] });
    let event = make::event(&mio, &calendar, ends).await;
    let late = json!({ "start": at("2026-03-16T10:00:00", "Asia/Tokyo") });
    let answer = mio.patch(&path(&event), late).await;
    answer.problem(422, "validation_failed");
    assert_eq!(answer.pointers(), ["/recurrence/0"]);
    mio.delete(&path(&event)).await.is(204);
    let after = traces(&koyomi).await;
    assert_eq!(after[1], before[1]);
}

#[tokio::test]
async fn deleting_one_day_after_the_other_has_an_end_that_is_named() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let full = many(3_850, |n| {
        let at =
            chrono::NaiveDate::from_ymd_opt(2030, 1, 1).unwrap() + chrono::TimeDelta::days(i64::try_from(n).unwrap());
        at.format("%Y%m%dT100000").to_string()
    });
    let lines = json!(["RRULE:FREQ=DAILY", format!("EXDATE;TZID=Asia/Tokyo:{full}")]);
    let event = make::event(&mio, &calendar, json!({ "recurrence": lines })).await;
    let mut day = chrono::NaiveDate::from_ymd_opt(2026, 3, 10).unwrap();
    let mut refused = None;
    for _ in 0..300 {
        let answer = mio.delete(&format!("{}?scope=this&original_start={day}T10:00:00", path(&event))).await;
        if answer.status != 204 {
            refused = Some(answer.problem(422, "limit_exceeded"));
            break;
        }
        day = day.succ_opt().unwrap();
    }
    let detail = refused.expect("an end")["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("65536"), "{detail}");
    // What was deleted before stays deleted, and nothing else.
    let page = mio.get(&format!("{}/occurrences?limit=1", path(&event))).await.ok();
    assert_eq!(make::items(&page)[0]["original_start"], format!("{day}T10:00:00"));
}

#[tokio::test]
async fn an_import_names_what_it_cannot_take_and_takes_the_rest() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let mut file = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n".to_owned();
    let mut event = |uid: &str, lines: &str| {
        let _ = write!(
            file,
            "BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260301T000000Z\r\nDTSTART:20260310T100000Z\r\nDURATION:PT1H\r\n{lines}END:VEVENT\r\n"
        );
    };
    let mut words: Vec<(String, &str)> = Vec::new();
    for (n, (lines, _, word)) in rules().into_iter().enumerate().filter(|(_, (lines, ..))| lines.len() == 1) {
        // Folded, as a long line must be.
        let chars: Vec<char> = lines[0].chars().collect();
        let folded: Vec<String> = chars.chunks(70).map(|c| c.iter().collect()).collect();
        event(&format!("bad-{n}"), &format!("{}\r\n", folded.join("\r\n ")));
        words.push((format!("bad-{n}"), if word == "65536 bytes" { "limit" } else { word }));
    }
    // In lines that are short enough each, 100,000 of them together.
    let line = format!("EXDATE:{}\r\n", many(1_000, |_| "20260310T100000Z".into()));
    let chars: Vec<char> = line.trim_end().chars().collect();
    let folded = chars.chunks(70).map(|c| c.iter().collect::<String>()).collect::<Vec<_>>().join("\r\n ") + "\r\n";
    event("exdates", &folded.repeat(100));
    event("good", "RRULE:FREQ=DAILY;COUNT=3\r\n");
    file.push_str("END:VCALENDAR\r\n");
    let client = mio.with("content-type", "text/calendar");
    let target = format!("/api/calendars/{calendar}/import");
    let report = client.send(Method::POST, &target, Some(file)).await.is(200).ok();
    let reason = |uid: &str| -> String {
        let issues = report["issues"].as_array().unwrap().iter();
        let of: Vec<&str> = issues.filter(|i| i["uid"] == uid).filter_map(|i| i["reason"].as_str()).collect();
        of.join(" | ")
    };
    for (uid, word) in words {
        assert!(reason(&uid).contains(word), "{uid} needs {word:?}: {:?}\n{report}", reason(&uid));
    }
    assert!(reason("exdates").contains("limit component_bytes"), "{}", reason("exdates"));
    assert_eq!(reason("good"), "");
    let page = mio.get(&format!("/api/calendars/{calendar}/events?limit=500")).await.ok();
    let good: Vec<&Value> = make::items(&page).iter().filter(|e| e["uid"] == "good").collect();
    assert_eq!(good.len(), 3);
}
