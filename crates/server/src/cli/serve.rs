use anyhow::Context;
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use kernel::{Clock, Ids};

use crate::config::{Config, Freshness, GraphQl, Listen, Tracing};
use crate::state::{App, Settings};

#[derive(Args, Debug)]
pub(super) struct Serve {
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    freshness: Freshness,
    #[command(flatten)]
    graphql: GraphQl,
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    pub(super) tracing: Tracing,
}

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let settings = Settings {
            database: self.config.database(),
            koyomi: self.freshness.koyomi(),
            bus: self.freshness.bus.clone(),
            graphql: self.graphql.settings(),
        };
        let app = App::open(settings, Clock::System, Ids::random(Clock::System)).await?;
        if let Some(advice) = app.koyomi.zone_data().await?.advice() {
            tracing::warn!("{advice}");
        }
        let (cache, reads) = (self.freshness.cache, self.freshness.reads);
        tracing::info!(%cache, redis = self.freshness.redis.is_some(), %reads, bus = ?self.freshness.bus, "reads");
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
