//! Opaque credentials: prefix, 32 random bytes, and a MAC that refuses garbage before a store is asked.

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use subtle::{Choice, ConstantTimeEq as _};
use zeroize::Zeroizing;

use super::{AccessTokenFormat, Minted, Presented};
use crate::client::Client;
use crate::entropy::{Entropy, EntropyError};
use crate::error::Result;
use crate::provider::context::Context;
use crate::secret::{HmacSha256, Secret, SystemSecrets, TokenHash, mac};
use crate::store::AccessToken;

/// Random bytes in a credential.
const RANDOM: usize = 32;

/// Bytes of the MAC that a credential carries.
const TAG: usize = 16;

/// What an opaque credential is; each kind has a MAC domain of its own, so none passes for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenKind {
    /// An access token.
    AccessToken,
    /// The `auth_req_id` of a backchannel authentication (CIBA Core section 7.3).
    AuthReqId,
    /// An authorization code.
    AuthorizationCode,
    /// An authorization code that is bound to a key, told apart so that without a proof it is not even looked up.
    BoundAuthorizationCode,
    /// The `device_code` of a device (RFC 8628 section 3.2).
    DeviceCode,
    /// An initial access token (RFC 7591 section 1.2).
    InitialAccessToken,
    /// What stands behind the URN of a pushed authorization request (RFC 9126 section 2.2).
    PushedRequest,
    /// A refresh token.
    RefreshToken,
    /// A registration access token (RFC 7592 section 1.2).
    RegistrationAccessToken,
}

impl TokenKind {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::AccessToken => b"access token",
            Self::AuthReqId => b"auth req id",
            Self::AuthorizationCode => b"authorization code",
            Self::BoundAuthorizationCode => b"bound authorization code",
            Self::DeviceCode => b"device code",
            Self::InitialAccessToken => b"initial access token",
            Self::PushedRequest => b"pushed request",
            Self::RefreshToken => b"refresh token",
            Self::RegistrationAccessToken => b"registration access token",
        }
    }
}

/// The first 16 bytes of the MAC over kind, issuer and `body`.
pub(super) fn tag(key: &HmacSha256, kind: TokenKind, issuer: &str, body: &[u8]) -> [u8; TAG] {
    let whole = mac(key, &[kind.label(), issuer.as_bytes(), body]);
    let mut tag = [0; TAG];
    tag.copy_from_slice(&whole[..TAG]);
    tag
}

/// Mints a credential: `prefix`, then base64url of 32 random bytes and their MAC under the current secret.
pub(crate) fn mint(
    secrets: &SystemSecrets,
    entropy: &dyn Entropy,
    kind: TokenKind,
    (prefix, issuer): (&str, &str),
) -> Result<Secret, EntropyError> {
    let mut bytes = Zeroizing::new([0; RANDOM + TAG]);
    entropy.fill(&mut bytes[..RANDOM])?;
    let tag = tag(&secrets.writer().token, kind, issuer, &bytes[..RANDOM]);
    bytes[RANDOM..].copy_from_slice(&tag);
    let mut text = String::with_capacity(prefix.len() + 64);
    text.push_str(prefix);
    BASE64_URL_SAFE_NO_PAD.encode_string(*bytes, &mut text);
    Ok(Secret::new(text))
}

/// Whether `text` is a credential of this kind that one of our secrets minted for this issuer.
pub(crate) fn is_ours(
    secrets: &SystemSecrets,
    kind: TokenKind,
    (prefix, issuer): (&str, &str),
    text: &str,
) -> bool {
    let mut bytes = [0; RANDOM + TAG];
    let decoded = text.strip_prefix(prefix).map(|rest| BASE64_URL_SAFE_NO_PAD.decode_slice(rest, &mut bytes));
    if !matches!(decoded, Some(Ok(length)) if length == RANDOM + TAG) {
        return false;
    }
    is_tagged(secrets, kind, issuer, bytes.split_at(RANDOM))
}

/// Whether one of our secrets made the tag of `body`.
pub(super) fn is_tagged(
    secrets: &SystemSecrets,
    kind: TokenKind,
    issuer: &str,
    (body, presented): (&[u8], &[u8]),
) -> bool {
    secrets
        .readers()
        .fold(Choice::from(0), |known, keys| known | tag(&keys.token, kind, issuer, body).ct_eq(presented))
        .into()
}

/// Access tokens that only this provider can read.
#[derive(Debug)]
pub(super) struct Opaque;

#[async_trait]
impl AccessTokenFormat for Opaque {
    async fn mint(&self, cx: &Context<'_>, _: &Client, _: &AccessToken) -> Result<Minted> {
        let form = (cx.config.prefixes.access_token.as_str(), cx.issuer());
        let token = mint(cx.secrets, cx.entropy, TokenKind::AccessToken, form)?;
        let key = TokenHash::of(token.expose());
        Ok(Minted::recorded(token, key))
    }

    async fn read(&self, cx: &Context<'_>, presented: &str) -> Option<Presented> {
        let form = (cx.config.prefixes.access_token.as_str(), cx.issuer());
        let ours = is_ours(cx.secrets, TokenKind::AccessToken, form, presented);
        ours.then(|| Presented::Recorded(TokenHash::of(presented)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;

    const ISSUER: (&str, &str) = ("vs_at_", "https://op.example");

    /// attack 111, attack 134: one flipped bit, another kind, another issuer or another deployment is refused.
    #[test]
    fn only_what_we_minted_for_this_kind_and_issuer_is_ours() {
        let secrets = SystemSecrets::generate(&OsEntropy).unwrap();
        let token = mint(&secrets, &OsEntropy, TokenKind::AccessToken, ISSUER).unwrap();
        let text = token.expose();
        assert_eq!(text.len(), 6 + 64);
        assert!(is_ours(&secrets, TokenKind::AccessToken, ISSUER, text));
        assert!(!is_ours(&secrets, TokenKind::AuthorizationCode, ISSUER, text));
        assert!(!is_ours(&secrets, TokenKind::AccessToken, ("vs_at_", "https://other.example"), text));
        let other = SystemSecrets::generate(&OsEntropy).unwrap();
        assert!(!is_ours(&other, TokenKind::AccessToken, ISSUER, text));
        for at in 6..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert!(!is_ours(&secrets, TokenKind::AccessToken, ISSUER, std::str::from_utf8(&bytes).unwrap()));
        }
        for text in ["", "vs_at_", &text[..69], &format!("{text}A"), &format!("{text}=")] {
            assert!(!is_ours(&secrets, TokenKind::AccessToken, ISSUER, text));
        }
    }
}
