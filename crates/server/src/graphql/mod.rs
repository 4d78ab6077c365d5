//! GraphQL at `/graphql`: another way of asking through the same doors, with the same shapes and the same errors.
//!
//! One list is loaded with everything that is asked for below it (look-ahead), under the names that REST uses: what one
//! dialect has read, the other finds in the cache. What is left, single objects that nobody has loaded along, goes
//! through loaders, one batch a level.

mod asked;
mod calendar;
mod error;
mod event;
mod guest;
mod http;
mod input;
mod limits;
mod mutation;
mod query;
mod resource;
mod scalar;
mod user;

use async_graphql::{EmptySubscription, SDLExportOptions};
use axum::Router;
use axum::routing::get;

use crate::state::App;

use self::limits::Limits;
use self::mutation::Mutation;
use self::query::Query;

type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// What runs operations.
pub(crate) struct Executor(Schema);

impl std::fmt::Debug for Executor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Executor")
    }
}

impl Default for Executor {
    fn default() -> Self {
        Self(schema(&Limits::default()))
    }
}

fn schema(limits: &Limits) -> Schema {
    Schema::build(Query, Mutation, EmptySubscription)
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

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/graphql", get(http::by_get).post(http::by_post))
}
