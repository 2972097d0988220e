//! What kind of application a client is.

use serde::{Deserialize, Serialize};

/// The kind of application that a client says it is (`application_type`, OpenID Connect Dynamic Client Registration 1.0
/// section 2).
///
/// Registration holds redirect URIs against it; whatever else depends on where a client runs is told by the redirect
/// URIs themselves ([`Client::is_native`](crate::client::Client::is_native)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ApplicationType {
    /// It runs on a person's device.
    Native,
    /// It runs on a server or in a browser. The default.
    #[default]
    Web,
}
