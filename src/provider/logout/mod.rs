//! The end of login sessions (OpenID Connect RP-Initiated Logout 1.0).
//!
//! [`open`] reads a request and says whether the person must be asked first. What they are asked about travels sealed
//! through their browser and comes back as `confirmation` to the same endpoint. [`end`] then ends what hangs on the
//! session; the session itself is the host's to end.

mod back_channel;
mod ended;
mod front_channel;
mod lines;
mod pending;
mod posted;
mod request;
mod session;

use std::fmt;
use std::sync::Arc;

use http::{HeaderValue, Method};

pub(super) use back_channel::BackChannel;
pub use ended::LoggedOut;
pub use pending::{MAX_SEALED_LOGOUT_BYTES, OfflineAccess, PendingLogout};

use self::request::LogoutRequest;
use super::authorize::{self, Browser};
use super::context::{Arrival, Context};
use super::core::Core;
use super::grants::GrantFilter;
use super::session_state;
use crate::error::{Error, Reason, Result};
use crate::event::{Endpoint, EventKind};
use crate::types::Authentication;
use crate::wire::{self, Request, Response};

/// What a request at the logout endpoint comes to.
#[must_use]
#[non_exhaustive]
pub enum Logout {
    /// The person has to agree first: the host shows [`Provider::seal_logout`](super::Provider::seal_logout) in a form
    /// that posts it back as `confirmation`.
    Confirm {
        /// What they are asked.
        pending: PendingLogout,
        /// A `Set-Cookie` header that the response must carry: it ties the question to the browser.
        set_cookie: Option<HeaderValue>,
    },
    /// It may be carried out: the host goes on with [`Provider::carry_out_logout`](super::Provider::carry_out_logout), and ends
    /// its own session when that has succeeded.
    End(PendingLogout),
    /// Nobody is signed in: there is nothing to end.
    Over(LoggedOut),
    /// It is answered.
    Respond(Response),
}

/// Prints neither the cookie nor more of a response than its status.
impl fmt::Debug for Logout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Confirm { pending, .. } => {
                f.debug_struct("Confirm").field("pending", pending).finish_non_exhaustive()
            }
            Self::End(pending) => f.debug_tuple("End").field(pending).finish(),
            Self::Over(ended) => f.debug_tuple("Over").field(ended).finish(),
            Self::Respond(response) => f.debug_tuple("Respond").field(&response.status()).finish(),
        }
    }
}

/// Reads a request that arrives in the browser of `login`.
pub(super) async fn open(core: &Core, request: &Request, login: Option<&Authentication>) -> Logout {
    let arrival = Arrival::at(Endpoint::EndSession, core);
    let cx = arrival.context();
    match begin(core, &cx, request, login).await {
        Ok(logout) => logout,
        Err(error) => Logout::Respond(shown(core, &cx, &error)),
    }
}

async fn begin(
    core: &Core,
    cx: &Context<'_>,
    request: &Request,
    login: Option<&Authentication>,
) -> Result<Logout> {
    let params = wire::query_or_form(request)?;
    if let Some(sealed) = params.one("confirmation")? {
        return confirmed(core, cx, request, (sealed, login)).await;
    }
    let asked = match params.one(posted::PARAMETER)? {
        Some(sealed) if request.method() == Method::GET => posted::open(core, cx, sealed).await?,
        _ => request::read(core, cx, &params).await?,
    };
    match login.map(|login| PendingLogout::new(cx, asked.clone(), login)) {
        // Whoever holds an ID token of this very session is who was let in by it (attack 235, attack 236).
        Some(pending) if pending.is_named_by_hint(cx) => Ok(Logout::End(pending)),
        // A form that another site posts comes without cookies of `SameSite=Lax`, ours and perhaps the host's. Neither
        // is anybody told that nobody is signed in then, nor do they get a new cookie of ours, which would end what has
        // begun in other tabs.
        _ if is_foreign_form(cx, request) => Ok(Logout::Respond(posted::by_get(cx, &asked)?)),
        Some(pending) => ask(cx, request, pending),
        None => over(core, cx, request, &asked),
    }
}

/// Whether this is posted, and maybe not by a page of ours.
fn is_foreign_form(cx: &Context<'_>, request: &Request) -> bool {
    request.method() == Method::POST && Browser::known(cx, request.headers()).is_none()
}

/// Nobody is signed in, as far as the request shows.
fn over(core: &Core, cx: &Context<'_>, request: &Request, asked: &LogoutRequest) -> Result<Logout> {
    let set_cookie = session_state::ended(core, cx, (request.method(), request.headers()))?;
    Ok(Logout::Over(LoggedOut::returning(asked).with_cookie(set_cookie)))
}

fn ask(cx: &Context<'_>, request: &Request, pending: PendingLogout) -> Result<Logout> {
    let (browser, set_cookie) = Browser::met(cx, request.headers())?;
    let pending = pending.asked_in(browser);
    pending.check_size(cx)?;
    Ok(Logout::Confirm { pending, set_cookie })
}

/// Takes the person's yes: of the browser that was asked, about the session that it was asked about.
async fn confirmed(
    core: &Core,
    cx: &Context<'_>,
    request: &Request,
    (sealed, login): (&str, Option<&Authentication>),
) -> Result<Logout> {
    if request.method() != Method::POST {
        return Err(Reason::MethodNotAllowed.into());
    }
    let (pending, asked_in) = pending::open(core, cx, sealed).await?;
    let browser = Browser::known(cx, request.headers());
    if !browser.is_some_and(|browser| browser.is(&asked_in)) {
        return Err(Reason::LogoutForgedForm.into());
    }
    match login {
        None => over(core, cx, request, pending.request()),
        Some(login) if pending.is_of(login) => Ok(Logout::End(pending)),
        // In another tab somebody else has signed in while the page was open: the yes is not about them.
        Some(login) => ask(cx, request, pending.about(login)),
    }
}

/// Seals what a person is asked, so that the page that asks can carry it.
pub(super) fn seal(core: &Core, pending: &PendingLogout) -> Result<String> {
    let arrival = Arrival::at(Endpoint::EndSession, core);
    pending.seal(&arrival.context())
}

/// Ends what hangs on the session of a logout that was agreed to.
pub(super) async fn end(core: &Arc<Core>, pending: &PendingLogout) -> Result<LoggedOut> {
    let arrival = Arrival::at(Endpoint::EndSession, core);
    let cx = arrival.context();
    match carry_out(core, &cx, pending).await {
        Ok(ended) => Ok(ended),
        Err(error) => {
            cx.report(&error);
            Err(error)
        }
    }
}

async fn carry_out(core: &Arc<Core>, cx: &Context<'_>, pending: &PendingLogout) -> Result<LoggedOut> {
    let notices = session::end(core, cx, pending).await?;
    let frames = front_channel::frames(core, cx, &notices).await?;
    let set_cookie = session_state::changed(core, cx, None)?;
    let ended = LoggedOut::returning(pending.request()).through(frames).with_cookie(set_cookie);
    Ok(if pending.is_named_by_hint(cx) { ended.by_itself() } else { ended })
}

/// Ends sessions that the host names by their grants, and says how many grants were revoked.
pub(super) async fn end_all(
    core: &Arc<Core>,
    of: &GrantFilter,
    offline_access: OfflineAccess,
) -> Result<u64> {
    let arrival = Arrival::at(Endpoint::Administration, core);
    let cx = arrival.context();
    let ended = session::end_grants(core, &cx, &of.columns(&cx), offline_access).await;
    let kind = if ended.outcome.is_ok() { EventKind::SessionEnded } else { EventKind::Revoked };
    // What has ended of them where a store failed halfway is told too.
    if ended.outcome.is_ok() || ended.revoked > 0 {
        cx.emit(&of.concerned(cx.event(kind)));
    }
    ended.outcome?;
    Ok(ended.revoked)
}

fn shown(core: &Core, cx: &Context<'_>, error: &Error) -> Response {
    cx.report(error);
    authorize::show(core, error.reason())
}
