//! One way of one connection.

use std::io;
use std::time::Duration;

use rand::Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::{Condition, Orders};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// From the client to the part.
    There,
    Back,
}

impl Way {
    fn is_passable(self, condition: Condition) -> bool {
        match condition {
            Condition::Silent => false,
            Condition::Deaf => self == Self::Back,
            Condition::Mute => self == Self::There,
            Condition::Good | Condition::Slow { .. } | Condition::Narrow(_) => true,
        }
    }
}

const PIECE: usize = 16 * 1024;
/// Pieces under way; behind them the sender's own buffers fill up, as they would.
const UNDER_WAY: usize = 64;
/// Of a second: how often a narrow link lets something through.
const SLICES: u32 = 50;

/// Waits until this way carries something, whatever its pace.
pub(crate) async fn passable(orders: &mut watch::Receiver<Orders>, way: Way) -> io::Result<Condition> {
    let now = orders.wait_for(|orders| way.is_passable(orders.condition)).await;
    now.map(|orders| orders.condition).map_err(io::Error::other)
}

/// Until the sender has no more to say; then the receiver is told so.
pub(crate) async fn carry(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    way: Way,
    mut orders: watch::Receiver<Orders>,
) -> io::Result<()> {
    let (send, mut pieces) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY);
    let mut heard = orders.clone();
    let reading = async move {
        loop {
            // Nothing is taken, and no end noticed, that could not be passed on.
            passable(&mut heard, way).await?;
            let mut piece = vec![0; PIECE];
            let n = from.read(&mut piece).await?;
            piece.truncate(n);
            let due = Instant::now() + delay(heard.borrow().condition);
            if n == 0 || send.send((due, piece)).await.is_err() {
                return io::Result::Ok(());
            }
        }
    };
    let writing = async {
        while let Some((due, piece)) = pieces.recv().await {
            tokio::time::sleep_until(due).await;
            let mut rest = piece.as_slice();
            while !rest.is_empty() {
                let (now, pause) = match passable(&mut orders, way).await? {
                    Condition::Narrow(rate) => (rest.len().min((rate / SLICES).max(1) as usize), true),
                    _ => (rest.len(), false),
                };
                to.write_all(&rest[..now]).await?;
                rest = &rest[now..];
                if pause {
                    tokio::time::sleep(Duration::from_secs(1) / SLICES).await;
                }
            }
        }
        passable(&mut orders, way).await?;
        to.shutdown().await
    };
    tokio::try_join!(reading, writing).map(drop)
}

fn delay(condition: Condition) -> Duration {
    match condition {
        Condition::Slow { latency, jitter } => latency + jitter.mul_f64(rand::rng().random()),
        _ => Duration::ZERO,
    }
}
