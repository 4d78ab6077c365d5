use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use xxhash_rust::xxh3::xxh3_64;

use crate::{Failure, Result};

/// One page of a keyset-paged list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Opaque; absent on the last page.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Cuts the row too many that says whether there is a next page.
    pub fn cut<K: Serialize>(mut rows: Vec<T>, limit: Limit, filters: u64, key: impl Fn(&T) -> K) -> Self {
        let more = rows.len() > limit.rows();
        rows.truncate(limit.rows());
        let next_cursor = match rows.last() {
            Some(last) if more => Some(encode_cursor(filters, &key(last))),
            _ => None,
        };
        Self { items: rows, next_cursor }
    }

    pub fn map<U>(self, shape: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(shape).collect(), next_cursor: self.next_cursor }
    }
}

/// Rows per page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u16);

impl Limit {
    pub const DEFAULT: u16 = 50;
    pub const MAX: u16 = 500;

    pub fn new(rows: Option<i64>) -> Result<Self> {
        match rows.map_or(Ok(Self::DEFAULT), u16::try_from) {
            Ok(n @ 1..=Self::MAX) => Ok(Self(n)),
            _ => Err(Failure::malformed("?limit", format!("must be between 1 and {}", Self::MAX))),
        }
    }

    pub fn rows(self) -> usize {
        usize::from(self.0)
    }

    /// One row more than asked for: its presence says that there is a next page.
    pub fn probe(self) -> i64 {
        i64::from(self.0) + 1
    }
}

/// What a cursor is bound to: a fingerprint of everything that decides which rows a list has and in which order.
pub fn filter_hash(parts: &impl Serialize) -> u64 {
    // Serialisation into a vector cannot fail for the plain structs used here; an empty one only weakens the binding.
    xxh3_64(&postcard::to_stdvec(parts).unwrap_or_default())
}

/// Bumped when the meaning of a cursor's bytes changes.
const VERSION: u8 = 1;

pub fn encode_cursor<K: Serialize>(filters: u64, key: &K) -> String {
    URL_SAFE_NO_PAD.encode(postcard::to_stdvec(&(VERSION, filters, key)).unwrap_or_default())
}

/// # Errors
/// `malformed_request` when the text is not a cursor of ours or belongs to a list with other filters.
pub fn decode_cursor<K: DeserializeOwned>(filters: u64, cursor: &str) -> Result<K> {
    let broken = || Failure::malformed("?cursor", "is not a cursor of this list; start again without it");
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| broken())?;
    match postcard::take_from_bytes::<(u8, u64, K)>(&bytes) {
        Ok(((VERSION, bound, key), [])) if bound == filters => Ok(key),
        Ok(((VERSION, bound, _), [])) if bound != filters => Err(Failure::malformed(
            "?cursor",
            "belongs to a list with other filters; repeat the query it came from, or start again without it",
        )),
        _ => Err(broken()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_bound_to_its_filters() {
        let mine = filter_hash(&("calendar", 1));
        let other = filter_hash(&("calendar", 2));
        let cursor = encode_cursor(mine, &(42i64, "x"));
        assert_eq!(decode_cursor::<(i64, String)>(mine, &cursor).unwrap(), (42, "x".into()));
        assert!(decode_cursor::<(i64, String)>(other, &cursor).is_err());
    }

    #[test]
    fn garbage_is_refused_without_panic() {
        for junk in ["", "!", "AAAA", "_____________________", "é"] {
            assert!(decode_cursor::<(i64, String)>(1, junk).is_err());
        }
    }

    #[test]
    fn a_page_says_whether_there_is_more() {
        let limit = Limit::new(Some(2)).unwrap();
        let page = Page::cut(vec![1, 2, 3], limit, 0, |n| *n);
        assert_eq!(page.items, [1, 2]);
        assert!(page.next_cursor.is_some());
        assert!(Page::cut(vec![1, 2], limit, 0, |n| *n).next_cursor.is_none());
        assert!(Limit::new(Some(0)).is_err());
        assert!(Limit::new(Some(501)).is_err());
        assert!(Limit::new(Some(-1)).is_err());
    }
}
