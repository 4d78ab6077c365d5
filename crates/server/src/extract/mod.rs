//! What handlers take out of a request, each with an answer of its own to a request that has it wrong.

mod asking;
mod auth;
mod body;
mod idempotency;
mod patch;
mod path;
mod precondition;
mod query;
mod scan;
mod upload;

pub(crate) use asking::{Asking, CONSISTENCY, Encoding, asker, is_anonymous, timings};
pub(crate) use auth::{Auth, Presented, SESSION_COOKIE};
pub(crate) use body::Body;
pub(crate) use idempotency::{IdempotencyKey, Keyed, bind, is_key};
pub(crate) use patch::Patch;
pub(crate) use path::{PathId, PathIds};
pub(crate) use precondition::{IfMatch, IfNoneMatch};
pub(crate) use query::{Query, given, read_query};
pub(crate) use upload::Upload;

use serde_path_to_error::{Path, Segment};

/// RFC 6901 §3.
fn push_pointer(pointer: &mut String, segment: &str) {
    pointer.push('/');
    for c in segment.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

fn pointer_of(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => push_pointer(&mut pointer, &index.to_string()),
            Segment::Map { key } => push_pointer(&mut pointer, key),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// serde's words for what does not fit, without the position that a pointer says better.
fn reason_of(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or(message);
    if let Some(rest) = message.strip_prefix("unknown field ") {
        let known = rest.split_once(", ").map_or("", |(_, known)| known);
        return match known {
            "" | "there are no fields" => "is not known here; nothing is expected".to_owned(),
            known => format!("is not known here; {}", known.replace('`', "")),
        };
    }
    message.replace('`', "")
}

/// The name in serde's "missing field `name`".
fn missing_field(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.split('`').next()
}
