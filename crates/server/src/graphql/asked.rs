use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::connection::{Connection, Edge};
use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::{Context, OutputType};
use events::Calendar;
use futures::future::{join_all, try_join_all};
use kernel::{CalendarId, EventId, Failure, Page, ResourceId, Result, UserId};
use koyomi::{Asker, Expand, Opened, Scope};
use resources::{Filter, Resource};
use store::Epoch;
use tokio::sync::OnceCell;
use users::User;

use super::error::Told;
use super::event::Event;
use crate::state::App;

/// What every resolver is given: who asks, and the doors.
pub(super) struct Asked {
    pub app: App,
    /// Or why it is not known: an introspection needs nobody.
    asker: Result<Asker>,
    /// The head checks since the last change: what is asked of one thing, is asked as of one moment.
    entered: Mutex<HashMap<Scope, Opened>>,
}

impl Asked {
    pub(super) fn new(app: App, asker: Result<Asker>) -> Self {
        Self { app, asker, entered: Mutex::default() }
    }

    pub(super) fn of<'a>(ctx: &Context<'a>) -> &'a Arc<Self> {
        ctx.data_unchecked::<Arc<Self>>()
    }

    pub(super) fn asker(&self) -> Result<&Asker> {
        self.asker.as_ref().map_err(Clone::clone)
    }

    pub(super) async fn enter(&self, scope: Scope) -> Result<Opened> {
        let entered = || self.entered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = entered().get(&scope) {
            return Ok(opened.clone());
        }
        let opened = self.app.koyomi.enter(self.asker()?, &scope).await?;
        entered().insert(scope, opened.clone());
        Ok(opened)
    }

    /// A read under the head check of this operation.
    pub(super) async fn read<T, F>(&self, scope: Scope, load: impl Fn(Opened) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let first = self.enter(scope.clone()).await?;
        self.app.koyomi.reading(self.asker()?, &scope, Some(first), load).await
    }

    /// What was checked before a change says nothing of what stands below it.
    pub(super) fn changes(&self) {
        self.entered.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// A page as a connection.
pub(super) fn connection<T, N: OutputType>(
    page: Page<T>,
    has_before: bool,
    cursor: impl Fn(&T) -> String,
    node: impl Fn(T) -> N,
) -> Connection<String, N> {
    let mut connection = Connection::new(has_before, page.next_cursor.is_some());
    connection.edges = page.items.into_iter().map(|item| Edge::new(cursor(&item), node(item))).collect();
    connection
}

/// What was not there when the object was made: loaded once, together with what its siblings lack.
pub(super) async fn whole<'a, K, L>(
    ctx: &Context<'_>,
    cell: &'a OnceCell<L::Value>,
    id: K,
    what: &str,
) -> async_graphql::Result<&'a L::Value>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    L: Loader<K, Error = Failure>,
{
    let load = async || {
        let found = ctx.data_unchecked::<DataLoader<L>>().load_one(id.clone()).await.told()?;
        found.ok_or_else(|| Failure::not_found(what)).told()
    };
    cell.get_or_try_init(load).await
}

pub(super) type Loaded<T> = DataLoader<T>;

/// In a task of its own, counted for the request.
fn spawn(work: futures::future::BoxFuture<'static, ()>) {
    drop(store::spawned(work));
}

pub(super) struct Users(Arc<Asked>);
pub(super) struct Resources(Arc<Asked>);
pub(super) struct Calendars(Arc<Asked>);
pub(super) struct Events(Arc<Asked>);

impl Users {
    pub(super) fn of(asked: &Arc<Asked>) -> Loaded<Self> {
        DataLoader::new(Self(Arc::clone(asked)), spawn)
    }
}

impl Resources {
    pub(super) fn of(asked: &Arc<Asked>) -> Loaded<Self> {
        DataLoader::new(Self(Arc::clone(asked)), spawn)
    }
}

impl Calendars {
    pub(super) fn of(asked: &Arc<Asked>) -> Loaded<Self> {
        DataLoader::new(Self(Arc::clone(asked)), spawn)
    }
}

impl Events {
    pub(super) fn of(asked: &Arc<Asked>) -> Loaded<Self> {
        DataLoader::new(Self(Arc::clone(asked)), spawn)
    }
}

/// As they are now; those that the caller does not see are absent.
impl Loader<EventId> for Events {
    type Value = Event;
    type Error = Failure;

    async fn load(&self, ids: &[EventId]) -> Result<HashMap<EventId, Event>> {
        let koyomi = &self.0.app.koyomi;
        let caller = koyomi.caller(self.0.asker()?, true).await?;
        let epoch = koyomi.store.epoch();
        let pages = ids.chunks(PAGE).map(|ids| koyomi.find_events(&caller, ids, Expand::default()));
        let found = try_join_all(pages).await?.into_iter().flat_map(|listed| listed.page.items);
        Ok(found.map(|happening| (happening.event.id, Event::written(happening, epoch))).collect())
    }
}

impl Loader<UserId> for Users {
    type Value = User;
    type Error = Failure;

    async fn load(&self, ids: &[UserId]) -> Result<HashMap<UserId, User>> {
        let mut sorted = ids.to_vec();
        sorted.sort_unstable();
        let koyomi = &self.0.app.koyomi;
        let pages = sorted.chunks(PAGE).map(|ids| {
            self.0.read(Scope::Directory, move |opened| async move { koyomi.find_users(&opened, ids).await })
        });
        let pages = try_join_all(pages).await?;
        let users = pages.into_iter().flat_map(|page| page.value.items.clone());
        Ok(users.map(|user| (user.id, user)).collect())
    }
}

impl Loader<ResourceId> for Resources {
    type Value = (Resource, Epoch);
    type Error = Failure;

    async fn load(&self, ids: &[ResourceId]) -> Result<HashMap<ResourceId, (Resource, Epoch)>> {
        let mut sorted = ids.to_vec();
        sorted.sort_unstable();
        let koyomi = &self.0.app.koyomi;
        let limit = kernel::Limit::new(Some(i64::from(kernel::Limit::MAX)))?;
        let filters: Vec<Filter> =
            sorted.chunks(PAGE).map(|ids| Filter { ids: Some(ids.to_vec()), ..Filter::default() }).collect();
        let pages = filters.iter().map(|filter| {
            let load = move |opened| async move { koyomi.list_resources(&opened, filter, limit, None).await };
            self.0.read(Scope::Directory, load)
        });
        let pages = try_join_all(pages).await?;
        let found = pages.into_iter().flat_map(|page| {
            let epoch = page.epoch;
            page.value.items.clone().into_iter().map(move |resource| (resource.id, (resource, epoch)))
        });
        Ok(found.collect())
    }
}

impl Loader<CalendarId> for Calendars {
    type Value = (Calendar, Epoch);
    type Error = Failure;

    /// What is not shared is absent.
    async fn load(&self, ids: &[CalendarId]) -> Result<HashMap<CalendarId, (Calendar, Epoch)>> {
        let found = join_all(ids.iter().map(async |id| {
            let (koyomi, id) = (&self.0.app.koyomi, *id);
            let load = |opened| async move { koyomi.find_calendar(&opened, id).await };
            self.0.read(Scope::Calendars(vec![id]), load).await
        }));
        let mut calendars = HashMap::new();
        for found in found.await {
            match found {
                Ok(found) => {
                    calendars.insert(found.value.id, (Calendar::clone(&found.value), found.epoch));
                }
                Err(failure) if failure.code() == "not_found" => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(calendars)
    }
}

/// Ids that one call of a door takes.
const PAGE: usize = 500;
