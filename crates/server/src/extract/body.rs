use axum::extract::{FromRequest, Request};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use kernel::{Failure, Kind, Violation};
use serde::de::DeserializeOwned;

use super::{missing_field, pointer_of, push_pointer, reason_of, scan};
use crate::error::ApiError;

/// What a JSON body may weigh.
const LIMIT: usize = 1 << 20;
/// How much of a body that is too large is read and thrown away: a client that still writes does not read our answer.
const DRAIN: usize = 8 << 20;

/// A JSON body. Its type says `#[serde(deny_unknown_fields)]`, and uses neither `flatten` nor `untagged` (they lose the
/// place of an error).
#[derive(Debug)]
pub(crate) struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (_, value) = json(request).await?;
        Ok(Self(value))
    }
}

/// The bytes and what they say.
pub(super) async fn json<T: DeserializeOwned>(request: Request) -> Result<(Bytes, T), ApiError> {
    is_json(request.headers())?;
    let bytes = read_body(request, LIMIT).await?;
    let value = parse(&bytes)?;
    Ok((bytes, value))
}

/// A whole body of at most `limit` bytes.
pub(super) async fn read_body(request: Request, limit: usize) -> Result<Bytes, ApiError> {
    let mut body = request.into_body();
    let (mut bytes, mut seen) = (BytesMut::new(), 0usize);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ApiError::unread(&error))?;
        let Ok(data) = frame.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen <= limit {
            bytes.extend_from_slice(&data);
        } else if seen > limit.saturating_add(DRAIN) {
            break;
        }
    }
    if seen > limit {
        let message = format!("the body has more than {limit} bytes, which is the most that is accepted here");
        return Err(Failure::new(Kind::TooLarge, "too_large", message).into());
    }
    Ok(bytes.freeze())
}

fn is_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let json =
        media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json"));
    if json {
        return Ok(());
    }
    let shown = if media_type.is_empty() { "nothing" } else { "something else" };
    Err(Failure::new(
        Kind::UnsupportedMediaType,
        "unsupported_media_type",
        format!("send the body as Content-Type: application/json; the header says {shown}"),
    )
    .into())
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(not_json("the body is empty; it must be JSON".to_owned()));
    }
    scan::check(bytes)?;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let mut pointer = pointer_of(error.path());
        let message = error.into_inner().to_string();
        let reason = match missing_field(&message) {
            Some(field) => {
                push_pointer(&mut pointer, field);
                "is required".to_owned()
            }
            None => reason_of(&message),
        };
        Failure::violations(vec![Violation { pointer, reason }]).into()
    })
}

pub(super) fn not_json(message: String) -> ApiError {
    Failure::new(Kind::Malformed, "malformed_request", message).into()
}
