//! Access tokens and refresh families.

use async_trait::async_trait;

use super::MemoryStore;
use super::space::{Row, Space, Token};
use crate::clock::Timestamp;
use crate::error::{StoreError, StoreErrorKind};
use crate::secret::TokenHash;
use crate::store::{
    GrantedToken, Insertion, Issued, RefreshUse, Refreshed, StoredGrant, TokenRecord, TokenStore,
};
use crate::types::GrantId;

impl Space {
    /// Whether the key of the token, if there is one, is free. Nothing is written before this is known.
    fn check_free(&self, token: Option<&TokenRecord>) -> Result<(), StoreError> {
        match token {
            Some(token) if self.tokens.contains_key(&token.key) => Err(StoreErrorKind::Conflict.into()),
            Some(_) | None => Ok(()),
        }
    }

    fn add_token(&mut self, token: Option<TokenRecord>) {
        if let Some(token) = token {
            self.ends.add(token.expires_at, Row::Token(token.key));
            self.tokens.insert(token.key, Token::Own(Box::new(token)));
        }
    }

    fn insert_under(
        &mut self,
        id: &GrantId,
        issued: Issued,
        now: Timestamp,
    ) -> Result<Insertion, StoreError> {
        let Issued { access, family } = issued;
        let refused = match self.grants.kept(id, now) {
            None => Some(Insertion::GrantAbsent),
            Some(grant) if grant.revoked_at.is_some() => Some(Insertion::GrantRevoked),
            Some(grant) if !grant.is_active(now) => Some(Insertion::GrantAbsent),
            Some(grant) if family.is_some() && grant.head.is_some() => {
                return Err(StoreErrorKind::Conflict.into());
            }
            Some(_) => None,
        };
        if let Some(refused) = refused {
            return Ok(refused);
        }
        self.check_free(access.as_ref())?;
        if let (Some(family), Some(grant)) = (family, self.grants.kept_mut(id, now)) {
            grant.head = Some(family.head());
        }
        self.add_token(access);
        Ok(Insertion::Inserted)
    }
}

/// The token that a grant brought along.
fn brought(grant: &StoredGrant) -> Option<TokenRecord> {
    let record = &grant.record;
    Some(TokenRecord {
        key: record.token?,
        grant: record.id,
        client: record.client.clone(),
        expires_at: record.expires_at,
        payload: record.payload.clone(),
    })
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn insert_granted_token(&self, granted: GrantedToken, _now: Timestamp) -> Result<(), StoreError> {
        let (key, grant) = (granted.token.key, granted.into_grant());
        let mut space = self.space();
        if space.tokens.contains_key(&key) || space.grants.contains(&grant.id) {
            return Err(StoreErrorKind::Conflict.into());
        }
        space.tokens.insert(key, Token::OfGrant(grant.id));
        space.add_grant(grant);
        Ok(())
    }

    async fn insert_tokens(
        &self,
        grant: &GrantId,
        issued: Issued,
        now: Timestamp,
    ) -> Result<Insertion, StoreError> {
        if !issued.belongs_to(grant) {
            return Err(StoreErrorKind::Corrupt.into());
        }
        self.space().insert_under(grant, issued, now)
    }

    async fn use_refresh_token(
        &self,
        grant: &GrantId,
        used: RefreshUse,
        issued: Option<TokenRecord>,
        now: Timestamp,
    ) -> Result<Refreshed, StoreError> {
        if issued.as_ref().is_some_and(|token| token.grant != *grant) {
            return Err(StoreErrorKind::Corrupt.into());
        }
        let mut space = self.space();
        let outcome = used.outcome(space.grants.kept(grant, now), now);
        let issues = matches!(outcome, Refreshed::Kept | Refreshed::Rotated | Refreshed::Retried { .. });
        if issues {
            space.check_free(issued.as_ref())?;
        }
        if let Some(row) = space.grants.kept_mut(grant, now) {
            match outcome {
                Refreshed::Kept | Refreshed::Rotated => {
                    row.head = row.head.as_ref().map(|head| used.moved(head, now)).transpose()?;
                }
                Refreshed::Replayed => row.revoked_at = Some(now),
                _ => {}
            }
        }
        if issues {
            space.add_token(issued);
        }
        Ok(outcome)
    }

    async fn access_token(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TokenRecord>, StoreError> {
        let space = self.space();
        let active = |id: &GrantId| space.grants.kept(id, now).filter(|grant| grant.is_active(now));
        Ok(match space.tokens.get(key) {
            Some(Token::Own(token)) if token.expires_at.has_passed(now) => None,
            Some(Token::Own(token)) => active(&token.grant).map(|_| token.as_ref().clone()),
            Some(Token::OfGrant(id)) => active(id).and_then(brought),
            None => None,
        })
    }

    async fn revoke_token(&self, key: &TokenHash, now: Timestamp) -> Result<(), StoreError> {
        let mut space = self.space();
        match space.tokens.get(key) {
            Some(Token::OfGrant(id)) => {
                let id = *id;
                space.grants.revoke(&id, now);
            }
            Some(Token::Own(_)) => {
                space.tokens.remove(key);
            }
            None => {}
        }
        Ok(())
    }
}
