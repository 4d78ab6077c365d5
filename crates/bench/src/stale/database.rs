//! A database of the storm's own, which belongs to a role that is no superuser.

use anyhow::{Context, anyhow};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

pub(crate) struct Database {
    server: String,
    name: String,
    /// For koyomi.
    pub url: String,
    /// For the storm itself.
    pub superuser_url: String,
}

const ROLE: &str = "koyomi_storm";

impl Database {
    /// Made anew, empty.
    pub(crate) async fn create(server: &str, number: usize, tablespace: Option<&str>) -> anyhow::Result<Self> {
        let name = format!("koyomi_storm_{}_{number}", std::process::id());
        let odd = || anyhow!("--database-url is not postgres://user:password@host:port/database");
        let (scheme, rest) = server.split_once("://").ok_or_else(odd)?;
        let (credentials, rest) = rest.rsplit_once('@').ok_or_else(odd)?;
        let (_, password) = credentials.split_once(':').ok_or_else(odd)?;
        let (host, _) = rest.split_once('/').ok_or_else(odd)?;
        let mut conn = PgConnection::connect(server).await.context("--database-url cannot be reached")?;
        let has_role: bool = sqlx::query_scalar("select exists (select from pg_roles where rolname = $1)")
            .bind(ROLE)
            .fetch_one(&mut conn)
            .await?;
        let place = tablespace.map_or_else(String::new, |tablespace| format!(" tablespace {tablespace}"));
        let verb = if has_role { "alter" } else { "create" };
        for statement in [
            format!("{verb} role {ROLE} login password '{}'", password.replace('\'', "''")),
            format!("drop database if exists {name} with (force)"),
            format!("create database {name} owner {ROLE}{place}"),
        ] {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut conn).await?;
        }
        Ok(Self {
            server: server.to_owned(),
            url: format!("{scheme}://{ROLE}:{password}@{host}/{name}"),
            superuser_url: format!("{scheme}://{credentials}@{host}/{name}"),
            name,
        })
    }

    pub(crate) async fn connect(&self) -> anyhow::Result<PgConnection> {
        let mut conn = PgConnection::connect(&self.superuser_url).await?;
        sqlx::query("set application_name = 'storm'").execute(&mut conn).await?;
        Ok(conn)
    }

    pub(crate) async fn remove(self) -> anyhow::Result<()> {
        let mut conn = PgConnection::connect(&self.server).await?;
        let statement = format!("drop database if exists {} with (force)", self.name);
        sqlx::query(AssertSqlSafe(statement)).execute(&mut conn).await?;
        Ok(())
    }
}
