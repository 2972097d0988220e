//! A request at the authorization endpoint.

use super::form::Form;

/// The `code_verifier` of every [`authorize_form`]: that of RFC 7636 appendix B.
pub const CODE_VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// Its `code_challenge`.
pub const CODE_CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The parameters of an authorization request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct AuthorizeForm(pub(super) Form);

/// A sound request of the client `web` for `scope=openid`, with `state`, `nonce` and a challenge.
pub fn authorize_form() -> AuthorizeForm {
    let form = Form::new()
        .set("response_type", "code")
        .set("scope", "openid")
        .set("state", "af0ifjsldkj")
        .set("nonce", "n-0S6_WzA2Mj")
        .set("code_challenge", CODE_CHALLENGE)
        .set("code_challenge_method", "S256");
    AuthorizeForm(form).client("web")
}

impl AuthorizeForm {
    /// Lets another client ask, for its own `https://<client_id>.example/cb`; `native` for `http://127.0.0.1/cb`.
    pub fn client(self, client_id: &str) -> Self {
        let redirect_uri = match client_id {
            "native" => "http://127.0.0.1/cb".to_owned(),
            other => format!("https://{other}.example/cb"),
        };
        self.set("client_id", client_id).set("redirect_uri", redirect_uri)
    }

    /// Sets a parameter, in place of whatever values it has.
    pub fn set(self, name: &str, value: impl Into<String>) -> Self {
        Self(self.0.set(name, value))
    }

    /// Adds a parameter once more.
    pub fn also(self, name: &str, value: impl Into<String>) -> Self {
        Self(self.0.also(name, value))
    }

    /// Takes a parameter out.
    pub fn without(self, name: &str) -> Self {
        Self(self.0.without(name))
    }

    /// The scope to ask for.
    pub fn scope(self, scope: &str) -> Self {
        self.set("scope", scope)
    }

    /// The `prompt` values.
    pub fn prompt(self, prompt: &str) -> Self {
        self.set("prompt", prompt)
    }

    /// The value of a parameter.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.value(name)
    }

    /// The parameters as `application/x-www-form-urlencoded` text.
    #[must_use]
    pub fn encode(&self) -> String {
        self.0.encode()
    }
}
