use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use crate::calendar::CalendarDraft;
use crate::component::{Component, Piece, Reader};
use crate::{Calendar, Error, Event, Issue, Limits, Reason, Zones, event, scan_zones};

/// What an input holds, in its order.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A VCALENDAR begins; what follows up to the next one is in it.
    Calendar(Box<Calendar>),
    /// A VEVENT that can be used.
    Event {
        /// Physical line of its BEGIN, from 1.
        line: u64,
        /// What it says.
        event: Box<Event>,
    },
    /// Something could not be taken as it stands. Issues of a component come before it.
    Issue(Issue),
}

/// The items of an input, read one component at a time. After an error it ends.
#[derive(Debug)]
pub struct Events<R> {
    reader: Reader<R>,
    zones: Zones,
    /// Position of the VCALENDAR, from 1; 0 before the first.
    calendar: u64,
    head: Option<CalendarDraft>,
    head_bytes: usize,
    queue: VecDeque<Item>,
    ended: bool,
}

/// Reads the events of an input with the zones that [`scan_zones`] found in it.
pub fn events<R: BufRead>(input: R, mut zones: Zones, limits: Limits) -> Events<R> {
    let queue = zones.take_issues().into_iter().map(Item::Issue).collect();
    Events {
        reader: Reader::new(input, limits),
        zones,
        calendar: 0,
        head: None,
        head_bytes: limits.component_bytes,
        queue,
        ended: false,
    }
}

/// Reads an input twice from where it stands: for its zones, then for its events.
///
/// # Errors
/// As [`scan_zones`], and when the input cannot be rewound.
pub fn read<R: Read + Seek>(mut input: R, limits: Limits) -> Result<Events<BufReader<R>>, Error> {
    let start = input.stream_position()?;
    let zones = scan_zones(BufReader::new(&mut input), &limits)?;
    input.seek(SeekFrom::Start(start))?;
    Ok(events(BufReader::new(input), zones, limits))
}

impl<R: BufRead> Iterator for Events<R> {
    type Item = Result<Item, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.queue.pop_front() {
                return Some(Ok(item));
            }
            if self.ended {
                return None;
            }
            match self.reader.next() {
                Ok(Some(piece)) => self.take(piece),
                Ok(None) => self.ended = true,
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
    }
}

impl<R> Events<R> {
    fn take(&mut self, piece: Piece) {
        match piece {
            Piece::CalendarBegins => {
                self.calendar += 1;
                self.head = Some(CalendarDraft::new(self.head_bytes));
            }
            Piece::CalendarProperty(line) => {
                let issue = match &mut self.head {
                    Some(head) => head.property(&line),
                    None => CalendarDraft::late(&line),
                };
                self.queue.extend(issue.map(Item::Issue));
            }
            Piece::CalendarEnds => self.finish_head(),
            Piece::Component(component) => self.component(&component),
            Piece::Issue(issue) => self.queue.push_back(Item::Issue(issue)),
        }
    }

    fn finish_head(&mut self) {
        if let Some(head) = self.head.take() {
            self.queue.push_back(Item::Calendar(Box::new(head.finish())));
        }
    }

    fn component(&mut self, component: &Component) {
        if component.name == "VTIMEZONE" {
            // the first reading reports what is wrong with its content
            self.queue.extend(component.issues.iter().cloned().map(Item::Issue));
            return;
        }
        self.finish_head();
        match component.name.as_str() {
            "VEVENT" => {
                let (event, issues) = event::read(component, &self.zones, self.calendar);
                self.queue.extend(issues.into_iter().map(Item::Issue));
                self.queue.extend(event.map(|event| Item::Event { line: component.line, event: Box::new(event) }));
            }
            name => {
                self.queue.extend(component.issues.iter().cloned().map(Item::Issue));
                self.queue.push_back(Item::Issue(Issue {
                    line: component.line,
                    component: Some(name.to_owned()),
                    uid: component.uid.clone(),
                    reason: Reason::Unsupported(name.to_owned()),
                }));
            }
        }
    }
}
