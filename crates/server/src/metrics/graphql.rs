//! GraphQL operations, by what they are and by the one field at their top. Only names of the schema become labels.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_graphql::parser::types::{
    ExecutableDocument, OperationDefinition, OperationType, Selection, TypeKind, TypeSystemDefinition,
};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use tracing::{Span, debug_span};

/// More than one field at the top, or fragments.
const SEVERAL: &str = "several";
/// Questions about the schema, and fields that it does not have.
const OTHER: &str = "other";

/// What can be asked, each with its handles, which are made when it is first asked.
#[derive(Debug)]
pub(crate) struct Operations {
    known: HashMap<(&'static str, String), Arc<Series>>,
    /// Before anything of it ran.
    pub refused: Counter,
    pub sockets: Gauge,
}

#[derive(Debug)]
pub(crate) struct Series {
    labels: [(&'static str, String); 2],
    handles: OnceLock<Handles>,
}

#[derive(Debug)]
struct Handles {
    ok: Counter,
    failed: Counter,
    seconds: Histogram,
}

const fn word(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}

impl Operations {
    /// Of the schema in this text.
    pub(crate) fn of(sdl: &str) -> Self {
        let mut known = HashMap::new();
        for (word, root) in [("query", "Query"), ("mutation", "Mutation"), ("subscription", "Subscription")] {
            for field in [SEVERAL, OTHER].map(str::to_owned).into_iter().chain(fields(sdl, root)) {
                let labels = [("operation", word.to_owned()), ("field", field.clone())];
                known.insert((word, field), Arc::new(Series { labels, handles: Default::default() }));
            }
        }
        let refused = counter!("koyomi_graphql_refused_total");
        Self { known, refused, sockets: gauge!("koyomi_graphql_sockets") }
    }

    /// Where the operation of this name counts; of the only one, if there is no name.
    pub(crate) fn find(&self, document: &ExecutableDocument, name: Option<&str>, kind: OperationType) -> Arc<Series> {
        let mut all = document.operations.iter();
        let chosen = all.find(|(of, _)| name.is_none_or(|name| of.is_some_and(|of| of == name)));
        let field = chosen.map_or(OTHER, |(_, operation)| top(&operation.node));
        let of = |field: &str| self.known.get(&(word(kind), field.to_owned()));
        let found = of(field).or_else(|| of(OTHER));
        // Every kind has its OTHER.
        found.cloned().unwrap_or_else(|| Arc::new(Series { labels: Default::default(), handles: Default::default() }))
    }
}

fn top(operation: &OperationDefinition) -> &str {
    match &operation.selection_set.node.items[..] {
        [only] => match &only.node {
            Selection::Field(field) => field.node.name.node.as_str(),
            _ => SEVERAL,
        },
        _ => SEVERAL,
    }
}

/// The names of the fields of a type.
fn fields(sdl: &str, of: &str) -> Vec<String> {
    let Ok(document) = async_graphql::parser::parse_schema(sdl) else { return Vec::new() };
    let types = document.definitions.into_iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Type(definition) => Some(definition.node),
        _ => None,
    });
    let objects =
        types.filter(|definition| definition.name.node == of).filter_map(|definition| match definition.kind {
            TypeKind::Object(object) => Some(object.fields),
            _ => None,
        });
    objects.flatten().map(|field| field.node.name.node.to_string()).collect()
}

impl Series {
    /// It has come to its end, or a subscription has begun.
    pub(crate) fn count(&self, ok: bool) {
        let handles = self.handles();
        if ok { &handles.ok } else { &handles.failed }.increment(1);
    }

    pub(crate) fn took(&self, took: Duration) {
        self.handles().seconds.record(took.as_secs_f64());
    }

    /// Around its execution.
    pub(crate) fn span(&self) -> Span {
        let [(_, operation), (_, field)] = &self.labels;
        debug_span!("graphql", graphql.operation.type = operation, graphql.field = field)
    }

    fn handles(&self) -> &Handles {
        self.handles.get_or_init(|| {
            let with = |outcome: &str| {
                let [operation, field] = self.labels.clone();
                [operation, field, ("outcome", outcome.to_owned())]
            };
            Handles {
                ok: counter!("koyomi_graphql_requests_total", &with("ok")),
                failed: counter!("koyomi_graphql_requests_total", &with("error")),
                seconds: histogram!("koyomi_graphql_request_duration_seconds", &self.labels),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_the_schema_are_labels() {
        let operations = Operations::of("type Query { calendar: Int, me: Int } type Mutation { createEvent: Int }");
        let field = |text: &str, kind| {
            let document = async_graphql::parser::parse_query(text).unwrap();
            operations.find(&document, None, kind).labels[1].1.clone()
        };
        assert_eq!(field("{ me }", OperationType::Query), "me");
        assert_eq!(field("{ mine: calendar }", OperationType::Query), "calendar");
        assert_eq!(field("mutation { createEvent }", OperationType::Mutation), "createEvent");
        assert_eq!(field("{ createEvent }", OperationType::Query), OTHER);
        assert_eq!(field("{ clientText }", OperationType::Query), OTHER);
        assert_eq!(field("{ __schema { x } }", OperationType::Query), OTHER);
        assert_eq!(field("{ me calendar }", OperationType::Query), SEVERAL);
        assert_eq!(field("{ ...F } fragment F on Query { me }", OperationType::Query), SEVERAL);
    }
}
