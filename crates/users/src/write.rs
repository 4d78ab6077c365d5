use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Caller, Checks, Expected, Failure, Kind, Result, TenantId};
use store::{Conn, Tx, detached};

use crate::{NewUser, Secret, SignedIn, User, UserChanges, Users, sql};

/// How long a session lasts.
const SESSION: TimeDelta = TimeDelta::days(30);

impl Users {
    /// Signs in with a password; `tenant` is a slug.
    ///
    /// # Errors
    /// `invalid_credentials`, the same (and after the same work) for a wrong password, an unknown address and an unknown
    /// tenant.
    pub async fn login(&self, tenant: Option<&str>, email: &str, password: String) -> Result<SignedIn> {
        let tenant = tenant.unwrap_or(crate::DEFAULT_TENANT);
        // A block of its own gives the connection back before the slow part.
        let found = {
            let mut conn = self.store.conn().await?;
            sql::login(&mut conn, tenant, email).await?
        };
        let (user, stored) = found.map_or((None, None), |row| (Some(row.user), row.password_hash));
        let right = self.passwords.verify(password, stored).await?;
        let user = user.filter(|_| right).ok_or_else(|| {
            Failure::new(Kind::Unauthenticated, "invalid_credentials", "no user has this address and password")
        })?;
        let (secret, store) = (Secret::session()?, self.store.clone());
        let hash = secret.hash();
        let (user, expires_at) = detached(async move {
            let mut tx = store.begin().await?;
            let (now, expires_at) = (tx.now(), tx.now() + SESSION);
            sql::insert_session(tx.conn(), hash, user.id, now, expires_at).await?;
            tx.commit(|_| (user, expires_at)).await
        })
        .await?;
        Ok(SignedIn { secret, expires_at, user })
    }

    /// Forgets the sessions that are over; answers how many.
    pub async fn forget_expired_sessions(&self, conn: &mut Conn, now: DateTime<Utc>) -> Result<u64> {
        Ok(sql::delete_expired_sessions(conn, now).await?)
    }

    /// Ends the session of this secret; one that is over already is no error.
    ///
    /// # Errors
    /// `forbidden` for an API token: those end by being revoked.
    pub async fn logout(&self, secret: &str) -> Result<()> {
        let Some(secret) = Secret::parse(secret) else {
            return Ok(());
        };
        if !secret.is_session() {
            return Err(Failure::forbidden(
                "an API token has no session to end; revoke it with DELETE /api/tokens/{id}",
            ));
        }
        let store = self.store.clone();
        detached(async move {
            let mut tx = store.begin().await?;
            if sql::delete_session(tx.conn(), secret.hash()).await? {
                tx.narrows_access();
            }
            tx.commit(|_| ()).await
        })
        .await
    }

    /// Changes what the caller says about himself. Changing nothing keeps the version.
    ///
    /// # Errors
    /// `precondition_failed` when his version is none of the expected.
    pub async fn update_me(&self, caller: &Caller, changes: UserChanges, expected: Expected) -> Result<User> {
        changes.check()?;
        let (store, tenant, id) = (self.store.clone(), caller.tenant_id, caller.user_id);
        detached(async move {
            let mut tx = store.begin().await?;
            let old = sql::find_for_update(tx.conn(), tenant, id).await?.ok_or_else(|| Failure::not_found("user"))?;
            expected.check(old.version, || store.epoch().tag(old.version))?;
            let mut new = changes.applied_to(&old);
            if new != old {
                new.version += 1;
                new.updated_at = tx.now();
                sql::update(tx.conn(), &new).await?;
                let moved = sql::bump_directory(tx.conn(), tenant).await?;
                tx.made(moved);
            }
            tx.commit(|_| new).await
        })
        .await
    }

    /// For the command line: nobody creates tenants over HTTP. Answers the id of the tenant that has this slug already,
    /// if there is one.
    pub async fn create_tenant(&self, slug: &str, name: &str) -> Result<TenantId> {
        let mut checks = Checks::new();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        checks.require(
            !slug.is_empty() && slug.len() <= 63 && slug.chars().all(plain),
            "/slug",
            "must be 1 to 63 lower-case letters, digits and hyphens",
        );
        checks.name("/name", name, 200);
        checks.done()?;
        let (store, slug, name) = (self.store.clone(), slug.to_owned(), name.to_owned());
        detached(async move {
            let mut tx = store.begin().await?;
            let (id, now) = (store.ids().mint(), tx.now());
            let id = match sql::insert_tenant(tx.conn(), id, &slug, &name, now).await? {
                Some(id) => id,
                None => find_tenant(&mut tx, &slug).await?,
            };
            tx.commit(|_| id).await
        })
        .await
    }

    /// For the command line, tests and demo data.
    ///
    /// # Errors
    /// `not_found` for an unknown tenant, `email_taken` when the tenant has somebody with this address.
    pub async fn create_user(&self, tenant: &str, new: NewUser) -> Result<User> {
        new.check()?;
        let (users, tenant) = (self.clone(), tenant.to_owned());
        detached(async move {
            let mut tx = users.store.begin().await?;
            let tenant = find_tenant(&mut tx, &tenant).await?;
            let user = users.create_user_in(&mut tx, tenant, new).await?;
            tx.commit(|_| user).await
        })
        .await
    }

    /// What the database keeps of a password: for many users at once (demo data), since hashing takes its time.
    pub async fn hash_password(&self, password: String) -> Result<String> {
        self.passwords.hash(password).await
    }

    pub async fn create_user_in(&self, tx: &mut Tx, tenant: TenantId, mut new: NewUser) -> Result<User> {
        new.check()?;
        let password_hash = match new.password.take() {
            Some(password) => Some(self.passwords.hash(password).await?),
            None => None,
        };
        let user = User {
            id: self.store.ids().mint(),
            tenant_id: tenant,
            email: new.email,
            name: new.name,
            avatar_url: None,
            time_zone: new.time_zone,
            is_admin: new.is_admin,
            version: 1,
            created_at: tx.now(),
            updated_at: tx.now(),
            deactivated_at: None,
        };
        let user =
            sql::insert_user(tx.conn(), &user, password_hash.as_deref()).await.map_err(
                |error| match store::constraint(&error) {
                    Some("users_tenant_email_key") => {
                        Failure::new(Kind::Conflict, "email_taken", "the tenant already has a user with this address")
                    }
                    _ => error.into(),
                },
            )?;
        let moved = sql::bump_directory(tx.conn(), tenant).await?;
        tx.made(moved);
        Ok(user)
    }
}

async fn find_tenant(tx: &mut Tx, slug: &str) -> Result<TenantId> {
    sql::find_tenant(tx.conn(), slug).await?.ok_or_else(|| Failure::not_found("tenant"))
}
