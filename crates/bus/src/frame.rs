//! What travels: base64 of a version byte and a postcard body. A mark carries its place after a dot in plain text,
//! because the statement that reads the place sends it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Failure, Moved, Result};
use serde::{Deserialize, Serialize};

/// Of the body's format. A consumer that meets another one has missed whatever it said.
const VERSION: u8 = 1;

/// NOTIFY refuses 8,000 bytes and more.
pub(crate) const MAX_BYTES: usize = 7_900;

/// So many entries fit whatever their numbers: at most 38 bytes each, after a head of 35, and a third more in base64.
pub(crate) const MAX_ENTRIES: i32 = 150;

/// A message of the relay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Message {
    pub epoch: i64,
    pub n: i64,
    /// The last number that was committed before.
    pub previous: i64,
    /// Nothing was left in the outbox of what its snapshot showed.
    pub swept: bool,
    pub entries: Vec<Moved>,
}

/// An instance's word to itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub instance: u64,
    pub counter: u64,
    /// One more whenever the instance can no longer vouch for the numbers it knew: another connection to the database,
    /// or an outbox that was switched off.
    pub life: u64,
}

/// The place of a mark: what its snapshot showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub epoch: i64,
    pub n: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    Message(Message),
    Mark(Mark, Place),
}

#[derive(Serialize, Deserialize)]
enum Body {
    Message(Message),
    Mark(Mark),
}

impl Message {
    /// # Errors
    /// When it would not fit into a notification.
    pub(crate) fn encode(self) -> Result<String> {
        let text = encode(&Body::Message(self))?;
        if text.len() > MAX_BYTES {
            return Err(Failure::internal(format!("a bus message of {} bytes", text.len())));
        }
        Ok(text)
    }
}

impl Mark {
    /// Without its place.
    pub(crate) fn encode(self) -> Result<String> {
        encode(&Body::Mark(self))
    }
}

impl Frame {
    /// Nothing for what this version cannot read.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let (body, place) = match text.split_once('.') {
            Some((body, place)) => (body, Some(place)),
            None => (text, None),
        };
        let bytes = URL_SAFE_NO_PAD.decode(body).ok()?;
        let (&VERSION, body) = bytes.split_first()? else { return None };
        match (postcard::from_bytes(body).ok()?, place) {
            (Body::Message(message), None) => Some(Self::Message(message)),
            (Body::Mark(mark), Some(place)) => {
                let (epoch, n) = place.split_once('.')?;
                Some(Self::Mark(mark, Place { epoch: epoch.parse().ok()?, n: n.parse().ok()? }))
            }
            _ => None,
        }
    }
}

fn encode(body: &Body) -> Result<String> {
    let bytes = postcard::to_extend(body, vec![VERSION]).map_err(Failure::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use kernel::{CalendarId, Subject};
    use uuid::Uuid;

    use super::*;

    fn message(entries: i32) -> Message {
        let moved =
            Moved { subject: Subject::Calendar(CalendarId(Uuid::from_u128(u128::MAX))), seq: i64::MIN, acl: i64::MIN };
        let entries = (0..entries).map(|_| moved).collect();
        Message { epoch: i64::MIN, n: i64::MIN, previous: i64::MIN, swept: true, entries }
    }

    #[test]
    fn the_longest_message_fits_and_comes_back() {
        let text = message(MAX_ENTRIES).encode().unwrap();
        assert!(text.len() <= MAX_BYTES, "{}", text.len());
        assert_eq!(Frame::decode(&text), Some(Frame::Message(message(MAX_ENTRIES))));
        assert!(message(MAX_ENTRIES + 10).encode().is_err());
    }

    #[test]
    fn a_mark_comes_back_with_its_place() {
        let mark = Mark { instance: u64::MAX, counter: 7, life: 1 };
        let text = format!("{}.1800000000000.42", mark.encode().unwrap());
        assert_eq!(Frame::decode(&text), Some(Frame::Mark(mark, Place { epoch: 1_800_000_000_000, n: 42 })));
    }

    #[test]
    fn what_cannot_be_read_is_nothing() {
        let mark = Mark { instance: 1, counter: 1, life: 1 }.encode().unwrap();
        let other_version = URL_SAFE_NO_PAD.encode([VERSION + 1, 0, 0]);
        for text in ["", "%", "AA", &mark, &format!("{mark}.1"), &format!("{mark}.1.x"), &other_version] {
            assert_eq!(Frame::decode(text), None, "{text}");
        }
    }
}
