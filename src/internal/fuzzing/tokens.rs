use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::entropy::{Entropy, EntropyError};
use crate::provider::TokenKind;
use crate::provider::format::opaque;
use crate::provider::format::refresh::RefreshToken;
use crate::secret::{SystemSecret, SystemSecrets};
use crate::types::{Confirmation, GrantId, Thumbprint};

/// Secrets that are the same in every run: two that mint, the first of which writes.
static SECRETS: LazyLock<SystemSecrets> = LazyLock::new(|| {
    let secret = |byte| SystemSecret::from_bytes([byte; 32]);
    let (secrets, peppers) = (vec![secret(1), secret(2)], vec![secret(3)]);
    SystemSecrets::new(secrets, peppers, secret(4)).expect("the secrets differ")
});

const ISSUER: &str = "https://op.example";

/// The kinds with their prefixes.
const KINDS: [(TokenKind, &str); 6] = [
    (TokenKind::AccessToken, "vs_at_"),
    (TokenKind::AuthorizationCode, "vs_ac_"),
    (TokenKind::BoundAuthorizationCode, "vs_ac_"),
    (TokenKind::InitialAccessToken, "vs_ia_"),
    (TokenKind::RefreshToken, "vs_rt_"),
    (TokenKind::RegistrationAccessToken, "vs_ra_"),
];

/// The input as a credential of each kind; and a credential of each kind, minted of the input, with one byte of it
/// replaced as the input says.
///
/// What is accepted is of one kind, written in one way, and carries the MAC that a second implementation computes.
/// What was minted is accepted as its own kind, and no longer once a byte of it is another.
pub fn tokens(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        check(text);
    }
    let (seed, rest) = data.split_at(data.len().min(64));
    for (kind, prefix) in KINDS {
        let text = minted(kind, prefix, seed);
        assert!(accepted(kind, prefix, &text), "what was minted is refused: {text}");
        check(&text);
        let (at, byte) =
            (rest.first().copied().unwrap_or_default(), rest.get(1).copied().unwrap_or_default());
        let mut bytes = text.clone().into_bytes();
        let place = usize::from(at) % bytes.len();
        let changed = bytes[place] != byte;
        bytes[place] = byte;
        if let Some(bent) = std::str::from_utf8(&bytes).ok().filter(|_| changed) {
            assert!(!accepted(kind, prefix, bent), "a changed credential is accepted: {bent}");
            check(bent);
        }
    }
}

/// Whatever is accepted is accepted once, in its one spelling, with a MAC that is ours.
fn check(text: &str) {
    let kinds: Vec<_> = KINDS.into_iter().filter(|(kind, prefix)| accepted(*kind, prefix, text)).collect();
    assert!(kinds.len() <= 1, "a credential is of several kinds: {text}");
    let Some((kind, prefix)) = kinds.first() else { return };
    let body = text.strip_prefix(prefix).expect("an accepted credential has its prefix");
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(body).expect("an accepted credential is base64url");
    assert_eq!(BASE64_URL_SAFE_NO_PAD.encode(&bytes), body, "a credential has two spellings");
    let (signed, tag) = bytes.split_at(bytes.len() - 16);
    let known = [1, 2].map(|byte| reference_tag(byte, *kind, signed));
    assert!(known.iter().any(|known| known == tag), "a MAC that is not ours is accepted: {text}");
    for (other, prefix) in KINDS.into_iter().filter(|(other, _)| other != kind) {
        let dressed = format!("{prefix}{body}");
        assert!(!accepted(other, prefix, &dressed), "a credential passes for another kind: {text}");
    }
}

fn accepted(kind: TokenKind, prefix: &str, text: &str) -> bool {
    match kind {
        TokenKind::RefreshToken => RefreshToken::decode(&SECRETS, (prefix, ISSUER), text).is_some(),
        _ => opaque::is_ours(&SECRETS, kind, (prefix, ISSUER), text),
    }
}

fn minted(kind: TokenKind, prefix: &str, seed: &[u8]) -> String {
    let entropy = Fixed(seed.to_vec());
    let text = match kind {
        TokenKind::RefreshToken => {
            let mut grant = [0; 16];
            entropy.fill(&mut grant).expect("the input delivers");
            let first =
                RefreshToken::first(GrantId::from_bytes(grant), &entropy).expect("the input delivers");
            let bound =
                (grant[1] % 2 == 1).then(|| Confirmation::Jkt(Thumbprint::from_bytes([grant[2]; 32])));
            first.at(u64::from(grant[0])).bound_to(bound).encode(&SECRETS, (prefix, ISSUER))
        }
        _ => opaque::mint(&SECRETS, &entropy, kind, (prefix, ISSUER)).expect("the input delivers"),
    };
    text.expose().to_owned()
}

/// The MAC of a credential by the letter: HMAC-SHA-256 over kind, issuer and body, each behind its length, under the
/// key that HMAC-SHA-256 derives of a system secret.
fn reference_tag(secret: u8, kind: TokenKind, body: &[u8]) -> [u8; 16] {
    let label: &[u8] = match kind {
        TokenKind::AccessToken => b"access token",
        TokenKind::AuthReqId => b"auth req id",
        TokenKind::AuthorizationCode => b"authorization code",
        TokenKind::BoundAuthorizationCode => b"bound authorization code",
        TokenKind::DeviceCode => b"device code",
        TokenKind::InitialAccessToken => b"initial access token",
        TokenKind::PushedRequest => b"pushed request",
        TokenKind::RefreshToken => b"refresh token",
        TokenKind::RegistrationAccessToken => b"registration access token",
    };
    let key = framed_mac(&[secret; 32], &[b"vouchsafe derive", b"token"]);
    let whole = framed_mac(&key, &[label, ISSUER.as_bytes(), body]);
    let mut tag = [0; 16];
    tag.copy_from_slice(&whole[..16]);
    tag
}

fn framed_mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let framed: Vec<u8> =
        parts.iter().flat_map(|part| [&(part.len() as u64).to_be_bytes()[..], part].concat()).collect();
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(&framed);
    mac.finalize().into_bytes().into()
}

/// Randomness that is the input, over and over; zeros where it is empty.
#[derive(Debug)]
struct Fixed(Vec<u8>);

impl Entropy for Fixed {
    fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError> {
        let mut bytes = self.0.iter().copied().chain(std::iter::repeat(0)).take(self.0.len().max(1)).cycle();
        dest.iter_mut().zip(&mut bytes).for_each(|(place, byte)| *place = byte);
        Ok(())
    }
}
