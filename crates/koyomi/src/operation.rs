//! What those may see who run the deployment.

use kernel::{Caller, Result};
use store::doctor::Indexes;
use users::DEFAULT_TENANT;

use crate::{Koyomi, access};

impl Koyomi {
    /// How the database's indexes are used.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn list_indexes(&self, caller: &Caller) -> Result<Indexes> {
        // Nobody's page waits for this.
        let mut conn = self.store.background().conn().await?;
        self.may_operate(&mut conn, caller).await?;
        Ok(store::doctor::indexes(&mut conn).await?)
    }

    /// Refuses whoever does not run the deployment.
    pub async fn check_operator(&self, caller: &Caller) -> Result<()> {
        self.may_operate(&mut self.store.background().conn().await?, caller).await
    }

    async fn may_operate(&self, conn: &mut store::Conn, caller: &Caller) -> Result<()> {
        access::may_operate(caller, self.users.find_tenant(conn, DEFAULT_TENANT).await?)
    }
}
