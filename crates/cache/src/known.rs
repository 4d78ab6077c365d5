//! What a whole check has found out of people, kept for the checks after it: who shows a secret, under his version, and
//! what he may do in a calendar, under the version of its access rules. As immutable as anything else here: whether it
//! still holds, the versions say.

use std::sync::Arc;

use kernel::plant::{self, Bug};
use kernel::{CalendarId, Caller, Role, SecretHash, Subject, TenantId, UserId};
use store::Epoch;

use crate::heads::{Checked, Held};
use crate::shards::Shards;

/// Each with the epoch it was read in: numbers of another one mean nothing.
#[derive(Debug, Default)]
pub(crate) struct Known {
    callers: Shards<SecretHash, (i64, Arc<Caller>)>,
    roles: Shards<(UserId, CalendarId), (i64, i64, Option<Role>)>,
}

/// What is known of one request.
#[derive(Debug)]
pub(crate) struct Guess {
    epoch: i64,
    pub caller: Arc<Caller>,
    /// In the order they were asked for.
    calendars: Vec<(CalendarId, i64, Option<Role>)>,
}

impl Known {
    pub(crate) fn keep_caller(&self, secret: SecretHash, epoch: i64, caller: &Arc<Caller>) {
        self.callers.insert(secret, (epoch, Arc::clone(caller)));
    }

    pub(crate) fn keep_role(&self, user: UserId, calendar: CalendarId, epoch: i64, acl: i64, role: Option<Role>) {
        self.roles.insert((user, calendar), (epoch, acl, role));
    }

    /// Everything or nothing.
    pub(crate) fn guess(&self, secret: &SecretHash, calendars: &[CalendarId]) -> Option<Guess> {
        let (epoch, caller) = self.callers.get(secret)?;
        let role = |id: &CalendarId| {
            let (of, acl, role) = self.roles.get(&(caller.user_id, *id))?;
            (of == epoch).then_some((*id, acl, role))
        };
        let calendars = calendars.iter().map(role).collect::<Option<_>>()?;
        Some(Guess { epoch, caller, calendars })
    }

    pub(crate) fn tenant_of(&self, secret: &SecretHash) -> Option<TenantId> {
        self.callers.get(secret).map(|(_, caller)| caller.tenant_id)
    }

    pub(crate) fn forget(&self) {
        self.callers.clear();
        self.roles.clear();
    }
}

impl Guess {
    /// What it comes to if these are the versions of `epoch` now; None: it is no longer so.
    pub(crate) fn confirm(self, epoch: i64, version: impl Fn(Subject) -> Option<(i64, i64)>) -> Option<Checked> {
        let Self { epoch: of, mut caller, calendars } = self;
        let (seq, _) = version(Subject::User(caller.user_id))?;
        let (directory_seq, _) = version(Subject::Tenant(caller.tenant_id))?;
        if of != epoch || (caller.seq != seq && !plant::is(Bug::KeepCaller)) {
            return None;
        }
        if caller.directory_seq != directory_seq {
            caller = Arc::new(Caller { directory_seq, ..Caller::clone(&caller) });
        }
        let held = |(calendar_id, under, role)| {
            let (seq, acl) = version(Subject::Calendar(calendar_id))?;
            (under == acl || plant::is(Bug::AuthoriseFirst)).then_some(Held { calendar_id, seq, acl, role })
        };
        let calendars = calendars.into_iter().map(held).collect::<Option<_>>()?;
        let bookings = version(Subject::Bookings(caller.tenant_id)).map(|(sum, _)| sum);
        Some(Checked { epoch: Epoch(epoch), caller, calendars, bookings })
    }
}
