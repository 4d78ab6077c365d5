//! Where in an answer a counter stands.

use serde_json::Value;

use crate::cells::Shown;

/// One step into a document.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Key(&'static str),
    /// The item of a list whose value at the pointer is this text.
    Item(&'static str, String),
    /// The item whose title begins so.
    Titled(String),
}

/// What is read where the steps end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Read {
    /// `c12 n=34`.
    Text,
    /// As `Text`; nothing there means even.
    TextOrEven,
    /// Something there means odd.
    Exists,
    /// Nothing there means odd.
    Lacks,
    /// A value that is not null means odd.
    Filled,
    /// `false` (taken) means odd.
    Free,
    /// A reservation among them that holds means odd.
    Confirmed,
    /// `accepted` means odd.
    Answer,
    /// Only that nothing is shown that must not be.
    Nothing,
}

#[derive(Debug, Clone)]
pub(crate) struct Look {
    pub steps: Vec<Step>,
    pub read: Read,
}

fn follow<'a>(mut value: &'a Value, steps: &[Step]) -> Option<&'a Value> {
    for step in steps {
        value = match step {
            Step::Key(key) => value.get(key)?,
            Step::Item(pointer, wanted) => {
                value.as_array()?.iter().find(|item| item.pointer(pointer).and_then(Value::as_str) == Some(wanted))?
            }
            Step::Titled(prefix) => {
                let begins = |item: &&Value| item["title"].as_str().is_some_and(|title| title.starts_with(prefix));
                value.as_array()?.iter().find(begins)?
            }
        };
    }
    Some(value)
}

impl Look {
    /// What `body` shows of the cell of this number.
    pub(crate) fn at(&self, body: &Value, cell: usize) -> Shown {
        let found = follow(body, &self.steps);
        match (self.read, found) {
            (Read::Nothing, _) => Shown::Hidden,
            (Read::Exists, Some(_)) | (Read::Lacks, None) => Shown::Odd,
            (Read::Exists | Read::TextOrEven, None) | (Read::Lacks, Some(_)) => Shown::Even,
            (_, None) => Shown::Missing,
            (Read::Text | Read::TextOrEven, Some(value)) => counter(value, cell),
            (Read::Filled, Some(Value::Null)) => Shown::Even,
            (Read::Filled, Some(_)) => Shown::Odd,
            (Read::Free, Some(Value::Bool(free))) => parity(!free),
            (Read::Confirmed, Some(Value::Array(all))) => parity(all.iter().any(|r| r["status"] == "confirmed")),
            (Read::Answer, Some(Value::String(answer))) => match answer.as_str() {
                "needs_action" => Shown::Exactly(0),
                "accepted" => Shown::Odd,
                "declined" => Shown::Even,
                _ => Shown::Odder(answer.clone()),
            },
            (_, Some(other)) => Shown::Odder(other.to_string()),
        }
    }
}

fn parity(odd: bool) -> Shown {
    if odd { Shown::Odd } else { Shown::Even }
}

/// The counter of the cell, and of no other. No text yet: it has never been written.
fn counter(value: &Value, cell: usize) -> Shown {
    let Some(text) = value.as_str() else {
        return if value.is_null() { Shown::Exactly(0) } else { Shown::Odder(value.to_string()) };
    };
    let n = text.strip_prefix(&format!("c{cell} n=")).and_then(|n| n.parse().ok());
    n.map_or_else(|| Shown::Odder(text.to_owned()), Shown::Exactly)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_counter_is_found_in_a_list() {
        let page = json!({ "items": [{ "id": "a", "title": "c1 n=2" }, { "id": "b", "title": "c2 n=7" }] });
        let look = |id: &str| Look {
            steps: vec![Step::Key("items"), Step::Item("/id", id.to_owned()), Step::Key("title")],
            read: Read::Text,
        };
        assert_eq!(look("b").at(&page, 2), Shown::Exactly(7));
        assert_eq!(look("a").at(&page, 2), Shown::Odder("c1 n=2".to_owned()));
        assert_eq!(look("c").at(&page, 2), Shown::Missing);
    }
}
