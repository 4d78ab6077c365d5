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
        access::may_operate(caller, self.users.find_tenant(&mut conn, DEFAULT_TENANT).await?)?;
        Ok(store::doctor::indexes(&mut conn).await?)
    }
}
