use async_graphql::{ErrorExtensionValues, ErrorExtensions, Value};
use kernel::Failure;
use serde_json::json;

use crate::error::status;

/// A refusal as GraphQL says it: `extensions.code` is REST's `code`, and beside it stands what REST's problem says.
pub(super) fn refused(failure: &Failure) -> async_graphql::Error {
    // Goes along for whoever logs it.
    let mut error = async_graphql::Error::new_with_source(failure.clone());
    failure.message().clone_into(&mut error.message);
    error.extend_with(|_, extensions| describe(failure, extensions))
}

pub(super) fn describe(failure: &Failure, extensions: &mut ErrorExtensionValues) {
    extensions.set("code", failure.code());
    extensions.set("status", status(failure.kind()).as_u16());
    if !failure.errors().is_empty() {
        let errors = failure.errors().iter().map(|e| json!({ "pointer": camel(&e.pointer), "reason": e.reason }));
        extensions.set("errors", value(errors.collect()));
    }
    if !failure.conflicts().is_empty() {
        let conflicts = failure.conflicts().iter().map(|c| {
            json!({
                "resourceId": c.resource_id, "startTime": c.start_time, "endTime": c.end_time, "eventId": c.event_id,
            })
        });
        extensions.set("conflicts", value(conflicts.collect()));
    }
    if let Some(etag) = failure.current_etag() {
        extensions.set("currentEtag", etag);
    }
}

/// As the schema calls it: `/time_zone` is `/timeZone`, and what REST has in its query is an argument.
fn camel(pointer: &str) -> String {
    let pointer = match pointer {
        "?limit" => "/first",
        "?cursor" => "/after",
        other => other,
    };
    let mut name = String::with_capacity(pointer.len());
    let mut parts = pointer.split('_');
    name.push_str(&parts.next().unwrap_or_default().replacen('?', "/", 1));
    for part in parts {
        let mut letters = part.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

fn value(json: serde_json::Value) -> Value {
    Value::from_json(json).unwrap_or_default()
}

/// The result of a door, as a field has it.
pub(super) trait Told<T> {
    fn told(self) -> async_graphql::Result<T>;
}

impl<T> Told<T> for kernel::Result<T> {
    fn told(self) -> async_graphql::Result<T> {
        self.map_err(|failure| refused(&failure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_named_as_in_the_schema() {
        assert_eq!(camel("/attendees/0/is_optional"), "/attendees/0/isOptional");
        assert_eq!((camel("?limit"), camel("?calendar_id")), ("/first".to_owned(), "/calendarId".to_owned()));
    }
}
