//! The model: lists that are searched from the beginning, and rules written down as the contract states them.

use crate::clock::Timestamp;
use crate::error::StoreErrorKind::{self, Conflict};
use crate::secret::TokenHash;
use crate::store::{
    Advance, CodeRecord, ConsentFilter, ConsentRecord, Consumed, Filter, Grace, GrantRecord, GrantedToken,
    Insertion, Issued, RefreshHead, RefreshUse, Refreshed, Remembered, RevokedGrants, StoredGrant,
    SubjectKey, TicketRecord, TokenRecord,
};
use crate::types::{ClientId, GrantId};

/// Nothing is ever removed: what has ended or was revoked only stops counting. Versions of consents are left to
/// the store.
#[derive(Default)]
pub(super) struct Reference {
    codes: Vec<(TokenHash, CodeRecord, bool)>,
    consents: Vec<ConsentRecord>,
    grants: Vec<StoredGrant>,
    replays: Vec<(&'static str, TokenHash, Timestamp)>,
    revoked: Vec<TokenHash>,
    taken: Vec<TokenHash>,
    tickets: Vec<(TokenHash, TicketRecord)>,
    tokens: Vec<TokenRecord>,
}

/// What the writer of a consent has seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Nothing,
    Stored,
    Other,
}

impl Reference {
    pub(super) fn code_has_ended(&self, key: &TokenHash, now: Timestamp) -> bool {
        self.codes.iter().any(|(at, code, _)| at == key && now >= code.retain_until)
    }

    pub(super) fn insert_code(&mut self, key: TokenHash, code: CodeRecord) -> Result<(), StoreErrorKind> {
        if self.codes.iter().any(|(at, ..)| *at == key) {
            return Err(Conflict);
        }
        self.codes.push((key, code, false));
        Ok(())
    }

    pub(super) fn consume_code(&mut self, key: &TokenHash, client: &ClientId, now: Timestamp) -> Consumed {
        match self.codes.iter_mut().find(|(at, ..)| at == key) {
            None => Consumed::Absent,
            Some((_, code, _)) if now >= code.retain_until => Consumed::Absent,
            Some((_, code, _)) if code.client != *client => Consumed::Foreign,
            Some((_, code, true)) => Consumed::Replayed { grant: code.grant },
            Some((_, code, _)) if now >= code.expires_at => Consumed::Expired,
            Some((_, code, used)) => {
                *used = true;
                Consumed::Fresh(code.clone())
            }
        }
    }

    pub(super) fn ticket_has_ended(&self, key: &TokenHash, now: Timestamp) -> bool {
        let ended = self.tickets.iter().any(|(at, ticket)| at == key && now >= ticket.keep_until);
        ended || self.taken.contains(key)
    }

    pub(super) fn put(&mut self, key: TokenHash, ticket: TicketRecord) -> Result<(), StoreErrorKind> {
        if self.tickets.iter().any(|(at, _)| *at == key) {
            return Err(Conflict);
        }
        self.tickets.push((key, ticket));
        Ok(())
    }

    pub(super) fn get(&self, key: &TokenHash, now: Timestamp) -> Option<TicketRecord> {
        let (_, ticket) = self.tickets.iter().find(|(at, _)| at == key)?;
        (now < ticket.open_until && !self.taken.contains(key)).then(|| ticket.clone())
    }

    pub(super) fn take(&mut self, key: &TokenHash, now: Timestamp) -> Option<TicketRecord> {
        let (_, ticket) = self.tickets.iter().find(|(at, _)| at == key)?;
        if now >= ticket.keep_until || self.taken.contains(key) {
            return None;
        }
        self.taken.push(*key);
        Some(ticket.clone())
    }

    pub(super) fn first_use(
        &mut self,
        space: &'static str,
        id: &TokenHash,
        until: Timestamp,
        now: Timestamp,
    ) -> bool {
        if self.replays.iter().any(|(s, i, until)| *s == space && i == id && now < *until) {
            return false;
        }
        self.replays.push((space, *id, until));
        true
    }

    pub(super) fn remembered(
        &self,
        subject: &SubjectKey,
        client: &ClientId,
        now: Timestamp,
    ) -> Option<ConsentRecord> {
        let mut of_both =
            self.consents.iter().filter(|record| record.subject == *subject && record.client == *client);
        of_both.find(|record| now < record.expires_at).cloned()
    }

    /// At most one consent of each pair counts.
    pub(super) fn remember(&mut self, record: ConsentRecord, seen: Seen, now: Timestamp) -> Remembered {
        let stored = self.remembered(&record.subject, &record.client, now);
        let expected = if stored.is_some() { Seen::Stored } else { Seen::Nothing };
        if seen != expected {
            return Remembered::Stale;
        }
        self.forget(&record.subject, &record.client, now);
        self.consents.push(record);
        Remembered::Written
    }

    pub(super) fn consents(&self, of: &ConsentFilter, now: Timestamp) -> Vec<ConsentRecord> {
        let concerned = |record: &&ConsentRecord| match of {
            ConsentFilter::Client(client) => record.client == *client,
            ConsentFilter::Subject(subject) => record.subject == *subject,
        };
        let mut records: Vec<ConsentRecord> = self
            .consents
            .iter()
            .filter(concerned)
            .filter(|record| now < record.expires_at)
            .cloned()
            .collect();
        records.sort_by_key(|record| (record.subject, record.client.clone()));
        records
    }

    pub(super) fn forget(&mut self, subject: &SubjectKey, client: &ClientId, now: Timestamp) -> bool {
        let found = self.remembered(subject, client, now).is_some();
        for record in &mut self.consents {
            if record.subject == *subject && record.client == *client {
                record.expires_at = record.expires_at.min(now);
            }
        }
        found
    }

    pub(super) fn grant_has_ended(&self, id: &GrantId, now: Timestamp) -> bool {
        self.grants.iter().any(|grant| grant.record.id == *id && now >= grant.record.keep_until)
    }

    pub(super) fn head(&self, id: &GrantId) -> Option<u64> {
        let grant = self.grants.iter().find(|grant| grant.record.id == *id)?;
        grant.head.as_ref().map(|head| head.seq)
    }

    pub(super) fn grant(&self, id: &GrantId, now: Timestamp) -> Option<StoredGrant> {
        let grant = self.grants.iter().find(|grant| grant.record.id == *id)?;
        (now < grant.record.keep_until).then(|| grant.clone())
    }

    pub(super) fn grants(&self, of: &Filter, revoked: RevokedGrants, now: Timestamp) -> Vec<StoredGrant> {
        let mut grants: Vec<StoredGrant> = self
            .grants
            .iter()
            .filter(|grant| concerns(of, &grant.record))
            .filter(|grant| grant.revoked_at.is_none() || revoked == RevokedGrants::Included)
            .filter(|grant| now < grant.record.keep_until)
            .cloned()
            .collect();
        grants.sort_by_key(|grant| grant.record.id);
        grants
    }

    pub(super) fn revoke(&mut self, of: &Filter, now: Timestamp) -> u64 {
        let mut revoked = 0;
        for grant in &mut self.grants {
            let kept = now < grant.record.keep_until;
            if kept && concerns(of, &grant.record) && grant.revoked_at.is_none() {
                grant.revoked_at = Some(now);
                revoked += 1;
            }
        }
        revoked
    }

    pub(super) fn insert_grant(&mut self, grant: GrantRecord) -> Result<(), StoreErrorKind> {
        if self.grants.iter().any(|there| there.record.id == grant.id) {
            return Err(Conflict);
        }
        self.grants.push(StoredGrant { record: grant, revoked_at: None, head: None });
        Ok(())
    }

    pub(super) fn token_has_ended(&self, key: &TokenHash, now: Timestamp) -> bool {
        self.tokens.iter().any(|token| token.key == *key) && self.access_token(key, now).is_none()
    }

    pub(super) fn insert_granted_token(&mut self, granted: GrantedToken) -> Result<(), StoreErrorKind> {
        if self.tokens.iter().any(|there| there.key == granted.token.key) {
            return Err(Conflict);
        }
        let token = granted.token.clone();
        self.insert_grant(granted.into_grant())?;
        self.tokens.push(token);
        Ok(())
    }

    pub(super) fn insert_tokens(
        &mut self,
        id: &GrantId,
        issued: Issued,
        now: Timestamp,
    ) -> Result<Insertion, StoreErrorKind> {
        match self.grant(id, now) {
            None => return Ok(Insertion::GrantAbsent),
            Some(grant) if grant.revoked_at.is_some() => return Ok(Insertion::GrantRevoked),
            Some(grant) if now >= grant.record.expires_at => return Ok(Insertion::GrantAbsent),
            Some(grant) if grant.head.is_some() && issued.family.is_some() => return Err(Conflict),
            Some(_) => {}
        }
        if issued.access.iter().any(|token| self.tokens.iter().any(|there| there.key == token.key)) {
            return Err(Conflict);
        }
        self.tokens.extend(issued.access);
        if let (Some(family), Some(grant)) = (issued.family, self.row(id)) {
            let (key, idle_until) = (family.key, family.idle_until);
            grant.head = Some(RefreshHead { key, seq: 0, first_used_at: None, rotated_at: None, idle_until });
        }
        Ok(Insertion::Inserted)
    }

    fn row(&mut self, id: &GrantId) -> Option<&mut StoredGrant> {
        self.grants.iter_mut().find(|grant| grant.record.id == *id)
    }

    pub(super) fn use_refresh_token(
        &mut self,
        id: &GrantId,
        used: &RefreshUse,
        issued: Option<TokenRecord>,
        now: Timestamp,
    ) -> Result<Refreshed, StoreErrorKind> {
        let clash =
            issued.as_ref().is_some_and(|token| self.tokens.iter().any(|there| there.key == token.key));
        let Some(grant) = self.row(id).filter(|grant| now < grant.record.keep_until) else {
            return Ok(Refreshed::Absent);
        };
        let Some(head) = &mut grant.head else { return Ok(Refreshed::Absent) };
        if grant.revoked_at.is_some() {
            return Ok(Refreshed::GrantRevoked);
        }
        if now >= grant.record.expires_at || now >= head.idle_until {
            return Ok(Refreshed::Expired);
        }
        if used.seq > head.seq {
            return Ok(Refreshed::Ahead);
        }
        if used.seq < head.seq && !in_grace(head, used, now) {
            grant.revoked_at = Some(now);
            return Ok(Refreshed::Replayed);
        }
        if clash {
            return Err(Conflict);
        }
        let outcome = if used.seq < head.seq {
            Refreshed::Retried { head: head.seq }
        } else if used.advance == Advance::Keep {
            head.first_used_at = Some(head.first_used_at.unwrap_or(now));
            head.idle_until = used.idle_until;
            Refreshed::Kept
        } else {
            head.seq += 1;
            head.first_used_at = None;
            head.rotated_at = Some(now);
            head.idle_until = used.idle_until;
            Refreshed::Rotated
        };
        self.tokens.extend(issued);
        Ok(outcome)
    }

    pub(super) fn access_token(&self, key: &TokenHash, now: Timestamp) -> Option<TokenRecord> {
        let token = self.tokens.iter().find(|token| token.key == *key)?;
        let grant = self.grant(&token.grant, now)?;
        let active = now < token.expires_at && now < grant.record.expires_at && grant.revoked_at.is_none();
        (active && !self.revoked.contains(key)).then(|| token.clone())
    }

    pub(super) fn revoke_token(&mut self, key: &TokenHash, now: Timestamp) {
        if self.tokens.iter().any(|token| token.key == *key) {
            self.revoked.push(*key);
        }
        if let Some(grant) = self.grants.iter_mut().find(|grant| grant.record.token == Some(*key)) {
            grant.revoked_at = grant.revoked_at.or(Some(now));
        }
    }
}

fn in_grace(head: &RefreshHead, used: &RefreshUse, now: Timestamp) -> bool {
    let Some(rotated_at) = head.rotated_at else { return false };
    let lasts = match used.grace {
        Grace::UntilSuccessorUsed => true,
        Grace::For(grace) => now <= rotated_at.plus(grace),
    };
    head.seq - used.seq == 1 && head.first_used_at.is_none() && lasts
}

fn concerns(of: &Filter, grant: &GrantRecord) -> bool {
    match of {
        Filter::Id(id) => grant.id == *id,
        Filter::Client(client) => grant.client == *client,
        Filter::Session(session) => grant.session == Some(*session),
        Filter::Subject(subject) => grant.subject == Some(*subject),
        Filter::SubjectAndClient(subject, client) => {
            grant.subject == Some(*subject) && grant.client == *client
        }
    }
}
