//! What is counted of a text before it is parsed.

use kernel::Result;

use super::Limits;
use super::counted::too_complex;

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
            return Err(too_complex(format!("the {what} of this query is {is}"), limit));
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;
    use crate::graphql::wire::counted::Counted;

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
}
