//! The page where an account is created, for requests with `prompt=create` where the provider takes them.

use std::sync::Arc;

use axum::extract::State;
use minijinja::context;
use vouchsafe::error::Reason;
use vouchsafe::provider::{Answer, Denial, Needs, PendingAuthorization};
use vouchsafe::types::Prompt;
use vouchsafe::wire::{Request, Response, form_post, query_or_form};

use super::super::forms::Form;
use super::super::rim::{Inbound, Outbound};
use super::super::users::MIN_PASSWORD_CHARACTERS;
use super::{SignIn, Stop, client, one, with_cookie};

/// Shows the page, unless the request needs no account any more.
pub(super) async fn show(State(site): State<Arc<SignIn>>, Inbound(request): Inbound) -> Outbound {
    site.finish(visit(&site, &request).await)
}

async fn visit(site: &SignIn, request: &Request) -> Result<Response, Stop> {
    let params = query_or_form(request)?;
    let sealed = one(&params, "request")?;
    let pending = site.resume(request, sealed).await?;
    let login = site.logins.find(request);
    let (needs, pending) = site.next(pending, login.as_ref()).await?;
    match needs {
        Needs::Create => page(site, request, (sealed, &pending), None),
        _ => Ok(site.proceed(pending, login.as_ref()).await),
    }
}

/// Takes what was chosen.
pub(super) async fn submit(State(site): State<Arc<SignIn>>, Inbound(request): Inbound) -> Outbound {
    site.finish(answer(&site, &request).await)
}

async fn answer(site: &SignIn, request: &Request) -> Result<Response, Stop> {
    let params = form_post(request)?;
    let field = |name| one(&params, name);
    let (sealed, token) = (field("request")?, field("form_token")?);
    site.forms.check(request, token, form(sealed))?;
    let pending = site.resume(request, sealed).await?;
    if !pending.request().prompt.contains(Prompt::Create) {
        return Err(Reason::FormMalformed.into());
    }
    match field("action")? {
        "cancel" => Ok(site.mount.deny(&pending, Denial::Person).await),
        "existing" => {
            let login = site.logins.find(request);
            Ok(site.proceed(pending.answered(Answer::Create), login.as_ref()).await)
        }
        _ => {
            let (username, password) = (field("username")?, field("password")?);
            let subject = match site.users.create(username, password) {
                Ok(subject) => subject,
                Err(invalid) => return page(site, request, (sealed, &pending), Some((username, invalid.0))),
            };
            let begun = site.logins.begin(request, subject);
            let (login, cookie) = begun.map_err(|_| Reason::InternalFault)?;
            let went_on = site.proceed(pending.answered(Answer::Create), Some(&login)).await;
            Ok(with_cookie(went_on, Some(cookie)))
        }
    }
}

fn page(
    site: &SignIn,
    request: &Request,
    (sealed, pending): (&str, &PendingAuthorization),
    refused: Option<(&str, &str)>,
) -> Result<Response, Stop> {
    let (username, problem) = refused.unzip();
    let values = context! {
        action => site.logins.address("/create"),
        username => username.filter(|name| name.len() <= 255),
        problem,
        min_password => MIN_PASSWORD_CHARACTERS,
    };
    let client = client::shown(pending.client(), &pending.request().ui_locales);
    site.form_page(request, form(sealed), "create.html", (client, values))
}

const fn form(sealed: &str) -> Form<'_> {
    Form { name: "create", request: sealed, session: "" }
}
