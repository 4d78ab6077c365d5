use kernel::{Result, TenantId};
use store::Conn;
use uuid::Uuid;

use crate::sql;

/// What can be found by its id alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Noun {
    Calendar,
    Event,
    User,
    Resource,
}

/// What this is the id of; None: nothing of this tenant.
pub async fn noun_of(conn: &mut Conn, tenant_id: TenantId, id: Uuid) -> Result<Option<Noun>> {
    Ok(sqlx::query_scalar(sql::NOUN).bind(id).bind(tenant_id).fetch_optional(conn).await?)
}
