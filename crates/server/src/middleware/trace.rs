use http::{HeaderMap, HeaderValue};
use kernel::Ids;
use uuid::Uuid;

/// What a request is called: in our log, in the answer, and in the traces of whoever sent it.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    pub request_id: String,
    /// W3C Trace Context: the sender's trace id, or a new one, with a span id of ours.
    pub traceparent: String,
}

impl Names {
    pub(crate) fn of(headers: &HeaderMap, ids: &Ids) -> Self {
        let minted: Uuid = ids.mint();
        let incoming = headers.get("x-request-id").and_then(sane);
        let (trace, flags) = headers
            .get("traceparent")
            .and_then(parent)
            .unwrap_or_else(|| (minted.simple().to_string(), "00".to_owned()));
        // The second half of a UUIDv7 is random, and never zero.
        let span = &minted.simple().to_string()[16..];
        Self {
            traceparent: format!("00-{trace}-{span}-{flags}"),
            request_id: incoming.unwrap_or_else(|| minted.to_string()),
        }
    }
}

/// Goes into logs and headers: short, and of plain characters.
fn sane(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.:+/=".contains(&b);
    ((1..=128).contains(&text.len()) && text.bytes().all(plain)).then(|| text.to_owned())
}

/// Trace id and flags of a valid `traceparent` (W3C Trace Context §3.2). Later versions are read as far as this one goes.
fn parent(value: &HeaderValue) -> Option<(String, String)> {
    let text = value.to_str().ok()?;
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let nonzero = |text: &str| text.bytes().any(|b| b != b'0');
    let valid = hex(version, 2)
        && version != "ff"
        && (version != "00" || parts.next().is_none())
        && hex(trace, 32)
        && nonzero(trace)
        && hex(span, 16)
        && nonzero(span)
        && hex(flags, 2);
    valid.then(|| (trace.to_owned(), flags.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_parents_are_continued() {
        let read = |text: &'static str| parent(&HeaderValue::from_static(text));
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(
            read("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            Some((trace.to_owned(), "01".to_owned()))
        );
        assert!(read("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more").is_some());
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        ] {
            assert!(read(bad).is_none(), "{bad}");
        }
    }
}
