//! Random series: rules put together from their parts, so that most of them are read, and texts that were damaged.

use chrono::{DateTime, NaiveDateTime, TimeDelta};
use recurrence::{Duration, Moment, RecurrenceDate, Rule, Series, Window, Zone};

/// SplitMix64: a case is found again by its seed and number alone, whatever happens to the crates of randomness.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64, number: u64) -> Rng {
        let mut rng = Rng(seed ^ number.wrapping_mul(0xd134_2543_de82_ef95));
        rng.next();
        rng
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    fn range(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as u64) as i64
    }

    pub(crate) fn percent(&mut self, p: u64) -> bool {
        self.below(100) < p
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len() as u64) as usize]
    }
}

/// What one call of the expander is asked.
pub(crate) struct Case {
    /// As it would arrive.
    pub(crate) text: String,
    pub(crate) series: Series,
    /// One year.
    pub(crate) window: Window,
}

/// The case of this number, `None` when its rule is refused; the text comes with it either way.
pub(crate) fn case(seed: u64, number: u64) -> (String, Option<Case>) {
    let mut rng = Rng::new(seed, number);
    let start = start(&mut rng);
    let mut text = rule_text(&mut rng, start);
    if rng.percent(25) {
        text = damaged(&mut rng, &text, start);
    }
    let Ok(rule) = Rule::parse(&text) else { return (text, None) };
    let mut rules = vec![rule];
    if rng.percent(5) {
        rules.extend(Rule::parse(&rule_text(&mut rng, start)).ok());
    }
    let anchor = zone(&mut rng);
    let form = rng.below(5);
    let start_moment = moment(&mut rng, start, form);
    let near = |rng: &mut Rng| start + TimeDelta::seconds(rng.range(0, 4_000 * 86_400) / 1_800 * 1_800);
    let (mut rdates, mut exdates) = (Vec::new(), Vec::new());
    for _ in 0..if rng.percent(10) { rng.below(40) } else { 0 } {
        let at = near(&mut rng);
        let form = rng.below(5);
        if rng.percent(50) {
            let duration = rng.percent(40).then(|| duration(&mut rng));
            rdates.push(RecurrenceDate { start: moment(&mut rng, at, form), duration });
        } else if !rdates.is_empty() && rng.percent(30) {
            // what is added may be removed
            let number = rng.below(rdates.len() as u64) as usize;
            exdates.push(rdates[number].start.clone());
        } else {
            exdates.push(moment(&mut rng, at, form));
        }
    }
    let duration = duration(&mut rng);
    let years = match rng.below(20) {
        0 => rng.range(1_000, 7_000),
        1 | 2 => rng.range(100, 1_000),
        3..9 => rng.range(2, 100),
        _ => rng.range(-1, 2),
    };
    let from = start.and_utc() + TimeDelta::days(365 * years + rng.range(-40, 366));
    let window = Window { from, to: from + TimeDelta::days(366) };
    let series = Series { start: start_moment, duration, rules, rdates, exdates, anchor };
    (text.clone(), Some(Case { text, series, window }))
}

const WEEKDAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

fn start(rng: &mut Rng) -> NaiveDateTime {
    let day = if rng.percent(95) { rng.range(0, 36_500) } else { rng.range(-700_000, 2_900_000) };
    let second = if rng.percent(60) { rng.range(0, 47) * 1_800 } else { rng.range(0, 86_399) };
    DateTime::from_timestamp(day * 86_400 + second, 0).unwrap_or_default().naive_utc()
}

fn zone(rng: &mut Rng) -> Zone {
    let names =
        ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca"];
    Zone::iana(rng.pick(&names)).unwrap_or_else(|_| Zone::utc())
}

fn moment(rng: &mut Rng, at: NaiveDateTime, form: u64) -> Moment {
    match form {
        0 => Moment::Date(at.date()),
        1 => Moment::Floating(at),
        _ => Moment::Zoned(at, zone(rng)),
    }
}

fn duration(rng: &mut Rng) -> Duration {
    match rng.below(20) {
        0 => Duration { days: rng.range(0, 400) as i32, seconds: rng.range(0, 90_000) },
        1..4 => Duration::days(rng.range(1, 3) as i32),
        4 => Duration::ZERO,
        _ => Duration::seconds(rng.range(1, 48) * 1_800),
    }
}

fn rule_text(rng: &mut Rng, start: NaiveDateTime) -> String {
    let freq = rng.pick(&["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"]);
    let mut parts = vec![format!("FREQ={freq}")];
    if rng.percent(40) {
        let most = match rng.below(10) {
            0 => 100_000,
            1 | 2 => 400,
            _ => 12,
        };
        parts.push(format!("INTERVAL={}", rng.range(1, most)));
    }
    if rng.percent(30) {
        parts.push(format!("WKST={}", rng.pick(&WEEKDAYS)));
    }
    match rng.below(10) {
        0..3 => {
            let most = if rng.percent(30) { 10_000 } else { 200 };
            parts.push(format!("COUNT={}", rng.range(1, most)));
        }
        3 | 4 => {
            let until = start + TimeDelta::seconds(rng.range(-100, 40_000) * 43_200 + rng.range(0, 86_399));
            parts.push(match rng.below(3) {
                0 => format!("UNTIL={}", until.format("%Y%m%d")),
                1 => format!("UNTIL={}", until.format("%Y%m%dT%H%M%S")),
                _ => format!("UNTIL={}", until.format("%Y%m%dT%H%M%SZ")),
            });
        }
        _ => {}
    }
    by_parts(rng, freq, &mut parts);
    // any order is allowed
    if rng.percent(20) {
        let at = rng.below(parts.len() as u64) as usize;
        parts.rotate_left(at);
    }
    parts.join(";")
}

fn by_parts(rng: &mut Rng, freq: &str, parts: &mut Vec<String>) {
    let wild = rng.percent(3); // parts where §3.3.10 forbids them
    let dense = rng.percent(15);
    // half of the dense ones leave it to the limit of the parser
    let mut left = if dense && rng.percent(50) { 200 } else { 50 };
    let mut some = |rng: &mut Rng, name: &str, often: u64, low: i64, high: i64| {
        if !rng.percent(often) {
            return;
        }
        let most = if dense { left.min(high - low) } else { left.min(4) };
        let count = rng.range(1, most.max(1)).min(left);
        let values: Vec<_> = (0..count).map(|_| around_zero(rng, low, high).to_string()).collect();
        if !values.is_empty() {
            left -= count;
            parts.push(format!("{name}={}", values.join(",")));
        }
    };
    some(rng, "BYMONTH", 30, 1, 12);
    let weeks = (freq == "YEARLY" || wild) && rng.percent(25);
    if weeks {
        some(rng, "BYWEEKNO", 100, -53, 53);
    }
    if matches!(freq, "YEARLY" | "HOURLY") || wild {
        some(rng, "BYYEARDAY", 20, -366, 366);
    }
    if freq != "WEEKLY" || wild {
        some(rng, "BYMONTHDAY", 30, -31, 31);
    }
    some(rng, "BYHOUR", 20, 0, 23);
    some(rng, "BYMINUTE", 20, 0, 59);
    some(rng, "BYSECOND", 15, 0, 60);
    some(rng, "BYSETPOS", 20, -366, 366);
    if rng.percent(50) {
        let ordinals = (matches!(freq, "YEARLY" | "MONTHLY") && !weeks || wild) && rng.percent(60);
        let days = (0..rng.range(1, if ordinals { 5 } else { 4 })).map(|_| {
            let day = rng.pick(&WEEKDAYS);
            if ordinals && rng.percent(80) {
                let most = if rng.percent(70) { 5 } else { 53 };
                format!("{}{day}", around_zero(rng, -most, most))
            } else {
                day.to_owned()
            }
        });
        parts.push(format!("BYDAY={}", days.collect::<Vec<_>>().join(",")));
    }
}

/// Never zero where both signs are allowed; small numbers are as likely as all others.
fn around_zero(rng: &mut Rng, low: i64, high: i64) -> i64 {
    if low >= 0 {
        return rng.range(low, high);
    }
    let most = if rng.percent(50) { high.min(5) } else { high };
    let value = rng.range(1, most);
    if rng.percent(40) { -value } else { value }
}

/// A text with something wrong in it, or only odd.
fn damaged(rng: &mut Rng, text: &str, start: NaiveDateTime) -> String {
    let noise = [
        ";",
        "=",
        ",",
        "-",
        "+",
        "0",
        "9",
        "99999999999999999999",
        " ",
        "\t",
        "\r\n ",
        "Z",
        "T",
        "é",
        "１",
        "\u{0}",
        "MO",
        "53",
        "-0",
        "FREQ=",
        "COUNT=1000000000",
        "INTERVAL=0",
        "RSCALE=CHINESE",
        "SKIP=OMIT",
        "RRULE:",
        "BYEASTER=0",
        "FREQ=SECONDLY",
        "FREQ=MINUTELY",
        "UNTIL=",
        "BYDAY=",
        "X-A=1",
        ";;;;",
    ];
    let mut text: Vec<char> = text.chars().collect();
    for _ in 0..rng.range(1, 4) {
        let at = rng.below(text.len() as u64 + 1) as usize;
        let end = (at + rng.range(1, 6) as usize).min(text.len());
        match rng.below(7) {
            0 => drop(text.drain(at..end)),
            1 => {
                let part: Vec<_> = text[at..end].to_vec();
                text.splice(at..at, part);
            }
            2 => drop(text.splice(at..end, rng.pick(&noise).chars())),
            3 => drop(text.splice(at..at, rng.pick(&noise).chars())),
            4 => {
                let other: Vec<_> = rule_text(rng, start).chars().collect();
                text.truncate(at);
                text.extend(&other[other.len().min(rng.below(30) as usize)..]);
            }
            5 => {
                if let Some(c) = text.get_mut(at) {
                    *c = if rng.percent(50) { c.to_ascii_lowercase() } else { char::from(rng.range(32, 126) as u8) };
                }
            }
            _ if rng.percent(1) => {
                let part: Vec<_> = text[at..end].to_vec();
                let many = part.iter().cycle().take(part.len() * 2_000).copied().collect::<Vec<_>>();
                text.splice(at..at, many);
            }
            _ => text.insert(at, ';'),
        }
    }
    text.into_iter().collect()
}
