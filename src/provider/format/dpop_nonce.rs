//! Nonces for DPoP proofs (RFC 9449 section 8): the time, coarsely, and a MAC. Nothing is stored, so every node knows
//! them, and each is good for many requests until it is old.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::opaque::{self, TokenKind};
use crate::clock::Timestamp;
use crate::provider::context::Context;

/// How long a nonce is the newest, in seconds.
const WINDOW: i64 = 300;

/// Bytes before the MAC: the number of the window.
const BODY: usize = 8;

/// Bytes of the MAC.
const TAG: usize = 16;

/// A nonce that is one of ours and still taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::provider) struct KnownNonce {
    window: i64,
}

impl KnownNonce {
    /// Reads a nonce; `None` unless one of our secrets made it, in this window or the one before. That of the next is
    /// taken too: another node's clock may be ahead.
    pub(in crate::provider) fn read(cx: &Context<'_>, text: &str) -> Option<Self> {
        let mut bytes = [0; BODY + TAG];
        let decoded = BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut bytes);
        if !matches!(decoded, Ok(length) if length == BODY + TAG) {
            return None;
        }
        let (body, presented) = bytes.split_first_chunk::<BODY>()?;
        if !opaque::is_tagged(cx.secrets, TokenKind::DpopNonce, cx.issuer(), (body, presented)) {
            return None;
        }
        let (window, now) = (i64::from_be_bytes(*body), window_of(cx.now));
        (now - 1..=now + 1).contains(&window).then_some(Self { window })
    }

    /// Whether there is a newer one, so that the client should be told of it.
    pub(in crate::provider) fn is_old(self, now: Timestamp) -> bool {
        self.window < window_of(now)
    }

    /// From this moment on it is not taken.
    pub(in crate::provider) fn ends_at(self) -> Timestamp {
        Timestamp::from_unix(self.window.saturating_mul(WINDOW)).plus(Duration::from_secs(2 * WINDOW as u64))
    }
}

/// The newest nonce.
pub(in crate::provider) fn newest(cx: &Context<'_>) -> String {
    let body = window_of(cx.now).to_be_bytes();
    let tag = opaque::tag(&cx.secrets.writer().token, TokenKind::DpopNonce, cx.issuer(), &body);
    BASE64_URL_SAFE_NO_PAD.encode([&body[..], &tag].concat())
}

fn window_of(now: Timestamp) -> i64 {
    now.unix().div_euclid(WINDOW)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Endpoint;
    use crate::provider::context::Arrival;
    use crate::testing::Harness;

    fn at<T>(h: &Harness, ahead: i64, look: impl FnOnce(&Context<'_>) -> T) -> T {
        let arrival = Arrival::at(Endpoint::Token, &h.provider().0);
        let mut cx = arrival.context();
        let start = window_of(cx.now) * WINDOW;
        cx.now = Timestamp::from_unix(start + ahead);
        look(&cx)
    }

    /// attack 181: a nonce is taken while it is the newest and while its successor is, and once it is not the newest
    /// the client is told of another.
    #[test]
    fn a_nonce_is_taken_in_two_windows_and_no_longer() {
        let h = Harness::builder().build();
        let nonce = at(&h, 7, newest);
        assert_eq!(nonce.len(), 32);
        let known =
            |ahead| at(&h, ahead, |cx| KnownNonce::read(cx, &nonce).map(|known| known.is_old(cx.now)));
        for (ahead, expected) in [
            (-301, None),
            (-120, Some(false)),
            (0, Some(false)),
            (299, Some(false)),
            (300, Some(true)),
            (599, Some(true)),
            (600, None),
        ] {
            assert_eq!(known(ahead), expected, "{ahead}");
        }
        let ends = at(&h, 0, |cx| (KnownNonce::read(cx, &nonce).map(KnownNonce::ends_at), cx.now));
        assert_eq!(ends.0, Some(ends.1.plus(Duration::from_secs(600))));
    }

    /// attack 181: nobody else can make one, nor bend one, nor bring that of another issuer.
    #[test]
    fn a_nonce_that_is_not_ours_is_none() {
        let h = Harness::builder().build();
        let nonce = at(&h, 0, newest);
        at(&h, 0, |cx| {
            for place in 0..nonce.len() {
                let mut bent = nonce.clone().into_bytes();
                bent[place] = if bent[place] == b'A' { b'B' } else { b'A' };
                let bent = String::from_utf8(bent).unwrap();
                assert_eq!(KnownNonce::read(cx, &bent), None, "{bent}");
                assert_eq!(KnownNonce::read(cx, &nonce[..place]), None);
            }
            assert_eq!(KnownNonce::read(cx, &format!("{nonce}A")), None);
            assert_eq!(KnownNonce::read(cx, "not a nonce"), None);
        });
        let tenant = Harness::builder()
            .config(|config| config.issuer = "https://op.example/b".parse().unwrap())
            .build();
        assert_eq!(at(&tenant, 0, |cx| KnownNonce::read(cx, &nonce)), None);
    }
}
