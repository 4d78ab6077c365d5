//! koyomi over HTTP: extract, call, shape. What may happen is decided behind the doors of the rooms; here is only how
//! it is asked for and how it is answered.

mod again;
#[cfg(test)]
mod counted;
mod etag;
mod extract;
pub mod graphql;
pub mod guard;
mod heap;
mod housekeeping;
pub mod listen;
mod live;
mod metrics;
mod middleware;
mod news;
mod openapi;
mod ops;
mod problems;
mod ready;
mod rest;
mod serve;
mod shape;
mod state;
mod telemetry;

pub mod cli;
pub mod config;
pub mod error;

pub use graphql::sdl;
pub use middleware::cors::Origins;
pub use openapi::document;
pub use serve::serve;
pub use state::{App, MOST_SUBSCRIPTIONS, Settings};
