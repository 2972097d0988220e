//! The names by which a `ReplayStore` knows what clients, and others who vouch for somebody, use once.

use crate::secret::TokenHash;
use crate::types::ClientId;

/// The name of a value of `client`, so that nobody can use up the values of another (attack 97).
///
/// A `client_id` has no control characters, so the two parts cannot run into each other.
pub(super) fn id(client: &ClientId, value: &str) -> TokenHash {
    TokenHash::of(&format!("{client}\0{value}"))
}

/// The name of a value of an issuer that the host trusts.
pub(super) fn id_of_issuer(issuer: &str, value: &str) -> TokenHash {
    TokenHash::of(&format!("{issuer}\0{value}"))
}
