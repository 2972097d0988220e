//! Who may learn by which pairwise `sub` a sector knows people (OpenID Connect Core 1.0 section 8.1).

use crate::client::Client;
use crate::error::Reason;

/// Checks what a client, that perhaps was registered as `before`, would learn of the people of its sector.
///
/// # Security
/// A stranger may register the redirect URIs of another, whose sector it then is in: answers go there, so that the
/// stranger has nothing of it. Whatever would reach the stranger has to be kept from that sector: tokens that a client
/// got while it was in another one, and the logout tokens, which nobody asks for.
pub(super) fn check(before: Option<&Client>, client: &Client) -> Result<(), Reason> {
    if before.is_some_and(|before| before.sector() != client.sector()) {
        return Err(Reason::MetadataSectorChanged);
    }
    match is_told_at_home(client) {
        true => Ok(()),
        false => Err(Reason::MetadataSectorLogout),
    }
}

/// Whether logout tokens about the people of a sector go to where the client answers, or to the host that vouched for
/// it.
fn is_told_at_home(client: &Client) -> bool {
    let metadata = client.metadata();
    let (Some(sector), Some(uri)) = (client.sector(), &metadata.backchannel_logout_uri) else { return true };
    let told = uri.host();
    told.as_deref() == Some(sector) || metadata.redirect_uris.iter().any(|uri| uri.web_host() == told)
}
