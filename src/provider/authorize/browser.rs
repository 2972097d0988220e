//! The browser that began a request, known again by a cookie.
//!
//! A sealed request is worth nothing in another browser: whoever gets hold of one, or prepares one for somebody
//! else, cannot have it approved there (attack 50, attack 52). The cookie signs nobody in and names nobody.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::clock::Timestamp;
use crate::entropy::random;
use crate::error::{Internal, Result};
use crate::provider::config::Config;
use crate::provider::context::Context;
use crate::{seal, wire};

/// How long the cookie's value is good for; it is renewed in time, with the same browser in it.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// What the name of the cookie begins with, but for `__Host-`.
const COOKIE: &str = "vs_browser";

const ID_BYTES: usize = 32;

/// Bytes of the issuer's hash in the name of its cookie.
const ISSUER_HASH_BYTES: usize = 4;

/// One browser, as a random number that only it and our sealed values know.
#[derive(Clone, Copy)]
pub(in crate::provider) struct Browser([u8; ID_BYTES]);

impl Browser {
    /// The browser that sends `headers`; `None` when it carries no cookie of ours that is still good.
    pub(in crate::provider) fn known(cx: &Context<'_>, headers: &HeaderMap) -> Option<Self> {
        read(cx, headers).map(|known| known.browser)
    }

    /// The browser that sends `headers`, and the cookie to set: when it has none, one that would not outlast a request that
    /// begins now, or one under an old system secret, which may be removed soon. All tabs share the cookie, and a renewed
    /// one names the same browser.
    pub(in crate::provider) fn met(
        cx: &Context<'_>,
        headers: &HeaderMap,
    ) -> Result<(Self, Option<HeaderValue>)> {
        let known = read(cx, headers);
        if let Some(Known { browser, expires_at, is_current: true }) = known
            && expires_at > cx.now.plus(cx.config.pending_lifetime)
        {
            return Ok((browser, None));
        }
        let browser = match known {
            Some(known) => known.browser,
            None => Self(random(cx.entropy)?),
        };
        Ok((browser, Some(browser.cookie(cx)?)))
    }

    /// Whether both are the same, in constant time.
    pub(in crate::provider) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// The number as text, for sealing and hashing alone.
    pub(super) fn name(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }

    fn cookie(self, cx: &Context<'_>) -> Result<HeaderValue> {
        let expires_at = cx.now.plus(LIFETIME);
        let mut plain = self.0.to_vec();
        plain.extend_from_slice(&expires_at.unix().to_be_bytes());
        let value = seal::seal_text(cx.secrets, cx.entropy, &context(cx), expires_at, &plain)?;
        let cookie = Cookie::build((cookie_name(cx.config, COOKIE), value))
            .path("/")
            .secure(cx.config.issuer.is_https())
            .http_only(true)
            .same_site(SameSite::Lax)
            .build();
        let written = HeaderValue::try_from(cookie.to_string());
        let mut written = written.map_err(|error| Internal::new("could not write a cookie", error))?;
        written.set_sensitive(true);
        Ok(written)
    }
}

/// What a cookie says.
struct Known {
    browser: Browser,
    expires_at: Timestamp,
    /// Whether it was sealed under the system secret that writes now.
    is_current: bool,
}

fn read(cx: &Context<'_>, headers: &HeaderMap) -> Option<Known> {
    let value = wire::cookie(headers, &cookie_name(cx.config, COOKIE))?;
    let plain = seal::open_text(cx.secrets, &context(cx), &value, cx.now).ok()?;
    let (id, expires_at) = plain.split_first_chunk::<ID_BYTES>()?;
    let expires_at = Timestamp::from_unix(i64::from_be_bytes(expires_at.try_into().ok()?));
    Some(Known { browser: Browser(*id), expires_at, is_current: seal::is_current(cx.secrets, &value) })
}

fn context<'a>(cx: &Context<'a>) -> seal::Context<'a> {
    seal::Context { kind: "browser cookie", issuer: cx.issuer(), key: b"" }
}

/// The name of a cookie of ours: with `__Host-` no neighbouring host can plant it. An http issuer, which is at a
/// loopback address, cannot have that.
///
/// A browser sends a cookie to every port of a host and, with the `Path=/` that `__Host-` demands, to every issuer of
/// an origin. Where an issuer may have such neighbours, its name is in the cookie's, so that they do not take it from
/// each other.
pub(in crate::provider) fn cookie_name(config: &Config, base: &str) -> String {
    let issuer = &config.issuer;
    let name = format!("{}{base}", if issuer.is_https() { "__Host-" } else { "" });
    if issuer.is_https() && issuer.path().is_empty() {
        return name;
    }
    let digest = Sha256::digest(issuer.as_str());
    let hash = digest.iter().take(ISSUER_HASH_BYTES).map(|byte| format!("{byte:02x}"));
    format!("{name}_{}", hash.collect::<String>())
}

impl Serialize for Browser {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

impl<'de> Deserialize<'de> for Browser {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut id = [0; ID_BYTES];
        match BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut id) {
            Ok(ID_BYTES) => Ok(Self(id)),
            _ => Err(serde::de::Error::custom("not the name of a browser")),
        }
    }
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Browser(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cookies know no ports, and `__Host-` no paths.
    #[test]
    fn issuers_that_a_browser_would_send_the_same_cookies_have_their_own() {
        let name = |issuer: &str| cookie_name(&Config::new(issuer.parse().unwrap()), COOKIE);
        assert_eq!(name("https://op.example"), "__Host-vs_browser");
        assert_eq!(name("https://op.example:8443"), "__Host-vs_browser");
        let names = [
            name("https://op.example"),
            name("https://op.example/a"),
            name("https://op.example/b"),
            name("http://127.0.0.1:4444"),
            name("http://127.0.0.1:4445"),
        ];
        for (at, own) in names.iter().enumerate() {
            assert!(!names[at + 1..].contains(own), "{own}");
        }
        assert_eq!(names[1].len(), "__Host-vs_browser_".len() + 8);
        assert!(names[1].starts_with("__Host-vs_browser_") && names[3].starts_with("vs_browser_"));
    }
}
