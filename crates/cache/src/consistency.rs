use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::{Failure, Kind, Moved, Result};
use serde::{Deserialize, Serialize};
use store::{Epoch, Seen};

/// What a client has seen: `Koyomi-Consistency`. A read that carries it is never answered with anything older, on any
/// instance and in any mode.
///
/// It names at most [`MAX_SUBJECTS`] subjects. More would only make the header longer: whoever sends one is answered from
/// the primary anyway, and what is named is a cross-check of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistency {
    pub epoch: Epoch,
    pub versions: Vec<Moved>,
}

const MAX_SUBJECTS: usize = 16;
/// Of a subject: what it is, its id with the length before it, and two numbers.
const MOST_BYTES: usize = 1 + 17 + 10 + 10;
/// Bumped when the meaning of a token's bytes changes.
const FORM: u8 = 1;

#[derive(Deserialize)]
struct Wire {
    form: u8,
    epoch: i64,
    versions: Vec<Moved>,
}

#[derive(Serialize)]
struct WireRef<'a> {
    form: u8,
    epoch: i64,
    versions: &'a [Moved],
}

impl Consistency {
    /// The token of what a request has seen; none where it has seen nothing that has a version.
    pub fn of(seen: Seen) -> Option<Self> {
        let mut versions = seen.versions;
        versions.sort_unstable_by_key(|moved| (moved.subject, std::cmp::Reverse((moved.seq, moved.acl))));
        versions.dedup_by_key(|moved| moved.subject);
        versions.truncate(MAX_SUBJECTS);
        Some(Self { epoch: seen.epoch?, versions })
    }

    pub fn encode(&self) -> String {
        let mut bytes = [0; 12 + MAX_SUBJECTS * MOST_BYTES];
        // Plain data into enough memory: it cannot fail, and an empty token would be refused, not misread.
        let bytes = postcard::to_slice(&self.wire(), &mut bytes).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// As [`Self::encode`], of any number of subjects: the place of somebody who follows them.
    pub fn encode_place(&self) -> String {
        // Plain data into memory: it cannot fail.
        URL_SAFE_NO_PAD.encode(postcard::to_stdvec(&self.wire()).unwrap_or_default())
    }

    fn wire(&self) -> WireRef<'_> {
        WireRef { form: FORM, epoch: self.epoch.0, versions: &self.versions }
    }

    /// # Errors
    /// `malformed_request` for what is no token of ours.
    pub fn decode(text: &str) -> Result<Self> {
        read(text).filter(|token| token.versions.len() <= MAX_SUBJECTS).ok_or_else(|| {
            Failure::malformed(
                "Koyomi-Consistency",
                "is not a token of this server; send back what an answer said, unchanged, or nothing",
            )
        })
    }

    /// A place; what a client has seen is one, too.
    ///
    /// # Errors
    /// `malformed_request` for what is no token of ours.
    pub fn decode_place(text: &str) -> Result<Self> {
        read(text).ok_or_else(|| {
            Failure::malformed("?since", "is not a token of this server; send back one that you were given, unchanged")
        })
    }

    /// Whether what was read can be shown to whoever holds this.
    ///
    /// # Errors
    /// `epoch_over` when the token is of an older epoch, `unavailable` when what was read is older than the token.
    pub(crate) fn admit(&self, epoch: Epoch, seen: impl Fn(kernel::Subject) -> Option<i64>) -> Result<()> {
        if self.epoch < epoch {
            return Err(Failure::new(
                Kind::Gone,
                "epoch_over",
                "this consistency token is from before the database was restored; forget it and read again without it",
            ));
        }
        let behind = self.versions.iter().any(|moved| seen(moved.subject).is_some_and(|seq| seq < moved.seq));
        if self.epoch > epoch || behind {
            return Err(Failure::new(
                Kind::Unavailable,
                "unavailable",
                "the database that answers here is behind what you have seen already; try again",
            ));
        }
        Ok(())
    }
}

fn read(text: &str) -> Option<Consistency> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    match postcard::from_bytes::<Wire>(&bytes).ok()? {
        Wire { form: FORM, epoch, versions } => Some(Consistency { epoch: Epoch(epoch), versions }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use kernel::{CalendarId, Subject};
    use uuid::Uuid;

    use super::*;

    fn moved(n: u128, seq: i64) -> Moved {
        Moved { subject: Subject::Calendar(CalendarId(Uuid::from_u128(n))), seq, acl: 0 }
    }

    #[test]
    fn a_token_keeps_the_newest_of_each_and_reads_back() {
        let seen = Seen { epoch: Some(Epoch(3)), versions: vec![moved(2, 5), moved(1, 7), moved(2, 6)] };
        let token = Consistency::of(seen).unwrap();
        assert_eq!(token.versions, [moved(1, 7), moved(2, 6)]);
        assert_eq!(Consistency::decode(&token.encode()).unwrap(), token);
        for junk in ["", "!", "AAAA", "AQEB"] {
            assert!(Consistency::decode(junk).is_err(), "{junk}");
        }
    }

    #[test]
    fn the_longest_token_reads_back() {
        let versions: Vec<Moved> = (1..=16).map(|n| Moved { acl: i64::MIN, ..moved(n, i64::MAX) }).collect();
        let token = Consistency { epoch: Epoch(i64::MAX), versions };
        assert_eq!(Consistency::decode(&token.encode()).unwrap(), token);
    }

    #[test]
    fn an_older_answer_and_an_older_epoch_are_refused() {
        let token = Consistency { epoch: Epoch(3), versions: vec![moved(1, 7)] };
        assert!(token.admit(Epoch(3), |_| Some(7)).is_ok());
        assert!(token.admit(Epoch(3), |_| None).is_ok());
        assert_eq!(token.admit(Epoch(3), |_| Some(6)).unwrap_err().kind(), Kind::Unavailable);
        assert_eq!(token.admit(Epoch(4), |_| Some(7)).unwrap_err().code(), "epoch_over");
        assert_eq!(token.admit(Epoch(2), |_| Some(7)).unwrap_err().kind(), Kind::Unavailable);
    }
}
