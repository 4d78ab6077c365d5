use chrono::{DateTime, Utc};
use kernel::{Caller, Failure, Limit, Page, Result, Span, TokenId, UserId, decode_cursor, filter_hash};
use store::{Batch, Claim, IdempotencyKey, Tx, claim_part, detached, read_claim};

use crate::read::forged_cursor;
use crate::{NewToken, Secret, Token, Users, sql};

impl Users {
    /// Makes an API token. The secret is known now and never again: a repeated request (same key) gets the token without
    /// it.
    pub async fn create_token(
        &self,
        caller: &Caller,
        new: NewToken,
        key: Option<IdempotencyKey>,
    ) -> Result<(Token, Option<Secret>)> {
        let (users, user) = (self.clone(), caller.user_id);
        detached(async move {
            let mut tx = users.store.begin().await?;
            if let Some(key) = key {
                let mut batch = Batch::new();
                claim_part(&mut batch, user, &key, tx.now());
                let mut rows = batch.run(tx.conn()).await?;
                if let Claim::Replay(token) = read_claim(&mut rows, tx.conn(), user, &key).await? {
                    return Ok((token, None));
                }
                tx.answer_under(user, key);
            }
            let (token, secret) = users.create_token_in(&mut tx, user, new).await?;
            Ok((tx.commit(|_| token).await?, Some(secret)))
        })
        .await
    }

    pub async fn create_token_in(&self, tx: &mut Tx, user: UserId, new: NewToken) -> Result<(Token, Secret)> {
        new.check(tx.now())?;
        let secret = Secret::api_token()?;
        let token =
            Token { id: self.store.ids().mint(), name: new.name, created_at: tx.now(), expires_at: new.expires_at };
        sql::insert_token(tx.conn(), user, &token, secret.hash()).await?;
        Ok((token, secret))
    }

    /// For the command line: a token for the user with this address.
    pub async fn create_token_for(&self, tenant: &str, email: &str, new: NewToken) -> Result<(Token, Secret)> {
        let (users, tenant, email) = (self.clone(), tenant.to_owned(), email.to_owned());
        detached(async move {
            let mut tx = users.store.begin().await?;
            let user = sql::login(tx.conn(), &tenant, &email).await?.ok_or_else(|| Failure::not_found("user"))?.user;
            let (token, secret) = users.create_token_in(&mut tx, user.id, new).await?;
            Ok((tx.commit(|_| token).await?, secret))
        })
        .await
    }

    /// The caller's tokens that are not revoked, oldest first.
    pub async fn list_tokens(&self, caller: &Caller, limit: Limit, cursor: Option<&str>) -> Result<Page<Token>> {
        let filters = filter_hash(&("tokens", caller.user_id));
        let after: Option<(DateTime<Utc>, TokenId)> = cursor.map(|text| decode_cursor(filters, text)).transpose()?;
        if after.is_some_and(|(at, _)| !(Span::EARLIEST..Span::LATEST).contains(&at)) {
            return Err(forged_cursor());
        }
        let mut conn = self.store.conn().await?;
        let rows = sql::list_tokens(&mut conn, caller.user_id, after, limit).await?;
        Ok(Page::cut(rows, limit, filters, |token| (token.created_at, token.id)))
    }

    /// From now on the token opens nothing.
    pub async fn revoke_token(&self, caller: &Caller, id: TokenId) -> Result<()> {
        let (store, user) = (self.store.clone(), caller.user_id);
        detached(async move {
            let mut tx = store.begin().await?;
            let now = tx.now();
            if !sql::revoke_token(tx.conn(), user, id, now).await? {
                return Err(Failure::not_found("token"));
            }
            tx.narrows_access();
            tx.commit(|_| ()).await
        })
        .await
    }
}
