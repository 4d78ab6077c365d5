//! Clients that go away: before their request is whole, before they are answered, in the middle of the answer. No session
//! may be left in a transaction, and what was acknowledged to somebody who stayed that long must be there.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::Target;
use crate::wire::{Connection, ask, request};

#[derive(clap::Args, Debug, Clone)]
pub(crate) struct Options {
    #[arg(long, default_value_t = 100_000)]
    count: usize,
    /// At a time
    #[arg(long, default_value_t = 64)]
    clients: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A superuser's, to look at the sessions
    #[arg(long, env = "ENDURE_DATABASE_URL", hide_env_values = true)]
    database_url: String,
}

#[derive(Default)]
struct Report {
    /// Where they went: in the request, before the answer, in the answer, after all of it.
    gone: [AtomicUsize; 4],
    refused: AtomicUsize,
    acknowledged: Mutex<HashSet<Uuid>>,
}

pub(crate) async fn run(target: &Target, options: &Options) -> anyhow::Result<()> {
    let (sql, session) = tokio_postgres::connect(&options.database_url, NoTls).await?;
    tokio::spawn(session);
    let (report, next) = (Arc::new(Report::default()), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..options.clients)
        .map(|_| {
            let (target, options, report, next) =
                (target.clone(), options.clone(), Arc::clone(&report), Arc::clone(&next));
            tokio::spawn(async move {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= options.count {
                        return anyhow::Ok(());
                    }
                    client(&target, &options, n, &report).await.with_context(|| format!("client {n}"))?;
                }
            })
        })
        .collect();
    for client in clients {
        client.await??;
    }

    let open = left_open(&sql).await?;
    let acknowledged = std::mem::take(&mut *report.acknowledged.lock().await);
    let lost = lost(target, &acknowledged).await?;
    let [in_request, before, within, after] = report.gone.each_ref().map(|count| count.load(Ordering::Relaxed));
    println!(
        "{} clients, seed {}: gone within their request {in_request}, before the answer {before}, within the answer {within}, after it {after}",
        options.count, options.seed
    );
    println!("refused by the server       {}", report.refused.load(Ordering::Relaxed));
    println!("left in a transaction       {open}");
    println!("events acknowledged         {}, of them lost {lost}", acknowledged.len());
    anyhow::ensure!(open == 0 && lost == 0, "something was left behind, or lost");
    Ok(())
}

async fn client(target: &Target, options: &Options, n: usize, report: &Report) -> anyhow::Result<()> {
    let mut random = StdRng::seed_from_u64(options.seed.wrapping_mul(0x9e37_79b9).wrapping_add(n as u64));
    let (question, writes) = question(target, n, &mut random);
    let mut connection = Connection::open(target.address).await?;
    let stage = random.random_range(0..4);
    let patience = Duration::from_micros(random.random_range(0..4_000));
    match stage {
        0 => {
            let cut = random.random_range(0..question.len());
            let _ = connection.send(&question[..cut]).await;
        }
        1 => {
            let _ = connection.send(&question).await;
            tokio::time::sleep(patience).await;
        }
        2 => {
            let _ = connection.send(&question).await;
            let _ = connection.take(random.random_range(1..64)).await;
        }
        _ => match ask(&mut connection, &question).await {
            Ok(answer) if answer.status == 201 && writes => {
                let event: serde_json::Value = serde_json::from_slice(&answer.body)?;
                let id = event["id"].as_str().context("no id")?.parse()?;
                report.acknowledged.lock().await.insert(id);
            }
            Ok(answer) if answer.status < 300 => {}
            Ok(answer) if answer.status == 503 || answer.status == 429 => {
                report.refused.fetch_add(1, Ordering::Relaxed);
            }
            Ok(answer) => anyhow::bail!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body)),
            Err(error) => return Err(error).context("somebody who stayed was not answered"),
        },
    }
    report.gone[stage].fetch_add(1, Ordering::Relaxed);
    if random.random_bool(0.5) {
        connection.slam();
    }
    Ok(())
}

/// A list, an agenda, an event to be made (with a key, without), a nested question.
fn question(target: &Target, n: usize, random: &mut StdRng) -> (Vec<u8>, bool) {
    let calendar = target.calendar;
    let day = 1 + random.random_range(0..28);
    match random.random_range(0..5) {
        0 => {
            // Another window each time: most of them are read from the database.
            let path =
                format!("/api/calendars/{calendar}/events?from=2026-11-{day:02}T00:00:00Z&limit={}", 1 + n % 100);
            (request(target, "GET", &path, "", ""), false)
        }
        1 => {
            let path = format!("/api/me/events?from=2026-11-{day:02}T00:00:00Z&to=2026-12-01T00:00:00Z&limit=20");
            (request(target, "GET", &path, "", ""), false)
        }
        2 => {
            let query = format!(
                r#"{{"query":"{{ calendar(id: \"{calendar}\") {{ name events(first: {}) {{ nodes {{ title attendees {{ nodes {{ email }} }} }} }} }} }}"}}"#,
                1 + n % 50
            );
            (request(target, "POST", "/graphql", "", &query), false)
        }
        kind => {
            let body = format!(
                r#"{{"calendar_id":"{calendar}","title":"n={n}","start":{{"date_time":"2027-02-{day:02}T10:00:00","time_zone":"UTC"}}}}"#
            );
            let key = if kind == 3 { format!("Idempotency-Key: hangup-{n}\r\n") } else { String::new() };
            (request(target, "POST", "/api/events", &key, &body), true)
        }
    }
}

/// Sessions that rest inside a transaction, once everything that runs has had its time.
async fn left_open(sql: &Client) -> anyhow::Result<i64> {
    let mut open = 0;
    for _ in 0..100 {
        let row = sql
            .query_one(
                "select count(*) from pg_stat_activity where state like 'idle in transaction%' and datname = 'koyomi'",
                &[],
            )
            .await?;
        open = row.get(0);
        if open == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(open)
}

/// Of those that were acknowledged, how many are not there.
async fn lost(target: &Target, acknowledged: &HashSet<Uuid>) -> anyhow::Result<usize> {
    let ids: Vec<&Uuid> = acknowledged.iter().collect();
    let mut connection = Connection::open(target.address).await?;
    let mut found = 0;
    for some in ids.chunks(100) {
        let ids: Vec<String> = some.iter().map(|id| format!("ids={id}")).collect();
        let path = format!("/api/events?{}&fields=id", ids.join("&"));
        let answer = ask(&mut connection, &request(target, "GET", &path, "", "")).await?;
        let page: serde_json::Value = serde_json::from_slice(&answer.body)?;
        found += page["items"].as_array().map_or(0, Vec::len);
    }
    Ok(acknowledged.len() - found)
}
