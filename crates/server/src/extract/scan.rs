use std::collections::HashSet;
use std::fmt;

use kernel::{Failure, Violation};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::body::not_json;
use super::push_pointer;
use crate::error::ApiError;

/// Reads a body once before its type does, for what types let pass: text after the value, a name given twice in one
/// object (RFC 8259 §4: then nobody knows which counts), and NUL, which PostgreSQL cannot hold.
pub(super) fn check(bytes: &[u8]) -> Result<(), ApiError> {
    let mut found = Found::default();
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let whole = Value(&mut found).deserialize(&mut json).and_then(|()| json.end());
    if let Err(error) = whole {
        return Err(not_json(format!("the body is not JSON: {error}")));
    }
    if let Some(twice) = found.twice.pop() {
        return Err(Failure::malformed(twice, "is given twice").into());
    }
    if found.nul.is_empty() {
        return Ok(());
    }
    let violation = |pointer| Violation { pointer, reason: "must not contain the NUL character".to_owned() };
    Err(Failure::violations(found.nul.into_iter().map(violation).collect()).into())
}

#[derive(Default)]
struct Found {
    pointer: String,
    twice: Vec<String>,
    nul: Vec<String>,
}

impl Found {
    fn text(&mut self, text: &str) {
        if text.contains('\0') {
            self.nul.push(self.pointer.clone());
        }
    }

    /// Runs `inside` with the pointer one step deeper.
    fn at<T>(&mut self, segment: &str, inside: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.pointer.len();
        push_pointer(&mut self.pointer, segment);
        let result = inside(self);
        self.pointer.truncate(outer);
        result
    }
}

struct Value<'f>(&'f mut Found);

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        self.0.text(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut index = 0usize;
        while self.0.at(&index.to_string(), |found| items.next_element_seed(Value(found)))?.is_some() {
            index += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            self.0.at(&name, |found| {
                found.text(&name);
                if names.contains(&name) {
                    found.twice.push(found.pointer.clone());
                }
                members.next_value_seed(Value(found))
            })?;
            names.insert(name);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_passes_and_the_rest_does_not() {
        for good in [r#"{"a":[1,-2,3.5,true,null,{"b":"c"}]}"#, "3", r#""\\u0000""#] {
            assert!(check(good.as_bytes()).is_ok(), "{good}");
        }
        for bad in
            ["", "{", "{} x", "{}{}", "1e999", r#""\ud800""#, r#"{"a":1,"a":2}"#, r#"["\u0000"]"#, r#"{"\u0000":1}"#]
        {
            assert!(check(bad.as_bytes()).is_err(), "{bad}");
        }
        let deep = "[".repeat(100_000);
        assert!(check(deep.as_bytes()).is_err());
    }
}
