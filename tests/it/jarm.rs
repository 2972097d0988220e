//! JWT Secured Authorization Response Mode for OAuth 2.0 (JARM) sections 2 to 4.

use bytes::Bytes;
use serde_json::{Value, json};
use vouchsafe::client::{Client, ClientMetadata, IdTokenAlg};
use vouchsafe::error::Reason;
use vouchsafe::jose::{ContentEnc, Jws, KeyAlg, SigningAlg};
use vouchsafe::provider::Denial;
use vouchsafe::testing::{
    AuthorizeForm, Carrier, Harness, Landing, authorize_form, code_form, decrypted, keyring, reference_form,
    refusals,
};

use crate::oidc_core_encryption::{key_for, metadata, of, sealed};

fn harness() -> Harness {
    Harness::builder().front_channel().provider(|builder| builder.with_jarm()).build()
}

fn asks(response_type: &str, response_mode: &str) -> AuthorizeForm {
    authorize_form().client("front").set("response_type", response_type).set("response_mode", response_mode)
}

/// The verified claims of a response that holds nothing but `response`.
#[track_caller]
fn claims(h: &Harness, landing: &Landing) -> Value {
    let names: Vec<&str> = landing.params.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["response"], "everything is inside");
    verified(h, landing.value("response"))
}

#[track_caller]
fn verified(h: &Harness, response: &str) -> Value {
    let jws = Jws::parse(response).unwrap();
    assert!(jws.header().kid().is_some());
    serde_json::from_slice(h.provider().keyring().verify(&jws).unwrap()).unwrap()
}

/// Each mode, with the response types that it is sent for here, and how it travels then.
const ROWS: [(&str, &str, Carrier); 10] = [
    ("jwt", "code", Carrier::Query),
    ("jwt", "none", Carrier::Query),
    ("jwt", "id_token", Carrier::Fragment),
    ("jwt", "code id_token token", Carrier::Fragment),
    ("query.jwt", "code", Carrier::Query),
    ("query.jwt", "none", Carrier::Query),
    ("fragment.jwt", "code", Carrier::Fragment),
    ("fragment.jwt", "token", Carrier::Fragment),
    ("form_post.jwt", "code", Carrier::Post),
    ("form_post.jwt", "code id_token", Carrier::Post),
];

#[test]
fn each_mode_carries_good_news_in_a_jwt_for_its_client() {
    let h = harness();
    for (mode, response_type, carrier) in ROWS {
        let form = asks(response_type, mode);
        let landing = h.authorize(&form).approved_by("alice").landing();
        assert_eq!((landing.carrier, landing.uri.as_str()), (carrier, "https://front.example/cb"), "{mode}");
        let claims = claims(&h, &landing);
        assert_eq!(claims["iss"], "https://op.example");
        assert_eq!(claims["aud"], "front");
        assert_eq!(claims["exp"], h.now().unix() + 120);
        assert_eq!(claims["state"], form.value("state").unwrap());
        for part in ["code", "id_token"] {
            assert_eq!(
                claims[part].is_string(),
                response_type.split(' ').any(|known| known == part),
                "{claims}"
            );
        }
        let has_token = response_type.split(' ').any(|known| known == "token");
        assert_eq!(claims["access_token"].is_string(), has_token, "{claims}");
    }
}

#[test]
fn each_mode_carries_bad_news_alike() {
    let h = harness();
    for (mode, response_type, carrier) in ROWS {
        let form = asks(response_type, mode);
        let denied = h.authorize(&form).denied(Denial::Person);
        assert_eq!(refusals(&denied.outcome.events), [Reason::DeniedByUser]);
        let silent = h.authorize(&form.clone().prompt("none")).next(None);
        for (visit, error) in [(denied, "access_denied"), (silent, "login_required")] {
            let landing = visit.landing();
            assert_eq!(landing.carrier, carrier, "{mode}");
            let claims = claims(&h, &landing);
            assert_eq!((&claims["error"], &claims["state"]), (&json!(error), &json!(form.value("state"))));
            assert_eq!((&claims["aud"], claims.get("code")), (&json!("front"), None));
        }
    }
}

#[test]
fn a_code_from_a_jwt_is_redeemed_like_any_other() {
    let h = harness();
    let form = authorize_form().set("response_mode", "jwt");
    let response = claims(&h, &h.authorize(&form).approved_by("alice").landing());
    let _ = h.redeem(code_form(&form, response["code"].as_str().unwrap())).issued();
}

/// JARM section 2.3.1: what a server may log must not be read there.
#[test]
fn a_query_carries_tokens_only_where_it_is_encrypted() {
    let h = harness();
    let refused = h.authorize(&asks("id_token", "query.jwt"));
    assert_eq!(refusals(&refused.outcome.events), [Reason::ResponseModeInsecure]);
    assert_eq!(refused.landing().carrier, Carrier::Fragment, "not even an error goes into the query");

    let key = key_for(KeyAlg::EcdhEs);
    let metadata =
        sealed(&key, ContentEnc::A256Gcm).with_authorization_encryption(KeyAlg::EcdhEs, ContentEnc::A256Gcm);
    let h = encrypting(metadata);
    let form = asks("id_token", "query.jwt").client("sealed");
    let landing = h.authorize(&form).approved_by("alice").landing();
    assert_eq!(landing.carrier, Carrier::Query);
    let (header, inside) = decrypted(landing.value("response"));
    assert_eq!(header.kid(), key.public_key().kid().map(|kid| kid.as_str()));
    assert!(verified(&h, &inside)["id_token"].is_string());
}

fn encrypting(metadata: ClientMetadata) -> Harness {
    let builder = Harness::builder().front_channel().encryption().client(of(metadata));
    builder.provider(|builder| builder.with_jarm()).build()
}

#[test]
fn the_algorithm_is_the_one_that_the_client_registered() {
    let algs = keyring().algorithms();
    assert!(algs.len() > 1);
    for alg in algs {
        let metadata = sealed(&key_for(KeyAlg::EcdhEs), ContentEnc::A256Gcm).with_authorization_alg(alg);
        let h = encrypting(metadata);
        let form = authorize_form().client("sealed").set("response_mode", "jwt");
        let landing = h.authorize(&form).approved_by("alice").landing();
        let jws = Jws::parse(landing.value("response")).unwrap();
        assert_eq!(jws.header().alg(), Some(alg));
        let _ = claims(&h, &landing);
    }
}

/// JARM section 3: RS256 where the client registered nothing, if a key signs with it.
#[test]
fn a_response_is_signed_by_a_key_that_there_is() {
    let mut own = metadata();
    own.id_token_signed_response_alg = IdTokenAlg::Signed(SigningAlg::Es256);
    let h = Harness::builder().client(of(own)).provider(|builder| builder.with_jarm()).build();
    let form = authorize_form().client("sealed").set("response_mode", "jwt");
    let keys = h.provider().keyring();
    let others = keys.keys().into_iter().filter(|key| key.signer().algorithm() != SigningAlg::Rs256);
    let left: Vec<_> = others.collect();
    for expected in [SigningAlg::Rs256, left[0].signer().algorithm()] {
        let landing = h.authorize(&form).approved_by("alice").landing();
        let jws = Jws::parse(landing.value("response")).unwrap();
        assert_eq!(jws.header().alg(), Some(expected));
        keys.replace(left.clone()).unwrap();
    }
}

/// Noticed after the person has agreed, it would cost them the way back.
#[test]
fn a_response_that_cannot_be_made_is_refused_before_anybody_is_asked() {
    let h = encrypting(
        sealed(&key_for(KeyAlg::EcdhEs), ContentEnc::A256Gcm).with_authorization_alg(SigningAlg::Rs512),
    );
    let form = authorize_form().client("sealed").set("response_mode", "jwt");
    h.authorize(&form).shown(Reason::AuthorizationAlgUnavailable);
    h.authorize(&form.set("response_mode", "query")).waits();

    let metadata = sealed(&key_for(KeyAlg::EcdhEs), ContentEnc::A256Gcm)
        .with_authorization_encryption(KeyAlg::EcdhEs, ContentEnc::A256Gcm);
    let client: Client = of(metadata);
    let off = Harness::builder().client(client).provider(|builder| builder.with_jarm()).build();
    let form = authorize_form().client("sealed").scope("email").set("response_mode", "jwt");
    off.authorize(&form).shown(Reason::AuthorizationEncryptionUnavailable);
}

#[test]
fn it_is_off_by_default_and_discovery_tells_of_it() {
    let metadata = |h: &Harness| {
        let request = http::Request::get("/.well-known/openid-configuration").body(Bytes::new()).unwrap();
        h.answer(request).json()
    };
    let off = Harness::new();
    let _ = off
        .authorize(&authorize_form().set("response_mode", "jwt"))
        .returned(Reason::ResponseModeUnsupported);
    assert_eq!(metadata(&off).get("authorization_signing_alg_values_supported"), None);
    let on = metadata(&harness());
    let modes = ["query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"];
    assert_eq!(on["response_modes_supported"], json!(modes));
    assert_eq!(on["authorization_signing_alg_values_supported"], on["id_token_signing_alg_values_supported"]);
    assert_eq!(on.get("authorization_encryption_alg_values_supported"), None);
    let encrypts = metadata(&encrypting(sealed(&key_for(KeyAlg::EcdhEs), ContentEnc::A256Gcm)));
    for what in ["alg", "enc"] {
        let listed = |of: &str| &encrypts[format!("{of}_encryption_{what}_values_supported")];
        assert!(listed("authorization").is_array());
        assert_eq!(listed("authorization"), listed("id_token"));
    }
}

/// A pushed request may ask for it too.
#[test]
fn a_pushed_request_is_answered_by_a_jwt() {
    let h = Harness::builder().pushed_requests().provider(|builder| builder.with_jarm()).build();
    let request_uri = h.pushed(&authorize_form().set("response_mode", "jwt"));
    let form = reference_form("web", &request_uri);
    assert!(claims(&h, &h.authorize(&form).approved_by("alice").landing())["code"].is_string());
}
