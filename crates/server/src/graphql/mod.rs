//! GraphQL at `/graphql`: another way of asking through the same doors, with the same shapes and the same errors.
//!
//! One list is loaded with everything that is asked for below it (look-ahead), under the names that REST uses: what one
//! dialect has read, the other finds in the cache. What is left, single objects that nobody has loaded along, goes
//! through loaders, one batch a level.

mod asked;
mod calendar;
mod error;
mod event;
mod events;
mod explorer;
mod grounds;
mod group;
mod guest;
mod input;
mod mutation;
mod node;
mod query;
mod resource;
mod scalar;
mod straight;
mod subscription;
mod user;
mod wire;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_graphql::SDLExportOptions;
use axum::Router;
use kernel::{Failure, Result};

use crate::metrics::Operations;
use crate::state::App;

use self::mutation::Mutation;
use self::query::Query;
use self::subscription::Live;
use self::wire::{Allowed, Answers, Documents, Limits};

type Schema = async_graphql::Schema<Query, Mutation, Live>;

/// How operations are taken.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether GraphQL is served at all.
    pub enabled: bool,
    /// Whether the schema is told to whoever asks.
    pub introspection: bool,
    /// How long a query may take.
    pub deadline: Duration,
    /// The list of the only documents that are run.
    pub persisted_only: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { enabled: true, introspection: true, deadline: Limits::default().deadline, persisted_only: None }
    }
}

/// What runs operations.
pub(crate) struct Executor {
    schema: Schema,
    documents: Documents,
    answers: Answers,
    operations: Operations,
    limits: Limits,
    introspection: bool,
    pub(crate) enabled: bool,
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Executor {
    /// # Errors
    /// When the list of documents cannot be read.
    pub(crate) fn new(settings: Settings) -> Result<Self> {
        let limits = Limits { deadline: settings.deadline, ..Limits::default() };
        let allowed = settings.persisted_only.map(|path| {
            let text = std::fs::read_to_string(&path).map_err(|error| error.to_string());
            let wrong = |reason| Failure::invalid("--persisted-only", format!("{}: {reason}", path.display()));
            text.and_then(|text| Allowed::read(&text)).map_err(wrong)
        });
        Ok(Self {
            schema: schema(&limits),
            documents: Documents::new(limits, allowed.transpose()?),
            answers: Answers::default(),
            operations: Operations::of(&sdl()),
            limits,
            introspection: settings.introspection,
            enabled: settings.enabled,
        })
    }
}

fn schema(limits: &Limits) -> Schema {
    Schema::build(Query, Mutation, Live)
        .limit_depth(limits.depth)
        .limit_recursive_depth(limits.nesting)
        .limit_complexity(limits.complexity)
        .limit_directives(limits.directives)
        .finish()
}

/// The schema as text: what `schema.graphql` must hold.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().sorted_fields().sorted_enum_items().include_specified_by();
    schema(&Limits::default()).sdl_with_options(options)
}

/// Whether the parser would be let at it.
#[cfg(test)]
pub(crate) fn is_within_reach(text: &str) -> bool {
    wire::within_reach(text, &Limits::default()).is_ok()
}

pub(crate) fn routes() -> Router<App> {
    wire::routes().merge(explorer::routes())
}
