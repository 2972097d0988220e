//! Payloads of records: serialised, and sealed to their kind, issuer and key.

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::context::Context;
use crate::error::{Error, Internal};
use crate::seal::{self, Sealed};
use crate::secret::SystemSecrets;

/// As much as most payloads need: 512 bytes. A longer one is moved as it grows, and what it leaves is not wiped.
const USUAL_BYTES: usize = 512;

/// The kind of record that a payload belongs to; a payload opens under its own kind alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    AccessToken,
    AuthorizationCode,
    Consent,
    Deferred,
    Grant,
    InitialAccess,
    KeySet,
    PendingRequest,
    PushedRequest,
    RegisteredClient,
}

impl Kind {
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::AccessToken => "access token",
            Self::AuthorizationCode => "authorization code",
            Self::Consent => "consent",
            Self::Deferred => "deferred request",
            Self::Grant => "grant",
            Self::InitialAccess => "initial access",
            Self::KeySet => "key set",
            Self::PendingRequest => "pending request",
            Self::PushedRequest => "pushed request",
            Self::RegisteredClient => "registered client",
        }
    }
}

/// Seals `value` as the payload of the record of this kind and primary key.
pub(crate) fn seal<T: Serialize>(
    cx: &Context<'_>,
    kind: Kind,
    key: &[u8],
    value: &T,
) -> Result<Sealed, Error> {
    let mut plaintext = Zeroizing::new(Vec::with_capacity(USUAL_BYTES));
    serde_json::to_writer(&mut *plaintext, value)
        .map_err(|error| Internal::new("could not serialise a payload", error))?;
    seal_bytes(cx, kind, key, &plaintext)
}

/// Seals what [`open_bytes`] gave.
pub(crate) fn seal_bytes(
    cx: &Context<'_>,
    kind: Kind,
    key: &[u8],
    plaintext: &[u8],
) -> Result<Sealed, Error> {
    let bound = seal::Context { kind: kind.label(), issuer: cx.issuer(), key };
    Ok(seal::seal(cx.secrets, cx.entropy, &bound, plaintext)?)
}

/// Opens a payload and does not look into it.
pub(crate) fn open_bytes(
    cx: &Context<'_>,
    kind: Kind,
    key: &[u8],
    sealed: &Sealed,
) -> Option<Zeroizing<Vec<u8>>> {
    let bound = seal::Context { kind: kind.label(), issuer: cx.issuer(), key };
    seal::open(cx.secrets, &bound, sealed)
}

/// Opens a payload; `None` when it was sealed elsewhere, moved, altered, or is of a version that we do not know.
pub(crate) fn open<T: DeserializeOwned>(
    cx: &Context<'_>,
    kind: Kind,
    key: &[u8],
    sealed: &Sealed,
) -> Option<T> {
    open_at((cx.secrets, cx.issuer()), kind, key, sealed)
}

/// The same where there is no request, for an issuer and its secrets.
pub(crate) fn open_at<T: DeserializeOwned>(
    (secrets, issuer): (&SystemSecrets, &str),
    kind: Kind,
    key: &[u8],
    sealed: &Sealed,
) -> Option<T> {
    let bound = seal::Context { kind: kind.label(), issuer, key };
    serde_json::from_slice(&seal::open(secrets, &bound, sealed)?).ok()
}
