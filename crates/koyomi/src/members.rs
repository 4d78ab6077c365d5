use events::{Invitee, Member, Role};
use kernel::{CalendarId, Caller, Change, ChangeKind, Failure, Kind, Limit, Page, Result, UserId};
use store::{Batch, Claim, IdempotencyKey, Tx, claim_part, detached, read_claim};

use crate::{Koyomi, access};

impl Koyomi {
    /// Who a calendar is shared with, by name.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn list_members(
        &self,
        caller: &Caller,
        id: CalendarId,
        limit: Limit,
        cursor: Option<&str>,
    ) -> Result<Page<Member>> {
        let mut conn = self.store.conn().await?;
        let grants = events::grants(&mut conn, caller, Some(&[id])).await?;
        let grant = grants.first().ok_or_else(|| Failure::not_found("calendar"))?;
        access::may_see_members(grant.role)?;
        events::list_members(&mut conn, id, limit, cursor).await
    }

    /// Shares a calendar with somebody of the same organisation.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn create_member(
        &self,
        caller: &Caller,
        id: CalendarId,
        who: Invitee,
        role: Role,
        key: Option<IdempotencyKey>,
    ) -> Result<Member> {
        let (store, caller) = (self.store.clone(), caller.clone());
        detached(async move {
            let mut tx = store.begin().await?;
            let mut batch = Batch::new();
            if let Some(key) = &key {
                claim_part(&mut batch, caller.user_id, key, tx.now());
            }
            events::grants_part(&mut batch, &caller, &[id]);
            let mut rows = batch.run(tx.conn()).await?;
            if let Some(key) = key {
                let claim = read_claim(&mut rows, tx.conn(), caller.user_id, &key).await?;
                if let Claim::Replay(member) = claim {
                    return Ok(member);
                }
                tx.answer_under(caller.user_id, key);
            }
            let grants: Vec<events::Grant> = rows.take()?;
            let grant = grants.first().ok_or_else(|| Failure::not_found("calendar"))?;
            access::may_own(grant.role)?;
            tx.authorised(id, grant.acl);
            let now = tx.now();
            let member = events::add_member_in(tx.conn(), caller.tenant_id, id, &who, role, now)
                .await?
                .ok_or_else(|| unknown(&who))?;
            tx.touch_access(member_change(id, member.user_id));
            tx.commit(|_| member).await
        })
        .await
    }

    /// Gives a member another role.
    ///
    /// # Errors
    /// `last_owner` when nobody would own the calendar any more.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn update_member(&self, caller: &Caller, id: CalendarId, user: UserId, role: Role) -> Result<Member> {
        let (store, caller) = (self.store.clone(), caller.clone());
        detached(async move {
            let mut tx = store.begin().await?;
            own(&mut tx, &caller, id, None).await?;
            if role != Role::Owner {
                keep_an_owner(&mut tx, id, user).await?;
            }
            let mut batch = Batch::new();
            events::set_member_part(&mut batch, id, user, role);
            let member =
                batch.run(tx.conn()).await?.take::<Member>()?.pop().ok_or_else(|| Failure::not_found("member"))?;
            tx.narrows_access();
            tx.touch_access(member_change(id, user));
            tx.commit(|_| member).await
        })
        .await
    }

    /// Takes a calendar away from a member; anybody may leave.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn delete_member(&self, caller: &Caller, id: CalendarId, user: UserId) -> Result<()> {
        let (store, caller) = (self.store.clone(), caller.clone());
        detached(async move {
            let mut tx = store.begin().await?;
            own(&mut tx, &caller, id, Some(user)).await?;
            keep_an_owner(&mut tx, id, user).await?;
            let mut batch = Batch::new();
            events::remove_member_part(&mut batch, id, user);
            let gone: Vec<Removed> = batch.run(tx.conn()).await?.take()?;
            if gone.is_empty() {
                return Err(Failure::not_found("member"));
            }
            tx.narrows_access();
            tx.touch_access(member_change(id, user));
            tx.commit(|_| ()).await
        })
        .await
    }
}

#[derive(serde::Deserialize)]
struct Removed {}

/// Locks the calendar: two owners must not take each other's role at the same time.
async fn own(tx: &mut Tx, caller: &Caller, id: CalendarId, leaving: Option<UserId>) -> Result<()> {
    let calendar = events::calendars::find_for_update_in(tx.conn(), caller, id)
        .await?
        .ok_or_else(|| Failure::not_found("calendar"))?;
    if leaving == Some(caller.user_id) {
        return Ok(());
    }
    access::may_own(calendar.role)
}

async fn keep_an_owner(tx: &mut Tx, id: CalendarId, user: UserId) -> Result<()> {
    if events::has_other_owner(tx.conn(), id, user).await? {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Conflict,
        "last_owner",
        "a calendar needs an owner; make somebody else owner first, or delete the calendar",
    ))
}

fn unknown(who: &Invitee) -> Failure {
    let pointer = match who {
        Invitee::User(_) => "/user_id",
        Invitee::Email(_) => "/email",
    };
    Failure::invalid(pointer, "is nobody of your organisation")
}

fn member_change(id: CalendarId, user: UserId) -> Change {
    Change { calendar_id: id, kind: ChangeKind::MemberChanged, object_id: user.0 }
}
