use std::convert::Infallible;

use axum::body::Body;
use axum::response::Response;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use http::{HeaderMap, Request};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::compression::{CompressionLayer, CompressionLevel};

/// Below this a packet is saved at best, and time is lost.
const THRESHOLD: u64 = 1024;

/// Compresses an answer as the request has wished. What left its handler compressed, or whoever wishes nothing, goes
/// through for nothing.
pub(super) async fn compressed(wished: HeaderMap, response: Response) -> Response {
    if wished.is_empty() || response.headers().contains_key(CONTENT_ENCODING) {
        return response;
    }
    let mut request = Request::new(response);
    *request.headers_mut() = wished;
    let worthwhile = SizeAbove::new(THRESHOLD).and(NotForContentType::IMAGES).and(NotForContentType::SSE);
    // The fastest levels: an answer is compressed once and read once.
    let layer = CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(worthwhile);
    let answer = layer.layer(service_fn(async |request: Request<Response>| Ok::<_, Infallible>(request.into_body())));
    match answer.oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    }
}

/// What a request wishes: its `Accept-Encoding`.
///
/// tower-http answers 406 to who forbids even the identity encoding, *after* the handler has run: a booking would be
/// made and refused. RFC 9110 §12.5.3 lets us ignore such a header instead.
pub(super) fn wished(headers: &HeaderMap) -> HeaderMap {
    let values = headers.get_all(ACCEPT_ENCODING);
    let forbids_identity = values.iter().any(|value| {
        let value = value.to_str().unwrap_or_default().to_ascii_lowercase();
        value.split(',').any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            let weight: Option<f32> = weight.trim().strip_prefix("q=").and_then(|q| q.parse().ok());
            matches!(name.trim(), "identity" | "*") && weight == Some(0.0)
        })
    });
    if forbids_identity {
        return HeaderMap::new();
    }
    values.iter().map(|value| (ACCEPT_ENCODING, value.clone())).collect()
}
