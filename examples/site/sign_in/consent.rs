//! The consent page.

use std::sync::Arc;

use axum::extract::State;
use minijinja::{Value, context};
use vouchsafe::error::Reason;
use vouchsafe::provider::{Approval, AuthorizationRequest, Denial, Needs, PendingAuthorization};
use vouchsafe::wire::{Request, Response, form_post, query_or_form};

use super::super::forms::Form;
use super::super::rim::{Inbound, Outbound};
use super::{Login, SignIn, Stop, client, one};

/// Shows what the client asks for, unless the request needs no consent any more.
pub(super) async fn show(State(site): State<Arc<SignIn>>, Inbound(request): Inbound) -> Outbound {
    site.finish(visit(&site, &request).await)
}

async fn visit(site: &SignIn, request: &Request) -> Result<Response, Stop> {
    let params = query_or_form(request)?;
    let sealed = one(&params, "request")?;
    let pending = site.resume(request, sealed).await?;
    let login = site.logins.find(request);
    let (needs, pending) = site.next(pending, login.as_ref()).await?;
    match (needs, login) {
        (Needs::Consent(_), Some(login)) => page(site, request, sealed, (&pending, &login)),
        (_, login) => Ok(site.proceed(pending, login.as_ref()).await),
    }
}

/// Takes the person's answer.
pub(super) async fn submit(State(site): State<Arc<SignIn>>, Inbound(request): Inbound) -> Outbound {
    site.finish(answer(&site, &request).await)
}

async fn answer(site: &SignIn, request: &Request) -> Result<Response, Stop> {
    let params = form_post(request)?;
    let field = |name| one(&params, name);
    let (sealed, token) = (field("request")?, field("form_token")?);
    // Who agrees is who was asked: the token names the login, so it does not outlast a change of person.
    let login = site.logins.find(request).ok_or(Stop::Forged)?;
    site.forms.check(request, token, form(sealed, &login))?;
    let pending = site.resume(request, sealed).await?;
    match field("action")? {
        "allow" => {
            let approval = Approval::new(login.authentication(), pending.request().scope.clone());
            let approval = if field("remember")? == "yes" { approval.remembered() } else { approval };
            Ok(site.mount.approve(pending, approval).await)
        }
        "deny" => Ok(site.mount.deny(&pending, Denial::Person).await),
        _ => Err(Reason::FormMalformed.into()),
    }
}

fn page(
    site: &SignIn,
    request: &Request,
    sealed: &str,
    of: (&PendingAuthorization, &Login),
) -> Result<Response, Stop> {
    let (pending, login) = of;
    let uri = pending.redirect_uri();
    let values = context! {
        action => site.logins.address("/consent"),
        another => format!("{}?request={sealed}&another=yes", site.logins.address("/login")),
        account => site.account(login),
        grants => grants(pending.request()),
        destination => uri.origin().unwrap_or_else(|| uri.as_str().to_owned()),
        rememberable => !pending.client().is_native(),
    };
    let client = client::shown(pending.client(), &pending.request().ui_locales);
    site.form_page(request, form(sealed, login), "consent.html", (client, values))
}

fn form<'a>(sealed: &'a str, login: &'a Login) -> Form<'a> {
    Form { name: "consent", request: sealed, session: login.id.as_str() }
}

/// Everything that saying yes gives away: the scope, claims asked for by name, where the token may be used, and
/// authorization details, whatever their type, word for word.
fn grants(request: &AuthorizationRequest) -> Vec<Value> {
    let claims =
        request.claims.userinfo.iter().chain(&request.claims.id_token).map(|(name, _)| name.as_str());
    let claims: Vec<&str> = claims.collect();
    let by_name = (!claims.is_empty())
        .then(|| context! { title => "See what your account says of these", detail => claims.join(", ") });
    let resources = request.resources.iter().map(|uri| context! { title => "Act for you at", detail => uri });
    let details = request.authorization_details.iter().map(|detail| {
        let fields = detail.fields().iter().filter(|(name, _)| *name != "type");
        let said: Vec<String> = fields.map(|(name, value)| format!("{name}: {}", plain(value))).collect();
        context! { title => format!("Do this: {}", detail.type_name()), detail => said.join("; ") }
    });
    request.scope.iter().map(scope).chain(by_name).chain(resources).chain(details).collect()
}

/// JSON without its brackets.
fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
        serde_json::Value::Object(members) => {
            let members = members.iter().map(|(name, value)| format!("{name} {}", plain(value)));
            members.collect::<Vec<_>>().join(", ")
        }
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn scope(token: &str) -> Value {
    let (title, detail) = match token {
        "openid" => ("Know that it is you", "Your user id"),
        "profile" => {
            ("See your profile", "Name, nickname, picture, website, birthdate, language and time zone")
        }
        "email" => ("See your email address", ""),
        "address" => ("See your postal address", ""),
        "phone" => ("See your phone number", ""),
        "offline_access" => ("Keep this access", "Also while you are not using it, until one of you ends it"),
        other => ("Use a permission of its own", other),
    };
    context! { title, detail }
}
