//! A network that can be made bad: TCP connections to one address, carried by this process. For tests and storms; never
//! shipped.
//!
//! What TCP promises it keeps: bytes come in order and once, late or not at all. What is not carried while the link is silent
//! is carried when it is good again, as a network that retransmits does; or never, when the connection is [cut](Link::cut) or
//! [forgotten](Link::forget).

mod carry;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the link does with what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Condition {
    #[default]
    Good,
    /// Everything arrives so much later, and up to `jitter` more.
    Slow { latency: Duration, jitter: Duration },
    /// So many bytes a second, either way, for each connection.
    Narrow(u32),
    /// Nothing is carried, nothing ends, nobody is told. New connections are taken, and hear nothing.
    Silent,
    /// What clients send does not arrive; what the part says does.
    Deaf,
    /// What clients send arrives; what the part says does not.
    Mute,
}

/// Everything that the connections must know.
#[derive(Debug, Clone, Copy, Default)]
struct Orders {
    condition: Condition,
    /// How often all connections were cut, and forgotten.
    cuts: u64,
    forgotten: u64,
}

/// Ends, with all its connections, when dropped.
#[derive(Debug)]
pub struct Link {
    address: SocketAddr,
    orders: watch::Sender<Orders>,
    accepting: JoinHandle<()>,
}

impl Link {
    /// To a part that listens at `to`, now or later.
    pub async fn start(to: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (orders, heard) = watch::channel(Orders::default());
        Ok(Self { address, orders, accepting: tokio::spawn(accept(listener, to, heard)) })
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on, for every connection that has not been forgotten.
    pub fn set(&self, condition: Condition) {
        self.orders.send_modify(|orders| orders.condition = condition);
    }

    /// Every connection there is ends for both sides with RST; what had not arrived never does.
    pub fn cut(&self) {
        self.orders.send_modify(|orders| orders.cuts += 1);
    }

    /// Every connection there is stays open, and nothing is carried over it any more, not even its end: what a firewall does
    /// that has lost its table. New ones are as the condition says.
    pub fn forget(&self) {
        self.orders.send_modify(|orders| orders.forgotten += 1);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, to: SocketAddr, orders: watch::Receiver<Orders>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(connection(client, to, orders.clone()));
    }
}

/// What becomes of a connection that does not end by itself.
enum Fate {
    Cut,
    Forgotten,
    /// There is no link any more.
    Over,
}

async fn connection(mut client: TcpStream, to: SocketAddr, orders: watch::Receiver<Orders>) {
    let born = *orders.borrow();
    let _ = client.set_nodelay(true);
    let mut part = None;
    let fate = tokio::select! {
        () = connect_and_carry(&mut client, &mut part, to, &orders) => return,
        fate = fate(born, orders.clone()) => fate,
    };
    match fate {
        Fate::Cut => {
            for end in [Some(client), part].into_iter().flatten() {
                let _ = end.set_zero_linger();
            }
        }
        Fate::Forgotten => {
            // Both ends stay open as long as there is a link.
            let mut orders = orders;
            while orders.changed().await.is_ok() {}
        }
        Fate::Over => {}
    }
}

async fn fate(born: Orders, mut orders: watch::Receiver<Orders>) -> Fate {
    loop {
        {
            let now = orders.borrow_and_update();
            if now.cuts > born.cuts {
                return Fate::Cut;
            }
            if now.forgotten > born.forgotten {
                return Fate::Forgotten;
            }
        }
        if orders.changed().await.is_err() {
            return Fate::Over;
        }
    }
}

async fn connect_and_carry(
    client: &mut TcpStream,
    part: &mut Option<TcpStream>,
    to: SocketAddr,
    orders: &watch::Receiver<Orders>,
) {
    if carry::passable(&mut orders.clone(), carry::Way::There).await.is_err() {
        return;
    }
    let Ok(stream) = TcpStream::connect(to).await else {
        // As near to a refusal as one comes who has accepted already.
        let _ = client.set_zero_linger();
        return;
    };
    let _ = stream.set_nodelay(true);
    let part = part.insert(stream);
    let ((from_client, to_client), (from_part, to_part)) = (client.split(), part.split());
    let there = carry::carry(from_client, to_part, carry::Way::There, orders.clone());
    let back = carry::carry(from_part, to_client, carry::Way::Back, orders.clone());
    let _ = tokio::try_join!(there, back);
}
