//! Claims, the `claims` parameter, and which scope asks for which claim.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The claims of a subject: names and JSON values.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// No claims.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a claim; `null` adds nothing (OpenID Connect Core section 5.3.2).
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.insert(name, value);
        self
    }

    /// Adds or replaces a claim; `null` adds nothing.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        let value = value.into();
        if !value.is_null() {
            self.0.insert(name.into(), value);
        }
    }

    /// The value of `name`.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// All claims in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The claims as a JSON object.
    #[must_use]
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

impl From<Map<String, Value>> for Claims {
    fn from(map: Map<String, Value>) -> Self {
        Self(map)
    }
}

/// Prints names only: values are personal data.
impl std::fmt::Debug for Claims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Claims(")?;
        f.debug_list().entries(self.0.keys()).finish()?;
        f.write_str(")")
    }
}

/// How one claim is asked for (OpenID Connect Core 1.0 section 5.5.1).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClaimRequest {
    /// Whether the client calls the claim essential.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub essential: bool,
    /// The values asked for, the preferred first; empty when any will do. `value` counts as one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
}

/// The `claims` parameter (OpenID Connect Core 1.0 section 5.5).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClaimsRequest {
    /// Claims to return from userinfo, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub userinfo: Vec<(String, ClaimRequest)>,
    /// Claims to put into the ID token, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub id_token: Vec<(String, ClaimRequest)>,
}

/// A `claims` parameter that is no object of the right shape, over 8 KiB, or nested over 16 deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("claims must be a json object with userinfo and id_token members, up to 8192 bytes and 16 levels")]
pub struct InvalidClaims;

/// Which claims `scope` asks for (OpenID Connect Core 1.0 section 5.4); empty for other scopes.
#[must_use]
pub fn scope_claims(scope: &str) -> &'static [&'static str] {
    match scope {
        "profile" => &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
        "email" => &["email", "email_verified"],
        "address" => &["address"],
        "phone" => &["phone_number", "phone_number_verified"],
        _ => &[],
    }
}
