use clap::Subcommand;
use users::{DEFAULT_TENANT, NewUser};

use crate::config::Config;

#[derive(Subcommand, Debug)]
pub(super) enum User {
    /// Create a user; prints the id
    Create {
        #[command(flatten)]
        config: Config,
        #[arg(long)]
        email: String,
        #[arg(long)]
        name: String,
        /// Visible to others on this machine while the command runs; the environment is not
        #[arg(long, env = "KOYOMI_PASSWORD", hide_env_values = true)]
        password: String,
        /// May keep the tenant's list of resources
        #[arg(long)]
        admin: bool,
        /// Slug; the tenant `default` is created when it is missing
        #[arg(long, default_value = DEFAULT_TENANT)]
        tenant: String,
        /// IANA
        #[arg(long, default_value = "UTC")]
        time_zone: String,
    },
}

impl User {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let Self::Create { config, email, name, password, admin, tenant, time_zone } = self;
        let app = super::open(&config).await?;
        let users = &app.koyomi.users;
        if tenant == DEFAULT_TENANT {
            users.create_tenant(DEFAULT_TENANT, "Default").await?;
        }
        let new = NewUser { email, name, password: Some(password), time_zone, is_admin: admin };
        println!("{}", users.create_user(&tenant, new).await?.id);
        Ok(())
    }
}
