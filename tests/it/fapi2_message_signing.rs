//! FAPI 2.0 Message Signing sections 5.3 and 5.4: requests that are signed, and responses that can be.

use serde_json::{Value, json};
use vouchsafe::error::Reason;
use vouchsafe::event::Endpoint;
use vouchsafe::jose::{ContentEnc, JwkSet, Jws, KeyAlg, MacAlg, SigningAlg};
use vouchsafe::provider::{Denial, MutualTls, Profile};
use vouchsafe::testing::certificates::{self, unverified};
use vouchsafe::testing::{
    AuthorizeForm, Form, Harness, Landing, authorize_form, client_form, code_form, object_form,
    reference_form,
};

use crate::mutation::{
    Draft, Keeps, Mutation, Table, accepted, give_every_key, key_of, refused, strange_key,
};

fn harness() -> Harness {
    let h = Harness::builder().profile(Profile::Fapi2MessageSigning).build();
    give_every_key(&h, "fapi");
    h
}

fn asked() -> AuthorizeForm {
    authorize_form().client("fapi")
}

/// A request of these parameters, signed and pushed, and what it was pushed as.
fn pushed(h: &Harness, form: &AuthorizeForm) -> AuthorizeForm {
    let object = object_form("fapi", h.request_object(&h.object_claims(form)));
    reference_form("fapi", &h.pushed(&object))
}

/// attack 68, attack 69, attack 70, attack 71, attack 72, attack 73, attack 74, attack 76: what may be wrong with a request.
/// All of it is `invalid_request_object`.
const UNSOUND: &[Mutation] = {
    use Reason::{
        RequestObjectAlgorithm, RequestObjectAssertion, RequestObjectAudience, RequestObjectIssuer,
        RequestObjectMalformed, RequestObjectNested, RequestObjectSignature, RequestObjectTimes,
        RequestObjectType, RequestObjectUnbounded, RequestObjectUnsigned,
    };

    &[
        refused("exp: missing", |draft| draft.without("exp"), RequestObjectUnbounded),
        refused("exp: past", |draft| draft.at("exp", -11), RequestObjectTimes),
        refused("exp: 61 minutes after nbf", |draft| draft.at("exp", 61 * 60), RequestObjectUnbounded),
        refused("nbf: missing", |draft| draft.without("nbf"), RequestObjectUnbounded),
        refused("nbf: 61 minutes ago", |draft| draft.at("nbf", -61 * 60).at("exp", -60), RequestObjectTimes),
        refused(
            "nbf: 61 minutes ago, exp still to come",
            |draft| draft.at("nbf", -61 * 60),
            RequestObjectUnbounded,
        ),
        refused("nbf: in 61 seconds", |draft| draft.at("nbf", 61).at("exp", 120), RequestObjectTimes),
        refused("iat: in 61 seconds", |draft| draft.at("iat", 61), RequestObjectTimes),
        refused("aud: other", |draft| draft.claim("aud", "https://other.example"), RequestObjectAudience),
        refused("aud: missing", |draft| draft.without("aud"), RequestObjectAudience),
        refused("iss: other", |draft| draft.claim("iss", "web"), RequestObjectIssuer),
        refused("sub: the client", |draft| draft.claim("sub", "fapi"), RequestObjectAssertion),
        refused("alg: RS256", |draft| draft.by(&key_of(SigningAlg::Rs256)), RequestObjectAlgorithm),
        refused("alg: none", |draft| draft.unsigned(), RequestObjectUnsigned),
        refused("alg: HS256", |draft| draft.mac_by_public_key(MacAlg::Hs256), RequestObjectAlgorithm),
        refused("altered", |draft| draft.altered(), RequestObjectSignature),
        refused("another client's key", |draft| draft.by(&strange_key()), RequestObjectSignature),
        refused("typ: at+jwt", |draft| draft.header("typ", "at+jwt"), RequestObjectType),
        refused(
            "request_uri",
            |draft| draft.claim("request_uri", "urn:ietf:params:oauth:request_uri:x"),
            RequestObjectNested,
        ),
        refused("request", |draft| draft.claim("request", "a.b.c"), RequestObjectNested),
        refused("no JWT", |draft| draft.text(|_| "x".to_owned()), RequestObjectMalformed),
    ]
};

/// What a request may be.
const SOUND: &[Mutation] = &[
    accepted("alg: PS256", |draft| draft.by(&key_of(SigningAlg::Ps256))),
    accepted("alg: EdDSA", |draft| draft.by(&key_of(SigningAlg::EdDsa))),
    accepted("typ: missing", |draft| draft.without_header("typ")),
    accepted("aud: the issuer among others", |draft| {
        draft.claim("aud", json!(["https://op.example", "https://other.example"]))
    }),
    accepted("nbf: in 8 seconds", |draft| draft.at("nbf", 8)),
    accepted("exp: 60 minutes after nbf", |draft| draft.at("exp", 60 * 60)),
    accepted("nbf: 60 minutes ago", |draft| draft.at("nbf", -60 * 60).at("exp", 0)),
];

/// What is wrong with a request inside of an object that is sound.
const UNFIT: &[Mutation] = &[
    refused("no redirect_uri", |draft| draft.without("redirect_uri"), Reason::RedirectUriMissing),
    refused(
        "no challenge",
        |draft| draft.without("code_challenge").without("code_challenge_method"),
        Reason::PkceChallengeMissing,
    ),
    refused(
        "in the clear",
        |draft| {
            let asked = asked();
            let names = ["response_type", "scope", "redirect_uri", "code_challenge", "code_challenge_method"];
            draft.absent().form(|form| {
                names.into_iter().fold(form, |form, name| form.set(name, asked.value(name).unwrap()))
            })
        },
        Reason::RequestObjectRequired,
    ),
];

/// Pushes the rows, as a client whose authentication leaves no trace, and as one that signs an assertion.
#[test]
fn a_request_is_signed_for_this_server_and_for_an_hour_at_most() {
    let by_assertion = harness();
    let by_certificate = Harness::builder()
        .provider(|builder| builder.with_mutual_tls(MutualTls::new().with_self_signed_tls_client_auth()))
        .profile(Profile::Fapi2MessageSigning)
        .build();
    authenticate_by_certificate(&by_certificate, "fapi");
    for (h, keeps) in [(&by_assertion, Keeps::EverythingButReplays), (&by_certificate, Keeps::Everything)] {
        let endpoint = Endpoint::PushedAuthorization;
        let errors = &["invalid_request_object"];
        let table = Table { harness: h, endpoint, statuses: &[400], errors, keeps };
        let form = client_form(Form::new()).client("fapi").certificate(unverified(certificates::SELF_SIGNED));
        let fresh = || Draft::of_object(h, form.clone(), h.object_claims(&asked()));
        table.run(fresh, UNSOUND);
        table.run(fresh, SOUND);
        Table { errors: &["invalid_request"], ..table }.run(fresh, UNFIT);
    }
}

/// Registers a client once more, as one that authenticates by a certificate, and signs with every key.
pub(crate) fn authenticate_by_certificate(h: &Harness, client: &str) {
    use vouchsafe::client::{Client, ClientAuthMethod};

    give_every_key(h, client);
    let client = h.client(client);
    let mut keys = client.metadata().jwks.clone().unwrap().to_value();
    let key: Value = serde_json::from_str(certificates::SELF_SIGNED_JWK).unwrap();
    keys["keys"].as_array_mut().unwrap().push(key);
    let metadata = client.metadata().clone().with_auth_method(ClientAuthMethod::SelfSignedTlsClientAuth);
    let metadata = metadata.with_jwks(JwkSet::register(&keys).unwrap());
    let again = Client::builder(client.id().clone(), metadata).settings(client.settings().clone());
    h.store().insert_client(again.build().unwrap());
}

/// attack 81: what stands beside the object, pushed with it or sent with the reference, counts for nothing.
#[test]
fn what_the_object_says_counts_alone() {
    let h = harness();
    let object = object_form("fapi", h.request_object(&h.object_claims(&asked())));
    let beside = |form: AuthorizeForm| {
        form.scope("openid email")
            .set("state", "outer")
            .set("nonce", "outer")
            .set("redirect_uri", "https://evil.example/")
    };
    let reference = reference_form("fapi", &h.pushed(&beside(object)));
    let visit = h.authorize(&beside(reference));
    let request = visit.pending().request();
    assert_eq!((request.scope.as_str(), request.nonce.as_deref()), ("openid", asked().value("nonce")));
    let landing = visit.approved_by("alice").landing();
    assert_eq!(landing.uri, "https://fapi.example/cb");
    assert_eq!(landing.value("state"), asked().value("state").unwrap());
}

#[test]
fn a_signed_request_leads_to_bound_tokens() {
    let h = harness();
    let code = h.authorize(&pushed(&h, &asked())).approved_by("alice").code();
    let _ = h.redeem(code_form(&asked(), &code).proved(&h.token_proof())).issued_as("DPoP");
}

#[test]
fn the_metadata_tells_of_signed_requests_and_responses() {
    let h = harness();
    let metadata = h.metadata();
    let listed = |name: &str| metadata[name].as_array().unwrap().clone();
    assert!(listed("response_modes_supported").contains(&json!("jwt")));
    assert_eq!(listed("authorization_signing_alg_values_supported"), [json!("ES256")]);
    let algs = [json!("ES256"), json!("PS256"), json!("EdDSA")];
    assert_eq!(listed("request_object_signing_alg_values_supported"), algs);
    assert_eq!(
        (&metadata["request_parameter_supported"], &metadata["require_signed_request_object"]),
        (&json!(true), &json!(true))
    );
    let encrypts = Harness::builder().encryption().profile(Profile::Fapi2MessageSigning).build().metadata();
    for (name, known) in [("alg", KeyAlg::EcdhEs.as_str()), ("enc", ContentEnc::A256Gcm.as_str())] {
        let listed = encrypts[format!("authorization_encryption_{name}_values_supported")].clone();
        assert!(listed.as_array().unwrap().contains(&json!(known)), "{listed}");
    }
}

/// The verified claims of a response that is nothing but a JWT by a published key.
#[track_caller]
fn claims(h: &Harness, landing: &Landing) -> Value {
    let names: Vec<&str> = landing.params.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["response"]);
    let jws = Jws::parse(landing.value("response")).unwrap();
    let kid = jws.header().kid().unwrap();
    let published = h.key_set()["keys"].as_array().unwrap().clone();
    assert!(published.iter().any(|key| key["kid"] == kid), "the key is published");
    serde_json::from_slice(h.provider().keyring().verify(&jws).unwrap()).unwrap()
}

#[test]
fn a_response_is_a_jwt_for_its_client_for_two_minutes() {
    let h = harness();
    let form = asked().set("response_mode", "jwt");
    let approved = h.authorize(&pushed(&h, &form)).approved_by("alice").landing();
    let denied = h.authorize(&pushed(&h, &form)).denied(Denial::Person).landing();
    for (landing, name) in [(approved, "code"), (denied, "error")] {
        let claims = claims(&h, &landing);
        assert_eq!((&claims["iss"], &claims["aud"]), (&json!("https://op.example"), &json!("fapi")));
        assert_eq!(claims["exp"], h.now().unix() + 120);
        assert_eq!(claims["state"], form.value("state").unwrap());
        assert!(claims[name].is_string(), "{claims}");
    }
}

/// Answers about tokens are signed where that is asked for (FAPI 2.0 Message Signing section 5.5).
#[test]
fn introspection_can_be_signed() {
    let h = harness();
    let code = h.authorize(&pushed(&h, &asked())).approved_by("alice").code();
    let tokens = h.redeem(code_form(&asked(), &code).proved(&h.token_proof())).issued_as("DPoP");
    let form = client_form(Form::new().set("token", tokens.access_token)).client("fapi");
    let form = form.header("accept", "application/token-introspection+jwt");
    let answer = h.introspect_with(form).accepted();
    assert_eq!(answer.header("content-type"), Some("application/token-introspection+jwt"));
    let jws = Jws::parse(std::str::from_utf8(answer.response.body()).unwrap()).unwrap();
    assert_eq!(jws.header().alg(), Some(SigningAlg::Es256));
}
