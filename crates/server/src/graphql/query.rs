use async_graphql::connection::{Connection, Edge};
use async_graphql::{Context, Object, Result};
use chrono::{DateTime, Utc};
use kernel::{Failure, Limit};
use koyomi::Scope;
use uuid::Uuid;

use super::asked::Asked;
use super::calendar::Calendar;
use super::error::Told;
use super::event::{self, Event, EventConnection, Window};
use super::resource::Resource;
use super::user::User;

/// Everything that can be asked.
pub(crate) struct Query;

#[Object]
impl Query {
    /// The caller.
    async fn me(&self, ctx: &Context<'_>) -> Result<User> {
        let asked = Asked::of(ctx);
        let opened = asked.enter(Scope::Directory).await.told()?;
        Ok(User::new(opened.caller.user_id, None))
    }

    /// A calendar that is shared with the caller.
    async fn calendar(&self, ctx: &Context<'_>, #[graphql(desc = "Its id.")] id: Uuid) -> Option<Result<Calendar>> {
        let load = async {
            Asked::of(ctx).enter(Scope::Calendars(vec![id.into()])).await.told()?;
            Ok(Calendar::new(id.into()))
        };
        Some(load.await)
    }

    /// The caller's calendars, own and shared ones, oldest first.
    #[graphql(complexity = "1 + usize::from(first.unwrap_or(50)) * child_complexity")]
    async fn calendars(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items, 1 to 500; 50 when absent.", validator(minimum = 1, maximum = 500))] first: Option<u16>,
        #[graphql(desc = "`endCursor` of the page before, as REST gives it, too.")] after: Option<String>,
    ) -> Result<Connection<String, Calendar>> {
        let koyomi = &Asked::of(ctx).app.koyomi;
        let caller = koyomi.caller(Asked::of(ctx).asker().told()?, true).await.told()?;
        let limit = Limit::new(first.map(i64::from)).told()?;
        let page = koyomi.list_calendars(&caller, limit, after.as_deref()).await.told()?;
        let epoch = koyomi.store.epoch();
        let mut connection = Connection::new(after.is_some(), page.next_cursor.is_some());
        connection.edges = page
            .items
            .into_iter()
            .map(|calendar| Edge::new(koyomi::calendar_cursor(&caller, &calendar), Calendar::of(calendar, epoch)))
            .collect();
        Ok(connection)
    }

    /// An event, by the id that REST has: of a series its master.
    async fn event(&self, ctx: &Context<'_>, #[graphql(desc = "Its id.")] id: Uuid) -> Option<Result<Event>> {
        Some(event::find(ctx, id.into()).await.told())
    }

    /// The occurrences of several calendars as one list, in the order of start, event, original start.
    #[graphql(complexity = "1 + usize::from(first.unwrap_or(50)) * child_complexity")]
    #[allow(clippy::too_many_arguments, reason = "one each")]
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "1 to 100 calendars, all of them shared with the caller.")] calendar_ids: Vec<Uuid>,
        #[graphql(desc = "What is still going on after this instant.")] from: Option<DateTime<Utc>>,
        #[graphql(desc = "What begins before this instant. Absent: 24 months from today.")] to: Option<DateTime<Utc>>,
        #[graphql(desc = "Only events with this in title, location or description, in any case.")] q: Option<String>,
        #[graphql(desc = "Items, 1 to 500; 50 when absent.", validator(minimum = 1, maximum = 500))] first: Option<u16>,
        #[graphql(desc = "The cursor of the item before, as REST gives it, too.")] after: Option<String>,
    ) -> Result<EventConnection> {
        let ids = calendar_ids.into_iter().map(Into::into).collect();
        event::list(ctx, ids, Window { from, to, q, first, after }).await
    }

    /// The caller's calendars and what he is invited to in others, each occurrence once.
    #[graphql(complexity = "1 + usize::from(first.unwrap_or(50)) * child_complexity")]
    async fn agenda(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is still going on after this instant.")] from: Option<DateTime<Utc>>,
        #[graphql(desc = "What begins before this instant. Absent: 24 months from today.")] to: Option<DateTime<Utc>>,
        #[graphql(desc = "Items, 1 to 500; 50 when absent.", validator(minimum = 1, maximum = 500))] first: Option<u16>,
        #[graphql(desc = "The cursor of the item before, as REST gives it, too.")] after: Option<String>,
    ) -> Result<EventConnection> {
        event::agenda(ctx, Window { from, to, q: None, first, after }).await
    }

    /// Somebody of the caller's organisation.
    async fn user(&self, ctx: &Context<'_>, #[graphql(desc = "His id.")] id: Uuid) -> Option<Result<User>> {
        let load = async {
            let asked = Asked::of(ctx);
            let found = asked.app.koyomi.find_users(&asked.enter(Scope::Directory).await?, &[id.into()]).await?;
            found.value.items.first().cloned().map(User::from).ok_or_else(|| Failure::not_found("user"))
        };
        Some(load.await.told())
    }

    /// Something that can be booked.
    async fn resource(&self, ctx: &Context<'_>, #[graphql(desc = "Its id.")] id: Uuid) -> Option<Result<Resource>> {
        let load = async {
            let asked = Asked::of(ctx);
            let found = asked.app.koyomi.find_resource(&asked.enter(Scope::Directory).await?, id.into()).await?;
            Ok(Resource::of(resources::Resource::clone(&found.value), found.epoch))
        };
        Some(load.await.told())
    }
}
