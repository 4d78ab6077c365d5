//! Connections that have died without anybody being told: a firewall has lost its table, a cable its other end. TCP finds out
//! after a quarter of an hour, or never. What waits for an answer on one of them waits as long, and so does whoever waits for
//! the locks of its transaction.
//!
//! One connection does nothing but ask what time it is, twice a second: all instances go by that clock. When it hears nothing,
//! others are tried beside it. The first that is answered asks the database whether anything has arrived over what was connected
//! before, since then. If so, only the pulse is late (a machine with more to do than it can, a backend that stands still), and
//! it is waited for. If not, all of that is lost: whoever waits on such a connection is told so, the pools are made anew, and the
//! database is told to end the sessions. A pulse that has ended, and takes a second to be made anew, is a reason to ask the same of
//! those that are still open: nobody listened while the network may have been silent.

use std::future::Future;
use std::io;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures::stream::{self, FuturesUnordered, Stream, StreamExt};
use kernel::Shared;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection, PgConnection};
use tokio::sync::watch;

use crate::deploy::recognise;

/// How often it is asked whether the database answers.
const BEAT: Duration = Duration::from_millis(500);
/// Who hears nothing for so long tries another connection.
const PATIENCE: Duration = Duration::from_secs(1);
/// After so long another one is tried beside it, and from then on with every beat.
const AGAIN: Duration = Duration::from_millis(250);
/// Who has found none for so long says why.
const TELL_AFTER: Duration = Duration::from_secs(10);
/// How long one may take: when a database is back, everybody connects at once, and a second is not enough.
const CONNECTED_WITHIN: Duration = Duration::from_secs(5);
/// When the database answers others, what is on its way to the old connections arrives within this.
const GRACE: Duration = Duration::from_millis(300);
/// Has the database notice within half a minute, not after two hours, that a client has vanished, whose locks it keeps.
pub const KEEPALIVE: [(&str, &str); 4] = [
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "20000"),
];
/// Sessions that are remembered; of older ones hardly any is open any more.
const REMEMBERED: usize = 1024;

/// The pools of this process, and what is needed to make them anew.
#[derive(Debug)]
pub(crate) struct Pools {
    now: RwLock<Now>,
    generation: watch::Sender<u64>,
    main: Plan,
    background: Plan,
    pub known: Arc<Known>,
}

#[derive(Debug, Clone)]
struct Now {
    main: PgPool,
    background: PgPool,
}

/// How a pool is made.
#[derive(Debug)]
pub(crate) struct Plan {
    pub options: PgConnectOptions,
    pub pool: PgPoolOptions,
}

impl Plan {
    /// Connects when it is first needed.
    fn make(&self) -> PgPool {
        self.pool.clone().connect_lazy_with(self.options.clone())
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Which {
    Main,
    Background,
}

/// What is learnt of each new connection.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The newest epoch that any statement of this process has seen.
    pub epoch: AtomicI64,
    /// What time it is there.
    pub time: OnceLock<Shared>,
    sessions: Mutex<Vec<Session>>,
}

#[derive(Debug)]
struct Session {
    pid: i32,
    began: DateTime<Utc>,
    learnt: Instant,
}

impl Known {
    /// It was so late there when it answered what was asked at `asked`.
    pub(crate) fn time(&self, time: DateTime<Utc>, asked: Instant) {
        let heard = Instant::now();
        self.time.get_or_init(|| Shared::new(time, heard)).tell(time, asked, heard);
    }

    pub(crate) fn session(&self, pid: i32, began: DateTime<Utc>) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() == REMEMBERED {
            sessions.drain(..REMEMBERED / 2);
        }
        sessions.push(Session { pid, began, learnt: Instant::now() });
    }

    /// Those that were learnt of by then.
    fn before(&self, at: Instant) -> (Vec<i32>, Vec<DateTime<Utc>>) {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.iter().filter(|session| session.learnt <= at).map(|session| (session.pid, session.began)).unzip()
    }

    fn forget(&self, at: Instant) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).retain(|session| session.learnt > at);
    }
}

/// Whether what was connected when it was made is known to be lost.
#[derive(Debug, Clone)]
pub struct Lifeline {
    born: u64,
    now: watch::Receiver<u64>,
}

impl Lifeline {
    pub fn is_lost(&self) -> bool {
        *self.now.borrow() > self.born
    }

    async fn lost(mut self) {
        let born = self.born;
        if self.now.wait_for(|now| *now > born).await.is_err() {
            // Nobody is left who could find out.
            std::future::pending::<()>().await;
        }
    }

    /// Waits for an answer, but not for one that is known not to come.
    ///
    /// # Errors
    /// An I/O error when the connection is lost.
    pub fn hold<'a, T, E: From<sqlx::Error>>(
        &'a self,
        work: impl Future<Output = Result<T, E>> + Send + 'a,
    ) -> impl Future<Output = Result<T, E>> + Send + 'a {
        // Boxed: whoever waits for a statement would have room for it in his own future, over and over.
        let work = Box::pin(work);
        async move {
            tokio::select! {
                biased;
                done = work => match done {
                    // Whatever was said of it: it was lost.
                    Err(_) if self.is_lost() => Err(lost().into()),
                    done => done,
                },
                () = self.clone().lost() => Err(lost().into()),
            }
        }
    }

    /// The same for one item after the other.
    pub(crate) fn hold_each<'a, T: 'a>(
        &self,
        mut items: impl Stream<Item = Result<T, sqlx::Error>> + Unpin + Send + 'a,
    ) -> impl Stream<Item = Result<T, sqlx::Error>> + Send + 'a {
        let mut over = Some(Box::pin(self.clone().lost()));
        stream::poll_fn(move |context| {
            use std::task::Poll;
            let Some(waiting) = &mut over else { return Poll::Ready(None) };
            match items.poll_next_unpin(context) {
                Poll::Pending => waiting.as_mut().poll(context).map(|()| {
                    over = None;
                    Some(Err(lost()))
                }),
                ready => ready,
            }
        })
    }
}

fn lost() -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the connection was lost, and nobody was told"))
}

impl Pools {
    pub(crate) fn new(main: Plan, background: Plan, known: Arc<Known>) -> Self {
        let now = Now { main: main.make(), background: background.make() };
        Self { now: RwLock::new(now), generation: watch::channel(0).0, main, background, known }
    }

    /// A pool, and how to find out that its connections are lost.
    pub(crate) fn pool(&self, which: Which) -> (PgPool, Lifeline) {
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        let pool = match which {
            Which::Main => &now.main,
            Which::Background => &now.background,
        };
        // Under the lock: both are of one generation.
        (pool.clone(), self.lifeline())
    }

    pub(crate) fn lifeline(&self) -> Lifeline {
        let now = self.generation.subscribe();
        let born = *now.borrow();
        Lifeline { born, now }
    }

    pub(crate) async fn close(&self) {
        let (main, background) = (self.pool(Which::Main).0, self.pool(Which::Background).0);
        futures::join!(main.close(), background.close());
    }

    /// Everything that there is besides `conn` is lost. Some of it may have been connected since it was asked for the old ones: it
    /// comes out of the same pools, so that its users are told so, too, and what they hold would stay with nobody.
    async fn lose(&self, conn: &mut PgConnection) {
        let now = Instant::now();
        let old = {
            let mut pools = self.now.write().unwrap_or_else(PoisonError::into_inner);
            let new = Now { main: self.main.make(), background: self.background.make() };
            self.generation.send_modify(|generation| *generation += 1);
            std::mem::replace(&mut *pools, new)
        };
        tracing::warn!("the connections to the database were lost without a word; they are made anew");
        // What is in use there is given up by who uses it.
        tokio::spawn(async move {
            let closing = futures::future::join(old.main.close(), old.background.close());
            let _ = tokio::time::timeout(GRACE, closing).await;
        });
        let (pids, began) = self.known.before(now);
        let ended = sqlx::query(END).bind(pids).bind(began).execute(conn);
        match tokio::time::timeout(PATIENCE, ended).await.unwrap_or_else(|_| Err(lost())) {
            Ok(_) => self.known.forget(now),
            Err(error) => tracing::warn!(
                %error,
                "the lost sessions could not be ended: their locks stay until the database notices, or the next loss"
            ),
        }
    }

    /// What the database knows of what was connected by `then`.
    async fn ask_of(&self, then: Instant, since: DateTime<Utc>, conn: &mut PgConnection) -> Option<Old> {
        let (pids, began) = self.known.before(then);
        let asking = sqlx::query_as(OLD).bind(pids).bind(began).bind(since).fetch_one(conn);
        let (open, heard) = tokio::time::timeout(PATIENCE, asking).await.ok()?.ok()?;
        Some(Old { open, heard })
    }
}

/// As long as it is under way, it keeps no pools.
async fn connect(options: PgConnectOptions, known: Arc<Known>) -> Result<PgConnection, String> {
    let connecting = async {
        let mut conn = PgConnection::connect_with(&options).await.map_err(|error| error.to_string())?;
        recognise(&mut conn, &known).await.map_err(|error| error.to_string())?;
        Ok(conn)
    };
    let connected = tokio::time::timeout(CONNECTED_WITHIN, connecting).await;
    connected.unwrap_or_else(|_| Err(format!("no answer within {CONNECTED_WITHIN:?}")))
}

/// Sessions, as the database sees them.
#[derive(Debug)]
struct Old {
    /// Some of them are there.
    open: bool,
    /// One of them has begun a statement since then: something has arrived.
    heard: bool,
}

const OLD: &str = "select count(*) > 0, coalesce(bool_or(a.query_start > $3), false)
     from unnest($1::int[], $2::timestamptz[]) as ours (pid, began)
     join pg_stat_activity a on a.pid = ours.pid and a.backend_start = ours.began";

/// A session is what has this number and began then: the numbers come again. Who asks is one of them.
const END: &str = "select pg_terminate_backend(a.pid)
     from unnest($1::int[], $2::timestamptz[]) as lost (pid, began)
     join pg_stat_activity a on a.pid = lost.pid and a.backend_start = lost.began
     where a.pid <> pg_backend_pid()";

/// Keeps watch as long as there are pools.
pub(crate) async fn watch_over(pools: Weak<Pools>) {
    let Some(mut pulse) = another(&pools).await else { return };
    loop {
        tokio::time::sleep(BEAT).await;
        let Some(kept) = beat(&pools, pulse).await else { return };
        pulse = match kept {
            Some(conn) => conn,
            None => match anew(&pools).await {
                Some(conn) => conn,
                None => return,
            },
        };
    }
}

/// Another pulse for one that has ended. Where it takes long to connect, the database may be away, or the network silent: then
/// what is open there, and was not heard meanwhile, is lost. None: nobody needs one any more.
async fn anew(pools: &Weak<Pools>) -> Option<PgConnection> {
    let began = Instant::now();
    // A little later: what had been sent before the network went silent is no sign of life. And asked for now: when others have
    // connected, the time is told anew, and nobody knows any more what it was.
    let since = pools.upgrade()?.known.time.get()?.at(began + AGAIN);
    let mut conn = another(pools).await?;
    if began.elapsed() < PATIENCE {
        return Some(conn);
    }
    loop {
        tokio::time::sleep(GRACE).await;
        let strong = pools.upgrade()?;
        match strong.ask_of(began, since, &mut conn).await {
            Some(Old { open: true, heard: false }) => strong.lose(&mut conn).await,
            Some(_) => {}
            None => {
                drop(strong);
                conn = another(pools).await?;
                continue;
            }
        }
        return Some(conn);
    }
}

/// Asks once; answers the connection for the next time. None: nobody needs one any more.
async fn beat(pools: &Weak<Pools>, mut conn: PgConnection) -> Option<Option<PgConnection>> {
    let asked = Instant::now();
    let known = pools.upgrade().map(|pools| Arc::clone(&pools.known))?;
    let mut since = known.time.get()?.at(asked);
    let told = Arc::clone(&known);
    let mut answer = Box::pin(async move {
        let time = sqlx::query_scalar("select pg_catalog.clock_timestamp()").fetch_one(&mut conn).await.ok()?;
        told.time(time, asked);
        Some(conn)
    });
    // Where it has ended, everybody is told so.
    if let Ok(conn) = tokio::time::timeout(PATIENCE, &mut answer).await {
        return Some(conn);
    }
    loop {
        let mut other = tokio::select! {
            conn = &mut answer => return Some(conn),
            other = another(pools) => other?,
        };
        let mut patience = GRACE;
        // As long as it answers, too, it is the one to ask.
        loop {
            if let Ok(conn) = tokio::time::timeout(patience, &mut answer).await {
                return Some(conn);
            }
            let (pools, now) = (pools.upgrade()?, known.time.get()?.at(Instant::now()));
            match pools.ask_of(asked, since, &mut other).await {
                // Not sooner: on a machine with too much to do nobody may begin anything for half a second.
                Some(Old { heard: true, .. }) => (since, patience) = (now, PATIENCE),
                Some(Old { heard: false, .. }) => {
                    pools.lose(&mut other).await;
                    return Some(Some(other));
                }
                None => break,
            }
        }
    }
}

/// One attempt after the other, without waiting for those before: what is sent while nothing arrives may never arrive. None:
/// nobody needs one any more.
async fn another(pools: &Weak<Pools>) -> Option<PgConnection> {
    let (began, mut attempts, mut pause) = (Instant::now(), FuturesUnordered::new(), AGAIN);
    let mut told = false;
    loop {
        {
            let pools = pools.upgrade()?;
            let options = pools.main.options.clone().application_name("koyomi pulse");
            attempts.push(connect(options, Arc::clone(&pools.known)));
        }
        let next = tokio::time::sleep(pause);
        tokio::pin!(next);
        loop {
            tokio::select! {
                Some(attempt) = attempts.next() => match attempt {
                    Ok(conn) => return Some(conn),
                    Err(error) if !told && began.elapsed() >= TELL_AFTER => {
                        told = true;
                        tracing::warn!(error, "nobody can watch over the connections to the database");
                    }
                    Err(_) => {}
                },
                () = &mut next => break,
            }
        }
        pause = BEAT;
    }
}
