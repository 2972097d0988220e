//! Devices that wait, and the page where a person answers.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use http::header::CONTENT_TYPE;
use serde_json::Value;

use super::outcome::Outcome;
use super::{Form, Harness, OneLogin, TokenForm, client_form, token_form};
use crate::provider::Mount;

/// A device that waits for its person.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WaitingDevice {
    /// Its client.
    pub client: String,
    /// `device_code`.
    pub device_code: String,
    /// `user_code`.
    pub user_code: String,
    /// The whole answer.
    pub body: Value,
}

/// What the device of this client sends to begin with.
pub fn device_form(client_id: &str, scope: &str) -> TokenForm {
    client_form(Form::new().set("scope", scope)).client(client_id)
}

impl WaitingDevice {
    /// What it polls with.
    pub fn form(&self) -> TokenForm {
        token_form("urn:ietf:params:oauth:grant-type:device_code")
            .client(&self.client)
            .set("device_code", &self.device_code)
    }
}

impl Harness {
    /// Posts a form to the device authorization endpoint.
    #[track_caller]
    pub fn begin_device(&self, form: TokenForm) -> Outcome {
        self.answer(self.post(&self.provider().config().paths.device_authorization, form))
    }

    /// Lets the device of a client wait.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    #[track_caller]
    pub fn device(&self, client_id: &str, scope: &str) -> WaitingDevice {
        let body = self.begin_device(device_form(client_id, scope)).accepted().json();
        let text = |name: &str| body[name].as_str().expect("the answer has both codes").to_owned();
        WaitingDevice {
            client: client_id.to_owned(),
            device_code: text("device_code"),
            user_code: text("user_code"),
            body,
        }
    }

    /// Opens the page for devices, with this query, in the harness's browser, at this host.
    #[track_caller]
    pub fn open_device_page(&self, query: &Form, host: &Arc<OneLogin>) -> Outcome {
        self.at_device_page(Method::GET, query, host)
    }

    /// Posts a form to the page for devices.
    #[track_caller]
    pub fn post_device_page(&self, form: &Form, host: &Arc<OneLogin>) -> Outcome {
        self.at_device_page(Method::POST, form, host)
    }

    /// Presses the button of the page that was shown, with this field filled in.
    ///
    /// # Panics
    /// When the page has no form of ours.
    #[track_caller]
    pub fn press(&self, shown: &Outcome, (field, value): (&str, &str), host: &Arc<OneLogin>) -> Outcome {
        let landing = shown.landing();
        let config = self.provider().config();
        let page = config.issuer.endpoint(&config.paths.device_verification);
        assert_eq!(landing.uri, page, "the form is posted to us");
        let form: Form = landing.params.iter().collect();
        self.post_device_page(&form.set(field, value), host)
    }

    /// Types a code into a fresh page.
    #[track_caller]
    pub fn type_code(&self, user_code: &str, host: &Arc<OneLogin>) -> Outcome {
        let page = self.open_device_page(&Form::new(), host);
        self.press(&page, ("user_code", user_code), host)
    }

    /// Lets the person of `host` type the code of a device and say `answer` to it.
    ///
    /// # Panics
    /// When the page does not take it.
    #[track_caller]
    pub fn answer_device(&self, device: &WaitingDevice, answer: &str, host: &Arc<OneLogin>) {
        let asked = self.type_code(&device.user_code, host).accepted();
        let done = self.press(&asked, ("answer", answer), host);
        assert!(done.response.status().is_success(), "{:?}", done.response);
    }

    #[track_caller]
    fn at_device_page(&self, method: Method, form: &Form, host: &Arc<OneLogin>) -> Outcome {
        let config = self.provider().config();
        let page = config.issuer.endpoint(&config.paths.device_verification);
        let (uri, body) = match method {
            Method::GET => (format!("{page}?{}", form.encode()), String::new()),
            _ => (page, form.encode()),
        };
        let mut request = http::Request::builder()
            .method(method)
            .uri(uri)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(body))
            .expect("a form can stand in a URI");
        self.browser().send_cookies(&mut request);
        let host = Arc::clone(host);
        let outcome = self.exchange(request, |provider, request| async move {
            Mount::new(provider, host).answer(&request).await
        });
        self.browser().receive_cookies(&outcome.response);
        outcome
    }
}
