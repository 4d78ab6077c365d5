//! HTTP/1.1 by hand: a client that can stop anywhere in it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Target;

pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

pub(crate) struct Answer {
    pub status: u16,
    /// In small letters.
    head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub(crate) fn has(&self, header: &str) -> bool {
        self.head.lines().any(|line| line.strip_prefix(header).is_some_and(|rest| rest.starts_with(':')))
    }

    /// Whether the server ends the connection with it.
    pub(crate) fn closes(&self) -> bool {
        self.head.lines().any(|line| line.starts_with("connection:") && line.contains("close"))
    }
}

/// A request as it goes over the wire.
pub(crate) fn request(target: &Target, method: &str, path: &str, more: &str, body: &str) -> Vec<u8> {
    let Target { address, token, .. } = target;
    let length = if body.is_empty() {
        String::new()
    } else {
        format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len())
    };
    format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n{more}{length}\r\n{body}")
        .into_bytes()
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::new() })
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// So many bytes of what comes, or fewer.
    pub(crate) async fn take(&mut self, most: usize) -> io::Result<usize> {
        let mut bytes = vec![0; most.max(1)];
        self.stream.read(&mut bytes).await
    }

    /// A whole answer with a length in its head.
    pub(crate) async fn answer(&mut self) -> io::Result<Answer> {
        let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let head = String::from_utf8_lossy(&self.read[..end]).to_ascii_lowercase();
        let status: u16 =
            head.split(' ').nth(1).and_then(|text| text.parse().ok()).ok_or_else(|| wrong("no status"))?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        let length = if [204, 304].contains(&status) { 0 } else { length.ok_or_else(|| wrong("no length"))? };
        while self.read.len() < end + length {
            self.more().await?;
        }
        let rest = self.read.split_off(end + length);
        let body = self.read.split_off(end);
        self.read = rest;
        Ok(Answer { status, head, body })
    }

    async fn more(&mut self) -> io::Result<()> {
        if self.stream.read_buf(&mut self.read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    /// Whether anything of an answer has come that is not whole.
    pub(crate) fn has_read(&self) -> bool {
        !self.read.is_empty()
    }

    /// Gone at once, whatever is still to come: the other side is told by a reset.
    pub(crate) fn slam(self) {
        let _ = self.stream.set_zero_linger();
    }
}

/// One question, answered or not within a while.
pub(crate) async fn ask(connection: &mut Connection, request: &[u8]) -> io::Result<Answer> {
    const PATIENCE: Duration = Duration::from_secs(30);
    let asked = async {
        connection.send(request).await?;
        connection.answer().await
    };
    tokio::time::timeout(PATIENCE, asked).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}
