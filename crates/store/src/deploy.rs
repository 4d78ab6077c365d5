use kernel::{Failure, Kind, Result};
use serde::{Deserialize, Serialize};

use crate::Conn;

/// The deployment's epoch: one more each time the database may have gone back in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Epoch(pub i64);

impl Epoch {
    /// The strong validator of one version of one object, quotes included: `"1.42"`. An answer that shows more than the
    /// object itself appends what else it depends on, `"1.42.7"`.
    pub fn tag(self, version: i64) -> String {
        format!("\"{}.{version}\"", self.0)
    }

    /// The version in such a tag (without its quotes); none for tags of another epoch or another origin.
    pub fn version(self, tag: &str) -> Option<i64> {
        let mut parts = tag.split('.');
        (parts.next()?.parse() == Ok(self.0)).then(|| parts.next()?.parse().ok())?
    }
}

/// Reads the epoch and refuses a database that would break what a COMMIT promises.
pub(crate) async fn inspect(conn: &mut Conn) -> Result<Epoch> {
    let (synchronous_commit, fsync, full_page_writes): (String, String, String) = sqlx::query_as(
        "select current_setting('synchronous_commit'), current_setting('fsync'), current_setting('full_page_writes')",
    )
    .fetch_one(&mut *conn)
    .await?;
    // `local` and `remote_write` acknowledge before a standby is durable, but never before this server is.
    for (name, value) in
        [("synchronous_commit", synchronous_commit), ("fsync", fsync), ("full_page_writes", full_page_writes)]
    {
        if value == "off" {
            return Err(Failure::new(
                Kind::Internal,
                "unsafe_database",
                format!(
                    "PostgreSQL runs with {name} = off: an acknowledged write could be lost in a crash. Set it to on."
                ),
            ));
        }
    }
    let (epoch, same): (i64, bool) = sqlx::query_as(
        "select d.epoch, d.system_identifier = c.system_identifier::text from deploy d, pg_control_system() c",
    )
    .fetch_optional(conn)
    .await
    .map_err(|error| {
        Failure::new(Kind::Internal, "not_migrated", "the database has no koyomi schema; run `koyomi migrate` first")
            .because(error)
    })?
    .ok_or_else(|| Failure::internal("the deploy row is missing"))?;
    if !same {
        tracing::warn!("this database was copied from another server; validators of the old one stay valid");
    }
    Ok(Epoch(epoch))
}
