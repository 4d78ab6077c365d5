use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::{ID, Object, OutputType, Positioned};
use attendees::{Guest, ResponseStatus};

use super::scalar::AttendeeResponseStatus;
use super::straight::{At, Columns, Straight, Write, maybe, put, text, word};
use super::user::{Known, User};

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
        invited(&self.0).map(User::from)
    }
}

/// Who it is, if he is of the organisation.
fn invited(guest: &Guest) -> Option<Known<'_>> {
    let (email, name, avatar_url) = (Some(guest.email.as_str()), guest.name.as_deref(), guest.avatar_url.as_deref());
    guest.user_id.map(|id| Known { id, email, name, avatar_url })
}

impl<'a> Straight<'a> for &'a Guest {
    fn type_name() -> Cow<'static, str> {
        <Attendee as OutputType>::type_name()
    }

    fn column(field: &'a Positioned<Field>, at: At<'a>) -> Option<Write<'a, Self>> {
        Some(match field.node.name.node.as_str() {
            "id" => Box::new(|guest: Self, out| text(guest.id.0, out)),
            "email" => Box::new(|guest: Self, out| put(&guest.email, out)),
            "name" => Box::new(|guest: Self, out| put(&guest.name, out)),
            "responseStatus" => {
                Box::new(|guest: Self, out| word(AttendeeResponseStatus::from(guest.response_status), out))
            }
            "isOptional" => Box::new(|guest: Self, out| put(guest.is_optional, out)),
            "user" => {
                let columns = Columns::of(&field.node.selection_set.node, at)?;
                Box::new(move |guest: Self, out| maybe(&columns, invited(guest), out))
            }
            _ => return None,
        })
    }
}
