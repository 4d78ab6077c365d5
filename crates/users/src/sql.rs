//! Every query of the room.

use chrono::{DateTime, Utc};
use kernel::{Caller, Credential, Limit, Moved, SecretHash, Span, Subject, TenantId, TokenId, UserId};
use sqlx::FromRow;
use store::Conn;
use uuid::Uuid;

use crate::{Token, User};

type Done<T> = Result<T, sqlx::Error>;

/// The columns of a [`User`].
macro_rules! user {
    () => {
        "id, tenant_id, email, name, avatar_url, time_zone, is_admin, version, created_at, updated_at, deactivated_at"
    };
}

/// The columns of a [`Token`].
macro_rules! token {
    () => {
        "id, name, created_at, expires_at"
    };
}

pub const FIND_MANY: &str = concat!("select ", user!(), " from users where tenant_id = $1 and id = any($2)");

/// `lower` here rather than in Rust: one idea of what a lower-case address is, the constraint's.
pub(crate) const FIND_BY_EMAILS: &str = concat!(
    "select ",
    user!(),
    " from users where tenant_id = $1 and email = any(select lower(e) from unnest($2::text[]) e) and deactivated_at is null"
);

/// Somebody the command line acts for: no credential was shown, the machine's operator vouches.
pub(crate) async fn caller_by_id(conn: &mut Conn, id: UserId) -> Done<Option<Caller>> {
    #[derive(FromRow)]
    struct Row {
        #[sqlx(flatten)]
        user: User,
        seq: i64,
        directory_seq: i64,
    }
    let row: Option<Row> = sqlx::query_as(concat!(
        "select ",
        user!(),
        ", seq, (select t.directory_seq from tenants t where t.id = users.tenant_id) as directory_seq
         from users where id = $1 and deactivated_at is null"
    ))
    .bind(id)
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|Row { user, seq, directory_seq }| Caller {
        user_id: user.id,
        tenant_id: user.tenant_id,
        name: user.name,
        email: user.email,
        time_zone: user.time_zone,
        is_admin: user.is_admin,
        directory_seq,
        version: user.version,
        seq,
        credential: Credential::Session,
        expires_at: None,
    }))
}

#[derive(FromRow)]
pub(crate) struct LoginRow {
    #[sqlx(flatten)]
    pub user: User,
    pub password_hash: Option<String>,
}

pub(crate) async fn login(conn: &mut Conn, tenant: &str, email: &str) -> Done<Option<LoginRow>> {
    sqlx::query_as(concat!(
        "select ",
        user!(),
        ", password_hash from users
         where tenant_id = (select id from tenants where slug = $1) and email = lower($2) and deactivated_at is null"
    ))
    .bind(tenant)
    .bind(email)
    .fetch_optional(conn)
    .await
}

/// Opens a session, and sweeps the same user's expired ones: the table cannot grow with the number of sign-ins.
pub(crate) async fn insert_session(
    conn: &mut Conn,
    hash: SecretHash,
    user: UserId,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Done<()> {
    sqlx::query(
        "with swept as (delete from sessions where user_id = $2 and expires_at <= $3)
         insert into sessions (token_hash, user_id, created_at, expires_at) values ($1, $2, $3, $4)",
    )
    .bind(hash.as_slice())
    .bind(user)
    .bind(now)
    .bind(expires_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Those of people who never came back to sign in again; the others are swept when they do.
pub(crate) async fn delete_expired_sessions(conn: &mut Conn, now: DateTime<Utc>) -> Done<u64> {
    let gone = sqlx::query("delete from sessions where expires_at <= $1").bind(now).execute(conn).await?;
    Ok(gone.rows_affected())
}

/// Whether there was such a session. Whoever keeps callers in memory hears of it: a trigger raises `users.seq`.
pub(crate) async fn delete_session(conn: &mut Conn, hash: SecretHash) -> Done<bool> {
    let done = sqlx::query("delete from sessions where token_hash = $1").bind(hash.as_slice()).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}

pub(crate) async fn find_many(conn: &mut Conn, tenant: TenantId, ids: &[UserId]) -> Done<Vec<User>> {
    sqlx::query_as(FIND_MANY).bind(tenant).bind(ids).fetch_all(conn).await
}

pub(crate) async fn find_by_emails(conn: &mut Conn, tenant: TenantId, emails: &[String]) -> Done<Vec<User>> {
    sqlx::query_as(FIND_BY_EMAILS).bind(tenant).bind(emails).fetch_all(conn).await
}

/// Where a list in some order begins: before every key.
const FIRST: Uuid = Uuid::nil();

/// Planned anew each time, with its values (`persistent(false)`): a rare pattern wants the trigrams of `users_search` and
/// a sort, a common or short one the walk along `users_tenant_name`, which stops after a page. One plan for both took
/// 560 ms for a single letter among 100,000 users instead of 0.3. The bound is always there, so that it is part of the
/// index condition.
pub const SEARCH: &str = concat!(
    "select ",
    user!(),
    " from users
     where tenant_id = $1 and deactivated_at is null
       and (lower(name) || ' ' || email) ilike $2
       and (name, id) > ($3, $4)
     order by name, id
     limit $5"
);

pub(crate) async fn search(
    conn: &mut Conn,
    tenant: TenantId,
    pattern: &str,
    after: Option<(String, UserId)>,
    limit: Limit,
) -> Done<Vec<User>> {
    let (name, id) = after.unwrap_or((String::new(), FIRST.into()));
    sqlx::query_as(SEARCH)
        .persistent(false)
        .bind(tenant)
        .bind(pattern)
        .bind(name)
        .bind(id)
        .bind(limit.probe())
        .fetch_all(conn)
        .await
}

pub(crate) async fn find_for_update(conn: &mut Conn, tenant: TenantId, id: UserId) -> Done<Option<User>> {
    sqlx::query_as(concat!(
        "select ",
        user!(),
        " from users where tenant_id = $1 and id = $2 and deactivated_at is null for no key update"
    ))
    .bind(tenant)
    .bind(id)
    .fetch_optional(conn)
    .await
}

pub(crate) async fn update(conn: &mut Conn, user: &User) -> Done<()> {
    sqlx::query(
        "update users set name = $3, avatar_url = $4, time_zone = $5, version = $6, updated_at = $7
         where tenant_id = $1 and id = $2",
    )
    .bind(user.tenant_id)
    .bind(user.id)
    .bind(&user.name)
    .bind(&user.avatar_url)
    .bind(&user.time_zone)
    .bind(user.version)
    .bind(user.updated_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Says that people of the tenant changed; last in its transaction, since everybody who does so waits for this row.
pub(crate) async fn bump_directory(conn: &mut Conn, tenant: TenantId) -> Done<Moved> {
    let seq = sqlx::query_scalar(
        "update tenants set directory_seq = directory_seq + 1 where id = $1 returning directory_seq",
    )
    .bind(tenant)
    .fetch_one(conn)
    .await?;
    Ok(Moved { subject: Subject::Tenant(tenant), seq, acl: 0 })
}

pub(crate) async fn insert_user(conn: &mut Conn, user: &User, password_hash: Option<&str>) -> Done<User> {
    sqlx::query_as(concat!(
        "insert into users (id, tenant_id, email, name, password_hash, time_zone, is_admin, created_at, updated_at)
         values ($1, $2, lower($3), $4, $5, $6, $7, $8, $8)
         returning ",
        user!()
    ))
    .bind(user.id)
    .bind(user.tenant_id)
    .bind(&user.email)
    .bind(&user.name)
    .bind(password_hash)
    .bind(&user.time_zone)
    .bind(user.is_admin)
    .bind(user.created_at)
    .fetch_one(conn)
    .await
}

pub(crate) async fn find_tenant(conn: &mut Conn, slug: &str) -> Done<Option<TenantId>> {
    sqlx::query_scalar("select id from tenants where slug = $1").bind(slug).fetch_optional(conn).await
}

/// None when the slug is taken.
pub(crate) async fn insert_tenant(
    conn: &mut Conn,
    id: TenantId,
    slug: &str,
    name: &str,
    now: DateTime<Utc>,
) -> Done<Option<TenantId>> {
    sqlx::query_scalar(
        "insert into tenants (id, slug, name, created_at) values ($1, $2, $3, $4)
         on conflict (slug) do nothing
         returning id",
    )
    .bind(id)
    .bind(slug)
    .bind(name)
    .bind(now)
    .fetch_optional(conn)
    .await
}

pub(crate) async fn insert_token(conn: &mut Conn, user: UserId, token: &Token, hash: SecretHash) -> Done<()> {
    sqlx::query(
        "insert into api_tokens (id, user_id, name, token_hash, created_at, expires_at) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(token.id)
    .bind(user)
    .bind(&token.name)
    .bind(hash.as_slice())
    .bind(token.created_at)
    .bind(token.expires_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// The index `api_tokens_user` has the page's order.
pub(crate) async fn list_tokens(
    conn: &mut Conn,
    user: UserId,
    after: Option<(DateTime<Utc>, TokenId)>,
    limit: Limit,
) -> Done<Vec<Token>> {
    let (at, id) = after.unwrap_or((Span::EARLIEST, FIRST.into()));
    sqlx::query_as(concat!(
        "select ",
        token!(),
        " from api_tokens
         where user_id = $1 and revoked_at is null and (created_at, id) > ($2, $3)
         order by created_at, id
         limit $4"
    ))
    .bind(user)
    .bind(at)
    .bind(id)
    .bind(limit.probe())
    .fetch_all(conn)
    .await
}

/// Whether there was such a token. A trigger raises `users.seq`.
pub(crate) async fn revoke_token(conn: &mut Conn, user: UserId, id: TokenId, now: DateTime<Utc>) -> Done<bool> {
    let done =
        sqlx::query("update api_tokens set revoked_at = $3 where id = $2 and user_id = $1 and revoked_at is null")
            .bind(user)
            .bind(id)
            .bind(now)
            .execute(conn)
            .await?;
    Ok(done.rows_affected() == 1)
}
