//! A private NATS server with JetStream, and its death.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::ensure;
use rand::rngs::StdRng;
use tokio::net::TcpStream;

use crate::servers::{Process, free_port};

pub(crate) struct Nats {
    port: u16,
    program: PathBuf,
    home: PathBuf,
    process: Mutex<Option<Process>>,
}

impl Nats {
    pub(crate) async fn start(program: &Path, home: &Path, rng: &mut StdRng) -> anyhow::Result<Self> {
        let nats = Self { port: free_port(rng), program: program.into(), home: home.into(), process: Mutex::new(None) };
        nats.launch().await?;
        Ok(nats)
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// With what it has on disk.
    pub(crate) async fn launch(&self) -> anyhow::Result<()> {
        let (port, store) = (self.port.to_string(), self.home.join("jetstream").to_string_lossy().into_owned());
        let arguments = ["--addr", "127.0.0.1", "--port", &port, "--jetstream", "--store_dir", &store];
        let log = self.home.join("nats.log");
        let started = Process::start(&self.program, &arguments, &[], &log)?;
        *self.process.lock().unwrap() = Some(started);
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            ensure!(began.elapsed() < Duration::from_secs(20), "NATS does not answer; its log: {}", log.display());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    pub(crate) fn kill(&self) {
        drop(self.process.lock().unwrap().take());
    }
}
