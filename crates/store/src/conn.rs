use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use sqlx::error::BoxDynError;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{Either, Execute, Executor, PgConnection, Postgres, SqlStr, Transaction};
use tracing::debug_span;

use crate::lifeline::Lifeline;
use crate::stats::Timer;

/// A connection that counts. Every statement of the product goes through one.
#[derive(Debug)]
pub struct Conn {
    inner: Inner,
    /// A statement failed. Inside a transaction PostgreSQL then answers COMMIT with ROLLBACK and no error, so the
    /// transaction must know.
    failed: Arc<AtomicBool>,
    lifeline: Lifeline,
}

#[derive(Debug)]
enum Inner {
    Pooled(PoolConnection<Postgres>),
    InTransaction(Transaction<'static, Postgres>),
}

impl Conn {
    pub(crate) fn pooled(conn: PoolConnection<Postgres>, lifeline: Lifeline) -> Self {
        Self { inner: Inner::Pooled(conn), failed: Arc::default(), lifeline }
    }

    pub(crate) fn in_transaction(tx: Transaction<'static, Postgres>, lifeline: Lifeline) -> Self {
        Self { inner: Inner::InTransaction(tx), failed: Arc::default(), lifeline }
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
            Inner::InTransaction(tx) => {
                let _span = debug_span!("commit", otel.kind = "client", db.system.name = "postgresql");
                self.lifeline.hold(tx.commit()).await
            }
        }
    }
}

/// A statement as it was given to us, taken apart once so that its text can be told.
struct Statement {
    sql: SqlStr,
    arguments: Result<Option<PgArguments>, BoxDynError>,
    persistent: bool,
}

impl Statement {
    fn of<'q>(mut query: impl Execute<'q, Postgres>) -> Self {
        let (arguments, persistent) = (query.take_arguments(), query.persistent());
        Self { sql: query.sql(), arguments, persistent }
    }
}

impl Execute<'_, Postgres> for Statement {
    fn sql(self) -> SqlStr {
        self.sql
    }

    fn statement(&self) -> Option<&PgStatement> {
        None
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, BoxDynError> {
        std::mem::replace(&mut self.arguments, Ok(None))
    }

    fn persistent(&self) -> bool {
        self.persistent
    }
}

impl<'c> Executor<'c> for &'c mut Conn {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let query = Statement::of(query);
        let timer = Timer::start(query.sql.as_str());
        let failed = Arc::clone(&self.failed);
        let lifeline = self.lifeline.clone();
        lifeline
            .hold_each(self.raw().fetch_many(query))
            .inspect(move |step| {
                // The timer runs until the last row.
                if step.is_err() {
                    failed.store(true, Ordering::Relaxed);
                    timer.failed();
                }
            })
            .boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let query = Statement::of(query);
        let timer = Timer::start(query.sql.as_str());
        let failed = Arc::clone(&self.failed);
        let lifeline = self.lifeline.clone();
        async move { lifeline.hold(self.raw().fetch_optional(query)).await }
            .inspect(move |row| {
                if row.is_err() {
                    failed.store(true, Ordering::Relaxed);
                    timer.failed();
                }
                drop(timer);
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
