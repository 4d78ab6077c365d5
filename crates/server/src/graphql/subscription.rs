use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject, Subscription};
use futures::{Stream, stream};
use kernel::{CalendarId, Change, ChangeKind};
use koyomi::{CalendarNews, CalendarsNews};
use uuid::Uuid;

use super::asked::{Asked, Events};
use super::calendar::Calendar;
use super::error::Told;
use super::event::{self, Event};
use async_graphql::dataloader::DataLoader;

/// What can be followed. The first item comes at once; each has a `token`, with which a client that lost its connection
/// goes on without a gap, on any instance. When access or token are taken away, it ends within a second.
pub(crate) struct Live;

#[Subscription(name = "Subscription")]
impl Live {
    /// What changes in calendars that are shared with the caller.
    #[graphql(complexity = "1 + 100 * child_complexity")]
    async fn calendar_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "1 to 100 calendars.")] calendar_ids: Vec<Uuid>,
        #[graphql(desc = "A `token` that names these calendars: goes on from there. Absent: from now.")] since: Option<
            String,
        >,
    ) -> Result<impl Stream<Item = Result<CalendarChanges>> + 'static> {
        let asked = std::sync::Arc::clone(Asked::of(ctx));
        let ids = calendar_ids.into_iter().map(CalendarId::from).collect();
        let (koyomi, watch) = (&asked.app().koyomi, asked.app().live.watch());
        let follower = koyomi.follow_calendars(asked.asker().told()?, ids, since.as_deref(), watch).await.told()?;
        Ok(stream::unfold(Some(follower), move |follower| {
            let asked = std::sync::Arc::clone(&asked);
            async move {
                let mut follower = follower?;
                let news = follower.next().await;
                // What is shown below an item is as of that item.
                asked.changes();
                Some(match news {
                    Ok(news) => (Ok(CalendarChanges::from(news)), Some(follower)),
                    Err(failure) => (Err(failure).told(), None),
                })
            }
        }))
    }

    /// That something changed in the caller's agenda: in one of his calendars, or with an event that he is invited to.
    async fn agenda_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A `token` of this subscription: says whether something happened since. Absent: from now.")]
        since: Option<String>,
    ) -> Result<impl Stream<Item = Result<AgendaChange>> + 'static> {
        let asked = std::sync::Arc::clone(Asked::of(ctx));
        let (koyomi, watch) = (&asked.app().koyomi, asked.app().live.watch());
        let follower = koyomi.follow_agenda(asked.asker().told()?, since.as_deref(), watch).await.told()?;
        Ok(stream::unfold(Some(follower), async |follower| {
            let mut follower = follower?;
            Some(match follower.next().await {
                Ok(news) => {
                    let ids = news.calendars.map(|ids| ids.into_iter().map(|id| id.0).collect());
                    (Ok(AgendaChange { token: news.token, calendar_ids: ids }), Some(follower))
                }
                Err(failure) => (Err(failure).told(), None),
            })
        }))
    }
}

/// What is new in the calendars that are followed.
#[derive(SimpleObject)]
pub(super) struct CalendarChanges {
    /// Where to go on: `since` of the next subscription.
    token: String,
    /// Those in which something happened; in the first item none, or what happened since `since`.
    calendars: Vec<CalendarChange>,
}

/// What is new in one calendar.
#[derive(SimpleObject)]
pub(super) struct CalendarChange {
    /// Which.
    calendar: Calendar,
    /// It is not known any more what happened: read the calendar anew.
    resync: bool,
    /// In their order. An object that changed several times comes up several times.
    changes: Vec<ObjectChange>,
}

/// That something in the caller's agenda changed.
#[derive(SimpleObject)]
pub(super) struct AgendaChange {
    /// Where to go on: `since` of the next subscription.
    token: String,
    /// In which calendars; none in the first item. Null: it is not known in which, read the agenda anew.
    calendar_ids: Option<Vec<Uuid>>,
}

/// What happened to one object of a calendar.
pub(super) struct ObjectChange(Change);

#[Object(name = "Change")]
impl ObjectChange {
    /// What.
    async fn kind(&self) -> KindOfChange {
        self.0.kind.into()
    }

    /// Of the event, the calendar, or the user who is a member.
    async fn object_id(&self) -> ID {
        self.0.object_id.into()
    }

    /// The event as it is now. Null: it is none, or the caller does not see it, or not any more.
    async fn event(&self, ctx: &Context<'_>) -> Result<Option<Event>> {
        match self.0.kind {
            ChangeKind::EventCreated | ChangeKind::EventUpdated => {
                let events = ctx.data_unchecked::<DataLoader<Events>>();
                let below = event::expand(&ctx.look_ahead());
                events.load_one((self.0.object_id.into(), below)).await.told()
            }
            _ => Ok(None),
        }
    }
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "ChangeKind", remote = "kernel::ChangeKind")]
pub(super) enum KindOfChange {
    CalendarCreated,
    CalendarUpdated,
    CalendarDeleted,
    EventCreated,
    EventUpdated,
    EventDeleted,
    /// Somebody was made a member, got another role, or is one no more.
    MemberChanged,
}

impl From<CalendarsNews> for CalendarChanges {
    fn from(news: CalendarsNews) -> Self {
        let change = |CalendarNews { calendar_id, resync, changes }| CalendarChange {
            calendar: Calendar::new(calendar_id),
            resync,
            changes: changes.into_iter().map(ObjectChange).collect(),
        };
        Self { token: news.token, calendars: news.calendars.into_iter().map(change).collect() }
    }
}
