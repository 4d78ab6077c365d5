//! Writes what is there already. The executor makes a future of every field and an ordered map of every object, which costs
//! more than to read them; a page of occurrences that was loaded with everything below it has nothing left to wait for. So the
//! selection is looked through once, each field becomes a function that writes it, and the page is written row by row.
//!
//! Whatever is asked for that these functions do not know, or that must wait after all, leaves the whole page to the
//! executor: it is the same answer, only later (`it graphql::straight` compares them).

mod page;

use std::borrow::Cow;
use std::fmt::Display;

use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::resolver_utils::EnumType;
use async_graphql::{ContextSelectionSet, InputType, Name, Positioned, QueryPathSegment};
use chrono::{DateTime, Utc};
use serde::Serialize;

pub(super) use self::page::Page;

pub(super) type Json = Vec<u8>;

/// Writes one field; None: it must wait for something.
pub(super) type Write<'a, T> = Box<dyn Fn(T, &mut Json) -> Option<()> + Send + Sync + 'a>;

/// What has fields that can be written.
pub(super) trait Straight<'a>: Copy + Send + Sync + 'a {
    /// What the schema calls it.
    fn type_name() -> Cow<'static, str>;

    /// What writes this field; None: the executor does.
    fn column(field: &'a Positioned<Field>, at: At<'a>) -> Option<Write<'a, Self>>;
}

/// Where something is selected.
#[derive(Clone, Copy)]
pub(super) struct At<'a>(&'a ContextSelectionSet<'a>);

impl<'a> At<'a> {
    /// None: it is none, and the executor will say so.
    pub(super) fn argument<T: InputType>(self, field: &'a Positioned<Field>, name: &str) -> Option<T> {
        self.0.with_field(field).param_value::<T>(name, None).ok().map(|(_, value)| value)
    }

    fn fragment(self, name: &Name) -> Option<(&'a str, &'a SelectionSet)> {
        let fragment = &self.0.query_env.fragments.get(name)?.node;
        Some((fragment.type_condition.node.on.node.as_str(), &fragment.selection_set.node))
    }

    /// Whether this is the only thing that is asked for at its place: of what is asked for twice the executor makes one.
    fn is_alone(self) -> bool {
        let mut path = Vec::new();
        let mut node = self.0.path_node.as_ref();
        while let Some(step) = node {
            if let QueryPathSegment::Name(key) = step.segment {
                path.push(key);
            }
            node = step.parent;
        }
        let mut set = &self.0.query_env.operation.node.selection_set.node;
        for key in path.into_iter().rev() {
            let (mut found, mut seen) = (Vec::new(), Vec::new());
            if self.under(key, set, &mut found, &mut seen).is_none() {
                return false;
            }
            let [only] = found[..] else { return false };
            set = &only.selection_set.node;
        }
        true
    }

    /// The fields of this key. None: some fragment stands here twice, and what it asks for with it.
    fn under(
        self,
        key: &str,
        set: &'a SelectionSet,
        found: &mut Vec<&'a Field>,
        seen: &mut Vec<&'a Name>,
    ) -> Option<()> {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) if field.node.response_key().node == *key => found.push(&field.node),
                Selection::Field(_) => {}
                Selection::InlineFragment(inline) => {
                    self.under(key, &inline.node.selection_set.node, found, seen)?;
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if seen.contains(&name) {
                        return None;
                    }
                    seen.push(name);
                    self.under(key, self.fragment(name)?.1, found, seen)?;
                }
            }
        }
        Some(())
    }
}

/// What is selected of a `T`: each field's key, as it is written, and what writes its value.
pub(super) struct Columns<'a, T>(Vec<(String, Write<'a, T>)>);

impl<'a, T: Straight<'a>> Columns<'a, T> {
    /// None: something is selected that cannot be written.
    pub(super) fn of(set: &'a SelectionSet, at: At<'a>) -> Option<Self> {
        let mut columns = Self(Vec::with_capacity(set.items.len()));
        columns.add(set, at)?;
        Some(columns)
    }

    fn add(&mut self, set: &'a SelectionSet, at: At<'a>) -> Option<()> {
        for selection in &set.items {
            if !selection.node.directives().is_empty() {
                return None;
            }
            let (on, below) = match &selection.node {
                Selection::Field(field) => {
                    let key = format!("\"{}\":", field.node.response_key().node);
                    if self.0.iter().any(|(other, _)| *other == key) {
                        return None;
                    }
                    let write = match field.node.name.node.as_str() {
                        "__typename" => always(T::type_name()),
                        _ => T::column(field, at)?,
                    };
                    self.0.push((key, write));
                    continue;
                }
                Selection::InlineFragment(inline) => {
                    let condition = inline.node.type_condition.as_ref();
                    (condition.map(|condition| condition.node.on.node.as_str()), &inline.node.selection_set.node)
                }
                Selection::FragmentSpread(spread) => {
                    let (on, below) = at.fragment(&spread.node.fragment_name.node)?;
                    (Some(on), below)
                }
            };
            // An interface is for the executor.
            if on.is_some_and(|on| on != T::type_name()) {
                return None;
            }
            self.add(below, at)?;
        }
        Some(())
    }

    pub(super) fn write(&self, value: T, out: &mut Json) -> Option<()> {
        out.push(b'{');
        for (n, (key, write)) in self.0.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            out.extend_from_slice(key.as_bytes());
            write(value, out)?;
        }
        out.push(b'}');
        Some(())
    }
}

fn always<'a, T>(text: Cow<'static, str>) -> Write<'a, T> {
    Box::new(move |_, out| put(&text, out))
}

/// Anything that JSON has by itself.
pub(super) fn put(value: impl Serialize, out: &mut Json) -> Option<()> {
    serde_json::to_writer(out, &value).ok()
}

/// What is its own text: ids.
pub(super) fn text(value: impl Display, out: &mut Json) -> Option<()> {
    put(format_args!("{value}"), out)
}

/// An instant as the executor writes it.
pub(super) fn instant(at: DateTime<Utc>, out: &mut Json) -> Option<()> {
    put(at.to_rfc3339(), out)
}

/// A value of an enum.
pub(super) fn word<T: EnumType>(value: T, out: &mut Json) -> Option<()> {
    put(T::items().iter().find(|item| item.value == value)?.name, out)
}

/// An object, or null.
pub(super) fn maybe<'a, T: Straight<'a>>(columns: &Columns<'a, T>, value: Option<T>, out: &mut Json) -> Option<()> {
    match value {
        Some(value) => columns.write(value, out),
        None => put((), out),
    }
}

pub(super) fn list<'a, T>(
    items: &'a [T],
    out: &mut Json,
    write: impl Fn(&'a T, &mut Json) -> Option<()>,
) -> Option<()> {
    out.push(b'[');
    for (n, item) in items.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        write(item, out)?;
    }
    out.push(b']');
    Some(())
}
