//! The change log of a calendar, for whoever was told to resync.

use kernel::{CalendarId, Change, ChangeKind, Failure, Result};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};
use store::Conn;
use uuid::Uuid;

use crate::sql;

/// What a calendar's log says after a place in it. Head and changes are of one snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feed {
    Changes {
        /// In order, and whole: all of a seq or nothing of it, and no seq left out.
        changes: Vec<Logged>,
        /// Where to go on: the last seq in `changes`, or `head` if that was all.
        next: i64,
        /// The calendar's head. More changes wait while it is above `next`.
        head: i64,
        /// The version of its access rules.
        acl: i64,
        min_seq: i64,
    },
    /// The log begins after that place by now: read the calendar anew.
    Gone { min_seq: i64, head: i64, acl: i64 },
}

/// One row of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logged {
    pub seq: i64,
    /// Counts the changes of one seq from 0.
    pub n: i32,
    pub change: Change,
}

/// The changes of a calendar behind `after_seq`. About `limit` of them (at least 1): the last seq is never cut, so there
/// may be more by what is left of it.
///
/// # Errors
/// `not_found` for a calendar that never was.
pub async fn since(conn: &mut Conn, calendar: CalendarId, after_seq: i64, limit: u32) -> Result<Feed> {
    let rows: Vec<FeedRow> =
        sqlx::query_as(sql::FEED).bind(calendar).bind(after_seq).bind(i64::from(limit.max(1))).fetch_all(conn).await?;
    let Some(&FeedRow { head, acl, min_seq, .. }) = rows.first() else {
        return Err(Failure::not_found("calendar"));
    };
    if after_seq < min_seq {
        return Ok(Feed::Gone { min_seq, head, acl });
    }
    let mut changes = Vec::with_capacity(rows.len());
    for (seq, n, kind, object_id) in rows.into_iter().filter_map(|row| row.logged) {
        let kind: StrDeserializer<'_, Error> = kind.as_str().into_deserializer();
        let kind = ChangeKind::deserialize(kind).map_err(Failure::internal)?;
        changes.push(Logged { seq, n, change: Change { calendar_id: calendar, kind, object_id } });
    }
    let next = changes.last().map_or(head, |last| last.seq);
    Ok(Feed::Changes { changes, next, head, acl, min_seq })
}

struct FeedRow {
    head: i64,
    acl: i64,
    min_seq: i64,
    /// None in the one row of a head after which nothing is logged.
    logged: Option<(i64, i32, String, Uuid)>,
}

impl FromRow<'_, PgRow> for FeedRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let seq: Option<i64> = row.try_get(3)?;
        let logged = match seq {
            Some(seq) => Some((seq, row.try_get(4)?, row.try_get(5)?, row.try_get(6)?)),
            None => None,
        };
        Ok(Self { head: row.try_get(0)?, acl: row.try_get(1)?, min_seq: row.try_get(2)?, logged })
    }
}
