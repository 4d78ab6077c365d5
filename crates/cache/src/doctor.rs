//! Whether the Redis of the second tier, and of the shared quotas, is fit for it.

use std::collections::HashMap;
use std::time::Duration;

use kernel::{Failure, Result};
use store::doctor::{Finding, Level};

/// Until somebody at a prompt gives up, not until a request does.
const PATIENCE: Duration = Duration::from_secs(2);

/// # Errors
/// For an address that is none.
pub async fn examine(url: &str) -> Result<Vec<Finding>> {
    let client = redis::Client::open(url)
        .map_err(|error| Failure::invalid("KOYOMI_REDIS", format!("is not a redis:// URL: {error}")))?;
    let asking = async {
        let mut conn = client.get_multiplexed_async_connection().await?;
        redis::cmd("INFO").query_async::<String>(&mut conn).await
    };
    let problem = match tokio::time::timeout(PATIENCE, asking).await {
        Ok(Ok(info)) => return Ok(judge(&read(&info))),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {PATIENCE:?}"),
    };
    let finding = Finding::warning("redis", problem, "that it answers")
        .advice("see that it is up and KOYOMI_REDIS is right; until then koyomi answers without it, from the database");
    Ok(vec![finding])
}

/// What INFO says: a name and a value per line.
fn read(info: &str) -> HashMap<&str, &str> {
    info.lines().filter_map(|line| line.split_once(':')).collect()
}

fn judge(info: &HashMap<&str, &str>) -> Vec<Finding> {
    let of = |name: &str| info.get(name).copied().unwrap_or("unknown");
    let if_so = |so: bool| so.then_some(Level::Warning);
    let (memory, policy) = (of("maxmemory"), of("maxmemory_policy"));
    let evicts = policy.starts_with("allkeys-") || policy.starts_with("volatile-");
    let persists = of("aof_enabled") == "1";
    let limit = if memory == "0" { "no limit".to_owned() } else { format!("{memory} bytes") };
    let role = of("role");
    vec![
        Finding::fine("redis", format!("answers, {}", of("redis_version")), "that it answers"),
        Finding::judged(if_so(memory == "0"), "redis_memory", limit, "a limit")
            .advice("config set maxmemory …: without one the machine's memory is the limit"),
        // Everything that koyomi writes there ends by itself: volatile-* finds it, too.
        Finding::judged(
            if_so(!evicts && policy != "unknown"),
            "redis_eviction",
            policy,
            "allkeys-lru, or another that evicts",
        )
        .advice("config set maxmemory-policy allkeys-lru: a full Redis takes no new values, and everything is a miss"),
        Finding::judged(if_so(role != "master" && role != "unknown"), "redis_role", role, "master")
            .advice("point KOYOMI_REDIS to the primary: a replica takes no values"),
        Finding::fine(
            "redis_persistence",
            if persists { "an append-only file: nothing here needs it" } else { "no append-only file" },
            "any: values of an older time are never asked for",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(info: &str, about: &str) -> Level {
        judge(&read(info)).into_iter().find(|found| found.about == about).unwrap().level
    }

    #[test]
    fn a_cache_has_a_limit_and_makes_room() {
        let fit = "# Memory\r\nmaxmemory:1000\r\nmaxmemory_policy:allkeys-lfu\r\nrole:master\r\naof_enabled:0\r\n";
        assert!(judge(&read(fit)).iter().all(|found| found.level == Level::Ok));
        let full = fit.replace("allkeys-lfu", "noeviction");
        assert_eq!(level(&full, "redis_eviction"), Level::Warning);
        assert_eq!(level(&fit.replace("1000", "0"), "redis_memory"), Level::Warning);
        assert_eq!(level(&fit.replace("master", "slave"), "redis_role"), Level::Warning);
        // Where it is not told, nothing is said against it.
        assert!(judge(&HashMap::new()).iter().all(|found| found.level == Level::Ok));
    }
}
