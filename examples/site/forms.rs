//! What protects the forms: a token that only the browser which was shown a form can send back with it.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderValue, header};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use vouchsafe::entropy::{EntropyError, OsEntropy, random};
use vouchsafe::secret::{Secret, generate};
use vouchsafe::wire::Request;

use super::cookie::Cookie;

/// What a token is for: it fits this form, around this request, in this session, and nothing else.
///
/// The request is sealed and stands in the form, so what is agreed to is exactly what was shown (attack 51).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form<'a> {
    /// Which form.
    pub name: &'static str,
    /// The sealed authorization request that it answers; empty where there is none.
    pub request: &'a str,
    /// The session of the person who was shown it; empty where nobody need be signed in.
    pub session: &'a str,
}

/// A form came without its token, with another's, or from another site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forged;

/// Makes and checks form tokens.
pub(crate) struct Forms {
    key: Hmac<Sha256>,
    cookie: Cookie,
    origin: String,
}

impl Forms {
    /// Protects the forms of `origin` by a cookie of this name, with a key that lives as long as this value.
    pub(crate) fn new(cookie: &str, origin: &str) -> Result<Self, EntropyError> {
        let key = Hmac::new_from_slice(&random::<32>(&OsEntropy)?).expect("HMAC takes keys of any length");
        let cookie = Cookie::new(cookie, origin.starts_with("https:"));
        Ok(Self { key, cookie, origin: origin.to_owned() })
    }

    /// The token for a form that is about to be shown, and the cookie to set if the browser has none yet.
    pub(crate) fn token(
        &self,
        request: &Request,
        form: Form<'_>,
    ) -> Result<(String, Option<HeaderValue>), EntropyError> {
        if let Some(browser) = self.cookie.read(request) {
            return Ok((self.mac(&browser, form), None));
        }
        let browser = generate(&OsEntropy, 256)?;
        Ok((self.mac(&browser, form), Some(self.cookie.set(&browser))))
    }

    /// Checks the token that came with a form.
    pub(crate) fn check(&self, request: &Request, token: &str, form: Form<'_>) -> Result<(), Forged> {
        if !self.is_same_origin(request) {
            return Err(Forged);
        }
        let Some(browser) = self.cookie.read(request) else { return Err(Forged) };
        let expected = self.mac(&browser, form);
        if expected.as_bytes().ct_eq(token.as_bytes()).into() { Ok(()) } else { Err(Forged) }
    }

    /// Whether the browser says that the form was ours, or says nothing.
    ///
    /// A page with `Referrer-Policy: no-referrer` posts with `Origin: null`, so that says nothing either;
    /// `Sec-Fetch-Site` is then what browsers tell the truth in.
    fn is_same_origin(&self, request: &Request) -> bool {
        let silent_or = |name: &str, accepted: &[&str]| {
            request
                .headers()
                .get_all(name)
                .iter()
                .all(|value| accepted.iter().any(|text| value.as_bytes() == text.as_bytes()))
        };
        silent_or(header::ORIGIN.as_str(), &["null", &self.origin])
            && silent_or("sec-fetch-site", &["same-origin"])
    }

    fn mac(&self, browser: &Secret, form: Form<'_>) -> String {
        let mut mac = self.key.clone();
        for part in [form.name, form.request, form.session, browser.expose()] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }
}
