//! How a read begins: who asks, what may he see, and which versions must his answer have. What is read then goes through
//! the cache under exactly that.

use std::collections::HashMap;
use std::sync::Arc;

use cache::{Answer, Ask, Checked, Consistency, Family, Key, Reading, Value, View, Want, is_access_moved};
use events::calendars::MAX_CALENDARS;
use futures::future::BoxFuture;
use kernel::{CalendarId, Caller, EventId, Failure, Moved, Result, Role, SecretHash, Subject};
use serde::Serialize;
use store::Epoch;

use crate::Koyomi;

/// A read that finds access changed under way begins anew so often.
const ATTEMPTS: usize = 4;

/// Somebody who shows a secret; who he is, the head check says.
#[derive(Debug, Clone)]
pub struct Asker {
    pub secret: SecretHash,
    /// What he has seen already: his answer is never older.
    pub seen: Option<Consistency>,
    /// He has just changed something: memory will not do.
    pub current: bool,
}

/// A read that may go on: everything that decides what its answer is, but the data.
#[derive(Debug, Clone)]
pub struct Opened {
    pub caller: Arc<Caller>,
    pub epoch: Epoch,
    /// What the answer depends on: its calendars, then the names of the tenant, then its bookings.
    versions: Vec<Moved>,
    /// Of the calendars among the versions, in their order.
    roles: Vec<Role>,
    sharing: Sharing,
}

/// What a read is about: what its answer depends on, and who may have it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// What happens in calendars.
    Calendars(Vec<CalendarId>),
    /// A calendar itself.
    Calendar(CalendarId),
    Event(EventId),
    /// People and resources of the tenant.
    Directory,
    /// When the tenant's resources are taken.
    Bookings,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sharing {
    Roles,
    Mine,
    Tenant,
}

impl Koyomi {
    /// Who asks, for what is not cached.
    pub async fn caller(&self, asker: &Asker, memory: bool) -> Result<Arc<Caller>> {
        Ok(self.check(asker, &[], None, false, memory).await?.caller)
    }

    /// The head check of a read: refuses what is not shared with the caller.
    pub async fn enter(&self, asker: &Asker, scope: &Scope) -> Result<Opened> {
        match scope {
            Scope::Calendars(ids) => self.open_calendars(asker, ids).await,
            Scope::Calendar(id) => self.open_calendar(asker, *id).await,
            Scope::Event(id) => self.open_event(asker, *id).await,
            Scope::Directory => self.open_directory(asker).await,
            Scope::Bookings => self.open_bookings(asker).await,
        }
    }

    /// Opens a list over calendars: all of them are shared with the caller, or it is `not_found`.
    async fn open_calendars(&self, asker: &Asker, ids: &[CalendarId]) -> Result<Opened> {
        if ids.is_empty() || ids.len() > MAX_CALENDARS {
            return Err(Failure::malformed("?calendar_id", format!("must be given 1 to {MAX_CALENDARS} times")));
        }
        let (mut sorted, mut opened) = (ids.to_vec(), ids);
        if ids.len() > 1 {
            sorted.sort_unstable();
            sorted.dedup();
            opened = &sorted;
        }
        let checked = self.check(asker, opened, None, false, true).await?;
        let roles: Option<Vec<Role>> = checked.calendars.iter().map(|held| held.role).collect();
        match roles {
            Some(roles) if roles.len() == opened.len() => Ok(Opened::of(checked, roles, Sharing::Roles)),
            _ => Err(Failure::not_found("calendar")),
        }
    }

    /// Opens one calendar itself. What is shown of it says what the caller may do: no two roles have the same answer.
    async fn open_calendar(&self, asker: &Asker, id: CalendarId) -> Result<Opened> {
        Ok(Opened { sharing: Sharing::Mine, ..self.open_calendars(asker, &[id]).await? })
    }

    /// Opens an event. Whether he sees it is for the fill to say where he is no writer of its calendar: he may be its
    /// guest.
    async fn open_event(&self, asker: &Asker, id: EventId) -> Result<Opened> {
        let checked = self.check(asker, &[], Some(id), false, true).await?;
        let Some(held) = checked.calendars.first() else { return Err(Failure::not_found("event")) };
        let (roles, sharing) = match held.role {
            Some(role) if role >= Role::Writer => (vec![role], Sharing::Roles),
            _ => (Vec::new(), Sharing::Mine),
        };
        Ok(Opened::of(checked, roles, sharing))
    }

    /// Opens what belongs to the whole tenant: its people and resources.
    async fn open_directory(&self, asker: &Asker) -> Result<Opened> {
        let checked = self.check(asker, &[], None, false, true).await?;
        Ok(Opened::of(checked, Vec::new(), Sharing::Tenant))
    }

    /// Opens the tenant's bookings: always from the primary.
    async fn open_bookings(&self, asker: &Asker) -> Result<Opened> {
        let checked = self.check(asker, &[], None, true, false).await?;
        let bookings = checked.bookings.ok_or_else(|| Failure::internal("the head check left out the bookings"))?;
        let subject = Subject::Bookings(checked.caller.tenant_id);
        let mut opened = Opened::of(checked, Vec::new(), Sharing::Tenant);
        opened.versions.push(Moved { subject, seq: bookings, acl: 0 });
        Ok(opened)
    }

    pub(crate) async fn check(
        &self,
        asker: &Asker,
        calendars: &[CalendarId],
        event: Option<EventId>,
        bookings: bool,
        memory: bool,
    ) -> Result<Checked> {
        let (seen, memory) = (asker.seen.as_ref(), memory && !asker.current);
        self.heads.check(Ask { secret: &asker.secret, calendars, event, bookings, seen, memory }).await
    }

    /// A read under its head check, `first` where that has been made already. One that finds other access than was checked
    /// begins anew, with a check that does not take memory's word for it.
    pub async fn reading<T, F>(
        &self,
        asker: &Asker,
        scope: &Scope,
        first: Option<Opened>,
        load: impl Fn(Opened) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        attempts(first, || self.enter(asker, scope), |opened| self.heads.doubt(&opened.versions), load).await
    }

    /// As [`Koyomi::reading`], of several calendars that are opened each for itself; those that are not shared with the
    /// caller are left out.
    pub async fn reading_each<T, F>(
        &self,
        asker: &Asker,
        ids: &[CalendarId],
        first: Option<HashMap<CalendarId, Opened>>,
        load: impl Fn(Vec<Opened>) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let doubt = |all: &HashMap<_, Opened>| all.values().for_each(|opened| self.heads.doubt(&opened.versions));
        let load = |all: HashMap<_, _>| load(ids.iter().filter_map(|id| all.get(id).cloned()).collect());
        attempts(first, || self.enter_each(asker, ids), doubt, load).await
    }

    /// The cached answer to a question that was opened, or a new reading of it.
    pub(crate) async fn read<T: Value, F>(
        &self,
        family: Family,
        opened: &Opened,
        question: &impl Serialize,
        fill: F,
    ) -> Result<Answer<T>>
    where
        F: Fn(Koyomi, Arc<Caller>) -> BoxFuture<'static, Result<Reading<T>>>,
    {
        let query = bytes_of(question)?;
        let fill = || fill(self.clone(), Arc::clone(&opened.caller));
        self.values.read(&opened.want(family, &query), fill).await
    }
}

impl Opened {
    fn of(checked: Checked, roles: Vec<Role>, sharing: Sharing) -> Self {
        let directory = checked.directory();
        let versions = checked.calendars.iter().map(cache::Held::moved).chain([directory]).collect();
        Self { caller: checked.caller, epoch: checked.epoch, versions, roles, sharing }
    }

    /// Each of the calendars that are shared with the caller for itself, as if it had been opened alone.
    pub(crate) fn each(checked: &Checked) -> Vec<(CalendarId, Self)> {
        let names = checked.directory();
        let one = |held: &cache::Held| {
            let opened = Self {
                caller: Arc::clone(&checked.caller),
                epoch: checked.epoch,
                versions: vec![held.moved(), names],
                roles: vec![held.role?],
                sharing: Sharing::Roles,
            };
            Some((held.calendar_id, opened))
        };
        checked.calendars.iter().filter_map(one).collect()
    }

    fn want<'a>(&'a self, family: Family, query: &'a [u8]) -> Want<'a> {
        let view = match self.sharing {
            Sharing::Roles => View::Roles(&self.roles),
            Sharing::Mine => View::Of(self.caller.user_id),
            Sharing::Tenant => View::Tenant,
        };
        Want { family, epoch: self.epoch, versions: &self.versions, view, query }
    }

    /// The same for data that are the same for everybody.
    pub(crate) fn for_everybody(&self) -> Self {
        Self { sharing: Sharing::Tenant, ..self.clone() }
    }

    /// The versions that an answer must have.
    pub fn versions(&self) -> &[Moved] {
        &self.versions
    }

    /// The same check for less: some of the calendars that were opened, or none. None where one was not.
    pub fn part(&self, ids: &[CalendarId]) -> Option<Self> {
        let of = |id: &CalendarId| self.heads().position(|(head, ..)| head == *id);
        let mut places: Vec<usize> = ids.iter().map(of).collect::<Option<_>>()?;
        places.sort_unstable();
        places.dedup();
        let names = self.versions.iter().filter(|moved| matches!(moved.subject, Subject::Tenant(_)));
        let versions = places.iter().map(|at| &self.versions[*at]).chain(names).copied().collect();
        let roles: Vec<Role> = places.iter().map(|at| self.roles[*at]).collect();
        let sharing = if roles.is_empty() { Sharing::Tenant } else { Sharing::Roles };
        Some(Self { versions, roles, sharing, ..self.clone() })
    }

    /// The calendars that were opened, each with its version and what the caller may do in it.
    pub(crate) fn heads(&self) -> impl Iterator<Item = (CalendarId, i64, Role)> {
        let heads = self.versions.iter().filter_map(|moved| match moved.subject {
            Subject::Calendar(id) => Some((id, moved.seq)),
            _ => None,
        });
        heads.zip(&self.roles).map(|((id, seq), role)| (id, seq, *role))
    }

    /// The same for what depends on one calendar alone, and is the same for everybody it is shared with.
    pub(crate) fn alone(&self, id: CalendarId) -> Self {
        let versions = self.versions.iter().copied().filter(|moved| moved.subject == Subject::Calendar(id)).collect();
        Self { versions, roles: Vec::new(), sharing: Sharing::Tenant, ..self.clone() }
    }

    /// The name of a ready-made answer to this question; `at` the versions of what it is made from, if it is made
    /// already.
    pub fn body_key<T>(&self, query: &[u8], at: Option<&Answer<T>>) -> Key {
        let mut want = self.want(Family::Body, query);
        if let Some(answer) = at {
            (want.epoch, want.versions) = (answer.epoch, &answer.versions);
        }
        want.key()
    }

    /// What the caller may do in the first calendar that was opened.
    pub(crate) fn role(&self) -> Result<Role> {
        self.roles.first().copied().ok_or_else(|| Failure::not_found("calendar"))
    }

    /// The calendars that were opened, in the order of their ids.
    pub(crate) fn calendars(&self) -> Vec<CalendarId> {
        self.versions
            .iter()
            .filter_map(|moved| match moved.subject {
                Subject::Calendar(id) => Some(id),
                _ => None,
            })
            .collect()
    }
}

/// The name of what only this caller is given: an answer to this question that rests on exactly these versions.
pub fn own_key(caller: &Caller, epoch: Epoch, query: &[u8], versions: &[Moved]) -> Key {
    Want { family: Family::Body, epoch, versions, view: View::Of(caller.user_id), query }.key()
}

/// Enters and loads until access holds still in between; what was entered is doubted when it did not.
async fn attempts<O: Clone, T, E, F>(
    mut first: Option<O>,
    enter: impl Fn() -> E,
    doubt: impl Fn(&O),
    load: impl Fn(O) -> F,
) -> Result<T>
where
    E: Future<Output = Result<O>>,
    F: Future<Output = Result<T>>,
{
    let mut last = None;
    for _ in 0..ATTEMPTS {
        let opened = match first.take() {
            Some(opened) => opened,
            None => enter().await?,
        };
        match load(opened.clone()).await {
            Err(failure) if is_access_moved(&failure) => {
                doubt(&opened);
                last = Some(failure);
            }
            result => return result,
        }
    }
    Err(last.unwrap_or_else(|| Failure::internal("a read was never attempted")))
}

fn bytes_of(question: &impl Serialize) -> Result<Vec<u8>> {
    postcard::to_stdvec(question).map_err(Failure::internal)
}

/// What a fill finds changed since its check: the read begins again.
pub(crate) fn moved_on() -> Failure {
    cache::access_moved()
}
