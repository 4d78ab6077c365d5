use kernel::{CalendarId, Caller, Result};
use sqlx::FromRow;
use store::Conn;

use crate::sql;

/// How far one calendar of somebody's agenda has come: it differs from an older one if, and only if, something happened that
/// his agenda may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Mark {
    pub calendar_id: CalendarId,
    /// The calendar's, or the newest of the events he is invited to where the calendar is not shared with him.
    pub seq: i64,
    /// 0 where it is not shared.
    pub acl: i64,
    /// Events he is invited to; 0 where the calendar is shared.
    pub events: i64,
}

/// The marks of the caller's agenda.
pub async fn agenda_marks(conn: &mut Conn, caller: &Caller) -> Result<Vec<Mark>> {
    Ok(sqlx::query_as(sql::AGENDA_MARKS).bind(caller.user_id).bind(caller.tenant_id).fetch_all(conn).await?)
}
