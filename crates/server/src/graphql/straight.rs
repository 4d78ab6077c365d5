//! Writes what is there already. The executor makes a future of every field and an ordered map of every object, which costs
//! more than to read them; a page of occurrences that was loaded with everything below it has nothing left to wait for. So the
//! selection is looked through once, each field becomes a function that writes it, and the page is written row by row.
//!
//! Whatever is asked for that these functions do not know, or that must wait after all, leaves the whole page to the
//! executor: it is the same answer, only later (`it graphql::straight` compares them).

use std::borrow::Cow;
use std::fmt::Display;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::resolver_utils::EnumType;
use async_graphql::{ContextSelectionSet, InputType, Name, Positioned, QueryPathSegment, Value};
use chrono::{DateTime, Utc};
use serde::Serialize;

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

/// The page of a connection: what stands on it, and what is around it. `W` is what is true of the whole list.
pub(super) struct Page<'a, N, W> {
    pub nodes: &'a [N],
    pub has_previous_page: bool,
    pub has_next_page: bool,
    pub whole: &'a W,
    pub cursor: fn(&W, &N) -> String,
}

impl<N, W> Clone for Page<'_, N, W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<N, W> Copy for Page<'_, N, W> {}

impl<'a, N, W> Page<'a, N, W>
where
    N: Send + Sync,
    W: Send + Sync,
    &'a N: Straight<'a>,
    &'a W: Straight<'a>,
{
    /// None: the executor has to.
    pub(super) fn written(self, ctx: &'a ContextSelectionSet<'a>) -> Option<Value> {
        let at = At(ctx);
        if !at.is_alone() {
            return None;
        }
        let mut out = Json::with_capacity(512 * self.nodes.len() + 64);
        Columns::of(&ctx.item.node, at)?.write(self, &mut out)?;
        let text = String::from_utf8(out).ok()?;
        Some(Value::Object(IndexMap::from([(Name::new(RAW), Value::String(text))])))
    }
}

/// An object of this one key is written as the text that it holds (`async_graphql_value::RAW_VALUE_TOKEN`, which is not
/// handed on).
const RAW: &str = "$serde_json::private::RawValue";

impl<'a, N, W> Straight<'a> for Page<'a, N, W>
where
    N: Send + Sync,
    W: Send + Sync,
    &'a N: Straight<'a>,
    &'a W: Straight<'a>,
{
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", <&'a N>::type_name()).into()
    }

    fn column(field: &'a Positioned<Field>, at: At<'a>) -> Option<Write<'a, Self>> {
        let below = &field.node.selection_set.node;
        Some(match field.node.name.node.as_str() {
            "pageInfo" => {
                let columns = Columns::of(below, at)?;
                Box::new(move |page, out| columns.write(Info(page), out))
            }
            "nodes" => {
                let columns = Columns::of(below, at)?;
                Box::new(move |page: Self, out| list(page.nodes, out, |node, out| columns.write(node, out)))
            }
            "edges" => {
                let columns = Columns::of(below, at)?;
                Box::new(move |page: Self, out| {
                    list(page.nodes, out, |node, out| columns.write(Edge { node, of: page }, out))
                })
            }
            _ => {
                let write = <&'a W>::column(field, at)?;
                Box::new(move |page: Self, out| write(page.whole, out))
            }
        })
    }
}

struct Edge<'a, N, W> {
    node: &'a N,
    of: Page<'a, N, W>,
}

impl<N, W> Clone for Edge<'_, N, W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<N, W> Copy for Edge<'_, N, W> {}

impl<'a, N, W> Straight<'a> for Edge<'a, N, W>
where
    N: Send + Sync,
    W: Send + Sync,
    &'a N: Straight<'a>,
{
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", <&'a N>::type_name()).into()
    }

    fn column(field: &'a Positioned<Field>, at: At<'a>) -> Option<Write<'a, Self>> {
        Some(match field.node.name.node.as_str() {
            "cursor" => Box::new(|edge: Self, out| put((edge.of.cursor)(edge.of.whole, edge.node), out)),
            "node" => {
                let columns = Columns::of(&field.node.selection_set.node, at)?;
                Box::new(move |edge: Self, out| columns.write(edge.node, out))
            }
            _ => return None,
        })
    }
}

struct Info<'a, N, W>(Page<'a, N, W>);

impl<N, W> Clone for Info<'_, N, W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<N, W> Copy for Info<'_, N, W> {}

impl<'a, N: Send + Sync, W: Send + Sync> Straight<'a> for Info<'a, N, W> {
    fn type_name() -> Cow<'static, str> {
        "PageInfo".into()
    }

    fn column(field: &'a Positioned<Field>, _: At<'a>) -> Option<Write<'a, Self>> {
        fn cursor<N, W>(page: Page<'_, N, W>, node: Option<&N>, out: &mut Json) -> Option<()> {
            put(node.map(|node| (page.cursor)(page.whole, node)), out)
        }
        Some(match field.node.name.node.as_str() {
            "hasPreviousPage" => Box::new(|Self(page), out| put(page.has_previous_page, out)),
            "hasNextPage" => Box::new(|Self(page), out| put(page.has_next_page, out)),
            "startCursor" => Box::new(|Self(page), out| cursor(page, page.nodes.first(), out)),
            "endCursor" => Box::new(|Self(page), out| cursor(page, page.nodes.last(), out)),
            _ => return None,
        })
    }
}

/// A list that has nothing to say of itself but its items.
impl<'a> Straight<'a> for &'a () {
    fn type_name() -> Cow<'static, str> {
        "EmptyFields".into()
    }

    fn column(_: &'a Positioned<Field>, _: At<'a>) -> Option<Write<'a, Self>> {
        None
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
