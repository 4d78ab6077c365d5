//! A PostgreSQL of the test's own, to be killed.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio, id};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kernel::{Clock, Ids};
use uuid::Uuid;

const PREFIX: &str = "koyomi-crash-";
static COUNTER: AtomicU32 = AtomicU32::new(0);

/// Durable (fsync on), on 127.0.0.1, never as root. Stopped and removed when dropped; what a killed test left behind is
/// swept up by the next.
pub(super) struct Postgres {
    bin: PathBuf,
    home: PathBuf,
    port: u16,
    password: String,
}

impl Postgres {
    pub(super) fn start() -> Self {
        let bin = newest();
        let base = reachable();
        sweep(&bin, &base);
        let home = base.join(format!("{PREFIX}{}-{}", id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
        run(&mut as_postgres("mkdir", &["-m", "700", path(&home)]));
        let password = Ids::random(Clock::System).mint::<Uuid>().simple().to_string();
        let secret = home.join("password");
        // Written by us, read by initdb: root's umask may be strict.
        fs::write(&secret, &password).unwrap();
        if is_root() {
            run(Command::new("chown").args(["postgres:", path(&secret)]));
        }
        let server = Self { port: free_port(), bin, home, password };
        let data = server.data();
        let options =
            ["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"];
        let mut initdb = as_postgres(path(&server.bin.join("initdb")), &options);
        run(initdb.arg(format!("--pwfile={}", path(&secret))).args(["-D", path(&data)]));
        server.launch();
        server
    }

    pub(super) fn url(&self) -> String {
        format!("postgres://postgres:{}@127.0.0.1:{}/postgres", self.password, self.port)
    }

    /// Starts it on the same port again; returns when it has recovered.
    ///
    /// Each commit waits before it becomes durable, so that a kill finds some there: acknowledged too early, they are lost.
    pub(super) fn launch(&self) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=on -c synchronous_commit=on \
             -c full_page_writes=on -c max_connections=50 -c shared_buffers=64MB -c commit_delay=10000 \
             -c commit_siblings=0",
            self.port
        );
        let log = self.home.join("log");
        let data = self.data();
        let mut start =
            as_postgres(path(&self.bin.join("pg_ctl")), &["start", "-w", "-s", "-t", "120", "-D", path(&data)]);
        let status = start.args(["-l", path(&log), "-o", &options]).status().unwrap();
        assert!(status.success(), "{start:?}: {}", fs::read_to_string(log).unwrap_or_default());
    }

    /// `kill -9` of every process of it at once, as when the machine loses power.
    pub(super) fn kill_all(&self) {
        let data = self.data();
        // Each has the data directory as its working directory. Found first and killed at once: who is left for a moment
        // finishes the commit it is in.
        let mut left = self.processes();
        while !left.is_empty() {
            // Some may have gone by themselves meanwhile.
            let _ = Command::new("kill").arg("-9").args(left.iter().map(u32::to_string)).stderr(Stdio::null()).status();
            std::thread::sleep(Duration::from_millis(10));
            left = self.processes();
        }
        // The dead postmaster's number stays taken until somebody buries it, and pg_ctl would take it for alive.
        let _ = fs::remove_file(data.join("postmaster.pid"));
    }

    /// `kill -9` of one of its processes that serves a client: the postmaster ends all others and recovers by itself.
    pub(super) fn kill_one_backend(&self) {
        let serves = |pid: &u32| {
            let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.starts_with("postgres: postgres postgres")
        };
        let backend = self.processes().into_iter().find(serves).expect("a connected client");
        run(Command::new("kill").args(["-9", &backend.to_string()]));
    }

    fn processes(&self) -> Vec<u32> {
        let data = self.data();
        let all = fs::read_dir("/proc").unwrap().flatten();
        let numbered = all.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())));
        numbered
            .filter(|(_, process)| fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == data))
            .map(|(pid, _)| pid)
            .collect()
    }

    fn data(&self) -> PathBuf {
        self.home.join("data")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        remove(&self.bin, &self.home);
    }
}

fn remove(bin: &Path, home: &Path) {
    let data = home.join("data");
    let stop = ["stop", "-w", "-s", "-m", "immediate", "-t", "60", "-D", path(&data)];
    let _ = as_postgres(path(&bin.join("pg_ctl")), &stop).stderr(Stdio::null()).status();
    let _ = fs::remove_dir_all(home);
}

fn sweep(bin: &Path, base: &Path) {
    for entry in fs::read_dir(base).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        let alive = rest.split('-').next().is_some_and(|pid| Path::new("/proc").join(pid).exists());
        if !alive {
            remove(bin, &entry.path());
        }
    }
}

/// The newest PostgreSQL that is installed the Debian way, or what the PATH has.
fn newest() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("initdb").exists())
        .collect();
    found.sort();
    let in_path = || {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).find(|dir| dir.join("initdb").exists())
    };
    found.pop().map(|(_, bin)| bin).or_else(in_path).expect("PostgreSQL's initdb and pg_ctl are installed")
}

/// A directory for temporary files that the user postgres can write to.
fn reachable() -> PathBuf {
    [std::env::temp_dir(), "/tmp".into(), "/var/tmp".into()]
        .into_iter()
        .find(|dir| as_postgres("test", &["-w", path(dir)]).status().is_ok_and(|status| status.success()))
        .expect("a temporary directory that postgres can write to")
}

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    status.lines().any(|line| line.starts_with("Uid:") && line.split_whitespace().nth(2) == Some("0"))
}

/// PostgreSQL refuses to run as root.
fn as_postgres(program: &str, arguments: &[&str]) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", program]);
        command
    } else {
        Command::new(program)
    };
    // The server would keep our pipes open for as long as it lives.
    command.args(arguments).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn run(command: &mut Command) {
    let status = command.stdout(Stdio::null()).status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}

/// Below the range that the kernel hands to outgoing connections: it must still be free after the kill.
fn free_port() -> u16 {
    let first = 20_000 + u16::try_from(id() % 10_000).unwrap();
    (first..30_000)
        .chain(20_000..first)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port")
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
