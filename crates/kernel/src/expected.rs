use crate::{Failure, Kind, Result};

/// The versions of an object that a write may start from (`If-Match`, RFC 9110 §13.1.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Expected {
    /// Whatever is there.
    #[default]
    Any,
    /// One of these; none of them when the caller named only tags that are not ours.
    OneOf(Vec<i64>),
}

impl Expected {
    /// # Errors
    /// `precondition_failed`, which names the tag of the current version.
    pub fn check(&self, current: i64, tag: impl FnOnce() -> String) -> Result<()> {
        match self {
            Self::OneOf(versions) if !versions.contains(&current) => Err(Failure::new(
                Kind::PreconditionFailed,
                "precondition_failed",
                "it was changed since you read it; read it again and repeat the change",
            )
            .with_current_etag(tag())),
            _ => Ok(()),
        }
    }
}
