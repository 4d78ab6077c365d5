//! What travels: base64 of a version byte and a postcard body, and the span that sent it, where that is traced. A mark
//! carries its place after a dot in plain text, because the statement that reads the place sends it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Failure, Moved, Result};
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use serde::{Deserialize, Serialize};

/// Of the body's format. A consumer that meets another one has missed whatever it said.
const VERSION: u8 = 1;

/// NOTIFY refuses 8,000 bytes and more.
pub(crate) const MAX_BYTES: usize = 7_900;

/// So many entries fit whatever their numbers: at most 38 bytes each, after a head of 35, with an origin of 25, and a third more
/// in base64.
pub(crate) const MAX_ENTRIES: i32 = 150;

/// What stands behind the body is an [`Origin`].
const ORIGIN: u8 = 1;

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

/// The span that a message comes from (W3C Trace Context): of who sent it, else of the write that it is news of. It
/// stands behind the body and [`ORIGIN`], where who does not know of it does not look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    trace: [u8; 16],
    span: [u8; 8],
}

impl Origin {
    /// Of a span that is collected.
    pub(crate) fn of(context: &SpanContext) -> Option<Self> {
        let collected = context.is_valid() && context.is_sampled();
        collected.then(|| Self { trace: context.trace_id().to_bytes(), span: context.span_id().to_bytes() })
    }

    fn read(rest: &[u8]) -> Option<Self> {
        let (&ORIGIN, rest) = rest.split_first()? else { return None };
        postcard::from_bytes(rest).ok()
    }

    pub(crate) fn context(&self) -> SpanContext {
        let (trace, span) = (TraceId::from_bytes(self.trace), SpanId::from_bytes(self.span));
        SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::default())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    Message(Message, Option<Origin>),
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
    pub(crate) fn encode(self, origin: Option<Origin>) -> Result<String> {
        let text = encode(&Body::Message(self), origin)?;
        if text.len() > MAX_BYTES {
            return Err(Failure::internal(format!("a bus message of {} bytes", text.len())));
        }
        Ok(text)
    }
}

impl Mark {
    /// Without its place.
    pub(crate) fn encode(self) -> Result<String> {
        encode(&Body::Mark(self), None)
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
        let (body, rest) = postcard::take_from_bytes(body).ok()?;
        match (body, place) {
            (Body::Message(message), None) => Some(Self::Message(message, Origin::read(rest))),
            (Body::Mark(mark), Some(place)) => {
                let (epoch, n) = place.split_once('.')?;
                Some(Self::Mark(mark, Place { epoch: epoch.parse().ok()?, n: n.parse().ok()? }))
            }
            _ => None,
        }
    }
}

fn encode(body: &Body, origin: Option<Origin>) -> Result<String> {
    let mut bytes = postcard::to_extend(body, vec![VERSION]).map_err(Failure::internal)?;
    if let Some(origin) = origin {
        bytes.push(ORIGIN);
        bytes = postcard::to_extend(&origin, bytes).map_err(Failure::internal)?;
    }
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
        for origin in [None, Some(Origin { trace: [255; 16], span: [7; 8] })] {
            let text = message(MAX_ENTRIES).encode(origin).unwrap();
            assert!(text.len() <= MAX_BYTES, "{}", text.len());
            assert_eq!(Frame::decode(&text), Some(Frame::Message(message(MAX_ENTRIES), origin)));
            assert!(message(MAX_ENTRIES + 10).encode(origin).is_err());
        }
    }

    #[test]
    fn who_knows_of_no_spans_reads_the_rest_of_the_message() {
        let origin = Origin { trace: [1; 16], span: [2; 8] };
        assert_eq!(Origin::of(&origin.context()), Some(origin));
        assert_eq!(Origin::of(&SpanContext::NONE), None);
        let bytes = |origin| URL_SAFE_NO_PAD.decode(message(2).encode(origin).unwrap()).unwrap();
        let (with, without) = (bytes(Some(origin)), bytes(None));
        assert_eq!(with.len(), without.len() + 25);
        // As before there were any.
        let Body::Message(read) = postcard::from_bytes(&with[1..]).unwrap() else { panic!("a mark") };
        assert_eq!(read, message(2));
        // A piece of one is none, and neither is what comes later in its place.
        let mut other = with.clone();
        other[without.len()] += 1;
        for text in [&with[..with.len() - 1], &other] {
            let text = URL_SAFE_NO_PAD.encode(text);
            assert_eq!(Frame::decode(&text), Some(Frame::Message(message(2), None)));
        }
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
