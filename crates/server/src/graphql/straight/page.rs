//! Connections (Relay): their pages, edges and what is around them.

use std::borrow::Cow;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::Field;
use async_graphql::{ContextSelectionSet, Name, Positioned, Value};

use super::{At, Columns, Json, Straight, Write, list, put};

/// The page of a connection: what stands on it, and what is around it. `W` is what is true of the whole list.
pub(in crate::graphql) struct Page<'a, N, W> {
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
    pub(in crate::graphql) fn written(self, ctx: &'a ContextSelectionSet<'a>) -> Option<Value> {
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
