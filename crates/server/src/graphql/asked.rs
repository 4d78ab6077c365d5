use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::connection::{Connection, Edge};
use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::{Context, OutputType};
use cache::Answer;
use events::Calendar;
use futures::future::try_join_all;
use kernel::{CalendarId, EventId, Failure, Moved, Page, ResourceId, Result, UserId};
use koyomi::{Asker, Expand, Koyomi, Opened, Scope};
use resources::{Filter, Resource};
use store::Epoch;
use tokio::sync::OnceCell;
use users::User;

use super::error::Told;
use super::event::{self, Event};
use super::grounds::{Gathered, Grounds};
use super::group::Group;
use crate::state::App;

/// What every resolver is given: who asks, and the doors.
pub(super) struct Asked {
    app: App,
    /// Or why it is not known: an introspection needs nobody.
    asker: Result<Asker>,
    /// The head check that was made before anything was run.
    before: Option<Opened>,
    /// The head checks since the last change: what is asked of one thing, is asked as of one moment.
    entered: Mutex<HashMap<Scope, Arc<OnceCell<Opened>>>>,
    /// Calendars that are asked the same, side by side.
    groups: Mutex<HashMap<CalendarId, Arc<Group>>>,
    gathered: Gathered,
}

impl Asked {
    pub(super) fn new(app: App, asker: Result<Asker>, before: Option<Opened>, groups: Vec<Group>) -> Self {
        let (entered, gathered) = (Mutex::default(), Gathered::default());
        let asked = Self { app, asker, before, entered, groups: Mutex::default(), gathered };
        groups.into_iter().for_each(|group| asked.joins(group));
        asked
    }

    /// From now on what is asked of one of these is read for all of them.
    pub(super) fn joins(&self, group: Group) {
        let group = Arc::new(group);
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        groups.extend(group.ids().iter().map(|id| (*id, Arc::clone(&group))));
    }

    pub(super) fn group(&self, id: CalendarId) -> Option<Arc<Group>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    pub(super) fn of<'a>(ctx: &Context<'a>) -> &'a Arc<Self> {
        ctx.data_unchecked::<Arc<Self>>()
    }

    pub(super) fn asker(&self) -> Result<&Asker> {
        self.asker.as_ref().map_err(Clone::clone)
    }

    /// Every door, also those to what has no version: whoever goes through one here makes an answer that is not kept.
    /// What is read by [`Self::read`] is.
    pub(super) fn app(&self) -> &App {
        self.gathered.loosen();
        &self.app
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.app.koyomi.store.epoch()
    }

    /// What everything that was read so far rests on, where that can be told.
    pub(super) fn grounds(&self) -> Option<Grounds> {
        self.gathered.firm()
    }

    /// One check, however often and however simultaneously it is asked for.
    pub(super) async fn enter(&self, scope: Scope) -> Result<Opened> {
        let cell = {
            let mut entered = self.entered.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(entered.entry(scope.clone()).or_default())
        };
        let opened = cell.get_or_try_init(|| self.check(&scope)).await?;
        self.gathered.opened(opened);
        Ok(opened.clone())
    }

    async fn check(&self, scope: &Scope) -> Result<Opened> {
        let known = |ids: &[CalendarId]| self.before.as_ref().and_then(|before| before.part(ids));
        let known = match scope {
            Scope::Calendars(ids) => known(ids),
            Scope::Directory => known(&[]),
            Scope::Calendar(_) | Scope::Event(_) | Scope::Bookings => None,
        };
        if let Some(opened) = known {
            return Ok(opened);
        }
        if let Scope::Calendars(ids) = scope
            && let [id] = ids.as_slice()
            && let Some(group) = self.group(*id)
            && let Some(opened) = group.enter(self).await?.get(id)
        {
            return Ok(opened.clone());
        }
        self.app.koyomi.enter(self.asker()?, scope).await
    }

    /// A read under the head check of this operation.
    pub(super) async fn read<'a, T, F>(
        &'a self,
        scope: Scope,
        load: impl Fn(&'a Koyomi, Opened) -> F,
    ) -> Result<Answer<T>>
    where
        F: Future<Output = Result<Answer<T>>>,
    {
        let (koyomi, first) = (&self.app.koyomi, self.enter(scope.clone()).await?);
        let answer = koyomi.reading(self.asker()?, &scope, Some(first), |opened| load(koyomi, opened)).await?;
        self.gathered.read(answer.epoch, &answer.versions);
        Ok(answer)
    }

    /// One check for several calendars; those that are not shared with the caller are absent.
    pub(super) async fn enter_each(&self, ids: &[CalendarId]) -> Result<HashMap<CalendarId, Opened>> {
        let before = |id: &CalendarId| Some((*id, self.before.as_ref()?.part(&[*id])?));
        let opened = match ids.iter().map(before).collect() {
            Some(opened) => opened,
            None => self.app.koyomi.enter_each(self.asker()?, ids).await?,
        };
        opened.values().for_each(|opened| self.gathered.opened(opened));
        Ok(opened)
    }

    /// A read of several calendars under a head check for all of them.
    pub(super) async fn read_each<'a, T, F>(
        &'a self,
        ids: &[CalendarId],
        first: Option<HashMap<CalendarId, Opened>>,
        load: impl Fn(&'a Koyomi, Vec<Opened>) -> F,
    ) -> Result<HashMap<CalendarId, T>>
    where
        F: Future<Output = Result<HashMap<CalendarId, T>>>,
        T: Versioned,
    {
        let koyomi = &self.app.koyomi;
        let first = match first {
            Some(first) => first,
            None => self.enter_each(ids).await?,
        };
        let answers = koyomi.reading_each(self.asker()?, ids, Some(first), |opened| load(koyomi, opened)).await?;
        answers.values().filter_map(T::versions).for_each(|(epoch, versions)| self.gathered.read(epoch, versions));
        Ok(answers)
    }

    /// What was checked before a change says nothing of what stands below it.
    pub(super) fn changes(&self) {
        self.gathered.loosen();
        self.entered.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.groups.lock().unwrap_or_else(PoisonError::into_inner).values().for_each(|group| group.forget());
    }
}

/// What was read, at versions; None: nothing was, and whoever asked is told so.
pub(super) trait Versioned {
    fn versions(&self) -> Option<(Epoch, &[Moved])>;
}

impl<T> Versioned for Answer<T> {
    fn versions(&self) -> Option<(Epoch, &[Moved])> {
        Some((self.epoch, &self.versions))
    }
}

impl<T> Versioned for Result<Answer<T>> {
    fn versions(&self) -> Option<(Epoch, &[Moved])> {
        self.as_ref().ok().and_then(Versioned::versions)
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
impl Loader<(EventId, Expand)> for Events {
    type Value = Event;
    type Error = Failure;

    async fn load(&self, keys: &[(EventId, Expand)]) -> Result<HashMap<(EventId, Expand), Event>> {
        let koyomi = &self.0.app().koyomi;
        let caller = koyomi.caller(self.0.asker()?, true).await?;
        let epoch = koyomi.store.epoch();
        let mut by_expand: HashMap<Expand, Vec<EventId>> = HashMap::new();
        for (id, expand) in keys {
            by_expand.entry(*expand).or_default().push(*id);
        }
        let mut found = HashMap::with_capacity(keys.len());
        for (expand, ids) in by_expand {
            for ids in ids.chunks(PAGE) {
                let events = event::items(koyomi.find_events(&caller, ids, expand).await?, epoch);
                found.extend(events.into_iter().map(|event| ((event.happening.event.id, expand), event)));
            }
        }
        Ok(found)
    }
}

impl Loader<UserId> for Users {
    type Value = User;
    type Error = Failure;

    async fn load(&self, ids: &[UserId]) -> Result<HashMap<UserId, User>> {
        let mut sorted = ids.to_vec();
        sorted.sort_unstable();
        let pages = sorted.chunks(PAGE).map(|ids| {
            self.0.read(Scope::Directory, move |koyomi, opened| async move { koyomi.find_users(&opened, ids).await })
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
        let limit = kernel::Limit::new(Some(i64::from(kernel::Limit::MAX)))?;
        let filters: Vec<Filter> =
            sorted.chunks(PAGE).map(|ids| Filter { ids: Some(ids.to_vec()), ..Filter::default() }).collect();
        let pages = filters.iter().map(|filter| {
            self.0.read(Scope::Directory, move |koyomi, opened| async move {
                koyomi.list_resources(&opened, filter, limit, None).await
            })
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
        let mut ids = ids.to_vec();
        let mut found = HashMap::with_capacity(ids.len());
        let mut take = |id, answer: Answer<Calendar>| found.insert(id, (Calendar::clone(&answer.value), answer.epoch));
        let mut alone = Vec::new();
        for id in ids.drain(..) {
            match self.0.group(id) {
                Some(group) => group.calendar(&self.0, id).await?.map(|answer| take(id, answer)),
                None => {
                    alone.push(id);
                    None
                }
            };
        }
        // One that has been entered already is not asked for again.
        let first = match alone.as_slice() {
            [] => return Ok(found),
            [id] => match self.0.enter(Scope::Calendars(vec![*id])).await {
                Ok(opened) => Some(HashMap::from([(*id, opened)])),
                Err(failure) if failure.code() == "not_found" => return Ok(found),
                Err(failure) => return Err(failure),
            },
            _ => None,
        };
        let answers = self
            .0
            .read_each(&alone, first, |koyomi, opened| async move { koyomi.find_calendars_each(&opened).await })
            .await?;
        answers.into_iter().for_each(|(id, answer)| {
            take(id, answer);
        });
        Ok(found)
    }
}

/// Ids that one call of a door takes.
const PAGE: usize = 500;
