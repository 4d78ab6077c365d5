use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement};

use crate::answer::{Answer, Refusal};

/// Connections, each for one request at a time.
#[derive(Clone)]
pub(crate) struct Pool {
    idle: Arc<Mutex<Vec<Db>>>,
    free: Arc<Semaphore>,
}

/// A connection that is somebody's until he drops it.
pub(crate) struct Lent {
    db: Option<Db>,
    idle: Arc<Mutex<Vec<Db>>>,
    _free: OwnedSemaphorePermit,
}

/// A connection and what is prepared on it.
pub(crate) struct Db {
    client: Client,
    prepared: HashMap<&'static str, Statement>,
}

pub(crate) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

impl Pool {
    pub(crate) async fn connect(url: &str, connections: usize) -> anyhow::Result<Self> {
        let mut idle = Vec::with_capacity(connections);
        for _ in 0..connections {
            idle.push(Db::connect(url).await?);
        }
        Ok(Self { idle: Arc::new(Mutex::new(idle)), free: Arc::new(Semaphore::new(connections)) })
    }

    /// Runs `work` with a connection, in a task of its own: whoever hangs up leaves no transaction open.
    pub(crate) async fn run<T, Work>(&self, work: impl FnOnce(Lent) -> Work + Send + 'static) -> Answer<T>
    where
        T: Send + 'static,
        Work: Future<Output = Answer<T>> + Send,
    {
        let pool = self.clone();
        tokio::spawn(async move { work(pool.lend().await?).await }).await?
    }

    async fn lend(&self) -> Answer<Lent> {
        let free = Arc::clone(&self.free).acquire_owned().await?;
        let db = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Ok(Lent { db, idle: Arc::clone(&self.idle), _free: free })
    }
}

impl Lent {
    pub(crate) fn db(&mut self) -> Answer<&mut Db> {
        Ok(self.db.as_mut().context("a connection")?)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(self.db.take());
    }
}

impl Db {
    async fn connect(url: &str) -> anyhow::Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        // Before the RFC there was no index to read alone. JIT is as off as it is for koyomi.
        client.batch_execute("set jit = off; set enable_indexonlyscan = off").await?;
        Ok(Self { client, prepared: HashMap::new() })
    }

    pub(crate) async fn all(&mut self, sql: &'static str, params: Params<'_>) -> Answer<Vec<Row>> {
        let statement = match self.prepared.entry(sql) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(new) => new.insert(self.client.prepare(sql).await?).clone(),
        };
        Ok(self.client.query(&statement, params).await?)
    }

    pub(crate) async fn first(&mut self, sql: &'static str, params: Params<'_>) -> Answer<Option<Row>> {
        Ok(self.all(sql, params).await?.into_iter().next())
    }

    /// As [`Db::first`] for what has to be there, and is called `what`.
    pub(crate) async fn found(&mut self, what: &'static str, sql: &'static str, params: Params<'_>) -> Answer<Row> {
        self.first(sql, params).await?.ok_or(Refusal::NotFound(what))
    }

    /// `begin`, `commit` or `rollback`.
    pub(crate) async fn say(&mut self, word: &'static str) -> Answer<()> {
        Ok(self.client.batch_execute(word).await?)
    }
}
