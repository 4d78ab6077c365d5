use async_graphql::{ID, Object};
use attendees::{Guest, ResponseStatus};

use super::scalar::AttendeeResponseStatus;
use super::user::{Brief, User};

/// An invitation.
pub(super) struct Attendee(pub Guest);

#[Object]
impl Attendee {
    /// As in REST.
    async fn id(&self) -> ID {
        self.0.id.0.into()
    }

    /// Where the invitation went.
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// As he was invited, or as he is called.
    async fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Whether he comes.
    async fn response_status(&self) -> AttendeeResponseStatus {
        let status: ResponseStatus = self.0.response_status;
        status.into()
    }

    /// Whether it can do without him.
    async fn is_optional(&self) -> bool {
        self.0.is_optional
    }

    /// Null: an address outside of the organisation.
    async fn user(&self) -> Option<User> {
        let Guest { email, name, avatar_url, .. } = &self.0;
        let brief = Brief { email: email.clone(), name: name.clone(), avatar_url: avatar_url.clone() };
        self.0.user_id.map(|id| User::new(id, Some(brief)))
    }
}
