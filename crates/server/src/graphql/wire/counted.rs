//! What is counted of a document that was parsed, before anything else looks at it: validation walks through every fragment wherever it is
//! spread, so that a few lines could keep it busy for hours.

use std::collections::HashMap;

use async_graphql::Name;
use async_graphql::Positioned;
use async_graphql::parser::types::{ExecutableDocument, FragmentDefinition, Selection, SelectionSet};
use kernel::{Failure, Kind, Result};
use serde_json::{Map, Value};

use super::Limits;

/// Fields and fragments that a document comes to when each spread is written out.
const EXPANDED: usize = 10_000;

/// # Errors
/// `query_too_complex` with the limit and its value.
pub(super) fn within_limits(document: &ExecutableDocument, limits: &Limits) -> Result<()> {
    let sets = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    let sets: Vec<&SelectionSet> =
        sets.chain(document.fragments.values().map(|f| &f.node.selection_set.node)).collect();
    let mut counted = Counted::default();
    sets.iter().for_each(|set| counted.add(set));
    let mut expansion = Expansion { fragments: &document.fragments, known: HashMap::new() };
    let expanded = if counted.selections > limits.selections {
        0 // refused anyway
    } else {
        sets.iter().map(|set| expansion.of(set)).max().unwrap_or(0)
    };
    for (what, is, limit) in [
        ("aliases", counted.aliases, limits.aliases),
        ("selections", counted.selections, limits.selections),
        ("times the same field at one place", counted.repeats, limits.repeats),
        ("selections where its fragments are written out", expanded, EXPANDED),
    ] {
        if is > limit {
            let is = if is >= usize::MAX / 2 { "too many".to_owned() } else { is.to_string() };
            return Err(too_complex(format!("the document has {is} {what}"), limit));
        }
    }
    Ok(())
}

pub(super) fn too_complex(told: String, limit: usize) -> Failure {
    Failure::new(Kind::Malformed, "query_too_complex", format!("{told}, at most {limit} are allowed"))
}

/// How much has been filled into the variables.
///
/// # Errors
/// `query_too_complex` with the limit and its value.
pub(super) fn within_values(variables: &Map<String, Value>, limits: &Limits) -> Result<()> {
    let is: usize = variables.values().map(values).sum();
    if is > limits.values {
        return Err(too_complex(format!("the variables hold {is} values"), limits.values));
    }
    Ok(())
}

fn values(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(values).sum(),
        Value::Object(fields) => fields.values().map(values).sum(),
        _ => 0,
    }
}

/// Whether the operation asks for the schema itself.
pub(super) fn introspects(document: &ExecutableDocument) -> bool {
    let sets = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    sets.chain(document.fragments.values().map(|f| &f.node.selection_set.node)).any(asks_for_schema)
}

fn asks_for_schema(set: &SelectionSet) -> bool {
    set.items.iter().any(|item| match &item.node {
        Selection::Field(field) => matches!(field.node.name.node.as_str(), "__schema" | "__type"),
        Selection::InlineFragment(fragment) => asks_for_schema(&fragment.node.selection_set.node),
        Selection::FragmentSpread(_) => false,
    })
}

/// As it is written.
#[derive(Default)]
pub(super) struct Counted {
    pub aliases: usize,
    pub selections: usize,
    repeats: usize,
}

impl Counted {
    pub(super) fn add(&mut self, set: &SelectionSet) {
        self.add_at(set, &mut HashMap::new());
    }

    /// `keys`: how often each field has been at this place so far.
    fn add_at<'a>(&mut self, set: &'a SelectionSet, keys: &mut HashMap<&'a str, usize>) {
        for selection in &set.items {
            self.selections += 1;
            match &selection.node {
                Selection::Field(field) => {
                    let times = keys.entry(&field.node.response_key().node).or_default();
                    *times += 1;
                    self.repeats = self.repeats.max(*times);
                    self.aliases += usize::from(field.node.alias.is_some());
                    self.add(&field.node.selection_set.node);
                }
                Selection::InlineFragment(fragment) => self.add_at(&fragment.node.selection_set.node, keys),
                Selection::FragmentSpread(_) => {}
            }
        }
    }
}

/// As it is meant: each fragment is counted once and remembered.
struct Expansion<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    /// None while it is being counted: a fragment that leads to itself, which the validator has words for.
    known: HashMap<&'a Name, Option<usize>>,
}

impl<'a> Expansion<'a> {
    fn of(&mut self, set: &'a SelectionSet) -> usize {
        let mut sum = 0_usize;
        for selection in &set.items {
            let below = match &selection.node {
                Selection::Field(field) => self.of(&field.node.selection_set.node),
                Selection::InlineFragment(fragment) => self.of(&fragment.node.selection_set.node),
                Selection::FragmentSpread(spread) => self.of_fragment(&spread.node.fragment_name.node),
            };
            sum = sum.saturating_add(below).saturating_add(1);
        }
        sum
    }

    fn of_fragment(&mut self, name: &'a Name) -> usize {
        if let Some(known) = self.known.get(name) {
            return known.unwrap_or(0);
        }
        let Some(fragment) = self.fragments.get(name) else { return 0 };
        self.known.insert(name, None);
        let sum = self.of(&fragment.node.selection_set.node);
        self.known.insert(name, Some(sum));
        sum
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn refused(text: &str) -> Option<String> {
        within_limits(&parse_query(text).unwrap(), &Limits::default()).err().map(|failure| failure.message().to_owned())
    }

    #[test]
    fn fragments_count_as_often_as_they_are_spread() {
        let bomb = |levels: usize| {
            let mut text = "{ ...f0 }".to_owned();
            for n in 0..levels {
                text.push_str(&format!(" fragment f{n} on Query {{ ...f{m} ...f{m} }}", m = n + 1));
            }
            format!("{text} fragment f{levels} on Query {{ me {{ id }} }}")
        };
        assert_eq!(refused(&bomb(5)), None);
        assert!(refused(&bomb(20)).unwrap().contains("written out"));
        assert!(refused(&bomb(90)).unwrap().contains("too many"));
    }

    #[test]
    fn the_same_field_counts_for_its_place_and_under_its_own_name() {
        let times = |field: &str, n: usize| format!("{{ me {{ {} }} }}", field.repeat(n));
        assert_eq!(refused(&times("id ", 30)), None);
        assert!(refused(&times("id ", 31)).unwrap().contains("31 times the same field"));
        assert!(refused(&times("... { id } ", 31)).is_some(), "that is the same place");
        assert!(refused(&format!("{{ me {{ {} }} }}", "x: id id ".repeat(29))).is_none());
    }

    #[test]
    fn values_are_counted_with_all_that_is_in_them() {
        let variables = serde_json::json!({ "a": [1, { "b": [] }], "c": "d" });
        let limits = Limits { values: 5, ..Limits::default() };
        let variables = variables.as_object().unwrap();
        assert!(within_values(variables, &limits).is_ok());
        let told = within_values(variables, &Limits { values: 4, ..limits }).unwrap_err();
        assert!(told.message().contains("5 values, at most 4"));
    }

    #[test]
    fn a_fragment_that_leads_to_itself_is_left_to_the_validator() {
        assert_eq!(refused("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }"), None);
    }

    #[test]
    fn what_asks_for_the_schema_is_found_in_fragments_too() {
        let is = |text| introspects(&parse_query(text).unwrap());
        assert!(
            is("{ __schema { types { name } } }")
                && is("{ ...a } fragment a on Query { ... { __type(name: \"X\") { name } } }")
        );
        assert!(!is("{ __typename me { __typename } }"));
    }
}
