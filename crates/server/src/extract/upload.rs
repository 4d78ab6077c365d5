use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use kernel::{Failure, Kind};
use koyomi::{ImportLimits, TransferFormat};

use super::body::read_body;
use crate::error::ApiError;

/// A file of events, and what its Content-Type says that it is.
#[derive(Debug)]
pub(crate) struct Upload {
    pub format: TransferFormat,
    pub bytes: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let named = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let format = TransferFormat::of_media_type(named).ok_or_else(|| {
            Failure::new(
                Kind::UnsupportedMediaType,
                "unsupported_media_type",
                "send the events as Content-Type: text/calendar or application/x-ndjson",
            )
        })?;
        let limit = usize::try_from(ImportLimits::default().bytes).unwrap_or(usize::MAX);
        Ok(Self { format, bytes: read_body(request, limit).await? })
    }
}
