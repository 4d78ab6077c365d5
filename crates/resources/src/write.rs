use kernel::{Expected, Failure, ResourceId, Result, TenantId};
use store::Tx;

use crate::{NewResource, Resource, ResourceChange, error, sql};

/// Adds a resource. Claim the idempotency key in a batch before; the commit leaves the result under it.
pub async fn create_in(tx: &mut Tx, tenant_id: TenantId, resource: &NewResource) -> Result<Resource> {
    let now = tx.now();
    Ok(sqlx::query_as(sql::CREATE)
        .bind(tenant_id)
        .bind(resource.id)
        .bind(&resource.name)
        .bind(resource.kind.as_str())
        .bind(resource.capacity)
        .bind(&resource.location)
        .bind(&resource.description)
        .bind(resource.exclusive)
        .bind(now)
        .fetch_one(tx.conn())
        .await?)
}

/// Changes a resource, its version and the tenant's version of names; a change that changes nothing leaves all three.
/// `tag` makes the ETag of the current version.
///
/// Reservations follow `exclusive`. Becoming exclusive is refused while two reservations that are still to come
/// overlap; those of the past may.
///
/// # Errors
/// `not_found`, `precondition_failed`, `resource_in_use`.
pub async fn update_in(
    tx: &mut Tx,
    tenant_id: TenantId,
    id: ResourceId,
    expected: &Expected,
    tag: impl FnOnce(&Resource) -> String,
    change: &ResourceChange,
) -> Result<Resource> {
    let current = find_for_update(tx, tenant_id, id, expected, tag).await?;
    let next = changed(&current, change);
    if next == current {
        return Ok(current);
    }
    let now = tx.now();
    sqlx::query_as(sql::UPDATE)
        .bind(tenant_id)
        .bind(id)
        .bind(&next.name)
        .bind(next.kind.as_str())
        .bind(next.capacity)
        .bind(&next.location)
        .bind(&next.description)
        .bind(next.exclusive)
        .bind(now)
        .bind(next.exclusive != current.exclusive)
        .fetch_one(tx.conn())
        .await
        .map_err(|error| if error::is_overlap(&error) { error::shared_in_use() } else { error.into() })
}

/// Takes a resource out of every list. Reservations of the past keep showing its name.
///
/// # Errors
/// `not_found`, `precondition_failed`; `resource_in_use` while confirmed reservations are still to come.
pub async fn delete_in(
    tx: &mut Tx,
    tenant_id: TenantId,
    id: ResourceId,
    expected: &Expected,
    tag: impl FnOnce(&Resource) -> String,
) -> Result<()> {
    find_for_update(tx, tenant_id, id, expected, tag).await?;
    let now = tx.now();
    let still_to_come: i64 =
        sqlx::query_scalar(sql::DELETE).bind(tenant_id).bind(id).bind(now).fetch_one(tx.conn()).await?;
    if still_to_come > 0 {
        return Err(error::in_use(still_to_come));
    }
    Ok(())
}

/// A statement of its own, before the one that looks at reservations: that one must have a snapshot from after the
/// lock, or it would not see what a booking committed while we waited.
async fn find_for_update(
    tx: &mut Tx,
    tenant_id: TenantId,
    id: ResourceId,
    expected: &Expected,
    tag: impl FnOnce(&Resource) -> String,
) -> Result<Resource> {
    let current: Resource = sqlx::query_as(sql::FIND_FOR_UPDATE)
        .bind(tenant_id)
        .bind(id)
        .fetch_optional(tx.conn())
        .await?
        .ok_or_else(|| Failure::not_found("resource"))?;
    expected.check(current.version, || tag(&current))?;
    Ok(current)
}

fn changed(current: &Resource, change: &ResourceChange) -> Resource {
    let mut next = current.clone();
    let ResourceChange { name, kind, capacity, location, description, exclusive } = change.clone();
    next.name = name.unwrap_or(next.name);
    next.kind = kind.unwrap_or(next.kind);
    next.capacity = capacity.unwrap_or(next.capacity);
    next.location = location.unwrap_or(next.location);
    next.description = description.unwrap_or(next.description);
    next.exclusive = exclusive.unwrap_or(next.exclusive);
    next
}
