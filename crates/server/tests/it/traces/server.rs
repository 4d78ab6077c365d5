use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// `koyomi serve`, the binary.
pub(crate) struct Server {
    base: String,
    http: reqwest::Client,
    process: Option<Child>,
}

pub(crate) struct Told {
    pub status: u16,
    pub traceparent: String,
    pub text: String,
}

impl Server {
    pub(crate) async fn start(database: &str, collector: &str, sample: &str, more: &[(&str, &str)]) -> Self {
        // Free a moment ago; whoever takes it in between makes the test fail loudly.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(env!("CARGO_BIN_EXE_koyomi"));
        command
            .arg("serve")
            .env_clear()
            .env("DATABASE_URL", database)
            .env("KOYOMI_LISTEN", format!("127.0.0.1:{port}"));
        command.env("KOYOMI_OTLP_ENDPOINT", collector).env("KOYOMI_TRACE_SAMPLE", sample).env("KOYOMI_BUS", "off");
        // As soon as they are there.
        command.env("OTEL_BSP_SCHEDULE_DELAY", "100").envs(more.iter().copied());
        let process = Some(command.stderr(Stdio::piped()).spawn().unwrap());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let server = Self { base: format!("http://127.0.0.1:{port}"), http, process };
        let ready = async {
            while server.http.get(format!("{}/readyz", server.base)).send().await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), ready).await.expect("koyomi serve is not ready");
        server
    }

    pub(crate) async fn post(&self, path: &str, token: &str, traceparent: Option<&str>, body: Value) -> Told {
        let mut request = self.http.post(format!("{}{path}", self.base)).bearer_auth(token).json(&body);
        if let Some(traceparent) = traceparent {
            request = request.header("traceparent", traceparent);
        }
        let response = request.send().await.unwrap();
        let traceparent = response.headers()["traceparent"].to_str().unwrap().to_owned();
        Told { status: response.status().as_u16(), traceparent, text: response.text().await.unwrap() }
    }

    /// Status and text of the answer.
    pub(crate) async fn get(&self, path: &str, token: &str) -> (u16, String) {
        let response = self.http.get(format!("{}{path}", self.base)).bearer_auth(token).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// What `/metrics` says to whoever accepts this, with its media type.
    pub(crate) async fn metrics(&self, accept: &str) -> (String, String) {
        let request = self.http.get(format!("{}/metrics", self.base)).header("accept", accept);
        let response = request.send().await.unwrap();
        let media_type = response.headers()["content-type"].to_str().unwrap().to_owned();
        (media_type, response.text().await.unwrap())
    }

    /// Asks it to stop, waits until it has, and answers what it wrote to its log.
    pub(crate) async fn stop(mut self) -> String {
        let mut process = self.process.take().unwrap();
        // Beside the runtime, in which the collector takes the last spans.
        let ended = tokio::task::spawn_blocking(move || {
            assert!(Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap().success());
            let mut log = String::new();
            process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
            assert!(process.wait().unwrap().success(), "{log}");
            log
        });
        ended.await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
