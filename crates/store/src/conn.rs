use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{Either, Execute, Executor, PgConnection, Postgres, SqlStr, Transaction};

use crate::stats::Timer;

/// A connection that counts. Every statement of the product goes through one.
#[derive(Debug)]
pub struct Conn {
    inner: Inner,
    /// A statement failed. Inside a transaction PostgreSQL then answers COMMIT with ROLLBACK and no error, so the
    /// transaction must know.
    failed: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Inner {
    Pooled(PoolConnection<Postgres>),
    InTransaction(Transaction<'static, Postgres>),
}

impl Conn {
    pub(crate) fn pooled(conn: PoolConnection<Postgres>) -> Self {
        Self { inner: Inner::Pooled(conn), failed: Arc::default() }
    }

    pub(crate) fn in_transaction(tx: Transaction<'static, Postgres>) -> Self {
        Self { inner: Inner::InTransaction(tx), failed: Arc::default() }
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// The driver's connection, uncounted: for COPY.
    pub fn raw(&mut self) -> &mut PgConnection {
        match &mut self.inner {
            Inner::Pooled(conn) => conn,
            Inner::InTransaction(tx) => tx,
        }
    }

    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        match self.inner {
            Inner::Pooled(_) => Ok(()),
            Inner::InTransaction(tx) => tx.commit().await,
        }
    }
}

impl<'c> Executor<'c> for &'c mut Conn {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let timer = Timer::start();
        let failed = Arc::clone(&self.failed);
        self.raw()
            .fetch_many(query)
            .inspect(move |step| {
                let _until_the_last_row = &timer;
                if step.is_err() {
                    failed.store(true, Ordering::Relaxed);
                }
            })
            .boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let timer = Timer::start();
        let failed = Arc::clone(&self.failed);
        self.raw()
            .fetch_optional(query)
            .inspect(move |row| {
                drop(timer);
                if row.is_err() {
                    failed.store(true, Ordering::Relaxed);
                }
            })
            .boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, sqlx::Error>>
    where
        'c: 'e,
    {
        self.raw().prepare_with(sql, parameters)
    }

    #[doc(hidden)]
    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<sqlx::Describe<Postgres>, sqlx::Error>>
    where
        'c: 'e,
    {
        self.raw().describe(sql)
    }
}
