use chrono::{DateTime, NaiveDateTime, Utc};
use kernel::{EventId, ReservationId, ResourceId};
use resources::ReservationStatus;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One booked occurrence of one resource.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reservation {
    #[schema(value_type = Uuid)]
    id: ReservationId,
    #[schema(value_type = Uuid)]
    resource_id: ResourceId,
    resource_name: String,
    #[schema(value_type = Uuid)]
    event_id: EventId,
    /// Which occurrence of the event, in its wall time.
    #[schema(value_type = String, example = "2026-11-22T10:00:00")]
    original_start: NaiveDateTime,
    start_time: DateTime<Utc>,
    /// Exclusive.
    end_time: DateTime<Utc>,
    #[schema(value_type = ReservationState)]
    status: ReservationStatus,
}

/// Does it hold?
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "documents resources::ReservationStatus")]
pub(crate) enum ReservationState {
    Confirmed,
    Cancelled,
}

impl From<resources::Reservation> for Reservation {
    fn from(reservation: resources::Reservation) -> Self {
        Self {
            id: reservation.id,
            resource_id: reservation.resource_id,
            resource_name: reservation.resource_name,
            event_id: reservation.event_id,
            original_start: reservation.original_start,
            start_time: reservation.start_time,
            end_time: reservation.end_time,
            status: reservation.status,
        }
    }
}

/// Resources to book for every occurrence of the event: all of them, or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateReservations {
    #[schema(value_type = Vec<Uuid>, min_items = 1, max_items = 50)]
    pub resources: Vec<ResourceId>,
}

/// What was booked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedReservations {
    items: Vec<Reservation>,
}

impl From<Vec<resources::Reservation>> for CreatedReservations {
    fn from(made: Vec<resources::Reservation>) -> Self {
        Self { items: made.into_iter().map(Into::into).collect() }
    }
}
