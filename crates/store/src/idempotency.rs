use kernel::{Failure, Kind, Result, UserId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::batch::Rows;
use crate::{Batch, Conn};

/// `Idempotency-Key` of a request and a hash of what it asks for.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    pub key: String,
    pub request_hash: [u8; 32],
}

/// What a key turned out to be.
#[derive(Debug)]
pub enum Claim<T> {
    /// Ours: do the work and leave the result.
    Fresh,
    /// Done before, with this result.
    Replay(T),
}

#[derive(Deserialize)]
struct Claimed {}

/// Claims the key in the batch that opens a write. A transaction that holds the same key is waited for.
pub fn claim_part(batch: &mut Batch, user: UserId, key: &IdempotencyKey, now: chrono::DateTime<chrono::Utc>) {
    batch
        .part(
            "insert into idempotency_keys (user_id, key, request_hash, created_at)
             values ($1, $2, $3, $4)
             on conflict do nothing
             returning 1 as claimed",
        )
        .bind(user)
        .bind(key.key.clone())
        .bind(key.request_hash.to_vec())
        .bind(now)
        .done();
}

/// Reads what [`claim_part`] found, and on a replay the result of the first time.
///
/// # Errors
/// `idempotency_key_reused` when the key was used for another request.
pub async fn read_claim<T: DeserializeOwned>(
    rows: &mut Rows,
    conn: &mut Conn,
    user: UserId,
    key: &IdempotencyKey,
) -> Result<Claim<T>> {
    if !rows.take::<Claimed>()?.is_empty() {
        return Ok(Claim::Fresh);
    }
    let row: Option<(Vec<u8>, Option<Value>)> =
        sqlx::query_as("select request_hash, result from idempotency_keys where user_id = $1 and key = $2")
            .bind(user)
            .bind(&key.key)
            .fetch_optional(conn)
            .await?;
    match row {
        Some((hash, _)) if hash != key.request_hash => Err(Failure::new(
            Kind::Invalid,
            "idempotency_key_reused",
            "this Idempotency-Key was used for another request; take a new key for a new request",
        )),
        Some((_, Some(result))) => Ok(Claim::Replay(serde_json::from_value(result).map_err(Failure::internal)?)),
        // The holder rolled back between our two statements.
        _ => Err(Failure::new(
            Kind::Unavailable,
            "try_again",
            "another request with this Idempotency-Key just failed; send it again",
        )),
    }
}

/// Leaves the result under the key, inside the transaction that did the work.
pub(crate) async fn store_result<T: Serialize>(
    conn: &mut Conn,
    user: UserId,
    key: &IdempotencyKey,
    result: &T,
) -> Result<()> {
    let result = serde_json::to_value(result).map_err(Failure::internal)?;
    sqlx::query("update idempotency_keys set result = $3 where user_id = $1 and key = $2")
        .bind(user)
        .bind(&key.key)
        .bind(result)
        .execute(conn)
        .await?;
    Ok(())
}

/// How long a key is remembered.
pub const REMEMBERED: chrono::TimeDelta = chrono::TimeDelta::days(7);

/// Forgets the keys older than [`REMEMBERED`]; answers how many.
pub async fn forget_old_keys(conn: &mut Conn, now: chrono::DateTime<chrono::Utc>) -> Result<u64> {
    let gone =
        sqlx::query("delete from idempotency_keys where created_at < $1").bind(now - REMEMBERED).execute(conn).await?;
    Ok(gone.rows_affected())
}
