use std::borrow::Cow;

/// A content line taken apart (RFC 5545 §3.1): `NAME;PARAM=VALUE;PARAM="VALUE":VALUE`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Property<'a> {
    /// As written; names are compared without regard to case.
    pub name: &'a str,
    params: Vec<(&'a str, &'a str)>,
    pub value: &'a str,
    /// Something between the semicolons was no parameter and was passed over.
    pub malformed_param: bool,
}

impl<'a> Property<'a> {
    /// `None` when the line has no name or no value.
    pub(crate) fn parse(line: &'a str) -> Option<Self> {
        let name_end = line.find([';', ':'])?;
        let name = &line[..name_end];
        if !is_name(name) {
            return None;
        }
        let rest = &line[name_end..];
        let colon = end_of_params(rest, true).or_else(|| end_of_params(rest, false))?;
        let mut property = Self { name, params: Vec::new(), value: &rest[colon + 1..], malformed_param: false };
        let mut params = &rest[..colon];
        while let Some(after) = params.strip_prefix(';') {
            let end = unquoted(after, ';').unwrap_or(after.len());
            match after[..end].split_once('=') {
                Some((name, value)) if is_name(name) => property.params.push((name, value)),
                _ => property.malformed_param = true,
            }
            params = &after[end..];
        }
        Some(property)
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The parameter's value, unquoted, with RFC 6868 undone. A comma does not end it: `CN=Doe, Jane` is met.
    pub(crate) fn param(&self, name: &str) -> Option<Cow<'a, str>> {
        let (_, raw) = self.params.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        let raw = raw.trim();
        let inner = raw.strip_prefix('"').map_or(raw, |open| open.strip_suffix('"').unwrap_or(open));
        Some(if inner.contains('^') { Cow::Owned(decode_param(inner)) } else { Cow::Borrowed(inner) })
    }

    pub(crate) fn param_is(&self, name: &str, value: &str) -> bool {
        self.param(name).is_some_and(|found| found.eq_ignore_ascii_case(value))
    }

    pub(crate) fn has_params_besides(&self, known: &[&str]) -> bool {
        self.params.iter().any(|(name, _)| !known.iter().any(|k| k.eq_ignore_ascii_case(name)))
    }

    /// The other parameters as written, each with its semicolon.
    pub(crate) fn params_besides(&self, known: &[&str]) -> String {
        let others = self.params.iter().filter(|(name, _)| !known.iter().any(|k| k.eq_ignore_ascii_case(name)));
        others.map(|(name, raw)| format!(";{name}={raw}")).collect()
    }

    /// The line again, with this TZID instead of its own; without one when it is `None`.
    pub(crate) fn with_tzid(&self, tzid: Option<&str>) -> String {
        let mut line = self.name.to_ascii_uppercase();
        for (name, raw) in &self.params {
            if !name.eq_ignore_ascii_case("TZID") {
                line.push(';');
                line.push_str(name);
                line.push('=');
                line.push_str(raw);
            }
        }
        if let Some(tzid) = tzid {
            line.push_str(";TZID=");
            line.push_str(&encode_param(tzid));
        }
        line.push(':');
        line.push_str(self.value);
        line
    }

    /// This line with another value.
    pub(crate) fn with_value<'b>(&self, value: &'b str) -> Property<'b>
    where
        'a: 'b,
    {
        Property { value, ..self.clone() }
    }
}

/// Whether a line is `BEGIN:name` or `END:name`.
pub(crate) fn boundary(line: &str) -> Option<(Boundary, &str)> {
    let (keyword, name) = line.split_once(':')?;
    let kind = match keyword.len() {
        5 if keyword.eq_ignore_ascii_case("BEGIN") => Boundary::Begin,
        3 if keyword.eq_ignore_ascii_case("END") => Boundary::End,
        _ => return None,
    };
    let name = name.trim();
    is_name(name).then_some((kind, name))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Boundary {
    Begin,
    End,
}

/// iana-token or x-name; "_" and "." are taken too, since they are met.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

fn end_of_params(rest: &str, quotes: bool) -> Option<usize> {
    if quotes { unquoted(rest, ':') } else { rest.find(':') }
}

/// Where `wanted` stands outside of double quotes. `None` too when a quote is left open before it.
fn unquoted(text: &str, wanted: char) -> Option<usize> {
    let mut in_quotes = false;
    text.char_indices().find_map(|(at, c)| {
        in_quotes ^= c == '"';
        (c == wanted && !in_quotes).then_some(at)
    })
}

/// RFC 6868: `^n` is a line break, `^'` a double quote, `^^` a circumflex.
fn decode_param(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let decoded = match (c, chars.peek()) {
            ('^', Some('n' | 'N')) => Some('\n'),
            ('^', Some('\'')) => Some('"'),
            ('^', Some('^')) => Some('^'),
            _ => None,
        };
        out.push(decoded.unwrap_or(c));
        if decoded.is_some() {
            chars.next();
        }
    }
    out
}

/// A parameter value, quoted where it must be (RFC 5545 §3.2), with RFC 6868 for what even quotes cannot hold.
pub(crate) fn encode_param(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    for c in text.chars() {
        match c {
            '^' => out.push_str("^^"),
            '\n' => out.push_str("^n"),
            '"' => out.push_str("^'"),
            c if c.is_ascii_control() && c != '\t' => {}
            c => out.push(c),
        }
    }
    let must_quote =
        out.contains([':', ';', ',']) || out.starts_with(char::is_whitespace) || out.ends_with(char::is_whitespace);
    if must_quote { format!("\"{out}\"") } else { out }
}

/// TEXT (RFC 5545 §3.3.11). A backslash before anything else stands for itself.
pub(crate) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let unescaped = match (c, chars.peek()) {
            ('\\', Some('n' | 'N')) => Some('\n'),
            ('\\', Some(next @ ('\\' | ',' | ';'))) => Some(*next),
            _ => None,
        };
        out.push(unescaped.unwrap_or(c));
        if unescaped.is_some() {
            chars.next();
        }
    }
    out
}

/// The way back; CRLF and CR become line breaks, other control characters are dropped.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut after_cr = false;
    for c in text.chars() {
        match c {
            '\n' if after_cr => {}
            '\r' | '\n' => out.push_str("\\n"),
            '\\' | ',' | ';' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_ascii_control() && c != '\t' => {}
            c => out.push(c),
        }
        after_cr = c == '\r';
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_name_parameters_value() {
        let line = "ATTENDEE;CN=\"Doe; Jane: x\";partstat=ACCEPTED;X-A=b, c:mailto:jane@example.com";
        let property = Property::parse(line).unwrap();
        assert!(property.is("attendee"));
        assert_eq!(property.param("cn").as_deref(), Some("Doe; Jane: x"));
        assert_eq!(property.param("PARTSTAT").as_deref(), Some("ACCEPTED"));
        assert_eq!(property.param("X-A").as_deref(), Some("b, c"));
        assert_eq!(property.param("ROLE"), None);
        assert_eq!(property.value, "mailto:jane@example.com");
        assert!(!property.malformed_param);
    }

    #[test]
    fn what_is_no_parameter_is_passed_over_and_noted() {
        for line in ["DTSTART;;VALUE=DATE:20140409", "DTSTART;DATE;VALUE=DATE:20140409"] {
            let property = Property::parse(line).unwrap();
            assert!(property.malformed_param, "{line}");
            assert!(property.param_is("VALUE", "date"));
            assert_eq!(property.value, "20140409");
        }
    }

    #[test]
    fn a_quote_left_open_does_not_swallow_the_value() {
        let property = Property::parse("ATTENDEE;CN=\"Jane:mailto:jane@example.com").unwrap();
        assert_eq!(property.value, "mailto:jane@example.com");
        assert_eq!(property.param("CN").as_deref(), Some("Jane"));
    }

    #[test]
    fn lines_without_name_or_value_are_refused() {
        for line in ["", "X", "X;A=B", ":x", " X:1", "Ä:1", "X Y:1"] {
            assert_eq!(Property::parse(line), None, "{line:?}");
        }
    }

    #[test]
    fn begin_and_end_are_seen_in_any_case() {
        assert_eq!(boundary("begin:VEVENT"), Some((Boundary::Begin, "VEVENT")));
        assert_eq!(boundary("End: valarm "), Some((Boundary::End, "valarm")));
        for line in ["BEGIN:", "BEGIN", "BEGINS:VEVENT", "X:END", "BEGIN:V EVENT"] {
            assert_eq!(boundary(line), None, "{line:?}");
        }
    }

    #[test]
    fn parameters_survive_the_way_out_and_back() {
        for text in ["plain", "a:b", "a;b,c", "say \"hi\"", "2^3 ^n", "two\nlines", " padded ", "^'", ""] {
            let line = format!("X;P={}:v", encode_param(text));
            assert_eq!(Property::parse(&line).unwrap().param("P").unwrap().as_ref().trim(), text.trim(), "{line}");
        }
        assert_eq!(encode_param("x\r\0y"), "xy");
    }

    #[test]
    fn text_survives_the_way_out_and_back() {
        for text in ["plain", "a;b,c", "C:\\new", "\\", "\\\\n", "two\nlines\n", "tab\t"] {
            assert_eq!(unescape(&escape(text)), text);
        }
        assert_eq!(unescape("a\\Nb\\,c\\;d\\\\e\\f\\"), "a\nb,c;d\\e\\f\\");
        assert_eq!(escape("a\r\nb\rc\0"), "a\\nb\\nc");
    }

    #[test]
    fn the_zone_of_a_line_can_be_exchanged() {
        let line = "exdate;TZID=Old;X-A=1:20240101T000000";
        let property = Property::parse(line).unwrap();
        assert_eq!(property.with_tzid(Some("a:b")), "EXDATE;X-A=1;TZID=\"a:b\":20240101T000000");
        assert_eq!(property.with_tzid(None), "EXDATE;X-A=1:20240101T000000");
        assert_eq!(property.with_value("x").with_tzid(None), "EXDATE;X-A=1:x");
    }
}
