//! The reservations of a series with its overrides: read together, changed row by row.

use chrono::{DateTime, NaiveDateTime, Utc};
use kernel::{EventId, Failure, Kind, ReservationId, ResourceId, Result, TenantId};
use serde::Deserialize;
use store::{Batch, Rows};

use crate::{Booking, Reservation, sql};

/// A reservation that goes along with its occurrence: to another time, to the record that it has now, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebooking {
    pub reservation_id: ReservationId,
    pub resource_id: ResourceId,
    pub event_id: EventId,
    pub original_start: NaiveDateTime,
    pub start_time: DateTime<Utc>,
    pub end_time: DateTime<Utc>,
}

/// What changes of the reservations of a series.
#[derive(Debug, Clone, Default)]
pub struct Rebookings {
    pub moved: Vec<Rebooking>,
    pub new: Vec<(EventId, Booking)>,
    pub gone: Vec<Reservation>,
}

impl Rebookings {
    pub fn is_empty(&self) -> bool {
        self.moved.is_empty() && self.new.is_empty() && self.gone.is_empty()
    }

    /// All resources it is about, once each.
    fn resources(&self) -> Vec<ResourceId> {
        let moved = self.moved.iter().map(|m| m.resource_id);
        let new = self.new.iter().map(|(_, booking)| booking.resource_id);
        let mut ids: Vec<ResourceId> = moved.chain(new).chain(self.gone.iter().map(|r| r.resource_id)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// Reads the reservations, withdrawn ones too, of the series that `id` belongs to, and which resources the series itself
/// holds, whatever the occurrence; `extent` as `events::Extent::binds` gives it. Read the answer with [`read_series`].
pub fn series_parts(batch: &mut Batch, id: EventId, extent: (i32, Option<NaiveDateTime>), wanted: bool) {
    let (how, at) = extent;
    batch.part(sql::SERIES_RESERVATIONS).bind(id).bind(at).bind(how).bind(wanted).done();
    batch.part(sql::SERIES_ROOMS).bind(id).bind(wanted).done();
}

/// The reservations and the resources that [`series_parts`] found.
pub fn read_series(rows: &mut Rows) -> Result<(Vec<Reservation>, Vec<ResourceId>)> {
    #[derive(Deserialize)]
    struct Room {
        resource_id: ResourceId,
    }
    let reservations = rows.take()?;
    Ok((reservations, rows.take::<Room>()?.into_iter().map(|room| room.resource_id).collect()))
}

/// Changes reservations; read the answer with [`rebooked`]. The constraint is checked when the statement ends, so a series
/// may move over its own former times.
pub fn rebook_parts(batch: &mut Batch, tenant_id: TenantId, now: DateTime<Utc>, change: &Rebookings) {
    let resources = change.resources();
    let Rebookings { moved, new, gone } = change;
    batch
        .quiet(sql::GIVE_BACK)
        .bind(tenant_id)
        .bind(resources.clone())
        .bind(gone.iter().map(|r| r.id).collect::<Vec<_>>())
        .done();
    batch
        .part(sql::REBOOK)
        .bind(tenant_id)
        .bind(resources.clone())
        .bind(moved.iter().map(|m| m.reservation_id).collect::<Vec<_>>())
        .bind(moved.iter().map(|m| m.event_id).collect::<Vec<_>>())
        .bind(moved.iter().map(|m| m.original_start).collect::<Vec<_>>())
        .bind(moved.iter().map(|m| m.start_time).collect::<Vec<_>>())
        .bind(moved.iter().map(|m| m.end_time).collect::<Vec<_>>())
        .done();
    batch
        .part(sql::BOOK)
        .bind(tenant_id)
        .bind(resources)
        .bind(now)
        .bind(new.iter().map(|(_, b)| b.reservation_id).collect::<Vec<_>>())
        .bind(new.iter().map(|(_, b)| b.resource_id).collect::<Vec<_>>())
        .bind(new.iter().map(|(event_id, _)| *event_id).collect::<Vec<_>>())
        .bind(new.iter().map(|(_, b)| b.original_start).collect::<Vec<_>>())
        .bind(new.iter().map(|(_, b)| b.start_time).collect::<Vec<_>>())
        .bind(new.iter().map(|(_, b)| b.end_time).collect::<Vec<_>>())
        .done();
}

/// Reads what [`rebook_parts`] did: the names of the resources that were booked anew are in the answer.
///
/// # Errors
/// `resource_gone` when a resource can no longer be booked. The transaction must not commit then.
pub fn rebooked(rows: &mut Rows, change: &Rebookings) -> Result<Vec<Reservation>> {
    #[derive(Deserialize)]
    struct Row {}
    let moved: Vec<Row> = rows.take()?;
    let new: Vec<Reservation> = rows.take()?;
    if moved.len() < change.moved.len() || new.len() < change.new.len() {
        return Err(Failure::new(
            Kind::Conflict,
            "resource_gone",
            "a resource of this event can no longer be booked; give its reservation back before you move the event",
        ));
    }
    Ok(new)
}
