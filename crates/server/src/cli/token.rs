use chrono::TimeDelta;
use clap::Subcommand;
use users::{DEFAULT_TENANT, NewToken};

use crate::config::Config;

#[derive(Subcommand, Debug)]
pub(super) enum Token {
    /// Make an API token; prints its secret and nothing else
    Create {
        #[command(flatten)]
        config: Config,
        /// Address of the user
        #[arg(long, value_name = "EMAIL")]
        user: String,
        /// What it is for
        #[arg(long)]
        name: String,
        /// Without it the token lasts until it is revoked
        #[arg(long, value_name = "DAYS")]
        days: Option<u32>,
        /// Slug
        #[arg(long, default_value = DEFAULT_TENANT)]
        tenant: String,
    },
}

impl Token {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let Self::Create { config, user, name, days, tenant } = self;
        let app = super::open(&config).await?;
        let now = app.koyomi.store.clock().now();
        let new = NewToken { name, expires_at: days.map(|days| now + TimeDelta::days(days.into())) };
        let (_, secret) = app.koyomi.users.create_token_for(&tenant, &user, new).await?;
        println!("{}", secret.expose());
        Ok(())
    }
}
