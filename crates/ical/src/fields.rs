//! Single properties of a VEVENT to and from the model. Reader and writer share them: the writer puts an original line
//! back where it still reads as the model says.

use recurrence::{Moment, Zone};

use crate::property::{Property, encode_param, escape, unescape};
use crate::value::{write_date, write_date_time};
use crate::{Attendee, Class, Kind, Organizer, Participation, Role, Status, Transparency};

/// Parameters of a time property that the model carries.
pub(crate) const TIME_PARAMS: [&str; 2] = ["VALUE", "TZID"];
const ORGANIZER_PARAMS: [&str; 1] = ["CN"];
const ATTENDEE_PARAMS: [&str; 4] = ["CN", "PARTSTAT", "ROLE", "CUTYPE"];

/// The properties the model carries, in the order in which they are written.
const ORDER: [&str; 17] = [
    "UID",
    "RECURRENCE-ID",
    "SEQUENCE",
    "DTSTAMP",
    "CREATED",
    "LAST-MODIFIED",
    "DTSTART",
    "DTEND",
    "SUMMARY",
    "DESCRIPTION",
    "LOCATION",
    "URL",
    "STATUS",
    "CLASS",
    "TRANSP",
    "ORGANIZER",
    "ATTENDEE",
];

/// Where the property of a line is written.
pub(crate) fn rank(line: &str) -> usize {
    let name = line.split([':', ';']).next().unwrap_or_default();
    ORDER.iter().position(|known| known.eq_ignore_ascii_case(name)).unwrap_or(ORDER.len())
}

pub(crate) fn is_known(name: &str) -> bool {
    rank(name) < ORDER.len()
}

/// A value and whether writing it says all that the line said.
pub(crate) struct Read<T> {
    pub value: T,
    pub complete: bool,
}

pub(crate) fn text(property: &Property<'_>) -> Read<String> {
    Read { value: unescape(property.value), complete: !property.has_params_besides(&[]) }
}

/// URI values are not escaped (RFC 5545 §3.3.13).
pub(crate) fn uri(property: &Property<'_>) -> Read<String> {
    Read { value: property.value.trim().to_owned(), complete: !property.has_params_besides(&["VALUE"]) }
}

pub(crate) fn status(property: &Property<'_>) -> Option<Read<Status>> {
    let value = match property.value.trim().to_ascii_uppercase().as_str() {
        "TENTATIVE" => Status::Tentative,
        "CONFIRMED" => Status::Confirmed,
        // RFC 5545 has one L more than its users
        "CANCELLED" | "CANCELED" => Status::Cancelled,
        _ => return None,
    };
    Some(Read { value, complete: !property.has_params_besides(&[]) })
}

pub(crate) fn class(property: &Property<'_>) -> Read<Class> {
    let (value, known) = match property.value.trim().to_ascii_uppercase().as_str() {
        "PUBLIC" => (Class::Public, true),
        "PRIVATE" => (Class::Private, true),
        "CONFIDENTIAL" => (Class::Confidential, true),
        _ => (Class::Private, false),
    };
    Read { value, complete: known && !property.has_params_besides(&[]) }
}

pub(crate) fn transparency(property: &Property<'_>) -> Option<Read<Transparency>> {
    let value = match property.value.trim().to_ascii_uppercase().as_str() {
        "OPAQUE" => Transparency::Opaque,
        "TRANSPARENT" => Transparency::Transparent,
        _ => return None,
    };
    Some(Read { value, complete: !property.has_params_besides(&[]) })
}

pub(crate) fn organizer(property: &Property<'_>) -> Option<Read<Organizer>> {
    let (email, plain) = address(property)?;
    Some(Read {
        value: Organizer { email, name: name(property) },
        complete: plain && !property.has_params_besides(&ORGANIZER_PARAMS),
    })
}

pub(crate) fn attendee(property: &Property<'_>) -> Option<Read<Attendee>> {
    let (email, plain) = address(property)?;
    let mut complete = plain && !property.has_params_besides(&ATTENDEE_PARAMS);
    let choose = |param: &str| property.param(param).map(|value| value.trim().to_ascii_uppercase());
    let participation = match choose("PARTSTAT").as_deref() {
        None | Some("NEEDS-ACTION") => Participation::NeedsAction,
        Some("ACCEPTED") => Participation::Accepted,
        Some("DECLINED") => Participation::Declined,
        Some("TENTATIVE") => Participation::Tentative,
        Some("DELEGATED") => Participation::Delegated,
        Some(_) => {
            complete = false;
            Participation::NeedsAction
        }
    };
    let role = match choose("ROLE").as_deref() {
        None | Some("REQ-PARTICIPANT") => Role::Required,
        Some("CHAIR") => Role::Chair,
        Some("OPT-PARTICIPANT") => Role::Optional,
        Some("NON-PARTICIPANT") => Role::NonParticipant,
        Some(_) => {
            complete = false;
            Role::Required
        }
    };
    let kind = match choose("CUTYPE").as_deref() {
        None | Some("INDIVIDUAL") => Kind::Individual,
        Some("GROUP") => Kind::Group,
        Some("RESOURCE") => Kind::Resource,
        Some("ROOM") => Kind::Room,
        Some("UNKNOWN") => Kind::Unknown,
        Some(_) => {
            complete = false;
            Kind::Unknown
        }
    };
    let value = Attendee { email, name: name(property), participation, role, kind };
    Some(Read { value, complete })
}

/// The mail address of a CAL-ADDRESS, and whether it stands there as `mailto:` (RFC 5545 §3.3.3). Others are found in
/// EMAIL (RFC 7986 §6.2), or bare.
fn address(property: &Property<'_>) -> Option<(String, bool)> {
    let value = property.value.trim();
    let is_address = |text: &str| text.contains('@') && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    if let Some((scheme, rest)) = value.split_once(':')
        && scheme.eq_ignore_ascii_case("mailto")
    {
        return is_address(rest).then(|| (rest.to_owned(), true));
    }
    let bare = Some(value).filter(|value| !value.contains(':') && is_address(value)).map(str::to_owned);
    let email = property.param("EMAIL").map(|email| email.trim().to_owned()).filter(|email| is_address(email));
    email.or(bare).map(|email| (email, false))
}

fn name(property: &Property<'_>) -> Option<String> {
    property.param("CN").map(|name| name.into_owned()).filter(|name| !name.is_empty())
}

pub(crate) fn write_text(name: &str, text: &str) -> String {
    format!("{name}:{}", escape(text))
}

/// A value that is not TEXT; what could end the line is dropped.
pub(crate) fn write_plain(name: &str, value: &str) -> String {
    format!("{name}:{}", value.replace(|c: char| c.is_ascii_control(), ""))
}

pub(crate) fn write_status(status: Status) -> &'static str {
    match status {
        Status::Tentative => "STATUS:TENTATIVE",
        Status::Confirmed => "STATUS:CONFIRMED",
        Status::Cancelled => "STATUS:CANCELLED",
    }
}

pub(crate) fn write_class(class: Class) -> &'static str {
    match class {
        Class::Public => "CLASS:PUBLIC",
        Class::Private => "CLASS:PRIVATE",
        Class::Confidential => "CLASS:CONFIDENTIAL",
    }
}

pub(crate) fn write_organizer(organizer: &Organizer) -> String {
    let mut line = String::from("ORGANIZER");
    push_name(&mut line, organizer.name.as_deref());
    push_address(&mut line, &organizer.email);
    line
}

pub(crate) fn write_attendee(attendee: &Attendee) -> String {
    let mut line = String::from("ATTENDEE");
    push_name(&mut line, attendee.name.as_deref());
    // NEEDS-ACTION is written though it is the default: several clients do not know what an absent PARTSTAT means
    line.push_str(match attendee.participation {
        Participation::NeedsAction => ";PARTSTAT=NEEDS-ACTION",
        Participation::Accepted => ";PARTSTAT=ACCEPTED",
        Participation::Declined => ";PARTSTAT=DECLINED",
        Participation::Tentative => ";PARTSTAT=TENTATIVE",
        Participation::Delegated => ";PARTSTAT=DELEGATED",
    });
    line.push_str(match attendee.role {
        Role::Required => "",
        Role::Chair => ";ROLE=CHAIR",
        Role::Optional => ";ROLE=OPT-PARTICIPANT",
        Role::NonParticipant => ";ROLE=NON-PARTICIPANT",
    });
    line.push_str(match attendee.kind {
        Kind::Individual => "",
        Kind::Group => ";CUTYPE=GROUP",
        Kind::Resource => ";CUTYPE=RESOURCE",
        Kind::Room => ";CUTYPE=ROOM",
        Kind::Unknown => ";CUTYPE=UNKNOWN",
    });
    push_address(&mut line, &attendee.email);
    line
}

fn push_name(line: &mut String, name: Option<&str>) {
    if let Some(name) = name {
        line.push_str(";CN=");
        line.push_str(&encode_param(name));
    }
}

fn push_address(line: &mut String, email: &str) {
    line.push_str(":mailto:");
    line.extend(email.chars().filter(|c| !c.is_control() && !c.is_whitespace()));
}

/// A time property. `params` are further parameters, each with its semicolon.
pub(crate) fn write_time(name: &str, moment: &Moment, tzid: Option<&str>, params: &str) -> String {
    match (moment, tzid) {
        (Moment::Date(day), _) => format!("{name};VALUE=DATE{params}:{}", write_date(*day)),
        (Moment::Floating(local), _) => format!("{name}{params}:{}", write_date_time(*local)),
        (Moment::Zoned(local, _), None) => format!("{name}{params}:{}Z", write_date_time(*local)),
        (Moment::Zoned(local, _), Some(tzid)) => {
            format!("{name};TZID={}{params}:{}", encode_param(tzid), write_date_time(*local))
        }
    }
}

/// The name under which a zone stands in a line. UTC has none: its times end in Z.
pub(crate) fn tzid(zone: &Zone) -> Option<&str> {
    Some(zone.name()).filter(|name| *name != "UTC")
}
