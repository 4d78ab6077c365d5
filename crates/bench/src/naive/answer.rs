use axum::response::{IntoResponse, Response};
use http::StatusCode;
use tokio_postgres::error::SqlState;

pub(crate) type Answer<T> = Result<T, Refusal>;

/// Why there is no answer, as plain text.
#[derive(Debug)]
pub(crate) enum Refusal {
    Unauthenticated,
    /// What is not there, or not the caller's to write.
    NotFound(&'static str),
    /// Somebody has the room.
    Taken,
    Malformed(String),
    Broken(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Refusal {
    fn from(error: E) -> Self {
        let error = error.into();
        let state = error.downcast_ref::<tokio_postgres::Error>().and_then(tokio_postgres::Error::code);
        if state == Some(&SqlState::EXCLUSION_VIOLATION) { Self::Taken } else { Self::Broken(error) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "this token opens nothing".to_owned()),
            Self::NotFound(what) => (StatusCode::NOT_FOUND, format!("there is no such {what}, or it is not yours")),
            Self::Taken => (StatusCode::CONFLICT, "somebody has the room at that time".to_owned()),
            Self::Malformed(why) => (StatusCode::BAD_REQUEST, why),
            Self::Broken(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")),
        };
        (status, text).into_response()
    }
}
