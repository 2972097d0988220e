//! The pages of a logout: one that asks, and one that says that it is done.

use http::StatusCode;

use super::Response;
use super::page::{STYLE, escape, open, page, source_hash};

/// A page that asks whether to sign out. Its button, of the id `logout-confirm`, posts `confirmation` to `action`.
///
/// The policy names no `form-action`: browsers hold every redirect that follows a form against it, and only the
/// client knows where its own address leads.
#[must_use]
pub fn sign_out_page(action: &str, confirmation: &str) -> Response {
    let mut body = String::with_capacity(STYLE.len() + 4096);
    open(&mut body, "Sign out?");
    body.push_str("<p>You are signed in in this browser.</p>\n<form method=\"post\" action=\"");
    escape(&mut body, action);
    body.push_str("\">\n<input type=\"hidden\" name=\"confirmation\" value=\"");
    escape(&mut body, confirmation);
    body.push_str("\">\n<button type=\"submit\" id=\"logout-confirm\">Sign out</button>\n</form>\n");
    body.push_str("</main>\n</body>\n</html>\n");
    page(StatusCode::OK, body, &quiet_policy())
}

/// A page headed "You are signed out", and nothing else.
#[must_use]
pub fn signed_out_page() -> Response {
    let mut body = String::with_capacity(STYLE.len() + 1024);
    open(&mut body, "You are signed out");
    body.push_str("<p>You can close this page.</p>\n</main>\n</body>\n</html>\n");
    page(StatusCode::OK, body, &quiet_policy())
}

fn quiet_policy() -> String {
    format!("default-src 'none'; style-src '{}'; frame-ancestors 'none'; base-uri 'none'", source_hash(STYLE))
}
