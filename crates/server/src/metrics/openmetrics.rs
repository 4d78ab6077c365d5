//! The text format in the words of OpenMetrics 1.0
//! (<https://prometheus.io/docs/specs/om/open_metrics_spec/>): the one that knows exemplars.
//!
//! Bounds stay as the text format has them (`le="8"`, not `"8.0"`): a series keeps its name whichever format is asked for.

use std::collections::HashMap;
use std::fmt::{Display, Write};

use http::HeaderMap;
use http::header::ACCEPT;

pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whether it is wanted, no less than the text format is.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    let (mut own, mut text) = (0.0_f32, 0.0_f32);
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    for range in values.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default();
        let (mut weight, mut version) = (1.0, "1.0.0");
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            match name {
                "q" => weight = value.parse().unwrap_or(0.0),
                "version" => version = value,
                _ => {}
            }
        }
        match media_type {
            "application/openmetrics-text" if version == "1.0.0" => own = own.max(weight),
            "text/plain" | "text/*" => text = text.max(weight),
            _ => {}
        }
    }
    own > 0.0 && own >= text
}

/// Counters lose `_total` where they are described, words have their quotes escaped, empty lines go, exemplars come behind
/// their samples, and the end is said.
pub(super) fn of(text: &str, exemplars: &HashMap<String, impl Display>) -> String {
    let mut told = String::with_capacity(text.len() + 128 * exemplars.len());
    for line in text.lines().filter(|line| !line.is_empty()) {
        // A string takes whatever is written to it.
        let _ = match line.strip_prefix("# ").and_then(|rest| rest.split_once(' ')) {
            Some((what, rest)) => {
                let (name, words) = rest.split_once(' ').unwrap_or((rest, ""));
                let name = name.strip_suffix("_total").unwrap_or(name);
                writeln!(told, "# {what} {name} {}", words.replace('"', "\\\""))
            }
            None => match line.rsplit_once(' ').and_then(|(sample, _)| exemplars.get(sample)) {
                Some(exemplar) => writeln!(told, "{line} {exemplar}"),
                None => writeln!(told, "{line}"),
            },
        };
    }
    told.push_str("# EOF\n");
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_to_who_asks_for_it() {
        let wanted = |text: &'static str| is_wanted(&HeaderMap::from_iter([(ACCEPT, text.parse().unwrap())]));
        // Prometheus 2.42, 2.55 and 3.
        assert!(wanted(
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
        ));
        assert!(wanted(
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
        ));
        assert!(wanted("application/openmetrics-text"));
        for plain in [
            "*/*",
            "text/html,application/xhtml+xml,*/*;q=0.8",
            "text/plain;version=0.0.4",
            "text/plain, application/openmetrics-text;q=0.5",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;version=0.0.1",
        ] {
            assert!(!wanted(plain), "{plain}");
        }
        assert!(!is_wanted(&HeaderMap::new()));
    }

    #[test]
    fn each_line_is_said_in_the_other_words() {
        let text = "# HELP a_total So \"called\".\n# TYPE a_total counter\na_total 3\n\n# TYPE b histogram\n\
                    b_bucket{x=\"a b\",le=\"1\"} 1\nb_bucket{x=\"a b\",le=\"+Inf\"} 2\nb_sum{x=\"a b\"} 4\nb_count{x=\"a b\"} 2\n\n";
        let exemplars = HashMap::from([("b_bucket{x=\"a b\",le=\"1\"}".to_owned(), "# {t=\"1\"} 0.5 7.000")]);
        assert_eq!(
            of(text, &exemplars),
            "# HELP a So \\\"called\\\".\n# TYPE a counter\na_total 3\n# TYPE b histogram\n\
             b_bucket{x=\"a b\",le=\"1\"} 1 # {t=\"1\"} 0.5 7.000\nb_bucket{x=\"a b\",le=\"+Inf\"} 2\n\
             b_sum{x=\"a b\"} 4\nb_count{x=\"a b\"} 2\n# EOF\n"
        );
    }
}
