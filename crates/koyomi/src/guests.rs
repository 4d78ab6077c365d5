//! The guests of an event, and their replies.

use attendees::{Attendee, AttendeeChange, NewAttendee, ResponseStatus};
use cache::{Answer, Family};
use events::Found;
use kernel::{AttendeeId, Caller, ChangeKind, Checks, EventId, Failure, Kind, Limit, Page, Result};
use store::{IdempotencyKey, detached};

use crate::change::{Opening, open};
use crate::events_read::{found, late, of_event};
use crate::schedule::{GuestInput, find_for_change, touched};
use crate::{Koyomi, Opened, access};

/// An answer to an invitation.
#[derive(Debug, Clone)]
pub struct Reply {
    pub response_status: ResponseStatus,
    pub comment: Option<String>,
}

impl Koyomi {
    /// Who is invited, in the order of invitation.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn list_attendees(
        &self,
        opened: &Opened,
        id: EventId,
        limit: Limit,
        cursor: Option<&str>,
    ) -> Result<Answer<Page<Attendee>>> {
        let question = (id, limit.rows(), cursor);
        self.read(Family::Attendees, opened, &question, |koyomi, caller| {
            let cursor = cursor.map(str::to_owned);
            Box::pin(async move {
                let mut conn = koyomi.store.snapshot().await?;
                let found = access::see_details(Some(found(&mut conn, &caller, id).await?))?;
                let page = attendees::page(&mut conn, id, limit, cursor.as_deref()).await?;
                late().await;
                Ok(of_event(&caller, &found, page))
            })
        })
        .await
    }

    /// Invites somebody.
    ///
    /// # Errors
    /// `already_invited`, `validation_failed`
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn create_attendee(
        &self,
        caller: &Caller,
        id: EventId,
        guest: GuestInput,
        key: Option<IdempotencyKey>,
    ) -> Result<Attendee> {
        let mut new = self.invitation(guest);
        let mut checks = Checks::new();
        new.check(&mut checks, "");
        checks.done()?;
        let (store, caller) = (self.store.clone(), caller.clone());
        detached(async move {
            let mut tx = store.begin().await?;
            let found = match open(&mut tx, &caller, id, key).await? {
                Opening::Replay(attendee) => return Ok(attendee),
                Opening::Found(found) => access::change_event(found.map(|f| *f))?,
            };
            let now = tx.now();
            let attendee = attendees::add_in(tx.conn(), caller.tenant_id, id, now, &new).await?;
            tx.touch(guests_changed(&found));
            tx.commit(|_| attendee).await
        })
        .await
    }

    pub(crate) fn invitation(&self, guest: GuestInput) -> NewAttendee {
        NewAttendee {
            id: self.store.ids().mint(),
            email: guest.email,
            name: guest.name,
            is_optional: guest.is_optional,
            response_status: ResponseStatus::NeedsAction,
        }
    }

    /// Changes what the organizer says of a guest.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn update_attendee(
        &self,
        caller: &Caller,
        id: EventId,
        attendee: AttendeeId,
        change: AttendeeChange,
    ) -> Result<Attendee> {
        let mut checks = Checks::new();
        change.check(&mut checks, "");
        checks.done()?;
        let (store, caller) = (self.store.clone(), caller.clone());
        detached(async move {
            let mut tx = store.begin().await?;
            let found = find_for_change(&mut tx, &caller, id).await?;
            let attendee = attendees::update_in(tx.conn(), id, attendee, &change).await?;
            tx.touch(guests_changed(&found));
            tx.commit(|_| attendee).await
        })
        .await
    }

    /// Uninvites somebody.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn delete_attendee(&self, caller: &Caller, id: EventId, attendee: AttendeeId) -> Result<()> {
        let (store, caller) = (self.store.clone(), caller.clone());
        detached(async move {
            let mut tx = store.begin().await?;
            let found = find_for_change(&mut tx, &caller, id).await?;
            attendees::remove_in(tx.conn(), id, attendee).await?;
            tx.narrows_access();
            tx.touch(guests_changed(&found));
            tx.commit(|_| ()).await
        })
        .await
    }

    /// The caller answers his own invitation.
    ///
    /// # Errors
    /// `not_invited` when he sees the event but is not among its guests.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn respond(
        &self,
        caller: &Caller,
        id: EventId,
        reply: Reply,
        key: Option<IdempotencyKey>,
    ) -> Result<Attendee> {
        let mut checks = Checks::new();
        if let Some(comment) = &reply.comment {
            checks.text("/comment", comment, attendees::MAX_COMMENT);
        }
        checks.done()?;
        let (store, caller) = (self.store.clone(), caller.clone());
        detached(async move {
            let mut tx = store.begin().await?;
            let found = match open(&mut tx, &caller, id, key).await? {
                Opening::Replay(attendee) => return Ok(attendee),
                Opening::Found(found) => *found.ok_or_else(|| Failure::not_found("event"))?,
            };
            let now = tx.now();
            let attendee = attendees::respond_in(
                tx.conn(),
                id,
                caller.user_id,
                reply.response_status,
                reply.comment.as_deref(),
                now,
            )
            .await
            .map_err(not_invited)?;
            tx.touch(guests_changed(&found));
            tx.commit(|_| attendee).await
        })
        .await
    }
}

fn guests_changed(found: &Found) -> kernel::Change {
    touched(&found.happening.event, ChangeKind::EventUpdated)
}

/// He sees the event, so saying that he is no guest gives nothing away.
fn not_invited(failure: Failure) -> Failure {
    if failure.kind() == Kind::NotFound {
        return Failure::new(Kind::Forbidden, "not_invited", "you are not among the guests of this event");
    }
    failure
}
