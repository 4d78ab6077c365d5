//! What a series has booked goes on with it.

use chrono::{DateTime, Utc};
use kernel::{EventId, ResourceId, Result, TenantId};
use serde::Deserialize;
use store::{Batch, Conn, Rows};

use crate::{Booking, sql};

/// A booking that may come to nothing: then it is kept as withdrawn, so that everybody sees what is missing.
#[derive(Debug, Clone, Copy)]
pub struct Extension {
    pub event_id: EventId,
    pub booking: Booking,
    /// It does not overlap another extension of the same call.
    pub alone: bool,
}

/// A booking that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Unbooked {
    pub event_id: EventId,
    pub resource_id: ResourceId,
    pub start_time: DateTime<Utc>,
}

/// Locks resources in the order of their ids, until the transaction ends: nobody books them meanwhile. It belongs in a
/// statement of its own, before [`extend_series_part`]: that sees all that was booked until then.
pub async fn lock_in(conn: &mut Conn, ids: &[ResourceId]) -> Result<()> {
    sqlx::query(sql::LOCK_RESOURCES).bind(ids).execute(conn).await?;
    Ok(())
}

/// Books what is free, and keeps as withdrawn what is not; read the answer with [`read_unbooked`].
pub fn extend_series_part(batch: &mut Batch, tenant_id: TenantId, now: DateTime<Utc>, list: &[Extension]) {
    batch
        .part(sql::EXTEND)
        .bind(tenant_id)
        .bind(now)
        .bind(list.iter().map(|e| e.booking.reservation_id).collect::<Vec<_>>())
        .bind(list.iter().map(|e| e.booking.resource_id).collect::<Vec<_>>())
        .bind(list.iter().map(|e| e.event_id).collect::<Vec<_>>())
        .bind(list.iter().map(|e| e.booking.original_start).collect::<Vec<_>>())
        .bind(list.iter().map(|e| e.booking.start_time).collect::<Vec<_>>())
        .bind(list.iter().map(|e| e.booking.end_time).collect::<Vec<_>>())
        .bind(list.iter().map(|e| e.alone).collect::<Vec<_>>())
        .done();
}

/// What of [`extend_series_part`] could not be booked.
pub fn read_unbooked(rows: &mut Rows) -> Result<Vec<Unbooked>> {
    #[derive(Deserialize)]
    struct Row {
        status: crate::ReservationStatus,
        #[serde(flatten)]
        of: Unbooked,
    }
    let made: Vec<Row> = rows.take()?;
    Ok(made.into_iter().filter(|row| row.status != crate::ReservationStatus::Confirmed).map(|row| row.of).collect())
}
