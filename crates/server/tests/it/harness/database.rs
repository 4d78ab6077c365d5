use std::future::Future;
use std::process::id;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use store::{Settings, Store};

/// A migrated, empty database for one test.
pub struct Database {
    name: String,
    reusable: bool,
}

static TEMPLATE: OnceLock<String> = OnceLock::new();
static COUNTER: AtomicU32 = AtomicU32::new(0);
/// Emptied after use: creating and dropping one costs PostgreSQL a second of checkpoints, emptying it some milliseconds.
/// Those left here when the process ends are dropped by the next run.
static FREE: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl Database {
    /// One that another test may have used before and left empty.
    pub fn take() -> Self {
        let free = FREE.lock().unwrap().pop();
        let name = free.unwrap_or_else(clone);
        Self { name, reusable: true }
    }

    /// One that nobody has used or will use again: for tests that fill it, change its schema or look at its plans.
    pub fn fresh() -> Self {
        let name = clone();
        Self { name, reusable: false }
    }

    pub fn url(&self) -> String {
        url_of(&self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let name = self.name.clone();
        if self.reusable {
            blocking(empty(&name));
            FREE.lock().unwrap().push(name);
        } else {
            blocking(async {
                run(&mut connect(&server_url()).await, format!("drop database {name} with (force)")).await;
            });
        }
    }
}

fn clone() -> String {
    let template = TEMPLATE.get_or_init(template);
    let name = format!("koyomi_test_{}_{}", id(), COUNTER.fetch_add(1, Ordering::Relaxed));
    let statement = format!("create database {name} template {template} strategy wal_log");
    blocking(async { run(&mut connect(&server_url()).await, statement).await });
    name
}

/// Ends what still runs on behalf of the test, then removes every row.
async fn empty(name: &str) {
    let mut conn = connect(&url_of(name)).await;
    for statement in [
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()",
        // Neither foreign keys nor their order matter when everything goes.
        "set session_replication_role = replica",
        "do $$
         declare t text;
         begin
             for t in select format('%I', relname) from pg_class c join pg_namespace n on n.oid = relnamespace
                      where nspname = 'public' and relkind in ('r', 'p') and relname not in ('_sqlx_migrations', 'deploy', 'bus')
             loop execute 'delete from ' || t; end loop;
         end $$",
        "update deploy set epoch = 1, bound_ms = 0, outbox = true where epoch <> 1 or bound_ms <> 0 or not outbox",
    ] {
        run(&mut conn, statement.to_owned()).await;
    }
}

/// Made once for each state of the migrations and kept, so that the next run finds it. The lock lets one process of
/// several make it.
fn template() -> String {
    blocking(async {
        let mut conn = connect(&server_url()).await;
        sqlx::query("select pg_advisory_lock(727)").execute(&mut conn).await.unwrap();
        drop_leftovers(&mut conn).await;
        let name = format!("koyomi_template_{}", &migrations_hash()[..16]);
        let exists: bool =
            sqlx::query_scalar("select exists (select from pg_database where datname = $1 and datistemplate)")
                .bind(&name)
                .fetch_one(&mut conn)
                .await
                .unwrap();
        if !exists {
            run(&mut conn, format!("drop database if exists {name} with (force)")).await;
            run(&mut conn, format!("create database {name}")).await;
            Store::migrate(&Settings::new(url_of(&name))).await.expect("the migrations run");
            // The mark of a finished one.
            run(&mut conn, format!("alter database {name} is_template true")).await;
        }
        sqlx::query("select pg_advisory_unlock(727)").execute(&mut conn).await.unwrap();
        name
    })
}

/// What a killed run left behind: databases of processes that are gone.
async fn drop_leftovers(conn: &mut PgConnection) {
    let names: Vec<String> =
        sqlx::query_scalar("select datname from pg_database where datname like 'koyomi\\_test\\_%'")
            .fetch_all(&mut *conn)
            .await
            .unwrap();
    for name in names {
        let pid = name.split('_').nth(2).unwrap_or_default();
        if !std::path::Path::new(&format!("/proc/{pid}")).exists() {
            run(conn, format!("drop database if exists {name} with (force)")).await;
        }
    }
}

fn migrations_hash() -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut hasher = blake3::Hasher::new();
    for file in files {
        hasher.update(&std::fs::read(file).unwrap());
    }
    hasher.finalize().to_string()
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.expect("KOYOMI_TEST_DATABASE_URL cannot be reached")
}

async fn run(conn: &mut PgConnection, statement: String) {
    sqlx::query(AssertSqlSafe(statement.clone()))
        .execute(conn)
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
}

/// On a thread of its own: tests are inside a runtime already, and so is dropping.
fn blocking<T: Send>(work: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        scope
            .spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(work)
            })
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn server_url() -> String {
    std::env::var("KOYOMI_TEST_DATABASE_URL").expect(
        "set KOYOMI_TEST_DATABASE_URL to a superuser's URL of a PostgreSQL for tests, or run ./dev test \
         (with ./dev pg start: export KOYOMI_TEST_DATABASE_URL=$(./dev pg url postgres))",
    )
}

fn url_of(database: &str) -> String {
    let url = server_url();
    let (server, _) = url.rsplit_once('/').expect("a URL that ends in /database");
    format!("{server}/{database}")
}
