//! What is counted of a document before anything else looks at it: validation walks through every fragment wherever it is
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
            let message = format!("the document has {is} {what}, at most {limit} are allowed");
            return Err(Failure::new(Kind::Malformed, "query_too_complex", message));
        }
    }
    Ok(())
}

/// What can be told of a text in one pass over its bytes, before the parser is let at it: it calls itself for each brace,
/// bracket and parenthesis, so that a text of nothing but braces would use up the stack, and each token costs it a thousand
/// times what it costs here.
///
/// # Errors
/// `query_too_complex` with the limit and its value.
pub(in crate::graphql) fn within_reach(text: &str, limits: &Limits) -> Result<()> {
    let reach = Reach::of(text);
    for (what, is, limit) in [
        ("nesting", reach.deepest, limits.nesting),
        ("number of aliases", reach.aliases, limits.aliases),
        ("number of selections", reach.selections, limits.selections),
        ("number of operations and fragments", reach.definitions, limits.definitions),
        ("number of variables", reach.variables, limits.variables),
        ("number of tokens", reach.tokens, limits.tokens),
    ] {
        if is > limit {
            let message = format!("the {what} of this query is {is}, at most {limit} are allowed");
            return Err(Failure::new(Kind::Malformed, "query_too_complex", message));
        }
    }
    Ok(())
}

/// How much has been filled into the variables.
///
/// # Errors
/// `query_too_complex` with the limit and its value.
pub(super) fn within_values(variables: &Map<String, Value>, limits: &Limits) -> Result<()> {
    let is: usize = variables.values().map(values).sum();
    if is > limits.values {
        let limit = limits.values;
        let message = format!("the variables hold {is} values, at most {limit} are allowed");
        return Err(Failure::new(Kind::Malformed, "query_too_complex", message));
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

/// Of a document as it is written.
#[derive(Debug, Default)]
struct Reach {
    deepest: usize,
    /// Lexical tokens (GraphQL specification, 2.1.6).
    tokens: usize,
    /// Fields, fragments and spreads: what stands in braces and in no parentheses.
    selections: usize,
    aliases: usize,
    /// What stands in braces of its own.
    definitions: usize,
    /// `$name:` is a definition; where a variable is used, no colon follows.
    variables: usize,
}

/// What a name comes after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Nothing,
    /// `:` makes what stood before it an alias, and what comes next the field that was counted already.
    Colon,
    /// `@`, a directive; `...`, a spread or `on` and a type: they are no fields.
    Sign,
    On,
    Dollar,
    /// The name of a variable.
    Variable,
}

impl Reach {
    fn of(text: &str) -> Self {
        let mut reach = Self::default();
        let (mut depth, mut closed_in) = (0_usize, 0_usize);
        let mut after_what = After::Nothing;
        let mut rest = text.as_bytes();
        while let Some((&byte, after)) = rest.split_first() {
            if matches!(byte, b'#' | b',' | b' ' | b'\t' | b'\n' | b'\r') {
                rest = if byte == b'#' { past_comment(after) } else { after };
                continue;
            }
            // The byte order mark may stand between tokens, too (GraphQL specification, 2.1.1).
            if byte == 0xEF && after.starts_with(b"\xBB\xBF") {
                rest = &after[2..];
                continue;
            }
            reach.tokens += 1;
            let selects = depth > 0 && closed_in == 0;
            let mut next = After::Nothing;
            rest = match byte {
                b'"' if after.starts_with(b"\"\"") => past_block_string(&after[2..]),
                b'"' => past_string(after),
                b'{' | b'[' | b'(' => {
                    reach.definitions += usize::from(byte == b'{' && depth == 0);
                    depth += 1;
                    closed_in += usize::from(byte != b'{' || closed_in > 0);
                    reach.deepest = reach.deepest.max(depth);
                    after
                }
                b'}' | b']' | b')' => {
                    depth = depth.saturating_sub(1);
                    closed_in = closed_in.saturating_sub(1);
                    after
                }
                b'.' if after.starts_with(b"..") => {
                    reach.selections += usize::from(selects);
                    next = After::Sign;
                    &after[2..]
                }
                b'@' => {
                    next = After::Sign;
                    after
                }
                b'$' => {
                    next = After::Dollar;
                    after
                }
                b':' => {
                    reach.variables += usize::from(after_what == After::Variable);
                    reach.aliases += usize::from(selects);
                    next = After::Colon;
                    after
                }
                b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                    reach.selections += usize::from(selects && after_what == After::Nothing);
                    let is_on = after_what == After::Sign && byte == b'o' && after.starts_with(b"n");
                    let behind = past_word(after);
                    next = match after_what {
                        After::Dollar => After::Variable,
                        _ if is_on && after.len() - behind.len() == 1 => After::On,
                        _ => After::Nothing,
                    };
                    behind
                }
                _ => after,
            };
            after_what = next;
        }
        reach
    }
}

fn past_comment(rest: &[u8]) -> &[u8] {
    &rest[rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len())..]
}

/// Behind the end of a name or a number.
fn past_word(rest: &[u8]) -> &[u8] {
    let end = rest.iter().position(|byte| !matches!(byte, b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z'));
    &rest[end.unwrap_or(rest.len())..]
}

/// Behind the end of a string. One that does not end in its line is none; the parser says so.
fn past_string(mut rest: &[u8]) -> &[u8] {
    while let Some((&byte, after)) = rest.split_first() {
        match byte {
            b'\\' => rest = after.get(1..).unwrap_or_default(),
            b'"' | b'\n' | b'\r' => return after,
            _ => rest = after,
        }
    }
    rest
}

/// Behind the end of a block string, in which only `\"""` is an escape.
fn past_block_string(mut rest: &[u8]) -> &[u8] {
    loop {
        match rest {
            [] => return rest,
            [b'\\', b'"', b'"', b'"', after @ ..] => rest = after,
            [b'"', b'"', b'"', after @ ..] => return after,
            [_, after @ ..] => rest = after,
        }
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
struct Counted {
    aliases: usize,
    selections: usize,
    repeats: usize,
}

impl Counted {
    fn add(&mut self, set: &SelectionSet) {
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
    fn what_is_nested_is_counted_before_it_is_parsed() {
        let limits = Limits { nesting: 3, ..Limits::default() };
        let is = |text: &str| within_reach(text, &limits).is_ok();
        assert!(is("{ a(b: [1]) { c } }") && is("{ a } { b } { c } { d }"));
        assert!(!is("{ a(b: [[1]]) }") && !is("{{{{"));
        // What stands in strings and comments is not nested.
        assert!(
            is(r#"{ a(b: "{{{{ \" {{{{") }"#) && is("{ a } # {{{{{") && is("{ a(b: \"\"\"{{{ \\\"\"\" {{{\"\"\") }")
        );
        assert!(!is("# {\n{{{{") && !is("\"\"\"x\"\"\"{{{{"));
        for text in ["\"", "\"\\", "\"\"\"", "#", "\"\"\"\\"] {
            assert!(is(text), "{text}");
        }
    }

    #[test]
    fn tokens_are_counted_as_the_specification_has_them() {
        let of = |text: &str| Reach::of(text).tokens;
        assert_eq!(of("query A($a: Int = -12, $b: [ID!]!) { x: me @skip(if: true) { id, ...F } }"), 35);
        assert_eq!(
            of(r#"{ a(b: "x y { \" z", c: """{ x } \""" y""") # none of this {
            b }"#),
            12
        );
        assert_eq!((of(""), of(" ,\t\r\n#{"), of("..."), of("a b"), of("a_1")), (0, 0, 1, 2, 1));
    }

    /// What the pass counts is what the parsed document has.
    #[test]
    fn what_is_told_before_parsing_is_so() {
        for text in [
            "query A($a: [I!]! = [1], $\u{feff}b\u{feff}: X = { c: \"$d: \" }) { e(f: $a g: { h: $b i: [$a] }) @j(k: $b l: $a) { m } }",
            "{ a }",
            "query A($a: In = { b: [1, { c: d }] }) @x(y: z) { p: a(x: { y: z, w: [v] }) @skip(if: true) { id, ...F q: on } on }",
            "{ ... on A { x ... @include(if: false) { y } } ...B } fragment B on Query @a { z { k: z ... on C { w } } }",
            "subscription A { a(b: \"{ c }\") # { d }\n { e } } query B { f(g: \"\"\" { h: i } \"\"\") }",
        ] {
            let document = parse_query(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let mut counted = Counted::default();
            document.operations.iter().for_each(|(_, o)| counted.add(&o.node.selection_set.node));
            document.fragments.values().for_each(|f| counted.add(&f.node.selection_set.node));
            let variables: usize =
                document.operations.iter().map(|(_, operation)| operation.node.variable_definitions.len()).sum();
            let definitions = document.operations.iter().count() + document.fragments.len();
            let reach = Reach::of(text);
            assert_eq!((reach.selections, reach.aliases), (counted.selections, counted.aliases), "{text}");
            assert_eq!((reach.definitions, reach.variables), (definitions, variables), "{text}");
        }
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
