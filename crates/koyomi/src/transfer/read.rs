//! The input, component by component. Everything here blocks: it runs on a thread of its own.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow::{self, Continue};

use ical::{Issue, Item, Limit, Limits, Reason, Zones};
use kernel::{Failure, Kind, filter_hash};

use super::content::{Age, age};
use super::json::read_line;
use super::report::{ImportIssue, ImportOutcome};
use super::time::key;
use super::{ImportLimits, TransferFormat};

/// An event of the input.
#[derive(Debug)]
pub(super) struct Component {
    pub(super) line: u64,
    pub(super) event: ical::Event,
    /// What was wrong in it, by line.
    pub(super) notes: Vec<(u64, String)>,
}

impl Component {
    /// Something to say about it.
    pub(super) fn issue(&self, line: u64, reason: String, outcome: ImportOutcome) -> ImportIssue {
        ImportIssue { line, uid: Some(self.event.uid.clone()), component: Some("VEVENT".into()), reason, outcome }
    }
}

/// What an input holds, in its order.
#[derive(Debug)]
pub(super) enum Found {
    Component(Box<Component>),
    /// A component that is no event, or none that can be read.
    LeftOut(ImportIssue),
    Issue(ImportIssue),
}

/// An input that can be gone through more than once.
#[derive(Debug)]
pub(super) struct Input<R> {
    input: R,
    start: u64,
    format: TransferFormat,
    limits: Limits,
    zones: Zones,
}

/// Issues that wait for the component they belong to.
const MAX_WAITING: usize = 20_000;

type Visit<'a> = &'a mut dyn FnMut(Found) -> ControlFlow<()>;

impl<R: Read + Seek> Input<R> {
    /// Reads the time zones, which may come after the events that use them.
    pub(super) fn open(mut input: R, format: TransferFormat, limits: &ImportLimits) -> Result<Self, Failure> {
        let start = input.stream_position().map_err(unreadable)?;
        let limits = Limits {
            total_bytes: limits.bytes,
            components: limits.components,
            line_bytes: limits.line_bytes,
            ..Limits::default()
        };
        let zones = match format {
            TransferFormat::Ics => ical::scan_zones(BufReader::new(&mut input), &limits).map_err(ended)?,
            TransferFormat::Ndjson => Zones::default(),
        };
        Ok(Self { input, start, format, limits, zones })
    }

    /// Goes through all of it from the beginning, until `visit` breaks off.
    pub(super) fn walk(&mut self, mut visit: impl FnMut(Found) -> ControlFlow<()>) -> Result<(), Failure> {
        self.input.seek(SeekFrom::Start(self.start)).map_err(unreadable)?;
        let input = BufReader::new(&mut self.input);
        match self.format {
            TransferFormat::Ics => walk_ics(input, self.zones.clone(), self.limits, &mut visit),
            TransferFormat::Ndjson => walk_ndjson(input, &self.limits, &mut visit),
        }
    }

    /// Finds the events that stand in the input more than once, and which copy is the newest.
    ///
    /// Decided before the first is written: a copy that loses would else be written and overwritten, at each import anew.
    pub(super) fn repeated(&mut self) -> Result<Repeated, Failure> {
        let mut seen: HashMap<u64, (Age, Copy, bool)> = HashMap::new();
        let mut position = 0;
        self.walk(|found| {
            let Found::Component(component) = found else { return Continue(()) };
            let copy = Copy { position, line: component.line };
            position += 1;
            let age = age(&component.event);
            seen.entry(fingerprint(&component.event))
                .and_modify(|(newest, of, repeated)| {
                    *repeated = true;
                    if age >= *newest {
                        (*newest, *of) = (age, copy);
                    }
                })
                .or_insert((age, copy, false));
            Continue(())
        })?;
        let newest = seen.into_iter().filter(|(_, (_, _, repeated))| *repeated).map(|(key, (_, copy, _))| (key, copy));
        Ok(Repeated { newest: newest.collect(), position: 0 })
    }
}

#[derive(Debug, Clone, Copy)]
struct Copy {
    position: u64,
    line: u64,
}

/// The newest copies of what stands in an input more than once.
#[derive(Debug)]
pub(super) struct Repeated {
    newest: HashMap<u64, Copy>,
    position: u64,
}

impl Repeated {
    /// Asked for each component in its order: the line of a newer copy, where there is one.
    pub(super) fn superseded(&mut self, event: &ical::Event) -> Option<u64> {
        let position = self.position;
        self.position += 1;
        if self.newest.is_empty() {
            return None;
        }
        self.newest.get(&fingerprint(event)).filter(|newest| newest.position != position).map(|newest| newest.line)
    }
}

/// UID and occurrence. Two that meet by chance cost the one that comes first; 2⁻⁶⁴ is chance enough.
fn fingerprint(event: &ical::Event) -> u64 {
    filter_hash(&(&event.uid, event.recurrence_id.as_ref().map(key)))
}

fn walk_ics(input: impl BufRead, zones: Zones, limits: Limits, visit: Visit<'_>) -> Result<(), Failure> {
    // the issues of a component come before it
    let mut waiting: Vec<Issue> = Vec::new();
    for item in ical::events(input, zones, limits) {
        let flow = match item.map_err(ended)? {
            Item::Calendar(_) => Continue(()),
            Item::Issue(issue) if issue.component.as_deref() != Some("VEVENT") => visit(found(issue)),
            // one that was left out has an issue that says so
            Item::Issue(issue) if is_left_out(&issue) || waiting.len() >= MAX_WAITING => {
                waiting.drain(..).chain([issue]).map(found).try_for_each(&mut *visit)
            }
            Item::Issue(issue) => {
                waiting.push(issue);
                Continue(())
            }
            Item::Event { line, event } => {
                let (own, others): (Vec<Issue>, Vec<Issue>) = waiting.drain(..).partition(|issue| issue.line >= line);
                let notes = own.into_iter().map(|issue| (issue.line, issue.reason.to_string())).collect();
                let component = Found::Component(Box::new(Component { line, event: *event, notes }));
                others.into_iter().map(found).chain([component]).try_for_each(&mut *visit)
            }
        };
        if flow.is_break() {
            return Ok(());
        }
    }
    let _ = waiting.into_iter().map(found).try_for_each(visit);
    Ok(())
}

fn found(issue: Issue) -> Found {
    let left_out = is_left_out(&issue);
    let Issue { line, component, uid, reason } = issue;
    // what is said of a VEVENT that did not become an event
    let skipped = left_out || component.as_deref() == Some("VEVENT");
    let outcome = if skipped { ImportOutcome::Skipped } else { ImportOutcome::Noted };
    let issue = ImportIssue { line, uid, component, reason: reason.to_string(), outcome };
    if left_out { Found::LeftOut(issue) } else { Found::Issue(issue) }
}

/// Whether an issue says that a whole component is missing; each such component has exactly one of these.
fn is_left_out(issue: &Issue) -> bool {
    let part_of_calendar = matches!(issue.component.as_deref(), None | Some("VCALENDAR" | "VTIMEZONE"));
    let whole = matches!(
        issue.reason,
        Reason::Missing { .. }
            | Reason::Truncated(_)
            | Reason::Unsupported(_)
            | Reason::Limit(Limit::ComponentBytes(_) | Limit::ComponentLines(_) | Limit::Depth(_))
    );
    whole && !part_of_calendar
}

fn walk_ndjson(mut input: impl BufRead, limits: &Limits, visit: Visit<'_>) -> Result<(), Failure> {
    let (mut number, mut bytes, mut components) = (0_u64, 0_u64, 0_u64);
    let mut line = Vec::new();
    loop {
        line.clear();
        let fits = read_to_newline(&mut input, &mut line, limits.component_bytes, &mut bytes).map_err(unreadable)?;
        let Some(fits) = fits else { return Ok(()) };
        number += 1;
        if bytes > limits.total_bytes {
            return Err(ended(ical::Error::Limit { limit: Limit::TotalBytes(limits.total_bytes), line: number }));
        }
        let text = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&line).trim_ascii();
        if text.is_empty() && fits {
            continue;
        }
        components += 1;
        if components > limits.components {
            return Err(ended(ical::Error::Limit { limit: Limit::Components(limits.components), line: number }));
        }
        let read = match std::str::from_utf8(text) {
            _ if !fits => Err((None, format!("limit {}", Limit::ComponentBytes(limits.component_bytes)))),
            Ok(text) => read_line(text),
            Err(_) => Err((None, "not valid UTF-8".to_owned())),
        };
        let found = match read {
            Ok((event, notes)) => {
                let notes = notes.into_iter().map(|reason| (number, reason)).collect();
                Found::Component(Box::new(Component { line: number, event, notes }))
            }
            Err((uid, reason)) => Found::LeftOut(ImportIssue {
                line: number,
                uid,
                component: Some("VEVENT".into()),
                reason,
                outcome: ImportOutcome::Skipped,
            }),
        };
        if visit(found).is_break() {
            return Ok(());
        }
    }
}

/// Appends a line to `out`, of which no more than `max` bytes are kept; `None` at the end, false when it was longer.
fn read_to_newline(
    input: &mut impl BufRead,
    out: &mut Vec<u8>,
    max: usize,
    bytes: &mut u64,
) -> io::Result<Option<bool>> {
    let (mut fits, mut any) = (true, false);
    loop {
        let available = input.fill_buf()?;
        if available.is_empty() {
            return Ok(any.then_some(fits));
        }
        any = true;
        let end = available.iter().position(|byte| *byte == b'\n');
        let piece = &available[..end.unwrap_or(available.len())];
        fits &= out.len() + piece.len() <= max;
        if fits {
            out.extend_from_slice(piece);
        }
        let taken = end.map_or(available.len(), |end| end + 1);
        input.consume(taken);
        *bytes += taken as u64;
        if end.is_some() {
            return Ok(Some(fits));
        }
    }
}

fn unreadable(error: io::Error) -> Failure {
    Failure::new(Kind::Malformed, "unreadable_input", format!("the input cannot be read: {error}"))
}

/// A bound over the whole input, or the end of its source.
fn ended(error: ical::Error) -> Failure {
    match error {
        ical::Error::Io(error) => unreadable(error),
        ical::Error::Limit { limit, line } => {
            let kind = if matches!(limit, Limit::TotalBytes(_)) { Kind::TooLarge } else { Kind::LimitExceeded };
            Failure::new(kind, "import_limit", format!("line {line}: limit {limit}; import it in parts"))
        }
        error @ ical::Error::Unusable(_) => Failure::new(Kind::Malformed, "unreadable_input", error.to_string()),
    }
}
