//! What the storm starts: processes that end with it, whatever happens, and the instances among them.

use std::fs::OpenOptions;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rand::Rng;

use crate::clocks::FakeClock;

/// Killed when dropped; should the storm itself be killed, the kernel does it.
pub(crate) struct Process(Child);

impl Process {
    /// Not to be called on a thread that ends before the process shall: the kernel watches the thread.
    pub(crate) fn start(
        program: &Path,
        arguments: &[&str],
        env: &[(String, String)],
        log: &Path,
    ) -> anyhow::Result<Self> {
        let log = OpenOptions::new().create(true).append(true).open(log)?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(program).args(arguments);
        // Nothing that the caller has set may change what is tested.
        for (name, _) in std::env::vars() {
            if name.starts_with("KOYOMI_") || name.starts_with("PG") || name == "DATABASE_URL" {
                command.env_remove(name);
            }
        }
        command.envs(env.iter().cloned()).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(Self(command.spawn().with_context(|| format!("cannot start {}", program.display()))?))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.0.try_wait().is_ok_and(|ended| ended.is_none())
    }

    /// SIGTERM, and SIGKILL when that takes too long. Answers whether it ended well.
    pub(crate) async fn end(mut self) -> bool {
        signal("TERM", self.pid());
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(10) {
            if let Ok(Some(status)) = self.0.try_wait() {
                return status.success();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// To one process that the storm started, or to a backend of its own database.
pub(crate) fn signal(name: &str, pid: u32) {
    let _ = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).stderr(Stdio::null()).status();
}

/// A port nobody listens on, below the range that the kernel hands to outgoing connections: what is killed must find its
/// own again.
pub(crate) fn free_port(rng: &mut impl Rng) -> u16 {
    loop {
        let port = rng.random_range(20_000..30_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum State {
    Up,
    Stopped,
    Down,
}

/// How an instance is set up.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub reads: &'static str,
    pub cache: &'static str,
    pub plant: String,
}

impl Setup {
    pub(crate) fn is_strict(&self) -> bool {
        self.reads == "strict"
    }
}

pub(crate) struct Instance {
    pub number: usize,
    pub base: String,
    pub setup: Setup,
    /// Requests that wait for it: few are to hang on one that stands still.
    pub waiting: AtomicUsize,
    state: AtomicU8,
    process: Mutex<Option<Process>>,
    program: PathBuf,
    env: Vec<(String, String)>,
    log: PathBuf,
}

/// What all instances share.
pub(crate) struct Common<'a> {
    pub program: &'a Path,
    pub database_url: &'a str,
    pub redis_url: &'a str,
    pub bus: &'a str,
    pub connections: u32,
    pub home: &'a Path,
    pub clock: Option<&'a FakeClock>,
}

impl Instance {
    pub(crate) fn new(number: usize, port: u16, setup: Setup, common: &Common<'_>) -> Self {
        let (listen, connections) = (format!("127.0.0.1:{port}"), common.connections.to_string());
        let env = [
            ("DATABASE_URL", common.database_url),
            ("KOYOMI_LISTEN", &listen),
            ("KOYOMI_CACHE", setup.cache),
            ("KOYOMI_REDIS", common.redis_url),
            ("KOYOMI_READS", setup.reads),
            ("KOYOMI_BUS", common.bus),
            ("KOYOMI_PLANT", &setup.plant),
            ("KOYOMI_DB_CONNECTIONS", &connections),
            ("KOYOMI_LOG", "warn"),
            ("KOYOMI_RATE_LIMITS", "off"),
        ];
        let clock = common.clock.filter(|clock| clock.number == number).map(FakeClock::env).unwrap_or_default();
        Self {
            number,
            base: format!("http://{listen}"),
            waiting: AtomicUsize::new(0),
            state: AtomicU8::new(State::Down as u8),
            process: Mutex::new(None),
            program: common.program.to_owned(),
            env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().chain(clock).collect(),
            log: common.home.join(format!("instance-{number}.log")),
            setup,
        }
    }

    pub(crate) fn state(&self) -> State {
        match self.state.load(Ordering::Relaxed) {
            0 => State::Up,
            1 => State::Stopped,
            _ => State::Down,
        }
    }

    fn set(&self, state: State) {
        self.state.store(state as u8, Ordering::Relaxed);
    }

    /// Returns when it is ready.
    pub(crate) async fn start(&self, http: &reqwest::Client) -> anyhow::Result<()> {
        *self.process.lock().unwrap() = Some(Process::start(&self.program, &["serve"], &self.env, &self.log)?);
        let began = Instant::now();
        loop {
            let answer = http.get(format!("{}/readyz", self.base)).timeout(Duration::from_secs(2)).send().await;
            if answer.is_ok_and(|a| a.status().is_success()) {
                break;
            }
            let runs = self.process.lock().unwrap().as_mut().is_some_and(Process::is_running);
            ensure!(runs, "instance {} ended before it was ready:\n{}", self.number, self.last_words());
            ensure!(began.elapsed() < Duration::from_secs(60), "instance {} is not ready", self.number);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.set(State::Up);
        Ok(())
    }

    pub(crate) fn kill(&self) {
        self.set(State::Down);
        drop(self.process.lock().unwrap().take());
    }

    pub(crate) fn stand_still(&self) {
        if let Some(process) = &*self.process.lock().unwrap() {
            self.set(State::Stopped);
            signal("STOP", process.pid());
        }
    }

    pub(crate) fn go_on(&self) {
        if let Some(process) = &*self.process.lock().unwrap() {
            signal("CONT", process.pid());
            self.set(State::Up);
        }
    }

    /// Whether it still runs; one that ended by itself is a finding.
    pub(crate) fn is_alive(&self) -> bool {
        self.process.lock().unwrap().as_mut().is_none_or(Process::is_running)
    }

    pub(crate) async fn end(&self) -> bool {
        let process = self.process.lock().unwrap().take();
        match process {
            Some(process) => process.end().await,
            None => true,
        }
    }

    pub(crate) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}
