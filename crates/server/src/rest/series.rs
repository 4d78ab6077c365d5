//! The parameters of edits: which part of a series, and whether to do it.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use kernel::{EventId, Result};
use koyomi::{Aim, SeriesScope};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use utoipa::{IntoParams, ToSchema};

/// Which part of a series a change is for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SeriesParams {
    /// `this` occurrence, it and all `following` (the series is split there), or `all`. Absent: the record that the path
    /// names, which is all of a series.
    #[param(inline)]
    scope: Option<Scope>,
    /// Which occurrence, as lists show it: a day or a local time of the series. Needed with `this` and `following`, unless
    /// the path names an occurrence that has a record of its own.
    #[serde(default, deserialize_with = "original_start")]
    #[param(value_type = Option<String>, example = "2026-11-22T10:00:00")]
    original_start: Option<NaiveDateTime>,
    /// Say what would be done, and do nothing.
    #[serde(default)]
    #[param(required = false)]
    pub dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scope {
    This,
    Following,
    All,
}

impl SeriesParams {
    pub(crate) fn aim(&self, id: EventId) -> Result<Aim> {
        let scope = self.scope.map(|scope| match scope {
            Scope::This => SeriesScope::This,
            Scope::Following => SeriesScope::Following,
            Scope::All => SeriesScope::All,
        });
        Aim::new(id, scope, self.original_start, '?')
    }
}

fn original_start<'de, D: Deserializer<'de>>(text: D) -> std::result::Result<Option<NaiveDateTime>, D::Error> {
    let Some(text) = Option::<String>::deserialize(text)? else { return Ok(None) };
    let day = || NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok().map(|day| day.and_time(NaiveTime::MIN));
    let read = match text.len() {
        10 => day(),
        19 => NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S").ok().filter(|_| !text.ends_with(":60")),
        _ => None,
    };
    read.map(Some).ok_or_else(|| {
        D::Error::custom(
            "must be as lists show it: a day like 2026-11-22 or a local time like 2026-11-22T10:00:00, without an offset",
        )
    })
}
