use clap::Subcommand;

use crate::config::Config;

#[derive(Subcommand, Debug)]
pub(super) enum Tenant {
    /// Create a tenant, unless its slug exists; prints its id
    Create {
        #[command(flatten)]
        config: Config,
        /// Lower-case letters, digits and hyphens
        #[arg(long)]
        slug: String,
        #[arg(long)]
        name: String,
    },
}

impl Tenant {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let Self::Create { config, slug, name } = self;
        let app = super::open(&config).await?;
        println!("{}", app.koyomi.users.create_tenant(&slug, &name).await?);
        Ok(())
    }
}
