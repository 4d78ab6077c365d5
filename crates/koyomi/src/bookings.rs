//! The rooms of an event that exists already, and which rooms are free.

use cache::{Answer, Family, Reading};
use events::Status;
use kernel::{
    Caller, ChangeKind, Checks, EventId, Failure, Kind, Limit, Page, ReservationId, ResourceId, Result, Span,
};
use resources::{Availability, Filter, Reservation};
use store::{Batch, IdempotencyKey, detached};

use crate::change::{Opening, opening_parts, read_opened};
use crate::events_read::{found, late, of_event};
use crate::schedule::{bookings, conflict, find_for_change, touched};
use crate::{Koyomi, Opened, access};

impl Koyomi {
    /// What an event has booked, occurrence by occurrence.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn list_reservations(
        &self,
        opened: &Opened,
        id: EventId,
        limit: Limit,
        cursor: Option<&str>,
    ) -> Result<Answer<Page<Reservation>>> {
        let question = (id, limit.rows(), cursor);
        self.read(Family::Reservations, opened, &question, |koyomi, caller| {
            let cursor = cursor.map(str::to_owned);
            Box::pin(async move {
                let mut conn = koyomi.store.snapshot().await?;
                let found = access::see_details(Some(found(&mut conn, &caller, id).await?))?;
                let page = resources::page(&mut conn, id, limit, cursor.as_deref()).await?;
                Ok(of_event(&caller, &found, page))
            })
        })
        .await
    }

    /// Books resources for every occurrence of an event: all of them or none.
    ///
    /// # Errors
    /// `resource_conflict`, with who stands in the way.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn create_reservations(
        &self,
        caller: &Caller,
        id: EventId,
        rooms: Vec<ResourceId>,
        key: Option<IdempotencyKey>,
    ) -> Result<Vec<Reservation>> {
        let mut checks = Checks::new();
        checks.require(!rooms.is_empty(), "/resources", "must name at least one resource");
        resources::check_booked(&rooms, &mut checks, "/resources");
        checks.done()?;
        let (store, caller) = (self.store.clone(), caller.clone());
        detached(async move {
            let mut tx = store.begin().await?;
            let mut context = Batch::new();
            opening_parts(&mut context, &tx, &caller, id, key.as_ref());
            events::stored_part(&mut context, id);
            let mut rows = context.run(tx.conn()).await?;
            let found = match read_opened(&mut rows, &mut tx, &caller, key).await? {
                Opening::Replay(reservations) => return Ok(reservations),
                Opening::Found(found) => access::change_event(found.map(|f| *f))?,
            };
            let event = found.happening.event;
            if event.status == Status::Cancelled {
                return Err(Failure::new(
                    Kind::Conflict,
                    "event_cancelled",
                    "a cancelled event books nothing; change its status first",
                ));
            }
            let (seq, mut occurrences) = events::read_stored(&mut rows)?;
            if seq != Some(event.seq) {
                // The lock was waited for: the record is the newest, the occurrences beside it are from before.
                let mut again = Batch::new();
                events::stored_part(&mut again, id);
                (_, occurrences) = events::read_stored(&mut again.run(tx.conn()).await?)?;
            }
            let bookings = bookings(&store, &rooms, &occurrences)?;
            let now = tx.now();
            let mut batch = Batch::new();
            resources::extend_parts(&mut batch, caller.tenant_id, id, now, &bookings);
            let mut rows = match batch.run(tx.conn()).await {
                Ok(rows) => rows,
                Err(error) if resources::is_overlap(&error) => {
                    drop(tx);
                    return Err(conflict(&store, &caller, event.calendar_id, Some(id), &[], &bookings).await);
                }
                Err(error) => return Err(error.into()),
            };
            let reservations = resources::replaced(&mut rows, &bookings)?;
            tx.touch(touched(&event, ChangeKind::EventUpdated));
            tx.commit(|_| reservations).await
        })
        .await
    }

    /// Frees one booked occurrence.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn delete_reservation(&self, caller: &Caller, id: EventId, reservation: ReservationId) -> Result<()> {
        let (store, caller) = (self.store.clone(), caller.clone());
        detached(async move {
            let mut tx = store.begin().await?;
            let found = find_for_change(&mut tx, &caller, id).await?;
            resources::release_in(tx.conn(), id, reservation).await?;
            tx.touch(touched(&found.happening.event, ChangeKind::EventUpdated));
            tx.commit(|_| ()).await
        })
        .await
    }

    /// What holds of one resource in a span. Everybody of the organisation sees when it is taken.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn list_reservations_of(
        &self,
        opened: &Opened,
        id: ResourceId,
        span: Span,
        limit: Limit,
        cursor: Option<&str>,
    ) -> Result<Answer<Page<Reservation>>> {
        let question = ("of", id, span, limit.rows(), cursor);
        self.read(Family::Availability, opened, &question, |koyomi, caller| {
            let cursor = cursor.map(str::to_owned);
            Box::pin(async move {
                let tenant = caller.tenant_id;
                let mut conn = koyomi.store.snapshot().await?;
                let versions = cache::tenant_versions(&mut conn, tenant, true).await?;
                let value = resources::page_of_resource(&mut conn, tenant, id, span, limit, cursor.as_deref()).await?;
                Ok(Reading { epoch: versions.epoch(), versions: versions.moved(tenant), value })
            })
        })
        .await
    }

    /// Which resources are free between two instants, and when the others are taken. It decides nothing: only a booking
    /// does.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn list_availability(
        &self,
        opened: &Opened,
        span: Span,
        filter: &Filter,
        only_free: bool,
        limit: Limit,
        cursor: Option<&str>,
    ) -> Result<Answer<Page<Availability>>> {
        let question = (span, filter, only_free, limit.rows(), cursor);
        self.read(Family::Availability, opened, &question, |koyomi, caller| {
            let (filter, cursor) = (filter.clone(), cursor.map(str::to_owned));
            Box::pin(async move {
                let tenant = caller.tenant_id;
                let mut conn = koyomi.store.snapshot().await?;
                let versions = cache::tenant_versions(&mut conn, tenant, true).await?;
                let value =
                    resources::availability(&mut conn, tenant, span, &filter, only_free, limit, cursor.as_deref())
                        .await?;
                late().await;
                Ok(Reading { epoch: versions.epoch(), versions: versions.moved(tenant), value })
            })
        })
        .await
    }
}
