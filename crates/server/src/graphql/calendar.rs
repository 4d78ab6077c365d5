use async_graphql::connection::Connection;
use async_graphql::{Context, ID, Object, Result};
use chrono::{DateTime, Utc};
use kernel::{CalendarId, Limit};
use koyomi::Scope;
use store::Epoch;
use tokio::sync::OnceCell;

use super::asked::{Asked, Calendars, connection, whole};
use super::error::Told;
use super::events::{EventConnection, Window, list};
use super::scalar::MemberRole;
use super::user::{Known, User};

/// A calendar as the caller sees it.
pub(super) struct Calendar {
    id: CalendarId,
    whole: OnceCell<(events::Calendar, Epoch)>,
}

impl Calendar {
    /// One that is known to be shared with the caller.
    pub(super) fn new(id: CalendarId) -> Self {
        Self { id, whole: OnceCell::new() }
    }

    pub(super) fn of(calendar: events::Calendar, epoch: Epoch) -> Self {
        Self { id: calendar.id, whole: OnceCell::new_with(Some((calendar, epoch))) }
    }

    /// One that is shared with the caller.
    pub(super) async fn find(ctx: &Context<'_>, id: CalendarId) -> kernel::Result<Self> {
        Asked::of(ctx).enter(Scope::Calendars(vec![id])).await?;
        Ok(Self::new(id))
    }

    async fn whole(&self, ctx: &Context<'_>) -> Result<&(events::Calendar, Epoch)> {
        whole::<_, Calendars>(ctx, &self.whole, self.id, "calendar").await
    }
}

#[Object]
impl Calendar {
    /// As in REST.
    pub(super) async fn id(&self) -> ID {
        self.id.0.into()
    }

    /// What it is called.
    async fn name(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(self.whole(ctx).await?.0.name.clone())
    }

    /// What it is for.
    async fn description(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(self.whole(ctx).await?.0.description.clone())
    }

    /// `#rrggbb`
    async fn color(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(self.whole(ctx).await?.0.color.clone())
    }

    /// IANA; where floating and all-day events happen.
    async fn time_zone(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(self.whole(ctx).await?.0.time_zone.clone())
    }

    /// What the caller may do here.
    async fn role(&self, ctx: &Context<'_>) -> Result<MemberRole> {
        Ok(self.whole(ctx).await?.0.role.into())
    }

    /// Whose it is.
    async fn owner(&self, ctx: &Context<'_>) -> Result<User> {
        Ok(User::new(self.whole(ctx).await?.0.owner_id))
    }

    /// When it was made.
    async fn created_at(&self, ctx: &Context<'_>) -> Result<DateTime<Utc>> {
        Ok(self.whole(ctx).await?.0.created_at)
    }

    /// When it last changed itself.
    async fn updated_at(&self, ctx: &Context<'_>) -> Result<DateTime<Utc>> {
        Ok(self.whole(ctx).await?.0.updated_at)
    }

    /// For a change of the calendar itself.
    async fn etag(&self, ctx: &Context<'_>) -> Result<String> {
        let (calendar, epoch) = self.whole(ctx).await?;
        Ok(epoch.tag(calendar.version))
    }

    /// Who it is shared with, by name.
    #[graphql(complexity = "1 + usize::from(first.unwrap_or(50)) * child_complexity")]
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items, 1 to 500; 50 when absent.", validator(minimum = 1, maximum = 500))] first: Option<u16>,
        #[graphql(desc = "The cursor of the item before, as REST gives it, too.")] after: Option<String>,
    ) -> Result<Connection<String, Member>> {
        let koyomi = &Asked::of(ctx).app().koyomi;
        let load = async {
            let limit = Limit::new(first.map(i64::from))?;
            if let (None, Some(group)) = (&after, Asked::of(ctx).group(self.id))
                && let Some(page) = group.members(Asked::of(ctx), self.id, limit).await?
            {
                return Ok(page);
            }
            let caller = koyomi.caller(Asked::of(ctx).asker()?, true).await?;
            koyomi.list_members(&caller, self.id, limit, after.as_deref()).await
        };
        Ok(connection(load.await.told()?, after.is_some(), koyomi::member_cursor, Member))
    }

    /// Its occurrences in a window, in the order of start, event, original start.
    #[graphql(complexity = "1 + usize::from(first.or(last).unwrap_or(50)) * child_complexity")]
    #[allow(clippy::too_many_arguments, reason = "one each")]
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is still going on after this instant.")] from: Option<DateTime<Utc>>,
        #[graphql(desc = "What begins before this instant. Absent: 24 months from today.")] to: Option<DateTime<Utc>>,
        #[graphql(desc = "Only events with this in title, location or description, in any case.")] q: Option<String>,
        #[graphql(desc = "Items, 1 to 500; 50 when absent.", validator(minimum = 1, maximum = 500))] first: Option<u16>,
        #[graphql(desc = "The cursor of the item before, as REST gives it, too.")] after: Option<String>,
        #[graphql(desc = "The last items, 1 to 500, instead of the first.", validator(minimum = 1, maximum = 500))]
        last: Option<u16>,
        #[graphql(desc = "With `last`: the cursor of the item behind them.")] before: Option<String>,
    ) -> Result<EventConnection> {
        let window = Window { from, to, q, first, after, last, before };
        list(ctx, vec![self.id], window).await
    }
}

/// Somebody a calendar is shared with.
pub(super) struct Member(pub events::Member);

#[Object]
impl Member {
    /// Who.
    async fn user(&self) -> User {
        let events::Member { user_id, email, name, avatar_url, .. } = &self.0;
        Known { id: *user_id, email: Some(email), name: Some(name), avatar_url: avatar_url.as_deref() }.into()
    }

    /// The calendar.
    async fn calendar(&self) -> Calendar {
        Calendar::new(self.0.calendar_id)
    }

    /// What he may do in it.
    async fn role(&self) -> MemberRole {
        self.0.role.into()
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}
