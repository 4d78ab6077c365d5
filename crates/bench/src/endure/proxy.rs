//! What stands before the instances: each new connection goes to one that says it is ready.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::wire::{Connection, ask};

pub(crate) struct Behind {
    pub address: SocketAddr,
    ready: AtomicBool,
}

pub(crate) struct Proxy {
    pub address: SocketAddr,
    pub behind: Vec<Arc<Behind>>,
}

/// How often each is asked whether it is ready.
const LOOK: Duration = Duration::from_millis(50);

impl Proxy {
    pub(crate) async fn start(instances: &[SocketAddr]) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let behind: Vec<_> = instances
            .iter()
            .map(|address| Arc::new(Behind { address: *address, ready: AtomicBool::new(false) }))
            .collect();
        for one in &behind {
            tokio::spawn(watch(Arc::clone(one)));
        }
        tokio::spawn(accept(listener, behind.clone()));
        Ok(Self { address, behind })
    }
}

impl Behind {
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }
}

async fn watch(one: Arc<Behind>) {
    let question = format!("GET /readyz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", one.address);
    loop {
        let look = async {
            let mut connection = Connection::open(one.address).await?;
            ask(&mut connection, question.as_bytes()).await
        };
        let answer = tokio::time::timeout(Duration::from_secs(1), look).await;
        one.ready.store(answer.is_ok_and(|a| a.is_ok_and(|a| a.status < 300)), Ordering::Relaxed);
        tokio::time::sleep(LOOK).await;
    }
}

async fn accept(listener: TcpListener, behind: Vec<Arc<Behind>>) {
    let turn = Arc::new(AtomicUsize::new(0));
    while let Ok((mut client, _)) = listener.accept().await {
        let (behind, turn) = (behind.clone(), Arc::clone(&turn));
        tokio::spawn(async move {
            let _ = client.set_nodelay(true);
            let first = turn.fetch_add(1, Ordering::Relaxed);
            // Those that are ready come first; one that has just gone is passed over.
            let mut order: Vec<_> = (0..behind.len()).map(|n| &behind[(first + n) % behind.len()]).collect();
            order.sort_by_key(|one| !one.is_ready());
            for one in order {
                if let Ok(mut server) = TcpStream::connect(one.address).await {
                    let _ = server.set_nodelay(true);
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                    return;
                }
            }
        });
    }
}
