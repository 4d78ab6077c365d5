//! What holds for every operation of its kind, added to all of them.

use serde_json::json;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::{Components, ContentBuilder, OpenApi, PathItem, Ref, RefOr};

use super::headers::{self, IF_MATCH, IF_NONE_MATCH};
use crate::problems;
use crate::shape::problem::Problem;

/// A problem that operations share: status, name among the components, code of the example, description.
struct Shared {
    status: &'static str,
    name: &'static str,
    code: &'static str,
    description: &'static str,
}

const fn shared(status: &'static str, name: &'static str, code: &'static str, description: &'static str) -> Shared {
    Shared { status, name, code, description }
}

#[rustfmt::skip]
const PROBLEMS: [Shared; 14] = [
    shared("400", "Malformed", "malformed_request", "The request cannot be read: syntax, an unknown parameter, a cursor of another list."),
    shared("401", "Unauthenticated", "unauthenticated", "Sign in first."),
    shared("403", "Forbidden", "forbidden", "You may see this, but not do that with it."),
    shared("404", "NotFound", "not_found", "It does not exist, or is not shared with you."),
    shared("408", "BodyTimeout", "body_timeout", "The body stopped coming."),
    shared("409", "Conflict", "conflict", "Somebody else holds what was asked for."),
    shared("410", "Gone", "epoch_over", "The consistency token is from before the database was restored."),
    shared("412", "PreconditionFailed", "precondition_failed", "It was changed since: `current_etag` is the tag it has now."),
    shared("413", "TooLarge", "too_large", "The body is too large."),
    shared("415", "UnsupportedMediaType", "unsupported_media_type", "Send JSON."),
    shared("422", "Invalid", "validation_failed", "A value is not allowed; `errors` names every one."),
    shared("429", "TooOften", "rate_limited", "You ask too often: `limit` names the quota. Try again after `Retry-After`."),
    shared("500", "Internal", "internal", "Something broke on our side."),
    shared("503", "Unavailable", "unavailable", "Try again after `Retry-After`."),
];

pub(super) fn complete(mut document: OpenApi) -> OpenApi {
    for (path, item) in &mut document.paths.paths {
        for (unsafe_method, operation) in operations(item) {
            complete_operation(path, unsafe_method, operation);
        }
    }
    add_components(document.components.get_or_insert_default());
    document
}

/// The operations of a path, each with whether it changes something.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (bool, &mut Operation)> {
    [
        (false, &mut item.get),
        (true, &mut item.post),
        (true, &mut item.put),
        (true, &mut item.patch),
        (true, &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(unsafe_method, operation)| Some((unsafe_method, operation.as_mut()?)))
}

fn complete_operation(path: &str, unsafe_method: bool, operation: &mut Operation) {
    let of_database = path != "/healthz";
    // No list of schemes: the document's. An empty requirement in the list: optional.
    let public = operation.security.as_ref().is_some_and(|list| list.contains(&Default::default()));
    let cookie = operation.security.as_ref().is_none_or(|list| list.len() > 1);
    let private = !public || cookie;
    if private && path.starts_with("/api") && !path.starts_with("/api/auth/") {
        operation.parameters.get_or_insert_default().push(headers::consistency().into());
    }
    let of_api = path.starts_with("/api");
    if of_api {
        operation.parameters.get_or_insert_default().push(headers::timeout().into());
    }
    let located = |place: ParameterIn| parameters(operation).any(|p| p.parameter_in == place);
    let named = |name: &str| parameters(operation).any(|p| p.name == name);
    let body = operation.request_body.is_some();
    let (query, conditional) = (located(ParameterIn::Query), named(IF_NONE_MATCH));
    let validated = conditional || named(IF_MATCH);
    let wanted = [
        ("400", body || query || located(ParameterIn::Header)),
        ("401", !public || cookie),
        ("403", unsafe_method && cookie),
        ("404", located(ParameterIn::Path)),
        ("408", body),
        ("410", named(headers::CONSISTENCY)),
        ("412", named(IF_MATCH)),
        ("413", body),
        ("415", body),
        ("422", body || query),
        ("429", of_api),
        ("500", of_database),
        ("503", of_database),
    ];
    let responses = &mut operation.responses.responses;
    if conditional {
        let unchanged = Response::new("You have it already.");
        responses.entry("304".to_owned()).or_insert_with(|| unchanged.into());
    }
    for (status, _) in wanted.into_iter().filter(|(_, wanted)| *wanted) {
        responses.entry(status.to_owned()).or_insert_with(|| reference(status));
    }
    let sets_cookie = path.starts_with("/api/auth/");
    for (status, response) in responses {
        if let RefOr::T(response) = response {
            if private && (status.starts_with('2') || status == "304") {
                response.headers.insert(headers::CONSISTENCY.to_owned(), headers::reference(headers::CONSISTENCY));
            }
            complete_response(status, validated, response);
            if sets_cookie && status.starts_with('2') {
                response.headers.insert("Set-Cookie".to_owned(), headers::reference("Set-Cookie"));
            }
        }
    }
}

/// What handlers declare themselves: a refusal gets the problem's shape, and all the headers.
fn complete_response(status: &str, validated: bool, response: &mut Response) {
    let refused = status.starts_with('4') || status.starts_with('5');
    if refused && response.content.is_empty() {
        let code = PROBLEMS.iter().find(|p| p.status == status).map_or("malformed_request", |p| p.code);
        response.content.insert(Problem::MEDIA_TYPE.to_owned(), content(status, code).into());
    }
    if validated && !refused {
        response.headers.insert("ETag".to_owned(), headers::reference("ETag"));
    }
    let of_status: &[&str] = match status {
        "401" => &["WWW-Authenticate"],
        "429" => &["Retry-After", "RateLimit", "RateLimit-Policy"],
        "503" => &["Retry-After"],
        _ => &[],
    };
    for name in ["X-Request-Id", "Server-Timing", "traceparent"].iter().chain(of_status) {
        response.headers.insert((*name).to_owned(), headers::reference(name));
    }
}

fn add_components(components: &mut Components) {
    for (name, header) in headers::components() {
        components.headers.insert(name.to_owned(), header.into());
    }
    for problem in &PROBLEMS {
        let mut response = ResponseBuilder::new().description(problem.description).build();
        let content = content(problem.status, problem.code);
        response.content.insert(Problem::MEDIA_TYPE.to_owned(), content.into());
        complete_response(problem.status, false, &mut response);
        components.responses.insert(problem.name.to_owned(), response.into());
    }
}

fn content(status: &str, code: &str) -> utoipa::openapi::Content {
    let example = json!({
        "type": format!("/problems/{code}"),
        "title": problems::title_of(code),
        "status": status.parse::<u16>().unwrap_or_default(),
        "detail": problems::title_of(code),
        "code": code,
        "request_id": "019a0f3e-7c51-7b7d-8a43-4ce6a1f4a7f0",
    });
    ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).example(Some(example)).build()
}

fn reference(status: &str) -> RefOr<Response> {
    let name = PROBLEMS.iter().find(|p| p.status == status).map_or("Internal", |p| p.name);
    Ref::new(format!("#/components/responses/{name}")).into()
}

pub(super) fn parameters(operation: &Operation) -> impl Iterator<Item = &Parameter> {
    operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    })
}
