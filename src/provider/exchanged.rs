//! The ID token that answers an exchange, with no access token beside it (RFC 8693 section 2.2.1).

use super::context::Context;
use super::core::Core;
use super::exchange::TokenType;
use super::format::id_token::{Channel, IdToken, Minter};
use super::token::TokenResponse;
use crate::client::Client;
use crate::error::{Internal, Result};
use crate::event::EventKind;
use crate::store::Grant;
use crate::types::{AuthorizationDetails, Claims, Scope};

/// Mints it for the person of the grant, for no longer than the grant lasts. Nothing is written: an ID token
/// gives access to nothing that could be revoked.
pub(super) async fn id_token(
    core: &Core,
    cx: &Context<'_>,
    client: &Client,
    grant: &Grant,
) -> Result<TokenResponse> {
    let nobody = || Internal::new("could not issue an id token", "the grant is about no person");
    let authentication = grant.authentication.as_ref().ok_or_else(nobody)?;
    let minter = Minter { until: grant.expires_at, ..core.id_tokens(Channel::Back) };
    let token = IdToken {
        client,
        authentication,
        nonce: None,
        access_token: None,
        code: None,
        state: None,
        pushed: None,
        claims: &Claims::new(),
    };
    let minted = minter.mint(cx, &token).await?;
    cx.note_grant(grant);
    cx.emit(&cx.event(EventKind::TokensIssued { grant_type: grant.grant_type.clone() }));
    Ok(TokenResponse {
        access_token: minted,
        expires_in: minter.ends(cx, client).since(cx.now),
        scope: Scope::empty(),
        authorization_details: AuthorizationDetails::empty(),
        refresh_token: None,
        id_token: None,
        confirmation: None,
        exchanged: Some(TokenType::IdToken),
    })
}
