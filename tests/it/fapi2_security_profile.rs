//! FAPI 2.0 Security Profile sections 5.3.2 and 5.4: what clients, their requests and their tokens have to be.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use vouchsafe::client::{Client, ClientSettings};
use vouchsafe::error::Reason;
use vouchsafe::event::Endpoint;
use vouchsafe::jose::SigningAlg;
use vouchsafe::provider::{Denial, MutualTls, Profile};
use vouchsafe::testing::certificates::{self, unverified};
use vouchsafe::testing::{
    AuthorizeForm, Carrier, Form, Harness, TokenForm, Tokens, Visit, authorize_form, client_form, code_form,
    dpop_keys, object_form, reference_form, refresh_form, token_form,
};
use vouchsafe::types::ClientId;

use crate::mutation::{Draft, Keeps, Mutation, Table, accepted, give_every_key, key_of, refused};
use crate::rfc9449_dpop;

const ISSUER: &str = "https://op.example";
const PAR: &str = "https://op.example/par";
const REFERENCE: &str = "urn:ietf:params:oauth:request_uri:x";
const TOKEN: &str = "https://op.example/token";

/// A harness under the profile, with two clients of every kind of key: `fapi`, and `rival`.
fn harness() -> Harness {
    let h = Harness::builder().profile(Profile::Fapi2Security).build();
    let metadata = h.client("fapi").metadata().clone();
    let settings = ClientSettings::new();
    let rival = Client::builder(ClientId::new("rival").unwrap(), metadata).settings(settings);
    h.store().insert_client(rival.build().unwrap());
    give_every_key(&h, "fapi");
    h
}

fn asked() -> AuthorizeForm {
    authorize_form().client("fapi").scope("openid offline_access")
}

/// The visit that a pushed request leads to.
fn opened<'h>(h: &'h Harness, form: &AuthorizeForm) -> Visit<'h> {
    h.authorize(&reference_form("fapi", &h.pushed(form)))
}

/// The redemption of a code that alice has just given to the client `fapi`, without a proof.
fn redemption(h: &Harness) -> TokenForm {
    code_form(&asked(), &opened(h, &asked()).approved_by("alice").code())
}

fn tokens(h: &Harness) -> Tokens {
    h.redeem(redemption(h).proved(&h.token_proof())).issued_as("DPoP")
}

fn listed(metadata: &Value, name: &str) -> Vec<String> {
    let listed = metadata[name].as_array().unwrap_or_else(|| panic!("{name} is no list"));
    listed.iter().map(|value| value.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_metadata_says_what_the_profile_demands() {
    let h = harness();
    let metadata = h.metadata();
    for (name, value) in [
        ("response_types_supported", "code"),
        ("grant_types_supported", "authorization_code"),
        ("code_challenge_methods_supported", "S256"),
        ("token_endpoint_auth_methods_supported", "private_key_jwt"),
        ("scopes_supported", "openid"),
        ("subject_types_supported", "public"),
    ] {
        assert!(listed(&metadata, name).iter().any(|known| known == value), "{name}");
    }
    assert_eq!(listed(&metadata, "code_challenge_methods_supported"), ["S256"]);
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    assert_eq!(metadata["require_pushed_authorization_requests"], true);
    for name in ["pushed_authorization_request_endpoint", "jwks_uri"] {
        assert!(metadata[name].as_str().unwrap().starts_with("https://"), "{name}");
    }
}

#[test]
fn every_list_of_algorithms_has_those_of_the_profile_alone() {
    let metadata = harness().metadata();
    let lists = metadata.as_object().unwrap().keys().filter(|name| name.contains("signing_alg"));
    let lists: Vec<&String> = lists.collect();
    for name in [
        "token_endpoint_auth_signing_alg_values_supported",
        "id_token_signing_alg_values_supported",
        "dpop_signing_alg_values_supported",
    ] {
        assert!(lists.iter().any(|known| *known == name), "{name} is not there");
    }
    for name in lists {
        let algs = listed(&metadata, name);
        assert!(!algs.is_empty(), "{name}");
        assert!(algs.iter().all(|alg| ["ES256", "PS256", "EdDSA"].contains(&alg.as_str())), "{name}");
    }
}

#[test]
fn published_keys_are_long_enough() {
    let published = |h: &Harness| h.key_set()["keys"].as_array().unwrap().clone();
    let keys = [published(&Harness::new()), published(&harness())].concat();
    let rsa = keys.iter().filter(|key| key["kty"] == "RSA");
    let rsa: Vec<_> = rsa.map(|key| key["n"].as_str().unwrap().len()).collect();
    assert!(!rsa.is_empty() && rsa.iter().all(|characters| *characters >= 342), "2048 bits: {rsa:?}");
    let ec = keys.iter().filter(|key| key["kty"] == "EC").map(|key| key["crv"].clone());
    assert!(ec.eq([json!("P-256"), json!("P-256")]));
}

/// RFC 8414 section 3.1: the metadata of OAuth lies between the host and the path of the issuer; without `openid` there is no
/// ID token.
#[test]
fn without_openid_it_is_plain_oauth() {
    let h = Harness::builder()
        .config(|config| config.issuer = "https://op.example/tenant".parse().unwrap())
        .profile(Profile::Fapi2Security)
        .build();
    let url = "https://op.example/.well-known/oauth-authorization-server/tenant";
    let metadata = h.answer(http::Request::get(url).body(bytes::Bytes::new()).unwrap()).accepted().json();
    assert_eq!(metadata["issuer"], "https://op.example/tenant");
    assert_eq!(metadata, h.metadata());
    let form = asked().scope("read").without("nonce");
    let code = opened(&h, &form).approved_by("alice").code();
    let tokens = h.redeem(code_form(&form, &code).proved(&h.token_proof())).issued_as("DPoP");
    assert_eq!((tokens.id_token, tokens.refresh_token), (None, None));
}

#[test]
fn a_pushed_request_waits_for_a_minute() {
    let h = harness();
    let answer = h.push(asked().to_push()).accepted();
    assert_eq!(answer.response.status(), 201);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json()["expires_in"], 60);
}

/// attack 66, attack 87, attack 92, attack 93, attack 94: what may be wrong with an assertion under the profile.
const UNSOUND: &[Mutation] = {
    use Reason::{
        ClientAssertionAlgorithm, ClientAssertionAudience, ClientAssertionIssuer, ClientAssertionMalformed,
        ClientAssertionSignature, ClientAssertionTimes, ClientMethodNotRegistered,
    };

    &[
        refused(
            "aud: a list of the issuer",
            |draft| draft.claim("aud", json!([ISSUER])),
            ClientAssertionAudience,
        ),
        refused("aud: the token endpoint", |draft| draft.claim("aud", TOKEN), ClientAssertionAudience),
        refused("aud: the endpoint for pushing", |draft| draft.claim("aud", PAR), ClientAssertionAudience),
        refused(
            "aud: both endpoints and the issuer",
            |draft| draft.claim("aud", json!([ISSUER, TOKEN, PAR])),
            ClientAssertionAudience,
        ),
        refused("aud: other", |draft| draft.claim("aud", "https://other.example"), ClientAssertionAudience),
        refused(
            "aud: a slash too many",
            |draft| draft.claim("aud", "https://op.example/"),
            ClientAssertionAudience,
        ),
        refused("aud: missing", |draft| draft.without("aud"), ClientAssertionAudience),
        refused("exp: past", |draft| draft.at("exp", -60), ClientAssertionTimes),
        refused("exp: missing", |draft| draft.without("exp"), ClientAssertionTimes),
        refused("nbf: in 61 seconds", |draft| draft.at("nbf", 61), ClientAssertionTimes),
        refused("iat: in 61 seconds", |draft| draft.at("iat", 61), ClientAssertionTimes),
        refused("sub: missing", |draft| draft.without("sub"), ClientAssertionIssuer),
        refused("sub: other", |draft| draft.claim("sub", "rival"), ClientAssertionIssuer),
        refused("alg: RS256", |draft| draft.by(&key_of(SigningAlg::Rs256)), ClientAssertionAlgorithm),
        refused("alg: none", |draft| draft.unsigned(), ClientAssertionMalformed),
        refused("altered", |draft| draft.altered(), ClientAssertionSignature),
        refused(
            "missing",
            |draft| {
                let draft = draft.absent();
                draft.form(|form| form.without("client_assertion_type").set("client_id", "fapi"))
            },
            ClientMethodNotRegistered,
        ),
    ]
};

/// attack 72: what an assertion may be.
const SOUND: &[Mutation] = &[
    accepted("nbf: in 8 seconds", |draft| draft.at("nbf", 8)),
    accepted("iat: in 8 seconds", |draft| draft.at("iat", 8)),
    accepted("alg: PS256", |draft| draft.by(&key_of(SigningAlg::Ps256))),
    accepted("alg: EdDSA", |draft| draft.by(&key_of(SigningAlg::EdDsa))),
];

fn table(h: &Harness, endpoint: Endpoint) -> Table<'_> {
    let errors = &["invalid_client", "invalid_request"];
    Table { harness: h, endpoint, statuses: &[400, 401], errors, keeps: Keeps::Everything }
}

#[test]
fn an_assertion_is_for_the_issuer_and_nothing_else() {
    let h = harness();
    let fresh = || Draft::by_assertion(&h, "fapi", asked().to_push().without("client_id"));
    for rows in [UNSOUND, SOUND] {
        table(&h, Endpoint::PushedAuthorization).run(fresh, rows);
    }
    let service = || token_form("client_credentials").scope("read").proved(&h.token_proof());
    let fresh = || Draft::by_assertion(&h, "fapi", service());
    for rows in [UNSOUND, SOUND] {
        table(&h, Endpoint::Token).run(fresh, rows);
    }
    for endpoint in [Endpoint::Introspection, Endpoint::Revocation] {
        let form = || client_form(Form::new().set("token", "x"));
        let fresh = || Draft::by_assertion(&h, "fapi", form());
        for rows in [UNSOUND, SOUND] {
            table(&h, endpoint).run(fresh, rows);
        }
    }
}

/// None of them costs the client its code.
#[test]
fn an_assertion_that_is_refused_leaves_the_code() {
    let h = harness();
    let redemption = redemption(&h);
    let fresh = || Draft::by_assertion(&h, "fapi", redemption.clone().proved(&h.token_proof()));
    table(&h, Endpoint::Token).run(fresh, UNSOUND);
}

/// attack 55: what may not be pushed, each with the parameters around it sound.
#[test]
fn a_request_is_pushed_whole_and_with_a_challenge() {
    use Reason::{
        PkceChallengeMissing, PkceMethodUnsupported, PushedRequestUri, RedirectUriMissing,
        RedirectUriNotRegistered, ResponseTypeUnsupported,
    };

    let h = harness();
    let errors = &["invalid_request", "unsupported_response_type"];
    let table = Table { statuses: &[400], errors, ..table(&h, Endpoint::PushedAuthorization) };
    let table = Table { keeps: Keeps::EverythingButReplays, ..table };
    for scope in ["openid", "read"] {
        table.run(
            || Draft::plain(&h, asked().scope(scope).to_push()),
            &[
                refused(
                    "request_uri",
                    |draft| draft.form(|form| form.set("request_uri", REFERENCE)),
                    PushedRequestUri,
                ),
                refused(
                    "token",
                    |draft| draft.form(|form| form.set("response_type", "token")),
                    ResponseTypeUnsupported,
                ),
                refused(
                    "code id_token",
                    |draft| draft.form(|form| form.set("response_type", "code id_token")),
                    ResponseTypeUnsupported,
                ),
                refused(
                    "no challenge",
                    |draft| {
                        draft.form(|form| form.without("code_challenge").without("code_challenge_method"))
                    },
                    PkceChallengeMissing,
                ),
                refused(
                    "plain",
                    |draft| draft.form(|form| form.set("code_challenge_method", "plain")),
                    PkceMethodUnsupported,
                ),
                refused(
                    "no method, which means plain",
                    |draft| draft.form(|form| form.without("code_challenge_method")),
                    PkceMethodUnsupported,
                ),
                refused(
                    "no redirect_uri",
                    |draft| draft.form(|form| form.without("redirect_uri")),
                    RedirectUriMissing,
                ),
                refused(
                    "another redirect_uri",
                    |draft| draft.form(|form| form.set("redirect_uri", "https://fapi.example/other")),
                    RedirectUriNotRegistered,
                ),
            ],
        );
    }
}

#[test]
fn nothing_but_a_post_pushes() {
    let h = harness();
    for method in [Method::PUT, Method::GET] {
        let mut request = h.post("/par", asked().to_push());
        *request.method_mut() = method;
        let answer = h.answer(request).rejected(Reason::MethodNotAllowed).unchanged();
        assert_eq!(answer.response.status(), 405);
    }
}

/// attack 58, attack 59, attack 60, attack 61, attack 64
#[test]
fn a_reference_is_of_its_client_for_a_minute_and_for_one_answer() {
    let h = harness();
    h.authorize(&asked()).shown(Reason::PushedRequestRequired);
    let request_uri = h.pushed(&asked());
    h.authorize(&reference_form("rival", &request_uri)).shown(Reason::PushedRequestForeign);
    let refer = || h.authorize(&reference_form("fapi", &request_uri));
    refer().waits();
    let _ = refer().approved_by("alice").code();
    refer().shown(Reason::PushedRequestUnknown);
    let late = h.pushed(&asked());
    h.advance(Duration::from_secs(60));
    h.authorize(&reference_form("fapi", &late)).shown(Reason::PushedRequestUnknown);
    assert_eq!(Reason::PushedRequestUnknown.wire().0.as_str(), "invalid_request_uri");
}

#[test]
fn a_response_names_the_issuer_and_has_a_state_where_the_request_had() {
    let h = harness();
    for form in [asked(), asked().without("state")] {
        for visit in [opened(&h, &form).approved_by("alice"), opened(&h, &form).denied(Denial::Person)] {
            let landing = visit.landing();
            assert_eq!(landing.carrier, Carrier::Query);
            assert_eq!(landing.value("iss"), ISSUER);
            assert_eq!(landing.params.one("state").unwrap(), form.value("state"));
        }
    }
    let denied = opened(&h, &asked()).denied(Denial::Person).returned(Reason::DeniedByUser);
    assert_eq!(denied.value("error"), "access_denied");
}

#[test]
fn long_values_come_back_whole_or_not_at_all() {
    let h = harness();
    for (length, accepted) in [(64, true), (384, true), (2048, true), (2049, false)] {
        let long = "n".repeat(length);
        let form = asked().set("nonce", &long).set("state", &long);
        if !accepted {
            let refused = h.push(form.to_push());
            assert_eq!(refused.json()["error"], "invalid_request");
            continue;
        }
        let landing = opened(&h, &form).approved_by("alice").landing();
        assert_eq!(landing.value("state"), long);
        let form = code_form(&form, landing.value("code")).proved(&h.token_proof());
        assert_eq!(h.redeem(form).issued_as("DPoP").id_claims()["nonce"], long);
    }
}

/// attack 63, attack 81: what stands beside the reference counts for nothing.
#[test]
fn state_and_nonce_beside_a_reference_are_not_used() {
    let h = harness();
    let beside = reference_form("fapi", &h.pushed(&asked())).set("state", "other").set("nonce", "other");
    let landing = h.authorize(&beside).approved_by("alice").landing();
    assert_eq!(landing.value("state"), asked().value("state").unwrap());
    let form = code_form(&asked(), landing.value("code")).proved(&h.token_proof());
    assert_eq!(h.redeem(form).issued_as("DPoP").id_claims()["nonce"], asked().value("nonce").unwrap());
}

/// Every fault of a redemption is told with 400 and one of these codes; another client's leaves the code.
#[test]
fn a_code_is_redeemed_by_its_client_with_its_verifier() {
    let h = harness();
    let wrong = |form: TokenForm| form.set("code_verifier", "w".repeat(43));
    let missing = |form: TokenForm| form.without("code_verifier");
    for (form, reason) in [
        (wrong(redemption(&h)), Reason::PkceMismatch),
        (missing(redemption(&h)), Reason::PkceVerifierMissing),
    ] {
        let refused = h.redeem(form.proved(&h.token_proof())).rejected(reason);
        assert_eq!(
            (refused.response.status().as_u16(), &refused.json()["error"]),
            (400, &json!("invalid_grant"))
        );
    }
    let form = redemption(&h);
    let stolen = form.clone().client("rival").proved(&h.token_proof());
    let stolen = h.redeem(stolen).rejected(Reason::CodeForeign).unchanged_but_replays();
    assert_eq!((stolen.response.status().as_u16(), &stolen.json()["error"]), (400, &json!("invalid_grant")));
    let named = form.clone().set("client_id", "rival").proved(&h.token_proof());
    let refused = h.redeem(named).rejected(Reason::ClientIdMismatch).unchanged();
    assert_eq!(refused.json()["error"], "invalid_client");
    let _ = h.redeem(form.proved(&h.token_proof())).issued_as("DPoP");
}

#[test]
fn a_code_works_once_and_for_a_minute() {
    let h = harness();
    let form = redemption(&h);
    let tokens = h.redeem(form.clone().proved(&h.token_proof())).issued_as("DPoP");
    h.advance(Duration::from_secs(1));
    let again = h.redeem(form.proved(&h.token_proof())).rejected(Reason::CodeReplayed);
    assert_eq!((again.response.status().as_u16(), &again.json()["error"]), (400, &json!("invalid_grant")));
    let dead = h.userinfo_with(
        "DPoP",
        &tokens.access_token,
        &[("dpop", &h.userinfo_proof(&tokens.access_token).sign())],
    );
    assert_eq!(dead.response.status(), 401);
    let late = redemption(&h);
    h.advance(Duration::from_secs(62));
    let late = h.redeem(late.proved(&h.token_proof())).rejected(Reason::CodeExpired);
    assert_eq!(late.json()["error"], "invalid_grant");
}

/// attack 169: none of what may be wrong with a proof costs the client its code, RS256 included.
#[test]
fn tokens_are_bound_to_a_key_that_is_proved() {
    let h = harness();
    let keeps = Keeps::EverythingButReplays;
    let table = Table { keeps, ..rfc9449_dpop::table(&h, Endpoint::Token) };
    let own = &[
        refused("no proof", |draft| draft.absent(), Reason::DpopProofMissing),
        refused("RS256", |draft| draft.by(&key_of(SigningAlg::Rs256)), Reason::DpopProofAlgorithm),
    ];
    for rows in [rfc9449_dpop::UNSOUND, own] {
        let redemption = redemption(&h);
        table.run(|| Draft::proved(&h, h.token_proof(), redemption.clone()), rows);
    }
}

/// attack 169: nor does RS256 open a resource with a token that another key is for.
#[test]
fn a_proof_signed_by_rs256_is_refused_at_userinfo() {
    let h = harness();
    let token = tokens(&h).access_token;
    let fresh = || {
        let form = client_form(Form::new()).unauthenticated();
        let form = form.header("authorization", format!("DPoP {token}"));
        Draft::proved(&h, h.userinfo_proof(&token), form)
    };
    let table = Table { statuses: &[401], ..rfc9449_dpop::table(&h, Endpoint::Userinfo) };
    let rs256 = |draft: Draft| draft.by(&key_of(SigningAlg::Rs256));
    table.run(fresh, &[refused("RS256", rs256, Reason::DpopProofAlgorithm)]);
    table.run(fresh, rfc9449_dpop::UNSOUND);
}

/// RFC 8705 section 3: a client of mutual TLS gets tokens of its certificate alone.
#[test]
fn tokens_are_bound_to_a_certificate_where_that_is_how() {
    let h = Harness::builder()
        .provider(|builder| builder.with_mutual_tls(MutualTls::new()))
        .profile(Profile::Fapi2Security)
        .build();
    assert_eq!(h.metadata()["tls_client_certificate_bound_access_tokens"], true);
    let form = redemption(&h);
    let refused = h.redeem(form.clone()).rejected(Reason::CertificateNeeded).unchanged_but_replays();
    assert_eq!(refused.json()["error"], "invalid_request");
    let form = form.certificate(unverified(certificates::SELF_SIGNED));
    let token = h.redeem(form).issued().access_token;
    assert!(h.introspect("fapi", &token).json()["cnf"]["x5t#S256"].is_string());
}

#[test]
fn a_refresh_needs_its_client_and_a_key() {
    let h = harness();
    let token = tokens(&h).refresh_token.unwrap();
    let form = || refresh_form("fapi", &token);
    let open = form().unauthenticated().set("client_id", "fapi").proved(&h.token_proof());
    h.redeem(open).rejected(Reason::ClientMethodNotRegistered).unchanged();
    let stolen = refresh_form("rival", &token).proved(&h.token_proof());
    let stolen = h.redeem(stolen).rejected(Reason::RefreshTokenForeign).unchanged_but_replays();
    assert_eq!(stolen.json()["error"], "invalid_grant");
    h.redeem(form()).rejected(Reason::DpopProofMissing).unchanged_but_replays();
    let next = h.redeem(form().proved(&h.token_proof())).issued_as("DPoP");
    assert_eq!(next.refresh_token, Some(token.clone()), "FAPI 2.0 section 5.3.2.1: it does not rotate");
    h.advance(Duration::from_secs(30));
    let _ = h.redeem(form().proved(&h.token_proof())).issued_as("DPoP");
    let other = h.redeem(form().proved(&h.token_proof().by(&dpop_keys()[1]))).issued_as("DPoP");
    let told = h.introspect("fapi", &other.access_token).json();
    assert_eq!(told["cnf"]["jkt"], dpop_keys()[1].public_key().thumbprint(), "bound to the key of its proof");
}

#[test]
fn a_client_that_acts_for_itself_gets_no_refresh_token() {
    let h = harness();
    let form = token_form("client_credentials").client("fapi").scope("read");
    let tokens = h.redeem(form.proved(&h.token_proof())).issued_as("DPoP");
    assert_eq!((tokens.refresh_token, tokens.id_token), (None, None));
}

/// A request object is not demanded here, and where one is sent RS256 does not sign it.
#[test]
fn a_request_object_is_signed_by_an_algorithm_of_the_profile() {
    let h = Harness::builder()
        .provider(|builder| builder.with_request_parameter())
        .profile(Profile::Fapi2Security)
        .build();
    give_every_key(&h, "fapi");
    let claims = h.object_claims(&asked());
    let form = object_form("fapi", h.request_object(&claims));
    let _ = h.authorize(&reference_form("fapi", &h.pushed(&form))).approved_by("alice").code();
    let rs256 = vouchsafe::testing::signed_object("JWT", &claims, &*key_of(SigningAlg::Rs256));
    let refused = h.push(object_form("fapi", rs256).to_push()).rejected(Reason::RequestObjectAlgorithm);
    assert_eq!(refused.json()["error"], "invalid_request_object");
}
