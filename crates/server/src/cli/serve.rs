use anyhow::Context;
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{Config, Listen};

#[derive(Args, Debug)]
pub(super) struct Serve {
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    listen: Listen,
}

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let app = super::open(&self.config).await?;
        let at = self.listen.listen;
        let listener = TcpListener::bind(at).await.with_context(|| format!("cannot listen on {at}"))?;
        tracing::info!("listening on http://{}", listener.local_addr()?);
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("stopping");
        };
        Ok(crate::serve(listener, app, stop).await?)
    }
}
