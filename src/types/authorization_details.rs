//! Authorization details: what a client asks to be allowed, in objects of its trade (RFC 9396 section 2).

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::json::{canonical_object, depth, parse_strict};
use super::resource::Resource;

/// Most bytes of `authorization_details` as JSON.
pub const MAX_AUTHORIZATION_DETAILS_BYTES: usize = 16 * 1024;

/// Most details in one request.
pub const MAX_AUTHORIZATION_DETAILS: usize = 16;

/// Most levels of objects and arrays, the array around all details included.
const MAX_DEPTH: usize = 16;

/// Most bytes in a `type`.
const MAX_TYPE_BYTES: usize = 256;

/// The common fields that are arrays of texts (RFC 9396 section 2.2).
const TEXT_LISTS: [&str; 4] = ["actions", "datatypes", "locations", "privileges"];

/// What is not the array of objects that RFC 9396 section 2 describes, or over its caps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("authorization_details must be an array of up to 16 objects with a type, up to 16 KiB and 16 levels")]
pub struct InvalidAuthorizationDetails;

/// One object of `authorization_details`. It has a `type`, and its common fields are of the shape of RFC 9396 section
/// 2.2; what else it may say, the type decides.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct AuthorizationDetail(Map<String, Value>);

impl AuthorizationDetail {
    /// A detail of these fields.
    ///
    /// # Errors
    /// [`InvalidAuthorizationDetails`] without a `type` of 1 to 256 bytes, when `locations`, `actions`, `datatypes` or
    /// `privileges` is not an array of texts or `identifier` not a text, or beyond the caps of a whole parameter.
    pub fn new(fields: Map<String, Value>) -> Result<Self, InvalidAuthorizationDetails> {
        let is_text_list = |value: &Value| {
            value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(Value::is_string))
        };
        let typed = fields.get("type").and_then(Value::as_str);
        let sound = typed.is_some_and(|name| (1..=MAX_TYPE_BYTES).contains(&name.len()))
            && TEXT_LISTS.iter().all(|name| fields.get(*name).is_none_or(is_text_list))
            && fields.get("identifier").is_none_or(Value::is_string);
        let detail = Self(fields);
        let bounded = || detail.json().len() <= MAX_AUTHORIZATION_DETAILS_BYTES && detail.depth() < MAX_DEPTH;
        if sound && bounded() { Ok(detail) } else { Err(InvalidAuthorizationDetails) }
    }

    /// Its `type`.
    #[must_use]
    pub fn type_name(&self) -> &str {
        self.0.get("type").and_then(Value::as_str).unwrap_or_default()
    }

    /// The value of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// All fields, `type` among them.
    #[must_use]
    pub const fn fields(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The texts of a common field that is a list, such as `actions`; none where it is absent.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.field(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// The same with a field added or replaced.
    ///
    /// # Errors
    /// [`InvalidAuthorizationDetails`] as for [`AuthorizationDetail::new`].
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Result<Self, InvalidAuthorizationDetails> {
        self.0.insert(name.to_owned(), value.into());
        Self::new(self.0)
    }

    /// Whether it is for one of these audiences: it names no `locations`, or one that an audience covers.
    #[must_use]
    pub fn is_for(&self, audience: &[String]) -> bool {
        let mut locations = self.texts("locations").peekable();
        let covered = |location: &str| audience.iter().any(|known| Resource::covers(known, location));
        locations.peek().is_none() || locations.any(covered)
    }

    /// SHA-256 of what it says, whatever the order of its fields, in base64url: what remembered consent keeps.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(self.json()))
    }

    fn json(&self) -> String {
        canonical_object(&self.0)
    }

    fn depth(&self) -> usize {
        1 + self.0.values().map(depth).max().unwrap_or(0)
    }
}

/// Prints the type and the names of fields: values are somebody's business.
impl fmt::Debug for AuthorizationDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthorizationDetail({:?}, ", self.type_name())?;
        f.debug_list().entries(self.0.keys().filter(|name| *name != "type")).finish()?;
        f.write_str(")")
    }
}

impl TryFrom<Map<String, Value>> for AuthorizationDetail {
    type Error = InvalidAuthorizationDetails;
    fn try_from(fields: Map<String, Value>) -> Result<Self, InvalidAuthorizationDetails> {
        Self::new(fields)
    }
}

impl From<AuthorizationDetail> for Map<String, Value> {
    fn from(detail: AuthorizationDetail) -> Self {
        detail.0
    }
}

/// `authorization_details`: up to 16 objects in up to 16 KiB and 16 levels, in order, each once (RFC 9396 section 2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<AuthorizationDetail>", into = "Vec<AuthorizationDetail>")]
pub struct AuthorizationDetails(Vec<AuthorizationDetail>);

impl AuthorizationDetails {
    /// None.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Vec::new())
    }

    /// These details; a repeated one counts once, at its first place.
    ///
    /// # Errors
    /// [`InvalidAuthorizationDetails`] for more than 16, or over 16 KiB in all.
    pub fn new(
        details: impl IntoIterator<Item = AuthorizationDetail>,
    ) -> Result<Self, InvalidAuthorizationDetails> {
        let (mut distinct, mut bytes) = (Vec::new(), 2);
        for detail in details {
            if distinct.contains(&detail) {
                continue;
            }
            bytes += detail.json().len() + 1;
            if distinct.len() == MAX_AUTHORIZATION_DETAILS || bytes > MAX_AUTHORIZATION_DETAILS_BYTES {
                return Err(InvalidAuthorizationDetails);
            }
            distinct.push(detail);
        }
        Ok(Self(distinct))
    }

    /// Reads the parameter's JSON text. It names no member twice, and holds at least one detail.
    ///
    /// # Errors
    /// [`InvalidAuthorizationDetails`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidAuthorizationDetails> {
        match parse_strict(text.as_bytes(), MAX_AUTHORIZATION_DETAILS_BYTES, MAX_DEPTH) {
            Ok(Value::Array(items)) if (1..=MAX_AUTHORIZATION_DETAILS).contains(&items.len()) => {
                Self::from_items(items)
            }
            _ => Err(InvalidAuthorizationDetails),
        }
    }

    /// What [`AuthorizationDetails::to_value`] has made.
    pub(crate) fn from_value(value: Value) -> Result<Self, InvalidAuthorizationDetails> {
        match value {
            Value::Array(items) => Self::from_items(items),
            _ => Err(InvalidAuthorizationDetails),
        }
    }

    fn from_items(items: Vec<Value>) -> Result<Self, InvalidAuthorizationDetails> {
        let details = items.into_iter().map(|item| match item {
            Value::Object(fields) => AuthorizationDetail::new(fields),
            _ => Err(InvalidAuthorizationDetails),
        });
        Self::new(details.collect::<Result<Vec<_>, _>>()?)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The details in order.
    pub fn iter(&self) -> impl Iterator<Item = &AuthorizationDetail> {
        self.0.iter()
    }

    /// Those that are for one of these audiences, by [`AuthorizationDetail::is_for`].
    #[must_use]
    pub fn for_audience(&self, audience: &[String]) -> Self {
        self.filtered(|detail| detail.is_for(audience))
    }

    /// Those that `keep` holds.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&AuthorizationDetail) -> bool) -> Self {
        Self(self.0.iter().filter(|detail| keep(detail)).cloned().collect())
    }

    /// The details as JSON.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Value::Array(self.0.iter().map(|detail| Value::Object(detail.0.clone())).collect())
    }

    /// SHA-256 of what all of them say, in base64url.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let all: Vec<_> = self.0.iter().map(AuthorizationDetail::json).collect();
        BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(all.join(",")))
    }

    /// Levels of objects and arrays, the array around all details included.
    pub(crate) fn depth(&self) -> usize {
        1 + self.0.iter().map(AuthorizationDetail::depth).max().unwrap_or(0)
    }

    /// Bytes as JSON, at most.
    pub(crate) fn bytes(&self) -> usize {
        2 + self.0.iter().map(|detail| detail.json().len() + 1).sum::<usize>()
    }
}

impl TryFrom<Vec<AuthorizationDetail>> for AuthorizationDetails {
    type Error = InvalidAuthorizationDetails;
    fn try_from(details: Vec<AuthorizationDetail>) -> Result<Self, InvalidAuthorizationDetails> {
        Self::new(details)
    }
}

impl From<AuthorizationDetails> for Vec<AuthorizationDetail> {
    fn from(details: AuthorizationDetails) -> Self {
        details.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Result<AuthorizationDetails, InvalidAuthorizationDetails> {
        AuthorizationDetails::parse(text)
    }

    fn nested(levels: usize) -> String {
        format!(r#"[{{"type":"a","x":{}{}}}]"#, "[".repeat(levels), "]".repeat(levels))
    }

    /// attack 144: what is not an array of typed objects of the right shape, or over a cap, is refused.
    #[test]
    fn only_bounded_arrays_of_typed_objects_are_details() {
        assert!(parse(r#"[{"type":"a","locations":["https://rs.example"],"actions":["read"]}]"#).is_ok());
        for text in [
            "",
            "{}",
            "[]",
            "null",
            "[1]",
            "[null]",
            r#"{"type":"a"}"#,
            "[{}]",
            r#"[{"type":""}]"#,
            r#"[{"type":1}]"#,
            r#"[{"type":"a","type":"b"}]"#,
            r#"[{"type":"a","x":{"y":1,"y":2}}]"#,
            r#"[{"type":"a","locations":"https://rs.example"}]"#,
            r#"[{"type":"a","locations":[]}]"#,
            r#"[{"type":"a","actions":[1]}]"#,
            r#"[{"type":"a","datatypes":{}}]"#,
            r#"[{"type":"a","privileges":null}]"#,
            r#"[{"type":"a","identifier":7}]"#,
            r#"[{"type":"a"}] x"#,
        ] {
            assert_eq!(parse(text), Err(InvalidAuthorizationDetails), "{text}");
        }
        assert!(parse(&format!(r#"[{{"type":"{}"}}]"#, "a".repeat(257))).is_err());
    }

    /// attack 144: the caps, at their edges.
    #[test]
    fn caps_hold_at_their_edges() {
        assert!(parse(&nested(14)).is_ok());
        assert_eq!(parse(&nested(15)), Err(InvalidAuthorizationDetails));
        assert_eq!(parse(&nested(15_000)), Err(InvalidAuthorizationDetails));
        let many = |count: usize| {
            let details: Vec<_> = (0..count).map(|n| json!({"type": "a", "n": n})).collect();
            parse(&json!(details).to_string())
        };
        assert!(many(16).is_ok());
        assert_eq!(many(17), Err(InvalidAuthorizationDetails));
        let long = |bytes: usize| parse(&json!([{"type": "a", "x": "y".repeat(bytes)}]).to_string());
        assert!(long(16_000).is_ok());
        assert_eq!(long(16 * 1024), Err(InvalidAuthorizationDetails));
        assert_eq!(long(200 * 1024), Err(InvalidAuthorizationDetails));
    }

    /// attack 144: what a host adds is bounded as what a client asks for is.
    #[test]
    fn what_a_host_adds_is_bounded_too() {
        let detail = parse(r#"[{"type":"a"}]"#).unwrap().iter().next().unwrap().clone();
        assert!(detail.clone().with("x", "y".repeat(16 * 1024)).is_err());
        assert!(detail.clone().with("type", Value::Null).is_err());
        let flood = (0..17).map(|n| detail.clone().with("n", n).unwrap());
        assert!(AuthorizationDetails::new(flood).is_err());
        let large = (0..3).map(|n| detail.clone().with("x", format!("{n}{}", "y".repeat(8000))).unwrap());
        assert!(AuthorizationDetails::new(large).is_err());
    }

    #[test]
    fn a_repeated_detail_counts_once() {
        let details = parse(r#"[{"type":"a","n":1},{"n":1,"type":"a"},{"type":"a","n":2}]"#).unwrap();
        assert_eq!(details.iter().count(), 2);
    }

    #[test]
    fn a_fingerprint_is_of_what_is_said_and_not_of_its_order() {
        let of = |text: &str| parse(text).unwrap().iter().next().unwrap().fingerprint();
        let one = of(r#"[{"type":"a","x":{"b":[1,2],"a":null}}]"#);
        assert_eq!(one, of(r#"[{"x":{"a":null,"b":[1,2]},"type":"a"}]"#));
        for other in [
            r#"[{"type":"a","x":{"b":[2,1],"a":null}}]"#,
            r#"[{"type":"a","x":{"b":[1,2]}}]"#,
            r#"[{"type":"b","x":{"b":[1,2],"a":null}}]"#,
            r#"[{"type":"a","x":"{\"a\":null,\"b\":[1,2]}"}]"#,
        ] {
            assert_ne!(one, of(other), "{other}");
        }
    }

    #[test]
    fn locations_say_for_whom_a_detail_is() {
        let of = |text: &str| parse(text).unwrap().iter().next().unwrap().clone();
        let audience = ["https://rs.example".to_owned(), "urn:example:rs".to_owned()];
        for text in [
            r#"[{"type":"a"}]"#,
            r#"[{"type":"a","locations":["https://rs.example"]}]"#,
            r#"[{"type":"a","locations":["https://other.example","https://rs.example/accounts"]}]"#,
            r#"[{"type":"a","locations":["urn:example:rs"]}]"#,
        ] {
            assert!(of(text).is_for(&audience), "{text}");
        }
        for text in [
            r#"[{"type":"a","locations":["https://rs.example.evil.example"]}]"#,
            r#"[{"type":"a","locations":["https://other.example"]}]"#,
            r#"[{"type":"a","locations":["urn:example:rs:more"]}]"#,
        ] {
            assert!(!of(text).is_for(&audience), "{text}");
        }
    }

    #[test]
    fn what_is_printed_holds_no_value() {
        let details = parse(r#"[{"type":"payment","creditor":"DE02100100109307118603"}]"#).unwrap();
        let printed = format!("{details:?}");
        assert!(printed.contains("payment") && printed.contains("creditor"), "{printed}");
        assert!(!printed.contains("DE0210"), "{printed}");
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            ".{0,6}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".{0,3}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(values in prop::collection::vec(json_value(), 1..5)) {
            let details: Vec<_> = values.into_iter().map(|x| json!({"type": "a", "x": x})).collect();
            let read = parse(&json!(details).to_string()).unwrap();
            prop_assert_eq!(&parse(&read.to_value().to_string()).unwrap(), &read);
            prop_assert_eq!(&AuthorizationDetails::from_value(read.to_value()).unwrap(), &read);
            prop_assert!(read.bytes() >= read.to_value().to_string().len());
            let stored = serde_json::to_string(&read).unwrap();
            prop_assert_eq!(&serde_json::from_str::<AuthorizationDetails>(&stored).unwrap(), &read);
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,80}") {
            let _ = parse(&text);
        }

        /// Property 5: a filter by audience gives no detail that was not there.
        #[test]
        fn an_audience_never_widens(hosts in prop::collection::vec("[a-c]", 1..6), audience in "[a-c]") {
            let url = |host: &String| format!("https://{host}.example");
            let details: Vec<_> =
                hosts.iter().enumerate().map(|(n, host)| json!({"type": "a", "n": n, "locations": [url(host)]})).collect();
            let details = parse(&json!(details).to_string()).unwrap();
            let kept = details.for_audience(&[url(&audience)]);
            prop_assert!(kept.iter().all(|kept| details.iter().any(|all| all == kept)));
            prop_assert_eq!(kept.iter().count(), hosts.iter().filter(|host| **host == audience).count());
        }
    }
}
