use std::io::BufRead;

use crate::issue::quote;
use crate::lines::{Line, Lines};
use crate::property::{Boundary, Property, boundary, unescape};
use crate::{Error, Issue, Limit, Limits, Reason};

/// One component directly below a VCALENDAR, as content lines.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Component {
    /// In upper case.
    pub name: String,
    /// Physical line of its BEGIN.
    pub line: u64,
    /// For issues: shortened.
    pub uid: Option<String>,
    /// What stands between its BEGIN and END; nested components stand there with their own BEGIN and END, balanced.
    pub lines: Vec<Line>,
    /// What was wrong with its lines.
    pub issues: Vec<Issue>,
}

/// What a calendar stream consists of, in its order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Piece {
    CalendarBegins,
    /// A property of the VCALENDAR itself.
    CalendarProperty(Line),
    Component(Component),
    CalendarEnds,
    Issue(Issue),
}

/// Components that are never nested in another but VCALENDAR: one that begins inside of another shows that the END of
/// that one is missing.
const TOP_LEVEL: [&str; 7] = ["VCALENDAR", "VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VTIMEZONE", "VAVAILABILITY"];

/// Cuts a stream of content lines into components, holding one of them at a time.
#[derive(Debug)]
pub(crate) struct Reader<R> {
    lines: Lines<R>,
    limits: Limits,
    /// A line that was read and belongs to what comes next.
    pending: Option<Line>,
    issues: std::collections::VecDeque<Issue>,
    ready: Option<Component>,
    in_calendar: bool,
    outside_reported: bool,
    /// Inside of a component that is left out: that is one issue, whatever else is wrong in it.
    muted: bool,
    components: u64,
}

impl<R: BufRead> Reader<R> {
    pub(crate) fn new(input: R, limits: Limits) -> Self {
        Self {
            lines: Lines::new(input, &limits),
            limits,
            pending: None,
            issues: std::collections::VecDeque::new(),
            ready: None,
            in_calendar: false,
            outside_reported: false,
            muted: false,
            components: 0,
        }
    }

    pub(crate) fn next(&mut self) -> Result<Option<Piece>, Error> {
        loop {
            if let Some(issue) = self.issues.pop_front() {
                return Ok(Some(Piece::Issue(issue)));
            }
            if let Some(component) = self.ready.take() {
                return Ok(Some(Piece::Component(component)));
            }
            let Some(line) = self.line(None)? else {
                if !self.in_calendar {
                    return Ok(None);
                }
                self.report(self.lines.position(), None, Reason::NotClosed("VCALENDAR".to_owned()));
                self.in_calendar = false;
                return Ok(Some(Piece::CalendarEnds));
            };
            match boundary(&line.text) {
                Some((Boundary::Begin, name)) if name.eq_ignore_ascii_case("VCALENDAR") => {
                    if self.in_calendar {
                        self.report(line.number, None, Reason::NotClosed("VCALENDAR".to_owned()));
                        self.in_calendar = false;
                        self.pending = Some(line);
                        return Ok(Some(Piece::CalendarEnds));
                    }
                    self.in_calendar = true;
                    self.outside_reported = false;
                    return Ok(Some(Piece::CalendarBegins));
                }
                Some((Boundary::Begin, name)) => {
                    let name = name.to_ascii_uppercase();
                    if !self.in_calendar {
                        self.report(line.number, None, Reason::OrphanComponent(name.clone()));
                    }
                    self.components += 1;
                    if self.components > self.limits.components {
                        return Err(Error::Limit {
                            limit: Limit::Components(self.limits.components),
                            line: line.number,
                        });
                    }
                    self.ready = self.collect(name, line.number)?;
                    self.muted = false;
                    if let Some(component) = &mut self.ready {
                        component.issues = self.issues.drain(..).collect();
                    }
                }
                Some((Boundary::End, name)) if self.in_calendar && name.eq_ignore_ascii_case("VCALENDAR") => {
                    self.in_calendar = false;
                    return Ok(Some(Piece::CalendarEnds));
                }
                Some((Boundary::End, name)) => {
                    let reason = Reason::StrayEnd(name.to_ascii_uppercase());
                    self.report(line.number, None, reason);
                }
                None if self.in_calendar => return Ok(Some(Piece::CalendarProperty(line))),
                // a web page instead of a calendar is one issue, not one per line
                None if self.outside_reported || line.text.is_empty() => {}
                None => {
                    self.outside_reported = true;
                    self.report(line.number, None, Reason::OutsideCalendar);
                }
            }
        }
    }

    /// Reads up to the END of a component whose BEGIN was read. `None` when it must be left out.
    fn collect(&mut self, name: String, begin: u64) -> Result<Option<Component>, Error> {
        let mut kept = Vec::new();
        let mut open = vec![name.clone()];
        // levels below the depth limit
        let mut too_deep = 0_u64;
        let (mut lines, mut bytes) = (0_usize, 0_usize);
        let mut over: Option<(Limit, u64)> = None;
        let max_open = self.limits.depth.saturating_sub(1).max(1);
        let mut uid = None;
        loop {
            let Some(line) = self.line(Some(&name))? else {
                return Ok(self.left_out(begin, &name, uid, Reason::Truncated(name.clone())));
            };
            if open.len() == 1 && uid.is_none() {
                uid = uid_of(&line.text);
            }
            lines += 1;
            bytes += line.text.len();
            if lines > self.limits.component_lines {
                over.get_or_insert((Limit::ComponentLines(self.limits.component_lines), line.number));
            }
            if bytes > self.limits.component_bytes {
                over.get_or_insert((Limit::ComponentBytes(self.limits.component_bytes), line.number));
            }
            if over.is_some() {
                kept = Vec::new();
                self.muted = true;
            }
            match boundary(&line.text) {
                Some((Boundary::Begin, inner)) => {
                    let inner = inner.to_ascii_uppercase();
                    if TOP_LEVEL.contains(&inner.as_str()) {
                        self.close_all(&mut open, &mut kept, line.number);
                        self.pending = Some(line);
                        break;
                    }
                    if open.len() < max_open && too_deep == 0 {
                        open.push(inner);
                    } else {
                        too_deep += 1;
                        over.get_or_insert((Limit::Depth(self.limits.depth), line.number));
                    }
                }
                Some((Boundary::End, inner)) if too_deep > 0 && !inner.eq_ignore_ascii_case(&name) => too_deep -= 1,
                Some((Boundary::End, inner)) => match open.iter().rposition(|o| o.eq_ignore_ascii_case(inner)) {
                    Some(level) => {
                        let missing = open.split_off(level + 1);
                        self.close(missing, &mut kept, line.number, &name);
                        open.pop();
                        if open.is_empty() {
                            break;
                        }
                    }
                    None if inner.eq_ignore_ascii_case("VCALENDAR") => {
                        self.close_all(&mut open, &mut kept, line.number);
                        self.pending = Some(line);
                        break;
                    }
                    None => {
                        self.report(line.number, Some(&name), Reason::StrayEnd(inner.to_ascii_uppercase()));
                        continue;
                    }
                },
                None => {}
            }
            if over.is_none() {
                kept.push(line);
            }
        }
        if let Some((limit, line)) = over {
            return Ok(self.left_out(line, &name, uid, Reason::Limit(limit)));
        }
        Ok(Some(Component { name, line: begin, uid, lines: kept, issues: Vec::new() }))
    }

    fn left_out(&mut self, line: u64, name: &str, uid: Option<String>, reason: Reason) -> Option<Component> {
        self.muted = false;
        let component = Some(name.to_owned());
        self.issues.push_back(Issue { line, component, uid, reason });
        None
    }

    fn close_all(&mut self, open: &mut Vec<String>, kept: &mut Vec<Line>, number: u64) {
        let nested = open.split_off(1);
        let name = open.pop().unwrap_or_default();
        self.close(nested, kept, number, &name);
        self.report(number, Some(&name), Reason::NotClosed(name.clone()));
    }

    /// Writes the missing ENDs, so that what is kept is balanced.
    fn close(&mut self, missing: Vec<String>, kept: &mut Vec<Line>, number: u64, component: &str) {
        for name in missing.into_iter().rev() {
            kept.push(Line { number, text: format!("END:{name}"), flaw: None });
            self.report(number, Some(component), Reason::NotClosed(name));
        }
    }

    /// The next line; its flaw is reported here. One that cannot be used comes empty.
    fn line(&mut self, component: Option<&str>) -> Result<Option<Line>, Error> {
        let next = match self.pending.take() {
            Some(line) => Some(line),
            None => self.lines.next()?,
        };
        Ok(next.map(|mut line| {
            if let Some(flaw) = line.flaw.take() {
                self.report(line.number, component, flaw);
            }
            line
        }))
    }

    fn report(&mut self, line: u64, component: Option<&str>, reason: Reason) {
        if self.muted {
            return;
        }
        self.issues.push_back(Issue { line, component: component.map(str::to_owned), uid: None, reason });
    }
}

/// What a component that is left out is called by.
fn uid_of(line: &str) -> Option<String> {
    let property = Property::parse(line).filter(|property| property.is("UID"))?;
    Some(quote(&unescape(property.value)))
}
