//! The pages of a person who came for a device; what is typed and answered goes to the provider.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use minijinja::{Value, context};
use vouchsafe::error::Reason;
use vouchsafe::provider::{DeviceAnswer, DeviceQuestion, DeviceStep};
use vouchsafe::wire::{Request, Response, form_post, query_or_form, reply};

use super::super::forms::Form;
use super::super::rim::{Inbound, Outbound};
use super::{Host, SignIn, Stop, client, one, with_cookie};

/// Where somebody signs in who came for a device.
pub(super) const LOGIN: &str = "/device/login";

/// The same sentence whichever of the two was wrong.
const WRONG: &str = "The username or the password is wrong.";

/// Shows what is next.
pub(super) fn show(host: &Host, question: &DeviceQuestion<'_>) -> Response {
    let action = question.action();
    let page = |template, values: Value| host.pages.show(StatusCode::OK, template, values);
    match question.step {
        DeviceStep::Confirm { pending, sealed } => {
            let shown = client::shown(pending.client(), &[]);
            let scope: Vec<String> = pending.scope().iter().map(str::to_owned).collect();
            let (resources, user_code) = (pending.resources().to_vec(), pending.user_code());
            let values = context! { action, sealed, scope, resources, user_code, client => shown.values };
            host.pages.show_allowing(&shown.allowed, StatusCode::OK, "device_consent.html", values)
        }
        DeviceStep::Enter { form, user_code, missed } => {
            page("device_code.html", context! { action, form, user_code, missed })
        }
        DeviceStep::Answered { answer } => {
            page("device_answered.html", context! { allowed => answer == DeviceAnswer::Allowed })
        }
        _ => {
            let sent = question.redirect(&host.logins.address(LOGIN)).or_else(|| question.page());
            sent.unwrap_or_else(|| host.pages.rejected(StatusCode::NOT_FOUND, "there is nothing to show"))
        }
    }
}

/// Shows the login page.
pub(super) async fn login(State(site): State<Arc<SignIn>>, Inbound(request): Inbound) -> Outbound {
    let shown = async {
        let params = query_or_form(&request)?;
        page(&site, &request, returning(&site, one(&params, "return_to")?)?, None)
    };
    site.finish(shown.await)
}

/// Takes what was entered, and leads back to the page for devices.
pub(super) async fn submit(State(site): State<Arc<SignIn>>, Inbound(request): Inbound) -> Outbound {
    site.finish(answer(&site, &request).await)
}

async fn answer(site: &SignIn, request: &Request) -> Result<Response, Stop> {
    let params = form_post(request)?;
    let field = |name| one(&params, name);
    let return_to = returning(site, field("request")?)?;
    site.forms.check(request, field("form_token")?, form(return_to))?;
    let Some(subject) = site.users.sign_in(field("username")?, field("password")?) else {
        return page(site, request, return_to, Some(WRONG));
    };
    let (_, cookie) = site.logins.begin(request, subject).map_err(|_| Reason::InternalFault)?;
    Ok(with_cookie(reply::redirect(return_to), Some(cookie)))
}

/// The page for devices, and no other address: nobody is led elsewhere by a link to the login page.
fn returning<'a>(site: &SignIn, return_to: &'a str) -> Result<&'a str, Stop> {
    let config = site.mount.provider().config();
    let page = config.issuer.endpoint(&config.paths.device_verification);
    match return_to.strip_prefix(page.as_str()) {
        Some(rest) if rest.is_empty() || rest.starts_with("?user_code=") => Ok(return_to),
        _ => Err(Reason::NotFound.into()),
    }
}

fn page(
    site: &SignIn,
    request: &Request,
    return_to: &str,
    problem: Option<&'static str>,
) -> Result<Response, Stop> {
    let token = site.forms.token(request, form(return_to)).map_err(|_| Reason::InternalFault)?;
    let (form_token, set_cookie) = token;
    let demo = site.hints.demo.map(|(username, password)| context! { username, password });
    let action = site.logins.address(LOGIN);
    let values = context! { action, form_token, request => return_to, problem, demo };
    Ok(with_cookie(site.pages.show(StatusCode::OK, "device_login.html", values), set_cookie))
}

const fn form(return_to: &str) -> Form<'_> {
    Form { name: "device login", request: return_to, session: "" }
}
