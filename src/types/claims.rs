//! Claims, the `claims` parameter, and which scope asks for which claim.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::json::parse_strict;
use super::scope::Scope;

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
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClaimRequest {
    /// Whether the client calls the claim essential.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub essential: bool,
    /// The values asked for, the preferred first; empty when any will do. `value` counts as one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
}

/// Counts the values only: they are personal data.
impl std::fmt::Debug for ClaimRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let values = self.values.len();
        f.debug_struct("ClaimRequest").field("essential", &self.essential).field("values", &values).finish()
    }
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

/// Most bytes in a `claims` parameter.
pub const MAX_CLAIMS_BYTES: usize = 8 * 1024;

/// Most levels of objects and arrays in a `claims` parameter.
const MAX_CLAIMS_DEPTH: usize = 16;

impl ClaimsRequest {
    /// Whether it asks for nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.userinfo.is_empty() && self.id_token.is_empty()
    }

    /// Reads the parameter's JSON text.
    ///
    /// Members that OpenID Connect Core does not define are ignored; `null` asks for a claim plainly.
    ///
    /// # Errors
    /// [`InvalidClaims`] when the text is over its caps, names a member twice, or has another shape than section
    /// 5.5 describes.
    pub fn parse(text: &str) -> Result<Self, InvalidClaims> {
        let value = parse_strict(text.as_bytes(), MAX_CLAIMS_BYTES, MAX_CLAIMS_DEPTH);
        let Ok(Value::Object(mut members)) = value else {
            return Err(InvalidClaims);
        };
        let mut place = |name| members.remove(name).map_or(Ok(Vec::new()), requests);
        Ok(Self { userinfo: place("userinfo")?, id_token: place("id_token")? })
    }
}

/// The claims that one of the two members asks for.
fn requests(member: Value) -> Result<Vec<(String, ClaimRequest)>, InvalidClaims> {
    let Value::Object(claims) = member else {
        return Err(InvalidClaims);
    };
    claims.into_iter().map(|(name, request)| Ok((name, ClaimRequest::read(request)?))).collect()
}

impl ClaimRequest {
    /// Whether `value` is among the values asked for; any is where none was named.
    #[must_use]
    pub fn accepts(&self, value: &Value) -> bool {
        self.values.is_empty() || self.values.contains(value)
    }

    fn read(value: Value) -> Result<Self, InvalidClaims> {
        let mut members = match value {
            Value::Null => return Ok(Self::default()),
            Value::Object(members) => members,
            _ => return Err(InvalidClaims),
        };
        let essential = match members.remove("essential") {
            None => false,
            Some(Value::Bool(essential)) => essential,
            Some(_) => return Err(InvalidClaims),
        };
        let mut values: Vec<Value> = members.remove("value").into_iter().collect();
        match members.remove("values") {
            None => {}
            Some(Value::Array(more)) => values.extend(more),
            Some(_) => return Err(InvalidClaims),
        }
        Ok(Self { essential, values })
    }
}

/// A `claims` parameter that is no object of the right shape, over 8 KiB, or nested over 16 deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("claims must be a json object with userinfo and id_token members, up to 8192 bytes and 16 levels")]
pub struct InvalidClaims;

/// Whether `scope` asks for the claim, or for what is the same claim in another language: `name#fr` is let through like
/// `name` (OpenID Connect Core 1.0 section 5.2).
#[must_use]
pub(crate) fn is_of_scope(claim: &str, scope: &Scope) -> bool {
    let plain = claim.split('#').next().unwrap_or(claim);
    scope.iter().any(|scope| scope_claims(scope).contains(&plain))
}

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_example_of_the_specification_is_read_in_order() {
        let text = r#"{
           "userinfo": {
            "given_name": {"essential": true},
            "nickname": null,
            "email": {"essential": true},
            "http://example.info/claims/groups": null
           },
           "id_token": {
            "auth_time": {"essential": true},
            "acr": {"values": ["urn:mace:incommon:iap:silver"]},
            "sub": {"value": "248289761001", "unknown": 1}
           },
           "unknown": 7
          }"#;
        let request = ClaimsRequest::parse(text).unwrap();
        let names =
            |list: &[(String, ClaimRequest)]| list.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(
            names(&request.userinfo),
            ["given_name", "nickname", "email", "http://example.info/claims/groups"]
        );
        assert_eq!(names(&request.id_token), ["auth_time", "acr", "sub"]);
        assert!(request.userinfo[0].1.essential);
        assert_eq!(request.userinfo[1].1, ClaimRequest::default());
        assert_eq!(request.id_token[1].1.values, [json!("urn:mace:incommon:iap:silver")]);
        assert_eq!(
            request.id_token[2].1,
            ClaimRequest { essential: false, values: vec![json!("248289761001")] }
        );
    }

    /// attack 41: size, depth and repeated names are bounded before anything is kept.
    #[test]
    fn an_oversized_deep_or_ambiguous_parameter_is_refused() {
        let long = format!(r#"{{"userinfo":{{"a":{{"value":"{}"}}}}}}"#, "x".repeat(MAX_CLAIMS_BYTES));
        let nested = |levels: usize| {
            let levels = levels - 3;
            format!(r#"{{"userinfo":{{"a":{{"value":{}{}}}}}}}"#, "[".repeat(levels), "]".repeat(levels))
        };
        assert!(ClaimsRequest::parse(&nested(16)).is_ok());
        let repeated = r#"{"userinfo":{"a":null,"a":{"essential":true}}}"#;
        let megabyte = r#"{"a":"#.repeat(200_000);
        for text in [long.as_str(), &nested(17), &nested(1000), repeated, &megabyte] {
            assert_eq!(ClaimsRequest::parse(text), Err(InvalidClaims));
        }
    }

    #[test]
    fn another_shape_is_refused() {
        for text in [
            "",
            "null",
            "[]",
            r#"{"userinfo":[]}"#,
            r#"{"id_token":null}"#,
            r#"{"userinfo":{"a":true}}"#,
            r#"{"userinfo":{"a":{"essential":"yes"}}}"#,
            r#"{"userinfo":{"a":{"values":"x"}}}"#,
        ] {
            assert_eq!(ClaimsRequest::parse(text), Err(InvalidClaims), "{text}");
        }
    }
}
