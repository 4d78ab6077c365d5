//! A record as the event of a file. Where something has been changed here since an import, the columns win over what
//! the file said.

use std::collections::HashSet;

use attendees::ResponseStatus;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use events::{Record, RecordGuest, Status, Transparency, Visibility, When, zone_of, zone_texts};
use ical::{Class, Kind, Organizer, Role};
use kernel::Result;
use recurrence::{Duration, Moment, Zone};

use super::from_ical::{guest_name, invitable};
use super::source::{Person, Source, is_optional, participation, response};
use super::time::{at, start_of};

/// `series` is how the series of an override starts; its RECURRENCE-ID takes that form (RFC 5545 §3.8.4.4).
///
/// # Errors
/// Only where a stored zone is unknown to this build.
pub(super) fn to_ical(record: &Record, series: Option<&Moment>) -> Result<ical::Event> {
    let event = &record.event;
    let when = When::of(event);
    let source = Source::of(record.source.as_ref());
    let recurrence_id = recurrence_id(record, &when, source.as_ref(), series)?;
    let zones = zone_texts(&event.zone_rules);
    // what was stored was read before; should a line be unreadable all the same, it is still written
    let lines = ical::parse_recurrence(&event.recurrence, &zones).unwrap_or_default();
    let imported = source.is_some();
    let source = source.unwrap_or_default();
    let changed_here = source.written_at.is_none_or(|at| event.updated_at > at);
    let changed_at = Some(event.updated_at.trunc_subsecs(0)).filter(|_| changed_here);
    Ok(ical::Event {
        uid: event.uid.clone(),
        recurrence_id,
        sequence: event.sequence,
        dtstamp: changed_at.or(source.dtstamp),
        created: if imported { source.created } else { Some(event.created_at.trunc_subsecs(0)) },
        last_modified: changed_at.or(source.last_modified),
        summary: if event.title.is_empty() && source.no_summary { None } else { Some(text(&event.title)) },
        description: event.description.as_deref().map(text),
        location: event.location.as_deref().map(text),
        url: source.url.clone(),
        status: match event.status {
            Status::Confirmed if source.no_status => None,
            Status::Confirmed => Some(ical::Status::Confirmed),
            Status::Tentative => Some(ical::Status::Tentative),
            Status::Cancelled => Some(ical::Status::Cancelled),
        },
        class: match event.visibility {
            Visibility::Default => None,
            Visibility::Public => Some(Class::Public),
            Visibility::Private => Some(Class::Private),
            Visibility::Confidential => Some(Class::Confidential),
        },
        transparency: match event.transparency {
            Transparency::Opaque => ical::Transparency::Opaque,
            Transparency::Transparent => ical::Transparency::Transparent,
        },
        start: start_of(&when)?,
        duration: when.duration(),
        end_zone: end_zone(record)?,
        rules: lines.rules,
        rdates: lines.rdates,
        exdates: lines.exdates,
        recurrence: event.recurrence.clone(),
        organizer: organizer(record, source.organizer.clone()),
        attendees: attendees(&record.guests, &source),
        extra: record.extra.clone(),
        zones,
    })
}

/// What is left of an event for those who see only that the time is taken: when, and whether it takes up time. `uid`
/// must tell nothing either. The clock it was made by tells where somebody is; only a series cannot do without it.
pub(super) fn busy(event: ical::Event, uid: String) -> ical::Event {
    let (start, duration, end_zone) = match &event.start {
        Moment::Zoned(local, zone) if event.recurrence.is_empty() => {
            let start = zone.to_utc(*local);
            let days = TimeDelta::days(event.duration.days.into());
            let seconds = TimeDelta::seconds(event.duration.seconds);
            let end = zone.to_utc(*local + days) + seconds;
            (Moment::Zoned(start.naive_utc(), Zone::utc()), Duration::seconds((end - start).num_seconds()), None)
        }
        _ => (event.start, event.duration, event.end_zone),
    };
    ical::Event {
        uid,
        recurrence_id: event.recurrence_id,
        sequence: 0,
        dtstamp: None,
        created: None,
        last_modified: None,
        summary: Some("Busy".into()),
        description: None,
        location: None,
        url: None,
        status: event.status,
        class: Some(Class::Private),
        transparency: event.transparency,
        start,
        duration,
        end_zone,
        rules: event.rules,
        rdates: event.rdates,
        exdates: event.exdates,
        recurrence: event.recurrence,
        organizer: None,
        attendees: Vec::new(),
        extra: Vec::new(),
        zones: event.zones,
    }
}

fn end_zone(record: &Record) -> Result<Option<Zone>> {
    let event = &record.event;
    event.end_time_zone.as_deref().map(|name| zone_of(name, &event.zone_rules)).transpose()
}

/// RECURRENCE-ID of a record in the form of its series; as it came where there is no series.
pub(super) fn recurrence_id(
    record: &Record,
    when: &When,
    source: Option<&Source>,
    series: Option<&Moment>,
) -> Result<Option<Moment>> {
    let Some(local) = record.original_start else { return Ok(None) };
    if let Some(series) = series {
        return Ok(Some(match series {
            Moment::Date(_) => Moment::Date(local.date()),
            Moment::Floating(_) => Moment::Floating(local),
            Moment::Zoned(_, zone) => Moment::Zoned(local, zone.clone()),
        }));
    }
    let said = source.and_then(|s| s.recurrence_id.as_ref()).and_then(|id| id.moment(&when.zone_rules).ok());
    match said {
        Some(said) => Ok(Some(said)),
        None => at(when, local).map(Some),
    }
}

fn organizer(record: &Record, said: Option<Person>) -> Option<Organizer> {
    let email = record.user_email.as_ref().or(record.event.organizer_email.as_ref())?;
    if let Some(said) = said.filter(|said| said.email.to_lowercase() == *email) {
        return Some(said.into());
    }
    let name = record.user_name.as_deref().or(record.organizer_name.as_deref());
    Some(Organizer { email: email.clone(), name: name.map(param) })
}

/// The list of the file, as far as nobody was taken off it since, then whoever was invited here.
fn attendees(guests: &[RecordGuest], source: &Source) -> Vec<ical::Attendee> {
    let mut listed: HashSet<&str> = HashSet::new();
    let mut list = Vec::with_capacity(guests.len());
    for said in &source.attendees {
        let attendee = ical::Attendee::from(said.clone());
        let Some(email) = invitable(&said.email) else {
            list.push(attendee);
            continue;
        };
        let Some(guest) = guests.iter().find(|guest| guest.email == email) else { continue };
        // of an address that stands there twice only the first was invited
        list.push(if listed.insert(&guest.email) { merged(attendee, guest) } else { attendee });
    }
    list.extend(guests.iter().filter(|guest| !listed.contains(guest.email.as_str())).map(invited_here));
    list
}

fn merged(mut said: ical::Attendee, guest: &RecordGuest) -> ical::Attendee {
    let answer = answer(guest);
    if response(said.participation) != answer {
        said.participation = participation(answer);
    }
    if is_optional(said.role) != guest.is_optional {
        said.role = if guest.is_optional { Role::Optional } else { Role::Required };
    }
    if guest_name(said.name.as_deref()) != guest.name {
        said.name = guest.name.as_deref().or(guest.user_name.as_deref()).map(param);
    }
    said
}

fn invited_here(guest: &RecordGuest) -> ical::Attendee {
    ical::Attendee {
        email: guest.email.clone(),
        name: guest.name.as_deref().or(guest.user_name.as_deref()).map(param),
        participation: participation(answer(guest)),
        role: if guest.is_optional { Role::Optional } else { Role::Required },
        kind: Kind::Individual,
    }
}

pub(super) fn answer(guest: &RecordGuest) -> ResponseStatus {
    let known = [ResponseStatus::Accepted, ResponseStatus::Declined, ResponseStatus::Tentative];
    known.into_iter().find(|status| status.as_str() == guest.response_status).unwrap_or_default()
}

/// Text as a file carries it: line breaks are LF, other control characters do not exist. The API takes both, so that
/// without this the export of a record would read as a change of it.
fn text(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.replace(|c: char| c.is_ascii_control() && c != '\t' && c != '\n', "")
}

/// The same for a parameter (RFC 6868), which ends where its quotes do.
fn param(text: &str) -> String {
    text.replace(|c: char| c.is_ascii_control() && c != '\t' && c != '\n', "")
}

/// When the record was changed last, in the whole seconds of a file.
pub(super) fn stored_stamp(record: &Record) -> DateTime<Utc> {
    record.stamped_at.unwrap_or(record.event.updated_at).trunc_subsecs(0)
}
