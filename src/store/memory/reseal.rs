//! Moving payloads to another system secret.

use async_trait::async_trait;

use super::MemoryStore;
use super::space::{Space, Token};
use crate::clock::Timestamp;
use crate::error::{StoreError, StoreErrorKind};
use crate::seal::Sealed;
use crate::secret::{SecretId, TokenHash};
use crate::store::{Listing, Page, Reseal, RowKind, RowName, SealedRow, SubjectKey};
use crate::types::{ClientId, GrantId};

impl Space {
    /// Calls `visit` for every row that has a payload.
    fn each_sealed<'a>(&'a self, visit: &mut dyn FnMut(RowKind, &[u8], &'a Sealed)) {
        for (id, client) in &self.registry {
            visit(RowKind::Client, id.as_str().as_bytes(), &client.record.payload);
        }
        for (key, code) in &self.codes {
            visit(RowKind::Code, key.as_bytes(), &code.record.payload);
        }
        for record in self.consents.rows() {
            let key = [record.subject.as_bytes(), record.client.as_str().as_bytes()].concat();
            visit(RowKind::Consent, &key, &record.payload);
        }
        for record in self.deferred.rows() {
            visit(RowKind::Deferred, record.key.as_bytes(), &record.payload);
        }
        for grant in self.grants.rows() {
            match &grant.record.token {
                None => visit(RowKind::Grant, grant.record.id.as_bytes(), &grant.record.payload),
                Some(token) => visit(RowKind::Token, token.as_bytes(), &grant.record.payload),
            }
        }
        if let Some(key_set) = &self.key_set {
            visit(RowKind::KeySet, &[], &key_set.payload);
        }
        for (key, ticket) in &self.tickets {
            visit(RowKind::Ticket, key.as_bytes(), &ticket.payload);
        }
        for (key, token) in &self.tokens {
            if let Token::Own(token) = token {
                visit(RowKind::Token, key.as_bytes(), &token.payload);
            }
        }
    }

    fn payload_mut(&mut self, RowName { kind, key }: &RowName) -> Option<&mut Sealed> {
        let hash = || <[u8; 32]>::try_from(&**key).ok().map(TokenHash::from_bytes);
        match kind {
            RowKind::Client => self.registry.get_mut(&client(key)?).map(|client| &mut client.record.payload),
            RowKind::Code => self.codes.get_mut(&hash()?).map(|code| &mut code.record.payload),
            RowKind::Consent => {
                let (subject, id) = key.split_first_chunk::<32>()?;
                self.consents.payload_mut(&SubjectKey::from_bytes(*subject), &client(id)?)
            }
            RowKind::Deferred => self.deferred.payload_mut(&hash()?),
            RowKind::Grant => self.grants.payload_mut(&GrantId::from_bytes(key.as_slice().try_into().ok()?)),
            RowKind::KeySet => self.key_set.as_mut().map(|key_set| &mut key_set.payload),
            RowKind::Ticket => self.tickets.get_mut(&hash()?).map(|ticket| &mut ticket.payload),
            RowKind::Token => match self.tokens.get_mut(&hash()?)? {
                Token::Own(token) => Some(&mut token.payload),
                Token::OfGrant(id) => self.grants.payload_mut(id),
            },
        }
    }
}

fn client(key: &[u8]) -> Option<ClientId> {
    ClientId::new(std::str::from_utf8(key).ok()?).ok()
}

#[async_trait]
impl Reseal for MemoryStore {
    /// Looks at every row for each page: the tables have no order that a page could go on in.
    async fn sealed_under(
        &self,
        secret: SecretId,
        page: &Page,
        _now: Timestamp,
    ) -> Result<Listing<SealedRow>, StoreError> {
        let after = page.after.as_deref().map(str::parse::<RowName>).transpose();
        let after = after.map_err(|error| StoreError::new(StoreErrorKind::Corrupt, error))?;
        let after = after.as_ref().map(|after| (after.kind, after.key.as_slice()));
        let (space, size) = (self.space(), usize::from(page.size()));
        let mut found = Vec::new();
        space.each_sealed(&mut |kind, key, payload| {
            if payload.secret() == secret && after.is_none_or(|after| (kind, key) > after) {
                found.push((RowName::new(kind, key), payload));
            }
        });
        found.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let more = found.len() > size;
        let items: Vec<SealedRow> = found
            .into_iter()
            .take(size)
            .map(|(name, payload)| SealedRow { name, payload: payload.clone() })
            .collect();
        let next = items.last().filter(|_| more).map(|row| row.name.to_string());
        Ok(Listing { items, next })
    }

    async fn reseal(&self, row: &SealedRow, new: Sealed, _now: Timestamp) -> Result<bool, StoreError> {
        let mut space = self.space();
        match space.payload_mut(&row.name).filter(|payload| **payload == row.payload) {
            None => Ok(false),
            Some(payload) => {
                *payload = new;
                Ok(true)
            }
        }
    }
}
