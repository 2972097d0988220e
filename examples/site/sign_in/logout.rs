//! Signing out of the provider.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use minijinja::context;
use vouchsafe::error::{Error, Reason};
use vouchsafe::provider::{GrantFilter, Provider};
use vouchsafe::store::Page;
use vouchsafe::types::Scope;
use vouchsafe::wire::{Request, Response, form_post};

use super::super::forms::Form;
use super::super::rim::{Inbound, Outbound};
use super::{Login, SignIn, Stop, one, with_cookie};

/// Asks whether to sign out: a link alone must not do it, since any page can make a browser follow one.
pub(super) async fn show(State(site): State<Arc<SignIn>>, Inbound(request): Inbound) -> Outbound {
    let Some(login) = site.logins.find(&request) else { return Outbound(signed_out(&site)) };
    let values = context! { action => site.logins.address("/logout"), account => site.account(&login) };
    site.finish(site.form_page(&request, form(&login), "logout.html", values))
}

/// Signs out.
pub(super) async fn submit(State(site): State<Arc<SignIn>>, Inbound(request): Inbound) -> Outbound {
    site.finish(answer(&site, &request).await)
}

async fn answer(site: &SignIn, request: &Request) -> Result<Response, Stop> {
    let params = form_post(request)?;
    let Some(login) = site.logins.find(request) else { return Ok(signed_out(site)) };
    site.forms.check(request, one(&params, "form_token")?, form(&login))?;
    // The grants go first: if that fails, the person is still signed in and can try again.
    end_grants(site.mount.provider(), &login).await.map_err(|_| Reason::StoreUnavailable)?;
    site.logins.end(request);
    Ok(with_cookie(signed_out(site), Some(site.logins.cookie.clear())))
}

/// Revokes what was given in this login, but for what the person let a client keep while they are away.
async fn end_grants(provider: &Provider, login: &Login) -> Result<(), Error> {
    let of = GrantFilter::Session(login.id.clone());
    let mut page = Some(Page::first(100));
    while let Some(asked) = page {
        let listing = provider.grants(&of, &asked).await?;
        for live in listing.items.iter().filter(|live| !live.grant.scope.contains(Scope::OFFLINE_ACCESS)) {
            provider.revoke_grants(&GrantFilter::Id(live.grant.id)).await?;
        }
        page = asked.following(&listing);
    }
    Ok(())
}

fn signed_out(site: &SignIn) -> Response {
    let home = site.hints.home.as_ref().map(|(name, url)| context! { name => *name, url });
    site.pages.show(StatusCode::OK, "signed_out.html", context! { home })
}

fn form(login: &Login) -> Form<'_> {
    Form { name: "logout", request: "", session: login.id.as_str() }
}
