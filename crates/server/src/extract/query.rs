use axum::extract::FromRequestParts;
use http::Uri;
use http::request::Parts;
use kernel::Failure;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_path_to_error::{Path, Segment};

use super::{missing_field, reason_of};
use crate::error::ApiError;

/// The query string. Its type says `#[serde(deny_unknown_fields)]`; a parameter that may be repeated is a
/// `#[serde(default)] Vec`; `flatten` does not work here (it loses numbers).
#[derive(Debug)]
pub(crate) struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(parse(parts.uri.query().unwrap_or_default())?))
    }
}

/// `#[serde(default, deserialize_with = "given")]` tells `?q=` (an empty text) from no `q`; otherwise both are none.
pub(crate) fn given<'de, D: Deserializer<'de>>(form: D) -> Result<Option<String>, D::Error> {
    String::deserialize(form).map(Some)
}

/// What [`Query`] would extract, read when it is needed: an answer that is ready needs no parameters.
pub(crate) fn read_query<T: DeserializeOwned>(target: &Uri) -> Result<T, ApiError> {
    parse(target.query().unwrap_or_default())
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name.contains('\0') || value.contains('\0') {
            let pointer = format!("?{}", name.replace('\0', ""));
            return Err(Failure::malformed(pointer, "must not contain the NUL character").into());
        }
    }
    let form = serde_html_form::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(form).map_err(|error| {
        let place = name_of(error.path());
        let message = error.into_inner().to_string();
        match (missing_field(&message), place) {
            (Some(name), _) => Failure::malformed(format!("?{name}"), "is required"),
            (None, Some(name)) => Failure::malformed(format!("?{name}"), reason_of(&message)),
            (None, None) => Failure::malformed("?", reason_of(&message)),
        }
        .into()
    })
}

fn name_of(path: &Path) -> Option<String> {
    path.iter().find_map(|segment| match segment {
        Segment::Map { key } => Some(key.clone()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Params {
        #[serde(default)]
        ids: Vec<u8>,
        limit: Option<i64>,
    }

    fn refused(query: &str) -> String {
        format!("{:?}", parse::<Params>(query).unwrap_err())
    }

    #[test]
    fn repeated_parameters_become_a_list() {
        let found: Params = parse("ids=1&limit=5&ids=2").unwrap();
        assert_eq!(found, Params { ids: vec![1, 2], limit: Some(5) });
        assert_eq!(parse::<Params>("").unwrap(), Params { ids: vec![], limit: None });
        assert_eq!(parse::<Params>("ids=7").unwrap().ids, [7]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (query, name) in [
            ("limit=x", "?limit"),
            ("limit=1&limit=2", "?limit"),
            ("ids=1&ids=x", "?ids"),
            ("colour=red", "?colour"),
            ("limit=%00", "?limit"),
        ] {
            let refused = refused(query);
            assert!(refused.contains(&format!("\"{name}\"")), "{query}: {refused}");
        }
    }
}
