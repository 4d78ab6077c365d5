use std::fmt;

/// How much of a stranger's file is read. Every bound that is met is named, with its line, in an [`Issue`](crate::Issue)
/// (the line or component is left out, the rest arrives) or, for the bounds over the whole input, in an
/// [`Error`](crate::Error) (reading ends).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one content line after unfolding. A longer line is left out.
    pub line_bytes: usize,
    /// Nesting, the VCALENDAR included. A component that nests deeper is left out.
    pub depth: usize,
    /// Content lines of one component of a calendar, nested components included. A longer one is left out.
    pub component_lines: usize,
    /// Bytes of one component of a calendar, nested components included. A longer one is left out.
    pub component_bytes: usize,
    /// Components of the whole input, whatever their kind. One more ends the reading.
    pub components: u64,
    /// Bytes of the whole input. One more ends the reading.
    pub total_bytes: u64,
    /// VTIMEZONEs computed because the database does not know their names. Others are left out.
    pub zones: usize,
    /// Bytes of VTIMEZONE text kept, all zones together. Others are left out.
    pub zone_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line_bytes: 64 << 10,
            depth: 8,
            component_lines: 10_000,
            component_bytes: 1 << 20,
            components: 50_000,
            total_bytes: 256 << 20,
            zones: 200,
            zone_bytes: 4 << 20,
        }
    }
}

/// A bound of [`Limits`] that was met, with its value; each is named as its field there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    LineBytes(usize),
    Depth(usize),
    ComponentLines(usize),
    ComponentBytes(usize),
    Components(u64),
    TotalBytes(u64),
    Zones(usize),
    ZoneBytes(usize),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineBytes(n) => write!(f, "line_bytes: a content line holds more than {n} bytes"),
            Self::Depth(n) => write!(f, "depth: components nest deeper than {n}"),
            Self::ComponentLines(n) => write!(f, "component_lines: a component holds more than {n} lines"),
            Self::ComponentBytes(n) => write!(f, "component_bytes: a component holds more than {n} bytes"),
            Self::Components(n) => write!(f, "components: the input holds more than {n} components"),
            Self::TotalBytes(n) => write!(f, "total_bytes: the input holds more than {n} bytes"),
            Self::Zones(n) => write!(f, "zones: the input defines more than {n} time zones of its own"),
            Self::ZoneBytes(n) => write!(f, "zone_bytes: the time zones of the input hold more than {n} bytes"),
        }
    }
}
