//! The endpoints and the host's part of a sign-in behind one function: what frameworks mount.

mod device;

use std::fmt::{self, Debug};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue, Method};

use super::{
    Approval, Authorize, Denial, LoggedOut, Logout, Needs, Next, PendingAuthorization, PendingLogout,
};
use super::{Provider, Refused, Unresumable};
use super::{route, scope};
use crate::error::{BoxError, Reason};
use crate::event::Endpoint;
use crate::types::Authentication;
use crate::wire::{Request, Response, reply};

pub use device::{DeviceAnswer, DeviceQuestion, DeviceStep};

/// The host's part of a sign-in: it knows who is signed in, and it has the pages that ask.
#[async_trait]
pub trait Interaction: Debug + Send + Sync {
    /// Who is signed in in the browser that sent `request`; `None` when nobody is.
    ///
    /// It is asked about requests to the authorization endpoint, which any site can make a browser send: it must
    /// only look.
    ///
    /// # Errors
    /// Any error is told to the client as `temporarily_unavailable`.
    async fn authentication(&self, request: &Request) -> Result<Option<Authentication>, BoxError>;

    /// Asks the person for what is missing: mostly by [`Question::redirect`] to a page of the host.
    ///
    /// Whatever is answered, it is given the headers of [`security_headers`](crate::wire::reply::security_headers)
    /// (attack 47). A host that cannot ask answers [`Question::deny`].
    ///
    /// # Errors
    /// Any error is told to the client as `temporarily_unavailable`.
    async fn ask(&self, question: Question<'_>) -> Result<Response, BoxError>;

    /// Asks the person whether to sign out. Default: a plain page.
    ///
    /// A page of the host's own posts [`LogoutQuestion::sealed`] as `confirmation` to the logout endpoint. Whatever is
    /// answered, it is given the headers of [`security_headers`](crate::wire::reply::security_headers).
    ///
    /// # Errors
    /// Any error is shown as a 503.
    async fn confirm_logout(&self, question: LogoutQuestion<'_>) -> Result<Response, BoxError> {
        Ok(question.page())
    }

    /// Ends the login session of the browser that sent `request`, and gives the `Set-Cookie` headers that take it out
    /// of the browser. What hangs on the session has ended before. It is asked only where the logout endpoint is turned
    /// on, and answers by an error until a host has implemented it.
    ///
    /// # Errors
    /// Any error is shown as a 503, and the person is taken to be still signed in.
    async fn sign_out(&self, _request: &Request) -> Result<Vec<HeaderValue>, BoxError> {
        Err("this host cannot end sessions".into())
    }

    /// Shows a person who came for a device what is next: a sign-in, a field for the code, a question, or that it is done
    /// (RFC 8628 section 3.3). Default: plain pages, and an error where somebody has to sign in, until a host answers that
    /// by [`DeviceQuestion::redirect`] to its own page.
    ///
    /// Whatever is answered, it is given the headers of [`security_headers`](crate::wire::reply::security_headers).
    ///
    /// # Errors
    /// Any error is shown as a 503.
    async fn verify_device(&self, question: DeviceQuestion<'_>) -> Result<Response, BoxError> {
        question.page().ok_or_else(|| "this host has no page to sign in for a device".into())
    }

    /// What whoever sent `request` is counted by where codes of devices are typed, beside the person: their address, say.
    /// The limiter is asked for each ([`LimitPoint::UserCode`](crate::limiter::LimitPoint::UserCode)). Default: nothing.
    fn counted_by(&self, _request: &Request) -> Vec<String> {
        Vec::new()
    }

    /// The page after a logout from which no client takes the browser on. Default: a plain page headed "You are signed
    /// out".
    ///
    /// # Errors
    /// Any error shows the plain page.
    async fn logged_out(&self) -> Result<Response, BoxError> {
        Ok(reply::signed_out_page())
    }
}

/// A logout that the person is asked about.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct LogoutQuestion<'a> {
    /// What is asked for, and by whom.
    pub pending: &'a PendingLogout,
    /// The field `confirmation` of the form: base64url of at most
    /// [`MAX_SEALED_LOGOUT_BYTES`](super::MAX_SEALED_LOGOUT_BYTES) characters.
    pub sealed: &'a str,
    /// The request, by which the host knows its browser.
    pub request: &'a Request,
    action: &'a str,
}

impl LogoutQuestion<'_> {
    /// Where the form is posted to: the logout endpoint.
    #[must_use]
    pub const fn action(&self) -> &str {
        self.action
    }

    /// A plain page with the form.
    #[must_use]
    pub fn page(&self) -> Response {
        reply::sign_out_page(self.action, self.sealed)
    }
}

/// Leaves out the sealed logout and the request.
impl fmt::Debug for LogoutQuestion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogoutQuestion").field("pending", self.pending).finish_non_exhaustive()
    }
}

/// A pending request that needs the person.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Question<'a> {
    /// What it needs first.
    pub needs: &'a Needs,
    /// The request.
    pub pending: &'a PendingAuthorization,
    /// The request, sealed for [`Mount::resume`]: base64url of at most
    /// [`MAX_SEALED_BYTES`](super::MAX_SEALED_BYTES) characters.
    pub sealed: &'a str,
    provider: &'a Provider,
}

impl Question<'_> {
    /// Sends the browser to a page of the host, with the sealed request in the parameter `request`.
    ///
    /// `page` is a path of the host or an absolute URL, without a query and a fragment.
    #[must_use]
    pub fn redirect(&self, page: &str) -> Response {
        reply::redirect(&format!("{page}?request={}", self.sealed))
    }

    /// Does not ask: the client is told.
    pub async fn deny(&self, denial: Denial) -> Response {
        self.provider.deny(self.pending, denial).await
    }
}

/// Leaves out the sealed request.
impl fmt::Debug for Question<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { needs, pending, .. } = self;
        f.debug_struct("Question").field("needs", needs).field("pending", pending).finish_non_exhaustive()
    }
}

/// A provider with the host's part of its sign-in. It is cheap to clone.
///
/// [`Mount::answer`] answers whatever arrives at [`Provider::paths`]. When a person is needed, [`Interaction::ask`]
/// leads to the host's pages, and these come back to [`resume`](Mount::resume) with the sealed request, then to
/// [`proceed`](Mount::proceed) once somebody has signed in, or to [`approve`](Mount::approve) or
/// [`deny`](Mount::deny) with the person's answer.
///
/// # Security
/// A sealed request opens only with the cookie of the browser that began it. A form of the host that posts it back
/// in a hidden field is therefore protected against forgery (RFC 6819 section 4.4.1.8, attack 50) as long as the
/// host resumes it before it does anything else.
#[derive(Clone, Debug)]
pub struct Mount {
    provider: Provider,
    interaction: Arc<dyn Interaction>,
}

impl Mount {
    /// Puts both together.
    #[must_use]
    pub fn new(provider: Provider, interaction: Arc<dyn Interaction>) -> Self {
        Self { provider, interaction }
    }

    /// A provider that serves machines alone. Should a person come to its authorization endpoint, the client is told
    /// `temporarily_unavailable`.
    #[must_use]
    pub fn headless(provider: Provider) -> Self {
        Self::new(provider, Arc::new(Headless))
    }

    /// The provider.
    #[must_use]
    pub const fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Answers a request to any of the provider's paths; every other path is a 404.
    ///
    /// A panic of the host's part becomes a 500 and an event, like one below (attack 332).
    pub async fn answer(&self, request: &Request) -> Response {
        let core = &*self.provider.0;
        let endpoint = route::endpoint_of(core, request);
        scope::caught(core, endpoint, self.handle(endpoint, request), || route::panicked(core, endpoint))
            .await
    }

    /// Reads the sealed request that a page of the host was given; `method` and `headers` are those of the request for
    /// that page.
    ///
    /// # Errors
    /// The response to give instead: the text was altered, its time is over, the browser is another (a 403 where it
    /// posts), or the client may no longer ask for this.
    pub async fn resume(
        &self,
        sealed: &str,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<PendingAuthorization, Response> {
        let resumed = self.provider.resume(sealed, method, headers);
        match AssertUnwindSafe(resumed).catch_unwind().await {
            Ok(resumed) => resumed.map_err(|Unresumable { response, .. }| response),
            Err(_) => Err(self.panicked()),
        }
    }

    /// Goes on with a request, now that `login` is signed in: answers it, or asks for what is still missing.
    pub async fn proceed(&self, pending: PendingAuthorization, login: Option<&Authentication>) -> Response {
        let next = async {
            match self.provider.next(pending, login).await {
                Next::Ask(needs, pending) => {
                    let mut response = self.ask(&needs, &pending).await;
                    self.tell_of(login, &mut response);
                    response
                }
                Next::Respond(response) => response,
            }
        };
        self.caught(next).await
    }

    /// A panic below becomes a 500 and an event here too: these are called by handlers of the host (attack 332).
    async fn caught(&self, work: impl Future<Output = Response>) -> Response {
        AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| self.panicked())
    }

    fn panicked(&self) -> Response {
        route::panicked(&self.provider.0, Endpoint::Authorization)
    }

    /// Tells clients that watch the browser who is signed in, unless the response does so already.
    fn tell_of(&self, login: Option<&Authentication>, response: &mut Response) {
        let Some(login) = login else { return };
        let Ok(Some(cookie)) = self.provider.login_state_cookie(Some(login)) else { return };
        if !response.headers().get_all(SET_COOKIE).iter().any(|there| there == cookie) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }

    /// Carries out the person's yes. If it does not meet the request, asks for what is missing first.
    pub async fn approve(&self, pending: PendingAuthorization, approval: Approval) -> Response {
        let approved = async {
            match self.provider.approve(pending, approval).await {
                Ok(response) => response,
                Err(Refused { needs: Some(needs), pending, .. }) => self.ask(&needs, &pending).await,
                Err(Refused { reason, .. }) => self.provider.refusal_page(reason),
            }
        };
        self.caught(approved).await
    }

    /// Carries out the person's no, or the host's: the response that tells the client.
    pub async fn deny(&self, pending: &PendingAuthorization, denial: Denial) -> Response {
        self.caught(self.provider.deny(pending, denial)).await
    }

    async fn handle(&self, endpoint: Endpoint, request: &Request) -> Response {
        match route::dispatch(&self.provider.0, endpoint, request).await {
            // Boxed, since most requests need nobody.
            Authorize::Interact { pending, set_cookie } => {
                Box::pin(self.interact(request, pending, set_cookie)).await
            }
            Authorize::LogOut => Box::pin(self.log_out(request)).await,
            Authorize::Respond(response) => response,
            Authorize::VerifyDevice => Box::pin(self.verify_device(request)).await,
        }
    }

    async fn log_out(&self, request: &Request) -> Response {
        let Ok(login) = self.interaction.authentication(request).await else {
            return self.unavailable();
        };
        match self.provider.logout(request, login.as_ref()).await {
            Logout::Confirm { pending, set_cookie } => {
                let mut response = self.confirm_logout(request, &pending).await;
                response.headers_mut().extend(set_cookie.map(|cookie| (SET_COOKIE, cookie)));
                response
            }
            Logout::End(pending) => self.carry_out_logout(request, &pending).await,
            Logout::Over(ended) => self.logged_out(&ended).await,
            Logout::Respond(response) => response,
        }
    }

    async fn confirm_logout(&self, request: &Request, pending: &PendingLogout) -> Response {
        let Ok(sealed) = self.provider.seal_logout(pending) else { return self.unavailable() };
        let config = self.provider.config();
        let action = config.issuer.endpoint(&config.paths.end_session);
        let question = LogoutQuestion { pending, sealed: &sealed, request, action: &action };
        match self.interaction.confirm_logout(question).await {
            Ok(mut response) => {
                reply::security_headers(response.headers_mut());
                response
            }
            Err(_) => self.unavailable(),
        }
    }

    async fn carry_out_logout(&self, request: &Request, pending: &PendingLogout) -> Response {
        let ended = match self.provider.carry_out_logout(pending).await {
            Ok(ended) => ended,
            Err(error) => return self.provider.refusal_page(error.reason()),
        };
        let Ok(cookies) = self.interaction.sign_out(request).await else {
            return self.unavailable();
        };
        let mut response = self.logged_out(&ended).await;
        response.headers_mut().extend(cookies.into_iter().map(|cookie| (SET_COOKIE, cookie)));
        response
    }

    async fn logged_out(&self, ended: &LoggedOut) -> Response {
        if ended.leads_on() {
            return ended.response();
        }
        match self.interaction.logged_out().await {
            Ok(mut response) => {
                reply::security_headers(response.headers_mut());
                response.headers_mut().extend(ended.set_cookie().cloned().map(|cookie| (SET_COOKIE, cookie)));
                response
            }
            Err(_) => ended.response(),
        }
    }

    /// The host cannot do its part of a logout now.
    fn unavailable(&self) -> Response {
        route::refuse(&self.provider.0, Endpoint::EndSession, Reason::HostUnavailable)
    }

    async fn interact(
        &self,
        request: &Request,
        pending: PendingAuthorization,
        set_cookie: Option<HeaderValue>,
    ) -> Response {
        let mut response = match self.interaction.authentication(request).await {
            Ok(login) => self.proceed(pending, login.as_ref()).await,
            Err(_) => self.deny(&pending, Denial::Unavailable).await,
        };
        if let Some(cookie) = set_cookie {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }

    async fn ask(&self, needs: &Needs, pending: &PendingAuthorization) -> Response {
        let Ok(sealed) = self.provider.seal(pending).await else {
            return self.deny(pending, Denial::Unavailable).await;
        };
        let question = Question { needs, pending, sealed: &sealed, provider: &self.provider };
        match self.interaction.ask(question).await {
            Ok(mut response) => {
                reply::security_headers(response.headers_mut());
                response
            }
            Err(_) => self.deny(pending, Denial::Unavailable).await,
        }
    }
}

/// Knows nobody and asks nobody.
#[derive(Debug)]
struct Headless;

#[async_trait]
impl Interaction for Headless {
    async fn authentication(&self, _: &Request) -> Result<Option<Authentication>, BoxError> {
        Ok(None)
    }

    async fn ask(&self, question: Question<'_>) -> Result<Response, BoxError> {
        Ok(question.deny(Denial::Unavailable).await)
    }
}

const _: fn(&dyn Interaction) = |_| ();
