use chrono::{DateTime, Utc};
use kernel::{Checks, Result, TenantId, TokenId, UserId};
use serde::{Deserialize, Serialize};
use store::Batch;

use crate::{Secret, password, sql};

/// The tenant of those who name none.
pub const DEFAULT_TENANT: &str = "default";

/// A person. Those who left (`deactivated_at`) stay readable by id: their events keep their name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct User {
    pub id: UserId,
    pub tenant_id: TenantId,
    /// Lower case.
    pub email: String,
    pub name: String,
    pub avatar_url: Option<String>,
    /// IANA.
    pub time_zone: String,
    pub is_admin: bool,
    /// One more with each change.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub deactivated_at: Option<DateTime<Utc>>,
}

/// A user to be.
#[derive(Debug, Clone)]
pub struct NewUser {
    pub email: String,
    pub name: String,
    /// Without one the user can only sign in with API tokens.
    pub password: Option<String>,
    pub time_zone: String,
    pub is_admin: bool,
}

impl NewUser {
    pub fn check(&self) -> Result<()> {
        let mut checks = Checks::new();
        checks.email("/email", &self.email);
        checks.name("/name", &self.name, 200);
        time_zone(&mut checks, "/time_zone", &self.time_zone);
        if let Some(password) = &self.password {
            password::check(&mut checks, "/password", password);
        }
        checks.done()
    }
}

/// What somebody changes about himself; absent stays as it is.
#[derive(Debug, Clone, Default)]
pub struct UserChanges {
    pub name: Option<String>,
    /// `Some(None)` removes the picture.
    pub avatar_url: Option<Option<String>>,
    pub time_zone: Option<String>,
}

impl UserChanges {
    pub(crate) fn check(&self) -> Result<()> {
        let mut checks = Checks::new();
        if let Some(name) = &self.name {
            checks.name("/name", name, 200);
        }
        if let Some(Some(url)) = &self.avatar_url {
            let web = url.starts_with("https://") || url.starts_with("http://");
            let clean = url.len() <= 2048 && !url.chars().any(|c| c.is_whitespace() || c.is_control());
            checks.require(web && clean, "/avatar_url", "must be an http:// or https:// URL of at most 2048 bytes");
        }
        if let Some(zone) = &self.time_zone {
            time_zone(&mut checks, "/time_zone", zone);
        }
        checks.done()
    }

    /// The user with these changes.
    pub(crate) fn applied_to(self, user: &User) -> User {
        let mut next = user.clone();
        next.name = self.name.unwrap_or(next.name);
        next.avatar_url = self.avatar_url.unwrap_or(next.avatar_url);
        next.time_zone = self.time_zone.unwrap_or(next.time_zone);
        next
    }
}

fn time_zone(checks: &mut Checks, pointer: &str, name: &str) {
    checks.require(recurrence::Zone::iana(name).is_ok(), pointer, "must be an IANA time zone, like Asia/Tokyo");
}

/// An API token without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Token {
    pub id: TokenId,
    pub name: String,
    pub created_at: DateTime<Utc>,
    /// Absent: until it is revoked.
    pub expires_at: Option<DateTime<Utc>>,
}

/// An API token to be.
#[derive(Debug, Clone)]
pub struct NewToken {
    pub name: String,
    pub expires_at: Option<DateTime<Utc>>,
}

impl NewToken {
    pub(crate) fn check(&self, now: DateTime<Utc>) -> Result<()> {
        let mut checks = Checks::new();
        checks.name("/name", &self.name, 100);
        checks.require(
            self.expires_at.is_none_or(|at| at > now && at < kernel::Span::LATEST),
            "/expires_at",
            "must be in the future",
        );
        checks.done()
    }
}

/// The answer to a sign-in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub secret: Secret,
    pub expires_at: DateTime<Utc>,
    pub user: User,
}

/// As [`crate::Users::find_many`], as a part of somebody's batch; its rows are [`User`]s.
pub fn find_many_part(batch: &mut Batch, tenant: TenantId, ids: &[UserId]) {
    batch.part(sql::FIND_MANY).bind(tenant).bind(ids.to_vec()).done();
}

/// As [`crate::Users::find_by_emails`], as a part of somebody's batch; its rows are [`User`]s.
pub fn find_by_emails_part(batch: &mut Batch, tenant: TenantId, emails: &[String]) {
    batch.part(sql::FIND_BY_EMAILS).bind(tenant).bind(emails.to_vec()).done();
}
