//! One file per group of paths.

mod admin;
mod agenda;
mod attendees;
mod auth;
mod availability;
mod calendars;
mod events;
mod health;
mod me;
mod members;
mod occurrences;
mod paging;
mod reservations;
mod resources;
mod respond;
mod search;
mod series;
mod tokens;
mod users;
