use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kernel::plant::{self, Bug};
use kernel::{CalendarId, Caller, Clock, EventId, Failure, Moved, Result, Role, SecretHash, Subject, UserId};
use store::{Epoch, Store};

use crate::Consistency;
use crate::answers::Answers;
use crate::batch::{Batches, Wanted};
use crate::memory::Memory;
use crate::metrics::CheckMetrics;
use crate::refused::Refused;

/// How fresh answers are when the request says nothing about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reads {
    /// Every request asks the primary for the versions.
    #[default]
    Strict,
    /// Versions come from memory, as the bus tells them, at most so old.
    Bounded(Duration),
}

/// Events whose calendar is remembered.
const HOMES: u64 = 200_000;

/// The longest bound: a write that takes access away waits for it.
const MAX_BOUND: Duration = Duration::from_secs(1);

impl FromStr for Reads {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "must be strict, or bounded:1ms to bounded:1000ms".to_owned();
        if text == "strict" {
            return Ok(Self::Strict);
        }
        let millis = text.strip_prefix("bounded:").and_then(|rest| rest.strip_suffix("ms")).ok_or_else(wrong)?;
        let bound = Duration::from_millis(millis.parse().map_err(|_| wrong())?);
        if bound.is_zero() || bound > MAX_BOUND { Err(wrong()) } else { Ok(Self::Bounded(bound)) }
    }
}

impl fmt::Display for Reads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Strict => f.write_str("strict"),
            Self::Bounded(bound) => write!(f, "bounded:{}ms", bound.as_millis()),
        }
    }
}

/// What a request needs to know before it is answered.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    pub secret: &'a SecretHash,
    pub calendars: &'a [CalendarId],
    /// In whose calendar the caller is interested; it is then the one calendar of the answer.
    pub event: Option<EventId>,
    /// The version of the tenant's bookings: always from the primary.
    pub bookings: bool,
    /// What the client has seen.
    pub seen: Option<&'a Consistency>,
    /// Whether memory will do, where it is allowed at all.
    pub memory: bool,
}

/// One calendar as of the check, and what the caller may do in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    pub calendar_id: CalendarId,
    pub seq: i64,
    pub acl: i64,
    /// None: it is not shared with him.
    pub role: Option<Role>,
}

impl Held {
    pub fn moved(&self) -> Moved {
        Moved { subject: Subject::Calendar(self.calendar_id), seq: self.seq, acl: self.acl }
    }
}

/// Who asks, and the versions that his answer must not be older than.
#[derive(Debug, Clone)]
pub struct Checked {
    pub epoch: Epoch,
    pub caller: Arc<Caller>,
    /// Those of the asked calendars that exist, in the order they were asked for.
    pub calendars: Vec<Held>,
    pub bookings: Option<i64>,
}

impl Checked {
    /// The version of the names of the caller's tenant.
    pub fn directory(&self) -> Moved {
        Moved { subject: Subject::Tenant(self.caller.tenant_id), seq: self.caller.directory_seq, acl: 0 }
    }
}

/// The head check: who asks, what may he see, and how new is what he asks for.
#[derive(Debug, Clone)]
pub struct Heads {
    batches: Arc<Batches>,
    memory: Arc<Memory>,
    refused: Arc<Refused>,
    /// Events never change their calendar.
    homes: moka::sync::Cache<EventId, CalendarId>,
    reads: Reads,
    clock: Clock,
    metrics: Arc<CheckMetrics>,
    /// Only looked at by a planted bug.
    decided: Arc<Mutex<HashMap<(UserId, CalendarId), Role>>>,
}

impl Heads {
    /// `connections` to the primary, of its own.
    pub fn start(store: &Store, reads: Reads, connections: usize) -> Self {
        Self {
            batches: Batches::start(store, connections),
            memory: Arc::new(Memory::new()),
            refused: Arc::new(Refused::new()),
            homes: moka::sync::Cache::new(HOMES),
            reads,
            clock: store.clock().clone(),
            metrics: Arc::new(CheckMetrics::new()),
            decided: Arc::default(),
        }
    }

    /// # Errors
    /// `unauthenticated`; `epoch_over` and `unavailable` for what the client has seen; `unavailable` when the primary
    /// does not answer.
    pub async fn check(&self, mut ask: Ask<'_>) -> Result<Checked> {
        let home = ask.event.and_then(|event| self.homes.get(&event));
        if let Some(home) = &home {
            (ask.event, ask.calendars) = (None, std::slice::from_ref(home));
        }
        let checked = match self.ask_memory(&ask) {
            Some(checked) => {
                self.metrics.memory.increment(1);
                checked
            }
            None => self.ask_primary(&ask).await?,
        };
        store::saw(checked.epoch, checked.calendars.iter().map(Held::moved).chain([checked.directory()]));
        Ok(checked)
    }

    async fn ask_primary(&self, ask: &Ask<'_>) -> Result<Checked> {
        if self.refused.knows(ask.secret) {
            return Err(Failure::unauthenticated());
        }
        let (began, generation) = (Instant::now(), self.memory.generation());
        let wanted = Wanted { secret: ask.secret, calendars: ask.calendars, event: ask.event, bookings: ask.bookings };
        let answers = self.batches.ask(wanted).await?;
        store::count_head_check(began.elapsed());
        self.metrics.primary.increment(1);
        let Some(caller) = answers.callers.get(ask.secret) else {
            self.refused.note(*ask.secret, answers.epoch);
            return Err(Failure::unauthenticated());
        };
        self.refused.set_epoch(answers.epoch);
        if let Some(seen) = ask.seen {
            seen.admit(answers.epoch(), |subject| match subject {
                Subject::Calendar(id) => answers.heads.get(&id).map(|head| head.seq),
                Subject::Tenant(id) => (id == caller.tenant_id).then_some(caller.directory_seq),
                Subject::User(id) => (id == caller.user_id).then_some(caller.seq),
                Subject::Bookings(id) => answers.bookings.get(&id).copied(),
            })?;
        }
        if let Reads::Bounded(_) = self.reads {
            self.remember(ask, &answers, caller, generation);
        }
        let home = ask.event.and_then(|event| answers.homes.get_key_value(&event));
        if let Some((event, calendar)) = home {
            self.homes.insert(*event, *calendar);
        }
        let asked = ask.calendars.iter().chain(home.map(|(_, calendar)| calendar));
        let calendars = asked.filter_map(|id| self.held(&answers, caller, *id)).collect();
        let bookings = answers.bookings.get(&caller.tenant_id).copied();
        Ok(Checked { epoch: answers.epoch(), caller: Arc::clone(caller), calendars, bookings })
    }

    fn held(&self, answers: &Answers, caller: &Caller, id: CalendarId) -> Option<Held> {
        let head = answers.heads.get(&id)?;
        let mut role = answers.roles.get(&(caller.user_id, id)).copied();
        if plant::is(Bug::AuthoriseFirst) {
            let mut decided = self.decided.lock().unwrap_or_else(PoisonError::into_inner);
            role = decided.get(&(caller.user_id, id)).copied().or(role);
            if let Some(role) = role {
                decided.insert((caller.user_id, id), role);
            }
        }
        Some(Held { calendar_id: id, seq: head.seq, acl: head.acl, role })
    }

    /// Everything or nothing: one piece that is not remembered, and the primary is asked for all of them.
    fn ask_memory(&self, ask: &Ask<'_>) -> Option<Checked> {
        let Reads::Bounded(bound) = self.reads else { return None };
        let insists = ask.seen.is_some() && !plant::is(Bug::BoundedWithToken);
        if insists || ask.bookings || ask.event.is_some() || !ask.memory || !self.memory.is_within(bound) {
            return None;
        }
        let caller = self.memory.caller(ask.secret)?;
        let (seq, _) = self.memory.version(Subject::User(caller.user_id))?;
        let (directory_seq, _) = self.memory.version(Subject::Tenant(caller.tenant_id))?;
        let expired = caller.expires_at.is_some_and(|at| at <= self.clock.now());
        if caller.seq < seq || caller.directory_seq < directory_seq || expired {
            return None;
        }
        let mut calendars = Vec::with_capacity(ask.calendars.len());
        for id in ask.calendars {
            let (seq, acl) = self.memory.version(Subject::Calendar(*id))?;
            let (under, role) = self.memory.role(caller.user_id, *id)?;
            if under < acl {
                return None;
            }
            calendars.push(Held { calendar_id: *id, seq, acl, role });
        }
        Some(Checked { epoch: Epoch(self.memory.epoch()), caller, calendars, bookings: None })
    }

    fn remember(&self, ask: &Ask<'_>, answers: &Answers, caller: &Arc<Caller>, generation: u64) {
        let memory = &self.memory;
        if memory.epoch() != answers.epoch {
            memory.set_epoch(answers.epoch);
            return;
        }
        let learn = |subject, seq, acl| memory.learn(&Moved { subject, seq, acl }, generation);
        learn(Subject::User(caller.user_id), caller.seq, 0);
        learn(Subject::Tenant(caller.tenant_id), caller.directory_seq, 0);
        memory.keep_caller(*ask.secret, caller);
        for id in ask.calendars {
            if let Some(head) = answers.heads.get(id) {
                learn(Subject::Calendar(*id), head.seq, head.acl);
                let role = answers.roles.get(&(caller.user_id, *id)).copied();
                memory.keep_role(caller.user_id, *id, head.acl, role);
            }
        }
    }

    pub fn reads(&self) -> Reads {
        self.reads
    }

    /// The bus tells that subjects have moved.
    pub fn heard(&self, moved: &[Moved]) {
        if let Reads::Bounded(_) = self.reads {
            for moved in moved {
                self.memory.heard(moved);
            }
        }
    }

    /// The bus may have missed something.
    pub fn lost(&self) {
        self.memory.forget();
        self.metrics.forgotten.increment(1);
    }

    /// What was read under these versions was not what they had promised: the next who asks for them asks the primary.
    pub fn doubt(&self, versions: &[Moved]) {
        if let Reads::Bounded(_) = self.reads {
            for moved in versions {
                self.memory.doubt(&moved.subject);
            }
        }
    }

    pub fn heard_epoch(&self, epoch: i64) {
        self.memory.set_epoch(epoch);
    }

    /// The bus has told everything that was committed before `as_of`.
    pub fn complete(&self, as_of: Instant) {
        self.memory.complete(as_of);
    }
}
