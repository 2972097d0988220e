//! `none`: a public client, which names itself and proves nothing. What it sends must be bound otherwise: a code to
//! PKCE, a refresh token to its rotation.

use async_trait::async_trait;

use super::{ClientAuthenticator, Credentials};
use crate::client::{Client, ClientAuthMethod};
use crate::error::Result;
use crate::provider::context::Context;
use crate::types::Params;
use crate::wire::RequestHead;

/// A public client. It is asked last, where no other method found anything.
#[derive(Debug)]
pub(crate) struct Public;

#[async_trait]
impl ClientAuthenticator for Public {
    fn method(&self) -> ClientAuthMethod {
        ClientAuthMethod::None
    }

    fn extract(&self, _: &RequestHead, params: &Params) -> Result<Option<Credentials>> {
        let Some(client_id) = params.one("client_id")? else { return Ok(None) };
        Ok(Some(Credentials::of(client_id, ClientAuthMethod::None, None)?))
    }

    async fn verify(&self, _: &Context<'_>, _: &Client, _: &Credentials) -> Result<()> {
        Ok(())
    }
}
