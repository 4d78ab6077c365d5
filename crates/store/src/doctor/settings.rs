//! Settings of PostgreSQL, as they hold for a session of koyomi's: whoever has set them, for the server, the database or the
//! role.

use sqlx::{FromRow, PgConnection};

use super::{Finding, Level};

/// What a setting may be.
struct Rule {
    name: &'static str,
    level: Level,
    allowed: &'static [&'static str],
    because: &'static str,
}

const fn rule(level: Level, name: &'static str, allowed: &'static [&'static str], because: &'static str) -> Rule {
    Rule { name, level, allowed, because }
}

use Level::{Error, Warning};

#[rustfmt::skip]
const RULES: [Rule; 14] = [
    rule(Error, "fsync", &["on"], "an acknowledged write could be lost in a crash, and the whole database with it"),
    rule(Error, "full_page_writes", &["on"], "a crash could leave pages half written"),
    rule(Error, "synchronous_commit", &["on", "remote_apply", "remote_write", "local"], "an acknowledged write could be lost in a crash"),
    rule(Error, "default_transaction_isolation", &["read committed"], "a change reads what is newest behind its lock; otherwise it fails wherever two meet"),
    rule(Error, "default_transaction_read_only", &["off"], "nothing can be written"),
    rule(Error, "session_replication_role", &["origin"], "triggers count the versions that the cache rests on, and would not run"),
    rule(Error, "server_encoding", &["UTF8"], "names and titles are in any script"),
    // What koyomi asks of each of its sessions: otherwise, somebody between has kept it to himself.
    rule(Error, "TimeZone", &["UTC"], "a proxy drops what koyomi asks of its sessions"),
    rule(Error, "statement_timeout", &["30000"], "a proxy drops what koyomi asks of its sessions"),
    rule(Error, "idle_in_transaction_session_timeout", &["60000"], "a proxy drops what koyomi asks of its sessions; a client that is gone would hold its locks for good"),
    rule(Warning, "autovacuum", &["on"], "dead rows are never removed: every list grows slower, and one day nothing can be written"),
    rule(Warning, "track_counts", &["on"], "autovacuum does not see what has changed, and what is told of indexes and tables here is nothing"),
    rule(Warning, "wal_level", &["replica", "logical"], "there can be neither a standby nor a restore to a moment"),
    rule(Warning, "zero_damaged_pages", &["off"], "damaged pages are emptied instead of told of"),
];

#[derive(Debug, FromRow)]
struct Setting {
    name: String,
    setting: String,
    /// Who has set it, as PostgreSQL says: `database`, `user`, `configuration file`, …
    source: String,
    database: String,
    role: String,
}

pub(super) async fn examine(conn: &mut PgConnection) -> Result<Vec<Finding>, sqlx::Error> {
    let names: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
    let there: Vec<Setting> = sqlx::query_as(
        "select name, setting, source, quote_ident(current_database()) as database, quote_ident(current_user) as role
         from pg_settings where name = any($1)",
    )
    .bind(names)
    .fetch_all(conn)
    .await?;
    let found =
        |rule: &Rule| there.iter().find(|setting| setting.name == rule.name).map(|setting| judge(rule, setting));
    Ok(RULES.iter().filter_map(found).collect())
}

fn judge(rule: &Rule, found: &Setting) -> Finding {
    let is_right = rule.allowed.contains(&found.setting.as_str());
    let wrong = (!is_right).then_some(rule.level);
    let told = if is_right { found.setting.clone() } else { format!("{} ({})", found.setting, found.source) };
    let Setting { database, role, .. } = found;
    let (name, value) = (rule.name, rule.allowed[0]);
    let how = match found.source.as_str() {
        "database" => format!("alter database {database} reset {name}"),
        "user" => format!("alter role {role} reset {name}"),
        "database user" => format!("alter role {role} in database {database} reset {name}"),
        "session" | "client" if rule.level == Error => "take it out of DATABASE_URL or of the proxy".to_owned(),
        _ if name == "server_encoding" => "make the database anew, with encoding UTF8".to_owned(),
        _ if name == "TimeZone" || name.ends_with("_timeout") => {
            format!("connect to PostgreSQL itself, or: alter role {role} set {name} = '{value}'")
        }
        _ if name == "wal_level" => "alter system set wal_level = 'replica', and restart PostgreSQL".to_owned(),
        _ => format!("alter system set {name} = '{value}'; select pg_reload_conf()"),
    };
    Finding::judged(wrong, name, told, rule.allowed.join(", ")).advice(format!("{how} ({})", rule.because))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, setting: &str, source: &str) -> Finding {
        let rule = RULES.iter().find(|rule| rule.name == name).unwrap();
        let [name, setting, source, database, role] = [name, setting, source, "db", "me"].map(str::to_owned);
        judge(rule, &Setting { name, setting, source, database, role })
    }

    #[test]
    fn what_to_do_is_said_where_it_was_done() {
        let off = found("synchronous_commit", "off", "database");
        assert_eq!((off.level, off.found.as_str()), (Level::Error, "off (database)"));
        assert!(off.advice.unwrap().starts_with("alter database db reset synchronous_commit ("));
        let off = found("synchronous_commit", "off", "user");
        assert!(off.advice.unwrap().starts_with("alter role me reset synchronous_commit ("));
        let off = found("autovacuum", "off", "configuration file");
        assert_eq!(off.level, Level::Warning);
        assert!(off.advice.unwrap().starts_with("alter system set autovacuum = 'on'; select pg_reload_conf() ("));
        let dropped = found("statement_timeout", "0", "default");
        assert!(dropped.advice.unwrap().contains("alter role me set statement_timeout = '30000' ("));
        let on = found("synchronous_commit", "remote_apply", "configuration file");
        assert_eq!((on.level, on.advice), (Level::Ok, None));
    }
}
