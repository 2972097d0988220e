//! Who may learn by which pairwise `sub` a sector knows people (OpenID Connect Core 1.0 section 8.1).

use crate::client::{Client, beside_redirects};
use crate::error::Reason;

/// Checks what a client, that perhaps was registered as `before`, would learn of the people of its sector.
///
/// # Security
/// A stranger may register the redirect URIs of another, whose sector it then is in: answers go there, so that the
/// stranger has nothing of it. Whatever would reach the stranger has to be kept from that sector: tokens that a client
/// got while it was in another one, those that it fetches by itself or that are pushed to it, and the logout tokens, which
/// nobody asks for.
pub(super) fn check(before: Option<&Client>, client: &Client) -> Result<(), Reason> {
    if before.is_some_and(|before| before.sector() != client.sector()) {
        return Err(Reason::MetadataSectorChanged);
    }
    if !is_told_at_home(client) {
        return Err(Reason::MetadataSectorLogout);
    }
    let beside = beside_redirects(client.metadata())?;
    // A document of the sector was asked already, and lists them.
    let vouched_for = client.metadata().sector_identifier_uri.is_some();
    match vouched_for || beside.iter().all(|url| url.host().as_deref() == client.sector()) {
        true => Ok(()),
        false => Err(Reason::MetadataSectorTokens),
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
