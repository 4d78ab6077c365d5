//! The explorer: GraphiQL, from this binary, as everything that it needs.

use std::io::Read;

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::read::GzDecoder;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderName, HeaderValue};
use kernel::Failure;

use crate::error::{Answer, ApiError};
use crate::state::App;

/// A file of the page.
struct Asset {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
    gzipped: bool,
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! asset {
    ($name:literal, $media_type:expr) => {
        Asset {
            name: $name,
            media_type: $media_type,
            bytes: include_bytes!(concat!("../../assets/graphiql/", $name)),
            gzipped: false,
        }
    };
    ($name:literal, $media_type:expr, gzipped) => {
        Asset {
            name: $name,
            media_type: $media_type,
            bytes: include_bytes!(concat!("../../assets/graphiql/", $name, ".gz")),
            gzipped: true,
        }
    };
}

const ASSETS: [Asset; 6] = [
    asset!("index.html", HTML),
    asset!("koyomi.js", SCRIPT),
    asset!("graphiql.min.js", SCRIPT, gzipped),
    asset!("graphiql.min.css", "text/css; charset=utf-8", gzipped),
    asset!("react.production.min.js", SCRIPT, gzipped),
    asset!("react-dom.production.min.js", SCRIPT, gzipped),
];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/graphiql", get(async |headers: HeaderMap| find("index.html", &headers)))
        .route("/graphiql/{name}", get(async |Path(name): Path<String>, headers: HeaderMap| find(&name, &headers)))
}

fn find(name: &str, headers: &HeaderMap) -> Answer {
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or_else(ApiError::no_such_route)?;
    Ok(asset.serve(takes_gzip(headers))?)
}

impl Asset {
    fn serve(&self, takes_gzip: bool) -> kernel::Result<Response> {
        let kind = |name: HeaderName, value: &'static str| (name, HeaderValue::from_static(value));
        let headers = [
            kind(CONTENT_TYPE, self.media_type),
            kind(CACHE_CONTROL, "public, max-age=3600"),
            kind(VARY, "Accept-Encoding"),
        ];
        if !self.gzipped {
            return Ok((headers, self.bytes).into_response());
        }
        if takes_gzip {
            return Ok((headers, [kind(CONTENT_ENCODING, "gzip")], self.bytes).into_response());
        }
        let mut plain = Vec::new();
        GzDecoder::new(self.bytes).read_to_end(&mut plain).map_err(Failure::internal)?;
        Ok((headers, plain).into_response())
    }
}

/// Every browser says so in its own words; what is sent plain to somebody who takes gzip harms nobody.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let all = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|text| text.split(',')).any(|coding| coding.trim().eq_ignore_ascii_case("gzip"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_needs_nothing_that_is_not_there() {
        let page = std::str::from_utf8(ASSETS[0].bytes).unwrap();
        let needs: Vec<&str> = page.split('"').filter_map(|text| text.strip_prefix("/graphiql/")).collect();
        assert_eq!(needs.len(), 5);
        for name in needs {
            assert!(ASSETS.iter().any(|asset| asset.name == name), "{name}");
        }
        for asset in ASSETS.iter().filter(|asset| asset.gzipped) {
            let mut plain = String::new();
            GzDecoder::new(asset.bytes).read_to_string(&mut plain).unwrap();
            assert!(plain.len() > 10_000, "{}", asset.name);
        }
    }
}
