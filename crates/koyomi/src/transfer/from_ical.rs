//! An event of a file as a record of ours.

use std::collections::{HashMap, HashSet};

use attendees::NewAttendee;
use chrono::{DateTime, NaiveDateTime, Utc};
use events::{NewEvent, Plan, Status, Transparency, Visibility, When};
use ical::Class;
use kernel::{CalendarId, Checks, EventId, Ids, Span, UserId};
use recurrence::{Moment, Zone};

use super::source::{Invited, Person, Source, is_optional, response};
use super::time::JsonTime;
use crate::input::{MAX_DURATION_DAYS, MAX_RECURRENCE_BYTES, MAX_RECURRENCE_LINES, idle_rule};
use crate::schedule::{MAX_LOCATION, MAX_TEXT, MAX_TITLE};

/// Characters of a UID: it stands in an index entry.
const MAX_UID: usize = 512;
/// Bytes of the VTIMEZONEs that one event brings along.
const MAX_ZONE_BYTES: usize = 64 << 10;

/// What records are made in.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) calendar_id: CalendarId,
    /// The calendar's.
    pub(super) time_zone: String,
    pub(super) now: DateTime<Utc>,
    pub(super) horizon: DateTime<Utc>,
    pub(super) ids: Ids,
    /// Users of the tenant by their address.
    pub(super) organizers: HashMap<String, UserId>,
}

/// Which record an event becomes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) id: EventId,
    pub(super) series: Option<EventId>,
    /// Of an override.
    pub(super) original_start: Option<NaiveDateTime>,
    pub(super) created_at: DateTime<Utc>,
}

/// A record on its way into the database.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) event: NewEvent,
    pub(super) plan: Plan,
    pub(super) guests: Vec<NewAttendee>,
    /// What its reader should know of.
    pub(super) notes: Vec<String>,
}

/// Makes a record of an event; `digest` is that of the event as it came.
///
/// # Errors
/// Why the event cannot be kept: the limit it passes, or what is wrong with its time.
pub(super) fn draft(event: &ical::Event, digest: String, place: Place, scene: &Scene) -> Result<Draft, String> {
    check(event)?;
    let when = when_of(event);
    let plan = plan(&when, place.original_start, scene)?;
    let (guests, mut notes) = guests(event, &scene.ids)?;
    // It stays as it came, and happens at its start.
    let idle = when.recurrence.iter().filter_map(|line| Some(format!("{line}: {}", idle_rule(&when, line)?)));
    notes.extend(idle.map(|note| note.chars().take(300).collect::<String>()));
    let organizer = event.organizer.as_ref();
    let address = organizer.map(|o| o.email.to_lowercase());
    let organizer_id = address.as_ref().and_then(|email| scene.organizers.get(email)).copied();
    let outside = organizer.filter(|_| organizer_id.is_none());
    let source = Source {
        dtstamp: event.dtstamp,
        created: event.created,
        last_modified: event.last_modified,
        url: event.url.clone(),
        no_status: event.status.is_none(),
        no_summary: event.summary.is_none(),
        organizer: organizer.map(Person::from),
        attendees: event.attendees.iter().map(Invited::from).collect(),
        recurrence_id: event.recurrence_id.as_ref().map(JsonTime::from),
        digest: Some(digest),
        written_at: Some(scene.now),
    };
    let event = NewEvent {
        id: place.id,
        calendar_id: scene.calendar_id,
        uid: event.uid.clone(),
        recurring_event_id: place.series,
        original_start: place.original_start,
        previous_series_id: None,
        next_series_id: None,
        title: event.summary.clone().unwrap_or_default(),
        description: event.description.clone(),
        location: event.location.clone(),
        status: match event.status {
            None | Some(ical::Status::Confirmed) => Status::Confirmed,
            Some(ical::Status::Tentative) => Status::Tentative,
            Some(ical::Status::Cancelled) => Status::Cancelled,
        },
        visibility: match event.class {
            None => Visibility::Default,
            Some(Class::Public) => Visibility::Public,
            Some(Class::Private) => Visibility::Private,
            Some(Class::Confidential) => Visibility::Confidential,
        },
        transparency: match event.transparency {
            ical::Transparency::Opaque => Transparency::Opaque,
            ical::Transparency::Transparent => Transparency::Transparent,
        },
        when,
        organizer_id,
        organizer_email: outside.and(address),
        organizer_name: outside.and_then(|o| o.name.clone()),
        sequence: event.sequence,
        extra: event.extra.clone(),
        source: Some(serde_json::to_value(source).map_err(|error| error.to_string())?),
        stamped_at: stamp(event),
        created_at: place.created_at,
        updated_at: scene.now,
    };
    Ok(Draft { event, plan, guests, notes })
}

/// What says which of two copies is newer. DTSTAMP only where there is no LAST-MODIFIED: many producers write the time
/// of the export there.
pub(super) fn stamp(event: &ical::Event) -> Option<DateTime<Utc>> {
    event.last_modified.or(event.dtstamp)
}

fn check(event: &ical::Event) -> Result<(), String> {
    let texts = [
        ("uid", Some(&event.uid), MAX_UID),
        ("title", event.summary.as_ref(), MAX_TITLE),
        ("description", event.description.as_ref(), MAX_TEXT),
        ("location", event.location.as_ref(), MAX_LOCATION),
    ];
    for (name, text, max) in texts {
        let found = text.map_or(0, |text| text.chars().count());
        within(name, found, max, "characters")?;
    }
    within("attendees", event.attendees.len(), attendees::MAX_PER_EVENT, "attendees")?;
    within("recurrence_lines", event.recurrence.len(), MAX_RECURRENCE_LINES, "RRULE, RDATE and EXDATE lines")?;
    let bytes = event.recurrence.iter().map(String::len).sum();
    within("recurrence_bytes", bytes, MAX_RECURRENCE_BYTES, "bytes of RRULE, RDATE and EXDATE")?;
    let bytes = event.zones.iter().map(|zone| zone.text.len()).sum();
    within("zone_bytes", bytes, MAX_ZONE_BYTES, "bytes of VTIMEZONE")?;
    let periods = event.rdates.iter().filter_map(|date| date.duration);
    let longest = periods.chain([event.duration]).map(|d| i64::from(d.days) + d.seconds / 86_400).max();
    let max = usize::try_from(MAX_DURATION_DAYS).unwrap_or(usize::MAX);
    within("duration", usize::try_from(longest.unwrap_or(0)).unwrap_or(usize::MAX), max, "days")
}

fn within(limit: &str, found: usize, max: usize, what: &str) -> Result<(), String> {
    if found <= max {
        return Ok(());
    }
    Err(format!("limit {limit}: {found} {what}, at most {max} are allowed"))
}

fn when_of(event: &ical::Event) -> When {
    let zone_name = |zone: &Zone| zone.name().to_owned();
    When {
        all_day: event.start.is_date(),
        start_local: event.start.local(),
        time_zone: match &event.start {
            Moment::Zoned(_, zone) => Some(zone_name(zone)),
            Moment::Date(_) | Moment::Floating(_) => None,
        },
        end_time_zone: event.end_zone.as_ref().map(zone_name),
        zone_rules: event.zones.iter().map(|zone| zone.text.to_string()).collect(),
        duration_days: event.duration.days,
        duration_seconds: event.duration.seconds,
        recurrence: event.recurrence.clone(),
    }
}

/// The occurrences of a record; that of an override stands for the one it replaces.
pub(super) fn plan(when: &When, original_start: Option<NaiveDateTime>, scene: &Scene) -> Result<Plan, String> {
    let plan = Plan::of(when, &scene.time_zone, scene.horizon).map_err(|failure| {
        let prefix = if failure.code() == "too_many_occurrences" { "limit occurrences: " } else { "" };
        format!("{prefix}{}", failure.message())
    })?;
    if plan.start_time < Span::EARLIEST || plan.end_time >= Span::LATEST {
        return Err("limit years: it must lie in the years 1 to 9999 of UTC".into());
    }
    Ok(match original_start {
        Some(original_start) => plan.standing_for(original_start),
        None => plan,
    })
}

/// Who can be invited, and who cannot. The latter stay in `source` only.
fn guests(event: &ical::Event, ids: &Ids) -> Result<(Vec<NewAttendee>, Vec<String>), String> {
    let (mut guests, mut notes) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    for attendee in &event.attendees {
        let Some(email) = invitable(&attendee.email) else {
            let shown: String = attendee.email.chars().take(80).collect();
            notes.push(format!("ATTENDEE {shown:?} is no address to invite; it is kept for export only"));
            continue;
        };
        if !seen.insert(email.clone()) {
            notes.push(format!("ATTENDEE {email} stands there twice; the second one is kept for export only"));
            continue;
        }
        let name = guest_name(attendee.name.as_deref());
        if name.is_none() && attendee.name.is_some() {
            notes.push(format!("the name of ATTENDEE {email} is blank or too long; it is kept for export only"));
        }
        guests.push(NewAttendee {
            id: ids.mint(),
            email,
            name,
            is_optional: is_optional(attendee.role),
            response_status: response(attendee.participation),
        });
    }
    Ok((guests, notes))
}

/// The address as it is stored, where it is one.
pub(super) fn invitable(address: &str) -> Option<String> {
    let email = address.trim().to_lowercase();
    let mut checks = Checks::new();
    checks.email("", &email);
    // the database's own idea of lower case goes letter by letter
    let lower = email.chars().all(|c| !c.is_uppercase());
    (checks.done().is_ok() && lower).then_some(email)
}

/// The name as it is stored with an invitation.
pub(super) fn guest_name(name: Option<&str>) -> Option<String> {
    let name = name?;
    let mut checks = Checks::new();
    checks.name("", name, attendees::MAX_NAME);
    checks.done().ok().map(|()| name.to_owned())
}
