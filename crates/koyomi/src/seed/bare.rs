//! Filling tables without their indexes and building those at the end: the default load in 55 s instead of 96 (debug
//! build, two cores).

use kernel::Result;
use sqlx::AssertSqlSafe;
use store::Conn;

/// What was taken away, as statements that bring it back.
#[derive(Debug)]
pub(super) struct Bare(Vec<String>);

/// Foreign keys and exclusions first (an exclusion brings its index along), then indexes that stand for no constraint.
/// Primary keys and unique constraints stay. Read from the catalog: migrations remain the one place that knows them.
const TAKEN: &str = "
    select format('alter table %s drop constraint %I', conrelid::regclass, conname),
           format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    from (select * from pg_constraint
          where contype in ('f', 'x') and connamespace = current_schema()::regnamespace order by conname) c
    union all
    select format('drop index %s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid)
    from pg_index i join pg_class c on c.oid = i.indexrelid
    where c.relnamespace = current_schema()::regnamespace
      and not exists (select from pg_constraint k where k.conindid = i.indexrelid)";

/// Until [`Bare::dress`], in the same transaction: others wait for these tables, and a failure leaves them as they were.
pub(super) async fn strip(conn: &mut Conn) -> Result<Bare> {
    // Building an index takes longer than any request may.
    sqlx::query("set local statement_timeout = 0").execute(&mut *conn).await?;
    let taken: Vec<(String, String)> = sqlx::query_as(TAKEN).fetch_all(&mut *conn).await?;
    let mut back = Vec::with_capacity(taken.len());
    for (drop, create) in taken {
        run(conn, drop).await?;
        back.push(create);
    }
    // Indexes before the foreign keys that look things up in them.
    back.reverse();
    Ok(Bare(back))
}

impl Bare {
    pub(super) async fn dress(self, conn: &mut Conn) -> Result<()> {
        for statement in self.0 {
            run(conn, statement).await?;
        }
        Ok(())
    }
}

/// The catalog's own words.
async fn run(conn: &mut Conn, statement: String) -> Result<()> {
    sqlx::query(AssertSqlSafe(statement)).persistent(false).execute(conn).await?;
    Ok(())
}
