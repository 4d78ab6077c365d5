//! Questions that nobody asks in earnest, drawn from a seed: too deep, too wide, going round in circles, or enormous.

use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

/// One body for `POST /graphql`, and what kind of nonsense it is.
pub(crate) struct Hostile {
    pub(crate) kind: &'static str,
    pub(crate) body: Value,
}

type Draw = fn(&mut StdRng, &str) -> Value;

/// Any of them. `calendar` is one that the caller may read.
pub(crate) fn draw(random: &mut StdRng, calendar: &str) -> Hostile {
    let kinds: [(&str, Draw); 14] = [
        ("deep", deep),
        ("wide", wide),
        ("aliased", aliased),
        ("fragment loop", fragment_loop),
        ("fragment bomb", fragment_bomb),
        ("directives", directives),
        ("huge literal", huge_literal),
        ("nested literal", nested_literal),
        ("pages of pages", pages),
        ("introspection", introspection),
        ("overlapping fields", overlapping),
        ("variables", variables),
        ("operations", operations),
        ("noise", noise),
    ];
    let (kind, make) = kinds[random.random_range(0..kinds.len())];
    Hostile { kind, body: make(random, calendar) }
}

fn query(text: String) -> Value {
    json!({ "query": text })
}

/// Most often far too many; sometimes about as many as are allowed.
fn many(random: &mut StdRng, allowed: usize, most: usize) -> usize {
    let range = if random.random_bool(0.3) { 2..allowed + allowed / 5 } else { allowed..most };
    random.random_range(range)
}

fn nest(open: &str, inner: &str, close: &str, levels: usize) -> String {
    format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
}

fn deep(random: &mut StdRng, calendar: &str) -> Value {
    let levels = random.random_range(3..800);
    let below = nest("events(first: 1) { nodes { calendar { ", "id", " } } }", levels);
    query(format!(r#"{{ calendar(id: "{calendar}") {{ {below} }} }}"#))
}

fn wide(random: &mut StdRng, _: &str) -> Value {
    query(format!("{{ me {{ {} }} }}", "id name email ".repeat(many(random, 30, 3000))))
}

fn aliased(random: &mut StdRng, calendar: &str) -> Value {
    let many = many(random, 30, 1200);
    let fields: String = (0..many).map(|n| format!(r#"a{n}: calendar(id: "{calendar}") {{ name }} "#)).collect();
    query(format!("{{ {fields} }}"))
}

fn fragment_loop(random: &mut StdRng, _: &str) -> Value {
    let length = random.random_range(1..400);
    let fragments: String =
        (0..length).map(|n| format!("fragment f{n} on Query {{ ...f{} }} ", (n + 1) % length)).collect();
    query(format!("{{ ...f0 }} {fragments}"))
}

fn fragment_bomb(random: &mut StdRng, _: &str) -> Value {
    let (levels, times) = (random.random_range(4..60), random.random_range(2..8));
    let spread = |n: usize| format!("...f{n} ").repeat(times);
    let fragments: String = (0..levels).map(|n| format!("fragment f{n} on Query {{ {} }} ", spread(n + 1))).collect();
    query(format!("{{ ...f0 }} {fragments} fragment f{levels} on Query {{ me {{ id }} }}"))
}

fn directives(random: &mut StdRng, _: &str) -> Value {
    let name = ["@include(if: true) ", "@skip(if: false) ", "@nothing "][random.random_range(0..3)];
    query(format!("{{ me {} {{ id }} }}", name.repeat(many(random, 10, 4000))))
}

fn huge_literal(random: &mut StdRng, calendar: &str) -> Value {
    let size = random.random_range(1_000..120_000);
    let text = match random.random_range(0..5) {
        0 => format!(r#"{{ users(q: "{}") {{ nodes {{ id }} }} }}"#, "x".repeat(size)),
        1 => format!("{{ users(first: 1{}) {{ nodes {{ id }} }} }}", "0".repeat(size)),
        2 => format!(r#"{{ users(q: """{}""") {{ nodes {{ id }} }} }}"#, "\\\"\"\" ".repeat(size / 6)),
        3 => {
            let ids = format!(r#""{calendar}", "#).repeat(size / 40);
            format!("{{ events(calendarIds: [{ids}]) {{ nodes {{ id }} }} }}")
        }
        _ => format!("{{ users(q: \"{}\") {{ nodes {{ id }} }} }}", "\\u0000".repeat(size / 6)),
    };
    query(text)
}

fn nested_literal(random: &mut StdRng, _: &str) -> Value {
    let levels = random.random_range(10..20_000);
    let literal = if random.random_bool(0.5) { nest("[", "1", "]", levels) } else { nest("{a: ", "1", "}", levels) };
    query(format!("{{ users(q: {literal}) {{ nodes {{ id }} }} }}"))
}

fn pages(random: &mut StdRng, calendar: &str) -> Value {
    let below =
        ["attendees(first: 500) { nodes { id } }", "calendar { members(first: 500) { nodes { role } } }", "totalCount"];
    let below = below[random.random_range(0..3)];
    let first = random.random_range(1..700);
    query(match random.random_range(0..3) {
        0 => format!(r#"{{ calendar(id: "{calendar}") {{ events(first: {first}) {{ nodes {{ {below} }} }} }} }}"#),
        1 => format!(
            "{{ calendars(first: {first}) {{ nodes {{ events(first: {first}) {{ totalCount nodes {{ id }} }} }} }} }}"
        ),
        _ => format!("{{ users(first: {first}) {{ nodes {{ events(first: {first}) {{ nodes {{ id }} }} }} }} }}"),
    })
}

fn introspection(random: &mut StdRng, _: &str) -> Value {
    let levels = random.random_range(1..60);
    let below = nest("ofType { ", "name", " }", levels);
    query(format!("{{ __schema {{ types {{ fields {{ args {{ type {{ {below} }} }} type {{ {below} }} }} }} }} }}"))
}

/// Each may be merged with each: a validator that compares them all has much to do.
fn overlapping(random: &mut StdRng, _: &str) -> Value {
    let many = many(random, 30, 1500);
    let same = random.random_bool(0.5);
    let fields: String = (0..many)
        .map(|n| {
            let first = if same { 1 } else { 1 + n % 500 };
            format!("users(first: {first}) {{ nodes {{ id }} }} ")
        })
        .collect();
    query(format!("{{ {fields} }}"))
}

fn variables(random: &mut StdRng, _: &str) -> Value {
    let size = random.random_range(10..15_000);
    let text = "query A($q: String!, $first: Int) { users(q: $q, first: $first) { nodes { id } } }";
    let values = match random.random_range(0..4) {
        0 => json!({ "q": "x".repeat(size), "first": 1 }),
        1 => json!({ "q": vec!["x"; size], "first": "1" }),
        2 => (0..size).map(|n| (format!("v{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into(),
        _ => {
            let defined: String = (0..size / 10).map(|n| format!("$v{n}: String ")).collect();
            return query(format!("query A({defined}) {{ me {{ id }} }}"));
        }
    };
    json!({ "query": text, "variables": values })
}

fn operations(random: &mut StdRng, _: &str) -> Value {
    let many = many(random, 200, 1500);
    let text: String = (0..many).map(|n| format!("query q{n} {{ me {{ id }} }} ")).collect();
    let name = if random.random_bool(0.5) { json!(format!("q{}", many - 1)) } else { Value::Null };
    json!({ "query": text, "operationName": name })
}

fn noise(random: &mut StdRng, _: &str) -> Value {
    let size = random.random_range(1..60_000);
    query(match random.random_range(0..4) {
        0 => "{".repeat(size),
        1 => "{ a ".repeat(size / 4),
        2 => format!("#{}\n{{ me {{ id }} }}", "\u{1F4A5}".repeat(size / 4)),
        _ => (0..size).map(|_| char::from(random.random_range(32..127_u8))).collect(),
    })
}
