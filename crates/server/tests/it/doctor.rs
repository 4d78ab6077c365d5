//! `koyomi doctor`: the binary, against databases in which something is wrong.

use std::process::Command;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection};

use crate::harness::{self, Harness};
use crate::make::items;
use crate::redis::Redis;

/// What it said, and whether it found nothing but what is right.
struct Told {
    succeeded: bool,
    json: Value,
}

impl Told {
    fn finding(&self, about: &str) -> &Value {
        let all = self.json["findings"].as_array().unwrap();
        all.iter().find(|finding| finding["about"] == about).unwrap_or_else(|| panic!("no {about} in {all:#?}"))
    }

    fn level(&self, about: &str) -> &str {
        self.finding(about)["level"].as_str().unwrap()
    }

    fn found(&self, about: &str) -> &str {
        self.finding(about)["found"].as_str().unwrap()
    }

    fn advice(&self, about: &str) -> &str {
        self.finding(about)["advice"].as_str().unwrap_or_else(|| panic!("nothing to do about {about}"))
    }
}

fn run(database: &str, options: &[&str]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_koyomi"));
    command.arg("doctor").args(options).env_clear().env("DATABASE_URL", database).output().unwrap()
}

async fn doctor_at(database: String, options: &[&str]) -> Told {
    let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
    let asked = tokio::task::spawn_blocking(move || {
        let mut all = vec!["--json"];
        all.extend(options.iter().map(String::as_str));
        run(&database, &all)
    });
    let output = asked.await.unwrap();
    let told = || String::from_utf8_lossy(&output.stderr).into_owned();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", told()));
    let succeeded = output.status.success();
    assert_eq!(json["ok"], succeeded, "the exit code is what `ok` says");
    Told { succeeded, json }
}

async fn doctor(koyomi: &Harness, options: &[&str]) -> Told {
    doctor_at(koyomi.database_url(), options).await
}

/// On a connection that is closed afterwards: only then all of it has been counted.
async fn plant(koyomi: &Harness, statements: &[&str]) {
    let mut sql = koyomi.sql().await;
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe((*statement).to_owned())).execute(&mut sql).await.unwrap();
    }
    sql.close().await.unwrap();
}

fn name_of(koyomi: &Harness) -> String {
    koyomi.database_url().rsplit_once('/').unwrap().1.to_owned()
}

#[tokio::test]
async fn a_database_as_it_should_be_has_no_errors() {
    let koyomi = harness::start_on_fresh_database().await;
    let told = doctor(&koyomi, &[]).await;
    assert!(told.succeeded, "{:#}", told.json);
    for about in [
        "fsync",
        "synchronous_commit",
        "default_transaction_isolation",
        "idle_in_transaction_session_timeout",
        "server_version",
        "primary",
        "sessions",
        "connections",
        "migrations",
        "triggers_off",
        "indexes_invalid",
        "constraints_unproven",
        "history",
        "outbox",
        "dead_rows",
    ] {
        assert_eq!(told.level(about), "ok", "{about}: {}", told.found(about));
    }
    let text = run(&koyomi.database_url(), &[]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.lines().any(|line| line == "ok"), "{text}");
    assert!(!text.lines().any(|line| line == "error"), "{text}");
}

#[tokio::test]
async fn an_index_that_nobody_reads_is_named() {
    let koyomi = harness::start_on_fresh_database().await;
    plant(&koyomi, &["create index planted on events (title, created_at)"]).await;
    let told = doctor(&koyomi, &[]).await;
    assert!(told.succeeded);
    assert!(
        told.found("indexes_unused").contains("planted (16 kB)")
            || told.found("indexes_unused").contains("planted (8 kB)")
    );
    let items = items(&told.json["indexes"]);
    let find = |name: &str| items.iter().find(|index| index["name"] == name).unwrap_or_else(|| panic!("no {name}"));
    assert_eq!((&find("planted")["unused"], &find("planted")["kind"]), (&true.into(), &"plain".into()));
    // Nobody has read these either; they keep promises.
    for (name, kind) in [("reservations_no_overlap", "constraint"), ("events_pkey", "primary")] {
        assert_eq!((&find(name)["unused"], &find(name)["kind"]), (&false.into(), &kind.into()), "{name}");
    }
    plant(&koyomi, &["set enable_seqscan = off; select from events where title = 'x'"]).await;
    let told = doctor(&koyomi, &[]).await;
    assert!(!told.found("indexes_unused").contains("planted"), "{}", told.found("indexes_unused"));
}

#[tokio::test]
async fn settings_of_the_database_alone_are_seen_and_how_to_take_them_back() {
    let koyomi = harness::start_on_fresh_database().await;
    let name = name_of(&koyomi);
    plant(
        &koyomi,
        &[
            &format!("alter database {name} set synchronous_commit = off"),
            &format!("alter database {name} set default_transaction_isolation = 'serializable'"),
        ],
    )
    .await;
    let told = doctor(&koyomi, &[]).await;
    assert!(!told.succeeded);
    assert_eq!((told.level("synchronous_commit"), told.found("synchronous_commit")), ("error", "off (database)"));
    let advice = format!("alter database {name} reset synchronous_commit");
    assert!(told.advice("synchronous_commit").starts_with(&advice), "{}", told.advice("synchronous_commit"));
    assert_eq!(told.level("default_transaction_isolation"), "error");
    assert_eq!(told.level("fsync"), "ok");

    let output = run(&koyomi.database_url(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("error\n"), "the worst comes first: {text}");
    assert!(text.contains(&format!("      to do: {advice}")), "{text}");

    plant(&koyomi, &[&advice, &format!("alter database {name} reset default_transaction_isolation")]).await;
    assert!(doctor(&koyomi, &[]).await.succeeded, "what was advised has helped");
}

#[tokio::test]
async fn a_schema_that_is_not_whole_is_an_error() {
    let koyomi = harness::start_on_fresh_database().await;
    plant(
        &koyomi,
        &[
            "alter table reservations disable trigger reservations_updated",
            "update pg_index set indisvalid = false where indexrelid = 'users_tenant_name'::regclass",
            "alter table users add constraint planted check (version > 0) not valid",
            "update deploy set outbox = false",
        ],
    )
    .await;
    let told = doctor(&koyomi, &["--reads", "bounded:500ms"]).await;
    assert!(!told.succeeded);
    assert_eq!((told.level("triggers_off"), told.found("triggers_off")), ("error", "reservations_updated"));
    assert_eq!((told.level("indexes_invalid"), told.found("indexes_invalid")), ("error", "users_tenant_name"));
    assert_eq!((told.level("constraints_unproven"), told.found("constraints_unproven")), ("warning", "planted"));
    assert_eq!(told.level("outbox"), "error", "of instances that answer from memory");
    assert_eq!(doctor(&koyomi, &[]).await.level("outbox"), "warning", "of those that do not");

    plant(&koyomi, &["update deploy set system_identifier = '1'"]).await;
    let told = doctor(&koyomi, &[]).await;
    assert_eq!(told.level("history"), "error");
    assert!(told.advice("history").contains("koyomi epoch --new"));

    plant(&koyomi, &["delete from _sqlx_migrations where version = 11"]).await;
    let told = doctor(&koyomi, &[]).await;
    assert_eq!((told.level("migrations"), told.found("migrations")), ("error", "missing: 11"));
    assert_eq!(told.advice("migrations"), "run `koyomi migrate`");
    plant(&koyomi, &["drop table _sqlx_migrations"]).await;
    assert!(doctor(&koyomi, &[]).await.found("migrations").starts_with("missing: 1, 2, 3"));
}

#[tokio::test]
async fn statements_are_told_where_they_are_counted_and_how_to_count_them_where_not() {
    let koyomi = harness::start_on_fresh_database().await;
    let told = doctor(&koyomi, &[]).await;
    assert_eq!(told.level("statements"), "warning");
    assert!(told.advice("statements").starts_with("create extension pg_stat_statements"));
    assert!(told.json["statements"].is_null());

    plant(&koyomi, &["create extension pg_stat_statements", "create role planted_of_koyomi password 'secret'"]).await;
    plant(&koyomi, &["drop role planted_of_koyomi"]).await;
    plant(&koyomi, &["select 'secret', pg_sleep(0.11)"; 10]).await;
    let told = doctor(&koyomi, &[]).await;
    assert_eq!(told.level("statements"), "warning");
    assert!(told.found("statements").contains("select $1, pg_sleep($2)"), "{}", told.found("statements"));
    let all = told.json["statements"]["statements"].as_array().unwrap();
    let slow = all.iter().find(|statement| statement["text"] == "select $1, pg_sleep($2)").unwrap();
    assert_eq!((&slow["calls"], &slow["rows"]), (&10.into(), &10.into()));
    assert!(!told.json.to_string().contains("secret"), "what somebody wrote is not told");
}

#[tokio::test]
async fn dead_rows_and_sparse_indexes_are_seen() {
    let koyomi = harness::start_on_fresh_database().await;
    plant(
        &koyomi,
        &[
            "create table planted (n int) with (autovacuum_enabled = off)",
            "insert into planted select generate_series(1, 500000)",
            "create index planted_n on planted (n)",
            "delete from planted where n % 4 <> 0",
        ],
    )
    .await;
    let told = doctor(&koyomi, &[]).await;
    assert_eq!(told.level("dead_rows"), "warning");
    assert!(told.found("dead_rows").starts_with("planted (75 % of"), "{}", told.found("dead_rows"));
    assert_eq!((told.level("autovacuum_off"), told.found("autovacuum_off")), ("warning", "planted"));
    assert!(told.found("index_bloat").starts_with("not looked at"));

    plant(&koyomi, &["vacuum planted", "create extension pgstattuple"]).await;
    let told = doctor(&koyomi, &[]).await;
    assert_eq!(told.level("dead_rows"), "ok");
    assert_eq!(told.level("index_bloat"), "warning");
    assert!(told.found("index_bloat").starts_with("planted_n ("), "{}", told.found("index_bloat"));
    plant(&koyomi, &["reindex index planted_n"]).await;
    assert_eq!(doctor(&koyomi, &[]).await.level("index_bloat"), "ok");
}

#[tokio::test]
async fn a_role_without_any_right_but_to_read_is_told_most_of_it() {
    let koyomi = harness::start_on_fresh_database().await;
    let role = format!("{}_reader", name_of(&koyomi));
    plant(
        &koyomi,
        &[
            &format!("create role {role} login password 'x'"),
            &format!("grant select on all tables in schema public to {role}"),
            "create extension pg_stat_statements",
        ],
    )
    .await;
    let url = koyomi.database_url();
    let told = doctor_at(format!("postgres://{role}:x@{}", url.split_once('@').unwrap().1), &[]).await;
    plant(&koyomi, &[&format!("drop owned by {role}"), &format!("drop role {role}")]).await;
    assert!(told.succeeded, "{:#}", told.json);
    let findings = told.json["findings"].as_array().unwrap();
    let unread: Vec<&Value> = findings.iter().filter(|f| f["allowed"] == "to be read").collect();
    assert!(unread.is_empty(), "{unread:#?}");
    assert!(told.json["statements"].is_object() && told.json["indexes"].is_object());
}

#[tokio::test]
async fn more_instances_than_there_are_connections_for_are_an_error() {
    let koyomi = harness::start_on_fresh_database().await;
    let told = doctor(&koyomi, &["--instances", "100", "--db-connections", "50", "--head-connections", "3"]).await;
    assert!(!told.succeeded);
    assert_eq!(told.level("connections"), "error");
    assert!(told.found("connections").starts_with("100 × 61 = 6100 of "), "{}", told.found("connections"));
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_an_error_like_any_other() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let told = doctor_at(format!("postgres://x@127.0.0.1:{port}/x"), &[]).await;
    assert!(!told.succeeded);
    assert_eq!(told.level("connection"), "error");
}

#[tokio::test]
async fn redis_is_looked_at_too_and_is_never_an_error() {
    let koyomi = harness::start_on_fresh_database().await;
    let mut redis = Redis::start().await;
    let url = redis.url();
    let told = doctor(&koyomi, &["--redis", &url]).await;
    assert_eq!((told.level("redis"), told.level("redis_memory")), ("ok", "warning"));
    assert_eq!((told.level("redis_eviction"), told.found("redis_eviction")), ("warning", "noeviction"));
    redis.say(&[b"CONFIG", b"SET", b"maxmemory", b"100mb"]).await;
    redis.say(&[b"CONFIG", b"SET", b"maxmemory-policy", b"allkeys-lru"]).await;
    let told = doctor(&koyomi, &["--redis", &url]).await;
    assert_eq!((told.level("redis_memory"), told.level("redis_eviction")), ("ok", "ok"));
    redis.kill();
    let told = doctor(&koyomi, &["--redis", &url]).await;
    assert_eq!(told.level("redis"), "warning");
    assert!(told.succeeded, "koyomi answers without it");
}
