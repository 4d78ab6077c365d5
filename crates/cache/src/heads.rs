use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::plant::{self, Bug};
use kernel::{CalendarId, Caller, Clock, EventId, Failure, Moved, Result, Role, SecretHash, Subject, TenantId};
use store::{Epoch, Store};

use crate::Consistency;
use crate::batch::Batches;
use crate::known::{Guess, Known};
use crate::memory::Memory;
use crate::metrics::CheckMetrics;
use crate::refused::Refused;
use crate::versions::{self, Versions};
use crate::whole::{self, Answers, Whole};

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
    whole: Arc<Batches<Whole>>,
    versions: Arc<Batches<Versions>>,
    known: Arc<Known>,
    memory: Arc<Memory>,
    refused: Arc<Refused>,
    /// Events never change their calendar.
    homes: moka::sync::Cache<EventId, CalendarId>,
    reads: Reads,
    store: Store,
    clock: Clock,
    metrics: Arc<CheckMetrics>,
}

impl Heads {
    /// With connections of its own to the primary: `connections`, all but one of them in reserve, and one for those whom
    /// it does not know yet.
    pub fn start(store: &Store, reads: Reads, connections: usize) -> Self {
        Self {
            whole: Batches::start(store, 1),
            versions: Batches::start(store, connections),
            known: Arc::default(),
            memory: Arc::new(Memory::new()),
            refused: Arc::new(Refused::new()),
            homes: moka::sync::Cache::new(HOMES),
            reads,
            clock: store.clock().clone(),
            store: store.clone(),
            metrics: Arc::new(CheckMetrics::new()),
        }
    }

    /// Whose secret it is, as far as it is known. A secret belongs to one tenant for good; whether it still opens
    /// anything, this does not say.
    pub fn tenant_of(&self, secret: &SecretHash) -> Option<TenantId> {
        self.known.tenant_of(secret)
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
        self.metrics.primary.increment(1);
        if let Some(guess) = self.guess(ask)
            && let Some(checked) = self.ask_versions(ask, guess).await?
        {
            return Ok(checked);
        }
        self.ask_whole(ask).await
    }

    /// Who shows this secret and what he may do, as far as it is known.
    fn guess(&self, ask: &Ask<'_>) -> Option<Guess> {
        if ask.event.is_some() {
            return None;
        }
        let guess = self.known.guess(ask.secret, ask.calendars)?;
        let expired = guess.caller.expires_at.is_some_and(|at| at <= self.clock.now());
        (!expired).then_some(guess)
    }

    /// None: what was known is no longer so.
    async fn ask_versions(&self, ask: &Ask<'_>, guess: Guess) -> Result<Option<Checked>> {
        let (began, generation) = (Instant::now(), self.memory.generation());
        let Caller { user_id: user, tenant_id: tenant, .. } = *guess.caller;
        let wanted = versions::Wanted { user, tenant, calendars: ask.calendars, bookings: ask.bookings };
        let found = self.versions.ask(wanted).await?;
        store::count_head_check(began.elapsed());
        self.observe(found.epoch);
        let version = |subject| match subject {
            // Of a tenant that nobody has booked anything in.
            Subject::Bookings(_) if ask.bookings => Some(found.versions.get(&subject).copied().unwrap_or_default()),
            // Another request may have asked for them.
            Subject::Bookings(_) => None,
            _ => found.versions.get(&subject).copied(),
        };
        let Some(checked) = guess.confirm(found.epoch, version) else { return Ok(None) };
        admit(ask, &checked)?;
        self.learn(&checked, generation);
        Ok(Some(checked))
    }

    async fn ask_whole(&self, ask: &Ask<'_>) -> Result<Checked> {
        let (began, generation) = (Instant::now(), self.memory.generation());
        let Ask { secret, calendars, event, bookings, .. } = *ask;
        let answers = self.whole.ask(whole::Wanted { secret, calendars, event, bookings }).await?;
        store::count_head_check(began.elapsed());
        self.observe(answers.epoch);
        let Some(caller) = answers.callers.get(ask.secret) else {
            self.refused.note(*ask.secret, answers.epoch);
            return Err(Failure::unauthenticated());
        };
        let home = ask.event.and_then(|event| answers.homes.get_key_value(&event));
        if let Some((event, calendar)) = home {
            self.homes.insert(*event, *calendar);
        }
        let asked = ask.calendars.iter().chain(home.map(|(_, calendar)| calendar));
        let checked = Checked {
            epoch: Epoch(answers.epoch),
            caller: Arc::clone(caller),
            calendars: asked.filter_map(|id| held(&answers, caller, *id)).collect(),
            bookings: ask.bookings.then(|| answers.bookings.get(&caller.tenant_id).copied()).flatten(),
        };
        admit(ask, &checked)?;
        self.known.keep_caller(*ask.secret, answers.epoch, caller);
        for held in &checked.calendars {
            self.known.keep_role(caller.user_id, held.calendar_id, answers.epoch, held.acl, held.role);
        }
        self.learn(&checked, generation);
        Ok(checked)
    }

    /// Takes note of the epoch that a check has found.
    fn observe(&self, epoch: i64) {
        self.store.observe(Epoch(epoch));
        self.refused.set_epoch(epoch);
        if self.memory.set_epoch(epoch) {
            self.known.forget();
        }
    }

    /// Everything or nothing: one piece that is not remembered, and the primary is asked for all of them.
    fn ask_memory(&self, ask: &Ask<'_>) -> Option<Checked> {
        let Reads::Bounded(bound) = self.reads else { return None };
        let insists = ask.seen.is_some() && !plant::is(Bug::BoundedWithToken);
        if insists || ask.bookings || !ask.memory || !self.memory.is_within(bound) {
            return None;
        }
        self.guess(ask)?.confirm(self.memory.epoch(), |subject| self.memory.version(subject))
    }

    /// The versions that were read, for those who may be answered from memory.
    fn learn(&self, checked: &Checked, generation: u64) {
        let Reads::Bounded(_) = self.reads else { return };
        if self.memory.epoch() != checked.epoch.0 {
            return;
        }
        let caller = &checked.caller;
        let user = Moved { subject: Subject::User(caller.user_id), seq: caller.seq, acl: 0 };
        for moved in [user, checked.directory()].into_iter().chain(checked.calendars.iter().map(Held::moved)) {
            self.memory.learn(&moved, generation);
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

fn held(answers: &Answers, caller: &Caller, id: CalendarId) -> Option<Held> {
    let head = answers.heads.get(&id)?;
    let role = answers.roles.get(&(caller.user_id, id)).copied();
    Some(Held { calendar_id: id, seq: head.seq, acl: head.acl, role })
}

/// Whether what was found is as new as what the client has seen.
fn admit(ask: &Ask<'_>, checked: &Checked) -> Result<()> {
    let Some(seen) = ask.seen else { return Ok(()) };
    seen.admit(checked.epoch, |subject| match subject {
        Subject::Calendar(id) => checked.calendars.iter().find(|held| held.calendar_id == id).map(|held| held.seq),
        Subject::Tenant(id) => (id == checked.caller.tenant_id).then_some(checked.caller.directory_seq),
        Subject::User(id) => (id == checked.caller.user_id).then_some(checked.caller.seq),
        Subject::Bookings(id) => checked.bookings.filter(|_| id == checked.caller.tenant_id),
    })
}
