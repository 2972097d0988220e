//! What of a person's claims goes out to a client (OpenID Connect Core 1.0 sections 5.2, 5.4 to 5.6).

use serde_json::{Map, Value};

use crate::provider::format::id_token;
use crate::types::{ClaimRequest, Claims, Scope};

/// Claims that the provider alone sets in an ID token or a userinfo response, or that mean something else in one.
///
/// With `iat` and `exp`, a signed userinfo response would pass for an ID token.
const RESERVED: [&str; 24] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "azp",
    "at_hash",
    "c_hash",
    "s_hash",
    "sid",
    "cnf",
    "act",
    "may_act",
    "events",
    "client_id",
    "scope",
    id_token::AUTH_REQ_ID,
    id_token::RT_HASH,
];

/// Which source has which aggregated or distributed claim (OpenID Connect Core 1.0 section 5.6.2).
const CLAIM_NAMES: &str = "_claim_names";

/// The sources.
const CLAIM_SOURCES: &str = "_claim_sources";

/// What a client may know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// The scope whose claims it may know.
    pub(crate) scope: &'a Scope,
    /// Claims asked for by name.
    pub(crate) names: &'a [(String, ClaimRequest)],
}

impl Asked<'_> {
    /// What of `account` the client may know: the claims asked for, and what stands for them at other sources.
    ///
    /// A claim in another language, `name#fr`, is let through like the claim itself.
    pub(crate) fn released(&self, account: &Claims) -> Claims {
        select(account, |name, value| self.includes(name, value))
    }

    /// Values that were asked for cannot be compared with what is at another source.
    fn includes(&self, name: &str, value: Option<&Value>) -> bool {
        let mut asked = self.names.iter().filter(|(asked, _)| asked == name || asked == plain(name));
        let accepted =
            |request: &ClaimRequest| value.map_or(request.values.is_empty(), |value| request.accepts(value));
        self.scope.asks_for(name) || asked.any(|(_, request)| accepted(request))
    }
}

/// `claims` without those that the provider alone sets, whether by value or from another source.
pub(crate) fn unreserved(claims: &Claims) -> Claims {
    select(claims, |_, _| true)
}

fn select(account: &Claims, includes: impl Fn(&str, Option<&Value>) -> bool) -> Claims {
    let includes = |name: &str, value: Option<&Value>| !is_reserved(name) && includes(name, value);
    let mut claims = Claims::new();
    for (name, value) in account.iter() {
        // What is not known is left out (OpenID Connect Core 1.0 section 5.3.2).
        let is_known = !value.is_null() && value != "";
        if is_known && includes(name, Some(value)) && ![CLAIM_NAMES, CLAIM_SOURCES].contains(&name) {
            claims.insert(name, value.clone());
        }
    }
    if let Some((names, sources)) = referred(account, |name| includes(name, None)) {
        claims.insert(CLAIM_NAMES, names);
        claims.insert(CLAIM_SOURCES, sources);
    }
    claims
}

/// The names and sources that may go out. A source goes as it is, so it goes only if every claim that it is named for
/// may.
fn referred(account: &Claims, includes: impl Fn(&str) -> bool) -> Option<(Value, Value)> {
    let names = account.value(CLAIM_NAMES)?.as_object()?;
    let all = account.value(CLAIM_SOURCES)?.as_object()?;
    let mut sources = Map::new();
    for (source, content) in all.iter().filter(|(_, content)| content.is_object()) {
        let mut referring = names.iter().filter(|(_, of)| *of == source).map(|(name, _)| name).peekable();
        if referring.peek().is_some() && referring.all(|name| includes(name)) {
            sources.insert(source.clone(), content.clone());
        }
    }
    let is_kept = |of: &Value| of.as_str().is_some_and(|of| sources.contains_key(of));
    let names: Map<_, _> = names.clone().into_iter().filter(|(_, of)| is_kept(of)).collect();
    (!names.is_empty()).then(|| (names.into(), sources.into()))
}

fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&plain(name))
}

/// The name without its language tag.
fn plain(name: &str) -> &str {
    name.split('#').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn released(scope: &str, names: &[(&str, ClaimRequest)], account: Value) -> Value {
        let scope = Scope::parse(scope).unwrap();
        let names: Vec<_> =
            names.iter().map(|(name, request)| ((*name).to_owned(), request.clone())).collect();
        let Value::Object(account) = account else { panic!("the account is an object") };
        Asked { scope: &scope, names: &names }.released(&account.into()).into_map().into()
    }

    fn plainly(name: &str) -> (&str, ClaimRequest) {
        (name, ClaimRequest::default())
    }

    #[test]
    fn a_language_goes_with_its_claim_and_not_the_other_way_round() {
        let account = json!({"name": "Anna", "name#de": "Änne", "nickname#fr": "Nana", "email#de": "x"});
        let by_scope = json!({"name": "Anna", "name#de": "Änne", "nickname#fr": "Nana"});
        assert_eq!(released("profile", &[], account.clone()), by_scope);
        let by_name = json!({"name": "Anna", "name#de": "Änne"});
        assert_eq!(released("openid", &[plainly("name")], account.clone()), by_name);
        assert_eq!(released("openid", &[plainly("name#de")], account), json!({"name#de": "Änne"}));
    }

    #[test]
    fn a_reserved_claim_goes_out_by_no_name() {
        let account: Map<_, _> = RESERVED
            .iter()
            .flat_map(|name| [(*name).to_owned(), format!("{name}#de")])
            .map(|name| (name, 1.into()))
            .collect();
        let names: Vec<_> = account.keys().map(|name| plainly(name)).collect();
        assert_eq!(released("openid profile", &names, account.clone().into()), json!({}));
        assert!(unreserved(&account.clone().into()).is_empty());
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let account = json!({"name": null, "nickname": "", "given_name": "null", "email_verified": false});
        let told = json!({"given_name": "null", "email_verified": false});
        assert_eq!(released("profile email", &[plainly("name")], account), told);
    }

    #[test]
    fn a_source_goes_whole_or_not_at_all() {
        let sources = json!({
            "bank": {"JWT": "a.b.c"},
            "doctor": {"endpoint": "https://doctor.example/claims", "access_token": "t"},
            "nobody": {"JWT": "d.e.f"},
            "broken": "g.h.i",
        });
        let names = |names: Value| json!({"_claim_names": names, "_claim_sources": sources});
        let only = |names: Value, source: &str| json!({"_claim_names": names, "_claim_sources": {source: sources[source]}});
        let rows = [
            (json!({"email": "bank", "birthdate": "doctor"}), only(json!({"email": "bank"}), "bank")),
            (
                json!({"email": "bank", "email#de": "bank"}),
                only(json!({"email": "bank", "email#de": "bank"}), "bank"),
            ),
            (json!({"blood": "doctor"}), only(json!({"blood": "doctor"}), "doctor")),
            (json!({"email": "bank", "birthdate": "bank"}), json!({})),
            (json!({"email": "bank", "sub": "bank"}), json!({})),
            (json!({"email": "broken"}), json!({})),
            (json!({"email": "absent"}), json!({})),
            (json!({"email": ["bank"]}), json!({})),
            (json!(["email", "bank"]), json!({})),
        ];
        for (row, expected) in rows {
            assert_eq!(released("email", &[plainly("blood")], names(row.clone())), expected, "{row}");
        }
        let valued = ("blood", ClaimRequest { essential: false, values: vec!["A+".into()] });
        assert_eq!(released("email", &[valued], names(json!({"blood": "doctor"}))), json!({}));
        let by_name = [plainly(CLAIM_NAMES), plainly(CLAIM_SOURCES)];
        assert_eq!(released("openid", &by_name, names(json!({"email": "bank"}))), json!({}));
    }
}
