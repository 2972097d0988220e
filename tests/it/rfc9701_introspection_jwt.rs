//! RFC 9701 sections 4 to 7: introspection responses as JWTs.

use bytes::Bytes;
use serde_json::{Value, json};
use vouchsafe::client::{Client, ClientMetadata, ClientSettings};
use vouchsafe::error::Reason;
use vouchsafe::jose::{ContentEnc, JwkSet, Jws, KeyAlg, SigningAlg};
use vouchsafe::provider::BuildError;
use vouchsafe::testing::{
    DEFAULT_AUDIENCE, Form, Harness, HarnessBuilder, Outcome, TokenForm, authorize_form, client_form,
    decrypted, refusals,
};
use vouchsafe::types::ClientId;

use crate::oidc_core_encryption::{key_for, keys};

const MEDIA_TYPE: &str = "application/token-introspection+jwt";

fn builder() -> HarnessBuilder {
    Harness::builder().provider(|builder| builder.with_introspection_jwt())
}

fn asking(token: &str) -> TokenForm {
    client_form(Form::new().set("token", token)).client("api").header("accept", MEDIA_TYPE)
}

fn introspect(h: &Harness, form: TokenForm) -> Outcome {
    let outcome = h.introspect_with(form);
    assert_eq!(outcome.response.status(), 200);
    outcome
}

/// The claims of a response that is a JWT of ours, and of the one type.
#[track_caller]
fn verified(h: &Harness, token: &str) -> Value {
    let jws = Jws::parse(token).unwrap();
    assert!(jws.header().is_type("token-introspection+jwt") && jws.header().kid().is_some());
    serde_json::from_slice(h.provider().keyring().verify(&jws).unwrap()).unwrap()
}

fn body(outcome: &Outcome) -> &str {
    assert_eq!(outcome.header("content-type"), Some(MEDIA_TYPE));
    assert_eq!(outcome.header("cache-control"), Some("no-store"));
    std::str::from_utf8(outcome.response.body()).unwrap()
}

/// attack 161: the members are inside of one claim, so that nobody takes the response for an access token.
#[test]
fn a_caller_that_asks_for_it_gets_a_jwt() {
    let h = builder().build();
    let token = h.tokens(&authorize_form().scope("openid read"), "alice").access_token;
    let plain = introspect(&h, asking(&token).header("accept", "application/json")).response;
    assert_eq!(plain.headers()["content-type"], MEDIA_TYPE, "one of the types accepted is enough");
    let outcome = introspect(&h, asking(&token));
    let claims = verified(&h, body(&outcome));
    let plain = introspect(&h, client_form(Form::new().set("token", token)).client("api")).json();
    assert_eq!(plain["active"], true);
    let expected = json!({
        "iss": "https://op.example", "aud": "api", "iat": h.now().unix(), "token_introspection": plain,
    });
    assert_eq!(claims, expected);
}

#[test]
fn a_token_that_is_not_good_is_only_told_to_be_inactive() {
    let h = builder().build();
    for token in ["x", "vs_at_x"] {
        let claims = verified(&h, body(&introspect(&h, asking(token))));
        assert_eq!(claims["token_introspection"], json!({ "active": false }));
    }
}

/// attack 192: in this form too, a caller whom a token is not for is told what it is told of one that there never was.
#[test]
fn a_foreign_token_is_like_one_that_is_unknown() {
    let h = builder().build();
    let token = h.tokens(&authorize_form().scope("openid read"), "alice").access_token;
    let told = |token: &str, reason: Reason| {
        let outcome = introspect(&h, asking(token).client("service"));
        assert_eq!(refusals(&outcome.events), [reason]);
        (verified(&h, body(&outcome)), outcome.response.headers().clone())
    };
    let unknown = told("vs_at_x", Reason::TokenUnknown);
    assert_eq!(unknown.0["aud"], "service");
    assert_eq!(unknown.0["token_introspection"], json!({ "active": false }));
    assert_eq!(told(&token, Reason::TokenForeign), unknown);
}

#[test]
fn the_type_is_read_as_the_accept_header_is_written() {
    let h = builder().build();
    let is_jwt = |accept: &str| {
        let form = client_form(Form::new().set("token", "x")).client("api").header("accept", accept);
        introspect(&h, form).header("content-type") == Some(MEDIA_TYPE)
    };
    for accept in
        ["Application/Token-Introspection+JWT", "text/html, application/token-introspection+jwt;q=0.9"]
    {
        assert!(is_jwt(accept), "{accept}");
    }
    for weight in ["q=0", "Q=0.000", " q = 0", "x=1;q=0.", "q=0, application/json"] {
        let accept = format!("{MEDIA_TYPE};{weight}");
        assert!(!is_jwt(&accept), "{accept}");
    }
    assert!(is_jwt(&format!("{MEDIA_TYPE};q=0, {MEDIA_TYPE};q=0.001")), "one of the elements wants it");
    for accept in ["*/*", "application/json", "application/jwt", "application/token-introspection+jwtx", ""] {
        assert!(!is_jwt(accept), "{accept}");
    }
}

/// A resource server of these members beside a key to encrypt to.
fn resource_server(metadata: impl FnOnce(ClientMetadata) -> ClientMetadata) -> HarnessBuilder {
    let mut own =
        ClientMetadata::service().with_jwks(JwkSet::register(&keys([&key_for(KeyAlg::EcdhEs)])).unwrap());
    own.grant_types.clear();
    let settings = ClientSettings::new().with_introspects([DEFAULT_AUDIENCE]);
    builder().confidential(Client::builder(ClientId::new("rs").unwrap(), metadata(own)).settings(settings))
}

#[test]
fn it_is_signed_and_encrypted_as_the_caller_registered_it() {
    let registered = |metadata: ClientMetadata| {
        metadata
            .with_introspection_alg(SigningAlg::Es256)
            .with_introspection_encryption(KeyAlg::EcdhEs, ContentEnc::A256Gcm)
    };
    let h = resource_server(registered).encryption().build();
    let token = h.tokens(&authorize_form().scope("openid read"), "alice").access_token;
    let outcome = introspect(&h, asking(&token).client("rs"));
    let (header, inside) = decrypted(body(&outcome));
    assert!(header.is_nested());
    assert_eq!(Jws::parse(&inside).unwrap().header().alg(), Some(SigningAlg::Es256));
    assert_eq!(verified(&h, &inside)["token_introspection"]["active"], true);

    let off = resource_server(registered).build();
    let token = off.tokens(&authorize_form().scope("openid read"), "alice").access_token;
    let refused = off.introspect_with(asking(&token).client("rs"));
    let _ = refused.rejected(Reason::IntrospectionEncryptionUnavailable);
}

/// RFC 9701 section 6: RS256 where the caller registered nothing, if a key signs with it.
#[test]
fn it_is_signed_by_a_key_that_there_is() {
    let alg = |h: &Harness| {
        let outcome = introspect(h, asking("x"));
        let _ = verified(h, body(&outcome));
        Jws::parse(body(&outcome)).unwrap().header().alg()
    };
    let h = builder().build();
    assert_eq!(alg(&h), Some(SigningAlg::Rs256));
    let keys = h.provider().keyring();
    let others = keys.keys().into_iter().filter(|key| key.signer().algorithm() != SigningAlg::Rs256);
    keys.replace(others.collect()).unwrap();
    assert_eq!(alg(&h), keys.algorithms().first().copied());

    let h = resource_server(|metadata| metadata.with_introspection_alg(SigningAlg::Rs512)).build();
    let token = h.tokens(&authorize_form().scope("openid read"), "alice").access_token;
    let refused = h.introspect_with(asking(&token).client("rs"));
    let _ = refused.rejected(Reason::IntrospectionAlgUnavailable);
}

#[test]
fn it_is_off_by_default_and_discovery_tells_of_it() {
    let h = Harness::new();
    let token = h.tokens(&authorize_form().scope("openid read"), "alice").access_token;
    assert_eq!(introspect(&h, asking(&token)).json()["active"], true);
    let metadata = |h: &Harness| {
        let request = http::Request::get("/.well-known/openid-configuration").body(Bytes::new()).unwrap();
        h.answer(request).json()
    };
    assert_eq!(metadata(&h).get("introspection_signing_alg_values_supported"), None);
    let on = metadata(&builder().encryption().build());
    assert_eq!(on["introspection_signing_alg_values_supported"], on["id_token_signing_alg_values_supported"]);
    assert_eq!(
        on["introspection_encryption_alg_values_supported"],
        on["id_token_encryption_alg_values_supported"]
    );
}

#[test]
fn it_needs_introspection() {
    use std::sync::Arc;

    use vouchsafe::entropy::OsEntropy;
    use vouchsafe::provider::{Config, Provider};
    use vouchsafe::secret::SystemSecrets;
    use vouchsafe::store::{Stores, memory::MemoryStore};

    let secrets = SystemSecrets::generate(&OsEntropy).unwrap();
    let config = Config::new("https://op.example".parse().unwrap());
    let stores = Stores::of(Arc::new(MemoryStore::new()));
    let provider = Provider::builder(config, stores, vouchsafe::testing::keyring(), secrets);
    let refused = provider.with_client_credentials().with_introspection_jwt().build();
    let needs = BuildError::Needs { feature: "introspection_jwt", port: "with_introspection" };
    assert_eq!(refused.unwrap_err(), needs);
}
