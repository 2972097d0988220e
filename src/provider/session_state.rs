//! The login state of a browser, which clients may watch (OpenID Connect Session Management 1.0).
//!
//! A cookie stands for who is signed in in a browser. Every authentication response carries a hash of it, of
//! the client and of the client's origin as `session_state`; the page at `check_session_iframe` computes that
//! hash again and so sees whether the cookie has changed. The cookie lets nobody in: nothing is decided by it
//! but what is told of it.
//!
//! Only whoever was given a `session_state` can ask the page about it. Were there a value for "nobody is
//! signed in" that can be guessed, any site could find out whether somebody is. So that one is random in each
//! browser.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::authorize::{Browser, cookie_name};
use super::config::Config;
use super::context::Context;
use super::core::Core;
use crate::client::Client;
use crate::entropy::random;
use crate::error::{Internal, Result};
use crate::types::{Authentication, RedirectUri};
use crate::wire;

/// Bytes of a value, and of the random half of one that stands for nobody.
const VALUE_BYTES: usize = 32;
const HALF_BYTES: usize = VALUE_BYTES / 2;

/// Random bytes in a `session_state`.
const SALT_BYTES: usize = 16;

/// The origin of redirect URIs that have none. The page at `check_session_iframe` answers nobody of this
/// origin.
const OPAQUE_ORIGIN: &str = "null";

/// What kind of place a browser loads a response into (Fetch Metadata Request Headers section 2.1). No script
/// can set it.
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// The login state of the browser that a response goes to, as far as it is known.
#[derive(Clone)]
pub(super) struct Watched {
    held: Option<Value>,
    certain: bool,
    login: Login,
}

/// What a response tells of it.
pub(super) struct Told {
    pub(super) session_state: String,
    /// `None` where the browser keeps what it has.
    pub(super) set_cookie: Option<HeaderValue>,
}

#[derive(Clone, Copy)]
enum Login {
    Nobody,
    Somebody(Value),
    Unknown,
}

/// The value of the cookie.
#[derive(Clone, Copy)]
struct Value([u8; VALUE_BYTES]);

impl Watched {
    /// The state of the browser that sent a request; `None` where nobody may watch it.
    pub(super) fn met(core: &Core, cx: &Context<'_>, by: (&Method, &HeaderMap)) -> Option<Self> {
        core.switches.session_management.then(|| Self {
            held: wire::cookie(by.1, &name(cx.config)).and_then(|text| Value::parse(&text)),
            certain: brings_all_cookies(cx, by),
            login: Login::Unknown,
        })
    }

    /// Notes what the host knows: that `login` is signed in, or nobody.
    pub(super) fn note(&mut self, cx: &Context<'_>, login: Option<&Authentication>) {
        self.login = match login {
            Some(login) => Login::Somebody(Value::of(cx, login)),
            None => Login::Nobody,
        };
    }

    /// What is told to `client`, whose response goes to `redirect_uri`.
    ///
    /// Where it is not known who is signed in, the browser keeps its state. It also keeps one that stands for
    /// nobody: clients that watch it have been told.
    pub(super) fn told(&self, cx: &Context<'_>, client: &Client, redirect_uri: &RedirectUri) -> Result<Told> {
        let kept = match (self.login, self.held) {
            (Login::Nobody, Some(held)) if self.certain => Some(held).filter(|held| held.is_nobody(cx)),
            (Login::Nobody | Login::Unknown, held) => held,
            (Login::Somebody(_), _) => None,
        };
        let value = match (kept, self.login) {
            (Some(kept), _) => kept,
            (None, Login::Somebody(value)) => value,
            (None, Login::Nobody | Login::Unknown) => Value::nobody(cx)?,
        };
        let set_cookie = match kept {
            Some(_) => None,
            None => Some(cookie(cx.config, Some(value))?),
        };
        let origin = redirect_uri.origin().unwrap_or_else(|| OPAQUE_ORIGIN.to_owned());
        Ok(Told { session_state: session_state(cx, client.id().as_str(), (&origin, value))?, set_cookie })
    }
}

impl Value {
    /// The value of a login: the same in every response until another session, or another person, takes its
    /// place.
    ///
    /// It is a keyed hash under the salt that never rotates: it tells nothing of the session, and nobody else
    /// can make it.
    fn of(cx: &Context<'_>, login: &Authentication) -> Self {
        let (kind, session) = match &login.session {
            Some(session) => ("session", session.as_str().to_owned()),
            None => ("auth_time", login.auth_time.unix().to_string()),
        };
        let parts = [cx.issuer(), login.subject.as_str(), kind, &session];
        Self(cx.secrets.salted("login state", &parts))
    }

    /// A new value that stands for nobody: a random half, and a keyed hash of it by which it is known again.
    /// To others it looks like every other.
    fn nobody(cx: &Context<'_>) -> Result<Self> {
        let half: [u8; HALF_BYTES] = random(cx.entropy)?;
        let mut value = [0; VALUE_BYTES];
        value[..HALF_BYTES].copy_from_slice(&half);
        value[HALF_BYTES..].copy_from_slice(&tag(cx, &half));
        Ok(Self(value))
    }

    fn is_nobody(&self, cx: &Context<'_>) -> bool {
        let (half, found) = self.0.split_at(HALF_BYTES);
        tag(cx, half).ct_eq(found).into()
    }

    /// Reads a value that some browser sent.
    fn parse(text: &str) -> Option<Self> {
        BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    fn text(self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }
}

fn tag(cx: &Context<'_>, half: &[u8]) -> [u8; HALF_BYTES] {
    let mac = cx.secrets.salted("nobody's login state", &[cx.issuer(), &BASE64_URL_SAFE_NO_PAD.encode(half)]);
    let mut tag = [0; HALF_BYTES];
    tag.copy_from_slice(&mac[..HALF_BYTES]);
    tag
}

/// `session_state` as the example of section 3.2 has it: a salted hash, bound to client and origin, without
/// spaces. The salt keeps clients, and the responses to one client, from being brought together by it.
fn session_state(cx: &Context<'_>, client_id: &str, (origin, value): (&str, Value)) -> Result<String> {
    let salt = BASE64_URL_SAFE_NO_PAD.encode(random::<SALT_BYTES>(cx.entropy)?);
    let hash = Sha256::digest(format!("{client_id} {origin} {} {salt}", value.text()));
    Ok(format!("{}.{salt}", BASE64_URL_SAFE_NO_PAD.encode(hash)))
}

/// Whether a request brought every cookie that its browser has for us, so that the host can tell that nobody
/// is signed in.
///
/// Frames of other sites, and the forms that they post, leave out cookies of `SameSite=Lax`, as those of
/// logins should be. Were they believed, any site could have every client told that the person has signed out
/// (attack 235).
fn brings_all_cookies(cx: &Context<'_>, (method, headers): (&Method, &HeaderMap)) -> bool {
    let navigates = headers.get(SEC_FETCH_DEST).is_some_and(|dest| dest == "document");
    (*method == Method::GET && navigates) || Browser::known(cx, headers).is_some()
}

/// The `Set-Cookie` header after which a browser is in the state of `login`, or in none; `None` where nobody
/// watches.
///
/// # Errors
/// A fault: a cookie that cannot be written.
pub(super) fn changed(
    core: &Core,
    cx: &Context<'_>,
    login: Option<&Authentication>,
) -> Result<Option<HeaderValue>> {
    let value = login.map(|login| Value::of(cx, login));
    core.switches.session_management.then(|| cookie(cx.config, value)).transpose()
}

/// As [`changed`] to none, where a request shows for certain that nobody is signed in.
pub(super) fn ended(core: &Core, cx: &Context<'_>, by: (&Method, &HeaderMap)) -> Result<Option<HeaderValue>> {
    if brings_all_cookies(cx, by) { changed(core, cx, None) } else { Ok(None) }
}

/// The cookie. The page at `check_session_iframe` must read it by script, so it is not `HttpOnly`; it stands
/// in frames of clients, which are mostly other sites, so it is `SameSite=None`, which browsers take only
/// with `Secure`.
///
/// Over http, which is for loopback, not every browser takes `Secure`. There it is `SameSite=Lax`, and
/// reaches the frames of clients on the same host: a port does not make another site.
fn cookie(config: &Config, value: Option<Value>) -> Result<HeaderValue> {
    let secure = config.issuer.is_https();
    let same_site = if secure { SameSite::None } else { SameSite::Lax };
    let (text, ends) = (value.map(Value::text).unwrap_or_default(), value.is_none());
    let mut cookie =
        Cookie::build((name(config), text)).path("/").secure(secure).http_only(false).same_site(same_site);
    if ends {
        cookie = cookie.max_age(cookie::time::Duration::ZERO);
    }
    let written = HeaderValue::try_from(cookie.build().to_string());
    let mut written = written.map_err(|error| Internal::new("could not write a cookie", error))?;
    written.set_sensitive(true);
    Ok(written)
}

/// The name of the cookie.
pub(super) fn name(config: &Config) -> String {
    cookie_name(config, "vs_login_state")
}

/// Leaves out the value.
impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("certain", &self.certain).finish_non_exhaustive()
    }
}
