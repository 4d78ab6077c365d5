use kernel::plant::{self, Bug};
use kernel::{Moved, Role, Subject, UserId};
use store::Epoch;
use xxhash_rust::xxh3::xxh3_64;

use crate::Family;

/// Bumped whenever the form of any cached value changes: values of another version are not found.
pub(crate) const RENDER: u16 = 1;

/// Who may see the same value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View<'a> {
    /// Whoever may read in these calendars what these roles may, calendar by calendar in the order of the versions.
    Roles(&'a [Role]),
    /// This person only.
    Of(UserId),
    /// Everybody of the tenant among the versions.
    Tenant,
}

/// What is looked up: a value of one kind, at these versions, seen like this, as the answer to this question.
#[derive(Debug, Clone, Copy)]
pub struct Want<'a> {
    pub family: Family,
    pub epoch: Epoch,
    /// Everything that the value depends on, in an order that the question fixes.
    pub versions: &'a [Moved],
    pub view: View<'a>,
    /// The rest of the question: window, filters, cursor, …
    pub query: &'a [u8],
}

/// The name of an immutable value. All of it is compared, nothing is hashed away.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key(Box<[u8]>);

impl Key {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// A short name of it: what a validator may be made of.
    pub fn fingerprint(&self) -> u64 {
        xxh3_64(&self.0)
    }
}

impl Want<'_> {
    pub fn key(&self) -> Key {
        self.key_at(self.epoch, self.versions)
    }

    /// The key of the same question at other versions.
    pub(crate) fn key_at(&self, epoch: Epoch, versions: &[Moved]) -> Key {
        let mut bytes = Vec::with_capacity(32 + versions.len() * 33 + self.query.len());
        bytes.push(self.family as u8);
        bytes.extend_from_slice(&RENDER.to_le_bytes());
        if !plant::is(Bug::NoEpochInKey) {
            bytes.extend_from_slice(&epoch.0.to_le_bytes());
        }
        push_length(&mut bytes, versions.len());
        for moved in versions {
            let (tag, id) = match moved.subject {
                Subject::Calendar(id) => (1, id.0),
                Subject::User(id) => (2, id.0),
                Subject::Tenant(id) => (3, id.0),
                Subject::Bookings(id) => (4, id.0),
            };
            bytes.push(tag);
            bytes.extend_from_slice(id.as_bytes());
            bytes.extend_from_slice(&moved.seq.to_le_bytes());
            bytes.extend_from_slice(&moved.acl.to_le_bytes());
        }
        if !plant::is(Bug::NoViewInKey) {
            match self.view {
                View::Roles(roles) => {
                    bytes.push(1);
                    push_length(&mut bytes, roles.len());
                    bytes.extend(roles.iter().map(|role| class(*role)));
                }
                View::Of(user) => {
                    bytes.push(2);
                    bytes.extend_from_slice(user.0.as_bytes());
                }
                View::Tenant => bytes.push(3),
            }
        }
        bytes.extend_from_slice(self.query);
        Key(bytes.into())
    }
}

fn push_length(bytes: &mut Vec<u8>, length: usize) {
    bytes.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

/// Owners and writers see the same: full. Readers see private events as busy (limited), the others everything (busy).
const fn class(role: Role) -> u8 {
    match role {
        Role::Owner | Role::Writer => 3,
        Role::Reader => 2,
        Role::FreeBusy => 1,
    }
}

#[cfg(test)]
mod tests {
    use kernel::{CalendarId, TenantId};
    use uuid::Uuid;

    use super::*;

    fn moved(seq: i64) -> Moved {
        Moved { subject: Subject::Calendar(CalendarId(Uuid::nil())), seq, acl: 1 }
    }

    #[test]
    fn whatever_a_value_depends_on_is_in_its_key() {
        let (one, two) = ([moved(1)], [moved(2)]);
        let tenant = [Moved { subject: Subject::Tenant(TenantId(Uuid::nil())), seq: 1, acl: 1 }];
        let base = Want {
            family: Family::Page,
            epoch: Epoch(1),
            versions: &one,
            view: View::Roles(&[Role::Reader]),
            query: b"q",
        };
        let others = [
            Want { family: Family::Body, ..base },
            Want { epoch: Epoch(2), ..base },
            Want { versions: &two, ..base },
            Want { versions: &tenant, ..base },
            Want { versions: &[], ..base },
            Want { view: View::Roles(&[Role::FreeBusy]), ..base },
            Want { view: View::Roles(&[Role::Reader, Role::Reader]), ..base },
            Want { view: View::Of(UserId(Uuid::nil())), ..base },
            Want { view: View::Tenant, ..base },
            Want { query: b"r", ..base },
        ];
        for other in others {
            assert_ne!(other.key(), base.key(), "{other:?}");
        }
        assert_eq!(
            Want { view: View::Roles(&[Role::Owner]), ..base }.key(),
            Want { view: View::Roles(&[Role::Writer]), ..base }.key()
        );
    }
}
