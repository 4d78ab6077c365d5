use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::{Context, ID, Object, OutputType, Positioned, Result};
use chrono::{DateTime, Utc};
use kernel::UserId;
use tokio::sync::OnceCell;

use super::asked::{Asked, Users, whole};
use super::events::{EventConnection, Window, of_user};
use super::straight::{At, Straight, Write, put, text};

/// A person of the caller's organisation.
pub(super) struct User {
    id: UserId,
    /// What came along with something else.
    brief: Option<Brief>,
    whole: OnceCell<users::User>,
}

struct Brief {
    email: String,
    name: Option<String>,
    avatar_url: Option<String>,
}

impl User {
    pub(super) fn new(id: UserId) -> Self {
        Self { id, brief: None, whole: OnceCell::new() }
    }

    async fn whole(&self, ctx: &Context<'_>) -> Result<&users::User> {
        whole::<_, Users>(ctx, &self.whole, self.id, "user").await
    }
}

impl From<users::User> for User {
    fn from(user: users::User) -> Self {
        Self { id: user.id, brief: None, whole: OnceCell::new_with(Some(user)) }
    }
}

/// A [`User`] as far as something else tells of him.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub id: UserId,
    /// None: nothing but his id is known.
    pub email: Option<&'a str>,
    pub name: Option<&'a str>,
    pub avatar_url: Option<&'a str>,
}

impl From<Known<'_>> for User {
    fn from(known: Known<'_>) -> Self {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let brief = owned(known.email);
        let brief = brief.map(|email| Brief { email, name: owned(known.name), avatar_url: owned(known.avatar_url) });
        Self { brief, ..Self::new(known.id) }
    }
}

impl<'a> Straight<'a> for Known<'a> {
    fn type_name() -> Cow<'static, str> {
        <User as OutputType>::type_name()
    }

    fn column(field: &'a Positioned<Field>, _: At<'a>) -> Option<Write<'a, Self>> {
        Some(match field.node.name.node.as_str() {
            "id" => Box::new(|known: Self, out| text(known.id.0, out)),
            "email" => Box::new(|known: Self, out| put(known.email?, out)),
            "name" => Box::new(|known: Self, out| put(known.email.and(known.name)?, out)),
            "avatarUrl" => Box::new(|known: Self, out| known.email.and_then(|_| put(known.avatar_url, out))),
            _ => return None,
        })
    }
}

#[Object]
impl User {
    /// As in REST.
    pub(super) async fn id(&self) -> ID {
        self.id.0.into()
    }

    /// The address he signs in with.
    async fn email(&self, ctx: &Context<'_>) -> Result<String> {
        match &self.brief {
            Some(brief) => Ok(brief.email.clone()),
            None => Ok(self.whole(ctx).await?.email.clone()),
        }
    }

    /// How he is called.
    async fn name(&self, ctx: &Context<'_>) -> Result<String> {
        match self.brief.as_ref().and_then(|brief| brief.name.as_ref()) {
            Some(name) => Ok(name.clone()),
            None => Ok(self.whole(ctx).await?.name.clone()),
        }
    }

    /// A picture of him.
    async fn avatar_url(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        match &self.brief {
            Some(brief) => Ok(brief.avatar_url.clone()),
            None => Ok(self.whole(ctx).await?.avatar_url.clone()),
        }
    }

    /// IANA.
    async fn time_zone(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(self.whole(ctx).await?.time_zone.clone())
    }

    /// Keeps the organisation's list of resources.
    async fn is_admin(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(self.whole(ctx).await?.is_admin)
    }

    /// When he was entered.
    async fn created_at(&self, ctx: &Context<'_>) -> Result<DateTime<Utc>> {
        Ok(self.whole(ctx).await?.created_at)
    }

    /// When something of this last changed.
    async fn updated_at(&self, ctx: &Context<'_>) -> Result<DateTime<Utc>> {
        Ok(self.whole(ctx).await?.updated_at)
    }

    /// For a change of him; the caller's own is what `updateMe` expects.
    async fn etag(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(Asked::of(ctx).epoch().tag(self.whole(ctx).await?.version))
    }

    /// What he called or is invited to, of the calendars that are shared with the caller, in the order of start. In
    /// calendars that the caller only reads not what is private; of those whose busy times alone he sees, nothing.
    #[graphql(complexity = "5000 + usize::from(first.unwrap_or(50)) * child_complexity")]
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is still going on after this instant.")] from: Option<DateTime<Utc>>,
        #[graphql(desc = "What begins before this instant. Absent: 24 months from today.")] to: Option<DateTime<Utc>>,
        #[graphql(desc = "Items, 1 to 500; 50 when absent.", validator(minimum = 1, maximum = 500))] first: Option<u16>,
        #[graphql(desc = "The cursor of the item before.")] after: Option<String>,
    ) -> Result<EventConnection> {
        of_user(ctx, self.id, Window { from, to, first, after, ..Window::default() }).await
    }
}
