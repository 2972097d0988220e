//! The pages of signing out; the logout itself is the provider's.

use http::StatusCode;
use minijinja::context;
use vouchsafe::provider::LogoutQuestion;
use vouchsafe::wire::Response;

use super::{Host, account, client};

/// Asks whether to sign out. The form goes to the provider, whose sealed question protects it against forgery.
pub(super) fn ask(host: &Host, question: &LogoutQuestion<'_>) -> Response {
    let client = question.pending.client();
    let values = context! {
        action => question.action(),
        confirmation => question.sealed,
        account => account(&host.users, question.pending.subject()),
        client => client.map(|client| client::shown(client, question.pending.ui_locales()).values),
    };
    host.pages.show(StatusCode::OK, "logout.html", values)
}

/// Says that it is done, and leads home.
pub(super) fn signed_out(host: &Host) -> Response {
    let home = host.hints.home.as_ref().map(|(name, url)| context! { name => *name, url });
    host.pages.show(StatusCode::OK, "signed_out.html", context! { home })
}
