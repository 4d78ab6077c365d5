use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bus::Watch;
use events::Mark;
use kernel::{CalendarId, Failure, Kind, Result, Subject};
use store::Epoch;
use xxhash_rust::xxh3::xxh3_128;

use super::Follower;
use crate::{Asker, Koyomi};

/// Whatever happens anywhere may be an invitation: so often it is worth a look.
const PACE: Duration = Duration::from_millis(500);

/// What is new in somebody's agenda.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgendaNews {
    /// Where to go on.
    pub token: String,
    /// Where something happened; None: it is not known where.
    pub calendars: Option<Vec<CalendarId>>,
}

/// Follows the caller's agenda.
#[derive(Debug)]
pub struct AgendaFollower {
    follower: Follower,
    since: Option<u128>,
    marks: Option<Marks>,
}

/// How the agenda stood at the last look.
#[derive(Debug)]
struct Marks {
    epoch: Epoch,
    of: BTreeMap<CalendarId, Mark>,
}

impl Koyomi {
    /// Follows the caller's agenda from `since` on, without one from now.
    ///
    /// # Errors
    /// `malformed_request` for what is no token of an agenda.
    pub async fn follow_agenda(
        &self,
        asker: &Asker,
        since: Option<&str>,
        watch: Option<Watch>,
    ) -> Result<AgendaFollower> {
        let follower = Follower::new(self, asker, watch, PACE);
        let since = since.map(read_token).transpose()?;
        self.caller(&follower.asker, false).await?;
        Ok(AgendaFollower { follower, since, marks: None })
    }

    async fn agenda_marks(&self, asker: &Asker) -> Result<Marks> {
        let caller = self.caller(asker, false).await?;
        let mut conn = self.store.snapshot().await?;
        let epoch = cache::tenant_versions(&mut conn, caller.tenant_id, false).await?.epoch();
        let marks = events::agenda_marks(&mut conn, &caller).await?;
        Ok(Marks { epoch, of: marks.into_iter().map(|mark| (mark.calendar_id, mark)).collect() })
    }
}

impl AgendaFollower {
    /// What is new, when there is something; the first time at once.
    ///
    /// # Errors
    /// When the caller's token is gone: the end.
    pub async fn next(&mut self) -> Result<AgendaNews> {
        loop {
            if self.marks.is_some() {
                // An invitation may come from any calendar.
                self.follower
                    .hints
                    .wait(|moved| matches!(moved.subject, Subject::Calendar(_) | Subject::User(_)))
                    .await;
            }
            self.follower.hints.looks();
            match self.follower.koyomi.agenda_marks(&self.follower.asker).await {
                Ok(now) => {
                    let before = self.marks.replace(now);
                    if let Some(news) = self.news(before) {
                        return Ok(news);
                    }
                }
                Err(failure) if failure.kind() == Kind::Unavailable => {
                    tracing::debug!(code = failure.code(), "a follower could not look");
                    tokio::time::sleep(super::wait::TICK).await;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    fn news(&mut self, before: Option<Marks>) -> Option<AgendaNews> {
        let now = self.marks.as_ref()?;
        let token = now.token();
        let news = |calendars| Some(AgendaNews { token: write_token(token), calendars });
        let Some(before) = before else {
            // The first look.
            let same = self.since.take().is_none_or(|since| since == token);
            return news(same.then(Vec::new));
        };
        if before.epoch != now.epoch {
            return news(None);
        }
        let ids = before.of.keys().chain(now.of.keys());
        let mut moved: Vec<CalendarId> = ids.copied().filter(|id| before.of.get(id) != now.of.get(id)).collect();
        moved.sort_unstable();
        moved.dedup();
        if moved.is_empty() { None } else { news(Some(moved)) }
    }
}

impl Marks {
    /// What all of it comes to.
    fn token(&self) -> u128 {
        let mut bytes = Vec::with_capacity(8 + self.of.len() * 40);
        bytes.extend_from_slice(&self.epoch.0.to_le_bytes());
        for Mark { calendar_id, seq, acl, events } in self.of.values() {
            bytes.extend_from_slice(calendar_id.0.as_bytes());
            for number in [seq, acl, events] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
        }
        xxh3_128(&bytes)
    }
}

fn write_token(token: u128) -> String {
    URL_SAFE_NO_PAD.encode(token.to_le_bytes())
}

fn read_token(text: &str) -> Result<u128> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
    bytes.map(u128::from_le_bytes).ok_or_else(|| {
        Failure::malformed("?since", "is not a token of an agenda; send back one that you were given, unchanged")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_nothing_else_does() {
        assert_eq!(read_token(&write_token(7)).unwrap(), 7);
        assert!(read_token("").is_err() && read_token("AAAA").is_err());
    }
}
