//! One file per group of paths.

mod auth;
mod health;
mod me;
mod tokens;
mod users;
