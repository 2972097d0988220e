//! The pages of a logout: one that asks, and one that says that it is done.

use std::collections::BTreeSet;

use http::StatusCode;

use super::Response;
use super::page::{STYLE, escape, open, page, source, source_hash};

/// How long the frames of other sites have to load.
const FRAMES_SECONDS: u8 = 3;

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

/// A page headed "You are signed out" that loads `frames` unseen and then goes on to `next` by itself, without script
/// (OpenID Connect Front-Channel Logout 1.0 section 3).
///
/// The policy allows frames of exactly the origins of `frames`.
#[must_use]
pub fn signed_out_in_frames_page(frames: &[String], next: Option<&str>) -> Response {
    let mut body = String::with_capacity(STYLE.len() + 4096);
    open(&mut body, "You are signed out");
    for frame in frames {
        body.push_str("<iframe hidden src=\"");
        escape(&mut body, frame);
        body.push_str("\"></iframe>\n");
    }
    match next {
        Some(next) => {
            let mut address = String::new();
            escape(&mut address, next);
            body.push_str(&format!(
                "<meta http-equiv=\"refresh\" content=\"{FRAMES_SECONDS};url={address}\">\n"
            ));
            body.push_str(&format!("<p><a id=\"logout-continue\" href=\"{address}\">Continue</a></p>\n"));
        }
        None => body.push_str("<p>You can close this page.</p>\n"),
    }
    body.push_str("</main>\n</body>\n</html>\n");
    let origins: BTreeSet<String> = frames.iter().map(|frame| source(frame)).collect();
    let origins: Vec<String> = origins.into_iter().collect();
    page(StatusCode::OK, body, &format!("{}; frame-src {}", quiet_policy(), origins.join(" ")))
}

fn quiet_policy() -> String {
    format!("default-src 'none'; style-src '{}'; frame-ancestors 'none'; base-uri 'none'", source_hash(STYLE))
}
