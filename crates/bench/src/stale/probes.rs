//! Which requests show a cell, by whom, and where in the answer.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};

use crate::cells::{Cell, Kind, Spot};
use crate::look::{Look, Read, Step};
use crate::world::{ADMIN, MEMBERS, World};

/// A read to be made.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    /// For the table.
    pub route: &'static str,
    pub path: String,
    /// Index of the user who asks.
    pub viewer: usize,
    pub look: Look,
    /// The items are events, of which each may be shown as far as the viewer may see it.
    pub events: bool,
}

const MONTH: &str = "from=2027-03-01T00:00:00Z&to=2027-04-01T00:00:00Z&limit=500";

/// Where an event is shown, up to the event itself.
struct Place {
    route: &'static str,
    path: String,
    steps: Vec<Step>,
}

fn key(key: &'static str) -> Step {
    Step::Key(key)
}

fn item(pointer: &'static str, wanted: &str) -> Step {
    Step::Item(pointer, wanted.to_owned())
}

/// One of the requests that show the cell.
pub(crate) fn probe(world: &World, cell: &Cell, rng: &mut StdRng) -> Probe {
    match &cell.kind {
        Kind::Title { at, private } => title(world, rng, at, *private),
        Kind::Presence { at, room } => match room {
            Some(room) if rng.random_bool(0.4) => availability(world, rng, at, room),
            _ => presence(world, rng, cell, at),
        },
        Kind::CalendarName { calendar } => calendar_name(world, rng, *calendar),
        Kind::GuestName { at, attendee } => invitation(world, rng, at, attendee, "name", Read::Text),
        Kind::Reply { at, attendee, .. } => {
            if rng.random_bool(0.5) {
                attendee_field(world, rng, at, attendee, "comment", Read::Text)
            } else {
                invitation(world, rng, at, attendee, "response_status", Read::Answer)
            }
        }
        Kind::Booking { at, room } => booking(world, rng, at, room),
        Kind::UserName { user, organizes, invited } => match (organizes, invited) {
            (Some(at), _) if rng.random_bool(0.6) => organizer(world, rng, at),
            (_, Some((at, attendee))) if rng.random_bool(0.6) => {
                invitation(world, rng, at, attendee, "name", Read::Text)
            }
            _ => user_name(world, rng, *user),
        },
        Kind::ResourceName { room, at } => resource_name(world, rng, room, at),
    }
}

/// Somebody who sees all of the event: a member, or now and then its guest.
fn full_viewer(world: &World, rng: &mut StdRng, at: &Spot, private: bool) -> usize {
    let c = &world.calendars[at.calendar];
    if let Some(guest) = world.guest_of(&at.event)
        && rng.random_bool(0.3)
    {
        return guest;
    }
    let all = [c.owner, c.writer, c.reader];
    all[rng.random_range(0..if private { 2 } else { 3 })]
}

fn title(world: &World, rng: &mut StdRng, at: &Spot, private: bool) -> Probe {
    let c = &world.calendars[at.calendar];
    if rng.random_bool(0.2) {
        let viewer = if private && rng.random_bool(0.5) { c.reader } else { c.free_busy };
        let place = place(world, rng, at, viewer, "", "title");
        return of_event(place, viewer, vec![], Read::Nothing);
    }
    let viewer = full_viewer(world, rng, at, private);
    let place = place(world, rng, at, viewer, "", "title");
    of_event(place, viewer, vec![key("title")], Read::Text)
}

fn presence(world: &World, rng: &mut StdRng, cell: &Cell, at: &Spot) -> Probe {
    let c = &world.calendars[at.calendar];
    let blind = rng.random_bool(0.25);
    let viewer = if blind { c.free_busy } else { full_viewer(world, rng, at, false) };
    let mut place = list(world, rng, at, viewer, "", "title");
    place.steps.pop();
    if blind {
        place.steps.push(item("/start_time", &at.start));
        return of_event(place, viewer, vec![], Read::Exists);
    }
    place.steps.push(Step::Titled(format!("c{} ", cell.number)));
    of_event(place, viewer, vec![key("title")], Read::TextOrEven)
}

fn organizer(world: &World, rng: &mut StdRng, at: &Spot) -> Probe {
    let viewer = full_viewer(world, rng, at, false);
    if rng.random_bool(0.5) {
        let place = place(world, rng, at, viewer, "", "organizer_name");
        return of_event(place, viewer, vec![key("organizer_name")], Read::Text);
    }
    let place = place(world, rng, at, viewer, "organizer", "organizer");
    of_event(place, viewer, vec![key("organizer"), key("name")], Read::Text)
}

/// A field of an invitation: in lists and events that nest it, and in the list of guests.
fn invitation(world: &World, rng: &mut StdRng, at: &Spot, who: &str, field: &'static str, read: Read) -> Probe {
    if rng.random_bool(0.5) {
        return attendee_field(world, rng, at, who, field, read);
    }
    let viewer = full_viewer(world, rng, at, false);
    let place = place(world, rng, at, viewer, "attendees", "attendees");
    of_event(place, viewer, vec![key("attendees"), item("/id", who), key(field)], read)
}

fn attendee_field(world: &World, rng: &mut StdRng, at: &Spot, who: &str, field: &'static str, read: Read) -> Probe {
    let viewer = full_viewer(world, rng, at, false);
    let path = format!("/api/events/{}/attendees", at.event);
    plain("events/{id}/attendees", path, viewer, vec![key("items"), item("/id", who), key(field)], read)
}

fn availability(world: &World, rng: &mut StdRng, at: &Spot, room: &str) -> Probe {
    let viewer = rng.random_range(0..MEMBERS);
    let day = world.calendars[at.calendar].day;
    let window = if rng.random_bool(0.5) {
        format!("from={}&to={}", at.start, at.end)
    } else {
        format!("from=2027-03-{day:02}T00:00:00Z&to=2027-03-{day:02}T23:59:00Z")
    };
    let which = if rng.random_bool(0.6) { format!("ids={room}") } else { "kind=room&limit=500".to_owned() };
    let (path, found) = (format!("/api/resources/availability?{window}&{which}"), item("/resource/id", room));
    let steps = vec![key("items"), found];
    if rng.random_bool(0.3) {
        return plain("resources/availability", format!("{path}&available=true"), viewer, steps, Read::Lacks);
    }
    plain("resources/availability", path, viewer, [steps, vec![key("free")]].concat(), Read::Free)
}

fn booking(world: &World, rng: &mut StdRng, at: &Spot, room: &str) -> Probe {
    let viewer = full_viewer(world, rng, at, false);
    match rng.random_range(0..4) {
        0 => {
            let path = format!("/api/events/{}/reservations?limit=500", at.event);
            plain("events/{id}/reservations", path, viewer, vec![key("items")], Read::Confirmed)
        }
        1 => {
            let place = place(world, rng, at, viewer, "", "room_name");
            of_event(place, viewer, vec![key("room_name")], Read::Filled)
        }
        2 => {
            let place = place(world, rng, at, viewer, "resources", "resources");
            of_event(place, viewer, vec![key("resources")], Read::Confirmed)
        }
        _ => availability(world, rng, at, room),
    }
}

fn calendar_name(world: &World, rng: &mut StdRng, calendar: usize) -> Probe {
    let c = &world.calendars[calendar];
    let viewer = [c.owner, c.writer, c.reader, c.free_busy][rng.random_range(0..4)];
    if rng.random_bool(0.5) {
        return plain("calendars/{id}", format!("/api/calendars/{}", c.id), viewer, vec![key("name")], Read::Text);
    }
    let steps = vec![key("items"), item("/id", &c.id), key("name")];
    plain("calendars", "/api/calendars?limit=500".to_owned(), viewer, steps, Read::Text)
}

fn user_name(world: &World, rng: &mut StdRng, user: usize) -> Probe {
    if rng.random_bool(0.3) {
        return plain("me", "/api/me".to_owned(), user, vec![key("name")], Read::Text);
    }
    let (viewer, other) = (rng.random_range(0..MEMBERS), rng.random_range(0..MEMBERS));
    let (wanted, also) = (&world.users[user].id, &world.users[other].id);
    let path = if rng.random_bool(0.5) || user == other {
        format!("/api/users?ids={wanted}")
    } else {
        format!("/api/users?ids={wanted}&ids={also}")
    };
    plain("users", path, viewer, vec![key("items"), item("/id", wanted), key("name")], Read::Text)
}

fn resource_name(world: &World, rng: &mut StdRng, room: &str, at: &Spot) -> Probe {
    let someone = if rng.random_bool(0.2) { ADMIN } else { rng.random_range(0..MEMBERS) };
    let viewer = full_viewer(world, rng, at, false);
    match rng.random_range(0..6) {
        0 => plain("resources/{id}", format!("/api/resources/{room}"), someone, vec![key("name")], Read::Text),
        1 => {
            let which = if rng.random_bool(0.5) { format!("ids={room}") } else { "limit=500".to_owned() };
            let steps = vec![key("items"), item("/id", room), key("name")];
            plain("resources", format!("/api/resources?{which}"), someone, steps, Read::Text)
        }
        2 => {
            let path = format!("/api/resources/availability?from={}&to={}&ids={room}", at.start, at.end);
            let steps = vec![key("items"), item("/resource/id", room), key("resource"), key("name")];
            plain("resources/availability", path, someone, steps, Read::Text)
        }
        3 => {
            let place = place(world, rng, at, viewer, "", "room_name");
            of_event(place, viewer, vec![key("room_name")], Read::Text)
        }
        4 => {
            let place = place(world, rng, at, viewer, "resources", "resources");
            let steps = vec![key("resources"), item("/resource_id", room), key("resource_name")];
            of_event(place, viewer, steps, Read::Text)
        }
        _ => {
            let path = format!("/api/events/{}/reservations", at.event);
            let steps = vec![key("items"), item("/resource_id", room), key("resource_name")];
            plain("events/{id}/reservations", path, viewer, steps, Read::Text)
        }
    }
}

fn plain(route: &'static str, path: String, viewer: usize, steps: Vec<Step>, read: Read) -> Probe {
    Probe { route, path, viewer, look: Look { steps, read }, events: false }
}

fn of_event(place: Place, viewer: usize, more: Vec<Step>, read: Read) -> Probe {
    let steps = [place.steps, more].concat();
    Probe { route: place.route, path: place.path, viewer, look: Look { steps, read }, events: true }
}

/// Somewhere where the viewer is shown the event, `field` of it included.
fn place(world: &World, rng: &mut StdRng, at: &Spot, viewer: usize, expand: &str, field: &str) -> Place {
    let event = &at.event;
    if rng.random_bool(if world.calendars[at.calendar].is_shared_with(viewer) { 0.5 } else { 0.2 }) {
        return list(world, rng, at, viewer, expand, field);
    }
    let extras = extras(rng, expand, field);
    match rng.random_range(0..4) {
        0 => {
            let path = format!("/api/events?ids={event}{extras}");
            Place { route: "events?ids", path, steps: vec![key("items"), item("/id", event)] }
        }
        1 => {
            let path = format!("/api/events/{event}/occurrences?{MONTH}{extras}");
            Place { route: "events/{id}/occurrences", path, steps: vec![key("items"), item("/id", event)] }
        }
        _ => {
            let path = format!("/api/events/{event}?{}", extras.trim_start_matches('&'));
            let path = path.trim_end_matches('?').to_owned();
            Place { route: "events/{id}", path, steps: vec![] }
        }
    }
}

/// As [`place`], in a list of a calendar, of several, or of all that are the viewer's; a guest has only the last.
fn list(world: &World, rng: &mut StdRng, at: &Spot, viewer: usize, expand: &str, field: &str) -> Place {
    let c = &world.calendars[at.calendar];
    let window = if rng.random_bool(0.5) {
        MONTH.to_owned()
    } else {
        format!("from=2027-03-{:02}T00:00:00Z&to=2027-03-{:02}T00:00:00Z", c.day, c.day + 1)
    };
    let extras = extras(rng, expand, field);
    let steps = vec![key("items"), item("/id", &at.event)];
    let first = if c.is_shared_with(viewer) { 0 } else { 8 };
    match rng.random_range(first..10) {
        0..4 => {
            let path = format!("/api/calendars/{}/events?{window}{extras}", c.id);
            Place { route: "calendars/{id}/events", path, steps }
        }
        4..6 => {
            let path = format!("/api/events?calendar_id={}&{window}{extras}", c.id);
            Place { route: "events?calendar_id", path, steps }
        }
        6..8 => {
            let mut ids = vec![&c.id];
            let others = world.calendars.iter().filter(|o| o.id != c.id && o.is_shared_with(viewer));
            let others: Vec<_> = others.collect();
            ids.extend(others.choose_multiple(rng, 2).map(|o| &o.id));
            ids.shuffle(rng);
            let ids: Vec<_> = ids.iter().map(|id| format!("calendar_id={id}")).collect();
            Place {
                route: "events?calendar_id=…",
                path: format!("/api/events?{}&{window}{extras}", ids.join("&")),
                steps,
            }
        }
        _ => Place { route: "me/events", path: format!("/api/me/events?{window}{extras}"), steps },
    }
}

/// What else is asked for: more than is needed, or not more than that.
fn extras(rng: &mut StdRng, expand: &str, field: &str) -> String {
    let more = ["", "", "", "attendees", "resources", "organizer", "attendees,resources"];
    let more = more[rng.random_range(0..more.len())];
    let expand = match (expand, more) {
        ("", "") => String::new(),
        ("", one) | (one, "") => format!("&expand={one}"),
        (one, two) if two.contains(one) => format!("&expand={two}"),
        (one, two) => format!("&expand={one},{two}"),
    };
    if rng.random_bool(0.15) {
        return format!("{expand}&fields=id,calendar_id,view,start_time,title,{field}");
    }
    expand
}
