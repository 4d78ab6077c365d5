//! What a change of an event says, and how changes of what belongs to one begin.

use events::{Found, Status, Transparency, Visibility};
use kernel::{Caller, EventId, Result};
use serde::de::DeserializeOwned;
use store::{Batch, Claim, IdempotencyKey, Rows, Tx, claim_part, read_claim};

use crate::EventTime;

/// Absent: stays. `Some(None)`: is cleared.
#[derive(Debug, Clone, Default)]
pub struct EventPatch {
    pub title: Option<String>,
    pub description: Option<Option<String>>,
    pub location: Option<Option<String>>,
    pub status: Option<Status>,
    pub visibility: Option<Visibility>,
    pub transparency: Option<Transparency>,
    pub start: Option<EventTime>,
    pub end: Option<EventTime>,
    pub recurrence: Option<Vec<String>>,
}

/// What opening a change under an idempotency key finds.
pub(crate) enum Opening<T> {
    /// It was made before, with this result.
    Replay(T),
    /// The event, locked; `None` where it does not exist for the caller.
    Found(Option<Box<Found>>),
}

/// Claims the key and locks the event in one statement.
pub(crate) async fn open<T: DeserializeOwned>(
    tx: &mut Tx,
    caller: &Caller,
    id: EventId,
    key: Option<IdempotencyKey>,
) -> Result<Opening<T>> {
    let mut batch = Batch::new();
    opening_parts(&mut batch, tx, caller, id, key.as_ref());
    let mut rows = batch.run(tx.conn()).await?;
    read_opened(&mut rows, tx, caller, key).await
}

/// What [`open`] asks, for who has more to ask in the same statement.
pub(crate) fn opening_parts(batch: &mut Batch, tx: &Tx, caller: &Caller, id: EventId, key: Option<&IdempotencyKey>) {
    if let Some(key) = key {
        claim_part(batch, caller.user_id, key, tx.now());
    }
    events::find_for_update_part(batch, caller, id);
}

/// Reads what [`opening_parts`] found.
pub(crate) async fn read_opened<T: DeserializeOwned>(
    rows: &mut Rows,
    tx: &mut Tx,
    caller: &Caller,
    key: Option<IdempotencyKey>,
) -> Result<Opening<T>> {
    if let Some(key) = key {
        if let Claim::Replay(value) = read_claim(rows, tx.conn(), caller.user_id, &key).await? {
            return Ok(Opening::Replay(value));
        }
        tx.answer_under(caller.user_id, key);
    }
    let found = events::read_found(rows)?;
    if let Some(found) = &found {
        tx.authorised(found.happening.event.calendar_id, found.calendar_acl);
    }
    Ok(Opening::Found(found.map(Box::new)))
}
