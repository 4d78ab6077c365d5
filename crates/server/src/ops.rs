//! `/ops`: the instance's own curves, for whoever has no Grafana. A page from this binary that reads `/metrics`, and, as
//! that, for the inside network.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use crate::error::{Answer, ApiError};
use crate::state::App;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Name, media type, text.
const FILES: [(&str, &str, &str); 5] = [
    ("index.html", HTML, include_str!("../assets/ops/index.html")),
    ("ops.css", "text/css; charset=utf-8", include_str!("../assets/ops/ops.css")),
    ("ops.js", SCRIPT, include_str!("../assets/ops/ops.js")),
    ("chart.js", SCRIPT, include_str!("../assets/ops/chart.js")),
    ("samples.js", SCRIPT, include_str!("../assets/ops/samples.js")),
];

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/ops", get(async || find("index.html")))
        .route("/ops/{name}", get(async |Path(name): Path<String>| find(&name)))
}

fn find(name: &str) -> Answer {
    let (_, media_type, text) = FILES.iter().find(|(of, ..)| *of == name).ok_or_else(ApiError::no_such_route)?;
    Ok(serve(media_type, text))
}

fn serve(media_type: &'static str, text: &'static str) -> Response {
    // A new version's page and its scripts belong together.
    let headers = [(CONTENT_TYPE, media_type), (CACHE_CONTROL, "no-cache")];
    (headers.map(|(name, value)| (name, HeaderValue::from_static(value))), text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_needs_nothing_that_is_not_there() {
        let all = FILES.map(|(.., text)| text).concat();
        let needs: Vec<&str> = all.split(['"', '\'']).filter_map(|text| text.strip_prefix("/ops/")).collect();
        assert_eq!(needs.len(), 4);
        for name in needs {
            assert!(FILES.iter().any(|(of, ..)| *of == name), "{name}");
        }
    }

    /// A page that draws what is not told draws nothing, and says so to nobody.
    #[test]
    fn the_page_asks_for_metrics_that_there_are() {
        let catalogue = include_str!("../../../docs/METRICS.md");
        let words = FILES[2].2.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let names: Vec<&str> =
            words.filter(|word| word.starts_with("koyomi_") || word.starts_with("process_")).collect();
        assert!(names.len() > 10);
        for name in names {
            let stem = ["_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            assert!([name, stem].iter().any(|name| catalogue.contains(&format!("| `{name}` |"))), "{name}");
        }
    }
}
