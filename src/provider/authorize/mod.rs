//! The authorization endpoint (RFC 6749 section 3.1, OpenID Connect Core 1.0 section 3.1.2).
//!
//! Between the request and the response stand the host's pages. [`open`] reads the request, [`next`] says what it
//! needs of the person or answers it, [`approve`] and [`deny`] carry the person's answer. Between two pages the
//! request is sealed into the browser and resumed from there.

mod approve;
mod browser;
mod challenge_reuse;
mod consent;
mod draft;
mod elsewhere;
mod encoder;
mod issued;
mod jarm;
mod needs;
mod pending;
mod pushed;
mod request;
mod request_object;
mod respond;
mod return_address;
mod rules;
mod sealed;

use std::fmt;

use http::{HeaderMap, HeaderValue, Method};

pub(super) use approve::asked_key;
pub use approve::{Approval, Denial, Refused};
pub(super) use browser::{Browser, cookie_name};
pub(super) use elsewhere::{AskedElsewhere, read_elsewhere};
pub(super) use encoder::Encoders;
pub use encoder::ResponseEncoder;
pub(super) use jarm::encoders as jarm_encoders;
pub use needs::{LoginNeed, MissingConsent, Needs};
pub use pending::{Answer, PendingAuthorization};
pub(super) use pushed::read_pushed;
pub use request::{AuthorizationRequest, HintedSubject};
pub(super) use request_object::{parameters as parameters_of_object, verified as verified_object};
pub(super) use respond::{by_get, show};
pub use return_address::ReturnAddress;
pub use rules::{Asked, AuthorizationRule};
pub(super) use rules::{bounded, locales, state};
pub use sealed::MAX_SEALED_BYTES;

use self::draft::{Draft, Settled};
use self::pending::State;
use self::request::Readers;
use self::respond::Failure;
use self::sealed::Opened;
use super::context::{Arrival, Context};
use super::core::Core;
use super::session_state::Watched;
use crate::error::{Error, Reason, Result};
use crate::event::{Endpoint, EventKind};
use crate::types::{Authentication, Params, Prompt, Scope};
use crate::wire::{self, Request, Response};

/// What became of a request at the authorization endpoint.
#[must_use]
#[non_exhaustive]
pub enum Authorize {
    /// It is sound: the host goes on with [`Provider::next`](super::Provider::next).
    Interact {
        /// The request.
        pending: PendingAuthorization,
        /// A `Set-Cookie` header that the response must carry, whatever that is. It ties the request to the
        /// browser, without it the request cannot be resumed.
        set_cookie: Option<HeaderValue>,
    },
    /// It came to the logout endpoint: the host goes on with [`Provider::logout`](super::Provider::logout), since it
    /// knows who is signed in. Never from [`Provider::authorize`](super::Provider::authorize).
    LogOut,
    /// It is answered.
    Respond(Response),
    /// It came to the page where people type the code of a device: the host goes on with
    /// [`Mount`](super::Mount), since it knows who is signed in. Never from
    /// [`Provider::authorize`](super::Provider::authorize).
    VerifyDevice,
}

/// What a pending request comes to.
#[must_use]
#[non_exhaustive]
pub enum Next {
    /// It needs the person.
    Ask(Needs, PendingAuthorization),
    /// It is answered.
    Respond(Response),
}

/// A sealed request that cannot be resumed.
#[non_exhaustive]
pub struct Unresumable {
    /// Why.
    pub reason: Reason,
    /// The answer to give: a page, or a response to the client where the request has become one that it may not make.
    pub response: Response,
}

/// Prints neither the cookie nor more of a response than its status: it can carry a code.
impl fmt::Debug for Authorize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interact { pending, .. } => {
                f.debug_struct("Interact").field("pending", pending).finish_non_exhaustive()
            }
            Self::LogOut => f.write_str("LogOut"),
            Self::Respond(response) => f.debug_tuple("Respond").field(&response.status()).finish(),
            Self::VerifyDevice => f.write_str("VerifyDevice"),
        }
    }
}

/// Prints no more of a response than its status: it can carry a code.
impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ask(needs, pending) => f.debug_tuple("Ask").field(needs).field(pending).finish(),
            Self::Respond(response) => f.debug_tuple("Respond").field(&response.status()).finish(),
        }
    }
}

/// Prints no more of the response than its status: it repeats the client's `state`.
impl fmt::Debug for Unresumable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.response.status();
        f.debug_struct("Unresumable").field("reason", &self.reason).field("status", &status).finish()
    }
}

/// Reads a request that arrives.
pub(super) async fn open(core: &Core, request: &Request) -> Authorize {
    let arrival = Arrival::at(Endpoint::Authorization, core);
    let cx = arrival.context();
    match begin(core, &cx, request).await {
        Ok(authorize) => authorize,
        Err(failure) => Authorize::Respond(failure.answer_before_login(core, &cx).await),
    }
}

async fn begin(core: &Core, cx: &Context<'_>, request: &Request) -> Result<Authorize, Failure> {
    let sent = wire::query_or_form(request)?;
    let posted = (request.method() == Method::POST).then(|| core.counting(&sent));
    let watched = Watched::met(core, cx, (request.method(), request.headers()));
    let draft = draft::assemble(core, cx, sent, watched).await?;
    let (back, asked, params) = read(core, cx, &draft).await?;
    let silent = asked.prompt.contains(Prompt::None);
    if !silent
        && let Some(posted) = posted
        && Browser::known(cx, request.headers()).is_none()
    {
        let by_get = respond::by_get(cx, &cx.config.paths.authorization, &posted);
        let too_large = || Failure::Return(Box::new(back), Reason::PostedTooLarge.into());
        return by_get.map(Authorize::Respond).ok_or_else(too_large);
    }
    let (browser, set_cookie) = Browser::met(cx, request.headers())?;
    // Where nothing may be shown, nothing is resumed (attack 36).
    let set_cookie = set_cookie.filter(|_| !silent);
    let pending = PendingAuthorization::new(State {
        client: draft.client,
        request: asked,
        back,
        params,
        requested_at: cx.now,
        expires_at: cx.now.plus(cx.config.pending_lifetime),
        browser,
        created: false,
        selected: false,
        consent: None,
        asked: None,
        acr_missed: None,
        pushed: draft.pushed,
        ticket: None,
    });
    sealed::check_size(core, &pending).map_err(|error| pending.failed(error))?;
    Ok(Authorize::Interact { pending, set_cookie })
}

/// What every request goes through, whether it arrives or is resumed: the address is matched first, and only then is
/// there a place to which an error could be returned. Also gives the parameters to read it from again.
async fn read(
    core: &Core,
    cx: &Context<'_>,
    draft: &Draft,
) -> Result<(ReturnAddress, AuthorizationRequest, Params), Failure> {
    cx.note_client(&draft.client);
    if core.config.requirements.redirect_uri && !draft.has("redirect_uri") {
        return Err(Reason::RedirectUriMissing.into());
    }
    let back = ReturnAddress::registered(&core.encoders, draft)?;
    if core.config.requirements.https_redirect_uris && !back.redirect_uri().is_https() {
        return Err(Reason::RedirectUriInsecure.into());
    }
    back.encoder().check(cx, &draft.client).await?;
    let returned = |error: Error| Failure::Return(Box::new(back.clone()), error);
    let request =
        AuthorizationRequest::parse(&readers(core), draft).map_err(|reason| returned(reason.into()))?;
    // Noticed at the token endpoint, it would cost the code, every time.
    if request.scope.contains(Scope::OPENID) {
        core.check_answers(&draft.client).map_err(|reason| returned(reason.into()))?;
        core.recipients().check(cx, &draft.client).await.map_err(returned)?;
    }
    // A rule sees the same whether the request arrives or is resumed.
    let params = core.worth_keeping(&draft.params);
    for rule in &core.rules {
        let asked = Asked { client: &draft.client, request: &request, params: &params };
        rule.check(cx, &asked).await.map_err(returned)?;
    }
    Ok((back, request, params))
}

fn readers(core: &Core) -> Readers<'_> {
    Readers {
        config: &core.config,
        policy: &*core.policy,
        details: &core.details,
        hints: &core.hints,
        encoders: &core.encoders,
        response_types: &core.response_types,
        refresh_tokens: core.issues_refresh_tokens(),
        account_creation: core.switches.account_creation,
        dpop: core.dpop.is_some(),
    }
}

/// Says what a pending request needs, or answers it.
pub(super) async fn next(core: &Core, pending: PendingAuthorization, login: Option<&Authentication>) -> Next {
    let arrival = Arrival::at(Endpoint::Authorization, core);
    let cx = arrival.context();
    cx.note_client(pending.client());
    // `prompt=none` is answered whoever asks: that is what it is for (OpenID Connect Core 1.0 section 3.1.2.6), and RFC
    // 9700 section 4.11.2 excepts it.
    let unseen = login.is_none() && !pending.request().prompt.contains(Prompt::None);
    match step(core, &cx, pending, login).await {
        Ok(next) => next,
        Err(failure) if unseen => Next::Respond(failure.answer_before_login(core, &cx).await),
        Err(failure) => Next::Respond(failure.answer(core, &cx).await),
    }
}

async fn step(
    core: &Core,
    cx: &Context<'_>,
    mut pending: PendingAuthorization,
    login: Option<&Authentication>,
) -> Result<Next, Failure> {
    if pending.expires_at().has_passed(cx.now) {
        return Err(Reason::PendingExpired.into());
    }
    pending.note_login(cx, login);
    let silent = pending.request().prompt.contains(Prompt::None);
    if silent && needs::is_hinted_in_vain(pending.request()) {
        return Err(pending.failed(Reason::IdTokenHintInvalid));
    }
    let (agreed, known) = consent::agreed(cx, &*core.stores.consents, &pending, login)
        .await
        .map_err(|error| pending.failed(error))?;
    match (needs::weigh(cx, &pending, login, &agreed), login) {
        (None, Some(login)) => {
            let approval = Approval::new(login.clone(), pending.request().scope.clone());
            let response = approve::carry_out(core, cx, &pending, approval).await;
            response.map(Next::Respond).map_err(|error| pending.failed(error))
        }
        (Some(needs), _) if silent => Err(pending.failed(needs.reason())),
        (Some(needs @ Needs::Login(LoginNeed::Acr)), Some(login))
            if pending.misses_acr_again(login.auth_time) =>
        {
            Err(pending.failed(needs.reason()))
        }
        (needs, login) => {
            let of_consent = login.filter(|_| matches!(needs, Some(Needs::Consent(_))));
            pending.note_asked(of_consent.map(|login| approve::asked_key(cx, &login.subject)));
            if let Some(login) = login {
                pending.note_consent(&login.subject, known);
            }
            Ok(Next::Ask(needs.unwrap_or(Needs::Login(LoginNeed::Absent)), pending))
        }
    }
}

/// Takes the person's yes.
pub(super) async fn approve(
    core: &Core,
    mut pending: PendingAuthorization,
    approval: Approval,
) -> Result<Response, Refused> {
    let arrival = Arrival::at(Endpoint::Authorization, core);
    let cx = arrival.context();
    cx.note_client(pending.client());
    if let Err((reason, needs)) = approve::weigh(&cx, &pending, &approval) {
        cx.emit(&cx.event(EventKind::Refused(reason)));
        return Err(Refused { reason, needs, pending });
    }
    pending.note_login(&cx, Some(approval.authentication()));
    match approve::carry_out(core, &cx, &pending, approval).await {
        Ok(response) => Ok(response),
        Err(error) => Ok(pending.failed(error).answer(core, &cx).await),
    }
}

/// Takes the person's no, or the host's.
pub(super) async fn deny(core: &Core, pending: &PendingAuthorization, denial: Denial) -> Response {
    let arrival = Arrival::at(Endpoint::Authorization, core);
    let cx = arrival.context();
    cx.note_client(pending.client());
    pending.failed(denial.reason()).answer(core, &cx).await
}

/// Seals a pending request, so that the browser can carry it to the next page.
pub(super) async fn seal(core: &Core, pending: &PendingAuthorization) -> Result<String> {
    let arrival = Arrival::at(Endpoint::Authorization, core);
    sealed::seal(core, &arrival.context(), pending).await
}

/// Reads a sealed request anew, in the browser that began it.
pub(super) async fn resume(
    core: &Core,
    sealed: &str,
    by: (&Method, &HeaderMap),
) -> Result<PendingAuthorization, Unresumable> {
    let arrival = Arrival::at(Endpoint::Authorization, core);
    let cx = arrival.context();
    match reopen(core, &cx, sealed, by).await {
        Ok(pending) => Ok(pending),
        Err(failure) => {
            let reason = failure.reason();
            Err(Unresumable { reason, response: failure.answer_before_login(core, &cx).await })
        }
    }
}

async fn reopen(
    core: &Core,
    cx: &Context<'_>,
    sealed: &str,
    (method, headers): (&Method, &HeaderMap),
) -> Result<PendingAuthorization, Failure> {
    let Opened { body, progress, ticket } = sealed::open(core, cx, sealed).await?;
    let known = Browser::known(cx, headers).filter(|browser| browser.is(&body.browser));
    let browser = known.ok_or(match *method {
        Method::POST => Reason::PendingForgedForm,
        _ => Reason::PendingForeignBrowser,
    })?;
    let params = Params::from_pairs(body.params);
    let settled = Settled { scope: body.scope.clone(), hint: body.hint };
    let draft = draft::again(&*core.stores.clients, params, Some(settled), cx.now).await?;
    let pushed = body.pushed;
    let draft = Draft { watched: Watched::met(core, cx, (method, headers)), ..draft };
    let (back, request, params) = read(core, cx, &draft).await?;
    // What was shown on a page is what is agreed to there, also where a type of details has changed since.
    if body.details != sealed::shown(&request) {
        return Err(Reason::PendingUnreadable.into());
    }
    // A ticket that holds a wider scope than is shown from here on would give it back later (attack 51).
    let ticket = ticket.filter(|_| request.scope == body.scope);
    Ok(PendingAuthorization::new(State {
        client: draft.client,
        request,
        back,
        params,
        requested_at: body.requested_at,
        expires_at: body.expires_at,
        browser,
        created: progress.created,
        selected: progress.selected,
        consent: progress.consent,
        asked: progress.asked,
        acr_missed: progress.acr_missed,
        pushed,
        ticket,
    }))
}

impl Core {
    /// The parameters that must be kept to read a request again.
    fn worth_keeping(&self, params: &Params) -> Params {
        request::worth_keeping(params, &self.of_rules())
    }

    /// The parameters that count when a request arrives: what nobody reads does not make it longer.
    fn counting(&self, params: &Params) -> Params {
        let of_rules = self.of_rules();
        let counts = |name: &str| request::is_read(name) || of_rules.contains(&name);
        Params::from_pairs(params.iter().filter(|(name, _)| counts(name)))
    }

    fn of_rules(&self) -> Vec<&str> {
        self.rules.iter().flat_map(|rule| rule.parameters()).copied().collect()
    }
}
