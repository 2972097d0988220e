//! The verification page, step by step (RFC 8628 section 3.3).
//!
//! Wherever the code comes from, typed or in the address, the person sees it in a form first, then what is asked for, and
//! only a form that this browser was shown carries the yes.

use http::{HeaderValue, Method};

use super::form::{Confirmation, Entry};
use super::pending::{self, PendingDevice};
use super::user_code;
use crate::error::{Error, Reason, Result};
use crate::event::{Endpoint, EventKind};
use crate::provider::authorize::{self, Approval, Browser, Denial, LoginNeed, asked_key};
use crate::provider::context::{Arrival, Context};
use crate::provider::core::Core;
use crate::types::{Authentication, Params};
use crate::wire::{self, Request, Response};

/// How many wrong codes one form takes, for whoever mistypes that often should look at the device again. Guesses are bounded
/// by the limiter alone: anybody can have another form, or post the first one again (attack 219).
const MAX_MISSES: u8 = 5;

/// What a visit comes to.
pub(in crate::provider) enum Visit {
    /// The host shows this, with the cookie.
    Show(Step, Option<HeaderValue>),
    Respond(Response),
}

/// What the person is shown.
pub(in crate::provider) enum Step {
    SignIn { need: LoginNeed, return_to: String },
    Enter { form: String, user_code: Option<String>, missed: bool },
    Confirm { pending: Box<PendingDevice>, sealed: String },
    Answered { approved: bool },
}

/// The person in whose browser the page is, and what the host counts them by.
pub(in crate::provider) struct Visitor<'a> {
    pub(in crate::provider) login: Option<&'a Authentication>,
    pub(in crate::provider) counted_by: &'a [String],
}

/// Answers a request for the page.
pub(in crate::provider) async fn visit(core: &Core, request: &Request, visitor: Visitor<'_>) -> Visit {
    let arrival = Arrival::at(Endpoint::DeviceVerification, core);
    let cx = arrival.context();
    match step(core, &cx, request, visitor).await {
        Ok((step, set_cookie)) => Visit::Show(step, set_cookie),
        Err(error) => {
            cx.report(&error);
            let mut response = authorize::show(core, error.reason());
            if let Error::Rejected(rejection) = &error
                && let Some(wait) = rejection.retry_after()
            {
                wire::reply::retry_after(&mut response, wait);
            }
            Visit::Respond(response)
        }
    }
}

async fn step(
    core: &Core,
    cx: &Context<'_>,
    request: &Request,
    visitor: Visitor<'_>,
) -> Result<(Step, Option<HeaderValue>)> {
    let params = wire::query_or_form(request)?;
    let Some(login) = visitor.login else {
        return Ok((sign_in(cx, LoginNeed::Absent, params.one("user_code")?), None));
    };
    let (browser, set_cookie) = Browser::met(cx, request.headers())?;
    if request.method() != Method::POST {
        let letters = params.one("user_code")?.and_then(user_code::normalised);
        let user_code = letters.map(|letters| user_code::shown(&letters));
        let form = Entry::new(browser, 0).seal(cx)?;
        return Ok((Step::Enter { form, user_code, missed: false }, set_cookie));
    }
    let known = Browser::known(cx, request.headers());
    if params.one("confirmation")?.is_some() {
        return Ok((answered(core, cx, &params, (known, login)).await?, None));
    }
    Ok((entered(core, cx, &params, (known, login, visitor.counted_by)).await?, None))
}

fn sign_in(cx: &Context<'_>, need: LoginNeed, typed: Option<&str>) -> Step {
    let path = cx.config.issuer.endpoint(&cx.config.paths.device_verification);
    let return_to = match typed.and_then(user_code::normalised) {
        Some(letters) => format!("{path}?user_code={}", user_code::shown(&letters)),
        None => path,
    };
    Step::SignIn { need, return_to }
}

/// A code was typed.
async fn entered(
    core: &Core,
    cx: &Context<'_>,
    params: &Params,
    (browser, login, counted_by): (Option<Browser>, &Authentication, &[String]),
) -> Result<Step> {
    let form = Entry::open(cx, params.one("form")?.ok_or(Reason::DeviceFormForged)?, browser)?;
    let browser = browser.ok_or(Reason::DeviceFormForged)?;
    if form.misses >= MAX_MISSES {
        return Err(Reason::UserCodeLocked.into());
    }
    let typed = params.one("user_code")?.unwrap_or_default();
    match pending::look_up(core, cx, typed, (login, counted_by)).await {
        Ok(pending) if pending.is_stale(login) => Ok(sign_in(cx, LoginNeed::TooOld, Some(typed))),
        Ok(pending) => confirm(cx, pending, (browser, login)),
        Err(error) if error.reason() == Reason::UserCodeUnknown => {
            if form.misses + 1 >= MAX_MISSES {
                return Err(Reason::UserCodeLocked.into());
            }
            cx.emit(&cx.event(EventKind::Refused(Reason::UserCodeUnknown)));
            let form = Entry::new(browser, form.misses + 1).seal(cx)?;
            Ok(Step::Enter { form, user_code: None, missed: true })
        }
        Err(error) => Err(error),
    }
}

fn confirm(
    cx: &Context<'_>,
    pending: PendingDevice,
    (browser, login): (Browser, &Authentication),
) -> Result<Step> {
    let confirmation = Confirmation::new(browser, pending.key, asked_key(cx, &login.subject));
    let sealed = confirmation.seal(cx, pending.expires_at())?;
    Ok(Step::Confirm { pending: Box::new(pending), sealed })
}

/// The person has answered: in the browser that was shown the request, and as the one who was shown it.
async fn answered(
    core: &Core,
    cx: &Context<'_>,
    params: &Params,
    (browser, login): (Option<Browser>, &Authentication),
) -> Result<Step> {
    let sealed = params.one("confirmation")?.ok_or(Reason::DeviceFormForged)?;
    let confirmation = Confirmation::open(cx, sealed, browser)?;
    let browser = browser.ok_or(Reason::DeviceFormForged)?;
    let pending = pending::found(core, cx, &confirmation.key).await?;
    // In another tab somebody else may have signed in while the page was open: its yes is not theirs.
    if confirmation.asked != asked_key(cx, &login.subject) {
        return confirm(cx, pending, (browser, login));
    }
    match params.one("answer")? {
        Some("allow") if pending.is_stale(login) => {
            Ok(sign_in(cx, LoginNeed::TooOld, Some(pending.user_code())))
        }
        Some("allow") => {
            let approval = Approval::new(login.clone(), pending.scope().clone());
            pending::approve(core, cx, &pending, approval).await?;
            Ok(Step::Answered { approved: true })
        }
        Some("deny") => {
            pending::deny(core, cx, &pending, Denial::Person).await?;
            Ok(Step::Answered { approved: false })
        }
        _ => Err(Reason::DeviceFormForged.into()),
    }
}
