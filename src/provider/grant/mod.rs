//! What the token endpoint redeems: one handler for each grant type.

use std::fmt::Debug;

use async_trait::async_trait;

use super::context::Context;
use super::issue::Issuance;
use super::token::TokenRequest;
use crate::error::Result;
use crate::types::GrantType;

/// Decides what a token request of one grant type gets; minting and writing are not its business.
///
/// When it is called, the client has authenticated and has registered the grant type. What it consumes, it
/// consumes in one step that names the client; what it returns is issued by one function, whose last step is the
/// write.
#[async_trait]
pub trait GrantHandler: Debug + Send + Sync {
    /// The `grant_type` that it answers; the builder refuses two handlers of one type.
    fn grant_type(&self) -> GrantType;

    /// Decides.
    ///
    /// # Errors
    /// The [`Reason`](crate::error::Reason) of the refusal; a host's own are
    /// [`Reason::Custom`](crate::error::Reason::Custom).
    async fn redeem(&self, cx: &Context<'_>, request: &TokenRequest) -> Result<Issuance>;
}

const _: fn(&dyn GrantHandler) = |_| ();
