//! What a request came to: its answer, what the events say of it, and what became of the store.

use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use serde_json::Value;

use super::browser::Landing;
use super::events::refusals;
use crate::error::Reason;
use crate::event::Event;
use crate::store::memory::Snapshot;
use crate::wire::{Response, challenge, reply};

/// The members of a response that would be tokens.
const TOKENS: [&str; 3] = ["access_token", "refresh_token", "id_token"];

/// One exchange. Its methods assert, say what they saw when they fail, and hand on the outcome.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The answer.
    pub response: Response,
    /// The events that it caused.
    pub events: Vec<Event>,
    /// The store before the request.
    pub before: Snapshot,
    /// The store after it.
    pub after: Snapshot,
}

/// The tokens of a response.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Tokens {
    /// `access_token`.
    pub access_token: String,
    /// `refresh_token`.
    pub refresh_token: Option<String>,
    /// `id_token`.
    pub id_token: Option<String>,
    /// `scope`.
    pub scope: Option<String>,
    /// `expires_in`, in seconds.
    pub expires_in: Option<u64>,
    /// The whole body.
    pub body: Value,
}

impl Tokens {
    /// The tokens in a body.
    ///
    /// # Panics
    /// When there is no access token.
    #[track_caller]
    pub(super) fn of(body: Value) -> Self {
        let text = |member: &str| body[member].as_str().map(str::to_owned);
        Self {
            access_token: text("access_token").expect("there is an access token"),
            refresh_token: text("refresh_token"),
            id_token: text("id_token"),
            scope: text("scope"),
            expires_in: body["expires_in"].as_u64(),
            body,
        }
    }
}

impl Outcome {
    /// The request was refused for this reason, once, as RFC 6749 section 5.2 says; nothing was issued.
    ///
    /// # Panics
    /// When it was not.
    #[track_caller]
    pub fn rejected(self, reason: Reason) -> Self {
        self.refused(reason);
        let (code, _) = reason.wire();
        let body = self.json();
        assert_eq!(self.response.status(), reply::status(reason), "the status of {reason:?}");
        assert_eq!(body["error"], code.as_str(), "the code of {reason:?}");
        assert_eq!(body["error_description"], &*reason.description(), "the text of {reason:?}");
        self.unstored();
        assert!(TOKENS.iter().all(|member| body.get(member).is_none()), "a refusal carries tokens: {body}");
        self
    }

    /// The request was refused for this reason with a `Bearer` challenge (RFC 6750 section 3); the challenge
    /// names the error unless the request carried no credentials at all.
    ///
    /// # Panics
    /// When it was not.
    #[track_caller]
    pub fn challenged(self, reason: Reason) -> Self {
        self.refused(reason);
        assert_eq!(self.response.status(), reply::status(reason), "the status of {reason:?}");
        let header = self.response.headers().get(WWW_AUTHENTICATE).expect("there is a challenge");
        let challenges = challenge::parse(header).expect("the challenge can be read");
        let bearer = challenges.iter().find(|challenge| challenge.scheme() == "Bearer");
        let error = bearer.expect("there is a Bearer challenge").parameter("error").map(str::to_owned);
        let none_sent = matches!(
            reason,
            Reason::AccessTokenMissing | Reason::InitialTokenMissing | Reason::RegistrationTokenMissing
        );
        let expected = (!none_sent).then(|| reason.wire().0.as_str().to_owned());
        assert_eq!(error, expected, "the challenge of {reason:?}");
        self
    }

    /// The refusal was shown on a page of the provider and sent nowhere.
    ///
    /// # Panics
    /// When it was not.
    #[track_caller]
    pub fn shown(self, reason: Reason) -> Self {
        self.refused(reason);
        assert_eq!(self.response.status(), reply::status(reason), "the status of {reason:?}");
        assert_eq!(self.header("location"), None, "a page goes nowhere");
        assert!(self.header("content-type").is_some_and(|kind| kind.starts_with("text/html")), "a page");
        self.unstored();
        self
    }

    /// The refusal was returned to the client, with the exact `state` and with `iss`.
    ///
    /// # Panics
    /// When it was not.
    #[track_caller]
    pub fn returned(self, reason: Reason) -> Landing {
        self.refused(reason);
        let landing = self.landing();
        assert_eq!(landing.params.one("error"), Ok(Some(reason.wire().0.as_str())), "{landing:?}");
        assert_eq!(landing.params.one("code"), Ok(None), "a refusal carries a code");
        assert!(landing.params.one("iss").is_ok_and(|iss| iss.is_some()), "iss is in every response");
        landing
    }

    /// The request was refused for this reason, with status 401 and a `DPoP` challenge that names the error and the
    /// algorithms (RFC 9449 section 7.1).
    ///
    /// # Panics
    /// When it was not.
    #[track_caller]
    pub fn challenged_for_proof(self, reason: Reason) -> Self {
        self.refused(reason);
        assert_eq!(self.response.status(), StatusCode::UNAUTHORIZED, "the status of {reason:?}");
        let header = self.response.headers().get(WWW_AUTHENTICATE).expect("there is a challenge");
        let challenges = challenge::parse(header).expect("the challenge can be read");
        assert_eq!(challenges.iter().map(challenge::Challenge::scheme).collect::<Vec<_>>(), ["DPoP"]);
        let parameter = |name| challenges.first().and_then(|challenge| challenge.parameter(name));
        assert_eq!(parameter("error"), Some(reason.wire().0.as_str()), "the challenge of {reason:?}");
        assert!(parameter("algs").is_some_and(|algs| algs.contains("ES256")), "{challenges:?}");
        self
    }

    /// Where the answer leads.
    ///
    /// # Panics
    /// When it leads nowhere.
    #[must_use]
    #[track_caller]
    pub fn landing(&self) -> Landing {
        Landing::of(&self.response).unwrap_or_else(|| panic!("the answer leads nowhere: {:?}", self.response))
    }

    /// The store is as it was before the request.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn unchanged(self) -> Self {
        assert!(self.before == self.after, "the store changed from {:?} to {:?}", self.before, self.after);
        self
    }

    /// The store is as it was before the request, but for what remembers tokens that are good once.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn unchanged_but_replays(self) -> Self {
        let [before, after] = [&self.before, &self.after].map(|store| store.clone().without_replays());
        assert!(before == after, "the store changed from {before:?} to {after:?}");
        self
    }

    /// The request succeeded without a refusal.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn accepted(self) -> Self {
        assert_eq!(refusals(&self.events), [], "{:?}", self.response);
        assert!(self.response.status().is_success(), "{:?}", self.response);
        self
    }

    /// Tokens were issued, in a response that is not stored (RFC 6749 section 5.1).
    ///
    /// # Panics
    /// When they were not.
    #[must_use]
    #[track_caller]
    pub fn issued(self) -> Tokens {
        self.issued_as("Bearer")
    }

    /// Tokens of this `token_type` were issued, in a response that is not stored.
    ///
    /// # Panics
    /// When they were not.
    #[must_use]
    #[track_caller]
    pub fn issued_as(self, token_type: &str) -> Tokens {
        let outcome = self.accepted();
        assert_eq!(outcome.response.status(), StatusCode::OK);
        outcome.unstored();
        let body = outcome.json();
        assert_eq!(body["token_type"], token_type, "{body}");
        Tokens::of(body)
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{:?}", self.response);
        serde_json::from_slice(self.response.body()).expect("the body is JSON")
    }

    /// A header's value; `None` when it is absent or not text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// Exactly one event refuses, and gives this reason.
    #[track_caller]
    fn refused(&self, reason: Reason) {
        assert_eq!(
            refusals(&self.events),
            [reason],
            "the events are {:?}, the answer {:?}",
            self.events,
            self.response
        );
    }

    #[track_caller]
    fn unstored(&self) {
        let control = self.response.headers().get(CACHE_CONTROL).expect("there is a Cache-Control");
        assert!(control.to_str().is_ok_and(|value| value.contains("no-store")), "{control:?}");
        assert!(self.response.headers().contains_key(CONTENT_TYPE));
    }
}
