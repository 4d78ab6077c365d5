//! Questions that nobody asks in earnest are refused, or answered like any other. `./dev hostile` measures what they cost.

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{STRICT, ask, data};
use crate::harness::{self, Mode};
use crate::make;

#[path = "../../../../bench/src/hostile/queries.rs"]
mod queries;

#[tokio::test]
async fn a_thousand_hostile_questions_are_refused_by_name_or_answered() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    make::event(&mio, &calendar, serde_json::json!({})).await;
    let strict = mio.with("accept", STRICT);
    let mut random = StdRng::seed_from_u64(1);
    let (mut refused, mut answered) = (0, 0);
    for n in 0..1000 {
        let hostile = queries::draw(&mut random, &calendar);
        let answer = strict.post("/graphql", hostile.body).await;
        assert!(answer.status < 500, "{n}, {}: {}", hostile.kind, answer.text());
        let json = answer.json();
        if json["data"].is_object() {
            answered += 1;
            // At most so many aliases, each with a list of its own.
            assert!(answer.statements() <= 130, "{n}, {}: {}", hostile.kind, answer.statements());
            continue;
        }
        refused += 1;
        // A problem, or errors: each with a code.
        let codes: Vec<_> = match json["errors"].as_array() {
            Some(errors) if json["code"].is_null() => errors.iter().map(|e| e["extensions"]["code"].clone()).collect(),
            _ => vec![json["code"].clone()],
        };
        assert!(!codes.is_empty() && codes.iter().all(|code| code.is_string()), "{n}, {}: {json}", hostile.kind);
    }
    assert!(refused > 700 && answered > 30, "{refused} refused, {answered} answered");
    assert_eq!(data(&ask(&mio, "{ me { email } }").await)["me"]["email"], mio.email);
}
