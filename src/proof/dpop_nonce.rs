//! Nonces for DPoP proofs (RFC 9449 section 8): the time, coarsely, and a MAC. Nothing is stored, so every node knows
//! them, and each is good for many requests until it is old.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use subtle::{Choice, ConstantTimeEq as _};

use crate::clock::Timestamp;
use crate::secret::{HmacSha256, SystemSecrets, mac};

/// How long a nonce is the newest, in seconds.
const WINDOW: i64 = 300;

/// Bytes before the MAC: the number of the window.
const BODY: usize = 8;

/// Bytes of the MAC.
const TAG: usize = 16;

/// What sets these MACs apart from all others under the same key.
const PURPOSE: &[u8] = b"dpop nonce";

/// The nonces of one server at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NonceMint<'a> {
    secrets: &'a SystemSecrets,
    server: &'a str,
    now: Timestamp,
}

/// A nonce that is one of ours and still taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KnownNonce {
    window: i64,
}

impl<'a> NonceMint<'a> {
    /// The nonces of `server`, which is an issuer or a resource.
    pub(crate) const fn new(secrets: &'a SystemSecrets, server: &'a str, now: Timestamp) -> Self {
        Self { secrets, server, now }
    }

    /// The newest nonce.
    pub(crate) fn newest(self) -> String {
        let body = window_of(self.now).to_be_bytes();
        let tag = self.tag(&self.secrets.writer().token, &body);
        BASE64_URL_SAFE_NO_PAD.encode([&body[..], &tag].concat())
    }

    /// Reads a nonce; `None` unless one of our secrets made it, in this window or the one before. That of the next is
    /// taken too: another node's clock may be ahead.
    pub(crate) fn read(self, text: &str) -> Option<KnownNonce> {
        let mut bytes = [0; BODY + TAG];
        let decoded = BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut bytes);
        if !matches!(decoded, Ok(length) if length == BODY + TAG) {
            return None;
        }
        let (body, presented) = bytes.split_first_chunk::<BODY>()?;
        let keys = self.secrets.readers();
        let ours =
            keys.fold(Choice::from(0), |ours, keys| ours | self.tag(&keys.token, body).ct_eq(presented));
        let (window, now) = (i64::from_be_bytes(*body), window_of(self.now));
        (bool::from(ours) && (now - 1..=now + 1).contains(&window)).then_some(KnownNonce { window })
    }

    /// Whether there is a newer one than `nonce`, so that the client should be told of it.
    pub(crate) fn is_old(self, nonce: KnownNonce) -> bool {
        nonce.window < window_of(self.now)
    }

    fn tag(self, key: &HmacSha256, body: &[u8]) -> [u8; TAG] {
        let whole = mac(key, &[PURPOSE, self.server.as_bytes(), body]);
        let mut tag = [0; TAG];
        tag.copy_from_slice(&whole[..TAG]);
        tag
    }
}

impl KnownNonce {
    /// From this moment on it is not taken.
    pub(crate) fn ends_at(self) -> Timestamp {
        Timestamp::from_unix(self.window.saturating_mul(WINDOW)).plus(Duration::from_secs(2 * WINDOW as u64))
    }
}

fn window_of(now: Timestamp) -> i64 {
    now.unix().div_euclid(WINDOW)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;

    const SERVER: &str = "https://op.example";

    /// The beginning of a window.
    const START: i64 = 1_800_000_000;

    fn secrets() -> SystemSecrets {
        SystemSecrets::generate(&OsEntropy).unwrap()
    }

    fn at(secrets: &SystemSecrets, ahead: i64) -> NonceMint<'_> {
        NonceMint::new(secrets, SERVER, Timestamp::from_unix(START + ahead))
    }

    /// attack 181: a nonce is taken while it is the newest and while its successor is, and once it is not the newest
    /// the client is told of another.
    #[test]
    fn a_nonce_is_taken_in_two_windows_and_no_longer() {
        let secrets = secrets();
        let nonce = at(&secrets, 7).newest();
        assert_eq!(nonce.len(), 32);
        for (ahead, expected) in [
            (-301, None),
            (-120, Some(false)),
            (0, Some(false)),
            (299, Some(false)),
            (300, Some(true)),
            (599, Some(true)),
            (600, None),
        ] {
            let mint = at(&secrets, ahead);
            assert_eq!(mint.read(&nonce).map(|known| mint.is_old(known)), expected, "{ahead}");
        }
        let ends = at(&secrets, 0).read(&nonce).map(KnownNonce::ends_at);
        assert_eq!(ends, Some(Timestamp::from_unix(START + 600)));
    }

    /// attack 181: nobody else can make one, nor bend one, nor bring that of another server.
    #[test]
    fn a_nonce_that_is_not_ours_is_none() {
        let secrets = secrets();
        let mint = at(&secrets, 0);
        let nonce = mint.newest();
        for place in 0..nonce.len() {
            let mut bent = nonce.clone().into_bytes();
            bent[place] = if bent[place] == b'A' { b'B' } else { b'A' };
            let bent = String::from_utf8(bent).unwrap();
            assert_eq!(mint.read(&bent), None, "{bent}");
            assert_eq!(mint.read(&nonce[..place]), None);
        }
        assert_eq!(mint.read(&format!("{nonce}A")), None);
        assert_eq!(mint.read("not a nonce"), None);
        let neighbour = NonceMint::new(&secrets, "https://op.example/b", Timestamp::from_unix(START));
        assert_eq!(neighbour.read(&nonce), None);
        assert_eq!(at(&self::secrets(), 0).read(&nonce), None);
    }
}
