//! What a client does with its codes and tokens.

use std::sync::Barrier;
use std::thread;

use serde_json::Value;

use super::authorize_form::CODE_VERIFIER;
use super::browser::Landing;
use super::outcome::{Outcome, Tokens};
use super::{AuthorizeForm, Harness, TokenForm, block_on, client_form, token_form};
use crate::provider::{Authorize, Provider};
use crate::testing::Form;
use crate::wire::{Request, Response};

/// The redemption of a code that this authorization request was given, by its client.
///
/// # Panics
/// When the request names no client or redirect URI.
pub fn code_form(asked: &AuthorizeForm, code: &str) -> TokenForm {
    token_form("authorization_code")
        .client(asked.value("client_id").expect("the request names a client"))
        .set("redirect_uri", asked.value("redirect_uri").expect("the request names a redirect URI"))
        .set("code", code)
        .set("code_verifier", CODE_VERIFIER)
}

/// The use of a refresh token by `client_id`.
pub fn refresh_form(client_id: &str, refresh_token: &str) -> TokenForm {
    token_form("refresh_token").client(client_id).set("refresh_token", refresh_token)
}

impl Harness {
    /// Posts a form to the token endpoint.
    #[must_use]
    #[track_caller]
    pub fn redeem(&self, form: TokenForm) -> Outcome {
        let path = self.provider().config().paths.token.clone();
        self.exchange(self.post(&path, form), handle)
    }

    /// Lets `client_id` ask what a token is good for.
    #[must_use]
    #[track_caller]
    pub fn introspect(&self, client_id: &str, token: &str) -> Outcome {
        self.introspect_with(client_form(Form::new().set("token", token)).client(client_id))
    }

    /// Posts a form to the introspection endpoint.
    #[must_use]
    #[track_caller]
    pub fn introspect_with(&self, form: TokenForm) -> Outcome {
        let path = self.provider().config().paths.introspection.clone();
        self.exchange(self.post(&path, form), handle)
    }

    /// Lets `client_id` give a token back.
    #[must_use]
    #[track_caller]
    pub fn revoke(&self, client_id: &str, token: &str) -> Outcome {
        self.revoke_with(client_form(Form::new().set("token", token)).client(client_id))
    }

    /// Posts a form to the revocation endpoint.
    #[must_use]
    #[track_caller]
    pub fn revoke_with(&self, form: TokenForm) -> Outcome {
        let path = self.provider().config().paths.revocation.clone();
        self.exchange(self.post(&path, form), handle)
    }

    /// The tokens of a person who agrees to this request.
    #[track_caller]
    pub fn tokens(&self, asked: &AuthorizeForm, subject: &str) -> Tokens {
        let code = self.code(asked, subject);
        self.redeem(code_form(asked, &code)).issued()
    }

    /// Posts forms to the token endpoint, all at once, each from a thread of its own.
    ///
    /// # Panics
    /// When an answer is that of no token endpoint.
    #[must_use]
    pub fn redeem_at_once(&self, forms: Vec<TokenForm>) -> Vec<Response> {
        let path = self.provider().config().paths.token.clone();
        let requests: Vec<_> = forms.into_iter().map(|form| self.post(&path, form)).collect();
        let start = Barrier::new(requests.len());
        thread::scope(|scope| {
            let threads = requests.into_iter().map(|request| {
                let (provider, start) = (self.provider().clone(), &start);
                scope.spawn(move || {
                    start.wait();
                    block_on(handle(provider, request))
                })
            });
            let threads: Vec<_> = threads.collect();
            threads.into_iter().map(|thread| thread.join().expect("no endpoint panics")).collect()
        })
    }

    /// Whether introspection by `client_id` finds the token active.
    ///
    /// # Panics
    /// When introspection itself fails.
    #[must_use]
    #[track_caller]
    pub fn is_active(&self, client_id: &str, token: &str) -> bool {
        let body = self.introspect(client_id, token).json();
        let active = body["active"].as_bool().expect("introspection says whether the token is active");
        assert!(
            active || body == serde_json::json!({ "active": false }),
            "an inactive token is described: {body}"
        );
        active
    }
}

impl Tokens {
    /// The refresh token.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    #[track_caller]
    pub fn refresh_token(&self) -> &str {
        self.refresh_token.as_deref().expect("there is a refresh token")
    }

    /// The claims of the ID token, unverified.
    ///
    /// # Panics
    /// When there is none that can be read.
    #[must_use]
    #[track_caller]
    pub fn id_claims(&self) -> Value {
        jwt_claims(self.id_token.as_deref().expect("there is an ID token"))
    }

    /// The claims of an access token that is a JWT, unverified.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    #[track_caller]
    pub fn access_claims(&self) -> Value {
        jwt_claims(&self.access_token)
    }
}

impl Landing {
    /// The value of a parameter.
    ///
    /// # Panics
    /// When it is not there, or there twice.
    #[must_use]
    #[track_caller]
    pub fn value(&self, name: &str) -> &str {
        let value = self.params.one(name).expect("the parameter stands once");
        value.unwrap_or_else(|| panic!("there is no {name}: {self:?}"))
    }

    /// The claims of the ID token in the response, unverified.
    ///
    /// # Panics
    /// When there is none that can be read.
    #[must_use]
    #[track_caller]
    pub fn id_claims(&self) -> Value {
        jwt_claims(self.value("id_token"))
    }
}

#[track_caller]
fn jwt_claims(token: &str) -> Value {
    let jws = crate::jose::Jws::parse(token).expect("the token is a compact JWS");
    serde_json::from_slice(jws.unverified_payload()).expect("its payload is JSON")
}

/// Answers by path, as adapters do.
async fn handle(provider: Provider, request: Request) -> Response {
    match provider.handle(&request).await {
        Authorize::Respond(response) => response,
        Authorize::Interact { .. } | Authorize::LogOut | Authorize::VerifyDevice => {
            panic!("this endpoint needs nobody")
        }
    }
}
