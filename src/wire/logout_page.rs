//! The pages of a logout: one that asks, and one that says that it is done.

use std::collections::BTreeSet;

use http::StatusCode;
use url::Url;

use super::Response;
use super::page::{STYLE, escape, open, origin_source, page, place, source_hash};

/// How long the frames of other sites have to load.
const FRAMES_SECONDS: u8 = 3;

/// What the frames may do: end a session as pages do, and not lead the whole page away.
const FRAME_MAY: &str = "allow-scripts allow-same-origin allow-forms";

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

/// How a browser leaves the page after a logout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Onward<'a> {
    /// To this address when the person follows a link, which names its origin.
    ByLink(&'a str),
    /// To this address without script, when the frames have had time to load.
    ByItself(&'a str),
}

/// A page headed "You are signed out" that loads `frames` unseen, and leads on, by an element of the id
/// `logout-continue` (OpenID Connect Front-Channel Logout 1.0 section 3).
///
/// The policy allows frames of exactly the origins of `frames`. A frame whose origin cannot stand in a policy, as that of
/// an address literal, is left out.
#[must_use]
pub fn signed_out_in_frames_page(frames: &[String], onward: Option<Onward<'_>>) -> Response {
    let mut body = String::with_capacity(STYLE.len() + 4096);
    open(&mut body, "You are signed out");
    let mut origins = BTreeSet::new();
    for (frame, origin) in frames.iter().filter_map(|frame| Some((frame, frame_source(frame)?))) {
        body.push_str("<iframe hidden src=\"");
        escape(&mut body, frame);
        body.push_str("\" sandbox=\"");
        body.push_str(FRAME_MAY);
        body.push_str("\"></iframe>\n");
        origins.insert(origin);
    }
    push_onward(&mut body, onward);
    body.push_str("</main>\n</body>\n</html>\n");
    let mut policy = quiet_policy();
    if !origins.is_empty() {
        policy.push_str("; frame-src");
        origins.iter().for_each(|origin| policy.extend([" ", origin.as_str()]));
    }
    page(StatusCode::OK, body, &policy)
}

/// How the origin of a frame stands in the policy of its page; `None` where it cannot.
pub(crate) fn frame_source(frame: &str) -> Option<String> {
    origin_source(&Url::parse(frame).ok()?)
}

fn push_onward(body: &mut String, onward: Option<Onward<'_>>) {
    let Some(Onward::ByLink(next) | Onward::ByItself(next)) = onward else {
        return body.push_str("<p>You can close this page.</p>\n");
    };
    let mut address = String::new();
    escape(&mut address, next);
    if let Some(Onward::ByItself(_)) = onward {
        body.push_str(&format!("<meta http-equiv=\"refresh\" content=\"{FRAMES_SECONDS};url={address}\">\n"));
        body.push_str(&format!("<p><a id=\"logout-continue\" href=\"{address}\">Continue</a></p>\n"));
        return;
    }
    let place = place(next);
    body.push_str(&format!(
        "<p><a id=\"logout-continue\" rel=\"noreferrer\" href=\"{address}\">Continue to {place}</a></p>\n"
    ));
}

fn quiet_policy() -> String {
    format!("default-src 'none'; style-src '{}'; frame-ancestors 'none'; base-uri 'none'", source_hash(STYLE))
}
