//! What an imported event said that no column holds: the jsonb column `source`.

use attendees::ResponseStatus;
use chrono::{DateTime, Utc};
use ical::{Kind, Participation, Role};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::time::JsonTime;

/// Unknown parts are passed over, so that an older build can read what a newer one wrote.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Source {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dtstamp: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) created: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_modified: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    /// There was no STATUS; an explicit one counts.
    #[serde(skip_serializing_if = "is_false")]
    pub(super) no_status: bool,
    /// There was no SUMMARY, not an empty one.
    #[serde(skip_serializing_if = "is_false")]
    pub(super) no_summary: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) organizer: Option<Person>,
    /// In the order of the input, those that could not be invited included.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) attendees: Vec<Invited>,
    /// RECURRENCE-ID in its own form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) recurrence_id: Option<JsonTime>,
    /// Of the content as it came: the same again brings nothing new, whatever has been changed here since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) digest: Option<String>,
    /// The record's `updated_at` at the import: a later one means that it was changed here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) written_at: Option<DateTime<Utc>>,
}

impl Source {
    /// Nothing where there is none, or none that this build understands.
    pub(super) fn of(value: Option<&Value>) -> Option<Self> {
        value.and_then(|value| Self::deserialize(value).ok())
    }
}

/// An organizer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Person {
    pub(super) email: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
}

/// An attendee in the words of the API, with what iCalendar says beyond them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Invited {
    pub(super) email: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) response_status: ResponseStatus,
    #[serde(default)]
    pub(super) is_optional: bool,
    /// PARTSTAT=DELEGATED: somebody else comes instead.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) delegated: bool,
    /// Where `is_optional` does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<InvitedRole>,
    /// Absent for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<InvitedKind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum InvitedRole {
    Chair,
    NonParticipant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum InvitedKind {
    Group,
    Resource,
    Room,
    Unknown,
}

impl From<&ical::Organizer> for Person {
    fn from(organizer: &ical::Organizer) -> Self {
        Self { email: organizer.email.clone(), name: organizer.name.clone() }
    }
}

impl From<Person> for ical::Organizer {
    fn from(person: Person) -> Self {
        Self { email: person.email, name: person.name }
    }
}

impl From<&ical::Attendee> for Invited {
    fn from(attendee: &ical::Attendee) -> Self {
        Self {
            email: attendee.email.clone(),
            name: attendee.name.clone(),
            response_status: response(attendee.participation),
            is_optional: is_optional(attendee.role),
            delegated: attendee.participation == Participation::Delegated,
            role: match attendee.role {
                Role::Chair => Some(InvitedRole::Chair),
                Role::NonParticipant => Some(InvitedRole::NonParticipant),
                Role::Required | Role::Optional => None,
            },
            kind: match attendee.kind {
                Kind::Individual => None,
                Kind::Group => Some(InvitedKind::Group),
                Kind::Resource => Some(InvitedKind::Resource),
                Kind::Room => Some(InvitedKind::Room),
                Kind::Unknown => Some(InvitedKind::Unknown),
            },
        }
    }
}

impl From<Invited> for ical::Attendee {
    fn from(invited: Invited) -> Self {
        Self {
            participation: if invited.delegated {
                Participation::Delegated
            } else {
                participation(invited.response_status)
            },
            role: match invited.role {
                Some(InvitedRole::Chair) => Role::Chair,
                Some(InvitedRole::NonParticipant) => Role::NonParticipant,
                None if invited.is_optional => Role::Optional,
                None => Role::Required,
            },
            kind: match invited.kind {
                None => Kind::Individual,
                Some(InvitedKind::Group) => Kind::Group,
                Some(InvitedKind::Resource) => Kind::Resource,
                Some(InvitedKind::Room) => Kind::Room,
                Some(InvitedKind::Unknown) => Kind::Unknown,
            },
            email: invited.email,
            name: invited.name,
        }
    }
}

/// A guest who has sent somebody else does not come.
pub(super) fn response(participation: Participation) -> ResponseStatus {
    match participation {
        Participation::NeedsAction => ResponseStatus::NeedsAction,
        Participation::Accepted => ResponseStatus::Accepted,
        Participation::Tentative => ResponseStatus::Tentative,
        Participation::Declined | Participation::Delegated => ResponseStatus::Declined,
    }
}

pub(super) fn participation(status: ResponseStatus) -> Participation {
    match status {
        ResponseStatus::NeedsAction => Participation::NeedsAction,
        ResponseStatus::Accepted => Participation::Accepted,
        ResponseStatus::Tentative => Participation::Tentative,
        ResponseStatus::Declined => Participation::Declined,
    }
}

pub(super) fn is_optional(role: Role) -> bool {
    matches!(role, Role::Optional | Role::NonParticipant)
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
pub(super) fn is_false(value: &bool) -> bool {
    !value
}
