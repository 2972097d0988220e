//! Authorization codes.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Grant;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::pkce::CodeChallenge;
use crate::seal::Sealed;
use crate::secret::TokenHash;
use crate::types::{ClientId, Confirmation, GrantId};

/// What an authorization code stands for; the sealed payload of a [`CodeRecord`].
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuthorizationCode {
    /// The permission that was given.
    pub grant: Grant,
    /// The `redirect_uri` as the authorization request sent it; `None` when it sent none, so that the token
    /// request must send none either (RFC 6749 section 4.1.3).
    pub redirect_uri: Option<String>,
    /// The PKCE challenge (RFC 7636 section 4.4).
    pub code_challenge: Option<CodeChallenge>,
    /// The `nonce` to repeat in the ID token.
    pub nonce: Option<String>,
    /// The key whose proof the token request must bring (RFC 9449 section 10).
    #[serde(rename = "cnf", default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Confirmation>,
}

impl AuthorizationCode {
    /// A code for `grant`.
    #[must_use]
    pub const fn new(grant: Grant) -> Self {
        Self { grant, redirect_uri: None, code_challenge: None, nonce: None, confirmation: None }
    }
}

/// Leaves out the `nonce`, which can be a secret of the client.
impl Debug for AuthorizationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationCode")
            .field("grant", &self.grant)
            .field("redirect_uri", &self.redirect_uri)
            .field("code_challenge", &self.code_challenge)
            .field("confirmation", &self.confirmation)
            .finish_non_exhaustive()
    }
}

/// A code as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRecord {
    /// The grant that the code redeems.
    pub grant: GrantId,
    /// The client that may redeem it.
    pub client: ClientId,
    /// From this moment on it is not redeemed.
    pub expires_at: Timestamp,
    /// Until this moment, never before `expires_at`, a used code is remembered as used; then the row may go.
    pub retain_until: Timestamp,
    /// A sealed [`AuthorizationCode`], with the times above.
    pub payload: Sealed,
}

/// What became of a code that was presented.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Consumed {
    /// It was unused; it is used now. At most one caller ever sees this.
    Fresh(CodeRecord),
    /// It was never used and is past its time. It is left as it is.
    Expired,
    /// It had been used before.
    Replayed {
        /// The grant to revoke.
        grant: GrantId,
    },
    /// It belongs to another client. It is left as it is.
    Foreign,
    /// There is no such code.
    Absent,
}

/// Authorization codes, each redeemable once.
#[async_trait]
pub trait CodeStore: Debug + Send + Sync {
    /// Keeps a new code.
    ///
    /// # Errors
    /// `Conflict` when the key exists already; nothing is changed then.
    async fn insert_code(&self, key: TokenHash, code: CodeRecord, now: Timestamp) -> Result<(), StoreError>;

    /// Uses a code up.
    ///
    /// Of any number of concurrent calls with one key and its client, exactly one gets [`Consumed::Fresh`]; later
    /// ones get [`Consumed::Replayed`]. From `retain_until` on the code is `Absent`, whoever asks. Before that the
    /// owner is checked first, then whether it was used, then whether it has expired: `Foreign` and `Expired` leave
    /// it as it is.
    async fn consume_code(
        &self,
        key: &TokenHash,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Consumed, StoreError>;
}

const _: fn(&dyn CodeStore) = |_| ();

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{ClaimsRequest, GrantType};

    #[test]
    fn what_is_printed_of_a_code_holds_neither_nonce_nor_values_of_claims() {
        let client = ClientId::new("web").unwrap();
        let at = Timestamp::from_unix(0);
        let claims = ClaimsRequest::parse(r#"{"userinfo":{"email":{"value":"al@x.example"}}}"#).unwrap();
        let grant = Grant::new(GrantId::from_bytes([0; 16]), client, GrantType::AuthorizationCode, at)
            .with_claims(claims);
        let mut code = AuthorizationCode::new(grant);
        code.nonce = Some("n-0S6_WzA2Mj".to_owned());
        let printed = format!("{code:?}");
        assert!(printed.contains("email"), "{printed}");
        assert!(!printed.contains("n-0S6_WzA2Mj") && !printed.contains("al@x.example"), "{printed}");
    }
}
