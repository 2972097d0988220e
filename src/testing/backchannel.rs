//! Clients that ask for people who are not there, and a host that asks them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};

use super::outcome::{Outcome, Tokens};
use super::{Form, Harness, TokenForm, block_on, client_form, token_form};
use crate::error::{BoxError, Result};
use crate::provider::{
    Approval, BackchannelAuthentication, BackchannelDecision, BackchannelHint, BackchannelRequest, Denial,
    Hinted, PendingBackchannel,
};
use crate::secret::Secret;
use crate::types::Subject;

/// A host that knows everybody by their own name, and remembers whom it asks.
///
/// The hint `nobody` names nobody, `denied` somebody who is not asked, `careful` somebody with the `user_code` `1234`; the
/// token `old` was good once; the message `rude` is not shown.
#[derive(Debug, Default)]
pub struct AskingHost {
    asked: Mutex<Vec<PendingBackchannel>>,
    broken: Mutex<bool>,
}

impl AskingHost {
    /// A host that has asked nobody yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Whom it has asked so far, and forgets them.
    #[must_use]
    pub fn asked(&self) -> Vec<PendingBackchannel> {
        std::mem::take(&mut self.state())
    }

    /// Lets it be unable to ask, until it is called with `false`.
    pub fn broken(&self, broken: bool) {
        *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = broken;
    }

    fn state(&self) -> MutexGuard<'_, Vec<PendingBackchannel>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl BackchannelAuthentication for AskingHost {
    async fn resolve(&self, request: &BackchannelRequest<'_>) -> Result<Hinted, BoxError> {
        let name = match request.hint {
            BackchannelHint::Known(subject) => return Ok(Hinted::Person(subject.clone())),
            BackchannelHint::Login(name) => name.as_str(),
            BackchannelHint::LoginToken(token) => token.expose(),
        };
        let code = request.user_code.map(Secret::expose);
        Ok(match (name, code) {
            ("nobody", _) => Hinted::Nobody,
            ("denied", _) => Hinted::Denied,
            ("old", _) => Hinted::HintExpired,
            ("careful", None) => Hinted::UserCodeMissing,
            ("careful", Some("1234")) => Hinted::Person(Subject::new("alice")?),
            ("careful", Some(_)) => Hinted::UserCodeWrong,
            _ if request.binding_message == Some("rude") => Hinted::BindingMessageRefused,
            (name, _) => Hinted::Person(Subject::new(name)?),
        })
    }

    async fn begin(&self, pending: &PendingBackchannel) -> Result<(), BoxError> {
        if *self.broken.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err("the devices of people cannot be reached".into());
        }
        self.state().push(pending.clone());
        Ok(())
    }
}

/// A plain request of the client `shop` for this person.
pub fn backchannel_form(login_hint: &str) -> TokenForm {
    let form = Form::new().set("scope", "openid").set("login_hint", login_hint);
    client_form(form.set("client_notification_token", NOTIFICATION_TOKEN)).client("shop")
}

/// What the client `shop` wants to be told by.
pub const NOTIFICATION_TOKEN: &str = "8d67dc78-7faa-4d41-aabd-67707b374255";

/// Where it is told.
pub const NOTIFICATION_ENDPOINT: &str = "https://shop.example/told";

/// Where the client `desk` gets its tokens.
pub const PUSH_ENDPOINT: &str = "https://desk.example/tokens";

impl Harness {
    /// Sound claims of a signed request of the client `bank` for `alice`.
    ///
    /// # Panics
    /// When the entropy was told to fail.
    #[must_use]
    pub fn authentication_claims(&self) -> Value {
        let jti = crate::secret::generate(self.entropy(), 256).expect("the entropy delivers");
        json!({
            "iss": "bank",
            "aud": self.provider().config().issuer.as_str(),
            "exp": self.now().plus(Duration::from_secs(60)).unix(),
            "iat": self.now().unix(),
            "nbf": self.now().unix(),
            "jti": jti.expose(),
            "scope": "openid",
            "login_hint": "alice",
        })
    }

    /// The form that sends a signed request of the client `bank`.
    pub fn signed_backchannel_form(&self, claims: &Value) -> TokenForm {
        client_form(Form::new().set("request", self.client_assertion(claims))).client("bank")
    }

    /// Posts a form to the backchannel authentication endpoint.
    #[track_caller]
    pub fn begin_backchannel(&self, form: TokenForm) -> Outcome {
        self.answer(self.post(&self.provider().config().paths.backchannel_authentication, form))
    }

    /// The `auth_req_id` of a request that is taken.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    #[track_caller]
    pub fn auth_req_id(&self, form: TokenForm) -> String {
        let body = self.begin_backchannel(form).accepted().json();
        body["auth_req_id"].as_str().expect("the answer has an auth_req_id").to_owned()
    }

    /// What a client polls with.
    pub fn ciba_form(&self, client_id: &str, auth_req_id: &str) -> TokenForm {
        let form = token_form("urn:openid:params:grant-type:ciba").client(client_id);
        form.set("auth_req_id", auth_req_id)
    }

    /// Lets the person of a request agree to all of it.
    ///
    /// # Errors
    /// Those of [`Provider::complete_backchannel`](crate::provider::Provider::complete_backchannel).
    pub fn agree(&self, pending: &PendingBackchannel) -> Result<()> {
        let login = self.login(pending.subject.as_str());
        let approval = Approval::new(login, pending.scope.clone());
        self.complete(pending.auth_req_id.expose(), BackchannelDecision::Approved(approval))
    }

    /// Lets the person of a request refuse.
    ///
    /// # Errors
    /// Those of [`Provider::complete_backchannel`](crate::provider::Provider::complete_backchannel).
    pub fn refuse(&self, pending: &PendingBackchannel) -> Result<()> {
        self.complete(pending.auth_req_id.expose(), BackchannelDecision::Denied(Denial::Person))
    }

    /// Lets the client `desk` take what is pushed to it, with this status.
    ///
    /// # Panics
    /// When there is no such status.
    pub fn take_pushes(&self, status: u16) {
        let response = http::Response::builder().status(status).body(Bytes::new());
        self.http().answer(PUSH_ENDPOINT, response.expect("there is such a status"));
    }

    /// The bodies that were posted to the client `desk` since this was last asked, each with its token. What was sent
    /// elsewhere is forgotten.
    ///
    /// # Panics
    /// When one is none that a client would take.
    #[must_use]
    #[track_caller]
    pub fn told(&self) -> Vec<Value> {
        self.runtime().run();
        let sent = self.http().take_requests();
        let pushed = sent.iter().filter(|request| request.uri() == PUSH_ENDPOINT).map(|request| {
            assert_eq!(request.method(), "POST");
            assert_eq!(request.headers()["content-type"], "application/json");
            assert_eq!(request.headers()["authorization"], format!("Bearer {NOTIFICATION_TOKEN}"));
            serde_json::from_slice(request.body()).expect("the body is JSON")
        });
        pushed.collect()
    }

    /// The tokens that were pushed to the client `desk`, once, and the whole of what came with them.
    ///
    /// # Panics
    /// When there were none, or more.
    #[must_use]
    #[track_caller]
    pub fn pushed_tokens(&self) -> Tokens {
        let pushed = self.told();
        let [body] = &*pushed else { panic!("tokens are pushed once: {pushed:?}") };
        for member in ["access_token", "refresh_token", "id_token"] {
            body[member].as_str().into_iter().for_each(|token| self.confide(token));
        }
        Tokens::of(body.clone())
    }

    /// Gives an answer to a request.
    ///
    /// # Errors
    /// Those of [`Provider::complete_backchannel`](crate::provider::Provider::complete_backchannel).
    pub fn complete(&self, auth_req_id: &str, decision: BackchannelDecision) -> Result<()> {
        block_on(self.provider().complete_backchannel(&Secret::new(auth_req_id), decision))
    }
}
