//! The names by which a `ReplayStore` knows what clients, and others who vouch for somebody, use once.

use std::time::Duration;

use crate::secret::TokenHash;
use crate::types::ClientId;

/// By how much the clocks of two nodes may differ: a used value is remembered for that long after the last moment at which
/// a node accepts it.
pub(super) const NODE_SKEW: Duration = Duration::from_secs(120);

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
