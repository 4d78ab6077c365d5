use std::collections::HashSet;

use chrono::{DateTime, Utc};
use kernel::{AttendeeId, Checks, EventId, UserId};
use serde::{Deserialize, Serialize};

/// Invitations of one event.
pub const MAX_PER_EVENT: usize = 500;
/// Characters of a guest's name. With an address of 254 bytes the widest row still fits an entry of attendees_event
/// (2,704 bytes).
pub const MAX_NAME: usize = 200;
/// Characters of the comment beside an answer.
pub const MAX_COMMENT: usize = 2_000;

/// What a guest answered (RFC 5545 §3.2.12, PARTSTAT).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ResponseStatus {
    /// No answer yet.
    #[default]
    NeedsAction,
    /// Comes.
    Accepted,
    /// Does not come.
    Declined,
    /// May come.
    Tentative,
}

impl ResponseStatus {
    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NeedsAction => "needs_action",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Tentative => "tentative",
        }
    }
}

/// An invitation as lists show it: what the index holds, and the user's name and picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Guest {
    /// Of the invitation.
    pub id: AttendeeId,
    /// What they are invited to.
    pub event_id: EventId,
    /// Absent for an address outside the tenant.
    pub user_id: Option<UserId>,
    /// Lower case.
    pub email: String,
    /// The invitation's own, else the user's.
    pub name: Option<String>,
    /// The user's.
    pub avatar_url: Option<String>,
    /// Their answer.
    pub response_status: ResponseStatus,
    /// Need not come.
    pub is_optional: bool,
    /// Orders the list: later in the list is later here, by a microsecond at least.
    pub created_at: DateTime<Utc>,
}

/// An invitation with everything that belongs to it: a [`Guest`], and what was said with the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Attendee {
    /// What lists show of it.
    #[serde(flatten)]
    #[sqlx(flatten)]
    pub guest: Guest,
    /// What the guest wrote with the answer.
    pub comment: Option<String>,
    /// When the guest answered here; absent for an answer that came with the invitation (an import, the organizer).
    pub responded_at: Option<DateTime<Utc>>,
}

impl From<Attendee> for Guest {
    fn from(attendee: Attendee) -> Self {
        attendee.guest
    }
}

/// An invitation to be written. [`NewAttendee::check_all`] comes first: the database holds lower-case addresses only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAttendee {
    /// Minted by the caller.
    pub id: AttendeeId,
    /// Made lower case by [`NewAttendee::check_all`].
    pub email: String,
    /// Absent: the user's name is shown.
    pub name: Option<String>,
    /// Need not come.
    pub is_optional: bool,
    /// `needs_action`, unless the answer is known (the organizer, an import).
    pub response_status: ResponseStatus,
}

impl NewAttendee {
    /// Trims and lower-cases the addresses of one event's list and rejects what is wrong, each at
    /// `{pointer}/{n}/…`: an address that is none, one that came before in the list, a name that is too long, more
    /// than [`MAX_PER_EVENT`].
    pub fn check_all(list: &mut [Self], checks: &mut Checks, pointer: &str) {
        checks.require(list.len() <= MAX_PER_EVENT, pointer, "must have at most 500 attendees");
        for (n, attendee) in list.iter_mut().enumerate().take(MAX_PER_EVENT) {
            attendee.check(checks, &format!("{pointer}/{n}"));
        }
        let mut seen = HashSet::new();
        for (n, attendee) in list.iter().enumerate() {
            if !seen.insert(attendee.email.as_str()) {
                checks.reject(format!("{pointer}/{n}/email"), "is in the list already; each address is invited once");
            }
        }
    }

    /// As [`NewAttendee::check_all`] for one invitation, at `{pointer}/email` and `{pointer}/name`.
    pub fn check(&mut self, checks: &mut Checks, pointer: &str) {
        self.email = self.email.trim().to_lowercase();
        checks.email(&format!("{pointer}/email"), &self.email);
        if let Some(name) = &self.name {
            checks.name(&format!("{pointer}/name"), name, MAX_NAME);
        }
    }
}

/// What an organizer can change of an invitation; `None` leaves it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AttendeeChange {
    /// `Some(None)` takes the own name away: the user's is shown.
    pub name: Option<Option<String>>,
    /// Need not come.
    pub is_optional: Option<bool>,
}

impl AttendeeChange {
    /// Rejects a name that is blank or too long, at `{pointer}/name`.
    pub fn check(&self, checks: &mut Checks, pointer: &str) {
        if let Some(Some(name)) = &self.name {
            checks.name(&format!("{pointer}/name"), name, MAX_NAME);
        }
    }
}

/// What becomes of the answers that are there when a list is replaced or copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// Guests keep what they answered.
    Keep,
    /// The new list says what they answered (an import); in a copy everybody is asked again.
    Overwrite,
}

/// An invitation that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Removed {
    /// Of the invitation that was.
    pub id: AttendeeId,
    /// What they were invited to.
    pub event_id: EventId,
    /// Absent for an address outside the tenant.
    pub user_id: Option<UserId>,
    /// Lower case.
    pub email: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(emails: &[&str]) -> Vec<NewAttendee> {
        emails
            .iter()
            .map(|email| NewAttendee {
                id: AttendeeId(uuid::Uuid::nil()),
                email: (*email).to_owned(),
                name: None,
                is_optional: false,
                response_status: ResponseStatus::NeedsAction,
            })
            .collect()
    }

    fn pointers(list: &mut [NewAttendee]) -> Vec<String> {
        let mut checks = Checks::new();
        NewAttendee::check_all(list, &mut checks, "/attendees");
        match checks.done() {
            Ok(()) => Vec::new(),
            Err(failure) => failure.errors().iter().map(|v| v.pointer.clone()).collect(),
        }
    }

    #[test]
    fn addresses_become_lower_case() {
        let mut list = list(&["  Mio@Example.COM ", "ÉLAN@x.org"]);
        assert!(pointers(&mut list).is_empty());
        assert_eq!([&list[0].email, &list[1].email], ["mio@example.com", "élan@x.org"]);
    }

    #[test]
    fn each_wrong_guest_is_named() {
        let mut list = list(&["a@x.org", "nobody", "A@x.org", "b@x.org"]);
        list[3].name = Some("x".repeat(MAX_NAME + 1));
        assert_eq!(pointers(&mut list), ["/attendees/1/email", "/attendees/3/name", "/attendees/2/email"]);
    }

    #[test]
    fn a_list_has_a_limit() {
        let emails: Vec<String> = (0..=MAX_PER_EVENT).map(|n| format!("{n}@x.org")).collect();
        let mut list = list(&emails.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(pointers(&mut list), ["/attendees"]);
        assert!(pointers(&mut list[..MAX_PER_EVENT]).is_empty());
    }
}
