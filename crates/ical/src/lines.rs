use std::io::BufRead;

use crate::{Error, Limit, Limits, Reason};

/// A content line (RFC 5545 §3.1), unfolded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    /// Physical line where it begins, from 1.
    pub number: u64,
    /// Never holds control characters except TAB. Empty when the line was too long.
    pub text: String,
    pub flaw: Option<Reason>,
}

/// Splits bytes into content lines, holding one of them at a time.
///
/// Lines may end in CRLF, LF or a lone CR. Folding is undone on bytes, since some producers cut inside a character.
/// Empty lines are passed over, even before a continuation: old Mozilla exports leave one there.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    input: R,
    line_bytes: usize,
    total_bytes: u64,
    consumed: u64,
    physical: u64,
    buffer: Vec<u8>,
}

enum Byte {
    Next(u8),
    End,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(input: R, limits: &Limits) -> Self {
        Self {
            input,
            line_bytes: limits.line_bytes,
            total_bytes: limits.total_bytes,
            consumed: 0,
            physical: 0,
            buffer: Vec::new(),
        }
    }

    /// The last physical line that was looked at.
    pub(crate) fn position(&self) -> u64 {
        self.physical
    }

    pub(crate) fn next(&mut self) -> Result<Option<Line>, Error> {
        self.buffer.clear();
        let mut fits = true;
        let number = loop {
            if matches!(self.peek()?, Byte::End) {
                return Ok(None);
            }
            self.take_physical(&mut fits)?;
            if !self.buffer.is_empty() || !fits {
                break self.physical;
            }
        };
        loop {
            match self.peek()? {
                Byte::Next(b' ' | b'\t') => {
                    self.skip(1)?;
                    self.take_physical(&mut fits)?;
                }
                // an empty line
                Byte::Next(b'\r' | b'\n') => self.take_physical(&mut fits)?,
                _ => break,
            }
        }
        if !fits {
            return Ok(Some(Line {
                number,
                text: String::new(),
                flaw: Some(Reason::Limit(Limit::LineBytes(self.line_bytes))),
            }));
        }
        let (text, flaw) = clean(&self.buffer);
        Ok(Some(Line { number, text, flaw }))
    }

    fn peek(&mut self) -> Result<Byte, Error> {
        Ok(match self.input.fill_buf()?.first() {
            Some(byte) => Byte::Next(*byte),
            None => Byte::End,
        })
    }

    fn skip(&mut self, bytes: usize) -> Result<(), Error> {
        self.input.consume(bytes);
        self.consumed += bytes as u64;
        if self.consumed > self.total_bytes {
            return Err(Error::Limit { limit: Limit::TotalBytes(self.total_bytes), line: self.physical });
        }
        Ok(())
    }

    /// Appends the rest of a physical line to the buffer and consumes its end. Past `line_bytes` nothing more is kept
    /// and `fits` becomes false.
    fn take_physical(&mut self, fits: &mut bool) -> Result<(), Error> {
        self.physical += 1;
        loop {
            let available = self.input.fill_buf()?;
            if available.is_empty() {
                return Ok(());
            }
            let end = available.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            let piece = &available[..end.unwrap_or(available.len())];
            if self.buffer.len() + piece.len() > self.line_bytes {
                *fits = false;
                self.buffer.clear();
            }
            if *fits {
                self.buffer.extend_from_slice(piece);
            }
            let Some(end) = end else {
                let all = available.len();
                self.skip(all)?;
                continue;
            };
            let carriage_return = available[end] == b'\r';
            self.skip(end + 1)?;
            if carriage_return && matches!(self.peek()?, Byte::Next(b'\n')) {
                self.skip(1)?;
            }
            return Ok(());
        }
    }
}

fn clean(bytes: &[u8]) -> (String, Option<Reason>) {
    const BOM: &[u8] = "\u{feff}".as_bytes();
    let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
    let (mut text, mut flaw) = match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (String::from_utf8_lossy(bytes).into_owned(), Some(Reason::InvalidUtf8)),
    };
    let is_control = |c: char| c.is_ascii_control() && c != '\t';
    if text.contains(is_control) {
        text.retain(|c| !is_control(c));
        flaw.get_or_insert(Reason::ControlCharacters);
    }
    (text, flaw)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_in_steps_of(size: usize, bytes: &[u8], limits: &Limits) -> Vec<Line> {
        let mut lines = Lines::new(std::io::BufReader::with_capacity(size, bytes), limits);
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            all.push(line);
        }
        all
    }

    fn texts(bytes: &[u8]) -> Vec<(u64, String)> {
        // wherever a buffer ends, the lines are the same
        let whole = read_in_steps_of(8 << 10, bytes, &Limits::default());
        for size in 1..6 {
            assert_eq!(read_in_steps_of(size, bytes, &Limits::default()), whole, "buffer of {size}");
        }
        whole.into_iter().map(|line| (line.number, line.text)).collect()
    }

    fn expect(lines: &[(u64, &str)]) -> Vec<(u64, String)> {
        lines.iter().map(|(n, text)| (*n, (*text).to_owned())).collect()
    }

    #[test]
    fn every_line_ending_is_understood() {
        assert_eq!(texts(b"A:1\r\nB:2\nC:3\rD:4"), expect(&[(1, "A:1"), (2, "B:2"), (3, "C:3"), (4, "D:4")]));
    }

    #[test]
    fn folded_lines_are_joined_and_numbered_by_their_first() {
        assert_eq!(texts(b"A:1\r\n  2\r\n\t3\r\nB:4\n 5\rC\r 6\n"), expect(&[(1, "A:1 23"), (4, "B:45"), (6, "C6")]));
    }

    #[test]
    fn a_fold_inside_a_character_is_undone() {
        let snowman = "☃".as_bytes();
        let mut bytes = b"A:".to_vec();
        bytes.extend_from_slice(&snowman[..1]);
        bytes.extend_from_slice(b"\r\n ");
        bytes.extend_from_slice(&snowman[1..]);
        assert_eq!(texts(&bytes), expect(&[(1, "A:☃")]));
    }

    #[test]
    fn empty_lines_are_passed_over_even_before_a_continuation() {
        assert_eq!(texts(b"\n\nA\n\n :1\n\n\nB:2\n\n"), expect(&[(3, "A:1"), (8, "B:2")]));
    }

    #[test]
    fn a_byte_order_mark_is_dropped() {
        assert_eq!(texts(b"\xef\xbb\xbfA:1\n\xef\xbb\xbfB:2"), expect(&[(1, "A:1"), (2, "B:2")]));
    }

    #[test]
    fn bad_bytes_are_replaced_and_reported() {
        let lines = read_in_steps_of(64, b"A:\xff\nB:x\0y\x0bz\tw\n", &Limits::default());
        assert_eq!((lines[0].text.as_str(), &lines[0].flaw), ("A:\u{fffd}", &Some(Reason::InvalidUtf8)));
        assert_eq!((lines[1].text.as_str(), &lines[1].flaw), ("B:xyz\tw", &Some(Reason::ControlCharacters)));
    }

    #[test]
    fn a_line_that_is_too_long_is_left_out_and_the_next_arrives() {
        let limits = Limits { line_bytes: 8, ..Limits::default() };
        for input in ["A:1\nB:2345678\nC:3\n", "A:1\nB:234\n 56\n 78\nC:3\n"] {
            let lines = read_in_steps_of(3, input.as_bytes(), &limits);
            assert_eq!(lines.len(), 3, "{input:?}");
            assert_eq!(lines[1].flaw, Some(Reason::Limit(Limit::LineBytes(8))));
            assert_eq!((lines[1].number, lines[1].text.as_str()), (2, ""));
            assert_eq!(lines[2].text, "C:3");
        }
        assert_eq!(read_in_steps_of(64, b"B:234567\n", &limits)[0].flaw, None);
    }

    #[test]
    fn the_input_may_not_be_longer_than_its_limit() {
        let limits = Limits { total_bytes: 8, ..Limits::default() };
        let mut lines = Lines::new(&b"A:1\nB:2\nC:3\n"[..], &limits);
        assert!(lines.next().unwrap().is_some());
        assert!(lines.next().is_ok());
        let error = lines.next().unwrap_err();
        assert!(matches!(error, Error::Limit { limit: Limit::TotalBytes(8), line: 3 }), "{error}");
    }
}
