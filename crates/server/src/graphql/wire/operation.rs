use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{Request, Response, ServerError, Variables};
use futures::stream::{self, BoxStream, StreamExt};
use http::Method;
use kernel::{Failure, Kind, Result, TenantId};
use koyomi::{Asker, Opened};
use serde::Deserialize;
use tracing::Instrument;

use super::Limits;
use super::answers::Question;
use super::counted::{introspects, within_limits, within_values};
use super::documents::{Found, Hash, Named};
use super::reach::within_reach;
use crate::error::{log, status};
use crate::graphql::asked::{Asked, Calendars, Events, Resources, Users};
use crate::graphql::error::describe;
use crate::graphql::grounds::Grounds;
use crate::graphql::group::side_by_side;
use crate::metrics::Series;
use crate::middleware::RequestId;
use crate::state::App;

/// An operation as a client sends it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asking {
    pub query: Option<String>,
    pub operation_name: Option<String>,
    pub variables: Option<serde_json::Map<String, serde_json::Value>>,
    pub extensions: Option<Extensions>,
}

impl Asking {
    /// Neither a document nor the name of one.
    pub(super) fn names_nothing(&self) -> bool {
        self.query.is_none() && self.extensions.as_ref().is_none_or(|e| e.persisted_query.is_none())
    }
}

/// What is agreed upon besides; what is not known here is nothing to us.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Extensions {
    persisted_query: Option<PersistedQuery>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersistedQuery {
    sha256_hash: String,
}

/// What a client has sent, and nobody has read yet.
pub(super) struct Sent {
    app: App,
    pub who: Result<Asker>,
    text: Arc<str>,
    /// Worth keeping under this name, when it turns out to be a document.
    keep: Option<(TenantId, Hash)>,
    operation_name: Option<String>,
    variables: serde_json::Map<String, serde_json::Value>,
    request_id: Option<RequestId>,
}

/// An operation that may run: it can be read, and is within the limits that can be told without running it.
pub(super) struct Operation {
    app: App,
    request: Request,
    asked: Arc<Asked>,
    pub kind: OperationType,
    /// Where it counts.
    series: Arc<Series>,
    request_id: Option<RequestId>,
}

/// What came of it.
pub(super) struct Ran {
    pub response: Response,
    /// What it rests on, of a query that found everything it asked for, where that can be told.
    pub grounds: Option<Grounds>,
    pub series: Arc<Series>,
}

impl Sent {
    /// # Errors
    /// With the answer that refuses it.
    pub(super) async fn of(
        app: &App,
        who: Result<Asker>,
        asking: Asking,
        request_id: Option<RequestId>,
    ) -> Result<Self, Response> {
        let sent = Self::find(app, who, asking, request_id).await;
        sent.inspect_err(|_| app.graphql.operations.refused.increment(1))
    }

    async fn find(
        app: &App,
        who: Result<Asker>,
        asking: Asking,
        request_id: Option<RequestId>,
    ) -> Result<Self, Response> {
        let limits = &app.graphql.limits;
        let persisted = asking.extensions.and_then(|extensions| extensions.persisted_query);
        let named = Named { text: asking.query.as_deref(), id: persisted.as_ref().map(|p| p.sha256_hash.as_str()) };
        let documents = &app.graphql.documents;
        let tenant = if named.id.is_some() && !documents.is_closed() {
            Some(tenant_of(app, &who).await.map_err(|failure| refusal(&failure))?)
        } else {
            None
        };
        let found = documents.find(&named, tenant).map_err(|failure| refusal(&failure))?;
        let (text, hash) = match found {
            Found::Text(text) => (text, None),
            Found::New(text, hash) => (text, Some(hash)),
            Found::Unknown => return Err(unknown_document()),
        };
        if text.len() > limits.document {
            return Err(refusal(&too_large("the document", text.len(), limits.document)));
        }
        let variables = asking.variables.unwrap_or_default();
        within_values(&variables, limits).map_err(|failure| refusal(&failure))?;
        let (app, operation_name, keep) = (app.clone(), asking.operation_name, tenant.zip(hash));
        Ok(Self { app, who, text, keep, operation_name, variables, request_id })
    }

    /// What is asked, letter by letter.
    pub(super) fn question(&self) -> Question {
        Question::of(&self.text, self.operation_name.as_deref(), &self.variables)
    }

    /// It has turned out to be a document.
    pub(super) fn keep_document(&self) {
        if let Some((tenant, hash)) = self.keep {
            self.app.graphql.documents.keep(tenant, hash, Arc::clone(&self.text));
        }
    }

    /// `before`: the head check, where it was made already.
    ///
    /// # Errors
    /// With the answer that refuses it.
    pub(super) fn operation(self, before: Option<Opened>) -> Result<Operation, Box<Response>> {
        let app = self.app.clone();
        self.read(before).inspect_err(|_| app.graphql.operations.refused.increment(1))
    }

    fn read(self, before: Option<Opened>) -> Result<Operation, Box<Response>> {
        let limits = self.app.graphql.limits;
        within_reach(&self.text, &limits).map_err(|failure| Box::new(refusal(&failure)))?;
        let variables = Variables::from_json(self.variables.clone().into());
        let mut request = Request::new(&*self.text).variables(variables.clone());
        request.operation_name.clone_from(&self.operation_name);
        let name = self.operation_name.as_deref();
        let document =
            request.parsed_query().map_err(|error| Box::new(Response::from_errors(vec![with_code(error, &limits)])))?;
        let kind = checked(&self.app, document, name).map_err(|failure| Box::new(refusal(&failure)))?;
        let groups = side_by_side(document, name, &variables);
        let series = self.app.graphql.operations.find(document, name, kind);
        self.keep_document();
        let Self { app, who, request_id, .. } = self;
        let who = who.map(|who| Asker { current: kind != OperationType::Query, ..who });
        let asked = Arc::new(Asked::new(app.clone(), who, before, groups));
        let request = request.data(Users::of(&asked)).data(Resources::of(&asked)).data(Calendars::of(&asked));
        let request = request.data(Events::of(&asked)).data(Arc::clone(&asked));
        Ok(Operation { app, request, asked, kind, series, request_id })
    }
}

impl Operation {
    /// # Errors
    /// With the answer that refuses it.
    pub(super) async fn of(
        app: &App,
        who: Result<Asker>,
        asking: Asking,
        request_id: Option<RequestId>,
    ) -> Result<Self, Response> {
        Sent::of(app, who, asking, request_id).await?.operation(None).map_err(|response| *response)
    }

    /// What a query or a change comes to.
    pub(super) async fn run(self) -> Ran {
        let Self { app, request, asked, kind, series, request_id } = self;
        let began = Instant::now();
        // That of the request, which may have asked for less; on a socket each operation has its own.
        let usual = app.graphql.limits.deadline;
        let deadline = store::remaining().map_or(usual, |left| left.min(usual));
        let work = store::until(began + deadline, app.graphql.schema.execute(request)).instrument(series.span());
        let response = match tokio::time::timeout(deadline, work).await {
            Ok(response) => response,
            Err(_) => refusal(&too_long(kind, deadline)),
        };
        let response = told(response, &app.graphql.limits, request_id.as_ref());
        series.took(began.elapsed());
        series.count(response.errors.is_empty());
        let whole = kind == OperationType::Query && response.errors.is_empty();
        Ran { response, grounds: if whole { asked.grounds() } else { None }, series }
    }

    /// What a subscription comes to, one after the other; anything else comes to one.
    pub(super) fn stream(self) -> BoxStream<'static, Response> {
        if self.kind != OperationType::Subscription {
            return stream::once(async { self.run().await.response }).boxed();
        }
        let Self { app, request, series, request_id, .. } = self;
        series.count(true);
        let limits = app.graphql.limits;
        let responses = app.graphql.schema.execute_stream(request);
        responses.map(move |response| told(response, &limits, request_id.as_ref())).boxed()
    }
}

/// A secret belongs to one tenant for good: for that, memory will do.
async fn tenant_of(app: &App, who: &Result<Asker>) -> Result<TenantId> {
    let asker = who.as_ref().map_err(Clone::clone)?;
    match app.koyomi.heads.tenant_of(&asker.secret) {
        Some(tenant) => Ok(tenant),
        None => Ok(app.koyomi.caller(asker, true).await?.tenant_id),
    }
}

/// What the operation is, if it may run.
fn checked(app: &App, document: &ExecutableDocument, name: Option<&str>) -> Result<OperationType> {
    within_limits(document, &app.graphql.limits)?;
    if !app.graphql.introspection && introspects(document) {
        return Err(Failure::new(
            Kind::Malformed,
            "introspection_disabled",
            "this server does not answer questions about its schema; schema.graphql of its release holds it",
        ));
    }
    let operations = document.operations.iter();
    let mut chosen = operations.filter(|(of, _)| name.is_none_or(|name| of.is_some_and(|of| of == name)));
    let Some((_, operation)) = chosen.next() else { return Ok(OperationType::Query) };
    let kind = operation.node.ty;
    // Which one is meant, the executor will ask; until then it is the one that can do most.
    if chosen.any(|(_, other)| other.node.ty != kind) {
        return Ok(OperationType::Mutation);
    }
    if kind == OperationType::Subscription && operation.node.selection_set.node.items.len() != 1 {
        // Single root field (GraphQL specification, 5.2.3.1).
        return Err(Failure::new(Kind::Malformed, "graphql_invalid", "a subscription must have one field at its top"));
    }
    Ok(kind)
}

pub(super) fn refusal(failure: &Failure) -> Response {
    let mut error = ServerError::new(failure.message(), None);
    describe(failure, error.extensions.get_or_insert_default());
    Response::from_errors(vec![error])
}

pub(super) fn too_large(what: &str, is: usize, limit: usize) -> Failure {
    Failure::new(Kind::TooLarge, "query_too_large", format!("{what} has {is} bytes, at most {limit} are allowed"))
}

fn too_long(kind: OperationType, deadline: Duration) -> Failure {
    let seconds = deadline.as_secs_f64();
    if kind == OperationType::Mutation {
        let message = format!(
            "this took more than {seconds:.1} s, and may still happen; read it back, or send it again with the same \
             idempotencyKey"
        );
        return Failure::new(Kind::OutcomeUnknown, "outcome_unknown", message);
    }
    let message = format!("this took more than {seconds:.1} s and was given up; ask for less at once");
    Failure::new(Kind::Unavailable, "timeout", message)
}

/// In the words that clients with automatic persisted queries wait for.
fn unknown_document() -> Response {
    let mut error = ServerError::new("PersistedQueryNotFound", None);
    error.extensions.get_or_insert_default().set("code", "PERSISTED_QUERY_NOT_FOUND");
    Response::from_errors(vec![error])
}

/// As it leaves: each error with a code, and with what finds it in the log.
fn told(mut response: Response, limits: &Limits, request_id: Option<&RequestId>) -> Response {
    let request_id = request_id.map(RequestId::as_str).unwrap_or_default();
    let told = |error| {
        let mut error = with_code(error, limits);
        let trace = store::current_trace();
        if let Some(failure) = error.source::<Failure>() {
            log(status(failure.kind()), failure, request_id, &Method::POST, "/graphql");
            let extensions = error.extensions.get_or_insert_default();
            extensions.set("requestId", request_id);
            if let Some(trace) = trace {
                extensions.set("traceId", trace.as_str());
            }
        }
        error
    };
    response.errors = response.errors.into_iter().map(told).collect();
    response
}

/// What the executor refuses by itself is a document that does not fit.
fn with_code(mut error: ServerError, limits: &Limits) -> ServerError {
    let extensions = error.extensions.get_or_insert_default();
    if extensions.get("code").is_some() {
        return error;
    }
    let (name, limit) = match error.message.as_str() {
        "Query is too complex." => ("complexity", limits.complexity),
        "Query is nested too deep." => ("depth", limits.depth),
        text if text.starts_with("The recursion depth of the query") => ("nesting", limits.nesting),
        _ => {
            extensions.set("code", "graphql_invalid");
            return error;
        }
    };
    extensions.set("code", "query_too_complex");
    extensions.set("limit", name);
    extensions.set("maximum", limit);
    error.message = format!("the {name} of this query is more than {limit}; ask for less at once");
    error
}

/// Whether nothing was run, or the end has come: there is no data, and no error below a field of the top.
pub(super) fn is_refusal(response: &Response) -> bool {
    response.is_err()
        && response.data == async_graphql::Value::Null
        && response.errors.iter().all(|error| error.path.len() <= 1)
}
