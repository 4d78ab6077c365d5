//! What an answer rests on, gathered while it is made: the same question has the same answer for as long as nothing of that
//! has changed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cache::Key;
use events::calendars::MAX_CALENDARS;
use kernel::{CalendarId, Caller, Moved, Subject};
use koyomi::{Opened, Scope};
use store::Epoch;

/// Everything that was read, each at one version.
#[derive(Debug, Clone)]
pub(super) struct Grounds {
    pub(super) epoch: Epoch,
    caller: Arc<Caller>,
    calendars: BTreeMap<CalendarId, Moved>,
    directory: Moved,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Nothing,
    Firm(Grounds),
    /// Something was read that has no version, or one thing at two.
    Loose,
}

#[derive(Debug, Default)]
pub(super) struct Gathered(Mutex<State>);

impl Gathered {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something was read of which nobody can say later whether it is still so.
    pub(super) fn loosen(&self) {
        *self.state() = State::Loose;
    }

    /// A head check was made.
    pub(super) fn opened(&self, opened: &Opened) {
        let mut state = self.state();
        if matches!(*state, State::Nothing) {
            let directory = opened.versions().iter().find(|moved| matches!(moved.subject, Subject::Tenant(_)));
            *state = directory.map_or(State::Loose, |directory| {
                let caller = Arc::clone(&opened.caller);
                State::Firm(Grounds { epoch: opened.epoch, caller, calendars: BTreeMap::new(), directory: *directory })
            });
        }
        state.read(opened.epoch, opened.versions());
    }

    /// Something was read under a head check.
    pub(super) fn read(&self, epoch: Epoch, versions: &[Moved]) {
        self.state().read(epoch, versions);
    }

    /// Whether all of it is known, and what it is.
    pub(super) fn firm(&self) -> Option<Grounds> {
        match &*self.state() {
            State::Firm(grounds) if grounds.calendars.len() <= MAX_CALENDARS => Some(grounds.clone()),
            _ => None,
        }
    }
}

impl State {
    fn read(&mut self, epoch: Epoch, versions: &[Moved]) {
        let firm = match self {
            Self::Firm(grounds) => grounds.epoch == epoch && versions.iter().all(|moved| grounds.add(*moved)),
            Self::Nothing | Self::Loose => false,
        };
        if !firm {
            *self = Self::Loose;
        }
    }
}

impl Grounds {
    fn add(&mut self, moved: Moved) -> bool {
        match moved.subject {
            Subject::Calendar(id) => *self.calendars.entry(id).or_insert(moved) == moved,
            Subject::Tenant(_) => self.directory == moved,
            // Bookings of everybody, and what else is never kept in memory's name.
            Subject::User(_) | Subject::Bookings(_) => false,
        }
    }

    /// What the head check is about that will say whether it is still so.
    pub(super) fn scope(&self) -> Scope {
        if self.calendars.is_empty() {
            return Scope::Directory;
        }
        Scope::Calendars(self.calendars.keys().copied().collect())
    }

    /// In the order of that head check.
    pub(super) fn versions(&self) -> Vec<Moved> {
        self.calendars.values().copied().chain([self.directory]).collect()
    }

    pub(super) fn key(&self, query: &[u8], versions: &[Moved]) -> Key {
        koyomi::own_key(&self.caller, self.epoch, query, versions)
    }
}
