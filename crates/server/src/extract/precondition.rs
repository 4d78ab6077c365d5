use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use kernel::{Expected, Failure};
use store::Epoch;

use crate::error::ApiError;
use crate::etag;

/// `If-Match` (RFC 9110 §13.1.1): compared strongly, so weak tags match nothing.
#[derive(Debug)]
pub(crate) struct IfMatch(Tags);

/// `If-None-Match` (RFC 9110 §13.1.2): compared weakly.
#[derive(Debug, Default)]
pub(crate) struct IfNoneMatch(Tags);

#[derive(Debug, Default)]
enum Tags {
    #[default]
    Absent,
    Any,
    List(Vec<Tag>),
}

/// An entity tag. `opaque` is what stands between the quotes, without the suffix of a compressed variant; `sent` is the
/// whole as it came.
#[derive(Debug)]
struct Tag {
    weak: bool,
    opaque: String,
    sent: String,
}

impl IfMatch {
    /// The versions the caller names.
    pub(crate) fn expected(&self, epoch: Epoch) -> Expected {
        match &self.0 {
            Tags::Absent | Tags::Any => Expected::Any,
            Tags::List(tags) => {
                let strong = tags.iter().filter(|tag| !tag.weak);
                Expected::OneOf(strong.filter_map(|tag| epoch.version(&tag.opaque)).collect())
            }
        }
    }
}

impl IfNoneMatch {
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        Ok(Self(tags(headers, &IF_NONE_MATCH, "If-None-Match")?))
    }

    /// As [`IfNoneMatch::has`], for a validator of something that may not be there: `*` does not count.
    pub(crate) fn names<'a>(&'a self, current: &'a str) -> Option<&'a str> {
        match &self.0 {
            Tags::Any => None,
            _ => self.has(current),
        }
    }

    /// The tag as the caller sent it when he already has `current` (with quotes), in this or another encoding.
    pub(crate) fn has<'a>(&'a self, current: &'a str) -> Option<&'a str> {
        match &self.0 {
            Tags::Absent => None,
            Tags::Any => Some(current),
            Tags::List(tags) => {
                let current = current.trim_matches('"');
                tags.iter().find(|tag| tag.opaque == current).map(|tag| tag.sent.trim_start_matches("W/"))
            }
        }
    }

    /// Whether nothing was sent, and nothing has to be compared.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self.0, Tags::Absent)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(tags(&parts.headers, &IF_MATCH, "If-Match")?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Self::of(&parts.headers)
    }
}

fn tags(headers: &HeaderMap, name: &HeaderName, shown: &str) -> Result<Tags, ApiError> {
    let mut list = Vec::new();
    for value in headers.get_all(name) {
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Tags::Any);
        }
        let tags = split(text).ok_or_else(|| {
            Failure::malformed(shown, "must be * or a list of entity tags in double quotes, like \"1.42\"")
        })?;
        list.extend(tags);
    }
    Ok(if list.is_empty() { Tags::Absent } else { Tags::List(list) })
}

/// `"a", W/"b"`; none when it is not such a list.
fn split(mut rest: &str) -> Option<Vec<Tag>> {
    let mut tags = Vec::new();
    loop {
        let (weak, quoted) = match rest.strip_prefix("W/") {
            Some(quoted) => (true, quoted),
            None => (false, rest),
        };
        let (inside, after) = quoted.strip_prefix('"')?.split_once('"')?;
        tags.push(Tag {
            weak,
            opaque: etag::without_variant(inside).to_owned(),
            sent: rest[..rest.len() - after.len()].to_owned(),
        });
        rest = after.trim_start();
        if rest.is_empty() {
            return Some(tags);
        }
        rest = rest.strip_prefix(',')?.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_weak_tags_and_variants_are_read() {
        let tags = split(r#""1.42", W/"1.43" ,"1.44-gzip","x,y""#).unwrap();
        let read: Vec<_> = tags.iter().map(|t| (t.weak, t.opaque.as_str(), t.sent.as_str())).collect();
        assert_eq!(
            read,
            [
                (false, "1.42", r#""1.42""#),
                (true, "1.43", r#"W/"1.43""#),
                (false, "1.44", r#""1.44-gzip""#),
                (false, "x,y", r#""x,y""#),
            ]
        );
        for bad in ["1.42", r#""a"#, r#""a" "b""#, r#""a","#, ""] {
            assert!(split(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn if_match_is_strong_and_knows_its_epoch() {
        let expected = |text| IfMatch(Tags::List(split(text).unwrap())).expected(Epoch(1));
        assert_eq!(expected(r#""1.42", "1.44.7-br", "2.45", "junk""#), Expected::OneOf(vec![42, 44]));
        assert_eq!(expected(r#"W/"1.42""#), Expected::OneOf(vec![]));
    }
}
