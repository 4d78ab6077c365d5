use kernel::{Moved, Result, Subject, TenantId};
use store::{Conn, Epoch};

use crate::sql;

/// The versions that belong to a tenant as a whole, as one statement reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct TenantVersions {
    epoch: i64,
    directory_seq: i64,
    bookings: Option<i64>,
}

impl TenantVersions {
    pub fn epoch(&self) -> Epoch {
        Epoch(self.epoch)
    }

    /// In the order in which [`crate::Want::versions`] has them.
    pub fn moved(&self, tenant: TenantId) -> Vec<Moved> {
        let names = Moved { subject: Subject::Tenant(tenant), seq: self.directory_seq, acl: 0 };
        let bookings = self.bookings.map(|seq| Moved { subject: Subject::Bookings(tenant), seq, acl: 0 });
        std::iter::once(names).chain(bookings).collect()
    }
}

/// Reads them in the snapshot in which the data are read.
pub async fn tenant_versions(conn: &mut Conn, tenant: TenantId, bookings: bool) -> Result<TenantVersions> {
    Ok(sqlx::query_as(sql::TENANT).bind(tenant).bind(bookings).fetch_one(conn).await?)
}
