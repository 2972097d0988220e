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
use crate::types::{Confirmation, GrantId, Thumbprint};

/// The layout of a token that whoever holds it may use: its first byte.
const UNBOUND: u8 = 1;

/// The layout of a token that is bound to a key, which stands at its end.
const BOUND: u8 = 2;

/// Bytes before the MAC of an unbound token: layout, secret, grant, sequence number, family key.
const BODY: usize = 1 + 4 + 16 + 8 + 32;

/// Bytes that a bound token has more: what kind of key, and its hash.
const BINDING: usize = 1 + 32;

/// Bytes of the MAC.
const TAG: usize = 16;

/// A refresh token, decoded: its MAC is ours, and nothing else about it has been checked.
///
/// It says itself what key it is bound to, since the key is known only when the first token of the family is issued,
/// after the grant. The MAC keeps a thief from taking that out.
#[derive(Clone)]
pub struct RefreshToken {
    grant: GrantId,
    seq: u64,
    key: Zeroizing<[u8; 32]>,
    confirmation: Option<Confirmation>,
}

impl RefreshToken {
    /// The first token of a new family.
    ///
    /// # Errors
    /// [`EntropyError`] when the random source fails.
    pub(crate) fn first(grant: GrantId, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        Ok(Self { grant, seq: 0, key: Zeroizing::new(random(entropy)?), confirmation: None })
    }

    /// The token, of no use without this key.
    #[must_use]
    pub(crate) fn bound_to(mut self, confirmation: Option<Confirmation>) -> Self {
        self.confirmation = confirmation;
        self
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
        let mut bytes = Zeroizing::new([0; BODY + BINDING + TAG]);
        let length = BASE64_URL_SAFE_NO_PAD.decode_slice(text.strip_prefix(prefix)?, &mut *bytes).ok()?;
        let (signed, presented) = bytes.get(..length)?.split_last_chunk::<TAG>()?;
        let (body, binding) = signed.split_first_chunk::<BODY>()?;
        let (layout, rest) = body.split_first()?;
        let (secret, rest) = rest.split_first_chunk::<4>()?;
        let (grant, rest) = rest.split_first_chunk::<16>()?;
        let (seq, key) = rest.split_first_chunk::<8>()?;
        let keys = secrets.reader(SecretId::from_bytes(*secret))?;
        let ours: bool = tag(&keys.token, TokenKind::RefreshToken, issuer, signed).ct_eq(presented).into();
        if !ours {
            return None;
        }
        let confirmation = match (*layout, binding) {
            (UNBOUND, []) => None,
            (BOUND, binding) => Some(read_binding(binding)?),
            _ => return None,
        };
        let key = Zeroizing::new(<[u8; 32]>::try_from(key).ok()?);
        Some(Self { grant: GrantId::from_bytes(*grant), seq: u64::from_be_bytes(*seq), key, confirmation })
    }

    /// The token as text, its MAC under the current secret.
    pub(crate) fn encode(&self, secrets: &SystemSecrets, (prefix, issuer): (&str, &str)) -> Secret {
        let keys = secrets.writer();
        let mut bytes = Zeroizing::new(Vec::with_capacity(BODY + BINDING + TAG));
        bytes.push(if self.confirmation.is_some() { BOUND } else { UNBOUND });
        bytes.extend_from_slice(keys.id.as_bytes());
        bytes.extend_from_slice(self.grant.as_bytes());
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        bytes.extend_from_slice(&*self.key);
        match &self.confirmation {
            None => {}
            Some(Confirmation::Jkt(thumbprint)) => write_binding(&mut bytes, JKT, thumbprint),
            Some(Confirmation::X5tS256(hash)) => write_binding(&mut bytes, X5T_S256, hash),
        }
        let tag = tag(&keys.token, TokenKind::RefreshToken, issuer, &bytes);
        bytes.extend_from_slice(&tag);
        let mut text = String::with_capacity(prefix.len() + bytes.len() * 4 / 3 + 2);
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

    /// The key that whoever uses it must hold; `None` where whoever has the token may use it.
    #[must_use]
    pub const fn confirmation(&self) -> Option<&Confirmation> {
        self.confirmation.as_ref()
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

/// The kind of [`Confirmation::Jkt`].
const JKT: u8 = 1;

/// The kind of [`Confirmation::X5tS256`].
const X5T_S256: u8 = 2;

fn read_binding(binding: &[u8]) -> Option<Confirmation> {
    let (kind, hash) = binding.split_first()?;
    let thumbprint = Thumbprint::from_bytes(hash.try_into().ok()?);
    match *kind {
        JKT => Some(Confirmation::Jkt(thumbprint)),
        X5T_S256 => Some(Confirmation::X5tS256(thumbprint)),
        _ => None,
    }
}

fn write_binding(bytes: &mut Vec<u8>, kind: u8, thumbprint: &Thumbprint) {
    bytes.push(kind);
    bytes.extend_from_slice(thumbprint.as_bytes());
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

    /// attack 127: what a token is bound to stays with its successors.
    #[test]
    fn a_bound_token_reads_back_as_bound_to_the_same_key() {
        let secrets = SystemSecrets::generate(&OsEntropy).unwrap();
        let thumbprint = Thumbprint::from_bytes([7; 32]);
        for confirmation in [Confirmation::Jkt(thumbprint), Confirmation::X5tS256(thumbprint)] {
            let first = RefreshToken::first(GrantId::from_bytes([9; 16]), &OsEntropy).unwrap();
            let text = first.bound_to(Some(confirmation)).at(3).encode(&secrets, ISSUER);
            let read = RefreshToken::decode(&secrets, ISSUER, text.expose()).unwrap();
            assert_eq!((read.seq(), read.confirmation()), (3, Some(&confirmation)));
        }
    }

    /// attack 111, attack 134: no flipped byte, other issuer or other deployment decodes.
    #[test]
    fn a_changed_token_is_no_token() {
        let secrets = SystemSecrets::generate(&OsEntropy).unwrap();
        let first = RefreshToken::first(GrantId::from_bytes([9; 16]), &OsEntropy).unwrap();
        let bound = first.clone().bound_to(Some(Confirmation::Jkt(Thumbprint::from_bytes([7; 32]))));
        for token in [&first, &bound] {
            let token = token.encode(&secrets, ISSUER);
            let text = token.expose();
            for at in 0..text.len() {
                let mut bytes = text.as_bytes().to_vec();
                bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
                let changed = std::str::from_utf8(&bytes).unwrap();
                assert!(RefreshToken::decode(&secrets, ISSUER, changed).is_none(), "{at}");
                assert!(RefreshToken::decode(&secrets, ISSUER, &text[..at]).is_none(), "{at}");
            }
            assert!(RefreshToken::decode(&secrets, ISSUER, &format!("{text}AAAA")).is_none());
        }
        let token = first.encode(&secrets, ISSUER);
        let text = token.expose();
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
