//! A logout between the request and the person's yes.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::request::{Kept, LogoutRequest};
use crate::client::Client;
use crate::clock::Timestamp;
use crate::error::{Internal, Reason, Result};
use crate::provider::authorize::Browser;
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::provider::subject;
use crate::seal::{self, Unsealed};
use crate::types::{Authentication, LanguageTag, RedirectUri, SessionId, Subject};

/// Most characters of a sealed logout: 8 KiB. It stands in a form.
pub const MAX_SEALED_LOGOUT_BYTES: usize = 8192;

/// The form of what is sealed.
const VERSION: u8 = 2;

/// What becomes of grants with the scope `offline_access` when their session ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OfflineAccess {
    /// They end with it.
    Ended,
    /// They stay: that is what the person was asked for (OpenID Connect Core 1.0 section 11). The default.
    #[default]
    Kept,
}

/// A logout that waits for a yes, or was agreed to: of which person and session, and what comes then.
#[derive(Clone)]
pub struct PendingLogout {
    request: LogoutRequest,
    subject: Subject,
    session: Option<SessionId>,
    offline_access: OfflineAccess,
    expires_at: Timestamp,
    browser: Option<Browser>,
}

/// What a sealed text holds.
#[derive(Serialize, Deserialize)]
struct Body {
    version: u8,
    request: Kept,
    subject: Subject,
    session: Option<SessionId>,
    offline_access_ends: bool,
    expires_at: Timestamp,
    browser: Browser,
}

impl PendingLogout {
    pub(super) fn new(cx: &Context<'_>, request: LogoutRequest, login: &Authentication) -> Self {
        Self {
            request,
            subject: login.subject.clone(),
            session: login.session.clone(),
            offline_access: cx.config.offline_access_at_logout,
            expires_at: cx.now.plus(cx.config.pending_lifetime),
            browser: None,
        }
    }

    pub(super) const fn request(&self) -> &LogoutRequest {
        &self.request
    }

    /// Which client asks; `None` when it is not known, or nobody asked but the person.
    #[must_use]
    pub const fn client(&self) -> Option<&Client> {
        self.request.client.as_ref()
    }

    /// Where the browser goes then: an address that the client registered.
    #[must_use]
    pub const fn post_logout_redirect_uri(&self) -> Option<&RedirectUri> {
        self.request.post_logout_redirect_uri.as_ref()
    }

    /// Who the client believes is signed in (`logout_hint`): up to 2048 bytes of its own word. Not kept between pages.
    #[must_use]
    pub fn logout_hint(&self) -> Option<&str> {
        self.request.logout_hint.as_deref()
    }

    /// The languages that the person prefers, as BCP 47 tags, the best first (`ui_locales`). Not kept between pages.
    #[must_use]
    pub fn ui_locales(&self) -> &[LanguageTag] {
        &self.request.ui_locales
    }

    /// Who is signed in.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The login session that is to end; `None` where the host has no names for them.
    #[must_use]
    pub const fn session(&self) -> Option<&SessionId> {
        self.session.as_ref()
    }

    /// From this moment on a yes does not count any more.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// What becomes of grants with `offline_access`, if not what [`Config`](crate::provider::Config) says. It is sealed
    /// with the question.
    #[must_use]
    pub const fn with_offline_access(mut self, offline_access: OfflineAccess) -> Self {
        self.offline_access = offline_access;
        self
    }

    pub(super) const fn offline_access(&self) -> OfflineAccess {
        self.offline_access
    }

    /// Whether the hint of the request is an ID token of this login. Where the host names sessions, one of the same
    /// person from another session is not; where it does not, nothing tells that one from another of the person's, so
    /// that it counts only until it expires. Otherwise whoever gets hold of an old one could sign them out at any time.
    pub(super) fn is_named_by_hint(&self, cx: &Context<'_>) -> bool {
        let (Some(client), Some(hint)) = (&self.request.client, &self.request.hint) else { return false };
        let sid = self.session.as_ref().map(|session| subject::sid(cx, client.id(), session));
        let is_live = hint.expires_at.is_some_and(|expires_at| !expires_at.has_passed(cx.now));
        hint.sub == subject::of_person(cx, client, &self.subject)
            && hint.sid == sid
            && (sid.is_some() || is_live)
    }

    /// Whether it is about this login.
    pub(super) fn is_of(&self, login: &Authentication) -> bool {
        self.subject == login.subject && self.session == login.session
    }

    /// The same question about another login.
    pub(super) fn about(mut self, login: &Authentication) -> Self {
        self.subject = login.subject.clone();
        self.session = login.session.clone();
        self
    }

    pub(super) const fn asked_in(mut self, browser: Browser) -> Self {
        self.browser = Some(browser);
        self
    }

    /// Refuses what the page that asks could not carry, before anybody is asked.
    pub(super) fn check_size(&self, cx: &Context<'_>) -> Result<()> {
        self.seal(cx).map(drop)
    }

    /// Seals it until its time is over.
    ///
    /// # Errors
    /// [`Reason::PendingTooLarge`], a random source that fails, and a fault where nobody is to be asked.
    pub(super) fn seal(&self, cx: &Context<'_>) -> Result<String> {
        let browser = self
            .browser
            .ok_or_else(|| Internal::new("could not seal a logout", "nobody is asked about it"))?;
        let body = Body {
            version: VERSION,
            request: Kept::of_asked(&self.request),
            subject: self.subject.clone(),
            session: self.session.clone(),
            offline_access_ends: self.offline_access == OfflineAccess::Ended,
            expires_at: self.expires_at,
            browser,
        };
        let bytes = serde_json::to_vec(&body)
            .map_err(|error| Internal::new("could not serialise a logout", error))?;
        let sealed = seal::seal_text(cx.secrets, cx.entropy, &context(cx), self.expires_at, &bytes)?;
        if sealed.len() > MAX_SEALED_LOGOUT_BYTES {
            return Err(Reason::PendingTooLarge.into());
        }
        Ok(sealed)
    }
}

/// Opens what a page carried, and tells in which browser it was shown.
///
/// # Errors
/// [`Reason::PendingExpired`]; [`Reason::LogoutForgedForm`] for what no page of ours held; a store that fails.
pub(super) async fn open(core: &Core, cx: &Context<'_>, sealed: &str) -> Result<(PendingLogout, Browser)> {
    let bytes = seal::open_text(cx.secrets, &context(cx), sealed, cx.now).map_err(|error| match error {
        Unsealed::Altered => Reason::LogoutForgedForm,
        Unsealed::Expired => Reason::PendingExpired,
    })?;
    let body: Body = serde_json::from_slice(&bytes).map_err(|_| Reason::LogoutForgedForm)?;
    if body.version != VERSION {
        return Err(Reason::LogoutForgedForm.into());
    }
    let pending = PendingLogout {
        request: body.request.restored(core, cx).await?,
        subject: body.subject,
        session: body.session,
        offline_access: match body.offline_access_ends {
            true => OfflineAccess::Ended,
            false => OfflineAccess::Kept,
        },
        expires_at: body.expires_at,
        browser: Some(body.browser),
    };
    Ok((pending, body.browser))
}

fn context<'a>(cx: &Context<'a>) -> seal::Context<'a> {
    seal::Context { kind: "pending logout", issuer: cx.issuer(), key: b"" }
}

/// Leaves out what the client sent.
impl fmt::Debug for PendingLogout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingLogout")
            .field("client", &self.client())
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}
