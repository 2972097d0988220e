//! Requests that are pushed.

use super::{AuthorizeForm, Harness, Outcome, TokenForm, client_form};

impl AuthorizeForm {
    /// The request as its client pushes it, with the credentials of its registered method.
    ///
    /// # Panics
    /// When the request names no client.
    pub fn to_push(&self) -> TokenForm {
        let client_id = self.value("client_id").expect("the request names a client").to_owned();
        client_form(self.0.clone()).client(&client_id)
    }
}

impl Harness {
    /// Pushes what a client sends.
    #[track_caller]
    pub fn push(&self, form: TokenForm) -> Outcome {
        self.answer(self.post(&self.provider().config().paths.pushed_authorization, form))
    }

    /// Pushes a request and gives its `request_uri`.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    #[track_caller]
    pub fn pushed(&self, form: &AuthorizeForm) -> String {
        let body = self.push(form.to_push()).accepted().json();
        body["request_uri"].as_str().expect("the answer has a request_uri").to_owned()
    }
}
