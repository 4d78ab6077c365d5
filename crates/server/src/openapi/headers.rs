//! Header parameters and answer headers.

use utoipa::IntoParams;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Required};

use crate::extract::{IdempotencyKey, IfMatch, IfNoneMatch};

pub(super) const CONSISTENCY: &str = "Koyomi-Consistency";
pub(super) const IF_MATCH: &str = "If-Match";
pub(super) const IF_NONE_MATCH: &str = "If-None-Match";

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "Change it only if its `ETag` is one of these; otherwise 412.";
        vec![header_parameter(IF_MATCH, description, text().examples(["\"1.42\""]))]
    }
}

impl IntoParams for IfNoneMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "Answer 304 without a body if the `ETag` still is one of these.";
        vec![header_parameter(IF_NONE_MATCH, description, text().examples(["\"1.42\""]))]
    }
}

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "A key of your choice, new for each thing you want done: repeating the same request with it \
                           answers what was answered before instead of doing it twice. Visible ASCII.";
        let schema = text().min_length(Some(1)).max_length(Some(255)).pattern(Some("^[!-~]+$"));
        vec![header_parameter("Idempotency-Key", description, schema)]
    }
}

/// Every operation with a caller takes it.
pub(super) fn consistency() -> Parameter {
    let description = "What you have seen, from an earlier answer: nothing older is shown.";
    header_parameter(CONSISTENCY, description, text())
}

/// Every operation on data takes it.
pub(super) fn timeout() -> Parameter {
    let description = "Milliseconds that you will wait; it only shortens what the server allows.";
    let schema = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(u32::MAX));
    header_parameter("Koyomi-Timeout", description, schema)
}

fn header_parameter(name: &str, description: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

/// What answers carry, by name: kept once among the components.
pub(super) fn components() -> [(&'static str, Header); 10] {
    let header = |description: &str| HeaderBuilder::new().schema(Some(text())).description(Some(description)).build();
    [
        ("ETag", header("Strong validator of this answer: for `If-None-Match`, and for `If-Match` of a change.")),
        (CONSISTENCY, header("What the answer rests on: send it back, and no later answer is older.")),
        ("X-Request-Id", header("The request's name in the server's log: the one sent, or a new one.")),
        ("Server-Timing", header("Where the time went, in milliseconds; `db` says how many statements ran.")),
        (
            "RateLimit",
            header("What is left of the quota, and in how many seconds all of it is back; where there is one."),
        ),
        ("RateLimit-Policy", header("The quota: so many requests in so many seconds; where there is one.")),
        ("Retry-After", header("Seconds to wait before trying again.")),
        ("Set-Cookie", header("The session cookie.")),
        ("WWW-Authenticate", header("`Bearer`.")),
        ("traceparent", header("W3C Trace Context: the trace sent along, continued, or a new one.")),
    ]
}

pub(super) fn reference(name: &str) -> RefOr<Header> {
    RefOr::Ref(Ref::new(format!("#/components/headers/{name}")))
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}
