//! The conductor: one fault after the other, now and then two at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use reqwest::Method;
use serde_json::json;
use sqlx::Connection;

use crate::http::Ask;
use crate::links::{self, Part, Trouble};
use crate::report::Class;
use crate::servers::{State, signal};
use crate::storm::Storm;
use crate::weather::{Fault, RECOVERY};
use crate::world::ADMIN;
use crate::{clocks, epochs};

pub(crate) async fn conduct(storm: Arc<Storm>) {
    let mut rng = storm.rng(4_000);
    let mut faults: Vec<Fault> = storm.plan.faults.clone();
    if !is_root() {
        faults.retain(|fault| *fault != Fault::StopBackend);
    }
    let mut remembered = None::<Instant>;
    storm.sleep(Duration::from_secs(2)).await;
    if let Some(times) = storm.plan.times {
        for (number, fault) in std::iter::repeat_n(faults, times).flatten().enumerate() {
            if storm.is_over() {
                return;
            }
            apply(&storm, fault, &mut storm.rng(6_000 + number as u64)).await;
            storm.sleep(Duration::from_millis(rng.random_range(500..1500))).await;
        }
        // What still has to be well again within its time is looked at, too.
        storm.sleep(RECOVERY + Duration::from_secs(1)).await;
        return storm.end();
    }
    while !storm.is_over() {
        // A snapshot old enough to be wrong everywhere, young enough to be looked up.
        if faults.contains(&Fault::OldRedis) && remembered.is_none_or(|at| at.elapsed() > Duration::from_secs(20)) {
            remembered = storm.redis.remember().await.is_ok().then(Instant::now);
        }
        let Some(first) = faults.choose(&mut rng).copied() else { return };
        let second = faults.choose(&mut rng).copied().filter(|second| second.touches() != first.touches());
        let (mut one, mut two) = (storm.rng(rng.random()), storm.rng(rng.random()));
        let overlaps = rng.random_bool(0.35);
        let other = async {
            if let Some(second) = second.filter(|_| overlaps) {
                storm.sleep(Duration::from_millis(two.random_range(0..800))).await;
                apply(&storm, second, &mut two).await;
            }
        };
        tokio::join!(apply(&storm, first, &mut one), other);
        let pause = rng.random_range(300..1500);
        storm.sleep(Duration::from_millis(pause)).await;
    }
}

/// From its beginning to its end.
async fn apply(storm: &Storm, fault: Fault, rng: &mut StdRng) {
    let time = Duration::from_millis(rng.random_range(500..3000));
    let instance = &storm.instances[rng.random_range(0..storm.instances.len())];
    let touched = (fault.touches() == "instance").then_some(instance.number);
    let ongoing = storm.weather.begin(fault, touched);
    let done: anyhow::Result<()> = async {
        match fault {
            Fault::StopInstance => {
                instance.stand_still();
                storm.sleep(time).await;
                instance.go_on();
            }
            Fault::KillInstance => {
                instance.kill();
                storm.sleep(time / 2).await;
                instance.start(&storm.http.plain).await?;
                well_again(storm, fault).await?;
            }
            Fault::KillPostgres => {
                storm.postgres("kill").await?;
                storm.sleep(time / 2).await;
                storm.postgres("start").await?;
                well_again(storm, fault).await?;
            }
            Fault::KillNats => {
                if let Some(nats) = &storm.nats {
                    nats.kill();
                    storm.sleep(time).await;
                    nats.launch().await?;
                    well_again(storm, fault).await?;
                }
            }
            Fault::KillRedis => {
                storm.redis.kill();
                storm.sleep(time).await;
                storm.redis.start_again().await?;
                well_again(storm, fault).await?;
            }
            Fault::FlushRedis => storm.redis.flush().await?,
            Fault::OldRedis => storm.redis.go_back().await?,
            Fault::GarbageRedis => {
                let (until, mut redis) = (Instant::now() + time, storm.redis.connect().await?);
                while Instant::now() < until && !storm.is_over() {
                    storm.redis.damage(&mut redis, rng).await?;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            Fault::PauseRedis => {
                storm.redis.pause(time).await?;
                storm.sleep(time).await;
            }
            Fault::CutBus => cut_bus(storm).await?,
            Fault::SlowPostgres => slow_postgres(storm, time).await?,
            Fault::StopBackend => stop_backend(storm).await?,
            Fault::NewEpoch => epochs::go_back(storm, rng).await?,
            Fault::FullDisk | Fault::FullLog => full(storm, fault, time * 2).await?,
            Fault::ClockJump => {
                clocks::jump(storm, time / 2, rng).await?;
                well_again(storm, fault).await?;
            }
            Fault::Link(part, trouble) => {
                bad_link(storm, part, trouble, time * 2, rng).await?;
                well_again(storm, fault).await?;
            }
        }
        Ok(())
    }
    .await;
    drop(ongoing);
    if let Err(error) = done {
        storm.find(Class::Violation, format!("after {} not all is well again: {error:#}", fault.name()));
    }
}

/// The part is back: from now on it is a matter of seconds until everybody is answered, and told of what he changes.
async fn well_again(storm: &Storm, fault: Fault) -> anyhow::Result<()> {
    let (back, user) = (Instant::now(), &storm.world.users[ADMIN]);
    for instance in storm.instances.iter().filter(|instance| instance.state() == State::Up) {
        loop {
            let read = Ask::get("/api/me", &user.bearer).send(&storm.http, instance).await;
            let name = json!({ "time_zone": "UTC" });
            let write =
                Ask::write(Method::PATCH, "/api/me", &user.bearer, Some(name)).send(&storm.http, instance).await;
            if read.is_ok_and(|answer| answer.is_ok()) && write.is_ok_and(|answer| answer.is_ok()) {
                break;
            }
            anyhow::ensure!(back.elapsed() < RECOVERY * 4, "instance {} does not answer again", instance.number);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let took = back.elapsed();
    storm.tally.recovered(fault.name(), took);
    if took > RECOVERY {
        storm.find(Class::Violation, format!("after {} it took {took:.1?} until everybody was answered", fault.name()));
    }
    Ok(())
}

async fn cut_bus(storm: &Storm) -> anyhow::Result<()> {
    let mut conn = storm.database.connect().await?;
    sqlx::query(
        "select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name = 'koyomi bus'",
    )
    .execute(&mut conn)
    .await?;
    Ok(conn.close().await?)
}

/// Sessions that keep the processors busy.
async fn slow_postgres(storm: &Storm, time: Duration) -> anyhow::Result<()> {
    let over = Arc::new(AtomicBool::new(false));
    let mut busy = Vec::new();
    for _ in 0..4 {
        let (mut conn, over) = (storm.database.connect().await?, Arc::clone(&over));
        busy.push(tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                sqlx::query("select sum(sqrt(i)) from generate_series(1, 300000) i").execute(&mut conn).await?;
            }
            conn.close().await
        }));
    }
    storm.sleep(time).await;
    over.store(true, Ordering::Relaxed);
    for session in busy {
        session.await??;
    }
    Ok(())
}

/// Nothing fits any more, until there is room again; and somebody must have run into it.
async fn full(storm: &Storm, fault: Fault, time: Duration) -> anyhow::Result<()> {
    let (fill, began) = (if fault == Fault::FullLog { "fill_log" } else { "fill_tables" }, Instant::now());
    let refused = storm.tally.refused(fault.name());
    storm.postgres(fill).await?;
    storm.sleep(time).await;
    // Somebody may yet find room in what there is.
    while storm.tally.refused(fault.name()) == refused && began.elapsed() < Duration::from_secs(30) && !storm.is_over()
    {
        storm.sleep(Duration::from_millis(100)).await;
    }
    storm.postgres("free").await?;
    well_again(storm, fault).await?;
    anyhow::ensure!(
        storm.tally.refused(fault.name()) > refused || storm.is_over(),
        "no write was refused: the disk was not full"
    );
    Ok(())
}

/// As long as it lasts nobody is told.
async fn bad_link(storm: &Storm, part: Part, trouble: Trouble, time: Duration, rng: &mut StdRng) -> anyhow::Result<()> {
    let link = storm.links.of(part)?;
    link.set(links::condition(trouble, rng));
    storm.sleep(time).await;
    links::end(link, trouble, rng);
    Ok(())
}

/// One session of koyomi stands still, perhaps within a transaction; often one of those that every read waits for.
async fn stop_backend(storm: &Storm) -> anyhow::Result<()> {
    let mut conn = storm.database.connect().await?;
    let pid: Option<i32> = sqlx::query_scalar(
        "select pid from pg_stat_activity
         where datname = current_database() and usename = 'koyomi_storm'
         order by application_name = 'koyomi heads' and random() < 0.5 desc, random() limit 1",
    )
    .fetch_optional(&mut conn)
    .await?;
    conn.close().await?;
    if let Some(pid) = pid.and_then(|pid| u32::try_from(pid).ok()) {
        signal("STOP", pid);
        tokio::time::sleep(Duration::from_millis(200)).await;
        signal("CONT", pid);
    }
    Ok(())
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|of| std::os::unix::fs::MetadataExt::uid(&of) == 0)
}
