//! The server: its version, its clock, who may connect, what waits for it.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::Clock;
use sqlx::{FromRow, PgConnection, Row};

use super::{Finding, Level, Need};

/// What the schema and the statements are written for.
const OLDEST: i32 = 150_000;
/// What runs out goes by the database's clock; what is written down of a request, by the instance's.
const APART: TimeDelta = TimeDelta::seconds(1);
/// Transactions; at 2,147 million PostgreSQL takes no more writes.
const FROZEN: i32 = 1_000_000_000;
/// Nothing of koyomi's lasts so long; what does holds back the removal of dead rows.
const LONG: f64 = 3600.0;

#[derive(Debug, FromRow)]
struct Facts {
    version: i32,
    version_text: String,
    now: DateTime<Utc>,
    recovering: bool,
    max_connections: i32,
    reserved: i32,
    database_limit: i32,
    role_limit: i32,
    used: i64,
    frozen_age: i32,
    oldest_seconds: f64,
    prepared: i64,
    idle_slots: i64,
    standbys: i64,
    synchronous: bool,
}

/// Clocks of PostgreSQL run on within a statement only where they are asked to.
const FACTS: &str = "select
         current_setting('server_version_num')::int as version,
         current_setting('server_version') as version_text,
         clock_timestamp() as now,
         pg_is_in_recovery() as recovering,
         current_setting('max_connections')::int as max_connections,
         current_setting('superuser_reserved_connections')::int
             + coalesce(current_setting('reserved_connections', true)::int, 0) as reserved,
         d.datconnlimit as database_limit,
         r.rolconnlimit as role_limit,
         (select count(*) from pg_stat_activity where backend_type = 'client backend') as used,
         age(d.datfrozenxid) as frozen_age,
         coalesce((select extract(epoch from max(clock_timestamp() - xact_start))::float8 from pg_stat_activity
                   where datname = d.datname and pid <> pg_backend_pid()), 0) as oldest_seconds,
         (select count(*) from pg_prepared_xacts where database = d.datname) as prepared,
         (select count(*) from pg_replication_slots where not active) as idle_slots,
         (select count(*) from pg_stat_replication) as standbys,
         current_setting('synchronous_standby_names') <> ''
             and current_setting('synchronous_commit') in ('on', 'remote_apply') as synchronous
     from pg_database d, pg_roles r
     where d.datname = current_database() and r.rolname = current_user";

pub(super) async fn examine(conn: &mut PgConnection, need: Need, clock: &Clock) -> Result<Vec<Finding>, sqlx::Error> {
    // Planned, so that the clock is asked at once.
    sqlx::query("select 1").execute(&mut *conn).await?;
    let before = clock.now();
    let facts: Facts = sqlx::query_as(FACTS).fetch_one(conn).await?;
    Ok(judge(&facts, need, before, clock.now()))
}

fn judge(facts: &Facts, need: Need, before: DateTime<Utc>, after: DateTime<Utc>) -> Vec<Finding> {
    let if_so = |so: bool, level| so.then_some(level);
    let version = Finding::judged(
        if_so(facts.version < OLDEST, Level::Error),
        "server_version",
        &facts.version_text,
        "15 or newer",
    );
    let recovering = Finding::judged(
        if_so(facts.recovering, Level::Error),
        "primary",
        if facts.recovering { "a standby: it is behind, and takes no writes" } else { "a primary" },
        "a primary",
    );
    let frozen = Finding::judged(
        if_so(facts.frozen_age > FROZEN, Level::Error),
        "transaction_ids",
        format!("{} transactions since the oldest that is not frozen", facts.frozen_age),
        format!("{FROZEN}"),
    );
    let oldest = Finding::judged(
        if_so(facts.oldest_seconds > LONG || facts.prepared > 0, Level::Warning),
        "long_transactions",
        format!("the oldest is open for {:.0} s, {} are prepared", facts.oldest_seconds, facts.prepared),
        "an hour, none prepared",
    );
    let slots = Finding::judged(
        if_so(facts.idle_slots > 0, Level::Warning),
        "replication_slots",
        format!("{} that nobody reads from", facts.idle_slots),
        "none",
    );
    let standbys = Finding::judged(
        if_so(facts.standbys > 0 && !facts.synchronous, Level::Warning),
        "standbys",
        match (facts.standbys, facts.synchronous) {
            (0, _) => "none".to_owned(),
            (standbys, true) => format!("{standbys}, waited for"),
            (standbys, false) => format!("{standbys}, not waited for"),
        },
        "waited for by each commit, where they are to take over",
    );
    vec![
        version.advice("move to a newer PostgreSQL (the schema needs 15)"),
        recovering.advice("point DATABASE_URL to the primary; koyomi never reads from a standby"),
        clock_of(facts.now, before, after),
        connections(facts, need),
        frozen.advice("vacuum (freeze) the oldest tables, and see what holds autovacuum back"),
        oldest.advice("end it (pg_stat_activity, pg_prepared_xacts): while it lasts no dead row is removed"),
        slots.advice("select pg_drop_replication_slot(…) unless its reader comes back: they keep all WAL meanwhile"),
        standbys.advice(
            "set synchronous_standby_names, or accept that a failover loses what was acknowledged last: the new epoch \
             keeps caches right, not those writes",
        ),
    ]
}

/// How far the two clocks are apart, at least: the database's was read at some moment between the two of ours.
fn clock_of(theirs: DateTime<Utc>, before: DateTime<Utc>, after: DateTime<Utc>) -> Finding {
    let apart = (theirs - after).max(before - theirs).max(TimeDelta::zero());
    let millis = apart.num_milliseconds();
    let wrong = (apart > APART).then_some(Level::Warning);
    Finding::judged(wrong, "clock", format!("{millis} ms from the database's, at least"), "1000 ms")
        .advice(
            "have both machines follow one time (NTP): sessions and tokens end by the database's clock, which may be the one \
             that is wrong, and the log and traces have the instance's",
        )
}

fn connections(facts: &Facts, need: Need) -> Finding {
    let limits = [facts.database_limit, facts.role_limit].into_iter().filter(|limit| *limit >= 0);
    let there = limits.fold(facts.max_connections - facts.reserved, i32::min);
    let there = u32::try_from(there).unwrap_or(0);
    let Need { instances, connections, .. } = need;
    let wanted = instances.saturating_mul(connections);
    let rolling = wanted.saturating_add(connections);
    let wrong = match there {
        there if wanted > there => Some(Level::Error),
        there if rolling > there => Some(Level::Warning),
        _ => None,
    };
    let found =
        format!("{instances} × {connections} = {wanted} of {there} that may be had, {} in use by whomever", facts.used);
    Finding::judged(
        wrong,
        "connections",
        found,
        format!("{there}, with room for one more instance while they are restarted"),
    )
    .advice("raise max_connections (or the limit of the database or the role), or lower KOYOMI_DB_CONNECTIONS")
}

/// Two sessions that are open at once and answered by one backend: a proxy hands out backends by the transaction. That
/// two differ proves nothing, that they are one does.
pub(super) async fn backends(a: &mut PgConnection, b: &mut PgConnection) -> Result<Vec<Finding>, sqlx::Error> {
    let (a, b) = (backend(a).await?, backend(b).await?);
    Ok(vec![sessions(a, b)])
}

/// Unprepared: where a backend is shared, the other session has prepared a statement of this name already.
async fn backend(conn: &mut PgConnection) -> Result<i32, sqlx::Error> {
    sqlx::raw_sql("select pg_backend_pid()").fetch_one(conn).await?.try_get(0)
}

fn sessions(a: i32, b: i32) -> Finding {
    let shared = a == b;
    let found = if shared { "two sessions share one backend" } else { "a backend for each session, as far as seen" };
    Finding::judged(shared.then_some(Level::Error), "sessions", found, "a backend for each session").advice(
        "connect to PostgreSQL itself, or have the proxy pool by the session: koyomi listens, prepares statements and sets \
         its sessions up, and all of that would go to somebody else",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            version: 150_018,
            version_text: "15.18".to_owned(),
            now: DateTime::UNIX_EPOCH,
            recovering: false,
            max_connections: 100,
            reserved: 3,
            database_limit: -1,
            role_limit: -1,
            used: 5,
            frozen_age: 1000,
            oldest_seconds: 1.0,
            prepared: 0,
            idle_slots: 0,
            standbys: 0,
            synchronous: false,
        }
    }

    fn need(instances: u32) -> Need {
        Need { instances, connections: 29, bounded: None }
    }

    fn level(facts: &Facts, about: &str) -> Level {
        let found = judge(facts, need(1), facts.now, facts.now);
        found.into_iter().find(|found| found.about == about).unwrap().level
    }

    #[test]
    fn connections_are_counted_with_what_is_reserved_and_with_one_instance_more() {
        let of = |facts: &Facts, instances| connections(facts, need(instances)).level;
        assert_eq!(of(&facts(), 2), Level::Ok);
        assert_eq!(of(&facts(), 3), Level::Warning);
        assert_eq!(of(&facts(), 4), Level::Error);
        assert_eq!(of(&Facts { role_limit: 28, ..facts() }, 1), Level::Error);
        assert_eq!(of(&Facts { database_limit: 57, ..facts() }, 1), Level::Warning);
    }

    #[test]
    fn clocks_are_apart_by_what_the_round_trip_does_not_explain() {
        let at = |millis: i64| DateTime::UNIX_EPOCH + TimeDelta::milliseconds(millis);
        assert_eq!(clock_of(at(1500), at(0), at(3000)).level, Level::Ok);
        assert_eq!(clock_of(at(1500), at(0), at(10)).level, Level::Warning);
        assert_eq!(clock_of(at(-1500), at(0), at(10)).level, Level::Warning);
        assert!(clock_of(at(-1500), at(0), at(10)).found.starts_with("1500 ms"));
    }

    #[test]
    fn two_sessions_with_one_backend_are_pooled_by_the_transaction() {
        assert_eq!((sessions(7, 7).level, sessions(7, 8).level), (Level::Error, Level::Ok));
    }

    #[test]
    fn each_fact_has_its_finding() {
        assert!(judge(&facts(), need(1), facts().now, facts().now).iter().all(|found| found.level == Level::Ok));
        assert_eq!(level(&Facts { version: 140_012, ..facts() }, "server_version"), Level::Error);
        assert_eq!(level(&Facts { recovering: true, ..facts() }, "primary"), Level::Error);
        assert_eq!(level(&Facts { frozen_age: 1_500_000_000, ..facts() }, "transaction_ids"), Level::Error);
        assert_eq!(level(&Facts { oldest_seconds: 4000.0, ..facts() }, "long_transactions"), Level::Warning);
        assert_eq!(level(&Facts { prepared: 1, ..facts() }, "long_transactions"), Level::Warning);
        assert_eq!(level(&Facts { idle_slots: 1, ..facts() }, "replication_slots"), Level::Warning);
        assert_eq!(level(&Facts { standbys: 1, ..facts() }, "standbys"), Level::Warning);
        assert_eq!(level(&Facts { standbys: 1, synchronous: true, ..facts() }, "standbys"), Level::Ok);
    }
}
