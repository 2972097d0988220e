//! Who a token is about, as the client sees it (OpenID Connect Core 1.0 section 8).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::context::Context;
use crate::client::Client;
use crate::types::{CLIENT_SUBJECT_PREFIX, ClientId, SessionId, Subject};

/// The `sub` that `client` sees for a person: the subject itself, the same for every client (`public`), or a name that
/// only the clients of its sector share (`pairwise`).
///
/// A client that is registered as pairwise gets pairwise names whatever is turned on. They rest on the salt that never
/// rotates, nobody without it can tell the person or the name in another sector, and there is no way back from them.
pub(crate) fn of_person(cx: &Context<'_>, client: &Client, subject: &Subject) -> String {
    let Some(sector) = client.sector() else { return subject.as_str().to_owned() };
    let name = cx.secrets.salted("pairwise sub", &[cx.issuer(), sector, subject.as_str()]);
    BASE64_URL_SAFE_NO_PAD.encode(name)
}

/// The `sub` of a client that acts for itself: never that of a person (RFC 9700 section 4.15, attack 53).
pub(crate) fn of_client(client: &ClientId) -> String {
    format!("{CLIENT_SUBJECT_PREFIX}{client}")
}

/// The `sid` that `client` sees for a login session: the same in all its tokens, different for every client, and of
/// no use for finding the session (OpenID Connect Front-Channel Logout 1.0 section 3).
pub(crate) fn sid(cx: &Context<'_>, client: &ClientId, session: &SessionId) -> String {
    let name = cx.secrets.salted("sid", &[cx.issuer(), session.as_str(), client.as_str()]);
    BASE64_URL_SAFE_NO_PAD.encode(name)
}
