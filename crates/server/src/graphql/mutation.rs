use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};
use kernel::{Caller, EventId, Expected, Failure};
use koyomi::Aim;
use resources::NewResource;
use store::IdempotencyKey;
use uuid::Uuid;

use super::asked::Asked;
use super::calendar::{Calendar, Member};
use super::error::Told;
use super::event::Event;
use super::guest::Attendee;
use super::input::{
    CreateCalendarInput, CreateEventInput, CreateResourceInput, InviteInput, RespondInput, UpdateAttendeeInput,
    UpdateCalendarInput, UpdateEventInput, UpdateMeInput, UpdateResourceInput,
};
use super::resource::{Reservation, Resource};
use super::scalar::{LocalDateTime, MemberRole, ScopeOfSeries};
use super::user::User;
use crate::etag::without_variant;
use crate::extract::{bind, is_key};

/// Everything that can be changed. Of several changes in one operation each stands for itself, one after the other: what
/// was done stays done when a later one is refused.
///
/// `idempotencyKey`: the same change sent again under the same key is made once, and answered alike. `expectedEtag`: only if
/// the object is still as it was read, else `precondition_failed` with the `currentEtag`.
pub(crate) struct Mutation;

/// Who asks, looked up where it is changed.
async fn caller(ctx: &Context<'_>) -> kernel::Result<Arc<Caller>> {
    let asked = Asked::of(ctx);
    asked.changes();
    asked.app().koyomi.caller(asked.asker()?, false).await
}

/// A key stands for this change with these arguments.
fn bound(ctx: &Context<'_>, key: Option<String>) -> kernel::Result<Option<IdempotencyKey>> {
    let Some(key) = key else { return Ok(None) };
    if !is_key(&key) {
        return Err(Failure::malformed("/idempotencyKey", "must be 1 to 255 visible ASCII characters"));
    }
    let mut arguments = ctx.field().arguments().map_err(|error| Failure::malformed("", error.message))?;
    arguments.sort_by(|a, b| a.0.cmp(&b.0));
    let arguments = serde_json::to_vec(&arguments).map_err(Failure::internal)?;
    Ok(Some(bind(key, [ctx.field().name().as_bytes(), &arguments])))
}

fn expected(ctx: &Context<'_>, etag: Option<String>) -> Expected {
    let epoch = Asked::of(ctx).app().koyomi.store.epoch();
    let version = |etag: String| epoch.version(without_variant(etag.trim_matches('"')));
    etag.map_or(Expected::Any, |etag| Expected::OneOf(version(etag).into_iter().collect()))
}

/// Which part of a series is meant.
fn aim(id: Uuid, scope: Option<ScopeOfSeries>, original_start: Option<LocalDateTime>) -> kernel::Result<Aim> {
    Aim::new(EventId(id), scope.map(Into::into), original_start.map(|LocalDateTime(at)| at), '/')
}

#[Object]
impl Mutation {
    /// Changes the caller's own name, picture or time zone.
    async fn update_me(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdateMeInput,
        #[graphql(desc = "Only if he is as he was read.")] expected_etag: Option<String>,
    ) -> Result<User> {
        let work = async {
            let users = &Asked::of(ctx).app().koyomi.users;
            users.update_me(&*caller(ctx).await?, input.changes()?, expected(ctx, expected_etag)).await
        };
        Ok(work.await.told()?.into())
    }

    /// Makes a calendar, the caller's.
    async fn create_calendar(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is made from.")] input: CreateCalendarInput,
        #[graphql(desc = "Makes it once.")] idempotency_key: Option<String>,
    ) -> Result<Calendar> {
        let koyomi = &Asked::of(ctx).app().koyomi;
        let work = async {
            let key = bound(ctx, idempotency_key)?;
            koyomi.create_calendar(&*caller(ctx).await?, input.into(), key).await
        };
        Ok(Calendar::of(work.await.told()?, koyomi.store.epoch()))
    }

    /// Changes a calendar itself.
    async fn update_calendar(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: Uuid,
        #[graphql(desc = "What to change.")] input: UpdateCalendarInput,
        #[graphql(desc = "Only if it is as it was read.")] expected_etag: Option<String>,
    ) -> Result<Calendar> {
        let koyomi = &Asked::of(ctx).app().koyomi;
        let work = async {
            let expected = expected(ctx, expected_etag);
            koyomi.update_calendar(&*caller(ctx).await?, id.into(), input.patch()?, expected).await
        };
        Ok(Calendar::of(work.await.told()?, koyomi.store.epoch()))
    }

    /// Deletes a calendar with all that is in it; its rooms become free. Answers its id.
    async fn delete_calendar(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: Uuid,
        #[graphql(desc = "Only if it is as it was read.")] expected_etag: Option<String>,
    ) -> Result<ID> {
        let expected = expected(ctx, expected_etag);
        let work =
            async { Asked::of(ctx).app().koyomi.delete_calendar(&*caller(ctx).await?, id.into(), expected).await };
        work.await.told().map(|()| id.into())
    }

    /// Shares a calendar with somebody of the caller's organisation.
    async fn create_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The calendar.")] calendar_id: Uuid,
        #[graphql(desc = "With whom.")] user_id: Uuid,
        #[graphql(desc = "What he may do.")] role: MemberRole,
        #[graphql(desc = "Does it once.")] idempotency_key: Option<String>,
    ) -> Result<Member> {
        let work = async {
            let (key, who) = (bound(ctx, idempotency_key)?, events::Invitee::User(user_id.into()));
            let koyomi = &Asked::of(ctx).app().koyomi;
            koyomi.create_member(&*caller(ctx).await?, calendar_id.into(), who, role.into(), key).await
        };
        Ok(Member(work.await.told()?))
    }

    /// Changes what somebody may do in a calendar. It holds from the answer on, on every instance.
    async fn update_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The calendar.")] calendar_id: Uuid,
        #[graphql(desc = "Who.")] user_id: Uuid,
        #[graphql(desc = "What he may do.")] role: MemberRole,
    ) -> Result<Member> {
        let work = async {
            let koyomi = &Asked::of(ctx).app().koyomi;
            koyomi.update_member(&*caller(ctx).await?, calendar_id.into(), user_id.into(), role.into()).await
        };
        Ok(Member(work.await.told()?))
    }

    /// Takes a calendar away from somebody. It holds from the answer on, on every instance. Answers his id.
    async fn delete_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The calendar.")] calendar_id: Uuid,
        #[graphql(desc = "Who.")] user_id: Uuid,
    ) -> Result<ID> {
        let work = async {
            let koyomi = &Asked::of(ctx).app().koyomi;
            koyomi.delete_member(&*caller(ctx).await?, calendar_id.into(), user_id.into()).await
        };
        work.await.told().map(|()| user_id.into())
    }

    /// Makes an event with its guests and rooms in one transaction: all of it is written, or nothing. `conflicts` of a
    /// refusal says which rooms are taken when.
    async fn create_event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is made from.")] input: CreateEventInput,
        #[graphql(desc = "Makes it once.")] idempotency_key: Option<String>,
    ) -> Result<Event> {
        let koyomi = &Asked::of(ctx).app().koyomi;
        let work = async {
            let key = bound(ctx, idempotency_key)?;
            koyomi.create_event(&*caller(ctx).await?, input.into(), key).await
        };
        Ok(Event::written(work.await.told()?, koyomi.store.epoch()))
    }

    /// Changes an event, or a part of a series; what moves takes its rooms along, or nothing happens. Answers the record that
    /// was changed or made: with `scope: THIS` that of the occurrence, with `scope: FOLLOWING` the new series that goes on
    /// from there.
    #[allow(clippy::too_many_arguments, reason = "one each")]
    async fn update_event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id, as REST has it: `eventId`.")] id: Uuid,
        #[graphql(desc = "What to change.")] input: UpdateEventInput,
        #[graphql(desc = "How much of a series. Absent: all of it.")] scope: Option<ScopeOfSeries>,
        #[graphql(desc = "With `THIS` and `FOLLOWING`: which occurrence; of all-day events its day at midnight.")]
        original_start: Option<LocalDateTime>,
        #[graphql(desc = "Only if it is as it was read.")] expected_etag: Option<String>,
        #[graphql(desc = "Does it once.")] idempotency_key: Option<String>,
    ) -> Result<Event> {
        let koyomi = &Asked::of(ctx).app().koyomi;
        let work = async {
            let (key, expected) = (bound(ctx, idempotency_key)?, expected(ctx, expected_etag));
            let aim = aim(id, scope, original_start)?;
            koyomi.update_event(&*caller(ctx).await?, aim, input.patch()?, expected, key).await
        };
        Ok(Event::written(work.await.told()?, koyomi.store.epoch()))
    }

    /// Deletes an event, or a part of a series; rooms become free. Answers its id.
    async fn delete_event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id, as REST has it: `eventId`.")] id: Uuid,
        #[graphql(desc = "How much of a series. Absent: all of it.")] scope: Option<ScopeOfSeries>,
        #[graphql(desc = "With `THIS` and `FOLLOWING`: which occurrence; of all-day events its day at midnight.")]
        original_start: Option<LocalDateTime>,
        #[graphql(desc = "Only if it is as it was read.")] expected_etag: Option<String>,
        #[graphql(desc = "Does it once.")] idempotency_key: Option<String>,
    ) -> Result<ID> {
        let work = async {
            let (key, expected) = (bound(ctx, idempotency_key)?, expected(ctx, expected_etag));
            let aim = aim(id, scope, original_start)?;
            Asked::of(ctx).app().koyomi.delete_event(&*caller(ctx).await?, aim, expected, key).await
        };
        work.await.told().map(|()| id.into())
    }

    /// Invites somebody.
    async fn create_attendee(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "To which event.")] event_id: Uuid,
        #[graphql(desc = "Whom.")] input: InviteInput,
        #[graphql(desc = "Does it once.")] idempotency_key: Option<String>,
    ) -> Result<Attendee> {
        let work = async {
            let key = bound(ctx, idempotency_key)?;
            Asked::of(ctx).app().koyomi.create_attendee(&*caller(ctx).await?, event_id.into(), input.into(), key).await
        };
        Ok(Attendee(work.await.told()?.into()))
    }

    /// Changes an invitation.
    async fn update_attendee(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of which event.")] event_id: Uuid,
        #[graphql(desc = "Its id.")] id: Uuid,
        #[graphql(desc = "What to change.")] input: UpdateAttendeeInput,
    ) -> Result<Attendee> {
        let work = async {
            let koyomi = &Asked::of(ctx).app().koyomi;
            koyomi.update_attendee(&*caller(ctx).await?, event_id.into(), id.into(), input.change()?).await
        };
        Ok(Attendee(work.await.told()?.into()))
    }

    /// Takes an invitation back. Answers its id.
    async fn delete_attendee(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of which event.")] event_id: Uuid,
        #[graphql(desc = "Its id.")] id: Uuid,
    ) -> Result<ID> {
        let work = async {
            Asked::of(ctx).app().koyomi.delete_attendee(&*caller(ctx).await?, event_id.into(), id.into()).await
        };
        work.await.told().map(|()| id.into())
    }

    /// The caller's answer to an invitation of his.
    async fn respond(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "To which event he is invited.")] event_id: Uuid,
        #[graphql(desc = "What he answers.")] input: RespondInput,
        #[graphql(desc = "Does it once.")] idempotency_key: Option<String>,
    ) -> Result<Attendee> {
        let work = async {
            let key = bound(ctx, idempotency_key)?;
            Asked::of(ctx).app().koyomi.respond(&*caller(ctx).await?, event_id.into(), input.into(), key).await
        };
        Ok(Attendee(work.await.told()?.into()))
    }

    /// Books resources for every occurrence of an event: all of them, or none.
    async fn create_reservations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "For which event.")] event_id: Uuid,
        #[graphql(desc = "1 to 50 resources.")] resource_ids: Vec<Uuid>,
        #[graphql(desc = "Does it once.")] idempotency_key: Option<String>,
    ) -> Result<Vec<Reservation>> {
        let work = async {
            let (key, rooms) = (bound(ctx, idempotency_key)?, resource_ids.into_iter().map(Into::into).collect());
            Asked::of(ctx).app().koyomi.create_reservations(&*caller(ctx).await?, event_id.into(), rooms, key).await
        };
        Ok(work.await.told()?.into_iter().map(Reservation).collect())
    }

    /// Gives a reservation back. Answers its id.
    async fn delete_reservation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of which event.")] event_id: Uuid,
        #[graphql(desc = "Its id.")] id: Uuid,
    ) -> Result<ID> {
        let work = async {
            Asked::of(ctx).app().koyomi.delete_reservation(&*caller(ctx).await?, event_id.into(), id.into()).await
        };
        work.await.told().map(|()| id.into())
    }

    /// Enters something that can be booked; for administrators.
    async fn create_resource(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is.")] input: CreateResourceInput,
        #[graphql(desc = "Does it once.")] idempotency_key: Option<String>,
    ) -> Result<Resource> {
        let koyomi = &Asked::of(ctx).app().koyomi;
        let work = async {
            let key = bound(ctx, idempotency_key)?;
            let new = NewResource {
                id: koyomi.store.ids().mint(),
                name: input.name,
                kind: input.kind.into(),
                capacity: input.capacity,
                location: input.location,
                description: input.description,
                exclusive: input.exclusive,
            };
            koyomi.create_resource(&*caller(ctx).await?, new, key).await
        };
        Ok(Resource::of(work.await.told()?, koyomi.store.epoch()))
    }

    /// Changes something that can be booked; for administrators.
    async fn update_resource(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: Uuid,
        #[graphql(desc = "What to change.")] input: UpdateResourceInput,
        #[graphql(desc = "Only if it is as it was read.")] expected_etag: Option<String>,
    ) -> Result<Resource> {
        let koyomi = &Asked::of(ctx).app().koyomi;
        let work = async {
            let expected = expected(ctx, expected_etag);
            koyomi.update_resource(&*caller(ctx).await?, id.into(), input.change()?, expected).await
        };
        Ok(Resource::of(work.await.told()?, koyomi.store.epoch()))
    }

    /// Takes something off the list of what can be booked; for administrators. Answers its id.
    async fn delete_resource(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: Uuid,
        #[graphql(desc = "Only if it is as it was read.")] expected_etag: Option<String>,
    ) -> Result<ID> {
        let expected = expected(ctx, expected_etag);
        let work =
            async { Asked::of(ctx).app().koyomi.delete_resource(&*caller(ctx).await?, id.into(), expected).await };
        work.await.told().map(|()| id.into())
    }
}
