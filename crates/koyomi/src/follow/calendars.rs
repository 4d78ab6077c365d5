use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bus::Watch;
use bus::feed::{self, Feed};
use cache::{Consistency, Family, Reading};
use events::Role;
use kernel::{CalendarId, Caller, Change, ChangeKind, Failure, Kind, Moved, Result, Subject};
use serde::{Deserialize, Serialize};
use store::Epoch;
use uuid::Uuid;

use super::Follower;
use crate::{Asker, Koyomi, Opened, Scope};

/// Changes that are told at once, of all calendars together; the last seq among them is never cut.
const AT_ONCE: u32 = 500;
/// The changes of a busy calendar are told together.
const PACE: Duration = Duration::from_millis(25);

/// What is new in the calendars that somebody follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarsNews {
    /// Where to go on.
    pub token: String,
    /// Those in which something happened, in the order of their ids.
    pub calendars: Vec<CalendarNews>,
}

/// What is new in one calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarNews {
    pub calendar_id: CalendarId,
    /// What happened is not known any more: read the calendar anew.
    pub resync: bool,
    /// In their order.
    pub changes: Vec<Change>,
}

/// Follows some calendars.
#[derive(Debug)]
pub struct CalendarsFollower {
    follower: Follower,
    scope: Scope,
    place: Place,
    /// Not yet told where it begins.
    begins: bool,
    /// There is more than was told at once, or may be: look without waiting.
    more: bool,
    /// As of the last look: what is older is no hint.
    seen: Vec<Moved>,
}

#[derive(Debug)]
struct Place {
    epoch: Epoch,
    seqs: BTreeMap<CalendarId, i64>,
}

/// The log of a calendar behind a place, as it is cached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Behind {
    changes: Vec<(ChangeKind, Uuid)>,
    /// The last seq told, or the head if that was all.
    next: i64,
    head: i64,
    /// The log does not reach back so far.
    gone: bool,
}

impl Koyomi {
    /// Follows calendars from `since` on, a token of this or of any other answer that names them all; without one, from now.
    ///
    /// `watch` must have been taken before: what it has not heard is looked for.
    ///
    /// # Errors
    /// `not_found` when one of the calendars is not shared with the caller, `malformed_request` for another token.
    pub async fn follow_calendars(
        &self,
        asker: &Asker,
        ids: Vec<CalendarId>,
        since: Option<&str>,
        watch: Option<Watch>,
    ) -> Result<CalendarsFollower> {
        let follower = Follower::new(self, asker, watch, PACE);
        let since = since.map(Consistency::decode_place).transpose()?;
        let scope = Scope::Calendars(ids);
        let opened = self.enter(&follower.asker, &scope).await?;
        let place = match since {
            Some(token) => Place::since(&token, &opened.calendars())?,
            None => Place::of(&opened),
        };
        Ok(CalendarsFollower { follower, scope, place, begins: true, more: true, seen: opened.versions().to_vec() })
    }
}

impl CalendarsFollower {
    /// What is new, when there is something; the first time at once.
    ///
    /// # Errors
    /// When the caller's token or his access to a calendar is gone: the end.
    pub async fn next(&mut self) -> Result<CalendarsNews> {
        loop {
            if !std::mem::take(&mut self.more) {
                let seen = &self.seen;
                self.follower.hints.wait(|moved| is_news(seen, moved)).await;
            }
            self.follower.hints.looks();
            match self.look().await {
                Ok(calendars) if self.begins || !calendars.is_empty() => {
                    self.begins = false;
                    return Ok(CalendarsNews { token: self.place.token(), calendars });
                }
                Ok(_) => {}
                Err(failure) if failure.kind() == Kind::Unavailable => {
                    tracing::debug!(code = failure.code(), "a follower could not look");
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    async fn look(&mut self) -> Result<Vec<CalendarNews>> {
        let (koyomi, place) = (&self.follower.koyomi, &self.place);
        let look = |opened| async move { koyomi.behind(place, opened).await };
        let (opened, found, more) = koyomi.reading(&self.follower.asker, &self.scope, None, look).await?;
        self.seen = opened.versions().to_vec();
        if opened.epoch != self.place.epoch {
            self.place = Place::of(&opened);
            let anew = |id: &CalendarId| CalendarNews { calendar_id: *id, resync: true, changes: Vec::new() };
            return Ok(self.place.seqs.keys().map(anew).collect());
        }
        self.more = more;
        let mut news = Vec::with_capacity(found.len());
        for Found { id, role, behind } in found {
            self.more |= behind.next < behind.head;
            self.place.seqs.insert(id, behind.next);
            let shown = behind.changes.iter().filter(|(kind, _)| is_told(role, *kind));
            let changes: Vec<Change> =
                shown.map(|(kind, object_id)| Change { calendar_id: id, kind: *kind, object_id: *object_id }).collect();
            if behind.gone || !changes.is_empty() {
                news.push(CalendarNews { calendar_id: id, resync: behind.gone, changes });
            }
        }
        Ok(news)
    }
}

struct Found {
    id: CalendarId,
    role: Role,
    behind: Arc<Behind>,
}

impl Koyomi {
    /// What lies between the place and the heads that were checked, of the calendars that moved; and whether there are more of these.
    async fn behind(&self, place: &Place, opened: Opened) -> Result<(Opened, Vec<Found>, bool)> {
        if opened.epoch != place.epoch {
            return Ok((opened, Vec::new(), false));
        }
        let moved = |(id, seq, role)| {
            let after = place.seqs.get(&id).copied().filter(|at| *at < seq)?;
            Some((id, after, role))
        };
        let moved: Vec<(CalendarId, i64, Role)> = opened.heads().filter_map(moved).collect();
        let (mut found, mut changes) = (Vec::new(), 0);
        for (id, after, role) in moved {
            // The others keep their place, and are told next.
            if changes >= AT_ONCE as usize {
                return Ok((opened, found, true));
            }
            let (opened, question) = (opened.alone(id), (id, after));
            let answer = self.read(Family::Feed, &opened, &question, move |koyomi, caller| {
                Box::pin(async move { koyomi.fill_behind(&caller, id, after).await })
            });
            let behind = answer.await?.value;
            changes += behind.changes.len();
            found.push(Found { id, role, behind });
        }
        Ok((opened, found, false))
    }

    async fn fill_behind(&self, caller: &Caller, id: CalendarId, after: i64) -> Result<Reading<Behind>> {
        let mut conn = self.store.snapshot().await?;
        let epoch = cache::tenant_versions(&mut conn, caller.tenant_id, false).await?.epoch();
        let (behind, acl) = match feed::since(&mut conn, id, after, AT_ONCE).await? {
            Feed::Changes { changes, next, head, acl, .. } => {
                let changes = changes.iter().map(|logged| (logged.change.kind, logged.change.object_id)).collect();
                (Behind { changes, next, head, gone: false }, acl)
            }
            Feed::Gone { head, acl, .. } => (Behind { changes: Vec::new(), next: head, head, gone: true }, acl),
        };
        let head = Moved { subject: Subject::Calendar(id), seq: behind.head, acl };
        Ok(Reading { epoch, versions: vec![head], value: behind })
    }
}

/// Whoever sees only free/busy sees no people.
fn is_told(role: Role, kind: ChangeKind) -> bool {
    role >= Role::Reader || kind != ChangeKind::MemberChanged
}

/// Beyond what was seen of it.
fn is_news(seen: &[Moved], moved: &Moved) -> bool {
    seen.iter().any(|known| known.subject == moved.subject && (moved.seq > known.seq || moved.acl > known.acl))
}

impl Place {
    fn of(opened: &Opened) -> Self {
        Self { epoch: opened.epoch, seqs: opened.heads().map(|(id, seq, _)| (id, seq)).collect() }
    }

    fn since(token: &Consistency, ids: &[CalendarId]) -> Result<Self> {
        let named: HashMap<Subject, i64> = token.versions.iter().map(|moved| (moved.subject, moved.seq)).collect();
        let seqs = ids.iter().map(|id| {
            let seq = named.get(&Subject::Calendar(*id)).copied();
            seq.map(|seq| (*id, seq)).ok_or_else(|| {
                let reason = format!("is a token that does not name calendar {id}; begin anew without one");
                Failure::malformed("?since", reason)
            })
        });
        Ok(Self { epoch: token.epoch, seqs: seqs.collect::<Result<_>>()? })
    }

    fn token(&self) -> String {
        let moved = |(id, seq): (&CalendarId, &i64)| Moved { subject: Subject::Calendar(*id), seq: *seq, acl: 0 };
        Consistency { epoch: self.epoch, versions: self.seqs.iter().map(moved).collect() }.encode_place()
    }
}
