use anyhow::Context;
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use kernel::{Clock, Ids};

use crate::config::{Config, Freshness, GraphQl, Limits, Listen, Tracing};
use crate::heap;
use crate::middleware::cors::Origins;
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
    limits: Limits,
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
            guard: self.limits.settings(self.graphql.settings().deadline, self.freshness.redis.as_deref()),
            http: self.listen.settings(),
            origins: Origins::of(&self.listen.cors_origins, &self.listen.cors_tenants)
                .map_err(|problem| anyhow::anyhow!("cors_origins, cors_tenants: {problem}"))?,
            subscriptions: usize::try_from(self.graphql.max_subscriptions).unwrap_or(usize::MAX),
        };
        if self.listen.heap_sampling {
            heap::sample_always().await?;
        }
        let app = App::open(settings, Clock::System, Ids::random(Clock::System)).await?;
        if let Some(advice) = app.koyomi.zone_data().await?.advice() {
            tracing::warn!("{advice}");
        }
        let (cache, reads) = (self.freshness.cache, self.freshness.reads);
        tracing::info!(%cache, redis = self.freshness.redis.is_some(), %reads, bus = ?self.freshness.bus, "reads");
        let at = self.listen.listen;
        let listener = TcpListener::bind(at).await.with_context(|| format!("cannot listen on {at}"))?;
        let scheme = if self.listen.tls_cert.is_some() { "https" } else { "http" };
        tracing::info!("listening on {scheme}://{}", listener.local_addr()?);
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
