//! The forms of the verification page, each good for one browser: what is typed, and what is agreed to.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Internal, Reason, Result};
use crate::provider::authorize::Browser;
use crate::provider::context::Context;
use crate::seal::{self, Unsealed};
use crate::secret::TokenHash;

/// The form of what is sealed.
const VERSION: u8 = 1;

/// A form into which a code is typed.
#[derive(Serialize, Deserialize)]
pub(super) struct Entry {
    version: u8,
    browser: Browser,
    /// How many wrong codes were typed into the forms before it. Who posts one of those again is not found out.
    pub(super) misses: u8,
}

/// A form that asks whether a device may have what it asks for.
#[derive(Serialize, Deserialize)]
pub(super) struct Confirmation {
    version: u8,
    browser: Browser,
    /// The request that waits.
    pub(super) key: TokenHash,
    /// Who is asked, as [`asked_key`](crate::provider::authorize::asked_key) names them.
    pub(super) asked: String,
}

impl Entry {
    pub(super) const fn new(browser: Browser, misses: u8) -> Self {
        Self { version: VERSION, browser, misses }
    }

    pub(super) fn seal(&self, cx: &Context<'_>) -> Result<String> {
        seal(cx, "device entry", cx.now.plus(cx.config.pending_lifetime), self)
    }

    /// # Errors
    /// [`Reason::PendingExpired`], and [`Reason::DeviceFormForged`] for what this browser was not shown.
    pub(super) fn open(cx: &Context<'_>, sealed: &str, browser: Option<Browser>) -> Result<Self, Reason> {
        let form: Self = open(cx, "device entry", sealed)?;
        check(form.version, &form.browser, browser)?;
        Ok(form)
    }
}

impl Confirmation {
    pub(super) const fn new(browser: Browser, key: TokenHash, asked: String) -> Self {
        Self { version: VERSION, browser, key, asked }
    }

    pub(super) fn seal(&self, cx: &Context<'_>, expires_at: Timestamp) -> Result<String> {
        seal(cx, "device confirmation", expires_at, self)
    }

    /// # Errors
    /// As those of [`Entry::open`].
    pub(super) fn open(cx: &Context<'_>, sealed: &str, browser: Option<Browser>) -> Result<Self, Reason> {
        let form: Self = open(cx, "device confirmation", sealed)?;
        check(form.version, &form.browser, browser)?;
        Ok(form)
    }
}

/// A form that another site posts comes without the cookie, or from a browser that was shown another form.
fn check(version: u8, shown_in: &Browser, browser: Option<Browser>) -> Result<(), Reason> {
    match version == VERSION && browser.is_some_and(|browser| browser.is(shown_in)) {
        true => Ok(()),
        false => Err(Reason::DeviceFormForged),
    }
}

fn seal(cx: &Context<'_>, kind: &str, expires_at: Timestamp, form: &impl Serialize) -> Result<String> {
    let bytes =
        serde_json::to_vec(form).map_err(|error| Internal::new("could not serialise a form", error))?;
    let context = seal::Context { kind, issuer: cx.issuer(), key: b"" };
    Ok(seal::seal_text(cx.secrets, cx.entropy, &context, expires_at, &bytes)?)
}

fn open<T: DeserializeOwned>(cx: &Context<'_>, kind: &str, sealed: &str) -> Result<T, Reason> {
    let context = seal::Context { kind, issuer: cx.issuer(), key: b"" };
    let bytes = seal::open_text(cx.secrets, &context, sealed, cx.now).map_err(|error| match error {
        Unsealed::Altered => Reason::DeviceFormForged,
        Unsealed::Expired => Reason::PendingExpired,
    })?;
    serde_json::from_slice(&bytes).map_err(|_| Reason::DeviceFormForged)
}
