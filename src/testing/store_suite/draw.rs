//! Records that no other run has.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::entropy::{OsEntropy, random};
use crate::seal::Sealed;
use crate::secret::{SecretId, TokenHash};
use crate::store::{
    CodeRecord, ConsentRecord, ConsentVersion, GrantRecord, GrantedToken, Issued, NewFamily, SessionKey,
    SubjectKey, TicketRecord, TokenRecord,
};
use crate::types::{ClientId, GrantId};

/// The moment at which most of the suite plays.
pub(super) const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);

/// 500 seconds after [`NOW`].
pub(super) const LATER: Timestamp = Timestamp::from_unix(1_700_000_500);

/// `seconds` after [`NOW`].
pub(super) fn at(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

pub(super) fn bytes<const N: usize>() -> [u8; N] {
    random(&OsEntropy).expect("a test machine has a random source")
}

pub(super) fn key() -> TokenHash {
    TokenHash::from_bytes(bytes())
}

pub(super) fn grant_id() -> GrantId {
    GrantId::from_bytes(bytes())
}

pub(super) fn subject() -> SubjectKey {
    SubjectKey::from_bytes(bytes())
}

pub(super) fn session() -> SessionKey {
    SessionKey::from_bytes(bytes())
}

/// A client whose id holds what a careless store would quote, fold or trim.
pub(super) fn client() -> ClientId {
    client_named(&format!("Client '\"%_\\ {}", grant_id()))
}

pub(super) fn client_named(name: &str) -> ClientId {
    ClientId::new(name).expect("the suite's names are client ids")
}

/// Sealed bytes that hold every value a byte can have, and differ from all others.
pub(super) fn payload() -> Sealed {
    payload_under(secret())
}

/// The same, under this secret.
pub(super) fn payload_under(secret: SecretId) -> Sealed {
    let mut sealed: Vec<u8> = (0..=255).collect();
    sealed.extend(bytes::<16>());
    Sealed::from_parts(secret, sealed)
}

pub(super) fn secret() -> SecretId {
    SecretId::from_bytes(bytes())
}

/// A grant of a person that ends at 1000 and is kept until 2000.
pub(super) fn grant(client: &ClientId, subject: SubjectKey) -> GrantRecord {
    GrantRecord {
        id: grant_id(),
        client: client.clone(),
        subject: Some(subject),
        session: None,
        created_at: NOW,
        expires_at: at(1000),
        keep_until: at(2000),
        token: None,
        payload: payload(),
    }
}

/// A token that brings along a grant of somebody to some client: it ends at 600, and the grant is kept until 2000.
pub(super) fn granted() -> GrantedToken {
    let grant = any_grant();
    GrantedToken {
        token: token(&grant),
        subject: grant.subject,
        session: None,
        created_at: grant.created_at,
        keep_until: grant.keep_until,
    }
}

/// A grant of somebody to some client.
pub(super) fn any_grant() -> GrantRecord {
    grant(&client(), subject())
}

/// A token under `grant` that ends at 600.
pub(super) fn token(grant: &GrantRecord) -> TokenRecord {
    TokenRecord {
        key: key(),
        grant: grant.id,
        client: grant.client.clone(),
        expires_at: at(600),
        payload: payload(),
    }
}

/// A family that has ended at 500 unless it is used before.
pub(super) fn family() -> NewFamily {
    NewFamily { key: key(), idle_until: at(500) }
}

pub(super) fn issued(access: Option<&TokenRecord>, family: Option<&NewFamily>) -> Issued {
    Issued { access: access.cloned(), family: family.cloned() }
}

/// A code that ends at 60 and is remembered until 4000.
pub(super) fn code(client: &ClientId) -> CodeRecord {
    CodeRecord {
        grant: grant_id(),
        client: client.clone(),
        expires_at: at(60),
        retain_until: at(4000),
        payload: payload(),
    }
}

/// A ticket that is open until 60 and kept until 120.
pub(super) fn ticket() -> TicketRecord {
    TicketRecord { open_until: at(60), keep_until: at(120), payload: payload() }
}

/// The version of a first writing.
pub(super) fn version() -> ConsentVersion {
    ConsentVersion(u64::from_be_bytes(bytes()) >> 2)
}

/// A consent that counts until 1000.
pub(super) fn consent(subject: SubjectKey, client: &ClientId) -> ConsentRecord {
    ConsentRecord {
        subject,
        client: client.clone(),
        version: version(),
        expires_at: at(1000),
        payload: payload(),
    }
}
