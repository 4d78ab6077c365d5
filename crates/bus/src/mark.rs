//! Marks how far the database has come, so that the consumer knows how far it has heard.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Failure, Result};
use sqlx::{PgConnection, Row};
use store::Store;
use tokio::time::{Instant, sleep, sleep_until};

use crate::frame::Mark;
use crate::marks::Marks;
use crate::nats::Nats;
use crate::sql;
use crate::trouble::{Running, Trouble};

const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// When the outbox was not empty.
const AGAIN_AFTER: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(crate) struct Marker {
    pub store: Store,
    pub nats: Option<Nats>,
    pub instance: u64,
    pub marks: Arc<Marks>,
    pub interval: Duration,
    /// See [`Mark::life`].
    pub life: u64,
}

impl Marker {
    pub(crate) async fn run(mut self, mut running: Running) {
        let mut trouble = Trouble::new("marking the bus");
        loop {
            let failure = tokio::select! {
                () = running.ended() => return,
                failure = self.keep_marking(&mut trouble) => failure,
            };
            if !running.rest(trouble.failed(&failure)).await {
                return;
            }
        }
    }

    /// Mark after mark on one connection, until something fails.
    async fn keep_marking(&mut self, trouble: &mut Trouble) -> Failure {
        let lifeline = self.store.lifeline();
        let mut conn = match within(lifeline.hold(self.prepare())).await {
            Ok(conn) => conn,
            Err(failure) => return failure,
        };
        self.life += 1;
        loop {
            let next = Instant::now() + self.interval;
            loop {
                match within(lifeline.hold(self.mark(&mut conn))).await {
                    Ok(true) => break,
                    Ok(false) if Instant::now() + AGAIN_AFTER >= next => break,
                    Ok(false) => sleep(AGAIN_AFTER).await,
                    Err(failure) => return failure,
                }
            }
            trouble.works();
            sleep_until(next).await;
        }
    }

    async fn prepare(&self) -> Result<PgConnection> {
        let mut conn = self.store.dedicated("koyomi bus marks").await?;
        sqlx::query(sql::BY_INDEX).execute(&mut conn).await?;
        Ok(conn)
    }

    /// Sends a mark if the outbox is empty, and says whether it did. If not, a message will do instead that leaves
    /// nothing behind.
    async fn mark(&mut self, conn: &mut PgConnection) -> Result<bool> {
        let counter = self.marks.begin();
        let mark = Mark { instance: self.instance, counter, life: self.life }.encode()?;
        let statement = if self.nats.is_some() { sql::MARK } else { sql::MARK_NOTIFYING };
        let row = sqlx::query(statement).bind(mark).fetch_one(conn).await?;
        let (outbox, empty, numbers_taken): (bool, bool, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        if !outbox {
            // What is committed now is never sent.
            self.life += 1;
            return Ok(false);
        }
        if !empty {
            self.marks.await_sweep(counter, numbers_taken);
            return Ok(false);
        }
        if let Some(nats) = &self.nats {
            nats.publish_mark(row.try_get(3)?).await?;
        }
        Ok(true)
    }
}

async fn within<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(ANSWER_WITHIN, work).await {
        Ok(done) => done,
        Err(_) => Err(Failure::internal("no answer in time")),
    }
}
