use http::HeaderMap;
use http::header::ACCEPT_ENCODING;
use tower_http::compression::predicate::{And, NotForContentType, Predicate, SizeAbove};
use tower_http::compression::{CompressionLayer, CompressionLevel};

/// Below this a packet is saved at best, and time is lost.
const THRESHOLD: u64 = 1024;

type Worthwhile = And<And<SizeAbove, NotForContentType>, NotForContentType>;

/// The fastest levels: an answer is compressed once and read once.
pub(crate) fn compression() -> CompressionLayer<Worthwhile> {
    CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(THRESHOLD).and(NotForContentType::IMAGES).and(NotForContentType::SSE))
}

/// tower-http answers 406 to who forbids even the identity encoding, *after* the handler has run: a booking would be
/// made and refused. RFC 9110 §12.5.3 lets us ignore such a header instead.
pub(super) fn keep_acceptable(headers: &mut HeaderMap) {
    let forbids_identity = headers.get_all(ACCEPT_ENCODING).iter().any(|value| {
        let value = value.to_str().unwrap_or_default().to_ascii_lowercase();
        value.split(',').any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            let weight: Option<f32> = weight.trim().strip_prefix("q=").and_then(|q| q.parse().ok());
            matches!(name.trim(), "identity" | "*") && weight == Some(0.0)
        })
    });
    if forbids_identity {
        headers.remove(ACCEPT_ENCODING);
    }
}
