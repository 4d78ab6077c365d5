use std::io::{self, Write};

/// Octets of a physical line without its CRLF (RFC 5545 §3.1).
const WIDTH: usize = 75;

/// Writes one content line, folded between characters, with its CRLF. What could end it early is left out.
pub(super) fn write_line<W: Write>(out: &mut W, line: &str) -> io::Result<()> {
    let is_control = |c: char| c.is_ascii_control() && c != '\t';
    if line.contains(is_control) {
        let clean: String = line.chars().filter(|c| !is_control(*c)).collect();
        return write_line(out, &clean);
    }
    let mut rest = line;
    let mut width = WIDTH;
    while rest.len() > width {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(width));
        out.write_all(piece.as_bytes())?;
        out.write_all(b"\r\n ")?;
        rest = after;
        // the space counts
        width = WIDTH - 1;
    }
    out.write_all(rest.as_bytes())?;
    out.write_all(b"\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(line: &str) -> String {
        let mut out = Vec::new();
        write_line(&mut out, line).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn no_line_is_wider_than_75_octets_and_none_ends_inside_a_character() {
        for letter in ["x", "é", "☃", "𝄞"] {
            let line = format!("SUMMARY:{}", letter.repeat(200));
            let text = folded(&line);
            assert!(text.split("\r\n").all(|physical| physical.len() <= 75), "{text}");
            assert!(text.split("\r\n").filter(|l| l.len() >= 72).count() >= 2, "folded too early: {text}");
            assert_eq!(text.replace("\r\n ", ""), format!("{line}\r\n"));
        }
    }

    #[test]
    fn a_line_of_75_octets_is_not_folded() {
        assert_eq!(folded(&"x".repeat(75)), format!("{}\r\n", "x".repeat(75)));
        assert_eq!(folded(&"x".repeat(76)), format!("{}\r\n x\r\n", "x".repeat(75)));
    }

    #[test]
    fn a_line_cannot_bring_another_one() {
        assert_eq!(folded("X:a\r\nEND:VEVENT\0"), "X:aEND:VEVENT\r\n");
    }
}
