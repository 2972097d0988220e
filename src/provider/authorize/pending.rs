//! A request between its arrival and the person's answer.

use std::fmt;

use super::browser::Browser;
use super::request::AuthorizationRequest;
use super::respond::Failure;
use super::return_address::ReturnAddress;
use crate::client::Client;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::provider::consent::Known;
use crate::provider::context::Context;
use crate::types::{Authentication, Params, RedirectUri, Subject};

/// An authorization request that waits for a person: to sign in, to choose an account, to agree.
///
/// It lives in memory while one page is made, and sealed between pages
/// ([`Provider::seal`](crate::provider::Provider::seal)). Nothing of it is stored. The sealed text is all that a
/// host's pages may take it from: a page that also read protocol parameters from the browser would let the person
/// agree to one request and the client have another.
#[derive(Clone)]
pub struct PendingAuthorization(Box<State>);

/// What a pending request consists of.
#[derive(Clone)]
pub(super) struct State {
    pub(super) client: Client,
    pub(super) request: AuthorizationRequest,
    pub(super) back: ReturnAddress,
    /// The parameters from which the request is read again when it is resumed.
    pub(super) params: Params,
    pub(super) requested_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) browser: Browser,
    pub(super) created: bool,
    pub(super) selected: bool,
    /// What was remembered of this person's consent when it was last read.
    pub(super) consent: Option<(Subject, Option<Known>)>,
    /// Who was asked for consent last, as [`asked_key`](super::approve::asked_key) names them; `None` when something
    /// else was needed.
    pub(super) asked: Option<String>,
    /// The `auth_time` of the first login that did not reach the essential acr.
    pub(super) acr_missed: Option<Timestamp>,
    /// The reference that it was pushed under, if it was.
    pub(super) pushed: Option<String>,
    /// The key of the ticket that holds the request as it is, if it was too large for the browser.
    pub(super) ticket: Option<String>,
}

/// A need that the person has answered in a way that no login shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// The person was offered to create an account, and goes on with the one that is signed in.
    Create,
    /// The person chose an account.
    Select,
}

impl PendingAuthorization {
    pub(super) fn new(state: State) -> Self {
        Self(Box::new(state))
    }

    pub(super) const fn state(&self) -> &State {
        &self.0
    }

    /// Notes that `login` is signed in now, or nobody, for clients that watch the browser.
    pub(super) fn note_login(&mut self, cx: &Context<'_>, login: Option<&Authentication>) {
        self.0.back.note_login(cx, login);
    }

    pub(super) fn note_asked(&mut self, asked: Option<String>) {
        self.0.asked = asked;
    }

    /// Notes that a login of this time does not reach the essential acr. Whether one before it did not either, so that
    /// the host has had its chance.
    pub(super) fn misses_acr_again(&mut self, auth_time: Timestamp) -> bool {
        auth_time > *self.0.acr_missed.get_or_insert(auth_time)
    }

    pub(super) fn note_consent(&mut self, subject: &Subject, known: Option<Known>) {
        self.0.consent = Some((subject.clone(), known));
    }

    /// Who asks: its name, logo, policy and terms, to be shown. All of it is the client's own word.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.0.client
    }

    /// What it asks for. The scope, the claims and the resources are what the person has to be shown.
    #[must_use]
    pub const fn request(&self) -> &AuthorizationRequest {
        &self.0.request
    }

    /// Where the response will go. A consent page should show its host.
    #[must_use]
    pub const fn redirect_uri(&self) -> &RedirectUri {
        self.0.back.redirect_uri()
    }

    /// When the request arrived. A login at or after this is fresh.
    #[must_use]
    pub const fn requested_at(&self) -> Timestamp {
        self.0.requested_at
    }

    /// From this moment on the request is not answered any more.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.0.expires_at
    }

    /// What makes it this request and no other, however often it is resumed: its browser, its time, its parameters.
    pub(super) fn identity(&self) -> String {
        let State { browser, requested_at, params, .. } = self.state();
        format!("{}\0{}\0{}", browser.name(), requested_at.unix(), params.encode())
    }

    /// Notes what the person answered.
    #[must_use]
    pub fn answered(mut self, answer: Answer) -> Self {
        match answer {
            Answer::Create => self.0.created = true,
            Answer::Select => self.0.selected = true,
        }
        self
    }

    pub(super) const fn has_created(&self) -> bool {
        self.0.created
    }

    pub(super) const fn has_selected(&self) -> bool {
        self.0.selected
    }

    /// A failure that its client is told of.
    pub(super) fn failed(&self, error: impl Into<Error>) -> Failure {
        Failure::Return(Box::new(self.0.back.clone()), error.into())
    }
}

impl fmt::Debug for PendingAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingAuthorization")
            .field("client", &self.0.client)
            .field("requested_at", &self.0.requested_at)
            .finish_non_exhaustive()
    }
}
