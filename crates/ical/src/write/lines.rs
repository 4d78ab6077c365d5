use super::ZoneNames;
use crate::property::{Boundary, Property, boundary};
use crate::{Event, fields};

/// The lines of a VEVENT in the making; each takes the place of an original that says the same and more.
pub(super) struct EventLines {
    pub(super) lines: Vec<String>,
    pub(super) originals: Vec<String>,
}

impl EventLines {
    pub(super) fn push(&mut self, line: String, same: impl Fn(&Property<'_>) -> bool) {
        let name = line.split([':', ';']).next().unwrap_or_default();
        let says_it = |line: &String| Property::parse(line).is_some_and(|p| p.is(name) && same(&p));
        self.lines.push(match self.originals.iter().position(says_it) {
            Some(at) => self.originals.remove(at),
            None => line,
        });
    }

    pub(super) fn time(&mut self, line: String) {
        let Some(written) = Property::parse(&line) else { return };
        let same = |original: &Property<'_>| {
            original.value.trim() == written.value
                && original.param("TZID") == written.param("TZID")
                && original.param_is("VALUE", "DATE") == written.param_is("VALUE", "DATE")
        };
        self.push(line.clone(), same);
    }
}

/// [`Event::extra`], sorted out.
pub(super) struct Extra<'a> {
    /// Lines of known properties, with the zones renamed.
    pub(super) originals: Vec<String>,
    pub(super) verbatim: Vec<&'a str>,
}

impl<'a> Extra<'a> {
    pub(super) fn of(event: &'a Event, names: &ZoneNames) -> Self {
        let mut extra = Self { originals: Vec::new(), verbatim: Vec::new() };
        // what is not balanced would tear the calendar apart
        let balanced = balanced(&event.extra);
        let mut depth = 0_usize;
        for line in &event.extra {
            let Some(property) = Property::parse(line) else { continue };
            match boundary(line) {
                Some(_) if !balanced => break,
                Some((Boundary::Begin, _)) => depth += 1,
                Some((Boundary::End, _)) => depth = depth.saturating_sub(1),
                None if depth == 0 && is_modelled(&property, event) => {
                    extra.originals.push(names.renamed(line));
                    continue;
                }
                None => {}
            }
            extra.verbatim.push(line);
        }
        extra
    }
}

/// Whether the model carries a line, so that it is written only in the place of what it says.
fn is_modelled(property: &Property<'_>, event: &Event) -> bool {
    if property.is("ATTENDEE") {
        fields::attendee(property).is_some()
    } else if property.is("ORGANIZER") {
        event.organizer.is_some() || fields::organizer(property).is_some()
    } else {
        fields::is_known(property.name)
    }
}

fn balanced(lines: &[String]) -> bool {
    let mut open = Vec::new();
    for line in lines {
        match boundary(line) {
            Some((Boundary::Begin, name)) => open.push(name),
            Some((Boundary::End, name)) if open.pop().is_none_or(|begun| !begun.eq_ignore_ascii_case(name)) => {
                return false;
            }
            _ => {}
        }
    }
    open.is_empty()
}
