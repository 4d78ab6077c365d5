//! As much of Redis' protocol as the faults need.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

#[derive(Debug)]
pub(crate) enum Reply {
    Done,
    Number(i64),
    Bytes(Option<Vec<u8>>),
}

pub(crate) struct Connection(BufStream<TcpStream>);

impl Connection {
    pub(crate) async fn open(port: u16) -> Result<Self> {
        Ok(Self(BufStream::new(TcpStream::connect(("127.0.0.1", port)).await?)))
    }

    /// One command and its answer, which is no array.
    pub(crate) async fn ask(&mut self, words: &[&[u8]]) -> Result<Reply> {
        let stream = &mut self.0;
        stream.write_all(format!("*{}\r\n", words.len()).as_bytes()).await?;
        for word in words {
            stream.write_all(format!("${}\r\n", word.len()).as_bytes()).await?;
            stream.write_all(word).await?;
            stream.write_all(b"\r\n").await?;
        }
        stream.flush().await?;
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let line = line.trim_end();
        let odd = || Error::new(ErrorKind::InvalidData, format!("not an answer: {line:?}"));
        let (kind, rest) = line.split_at_checked(1).ok_or_else(odd)?;
        match kind {
            "+" => Ok(Reply::Done),
            "-" => Err(Error::other(rest.to_owned())),
            ":" => Ok(Reply::Number(rest.parse().map_err(|_| odd())?)),
            "$" => {
                let Ok(length) = usize::try_from(rest.parse::<i64>().map_err(|_| odd())?) else {
                    return Ok(Reply::Bytes(None));
                };
                let mut bytes = vec![0; length + 2];
                stream.read_exact(&mut bytes).await?;
                bytes.truncate(length);
                Ok(Reply::Bytes(Some(bytes)))
            }
            _ => Err(odd()),
        }
    }

    pub(crate) async fn number(&mut self, words: &[&[u8]]) -> Result<i64> {
        match self.ask(words).await? {
            Reply::Number(n) => Ok(n),
            other => Err(Error::other(format!("not a number: {other:?}"))),
        }
    }

    pub(crate) async fn bytes(&mut self, words: &[&[u8]]) -> Result<Option<Vec<u8>>> {
        match self.ask(words).await? {
            Reply::Bytes(bytes) => Ok(bytes),
            other => Err(Error::other(format!("not a value: {other:?}"))),
        }
    }
}
