//! A request at the token endpoint, and at the others where clients authenticate.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::form::Form;
use crate::wire::ClientCertificate;

/// A form, and who sends it. The [`Harness`](super::Harness) adds the credentials of the client's own method.
#[derive(Clone, Debug)]
#[must_use]
pub struct TokenForm {
    pub(super) client: Option<String>,
    pub(super) form: Form,
    pub(super) headers: Vec<(String, String)>,
    pub(super) certificate: Option<ClientCertificate>,
}

/// A token request of this grant type, sent by the client `web`.
pub fn token_form(grant_type: &str) -> TokenForm {
    client_form(Form::new().set("grant_type", grant_type))
}

/// A form with no parameter, sent by the client `web`.
pub fn client_form(form: Form) -> TokenForm {
    TokenForm { client: Some("web".to_owned()), form, headers: Vec::new(), certificate: None }
}

impl TokenForm {
    /// Lets another client send it, with the credentials of its registered method.
    pub fn client(mut self, client_id: &str) -> Self {
        self.client = Some(client_id.to_owned());
        self
    }

    /// Sends no credentials but those that are set by hand.
    pub fn unauthenticated(mut self) -> Self {
        self.client = None;
        self
    }

    /// Sends these `Basic` credentials instead, as they are.
    pub fn basic(self, client_id: &str, secret: &str) -> Self {
        let encoded = BASE64_STANDARD.encode(format!("{client_id}:{secret}"));
        self.unauthenticated().header("authorization", format!("Basic {encoded}"))
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Sends it over a connection with this certificate.
    pub fn certificate(mut self, certificate: ClientCertificate) -> Self {
        self.certificate = Some(certificate);
        self
    }

    /// Sets a parameter, in place of whatever values it has.
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.form = self.form.set(name, value);
        self
    }

    /// Adds a parameter once more.
    pub fn also(mut self, name: &str, value: impl Into<String>) -> Self {
        self.form = self.form.also(name, value);
        self
    }

    /// Takes a parameter out.
    pub fn without(mut self, name: &str) -> Self {
        self.form = self.form.without(name);
        self
    }

    /// The scope to ask for.
    pub fn scope(self, scope: &str) -> Self {
        self.set("scope", scope)
    }
}
