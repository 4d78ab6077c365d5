//! A private Redis, and what may happen to it.

use std::io::Result;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::ensure;
use rand::rngs::StdRng;
use rand::{Rng, RngCore};

use crate::resp::Connection;
use crate::servers::{Process, free_port};

pub(crate) struct Redis {
    port: u16,
    program: PathBuf,
    home: PathBuf,
    process: Mutex<Option<Process>>,
}

impl Redis {
    pub(crate) async fn start(program: &Path, home: &Path, rng: &mut StdRng) -> anyhow::Result<Self> {
        let redis =
            Self { port: free_port(rng), program: program.into(), home: home.into(), process: Mutex::new(None) };
        redis.launch().await?;
        Ok(redis)
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    fn dump(&self) -> PathBuf {
        self.home.join("dump.rdb")
    }

    fn copy(&self) -> PathBuf {
        self.home.join("old.rdb")
    }

    /// With what `dump.rdb` holds, if there is one.
    async fn launch(&self) -> anyhow::Result<()> {
        let (port, home) = (self.port.to_string(), self.home.to_string_lossy().into_owned());
        let arguments = [
            ["--port", &port],
            ["--bind", "127.0.0.1"],
            ["--dir", &home],
            ["--save", ""],
            ["--appendonly", "no"],
            ["--daemonize", "no"],
        ];
        let log = self.home.join("redis.log");
        let started = Process::start(&self.program, arguments.as_flattened(), &[], &log)?;
        *self.process.lock().unwrap() = Some(started);
        let began = Instant::now();
        while !self.answers().await {
            ensure!(began.elapsed() < Duration::from_secs(20), "Redis does not answer; its log: {}", log.display());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn answers(&self) -> bool {
        match Connection::open(self.port).await {
            Ok(mut redis) => redis.ask(&[b"PING"]).await.is_ok(),
            Err(_) => false,
        }
    }

    pub(crate) fn kill(&self) {
        drop(self.process.lock().unwrap().take());
    }

    /// Empty.
    pub(crate) async fn start_again(&self) -> anyhow::Result<()> {
        let _ = std::fs::remove_file(self.dump());
        self.launch().await
    }

    /// Keeps what it holds for [`Redis::go_back`].
    pub(crate) async fn remember(&self) -> Result<()> {
        self.connect().await?.ask(&[b"SAVE"]).await?;
        std::fs::rename(self.dump(), self.copy())
    }

    /// Killed, and started with what it held once.
    pub(crate) async fn go_back(&self) -> anyhow::Result<()> {
        self.kill();
        std::fs::copy(self.copy(), self.dump())?;
        self.launch().await?;
        std::fs::remove_file(self.dump())?;
        Ok(())
    }

    pub(crate) async fn flush(&self) -> Result<()> {
        self.connect().await?.ask(&[b"FLUSHALL"]).await.map(drop)
    }

    /// It accepts and reads, and answers when the time is over.
    pub(crate) async fn pause(&self, time: Duration) -> Result<()> {
        self.connect()
            .await?
            .ask(&[b"CLIENT", b"PAUSE", time.as_millis().to_string().as_bytes(), b"ALL"])
            .await
            .map(drop)
    }

    pub(crate) async fn keys(&self) -> Result<i64> {
        self.connect().await?.number(&[b"DBSIZE"]).await
    }

    /// Damages one value: noise, a part of it, one flipped byte, or the value of another key.
    pub(crate) async fn damage(&self, redis: &mut Connection, rng: &mut StdRng) -> Result<()> {
        let Some(key) = redis.bytes(&[b"RANDOMKEY"]).await? else { return Ok(()) };
        if rng.random_bool(0.4) {
            let Some(other) = redis.bytes(&[b"RANDOMKEY"]).await? else { return Ok(()) };
            if other != key {
                let between = b"between".as_slice();
                for (from, to) in [(key.as_slice(), between), (&other, &key), (between, &other)] {
                    // One of them may have expired meanwhile.
                    if redis.ask(&[b"RENAME", from, to]).await.is_err() {
                        break;
                    }
                }
            }
            return Ok(());
        }
        let mut value = redis.bytes(&[b"GET", &key]).await.ok().flatten().unwrap_or_default();
        match rng.random_range(0..3) {
            0 => {
                value.resize(rng.random_range(0..2000), 0);
                rng.fill_bytes(&mut value);
            }
            1 => value.truncate(rng.random_range(0..=value.len())),
            _ => {
                let length = value.len().max(1);
                value.resize(length, 0);
                value[rng.random_range(0..length)] ^= rng.random_range(1..=255u8);
            }
        }
        redis.ask(&[b"SET", &key, &value, b"KEEPTTL"]).await.map(drop)
    }

    pub(crate) async fn connect(&self) -> Result<Connection> {
        Connection::open(self.port).await
    }
}
