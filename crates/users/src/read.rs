use std::collections::HashMap;

use kernel::{
    Caller, Checks, Failure, Limit, Page, Result, TenantId, UserId, decode_cursor, encode_cursor, filter_hash,
};
use store::Conn;

use crate::{User, Users, sql};

impl Users {
    /// A user to act for, without a credential: for the command line, whose operator holds the database anyway.
    pub async fn vouched(&self, id: UserId) -> Result<Caller> {
        let mut conn = self.store.conn().await?;
        sql::caller_by_id(&mut conn, id).await?.ok_or_else(|| Failure::not_found("user"))
    }

    /// The tenant of this slug, which is its own for good.
    pub async fn find_tenant(&self, conn: &mut Conn, slug: &str) -> Result<Option<TenantId>> {
        Ok(sql::find_tenant(conn, slug).await?)
    }

    /// The caller as others see him.
    pub async fn me(&self, caller: &Caller) -> Result<User> {
        let mut conn = self.store.conn().await?;
        self.find(&mut conn, caller.tenant_id, caller.user_id).await
    }

    /// Users of one tenant by id; unknown ids are left out.
    pub async fn find_many(&self, conn: &mut Conn, tenant: TenantId, ids: &[UserId]) -> Result<HashMap<UserId, User>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let users = sql::find_many(conn, tenant, ids).await?;
        Ok(users.into_iter().map(|user| (user.id, user)).collect())
    }

    pub async fn find(&self, conn: &mut Conn, tenant: TenantId, id: UserId) -> Result<User> {
        let mut found = self.find_many(conn, tenant, &[id]).await?;
        found.remove(&id).ok_or_else(|| Failure::not_found("user"))
    }

    /// Users of one tenant by address, in whatever case; unknown ones and those who left are left out. The keys are
    /// lower case.
    pub async fn find_by_emails(
        &self,
        conn: &mut Conn,
        tenant: TenantId,
        emails: &[String],
    ) -> Result<HashMap<String, User>> {
        if emails.is_empty() {
            return Ok(HashMap::new());
        }
        let users = sql::find_by_emails(conn, tenant, emails).await?;
        Ok(users.into_iter().map(|user| (user.email.clone(), user)).collect())
    }

    /// The caller's colleagues whose name or address contains `q`, by name. An empty `q` lists everybody.
    pub async fn search(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        q: &str,
        limit: Limit,
        cursor: Option<&str>,
    ) -> Result<Page<User>> {
        let mut checks = Checks::new();
        checks.text("?q", q, 200);
        checks.done()?;
        let filters = filters(caller.tenant_id, q);
        let after: Option<(String, UserId)> = cursor.map(|text| decode_cursor(filters, text)).transpose()?;
        // Cursors are not signed: what PostgreSQL would choke on is refused here.
        if after.as_ref().is_some_and(|(name, _)| name.contains('\0')) {
            return Err(forged_cursor());
        }
        let rows = sql::search(conn, caller.tenant_id, &contains(q), after, limit).await?;
        Ok(Page::cut(rows, limit, filters, position))
    }
}

pub(crate) fn forged_cursor() -> Failure {
    Failure::malformed("?cursor", "is not a cursor of this list; start again without it")
}

/// The `like` pattern of "contains this text", in which nothing of the text is a wildcard.
fn contains(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// Where a search goes on after this user.
pub fn search_cursor(q: &str, user: &User) -> String {
    encode_cursor(filters(user.tenant_id, q), &position(user))
}

fn filters(tenant: TenantId, q: &str) -> u64 {
    filter_hash(&("users", tenant, q))
}

fn position(user: &User) -> (String, UserId) {
    (user.name.clone(), user.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_of_the_caller_are_letters() {
        assert_eq!(contains(r"50%_\o/"), r"%50\%\_\\o/%");
    }
}
