//! Refresh tokens: each carries its family's key and a sequence number, so that the successor is computed from
//! the token presented and never stored.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::opaque::{TokenKind, tag};
use crate::entropy::{Entropy, EntropyError, random};
use crate::secret::{Secret, SecretId, SystemSecrets, TokenHash};
use crate::store::StoredGrant;
use crate::types::GrantId;

/// The layout's version, the first byte of every token.
const VERSION: u8 = 1;

/// Bytes before the MAC: version, secret, grant, sequence number, family key.
const BODY: usize = 1 + 4 + 16 + 8 + 32;

/// Bytes of the MAC.
const TAG: usize = 16;

/// A refresh token, decoded: its MAC is ours, and nothing else about it has been checked.
#[derive(Clone)]
pub struct RefreshToken {
    grant: GrantId,
    seq: u64,
    key: Zeroizing<[u8; 32]>,
}

impl RefreshToken {
    /// The first token of a new family.
    ///
    /// # Errors
    /// [`EntropyError`] when the random source fails.
    pub(crate) fn first(grant: GrantId, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        Ok(Self { grant, seq: 0, key: Zeroizing::new(random(entropy)?) })
    }

    /// The token of the same family at `seq`.
    #[must_use]
    pub(crate) fn at(&self, seq: u64) -> Self {
        Self { seq, ..self.clone() }
    }

    /// Decodes a token whose MAC one of our secrets made for this issuer.
    pub(crate) fn decode(
        secrets: &SystemSecrets,
        (prefix, issuer): (&str, &str),
        text: &str,
    ) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; BODY + TAG]);
        let decoded = BASE64_URL_SAFE_NO_PAD.decode_slice(text.strip_prefix(prefix)?, &mut *bytes);
        if !matches!(decoded, Ok(length) if length == BODY + TAG) {
            return None;
        }
        let (body, presented) = bytes.split_at(BODY);
        let (version, rest) = body.split_first()?;
        let (secret, rest) = rest.split_first_chunk::<4>()?;
        let (grant, rest) = rest.split_first_chunk::<16>()?;
        let (seq, key) = rest.split_first_chunk::<8>()?;
        let keys = secrets.reader(SecretId::from_bytes(*secret))?;
        let sound: bool = tag(&keys.token, TokenKind::RefreshToken, issuer, body).ct_eq(presented).into();
        if !sound || *version != VERSION {
            return None;
        }
        let key = Zeroizing::new(<[u8; 32]>::try_from(key).ok()?);
        Some(Self { grant: GrantId::from_bytes(*grant), seq: u64::from_be_bytes(*seq), key })
    }

    /// The token as text, its MAC under the current secret.
    pub(crate) fn encode(&self, secrets: &SystemSecrets, (prefix, issuer): (&str, &str)) -> Secret {
        let keys = secrets.writer();
        let mut bytes = Zeroizing::new(Vec::with_capacity(BODY + TAG));
        bytes.push(VERSION);
        bytes.extend_from_slice(keys.id.as_bytes());
        bytes.extend_from_slice(self.grant.as_bytes());
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        bytes.extend_from_slice(&*self.key);
        let tag = tag(&keys.token, TokenKind::RefreshToken, issuer, &bytes);
        bytes.extend_from_slice(&tag);
        let mut text = String::with_capacity(prefix.len() + 104);
        text.push_str(prefix);
        BASE64_URL_SAFE_NO_PAD.encode_string(&*bytes, &mut text);
        Secret::new(text)
    }

    /// The grant whose family it is of.
    #[must_use]
    pub const fn grant(&self) -> GrantId {
        self.grant
    }

    /// Its place in the family; the first is 0.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// SHA-256 of the family key, as the grant's row holds it.
    #[must_use]
    pub fn family(&self) -> TokenHash {
        TokenHash::of_bytes(&*self.key)
    }

    /// Whether it is of the family of `stored`: the key that it carries hashes to the stored one, compared in constant
    /// time.
    #[must_use]
    pub(crate) fn is_of(&self, stored: &StoredGrant) -> bool {
        let head = stored.head.as_ref();
        stored.record.id == self.grant && head.is_some_and(|head| head.key.matches(&*self.key))
    }
}

/// Prints where the token stands, never its key.
impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RefreshToken({}, {})", self.grant, self.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;
    use crate::secret::SystemSecret;

    const ISSUER: (&str, &str) = ("vs_rt_", "https://op.example");

    #[test]
    fn a_token_reads_back_and_its_successor_differs_in_seq_alone() {
        let secrets = SystemSecrets::generate(&OsEntropy).unwrap();
        let first = RefreshToken::first(GrantId::from_bytes([9; 16]), &OsEntropy).unwrap();
        let text = first.encode(&secrets, ISSUER);
        let read = RefreshToken::decode(&secrets, ISSUER, text.expose()).unwrap();
        assert_eq!((read.grant(), read.seq(), read.family()), (first.grant(), 0, first.family()));
        assert_eq!(read.at(7).family(), first.family());
        assert_eq!(read.at(7).seq(), 7);
    }

    /// attack 111, attack 134: no flipped byte, other issuer or other deployment decodes.
    #[test]
    fn a_changed_token_is_no_token() {
        let secrets = SystemSecrets::generate(&OsEntropy).unwrap();
        let token =
            RefreshToken::first(GrantId::from_bytes([9; 16]), &OsEntropy).unwrap().encode(&secrets, ISSUER);
        let text = token.expose();
        for at in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert!(
                RefreshToken::decode(&secrets, ISSUER, std::str::from_utf8(&bytes).unwrap()).is_none(),
                "{at}"
            );
        }
        assert!(RefreshToken::decode(&secrets, ("vs_rt_", "https://other.example"), text).is_none());
        assert!(RefreshToken::decode(&SystemSecrets::generate(&OsEntropy).unwrap(), ISSUER, text).is_none());
    }

    #[test]
    fn after_a_rotation_of_secrets_the_same_token_gets_a_new_text() {
        let (old, new) = (SystemSecret::from_bytes([1; 32]), SystemSecret::from_bytes([2; 32]));
        let salt = SystemSecret::from_bytes([3; 32]);
        let before = SystemSecrets::new(vec![old.clone()], vec![old.clone()], salt.clone()).unwrap();
        let after = SystemSecrets::new(vec![new, old.clone()], vec![old], salt).unwrap();
        let token = RefreshToken::first(GrantId::from_bytes([9; 16]), &OsEntropy).unwrap();
        let text = token.encode(&before, ISSUER);
        let read = RefreshToken::decode(&after, ISSUER, text.expose()).unwrap();
        assert_eq!((read.seq(), read.family()), (token.seq(), token.family()));
        assert_ne!(read.encode(&after, ISSUER), text);
    }
}
