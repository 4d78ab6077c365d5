//! Two instances behind a proxy are restarted in turn, while people read and write through it and somebody follows what
//! changes. Nobody may be failed, and whoever follows goes on from his token and misses nothing.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::Target;
use crate::proxy::{Behind, Proxy};
use crate::wire::{Answer, Connection, ask, request};

#[derive(clap::Args, Debug, Clone)]
pub(crate) struct Options {
    /// Restarts, of one after the other
    #[arg(long, default_value_t = 20)]
    times: usize,
    /// Those who read and write
    #[arg(long, default_value_t = 16)]
    clients: usize,
    #[arg(long)]
    koyomi: PathBuf,
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: String,
    /// Where the two instances listen
    #[arg(long, num_args = 2)]
    instances: Vec<SocketAddr>,
}

/// Told to end, it has so long.
const ENDS: Duration = Duration::from_secs(25);

#[derive(Default)]
struct Report {
    answered: AtomicUsize,
    /// 503 or 429 with Retry-After.
    refused: AtomicUsize,
    /// A connection that had rested was closed before anything of an answer came: asked again on a new one, as RFC 9110
    /// §9.2.2 allows for what may be repeated.
    repeated: AtomicUsize,
    failed: Mutex<Vec<String>>,
    acknowledged: Mutex<HashSet<String>>,
    followed: Mutex<HashSet<String>>,
    resumed: AtomicUsize,
}

struct Instance {
    options: Options,
    address: SocketAddr,
    process: Child,
}

impl Instance {
    fn start(options: &Options, address: SocketAddr) -> anyhow::Result<Self> {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(&options.koyomi).arg("serve");
        command.env("DATABASE_URL", &options.database_url).env("KOYOMI_LISTEN", address.to_string());
        command.env("KOYOMI_RATE_LIMITS", "off");
        let process =
            command.env("KOYOMI_LOG", "error").stdin(Stdio::null()).spawn().context("koyomi does not start")?;
        Ok(Self { options: options.clone(), address, process })
    }

    /// As an orchestrator does it: told to end, and another one started when it has.
    async fn restart(&mut self) -> anyhow::Result<Duration> {
        let told = Instant::now();
        Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status()?;
        let status = loop {
            if let Some(status) = self.process.try_wait()? {
                break status;
            }
            ensure!(told.elapsed() < ENDS, "an instance does not end within {ENDS:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        ensure!(status.success(), "an instance ended with {status}");
        let took = told.elapsed();
        *self = Self::start(&self.options, self.address)?;
        Ok(took)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) async fn run(target: &Target, options: &Options) -> anyhow::Result<()> {
    let mut instances: Vec<Instance> =
        options.instances.iter().map(|address| Instance::start(options, *address)).collect::<Result<_, _>>()?;
    let proxy = Proxy::start(&options.instances).await?;
    let target = Arc::new(Target { address: proxy.address, ..target.clone() });
    for behind in &proxy.behind {
        await_ready(behind).await?;
    }
    let (report, over) = (Arc::new(Report::default()), Arc::new(AtomicBool::new(false)));
    let follower = tokio::spawn(follow(Arc::clone(&target), Arc::clone(&report), Arc::clone(&over)));
    // Whoever follows is there before anything happens.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let clients: Vec<_> = (0..options.clients)
        .map(|number| tokio::spawn(client(number, Arc::clone(&target), Arc::clone(&report), Arc::clone(&over))))
        .collect();
    let mut longest = Duration::ZERO;
    for n in 0..options.times {
        tokio::time::sleep(Duration::from_millis(700)).await;
        let which = n % instances.len();
        longest = longest.max(instances[which].restart().await?);
        await_ready(&proxy.behind[which]).await?;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await?;
    }
    let until = Instant::now() + Duration::from_secs(10);
    let missed = loop {
        let missed = report.acknowledged.lock().await.difference(&*report.followed.lock().await).count();
        if missed == 0 || Instant::now() > until {
            break missed;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    follower.abort();

    let failed = report.failed.lock().await;
    let get = |count: &AtomicUsize| count.load(Ordering::Relaxed);
    println!("restarts                    {} of two instances, the longest end took {longest:.1?}", options.times);
    println!("answered                    {}", get(&report.answered));
    println!("refused with Retry-After    {}", get(&report.refused));
    println!("asked again                 {} (a connection that had rested was closed)", get(&report.repeated));
    println!("failed                      {}", failed.len());
    failed.iter().take(5).for_each(|what| println!("  {what}"));
    println!("events acknowledged         {}", report.acknowledged.lock().await.len());
    println!("missed by the follower      {missed}, who went on from his token {} times", get(&report.resumed));
    ensure!(failed.is_empty() && missed == 0, "somebody was failed, or missed something");
    Ok(())
}

async fn await_ready(behind: &Behind) -> anyhow::Result<()> {
    let began = Instant::now();
    while !behind.is_ready() {
        ensure!(began.elapsed() < Duration::from_secs(60), "{} is not ready", behind.address);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn client(number: usize, target: Arc<Target>, report: Arc<Report>, over: Arc<AtomicBool>) {
    let (mut connection, mut n) = (None, 0);
    let list = format!("/api/calendars/{}/events?from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z", target.calendar);
    while !over.load(Ordering::Relaxed) {
        n += 1;
        let writes = n % 10 == 0;
        let question = if writes {
            let body = json!({ "calendar_id": target.calendar, "title": format!("rolling {number}-{n}"),
                               "start": { "date_time": "2027-03-01T10:00:00", "time_zone": "UTC" } });
            request(
                &target,
                "POST",
                "/api/events",
                &format!("Idempotency-Key: rolling-{number}-{n}\r\n"),
                &body.to_string(),
            )
        } else {
            request(&target, "GET", &list, "", "")
        };
        match asked(&target, &mut connection, &question, &report).await {
            Ok(answer) if answer.status < 300 => {
                report.answered.fetch_add(1, Ordering::Relaxed);
                let made: Value =
                    if writes { serde_json::from_slice(&answer.body).unwrap_or_default() } else { Value::Null };
                if let Some(id) = made["id"].as_str() {
                    report.acknowledged.lock().await.insert(id.to_owned());
                }
            }
            Ok(answer) if [429, 503].contains(&answer.status) && answer.has("retry-after") => {
                report.refused.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Ok(answer) => {
                let what = format!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body));
                report.failed.lock().await.push(what);
            }
            Err(error) => report.failed.lock().await.push(format!("{}: {error}", if writes { "POST" } else { "GET" })),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// On the connection that is open, or on a new one.
async fn asked(
    target: &Target,
    connection: &mut Option<Connection>,
    question: &[u8],
    report: &Report,
) -> io::Result<Answer> {
    if let Some(mut rested) = connection.take() {
        match ask(&mut rested, question).await {
            Ok(answer) => {
                *connection = (!answer.closes()).then_some(rested);
                return Ok(answer);
            }
            Err(error) if rested.has_read() => return Err(error),
            Err(_) => report.repeated.fetch_add(1, Ordering::Relaxed),
        };
    }
    let mut new = Connection::open(target.address).await?;
    let answer = ask(&mut new, question).await?;
    *connection = (!answer.closes()).then_some(new);
    Ok(answer)
}

/// Server-sent events, from one token to the next, for as long as it takes.
async fn follow(target: Arc<Target>, report: Arc<Report>, over: Arc<AtomicBool>) {
    let (http, mut since) = (reqwest::Client::builder().no_proxy().build().unwrap_or_default(), Value::Null);
    loop {
        if let Err(error) = listen(&http, &target, &report, &mut since).await
            && !over.load(Ordering::Relaxed)
        {
            report.failed.lock().await.push(format!("the follower: {error:#}"));
        }
        report.resumed.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn listen(http: &reqwest::Client, target: &Target, report: &Report, since: &mut Value) -> anyhow::Result<()> {
    let query = "subscription A($ids: [UUID!]!, $since: String) { calendarChanged(calendarIds: $ids, since: $since) { token \
                 calendars { resync changes { objectId } } } }";
    let body = json!({ "query": query, "variables": { "ids": [target.calendar], "since": since } });
    let asked = http.post(format!("http://{}/graphql", target.address)).bearer_auth(&target.token);
    let answer = asked.header("accept", "text/event-stream").json(&body).send().await;
    // Between two instances there may be nobody for a moment, and a stream may break off: that is what tokens are for.
    let Ok(answer) = answer else { return Ok(()) };
    if answer.status() == 503 {
        return Ok(());
    }
    ensure!(answer.status().is_success(), "{}", answer.status());
    let (mut stream, mut text) = (answer.bytes_stream(), String::new());
    while let Some(Ok(bytes)) = stream.next().await {
        text.push_str(&String::from_utf8_lossy(&bytes));
        while let Some(end) = text.find("\n\n") {
            let event: String = text.drain(..end + 2).collect();
            let Some(data) = event.lines().find_map(|line| line.strip_prefix("data: ")).filter(|data| !data.is_empty())
            else {
                continue;
            };
            let item: Value = serde_json::from_str(data)?;
            let told = &item["data"]["calendarChanged"];
            ensure!(told["token"].is_string(), "told {item}");
            *since = told["token"].clone();
            for calendar in told["calendars"].as_array().into_iter().flatten() {
                ensure!(calendar["resync"] == false, "told to read anew");
                let ids = calendar["changes"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|change| change["objectId"].as_str());
                report.followed.lock().await.extend(ids.map(str::to_owned));
            }
        }
    }
    Ok(())
}
