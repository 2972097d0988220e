//! What a client registers for backchannel authentication (OpenID Connect Client-Initiated Backchannel Authentication
//! Core 1.0 section 4).

use serde::{Deserialize, Serialize};

use super::ClientMetadata;
use crate::client::{ClientAuthMethod, IdTokenAlg, InvalidClient};
use crate::types::GrantType;

/// `backchannel_token_delivery_mode`: how a client learns that a person has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TokenDeliveryMode {
    /// It is told, and then asks for its tokens.
    Ping,
    /// It asks again and again.
    Poll,
    /// It is sent its tokens, and cannot ask for them.
    Push,
}

impl ClientMetadata {
    pub(super) fn check_backchannel(&self) -> Result<(), InvalidClient> {
        let refuse = |member, problem| Err(InvalidClient { member, problem });
        let asks = self.grant_types.contains(&GrantType::Ciba);
        if asks && self.token_endpoint_auth_method == ClientAuthMethod::None {
            return refuse("grant_types", "ciba needs a client that authenticates");
        }
        if asks && self.backchannel_token_delivery_mode.is_none() {
            return refuse("backchannel_token_delivery_mode", "needed by the grant type ciba");
        }
        let told = match self.backchannel_token_delivery_mode {
            Some(TokenDeliveryMode::Ping | TokenDeliveryMode::Push) => true,
            Some(TokenDeliveryMode::Poll) | None => false,
        };
        if told && self.backchannel_client_notification_endpoint.is_none() {
            return refuse("backchannel_client_notification_endpoint", "needed by the modes ping and push");
        }
        // What is pushed came from nowhere that the client asked: only a signature says that it belongs together (CIBA Core
        // section 10.3.1).
        let pushed = self.backchannel_token_delivery_mode == Some(TokenDeliveryMode::Push);
        if pushed && self.id_token_signed_response_alg == IdTokenAlg::DangerousNone {
            return refuse("id_token_signed_response_alg", "the mode push needs a signature");
        }
        let keyless = self.jwks.is_none() && self.jwks_uri.is_none();
        if keyless && self.backchannel_authentication_request_signing_alg.is_some() {
            return refuse(
                "jwks",
                "needed by backchannel_authentication_request_signing_alg, or else jwks_uri",
            );
        }
        Ok(())
    }
}
