//! A logout, page by page, and the host in whose browser it happens.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};

use super::outcome::Outcome;
use super::{Form, Harness};
use crate::error::BoxError;
use crate::provider::{Denial, DeviceQuestion, Interaction, Mount, Question};
use crate::types::Authentication;
use crate::wire::{Request, Response};

/// A host that knows one browser, in which at most one person is signed in until they sign out.
#[derive(Debug, Default)]
pub struct OneLogin {
    login: Mutex<Option<Authentication>>,
    broken: bool,
}

impl OneLogin {
    /// `login` is signed in.
    #[must_use]
    pub fn of(login: Authentication) -> Arc<Self> {
        Arc::new(Self { login: Mutex::new(Some(login)), broken: false })
    }

    /// Nobody is signed in.
    #[must_use]
    pub fn nobody() -> Arc<Self> {
        Arc::default()
    }

    /// `login` is signed in, and the host cannot end that.
    #[must_use]
    pub fn stuck(login: Authentication) -> Arc<Self> {
        Arc::new(Self { login: Mutex::new(Some(login)), broken: true })
    }

    /// Somebody else signs in in its place.
    pub fn change(&self, login: Authentication) {
        *self.state() = Some(login);
    }

    /// Who is signed in.
    #[must_use]
    pub fn login(&self) -> Option<Authentication> {
        self.state().clone()
    }

    fn state(&self) -> MutexGuard<'_, Option<Authentication>> {
        self.login.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Interaction for OneLogin {
    async fn authentication(&self, _: &Request) -> Result<Option<Authentication>, BoxError> {
        Ok(self.login())
    }

    async fn ask(&self, question: Question<'_>) -> Result<Response, BoxError> {
        Ok(question.deny(Denial::Host).await)
    }

    /// Signs in at `/login`; everything else is on the plain pages.
    async fn verify_device(&self, question: DeviceQuestion<'_>) -> Result<Response, BoxError> {
        let shown = question.redirect("/login").or_else(|| question.page());
        shown.ok_or_else(|| "there is nothing to show".into())
    }

    async fn sign_out(&self, _: &Request) -> Result<Vec<HeaderValue>, BoxError> {
        if self.broken {
            return Err("the sessions cannot be reached".into());
        }
        *self.state() = None;
        Ok(vec![HeaderValue::from_static("host_session=; Max-Age=0")])
    }
}

impl Harness {
    /// Opens the logout endpoint by GET, in the harness's browser, at this host.
    #[track_caller]
    pub fn log_out(&self, form: &Form, host: &Arc<OneLogin>) -> Outcome {
        self.at_logout(Method::GET, form, host)
    }

    /// Posts the form to the logout endpoint, in the harness's browser.
    #[track_caller]
    pub fn log_out_by_post(&self, form: &Form, host: &Arc<OneLogin>) -> Outcome {
        self.at_logout(Method::POST, form, host)
    }

    /// Presses the button of a page that asks whether to sign out.
    ///
    /// # Panics
    /// When it is no such page.
    #[track_caller]
    pub fn confirm_logout(&self, asked: &Outcome, host: &Arc<OneLogin>) -> Outcome {
        let landing = asked.landing();
        let config = self.provider().config();
        assert_eq!(
            landing.uri,
            config.issuer.endpoint(&config.paths.end_session),
            "the form is posted to us"
        );
        self.log_out_by_post(&landing.params.iter().collect(), host)
    }

    #[track_caller]
    fn at_logout(&self, method: Method, form: &Form, host: &Arc<OneLogin>) -> Outcome {
        let config = self.provider().config();
        let endpoint = config.issuer.endpoint(&config.paths.end_session);
        let (uri, body) = match method {
            Method::GET => (format!("{endpoint}?{}", form.encode()), String::new()),
            _ => (endpoint, form.encode()),
        };
        let mut request = http::Request::builder()
            .method(method)
            .uri(uri)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(body))
            .expect("a form can stand in a URI");
        self.browser().send_cookies(&mut request);
        let host: Arc<OneLogin> = Arc::clone(host);
        let outcome = self.exchange(request, |provider, request| async move {
            Mount::new(provider, host).answer(&request).await
        });
        self.browser().receive_cookies(&outcome.response);
        outcome
    }
}
