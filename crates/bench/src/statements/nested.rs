use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use serde_json::json;
use uuid::Uuid;

/// `{"data":{"calendar":{"id","events":{"nodes","pageInfo"}}}}`
pub(crate) struct Answer {
    pub(crate) calendar: Uuid,
    pub(crate) events: Vec<Event>,
    pub(crate) more: bool,
}

pub(crate) struct Event {
    pub(crate) event_id: Uuid,
    pub(crate) title: String,
    pub(crate) start_time: DateTime<Utc>,
    pub(crate) end_time: DateTime<Utc>,
    pub(crate) original_start: NaiveDateTime,
    pub(crate) organizer: Option<String>,
    pub(crate) guests: Vec<Guest>,
    pub(crate) reservations: Vec<Reservation>,
}

#[derive(Clone)]
pub(crate) struct Guest {
    pub(crate) email: String,
    pub(crate) response_status: String,
    pub(crate) user: Option<Uuid>,
    pub(crate) name: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Reservation {
    pub(crate) id: Uuid,
    pub(crate) name: String,
}

#[derive(Serialize)]
struct Nodes<T> {
    nodes: T,
}

#[derive(Serialize)]
struct Booked<'a> {
    resource: &'a Reservation,
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Data<'a> {
            calendar: Calendar<'a>,
        }
        #[derive(Serialize)]
        struct Calendar<'a> {
            id: Uuid,
            events: Events<'a>,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Events<'a> {
            nodes: &'a [Event],
            page_info: serde_json::Value,
        }
        let page_info = json!({ "hasNextPage": self.more });
        let calendar = Calendar { id: self.calendar, events: Events { nodes: &self.events, page_info } };
        let mut answer = serializer.serialize_struct("Answer", 1)?;
        answer.serialize_field("data", &Data { calendar })?;
        answer.end()
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Organizer<'a> {
            name: &'a Option<String>,
        }
        let mut event = serializer.serialize_struct("Event", 7)?;
        event.serialize_field("id", &self.event_id)?;
        event.serialize_field("title", &self.title)?;
        event.serialize_field("startTime", &self.start_time)?;
        event.serialize_field("endTime", &self.end_time)?;
        event.serialize_field("organizer", &Organizer { name: &self.organizer })?;
        event.serialize_field("attendees", &Nodes { nodes: &self.guests[..self.guests.len().min(10)] })?;
        event.serialize_field(
            "reservations",
            &self.reservations.iter().map(|resource| Booked { resource }).collect::<Vec<_>>(),
        )?;
        event.end()
    }
}

impl Serialize for Guest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct User<'a> {
            id: Uuid,
            name: &'a Option<String>,
        }
        let mut guest = serializer.serialize_struct("Guest", 3)?;
        guest.serialize_field("email", &self.email)?;
        guest.serialize_field("responseStatus", &self.response_status)?;
        guest.serialize_field("user", &self.user.map(|id| User { id, name: &self.name }))?;
        guest.end()
    }
}
