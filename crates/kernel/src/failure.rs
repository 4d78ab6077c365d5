use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

/// What went wrong, in words that neither HTTP nor GraphQL own. `server/error.rs` turns each into a status and a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request cannot be read: syntax, an unknown parameter, a cursor of another query.
    Malformed,
    /// The request was read and a value in it is not allowed.
    Invalid,
    Unauthenticated,
    /// Only for what the caller may see; the rest is [`Kind::NotFound`].
    Forbidden,
    NotFound,
    /// It belongs to a time that is over (a token of an older epoch).
    Gone,
    /// Somebody else holds what was asked for (a room, an address, a key).
    Conflict,
    /// `If-Match` names a version that is not the current one.
    PreconditionFailed,
    TooLarge,
    UnsupportedMediaType,
    /// A stated limit was passed.
    LimitExceeded,
    /// The caller has used up what he may ask for in a time; nothing was done.
    TooOften,
    /// Try again later; nothing was written.
    Unavailable,
    /// The COMMIT's answer was lost: it may have been written. Try again with the same key.
    OutcomeUnknown,
    Internal,
}

/// One field that is not allowed. `pointer` is an RFC 6901 JSON pointer into the body, or `?name` for a query
/// parameter, or the name of a header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    pub pointer: String,
    pub reason: String,
}

/// A reservation that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    pub resource_id: Uuid,
    pub start_time: DateTime<Utc>,
    pub end_time: DateTime<Utc>,
    /// Shown only to those who may see that event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<Uuid>,
}

/// What somebody may ask for in a time, and has used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Spent {
    /// Of the quota, as `RateLimit-Policy` calls it.
    pub name: &'static str,
    /// So many requests …
    pub quota: u32,
    /// … in so many seconds.
    pub window: u32,
}

/// Why a call was refused. `code` is stable and for machines, `message` tells a person what to do.
#[derive(Debug, Clone)]
pub struct Failure(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: Kind,
    code: &'static str,
    message: String,
    violations: Vec<Violation>,
    conflicts: Vec<Conflict>,
    current_etag: Option<String>,
    spent: Option<Spent>,
    retry_after: Option<Duration>,
    /// For the log, never for the caller.
    cause: Option<String>,
}

impl Failure {
    pub fn new(kind: Kind, code: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            code,
            message: message.into(),
            violations: Vec::new(),
            conflicts: Vec::new(),
            current_etag: None,
            spent: None,
            retry_after: None,
            cause: None,
        }))
    }

    /// A single field that is not allowed.
    pub fn invalid(pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::violations(vec![Violation { pointer: pointer.into(), reason: reason.into() }])
    }

    pub fn violations(violations: Vec<Violation>) -> Self {
        let message = match violations.as_slice() {
            [one] => format!("{}: {}", one.pointer, one.reason),
            many => format!("{} fields are not valid; see errors", many.len()),
        };
        let mut failure = Self::new(Kind::Invalid, "validation_failed", message);
        failure.0.violations = violations;
        failure
    }

    /// A query parameter or header that cannot be read.
    pub fn malformed(pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        let (pointer, reason) = (pointer.into(), reason.into());
        let mut failure = Self::new(Kind::Malformed, "malformed_request", format!("{pointer}: {reason}"));
        failure.0.violations = vec![Violation { pointer, reason }];
        failure
    }

    /// Unknown, deleted, another tenant's and not shared with the caller all look like this.
    pub fn not_found(what: &str) -> Self {
        Self::new(Kind::NotFound, "not_found", format!("no such {what}, or it is not shared with you"))
    }

    /// For unknown, expired and revoked credentials and for users who left: they look alike.
    pub fn unauthenticated() -> Self {
        Self::new(
            Kind::Unauthenticated,
            "unauthenticated",
            "this token or session is unknown, expired or revoked; sign in again",
        )
    }

    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(Kind::Forbidden, "forbidden", message)
    }

    /// A bug or a broken part: `cause` goes to the log only.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::new(Kind::Internal, "internal", "something broke on our side; the request id finds it in our logs")
            .because(cause)
    }

    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    pub fn with_conflicts(mut self, conflicts: Vec<Conflict>) -> Self {
        self.0.conflicts = conflicts;
        self
    }

    pub fn with_current_etag(mut self, etag: impl Into<String>) -> Self {
        self.0.current_etag = Some(etag.into());
        self
    }

    /// What is to be put right, each by its name.
    pub fn with_errors(mut self, violations: Vec<Violation>) -> Self {
        self.0.violations = violations;
        self
    }

    pub fn with_spent(mut self, spent: Spent) -> Self {
        self.0.spent = Some(spent);
        self
    }

    /// When it is worth trying again.
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    pub fn code(&self) -> &'static str {
        self.0.code
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    pub fn errors(&self) -> &[Violation] {
        &self.0.violations
    }

    pub fn conflicts(&self) -> &[Conflict] {
        &self.0.conflicts
    }

    pub fn current_etag(&self) -> Option<&str> {
        self.0.current_etag.as_deref()
    }

    pub fn spent(&self) -> Option<Spent> {
        self.0.spent
    }

    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message)?;
        match &self.0.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

/// A database error that no room gave a meaning to. Rooms match named constraints before this applies.
impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|e| e.code());
        // Texts and times in a body are checked before they come here: what is left is a cursor that somebody forged,
        // with a NUL character or a time that PostgreSQL does not have.
        if matches!(code.as_deref(), Some("22021" | "22008")) {
            return Self::malformed("?cursor", "is not a cursor of this list; start again without it").because(error);
        }
        let unavailable = match (code.as_deref(), &error) {
            (Some("57014"), _) => {
                let message = "the database took too long for this and was told to stop; nothing was written. Ask for less, \
                               or leave it more time";
                return Self::new(Kind::Unavailable, "timeout", message).because(error);
            }
            // Shutdown or crash of the server, too many connections, deadlock, serialisation.
            (Some(code), _) => code.starts_with("57P") || code.starts_with("53") || ["40P01", "40001"].contains(&code),
            (
                None,
                sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::BeginFailed,
            ) => true,
            (None, _) => false,
        };
        if unavailable {
            Self::new(
                Kind::Unavailable,
                "unavailable",
                "the database cannot answer right now; nothing was written, try again",
            )
            .because(error)
        } else {
            Self::internal(error)
        }
    }
}
