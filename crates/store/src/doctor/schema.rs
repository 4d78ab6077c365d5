//! The schema: whether it is the one that this build was made for, and whole.

use std::collections::BTreeMap;

use sqlx::{FromRow, PgConnection};

use super::{Finding, Level, Need};
use crate::deploy::timeline;
use crate::store::MIGRATIONS;

#[derive(Debug, FromRow)]
struct Applied {
    version: i64,
    success: bool,
    checksum: Vec<u8>,
}

pub(super) async fn migrations(conn: &mut PgConnection) -> Result<Vec<Finding>, sqlx::Error> {
    let there: bool =
        sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null").fetch_one(&mut *conn).await?;
    let applied: Vec<Applied> = if there {
        sqlx::query_as("select version, success, checksum from _sqlx_migrations order by version")
            .fetch_all(conn)
            .await?
    } else {
        Vec::new()
    };
    let expected = MIGRATIONS.iter().map(|migration| (migration.version, migration.checksum.to_vec())).collect();
    Ok(vec![compare(&expected, &applied)])
}

fn compare(expected: &BTreeMap<i64, Vec<u8>>, applied: &[Applied]) -> Finding {
    let words = |versions: Vec<i64>| versions.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
    let allowed = format!("{} of them, as this build knows them", expected.len());
    let about = "migrations";
    let find = |version: &i64| applied.iter().find(|applied| applied.version == *version);
    let broken: Vec<i64> = applied.iter().filter(|applied| !applied.success).map(|applied| applied.version).collect();
    if !broken.is_empty() {
        return Finding::error(about, format!("half done: {}", words(broken)), allowed)
            .advice("restore the schema from before, then run `koyomi migrate`");
    }
    let missing: Vec<i64> = expected.keys().filter(|version| find(version).is_none()).copied().collect();
    if !missing.is_empty() {
        return Finding::error(about, format!("missing: {}", words(missing)), allowed).advice("run `koyomi migrate`");
    }
    let other = |(version, sum): (&i64, &Vec<u8>)| find(version).is_some_and(|applied| applied.checksum != *sum);
    let changed: Vec<i64> = expected.iter().filter(|pair| other(*pair)).map(|(version, _)| *version).collect();
    if !changed.is_empty() {
        return Finding::error(about, format!("another text was run: {}", words(changed)), allowed)
            .advice("serve with the build that this schema was made by, or one of the same migrations");
    }
    let newer: Vec<i64> = applied.iter().map(|a| a.version).filter(|version| !expected.contains_key(version)).collect();
    if newer.is_empty() {
        return Finding::fine(about, format!("all {}", applied.len()), allowed);
    }
    Finding::warning(about, format!("some that this build does not know: {}", words(newer)), allowed)
        .advice("right while a new release is rolled out or back; otherwise this build is an old one")
}

#[derive(Debug, FromRow)]
struct Facts {
    triggers_off: Vec<String>,
    indexes_invalid: Vec<String>,
    constraints_unproven: Vec<String>,
    never_vacuumed: Vec<String>,
    same_server: bool,
    same_timeline: bool,
    outbox: bool,
    bound_ms: i32,
}

const FACTS: &str = concat!(
    "select
         array(select tgname::text from pg_trigger where tgenabled in ('D', 'R')
               and tgrelid in (select oid from ours) order by 1) as triggers_off,
         array(select indexrelid::regclass::text from pg_index where not (indisvalid and indisready)
               and indrelid in (select oid from ours) order by 1) as indexes_invalid,
         array(select conname::text from pg_constraint where not convalidated
               and conrelid in (select oid from ours) order by 1) as constraints_unproven,
         array(select relname::text from ours where reloptions && '{autovacuum_enabled=false,autovacuum_enabled=off}'
               order by 1) as never_vacuumed,
         d.system_identifier = c.system_identifier::text as same_server,
         case when pg_is_in_recovery() then true
              else d.timeline = ",
    timeline!(),
    " end
             as same_timeline,
         d.outbox, d.bound_ms
     from deploy d, pg_control_system() c"
);

const OURS: &str = "with ours as (select oid, relname, reloptions from pg_class
         where relkind in ('r', 'p') and relnamespace = current_schema()::regnamespace) ";

pub(super) async fn examine(conn: &mut PgConnection, need: Need) -> Result<Vec<Finding>, sqlx::Error> {
    let facts: Facts = sqlx::query_as(sqlx::AssertSqlSafe([OURS, FACTS].concat())).fetch_one(conn).await?;
    Ok(judge(&facts, need))
}

fn judge(facts: &Facts, need: Need) -> Vec<Finding> {
    let none_of = |level: Level, about: &str, names: &[String]| {
        let found = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Finding::judged((!names.is_empty()).then_some(level), about, found, "none")
    };
    let bound = i64::from(facts.bound_ms);
    let longer = need.bounded.map_or(0, |bound| i64::try_from(bound.as_millis()).unwrap_or(i64::MAX));
    let outbox = match (facts.outbox, need.bounded) {
        (true, _) => None,
        (false, Some(_)) => Some(Level::Error),
        (false, None) => Some(Level::Warning),
    };
    let history = match (facts.same_server, facts.same_timeline) {
        (true, true) => Finding::fine("history", "the one that was noted", "the one that was noted"),
        (true, false) => Finding::warning("history", "a new timeline", "the one that was noted").advice(
            "nothing, if a standby was promoted or a backup brought forward: the first instance begins a new epoch",
        ),
        (false, _) => Finding::error("history", "another PostgreSQL server", "the one that was noted").advice(
            "`koyomi epoch --new`, if this database is the one to go on with; until then koyomi does not start",
        ),
    };
    vec![
        none_of(Level::Error, "triggers_off", &facts.triggers_off).advice(
            "alter table … enable trigger …: they count the versions that the cache rests on, answers are stale without \
             them. Then `koyomi epoch --new`",
        ),
        none_of(Level::Error, "indexes_invalid", &facts.indexes_invalid)
            .advice("reindex index concurrently …: an index like this costs every write and serves no read"),
        none_of(Level::Warning, "constraints_unproven", &facts.constraints_unproven)
            .advice("alter table … validate constraint …: rows from before may break it"),
        none_of(Level::Warning, "autovacuum_off", &facts.never_vacuumed)
            .advice("alter table … reset (autovacuum_enabled)"),
        history,
        Finding::judged(outbox, "outbox", if facts.outbox { "on" } else { "off" }, "on")
            .advice("update deploy set outbox = true: commits are told to nobody, and nobody may answer from memory"),
        Finding::judged(
            (bound > 0 && bound > longer).then_some(Level::Warning),
            "bound",
            format!("{bound} ms, this configuration uses {longer}"),
            "no more than instances use",
        )
        .advice("if no running instance answers from memory that old: `koyomi bound --set …`; revocations wait so long"),
    ]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn migrations_are_all_of_them_and_the_same_ones() {
        let expected = BTreeMap::from([(1, vec![1]), (2, vec![2])]);
        let applied = |version, success, sum: u8| Applied { version, success, checksum: vec![sum] };
        let of = |applied: &[Applied]| {
            let found = compare(&expected, applied);
            (found.level, found.found)
        };
        assert_eq!(of(&[applied(1, true, 1), applied(2, true, 2)]).0, Level::Ok);
        assert_eq!(of(&[applied(1, true, 1)]), (Level::Error, "missing: 2".to_owned()));
        assert_eq!(of(&[]), (Level::Error, "missing: 1, 2".to_owned()));
        assert_eq!(of(&[applied(1, true, 1), applied(2, false, 2)]), (Level::Error, "half done: 2".to_owned()));
        assert_eq!(of(&[applied(1, true, 9), applied(2, true, 2)]).1, "another text was run: 1");
        let newer = [applied(1, true, 1), applied(2, true, 2), applied(3, true, 3)];
        assert_eq!(of(&newer).0, Level::Warning);
    }

    #[test]
    fn a_silent_outbox_is_an_error_for_whom_memory_answers() {
        let facts = Facts {
            triggers_off: Vec::new(),
            indexes_invalid: Vec::new(),
            constraints_unproven: Vec::new(),
            never_vacuumed: Vec::new(),
            same_server: true,
            same_timeline: true,
            outbox: false,
            bound_ms: 500,
        };
        let level = |bounded: Option<u64>, about: &str| {
            let need = Need { instances: 1, connections: 1, bounded: bounded.map(Duration::from_millis) };
            judge(&facts, need).into_iter().find(|found| found.about == about).unwrap().level
        };
        assert_eq!((level(None, "outbox"), level(Some(500), "outbox")), (Level::Warning, Level::Error));
        assert_eq!((level(None, "bound"), level(Some(500), "bound")), (Level::Warning, Level::Ok));
    }
}
