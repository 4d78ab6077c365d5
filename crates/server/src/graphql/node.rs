//! What is found by its id alone.

use async_graphql::{Context, ID, Interface};
use kernel::{Failure, Kind};
use koyomi::Noun;
use uuid::Uuid;

use super::asked::Asked;
use super::calendar::Calendar;
use super::event::{self, Event};
use super::resource::Resource;
use super::user::User;

/// What has an id by which it can be read again (<https://relay.dev/graphql/objectidentification.htm>).
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Of this object alone."))]
pub(super) enum Node {
    Calendar(Box<Calendar>),
    Event(Box<Event>),
    Resource(Box<Resource>),
    User(Box<User>),
}

fn nothing() -> Failure {
    Failure::not_found("object")
}

/// # Errors
/// `not_found` for what is nothing, or nothing that the caller may see.
pub(super) async fn find(ctx: &Context<'_>, id: &str) -> kernel::Result<Node> {
    // Whatever it is that he may not see, it is nothing to him.
    found(ctx, id).await.map_err(|failure| if failure.kind() == Kind::NotFound { nothing() } else { failure })
}

async fn found(ctx: &Context<'_>, id: &str) -> kernel::Result<Node> {
    if let Some((id, original_start)) = event::occurrence_id(id) {
        let found = event::find_occurrence(ctx, id, original_start).await?;
        return found.map(|event| Node::Event(Box::new(event))).ok_or_else(nothing);
    }
    let id: Uuid = id.parse().map_err(|_| Failure::malformed("/id", "must be an id, as another answer gave it"))?;
    let koyomi = &Asked::of(ctx).app().koyomi;
    let caller = koyomi.caller(Asked::of(ctx).asker()?, true).await?;
    Ok(match koyomi.noun_of(&caller, id).await?.ok_or_else(nothing)? {
        Noun::Calendar => Node::Calendar(Box::new(Calendar::find(ctx, id.into()).await?)),
        Noun::Event => Node::Event(Box::new(event::find(ctx, id.into()).await?)),
        Noun::Resource => Node::Resource(Box::new(Resource::find(ctx, id.into()).await?)),
        // Of the caller's organisation, which is all that it takes.
        Noun::User => Node::User(Box::new(User::new(id.into()))),
    })
}
