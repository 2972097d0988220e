//! RFC 9068 section 4, RFC 6750 section 2: access tokens that a resource server verifies by itself.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe::client::AccessTokenFormatChoice;
use vouchsafe::error::Reason;
use vouchsafe::event::EventKind;
use vouchsafe::jose::{JoseSigner, JwkSet, MacAlg, SigningAlg};
use vouchsafe::provider::DpopConfig;
use vouchsafe::resource::{BuildError, Requirement, TrustedIssuer, Verifier};
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::testing::{
    DEFAULT_AUDIENCE, HttpTable, ISSUER, ManualRuntime, authorize_form, code_form, keyring, mac_jwt,
};
use vouchsafe::types::FetchUrl;
use vouchsafe::wire::HttpErrorKind;

use crate::resource_api::{
    Api, Call, InProcess, challenges, issued, issuing, keys, photos, signed, signed_by, trusted,
};

const JWKS_URI: &str = "https://op.example/jwks";

fn bearer(token: &str) -> Call {
    Call::with("Bearer", token)
}

#[test]
fn the_tokens_of_the_provider_are_taken() {
    for format in [AccessTokenFormatChoice::Jwt, AccessTokenFormatChoice::JwtStateless] {
        let (h, api) = (issuing(format), Api::of_jwts());
        let access = api.lets_through(&bearer(&issued(&h)));
        assert_eq!((access.subject(), access.client_id()), (Some("alice"), Some("web")));
        assert_eq!((access.issuer(), access.scope().as_str()), (ISSUER, "openid read"));
        assert_eq!(access.audience(), [DEFAULT_AUDIENCE]);
        assert_eq!(access.expires_at(), Some(h.now().plus(Duration::from_secs(600))));
        assert_eq!((access.auth_time(), access.confirmation()), (Some(h.now()), None));
        assert!(
            access.claim("jti").is_some_and(Value::is_string) && access.authorization_details().is_empty()
        );
        assert!(!format!("{access:?}").contains("alice"));
    }
}

/// RFC 9110 section 11.1: a scheme is read in any case.
#[test]
fn the_scheme_is_read_in_any_case() {
    let api = Api::of_jwts();
    for scheme in ["Bearer", "bearer", "BEARER"] {
        assert_eq!(api.lets_through(&Call::with(scheme, &api.token())).subject(), Some("alice"));
    }
}

/// attack 203: a token in the query is refused, a good one in the header beside it or not, in every spelling.
#[test]
fn a_token_in_the_query_is_refused() {
    let api = Api::of_jwts();
    let token = api.token();
    let spellings = ["access_token=", "a=b&access_token=", "%61ccess_token=", "a=%zz&access_token="];
    for query in spellings {
        let bare = Call::get(&format!("/photos?{query}{token}"));
        for call in [bare.clone(), bare.header("authorization", &format!("Bearer {token}"))] {
            let refused = api.refuses(&call, Reason::AccessTokenInQuery);
            assert_eq!(refused.response().status(), 400);
            assert_eq!(challenges(&refused)[0].parameter("error"), Some("invalid_request"));
        }
    }
    let other = Call::get("/photos?q=%zz").header("authorization", &format!("Bearer {token}"));
    let _ = api.lets_through(&other);
}

/// attack 204: one `Authorization` header, with one token.
#[test]
fn two_headers_are_refused() {
    let api = Api::of_jwts();
    let header = format!("Bearer {}", api.token());
    let twice = bearer(&api.token()).header("authorization", &header);
    let refused = api.refuses(&twice, Reason::AuthorizationHeaderMalformed);
    assert_eq!(refused.response().status(), 400);
    for text in ["Bearer", "Bearer ", "Bearer a b", "Bearer a,b", "bearer \u{e9}"] {
        let call = Call::get("/photos").header("authorization", text);
        let _ = api.refuses(&call, Reason::AuthorizationHeaderMalformed);
    }
}

/// RFC 6750 section 3.1: whoever brings no token is told of no error.
#[test]
fn a_request_without_a_token_is_told_that_one_is_needed() {
    let api = Api::of_jwts();
    let none = Call::get("/photos");
    for call in
        [none.clone(), none.header("authorization", "Basic d2ViOng="), Call::with("DPoP", &api.token())]
    {
        let refused = api.refuses(&call, Reason::AccessTokenMissing);
        assert_eq!(
            refused.response().headers()["www-authenticate"],
            "Bearer realm=\"https://api.example\", \
             resource_metadata=\"https://api.example/.well-known/oauth-protected-resource\""
        );
    }
}

/// RFC 9068 section 4, attack 159, attack 160: each claim counts.
#[test]
fn a_claim_that_is_missing_or_wrong_is_refused() {
    let api = Api::of_jwts();
    let now = api.now().unix();
    let without = |name: &str| {
        let mut claims = api.claims();
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    let with = |name: &str, value: Value| {
        let mut claims = api.claims();
        claims[name] = value;
        claims
    };
    for (claims, reason) in [
        (with("iss", json!("https://evil.example")), Reason::AccessTokenIssuer),
        (with("iss", json!("https://op.example/")), Reason::AccessTokenIssuer),
        (without("aud"), Reason::AccessTokenAudience),
        (with("aud", json!("https://api.example/")), Reason::AccessTokenAudience),
        (with("aud", json!(["https://files.example"])), Reason::AccessTokenAudience),
        (with("aud", json!([])), Reason::AccessTokenAudience),
        (with("aud", json!([DEFAULT_AUDIENCE, 1])), Reason::AccessTokenAudience),
        (without("exp"), Reason::AccessTokenClaims),
        (with("exp", json!("1")), Reason::AccessTokenClaims),
        (with("exp", json!(1e300)), Reason::AccessTokenClaims),
        (with("exp", json!(now)), Reason::AccessTokenExpired),
        (with("exp", json!(0)), Reason::AccessTokenExpired),
        (with("iat", json!(now + 11)), Reason::AccessTokenNotYetValid),
        (with("nbf", json!(now + 11)), Reason::AccessTokenNotYetValid),
        (without("iat"), Reason::AccessTokenClaims),
        (without("sub"), Reason::AccessTokenClaims),
        (without("client_id"), Reason::AccessTokenClaims),
        (without("jti"), Reason::AccessTokenClaims),
        (with("scope", json!(["read"])), Reason::AccessTokenClaims),
        (with("scope", json!("a\"b")), Reason::AccessTokenClaims),
        (with("auth_time", json!("now")), Reason::AccessTokenClaims),
        (with("authorization_details", json!({})), Reason::AccessTokenClaims),
        (with("cnf", json!({ "kid": "1" })), Reason::AccessTokenConfirmation),
        (with("cnf", json!(null)), Reason::AccessTokenConfirmation),
    ] {
        let refused = api.refuses(&bearer(&signed("at+jwt", &claims)), reason);
        assert_eq!(challenges(&refused)[0].parameter("error"), Some("invalid_token"), "{claims}");
    }
    for sound in [
        with("exp", json!(now + 1)),
        with("iat", json!(now + 10)),
        with("nbf", json!(now + 10)),
        with("aud", json!(["https://files.example", DEFAULT_AUDIENCE])),
        without("scope"),
    ] {
        let _ = api.lets_through(&bearer(&signed("at+jwt", &sound)));
    }
}

/// A token ends to the second.
#[test]
fn a_token_ends() {
    let api = Api::of_jwts();
    let token = api.token();
    api.advance(Duration::from_secs(299));
    let _ = api.lets_through(&bearer(&token));
    api.advance(Duration::from_secs(1));
    let _ = api.refuses(&bearer(&token), Reason::AccessTokenExpired);
}

/// attack 161, attack 162: what is signed for another purpose is no access token.
#[test]
fn a_token_of_another_kind_is_refused() {
    let (h, api) = (issuing(AccessTokenFormatChoice::Jwt), Api::of_jwts());
    let asked = authorize_form();
    let tokens = h.redeem(code_form(&asked, &h.code(&asked, "alice"))).issued();
    let _ = api.refuses(&bearer(&tokens.id_token.unwrap()), Reason::AccessTokenType);
    for typ in ["JWT", "jwt", "logout+jwt", "token-introspection+jwt", "at"] {
        let _ = api.refuses(&bearer(&signed(typ, &api.claims())), Reason::AccessTokenType);
    }
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt"] {
        let _ = api.lets_through(&bearer(&signed(typ, &api.claims())));
    }
}

/// attack 87, attack 88: neither algorithm nor key is the token's to choose.
#[test]
fn a_token_that_its_issuer_has_not_signed_is_refused() {
    let api = Api::of_jwts();
    let stranger = JoseSigner::generate(SigningAlg::Es256).unwrap();
    let _ =
        api.refuses(&bearer(&signed_by("at+jwt", &api.claims(), &stranger)), Reason::AccessTokenSignature);
    let (head, signature) = api.token().rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let bent = format!("{head}.{}{}", if signature.starts_with('A') { 'B' } else { 'A' }, &signature[1..]);
    let _ = api.refuses(&bearer(&bent), Reason::AccessTokenSignature);
    let public = keys().to_value().to_string();
    let header = json!({ "alg": "HS256", "typ": "at+jwt" });
    let confused = mac_jwt(&header, &api.claims(), (MacAlg::Hs256, public.as_bytes()));
    let _ = api.refuses(&bearer(&confused), Reason::AccessTokenAlgorithm);
    let part = |value: &Value| {
        use base64::Engine as _;
        base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
    };
    let none = json!({ "alg": "none", "typ": "at+jwt" });
    let unsigned = format!("{}.{}.AA", part(&none), part(&api.claims()));
    let _ = api.refuses(&bearer(&unsigned), Reason::AccessTokenAlgorithm);
    let rs256 = keyring().signer(SigningAlg::Rs256).unwrap();
    let by_rs256 = signed_by("at+jwt", &api.claims(), &*rs256);
    let _ = api.lets_through(&bearer(&by_rs256));
    let strict = trusted().with_keys(keys()).with_algorithms(&[SigningAlg::Es256]);
    let strict = Api::trusting(strict, |builder| builder);
    let _ = strict.refuses(&bearer(&by_rs256), Reason::AccessTokenAlgorithm);
}

/// attack 145, attack 146: what is no JWT is none, where nobody is asked about others.
#[test]
fn what_cannot_be_read_is_refused() {
    let api = Api::of_jwts();
    let dots = ".".repeat(8000);
    for text in ["x", "a.b.c", "a.b.c.d.e", &format!("a{dots}a"), &"a".repeat(12_000)] {
        let _ = api.refuses(&bearer(text), Reason::AccessTokenUnreadable);
    }
}

/// A key of one issuer signs nothing for another, of however many there are.
#[test]
fn issuers_are_kept_apart() {
    let (one, other) = ("https://one.example", "https://other.example");
    let key = JoseSigner::generate(SigningAlg::Es256).unwrap();
    let set = JwkSet::parse(&json!({ "keys": [key.public_key().to_value()] })).unwrap();
    let api = Api::trusting(TrustedIssuer::new(one).with_keys(keys()), |builder| {
        builder.issuer(TrustedIssuer::new(other).with_keys(set).with_audiences(["photos"]))
    });
    let claims = |iss: &str, aud: &str| {
        let mut claims = api.claims();
        (claims["iss"], claims["aud"]) = (iss.into(), aud.into());
        claims
    };
    let by_other = |claims: &Value| bearer(&signed_by("at+jwt", claims, &key));
    assert_eq!(api.lets_through(&bearer(&signed("at+jwt", &claims(one, DEFAULT_AUDIENCE)))).issuer(), one);
    assert_eq!(api.lets_through(&by_other(&claims(other, "photos"))).issuer(), other);
    let _ = api.refuses(&by_other(&claims(one, DEFAULT_AUDIENCE)), Reason::AccessTokenSignature);
    let _ = api.refuses(&bearer(&signed("at+jwt", &claims(other, "photos"))), Reason::AccessTokenSignature);
    let _ = api.refuses(&by_other(&claims(other, DEFAULT_AUDIENCE)), Reason::AccessTokenAudience);
}

fn fetching(http: &Arc<HttpTable>, runtime: &Arc<ManualRuntime>) -> Api {
    let issuer = trusted().with_keys_at(FetchUrl::parse(JWKS_URI).unwrap());
    Api::trusting(issuer, |builder| builder.http_client(http.clone()).runtime(runtime.clone()))
}

#[test]
fn keys_are_fetched_when_a_token_needs_them() {
    let (http, runtime) = (Arc::new(HttpTable::new()), Arc::new(ManualRuntime::new()));
    let api = fetching(&http, &runtime);
    let refused = api.refuses(&bearer(&api.token()), Reason::IssuerKeysUnavailable);
    assert_eq!(refused.response().status(), 503);
    assert!(refused.response().headers().contains_key("retry-after"));
    assert!(!refused.response().headers().contains_key("www-authenticate"));
    http.serve_json(JWKS_URI, &keys().to_value());
    let _ = runtime.advance(Duration::from_secs(10));
    let _ = api.lets_through(&bearer(&api.token()));
    assert!(
        matches!(api.events.take()[..], [ref event] if matches!(event.kind, EventKind::ClientKeysFetched { keys: 2, .. }))
    );
    let _ = api.lets_through(&bearer(&api.token()));
    assert_eq!(http.take_requests().len(), 2, "the set is kept");
    http.fail(JWKS_URI, HttpErrorKind::Unreachable);
    let _ = runtime.advance(Duration::from_secs(3600));
    let _ = api.lets_through(&bearer(&api.token()));
}

/// attack 165: a flood of unknown keys causes one fetch for each cooldown, and known ones go on.
#[test]
fn a_new_key_is_looked_up_once_in_a_while() {
    let (http, runtime) = (Arc::new(HttpTable::new()), Arc::new(ManualRuntime::new()));
    let api = fetching(&http, &runtime);
    http.serve_json(JWKS_URI, &keys().to_value());
    let _ = api.lets_through(&bearer(&api.token()));
    let new = JoseSigner::generate(SigningAlg::Es256).unwrap();
    let by_new = signed_by("at+jwt", &api.claims(), &new);
    for _ in 0..50 {
        let _ = api.refuses(&bearer(&by_new), Reason::AccessTokenSignature);
        let _ = api.lets_through(&bearer(&api.token()));
    }
    assert_eq!(http.take_requests().len(), 2);
    http.serve_json(JWKS_URI, &json!({ "keys": [new.public_key().to_value()] }));
    let _ = runtime.advance(Duration::from_secs(10));
    let _ = api.lets_through(&bearer(&by_new));
    let _ = api.refuses(&bearer(&api.token()), Reason::AccessTokenSignature);
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let build = |issuers: Vec<TrustedIssuer>| {
        let builder = Verifier::builder(photos());
        issuers.into_iter().fold(builder, |builder, issuer| builder.issuer(issuer)).build().unwrap_err()
    };
    let at = || trusted().with_keys_at(FetchUrl::parse(JWKS_URI).unwrap());
    let h = issuing(AccessTokenFormatChoice::Opaque);
    let asked = |issuer: &str| TrustedIssuer::new(issuer).with_introspection(InProcess::new(&h));
    assert!(matches!(build(vec![]), BuildError::Needs { part: "an issuer", .. }));
    assert!(matches!(build(vec![trusted()]), BuildError::Needs { part: "keys or introspection", .. }));
    assert!(matches!(build(vec![at()]), BuildError::Needs { feature: "a jwks_uri", .. }));
    let twice = build(vec![trusted().with_keys(keys()), trusted().with_keys(keys())]);
    assert!(matches!(twice, BuildError::IssuerRepeated { .. }));
    let no_algs = build(vec![trusted().with_keys(keys()).with_algorithms(&[])]);
    assert!(matches!(no_algs, BuildError::Bounds { setting: "algorithms", .. }));
    assert_eq!(
        build(vec![asked("https://a.example"), asked("https://b.example")]),
        BuildError::OpaquePrefixRepeated
    );
    let sound = || Verifier::builder(photos()).issuer(trusted().with_keys(keys()));
    assert_eq!(sound().alias("api.example").build().unwrap_err(), BuildError::Alias);
    let long = sound().introspection_lifetime(Duration::from_secs(301)).build().unwrap_err();
    assert!(matches!(long, BuildError::Bounds { setting: "introspection_lifetime", .. }));
    let dpop = DpopConfig::new().with_max_age(Duration::from_secs(301));
    let old = sound().dpop(dpop, Arc::new(MemoryStore::new())).build().unwrap_err();
    assert!(matches!(old, BuildError::Bounds { setting: "dpop max_age", .. }));
}

/// RFC 9728 section 2: what is built in is in the metadata.
#[test]
fn the_metadata_follows_from_what_is_built_in() {
    let api = Api::of_bound_jwts();
    let expected = json!({
        "resource": "https://api.example",
        "authorization_servers": ["https://op.example"],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": ["ES256", "PS256", "EdDSA", "RS256"],
    });
    assert_eq!(api.verifier.metadata().to_value(), expected);
    let refused = api.verify(&Call::get("/photos"), &Requirement::any()).unwrap_err();
    let schemes = challenges(&refused);
    assert_eq!(schemes.iter().map(|told| told.scheme()).collect::<Vec<_>>(), ["Bearer", "DPoP"]);
    for told in schemes {
        assert_eq!(
            told.parameter("resource_metadata"),
            Some(api.verifier.metadata().metadata_url().as_str())
        );
    }
}
