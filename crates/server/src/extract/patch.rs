use kernel::Checks;
use serde::{Deserialize, Deserializer};

/// A field of a PATCH: left out, null, or a value. Fields of this type say `#[serde(default)]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Patch<T> {
    #[default]
    Absent,
    Null,
    Value(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(json)?.map_or(Self::Null, Self::Value))
    }
}

impl<T> Patch<T> {
    /// For what can be removed: `Some(None)` is null.
    pub(crate) fn nullable(self) -> Option<Option<T>> {
        match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }

    /// For what cannot.
    pub(crate) fn not_null(self, pointer: &str, checks: &mut Checks) -> Option<T> {
        match self {
            Self::Absent => None,
            Self::Null => {
                checks.reject(pointer, "must not be null");
                None
            }
            Self::Value(value) => Some(value),
        }
    }
}
