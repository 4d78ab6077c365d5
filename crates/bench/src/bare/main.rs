//! What axum costs by itself: every GET is answered with the same recorded bytes.
//!
//! `curl -D headers -o body URL`, then `bare --listen 127.0.0.1:0 --headers headers --body body`. Allocator, runtime and
//! socket options are those of koyomi, so that what is left between the two is what koyomi does.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::any;
use axum::serve::ListenerExt;
use bytes::Bytes;
use clap::Parser;
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What hyper writes by itself.
const HYPERS: [HeaderName; 4] = [CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING];

/// Answers every GET with the same recorded bytes
#[derive(Parser, Debug)]
#[command(name = "bare")]
struct Options {
    /// Address to listen on
    #[arg(long)]
    listen: SocketAddr,
    /// What `curl -D` wrote: a status line, then headers
    #[arg(long, value_name = "FILE")]
    headers: PathBuf,
    /// What `curl -o` wrote
    #[arg(long, value_name = "FILE")]
    body: PathBuf,
}

#[derive(Debug, Clone)]
struct Answer {
    headers: HeaderMap,
    body: Bytes,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let answer = Answer { headers: headers(&options.headers)?, body: read(&options.body)?.into() };
    let listener = TcpListener::bind(options.listen).await?.tap_io(|tcp| {
        let _ = tcp.set_nodelay(true);
    });
    let router = Router::new().route("/", any(show)).route("/{*path}", any(show)).with_state(answer);
    Ok(axum::serve(listener, router).await?)
}

async fn show(State(answer): State<Answer>) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.headers_mut() = answer.headers;
    response
}

/// The recorded headers, without those that hyper adds. They are static, as the headers of such a handler would be.
fn headers(path: &Path) -> anyhow::Result<HeaderMap> {
    let text: &'static str = String::from_utf8(read(path)?)?.leak();
    let mut lines = text.lines();
    let status = lines.next().unwrap_or_default();
    anyhow::ensure!(status.starts_with("HTTP/1.1 200"), "{}: not an answer to record: {status}", path.display());
    let mut headers = HeaderMap::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').with_context(|| format!("{}: no header: {line}", path.display()))?;
        if !HYPERS.iter().any(|hypers| name.eq_ignore_ascii_case(hypers.as_str())) {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value.trim()));
        }
    }
    Ok(headers)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
