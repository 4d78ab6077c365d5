//! Which databases koyomi does not start on.

use kernel::{Clock, Failure, Ids};
use sqlx::AssertSqlSafe;

use crate::harness::{self, Harness};

async fn started_after(koyomi: &Harness, change: &str) -> Result<(), Failure> {
    sqlx::raw_sql(AssertSqlSafe(change.to_owned())).execute(&mut koyomi.sql().await).await.unwrap();
    let settings = server::Settings::new(store::Settings::new(koyomi.database_url()));
    server::App::open(settings, Clock::System, Ids::random(Clock::System)).await.map(drop)
}

#[tokio::test]
async fn a_schema_that_is_older_than_the_program_is_refused_and_a_newer_one_is_not() {
    let koyomi = harness::start_on_fresh_database().await;
    // As during a deployment, in which the next version has migrated already.
    let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                 values (9999, 'of the next version', true, '', 0)";
    started_after(&koyomi, newer).await.unwrap();
    let older = "delete from _sqlx_migrations where version in (9999, (select max(version) from _sqlx_migrations where version < 9999))";
    let refused = started_after(&koyomi, older).await.unwrap_err();
    assert_eq!(refused.code(), "not_migrated");
    assert!(refused.to_string().contains("koyomi migrate"), "{refused}");
}

#[tokio::test]
async fn a_database_of_another_server_is_refused() {
    let koyomi = harness::start_on_fresh_database().await;
    let refused = started_after(&koyomi, "update deploy set system_identifier = '1'").await.unwrap_err();
    assert_eq!(refused.code(), "another_database");
    let none = started_after(&koyomi, "drop table deploy").await.unwrap_err();
    assert_eq!(none.code(), "not_migrated");
}
