use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::Event;

/// An event as it goes out: whole, or only the fields that were asked for.
#[derive(Debug)]
pub(crate) struct Shown {
    pub event: Event,
    pub fields: Option<Fields>,
}

pub(crate) type Fields = Arc<[&'static str]>;

/// The fields of these names, in the order of [`Event::FIELDS`].
pub(crate) fn fields_of(names: &[String]) -> Fields {
    Event::FIELDS.into_iter().filter(|field| names.iter().any(|name| name == field)).collect()
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Some(fields) = &self.fields else { return self.event.serialize(serializer) };
        let mut map = serializer.serialize_map(None)?;
        for name in &**fields {
            self.event.put(name, &mut map)?;
        }
        map.end()
    }
}

impl Event {
    fn put<M: SerializeMap>(&self, name: &str, map: &mut M) -> std::result::Result<(), M::Error> {
        match name {
            "id" => map.serialize_entry(name, &self.id),
            "calendar_id" => map.serialize_entry(name, &self.calendar_id),
            "uid" => map.serialize_entry(name, &self.uid),
            "title" => map.serialize_entry(name, &self.title),
            "description" => map.serialize_entry(name, &self.description),
            "location" => map.serialize_entry(name, &self.location),
            "status" => map.serialize_entry(name, &self.status),
            "visibility" => map.serialize_entry(name, &self.visibility),
            "transparency" => map.serialize_entry(name, &self.transparency),
            "start" => map.serialize_entry(name, &self.start),
            "end" => map.serialize_entry(name, &self.end),
            "start_time" => map.serialize_entry(name, &self.start_time),
            "end_time" => map.serialize_entry(name, &self.end_time),
            "recurrence" => map.serialize_entry(name, &self.recurrence),
            "recurring_event_id" => map.serialize_entry(name, &self.recurring_event_id),
            "previous_series_id" => map.serialize_entry(name, &self.previous_series_id),
            "next_series_id" => map.serialize_entry(name, &self.next_series_id),
            "original_start" => map.serialize_entry(name, &self.original_start),
            "organizer_id" => map.serialize_entry(name, &self.organizer_id),
            "organizer_name" => map.serialize_entry(name, &self.organizer_name),
            "attendee_count" => map.serialize_entry(name, &self.attendee_count),
            "room_name" => map.serialize_entry(name, &self.room_name),
            "sequence" => map.serialize_entry(name, &self.sequence),
            "created_at" => map.serialize_entry(name, &self.created_at),
            "updated_at" => map.serialize_entry(name, &self.updated_at),
            "view" => map.serialize_entry(name, &self.view),
            "etag" => map.serialize_entry(name, &self.etag),
            "organizer" => self.organizer.as_ref().map_or(Ok(()), |value| map.serialize_entry(name, value)),
            "attendees" => self.attendees.as_ref().map_or(Ok(()), |value| map.serialize_entry(name, value)),
            "resources" => self.resources.as_ref().map_or(Ok(()), |value| map.serialize_entry(name, value)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate};
    use events::{Status, Transparency, View, Visibility};
    use recurrence::Moment;
    use uuid::Uuid;

    use super::*;
    use crate::shape::event::Organizer;
    use crate::shape::time::EventTime;

    fn event() -> Event {
        let (id, at) = (Uuid::nil(), DateTime::UNIX_EPOCH);
        let day: EventTime = Moment::Date(NaiveDate::MIN).into();
        Event {
            id: id.into(),
            calendar_id: id.into(),
            uid: None,
            title: Some("t".to_owned()),
            description: None,
            location: None,
            status: Status::Confirmed,
            visibility: Visibility::Default,
            transparency: Transparency::Opaque,
            start: day.clone(),
            end: day,
            start_time: at,
            end_time: at,
            recurrence: Vec::new(),
            recurring_event_id: None,
            previous_series_id: None,
            next_series_id: None,
            original_start: None,
            organizer_id: None,
            organizer_name: None,
            attendee_count: 1,
            room_name: None,
            sequence: 2,
            created_at: Some(at),
            updated_at: None,
            view: View::Full,
            etag: "\"1.2\"".to_owned(),
            organizer: Some(Organizer { id: None, email: None, name: None, avatar_url: None }),
            attendees: Some(Vec::new()),
            resources: Some(Vec::new()),
        }
    }

    #[test]
    fn all_fields_together_are_the_whole_event() {
        let whole = serde_json::to_value(Shown { event: event(), fields: None }).unwrap();
        let names: Vec<String> = Event::FIELDS.iter().map(|name| (*name).to_owned()).collect();
        let put = serde_json::to_value(Shown { event: event(), fields: Some(fields_of(&names)) }).unwrap();
        assert_eq!(put, whole);
        assert_eq!(whole.as_object().unwrap().len(), Event::FIELDS.len());
        let two = Shown { event: event(), fields: Some(fields_of(&["title".to_owned(), "id".to_owned()])) };
        assert_eq!(serde_json::to_value(two).unwrap().as_object().unwrap().len(), 2);
    }
}
