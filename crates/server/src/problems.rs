//! What each `code` of a problem means: one list, served at `/problems/{code}`.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use kernel::Kind;
use serde_json::json;

use crate::error::ApiError;

struct Meaning {
    code: &'static str,
    title: &'static str,
    explanation: &'static str,
}

const fn meaning(code: &'static str, title: &'static str, explanation: &'static str) -> Meaning {
    Meaning { code, title, explanation }
}

#[rustfmt::skip]
const MEANINGS: &[Meaning] = &[
    meaning("malformed_request", "The request cannot be read", "Syntax, an unknown or repeated parameter, a cursor of another list. `errors` names the place."),
    meaning("method_not_allowed", "The path does not answer this method", "The header Allow lists those it answers."),
    meaning("validation_failed", "A value is not allowed", "The request could be read; `errors` names every field that is not allowed and why."),
    meaning("unauthenticated", "Sign in first", "No token or session was sent, or it is unknown, expired or revoked."),
    meaning("invalid_credentials", "Wrong address or password", "No user of this tenant has this address and password."),
    meaning("forbidden", "Not allowed", "You may see this, but not do that with it."),
    meaning("cross_site", "A foreign page sent this", "A request signed in by cookie that changes something must come from this site's own pages; others use `Authorization: Bearer`."),
    meaning("not_found", "No such thing", "It does not exist, or it is not shared with you: the two look alike."),
    meaning("conflict", "It conflicts with what is there", "Somebody else holds what was asked for; `conflicts` names the reservations in the way."),
    meaning("email_taken", "The address is taken", "The tenant already has a user with this address."),
    meaning("uid_taken", "The uid is taken", "The calendar already has an event with this uid."),
    meaning("resource_conflict", "A resource is taken", "Somebody else has it at that time, or the event stands in its own way; `conflicts` says when."),
    meaning("resource_in_use", "The resource is in use", "Reservations that are still to come stand in the way of this change."),
    meaning("resource_gone", "A resource can no longer be booked", "It was removed since the event booked it. Give its reservation back, then move the event."),
    meaning("event_cancelled", "The event is cancelled", "What is cancelled books nothing. Change its status first."),
    meaning("no_such_occurrence", "No such occurrence", "The series has no occurrence of that original_start; the detail names those that come next."),
    meaning("cannot_split_here", "The series cannot be split here", "Its rules are counted from its start: what would follow is another series. Split it at an occurrence that its rule makes."),
    meaning("already_invited", "The address is invited already", "Change that invitation instead."),
    meaning("not_invited", "Not among the guests", "Only guests answer an invitation, and each only for himself."),
    meaning("already_member", "It is shared with this user already", "Change the member's role instead."),
    meaning("last_owner", "A calendar needs an owner", "Make somebody else owner first, or delete the calendar."),
    meaning("too_many_attendees", "Too many guests", "The detail says how many an event can have."),
    meaning("too_many_occurrences", "Too many occurrences", "The detail says how many a series can have: a coarser FREQ, an UNTIL or a COUNT helps."),
    meaning("too_many_reservations", "Too many reservations", "The detail says how many one request can make."),
    meaning("span_too_long", "The window is too long", "The detail says how long it can be."),
    meaning("window_too_wide", "The window is too wide", "A series in it has so few occurrences that they cannot be found that far away. Ask for a shorter window."),
    meaning("precondition_failed", "It has changed", "If-Match names a version that is not the current one, `current_etag`. Read again, repeat the change."),
    meaning("too_large", "The body is too large", "The detail says how much is accepted."),
    meaning("not_acceptable", "No such form of the answer", "Accept names no media type that this path answers in; the detail says which there are."),
    meaning("graphql_invalid", "The document does not fit the schema", "The error names the place. The schema is at `koyomi schema`, and by introspection."),
    meaning("query_too_large", "The query is too large", "The detail says how many bytes are accepted."),
    meaning("query_too_complex", "The query asks for too much", "The error names the limit and its value: ask for less at once, with smaller pages, or in several requests."),
    meaning("query_not_listed", "The query is not on the list", "This server runs only the documents it was started with (`--persisted-only`)."),
    meaning("introspection_disabled", "The schema is not told here", "It was started with `--no-introspection`; schema.graphql of the release holds the schema."),
    meaning("subscription_transport", "Subscriptions need a stream", "Ask for `text/event-stream`, or over the WebSocket /graphql/ws."),
    meaning("unsupported_media_type", "The media type is not supported", "Send JSON as `Content-Type: application/json`."),
    meaning("epoch_over", "The token is from before a restore", "The database was restored since the consistency token was given. Forget the token, and read again without it."),
    meaning("idempotency_key_reused", "The key belongs to another request", "The same Idempotency-Key was used with another method, path or body. New request, new key."),
    meaning("limit_exceeded", "A limit was passed", "The detail names the limit."),
    meaning("try_again", "Try again", "A request with the same Idempotency-Key was under way and failed."),
    meaning("unavailable", "Not available right now", "Nothing was written. Try again after the time in Retry-After."),
    meaning("timeout", "It took too long", "It was given up, and nothing was written. Ask for less, or leave it more time (`Koyomi-Timeout`)."),
    meaning("body_timeout", "The body stopped coming", "Nothing of the body arrived for a while, and nothing was done. Send it again."),
    meaning("overloaded", "The server has too much to do", "Nothing was done. Try again after the time in Retry-After, with some jitter."),
    meaning("rate_limited", "You ask too often", "`limit` names the quota that is used up; the header RateLimit says what is left of it. Try again after the time in Retry-After."),
    meaning("not_ready", "This instance does not take requests", "`errors` says why: it is being stopped, or what it needs does not answer. Another instance may."),
    meaning("outcome_unknown", "It may have happened", "The answer was lost on the way: read it back, or repeat it with the same Idempotency-Key."),
    meaning("internal", "Something broke on our side", "The request id finds it in our logs."),
];

/// A few words for a code; rooms may have codes that are not listed yet, which get their kind's.
pub(crate) fn title(code: &str, kind: Kind) -> &'static str {
    title_of(code).unwrap_or(match kind {
        Kind::Malformed => "The request cannot be read",
        Kind::Invalid => "A value is not allowed",
        Kind::Unauthenticated => "Sign in first",
        Kind::Forbidden => "Not allowed",
        Kind::NotFound => "No such thing",
        Kind::Gone => "It belongs to a time that is over",
        Kind::Conflict => "It conflicts with what is there",
        Kind::PreconditionFailed => "It has changed",
        Kind::TooLarge => "The body is too large",
        Kind::UnsupportedMediaType => "The media type is not supported",
        Kind::LimitExceeded => "A limit was passed",
        Kind::TooOften => "You ask too often",
        Kind::Unavailable => "Not available right now",
        Kind::OutcomeUnknown => "It may have happened",
        Kind::Internal => "Something broke on our side",
    })
}

pub(crate) fn title_of(code: &str) -> Option<&'static str> {
    MEANINGS.iter().find(|m| m.code == code).map(|m| m.title)
}

/// What the `type` of a problem leads to.
pub(crate) async fn explain(Path(code): Path<String>) -> Response {
    match MEANINGS.iter().find(|m| m.code == code) {
        Some(m) => {
            axum::Json(json!({ "code": m.code, "title": m.title, "explanation": m.explanation })).into_response()
        }
        None => ApiError::no_such_route().into_response(),
    }
}
