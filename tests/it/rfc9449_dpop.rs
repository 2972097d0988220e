//! RFC 9449 sections 4, 5, 6 and 10: proofs at the token endpoint, and what they bind.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use vouchsafe::client::{
    AccessTokenFormatChoice, Client, ClientAuthMethod, ClientBuilder, ClientMetadata, ClientSettings, Consent,
};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::error::Reason;
use vouchsafe::event::Endpoint;
use vouchsafe::jose::{Jws, MacAlg, SigningAlg};
use vouchsafe::provider::{BuildError, Config, DpopConfig, DpopNonces, Provider, Registration};
use vouchsafe::secret::SystemSecrets;
use vouchsafe::store::Stores;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::testing::{
    AuthorizeForm, Fault, Faults, Harness, HarnessBuilder, JwtForm, Tokens, authorize_form, code_form,
    dpop_keys, keyring, reference_form, refresh_form, token_form,
};
use vouchsafe::types::{ClientId, GrantType, RedirectUri, ResponseType, Scope, Thumbprint};

use crate::mutation::{Draft, Keeps, Mutation, Table, accepted, refused};
use crate::rfc7591_registration::{register, with};

pub(crate) fn builder() -> HarnessBuilder {
    Harness::builder().pushed_requests().dpop(DpopConfig::new())
}

/// The thumbprints of [`dpop_keys`].
pub(crate) fn thumbprints() -> [String; 2] {
    dpop_keys().map(|key| key.public_key().thumbprint())
}

/// A proof for the token endpoint by the key of somebody else.
fn stolen_use(h: &Harness) -> JwtForm {
    h.token_proof().by(&dpop_keys()[1])
}

fn spa() -> AuthorizeForm {
    authorize_form().client("spa").scope("openid offline_access")
}

/// A client whose access tokens have to be bound.
fn strict() -> ClientBuilder {
    let uri = RedirectUri::register("https://strict.example/cb").unwrap();
    let metadata = ClientMetadata::code_flow([uri])
        .with_grant_type(GrantType::RefreshToken)
        .with_grant_type(GrantType::ClientCredentials)
        .with_scope(Scope::parse("openid offline_access").unwrap())
        .with_dpop_bound_access_tokens();
    let settings = ClientSettings::new().with_consent(Consent::Waived);
    Client::builder(ClientId::new("strict").unwrap(), metadata).settings(settings)
}

fn introspected(h: &Harness, token: &str) -> Value {
    h.introspect("api", token).accepted().json()
}

/// The tokens of a public client that proves its key where it redeems its code.
fn bound_tokens(h: &Harness) -> Tokens {
    let code = h.code(&spa(), "alice");
    h.redeem(code_form(&spa(), &code).proved(&h.token_proof())).issued_as("DPoP")
}

#[test]
fn a_proof_binds_the_access_token_to_its_key() {
    let h = builder().build();
    let [jkt, _] = thumbprints();
    let tokens = bound_tokens(&h);
    let told = introspected(&h, &tokens.access_token);
    assert_eq!((&told["token_type"], &told["cnf"]), (&json!("DPoP"), &json!({ "jkt": jkt })));
    // Without a proof, tokens are for whoever has them.
    let plain = h.tokens(&authorize_form(), "alice");
    let told = introspected(&h, &plain.access_token);
    assert_eq!((&told["token_type"], told.get("cnf")), (&json!("Bearer"), None));
}

#[test]
fn a_client_that_acts_for_itself_gets_bound_tokens() {
    let h = builder().build();
    let [jkt, _] = thumbprints();
    let form = token_form("client_credentials").client("service").scope("read");
    let tokens = h.redeem(form.proved(&h.token_proof())).issued_as("DPoP");
    assert_eq!(introspected(&h, &tokens.access_token)["cnf"], json!({ "jkt": jkt }));
}

/// RFC 9449 section 6.1: a JWT says itself what it is bound to, recorded or not.
#[test]
fn a_jwt_carries_the_thumbprint() {
    for format in [AccessTokenFormatChoice::Jwt, AccessTokenFormatChoice::JwtStateless] {
        let h = builder().config(|config| config.access_token_format = format).build();
        let [jkt, _] = thumbprints();
        let tokens = bound_tokens(&h);
        let claims = Jws::parse(&tokens.access_token).unwrap();
        let claims: Value = serde_json::from_slice(claims.unverified_payload()).unwrap();
        assert_eq!(claims["cnf"], json!({ "jkt": jkt }));
        let told = introspected(&h, &tokens.access_token);
        assert_eq!((&told["token_type"], &told["cnf"]), (&json!("DPoP"), &json!({ "jkt": jkt })));
    }
}

/// attack 168, attack 169, attack 170, attack 171, attack 172, attack 173, attack 176, attack 179, attack 183: what may be
/// wrong with a proof, at every endpoint.
pub(crate) const UNSOUND: &[Mutation] = {
    use Reason::{
        DpopHeaderRepeated, DpopNonceStale, DpopProofAlgorithm, DpopProofId, DpopProofKey,
        DpopProofMalformed, DpopProofMethod, DpopProofSignature, DpopProofTimes, DpopProofType, DpopProofUri,
    };

    &[
        refused("two proofs", |draft| draft.twice(), DpopHeaderRepeated),
        refused("no JWT", |draft| draft.text(|_| "not a proof".to_owned()), DpopProofMalformed),
        refused("nothing", |draft| draft.text(|_| String::new()), DpopProofMalformed),
        refused("no JSON", |draft| draft.text(|_| "a.b.c".to_owned()), DpopProofMalformed),
        refused("typ: missing", |draft| draft.without_header("typ"), DpopProofType),
        refused("typ: JWT", |draft| draft.header("typ", "JWT"), DpopProofType),
        refused("alg: missing", |draft| draft.without_header("alg"), DpopProofMalformed),
        refused("alg: none", |draft| draft.header("alg", "none"), DpopProofAlgorithm),
        refused("alg: none, unsigned", |draft| draft.unsigned(), DpopProofMalformed),
        refused("alg: HS256", |draft| draft.mac_by_public_key(MacAlg::Hs256), DpopProofAlgorithm),
        refused("alg: RS512", |draft| draft.header("alg", "RS512"), DpopProofAlgorithm),
        refused("jwk: missing", |draft| draft.without_header("jwk"), DpopProofKey),
        refused(
            "jwk: with its private part",
            |draft| {
                let mut jwk = dpop_keys()[0].public_key().to_value();
                jwk["d"] = json!("0J5Ff4Q0ybDyZkpJoCvbWuYIUiwzPsTgpDyuvyGHk5Q");
                draft.header("jwk", jwk)
            },
            DpopProofKey,
        ),
        refused(
            "jwk: of another key",
            |draft| draft.header("jwk", dpop_keys()[1].public_key().to_value()),
            DpopProofSignature,
        ),
        refused(
            "jwk: symmetric",
            |draft| draft.header("jwk", json!({ "kty": "oct", "k": "c2VjcmV0" })),
            DpopProofKey,
        ),
        refused(
            "jwk: of e = 1",
            |draft| {
                let jwk = json!({ "kty": "RSA", "n": "wcHB".repeat(86), "e": "AQ" });
                draft.header("jwk", jwk).header("alg", "PS256")
            },
            DpopProofKey,
        ),
        refused(
            "jwk: of 1024 bits",
            |draft| {
                let jwk = json!({ "kty": "RSA", "n": "wcHB".repeat(43), "e": "AQAB" });
                draft.header("jwk", jwk).header("alg", "PS256")
            },
            DpopProofKey,
        ),
        refused(
            "jwk: of coordinates that are not 32 bytes each",
            |draft| {
                let mut jwk = dpop_keys()[0].public_key().to_value();
                jwk["x"] = json!("A".repeat(42));
                draft.header("jwk", jwk)
            },
            DpopProofKey,
        ),
        refused("altered", |draft| draft.altered(), DpopProofSignature),
        refused("jti: missing", |draft| draft.without("jti"), DpopProofId),
        refused("jti: a number", |draft| draft.claim("jti", 1), DpopProofId),
        refused("htm: missing", |draft| draft.without("htm"), DpopProofMethod),
        refused("htm: PUT", |draft| draft.claim("htm", "PUT"), DpopProofMethod),
        refused(
            "htm: in lower case",
            |draft| draft.rewritten("htm", str::to_ascii_lowercase),
            DpopProofMethod,
        ),
        refused("htu: missing", |draft| draft.without("htu"), DpopProofUri),
        refused("htu: another path", |draft| draft.claim("htu", "https://op.example/revoke"), DpopProofUri),
        refused(
            "htu: another host",
            |draft| draft.rewritten("htu", |htu| htu.replace("op.example", "evil.example")),
            DpopProofUri,
        ),
        refused(
            "htu: another scheme",
            |draft| draft.rewritten("htu", |htu| htu.replace("https", "http")),
            DpopProofUri,
        ),
        refused("iat: missing", |draft| draft.without("iat"), DpopProofTimes),
        refused("iat: a text", |draft| draft.claim("iat", "now"), DpopProofTimes),
        refused("iat: in an hour", |draft| draft.at("iat", 3600), DpopProofTimes),
        refused("iat: an hour ago", |draft| draft.at("iat", -3600), DpopProofTimes),
        refused("nonce: made up", |draft| draft.claim("nonce", "made up"), DpopNonceStale),
    ]
};

/// attack 173, attack 179: what a proof may be, at every endpoint.
pub(crate) const SOUND: &[Mutation] = &[
    accepted("iat: 10 seconds ahead", |draft| draft.at("iat", 10)),
    accepted("iat: 10 seconds ago", |draft| draft.at("iat", -10)),
    accepted("a header in upper case", |draft| draft.in_header("DPOP")),
    accepted("exp and nbf", |draft| draft.at("exp", 60).at("nbf", 0)),
    accepted("further claims", |draft| draft.claim("another", "claim").header("another", "member")),
    accepted("htu: with query and fragment", |draft| draft.rewritten("htu", |htu| format!("{htu}?a=b#c"))),
    accepted("htu: scheme and host in upper case", |draft| {
        draft.rewritten("htu", |htu| htu.replace("https://op.example", "HTTPS://OP.EXAMPLE"))
    }),
    accepted("htu: the port of the scheme", |draft| {
        draft.rewritten("htu", |htu| htu.replace("op.example", "op.example:443"))
    }),
];

/// How a proof may be refused where clients authenticate.
pub(crate) fn table(h: &Harness, endpoint: Endpoint) -> Table<'_> {
    let errors = &["invalid_dpop_proof", "use_dpop_nonce"];
    Table { harness: h, endpoint, statuses: &[400], errors, keeps: Keeps::Everything }
}

/// What a proof must be is the same at every endpoint.
#[test]
fn a_proof_that_is_not_sound_is_refused() {
    let h = builder().build();
    let service = || token_form("client_credentials").client("service");
    let fresh = || Draft::proved(&h, h.token_proof(), service());
    table(&h, Endpoint::Token).run(fresh, UNSOUND);
    table(&h, Endpoint::Token).run(fresh, SOUND);
    let par = || h.dpop_proof("POST", &h.provider().config().paths.pushed_authorization);
    let fresh = || Draft::proved(&h, par(), spa().to_push());
    table(&h, Endpoint::PushedAuthorization).run(fresh, UNSOUND);
    table(&h, Endpoint::PushedAuthorization).run(fresh, SOUND);
}

/// attack 117: a proof that is refused costs the client nothing.
#[test]
fn a_proof_that_is_not_sound_is_refused_before_the_code_is_touched() {
    let h = builder().build();
    let code = h.code(&spa(), "alice");
    let fresh = || Draft::proved(&h, h.token_proof(), code_form(&spa(), &code));
    table(&h, Endpoint::Token).run(fresh, UNSOUND);
}

/// attack 169: FAPI 2.0 has no RS256.
#[test]
fn an_algorithm_that_is_left_out_is_refused() {
    let fapi = DpopConfig::new().with_algorithms([SigningAlg::Ps256]);
    let h = Harness::builder().dpop(fapi).build();
    let form = token_form("client_credentials").client("service");
    h.redeem(form.proved(&h.token_proof())).rejected(Reason::DpopProofAlgorithm).unchanged();
}

/// attack 117: a code that is bound is worth nothing without a proof, and is spent by one of another key.
#[test]
fn a_bound_code_is_redeemed_with_its_key_alone() {
    let h = builder().build();
    let [jkt, other] = thumbprints();
    for client in ["spa", "web"] {
        let asked = authorize_form().client(client).scope("openid offline_access").set("dpop_jkt", &jkt);
        let code = h.code(&asked, "alice");
        h.redeem(code_form(&asked, &code)).rejected(Reason::ConfirmationMissing).unchanged();
        let bad = h.token_proof().claim("iat", 0);
        h.redeem(code_form(&asked, &code).proved(&bad)).rejected(Reason::DpopProofTimes).unchanged();
        let tokens = h.redeem(code_form(&asked, &code).proved(&h.token_proof())).issued_as("DPoP");
        assert_eq!(introspected(&h, &tokens.access_token)["cnf"], json!({ "jkt": jkt }));
        let asked = asked.set("dpop_jkt", &other);
        let code = h.code(&asked, "alice");
        let taken = code_form(&asked, &code).proved(&h.token_proof());
        h.redeem(taken).rejected(Reason::ConfirmationMismatch);
        let late = code_form(&asked, &code).proved(&stolen_use(&h));
        h.redeem(late).rejected(Reason::CodeReplayed);
    }
}

#[test]
fn a_dpop_jkt_that_is_no_thumbprint_is_refused() {
    let h = builder().build();
    let [jkt, _] = thumbprints();
    for bad in ["x".to_owned(), format!("{jkt}A"), format!("{jkt}="), jkt[..42].to_owned()] {
        h.authorize(&spa().set("dpop_jkt", &bad)).outcome.returned(Reason::DpopJktMalformed);
    }
    h.authorize(&spa().set("dpop_jkt", &jkt).also("dpop_jkt", &jkt))
        .outcome
        .returned(Reason::ParameterRepeated);
    let visit = h.authorize(&spa().set("dpop_jkt", &jkt));
    assert_eq!(visit.pending().request().dpop_jkt, Thumbprint::parse(&jkt).ok());
    let visit = visit.resumed_after(Duration::from_secs(5));
    assert_eq!(visit.pending().request().dpop_jkt, Thumbprint::parse(&jkt).ok());
}

/// RFC 9449 section 10.1: a proof where the request is pushed binds the code like `dpop_jkt`.
#[test]
fn a_proof_where_a_request_is_pushed_binds_its_code() {
    let h = builder().build();
    let [jkt, other] = thumbprints();
    let par = || h.dpop_proof("POST", &h.provider().config().paths.pushed_authorization);
    for asked in [spa(), spa().set("dpop_jkt", &jkt)] {
        let body = h.push(asked.to_push().proved(&par())).accepted().json();
        let refer = reference_form("spa", body["request_uri"].as_str().unwrap());
        let code = h.authorize(&refer).approved_by("alice").landing().value("code").to_owned();
        h.redeem(code_form(&asked, &code)).rejected(Reason::ConfirmationMissing).unchanged();
        let _ = h.redeem(code_form(&asked, &code).proved(&h.token_proof())).issued_as("DPoP");
    }
    // Both must be of one key, and a proof for another endpoint proves nothing here.
    let both = spa().set("dpop_jkt", &other).to_push().proved(&par());
    h.push(both).rejected(Reason::DpopKeyMismatch);
    h.push(spa().to_push().proved(&h.token_proof())).rejected(Reason::DpopProofUri).unchanged();
    let twice = spa().to_push().proved(&par()).proved(&par());
    h.push(twice).rejected(Reason::DpopHeaderRepeated).unchanged();
}

/// attack 127: the refresh tokens of a public client are bound to the key of its first proof.
#[test]
fn a_refresh_token_of_a_public_client_needs_its_key() {
    let h = builder().build();
    let [jkt, _] = thumbprints();
    let first = bound_tokens(&h);
    let refresh_token = first.refresh_token.unwrap();
    let form = || refresh_form("spa", &refresh_token);
    h.redeem(form()).rejected(Reason::ConfirmationMissing).unchanged();
    let stolen = h.redeem(form().proved(&stolen_use(&h))).rejected(Reason::ConfirmationMismatch);
    assert!(stolen.events.iter().all(|event| event.client.is_some()));
    let next = h.redeem(form().proved(&h.token_proof())).issued_as("DPoP");
    assert_eq!(introspected(&h, &next.access_token)["cnf"], json!({ "jkt": jkt }));
    // A thief cannot use it, so there is no need for another (RFC 9700 section 4.14.2).
    assert_eq!(next.refresh_token, Some(refresh_token.clone()));
    let again = h.redeem(form().proved(&h.token_proof())).issued_as("DPoP");
    assert_eq!(again.refresh_token, Some(refresh_token));
}

/// RFC 9449 section 5: a confidential client proves itself, and may change its keys.
#[test]
fn a_refresh_token_of_a_confidential_client_is_not_bound() {
    let h = builder().build();
    let [_, other] = thumbprints();
    let asked = authorize_form().scope("openid offline_access");
    let code = h.code(&asked, "alice");
    let tokens = h.redeem(code_form(&asked, &code).proved(&h.token_proof())).issued_as("DPoP");
    let refresh_token = tokens.refresh_token.unwrap();
    let told = h.introspect("web", &refresh_token).accepted().json();
    assert_eq!((&told["active"], told.get("cnf")), (&json!(true), None));
    let next = h.redeem(refresh_form("web", &refresh_token).proved(&stolen_use(&h))).issued_as("DPoP");
    assert_eq!(introspected(&h, &next.access_token)["cnf"], json!({ "jkt": other }));
}

/// RFC 9449 section 5.2: a client that said so gets no tokens that are for whoever has them.
#[test]
fn a_client_with_dpop_bound_access_tokens_gets_no_others() {
    let h = builder().confidential(strict()).build();
    let form = || token_form("client_credentials").client("strict");
    h.redeem(form()).rejected(Reason::DpopProofMissing).unchanged();
    let _ = h.redeem(form().proved(&h.token_proof())).issued_as("DPoP");
    let asked = authorize_form().client("strict").scope("openid offline_access");
    let code = h.code(&asked, "alice");
    h.redeem(code_form(&asked, &code)).rejected(Reason::DpopProofMissing).unchanged();
    let tokens = h.redeem(code_form(&asked, &code).proved(&h.token_proof())).issued_as("DPoP");
    let refresh = || refresh_form("strict", tokens.refresh_token.as_ref().unwrap());
    h.redeem(refresh()).rejected(Reason::DpopProofMissing).unchanged();
    let _ = h.redeem(refresh().proved(&h.token_proof())).issued_as("DPoP");
    // Where no proofs are taken it gets none at all.
    let off = Harness::builder().confidential(strict()).build();
    off.redeem(form().proved(&h.token_proof())).rejected(Reason::DpopProofMissing).unchanged();
}

/// RFC 9449 section 5.2: what a client registers it is held to.
#[test]
fn a_client_registers_that_its_access_tokens_have_to_be_bound() {
    let h = builder().provider(|builder| builder.with_registration(Registration::open())).build();
    let asked = with(json!({ "dpop_bound_access_tokens": true, "token_endpoint_auth_method": "none" }));
    let told = register(&h, &asked).accepted().json();
    assert_eq!(told["dpop_bound_access_tokens"], true);
    let asked = authorize_form()
        .client(told["client_id"].as_str().unwrap())
        .set("redirect_uri", "https://rp.example/cb");
    let code = h.code(&asked, "alice");
    let form = || {
        let client_id = told["client_id"].as_str().unwrap();
        code_form(&asked, &code).unauthenticated().set("client_id", client_id)
    };
    h.redeem(form()).rejected(Reason::DpopProofMissing).unchanged();
    let _ = h.redeem(form().proved(&h.token_proof())).issued_as("DPoP");
}

/// A token that comes through the browser is bound by `dpop_jkt`, since no proof can come that way.
#[test]
fn an_access_token_of_the_authorization_response_is_bound_by_dpop_jkt() {
    let h = builder().front_channel().build();
    let [jkt, _] = thumbprints();
    let asked = authorize_form().client("front").set("response_type", "code token").set("dpop_jkt", &jkt);
    let landing = h.authorize(&asked).approved_by("alice").landing();
    assert_eq!(landing.value("token_type"), "DPoP");
    assert_eq!(introspected(&h, landing.value("access_token"))["cnf"], json!({ "jkt": jkt }));
    let plain = authorize_form().client("front").set("response_type", "code token");
    let landing = h.authorize(&plain).approved_by("alice").landing();
    assert_eq!(landing.value("token_type"), "Bearer");
    // A client whose tokens have to be bound gets none there without it.
    let uri = RedirectUri::register("https://strict.example/cb").unwrap();
    let metadata = ClientMetadata::code_flow([uri])
        .with_auth_method(ClientAuthMethod::None)
        .with_response_type(ResponseType::CodeToken)
        .with_dpop_bound_access_tokens();
    let client = Client::builder(ClientId::new("strict").unwrap(), metadata).build().unwrap();
    let h = builder().front_channel().client(client).build();
    let asked = authorize_form().client("strict").scope("openid").set("response_type", "code token");
    h.authorize(&asked).outcome.returned(Reason::DpopJktMissing);
    let landing = h.authorize(&asked.set("dpop_jkt", &jkt)).approved_by("alice").landing();
    assert_eq!(landing.value("token_type"), "DPoP");
}

/// attack 174: a proof is used once.
#[test]
fn a_proof_is_used_once() {
    let h = builder().build();
    let form = || token_form("client_credentials").client("service");
    let proof = h.token_proof();
    let _ = h.redeem(form().proved(&proof)).issued_as("DPoP");
    h.redeem(form().proved(&proof)).rejected(Reason::DpopProofReplayed).unchanged();
    // attack 176: nor does another spelling of its place, or another signature, make it another.
    let respelled = proof.clone().claim("htu", "HTTPS://op.example:443/token?x");
    h.redeem(form().proved(&respelled)).rejected(Reason::DpopProofReplayed).unchanged();
    // attack 177: the name is the key's own, so that nobody uses up the names of another.
    let _ = h.redeem(form().proved(&proof.by(&dpop_keys()[1]))).issued_as("DPoP");
}

/// attack 178: a used proof is remembered for as long as any node would take it.
#[test]
fn a_used_proof_is_remembered_until_it_is_too_old_everywhere() {
    let h = builder().build();
    let form = || token_form("client_credentials").client("service");
    // From the future, as far as that is forgiven.
    let proof = h.token_proof().claim("iat", h.now().unix() + 10);
    let _ = h.redeem(form().proved(&proof)).issued_as("DPoP");
    for (by, reason) in [
        (0, Reason::DpopProofReplayed),
        (300, Reason::DpopProofReplayed),
        (10, Reason::DpopProofReplayed),
        (1, Reason::DpopProofTimes),
    ] {
        h.advance(Duration::from_secs(by));
        h.redeem(form().proved(&proof)).rejected(reason);
    }
}

/// attack 175: of many requests with one proof, one goes on, wherever they arrive.
#[test]
fn of_many_uses_at_once_of_one_proof_one_goes_on() {
    let h = builder().build();
    let proof = h.token_proof();
    let forms: Vec<_> =
        (0..50).map(|_| token_form("client_credentials").client("service").proved(&proof)).collect();
    let answers = h.redeem_at_once(forms);
    assert_eq!(answers.iter().filter(|answer| answer.status() == 200).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status() == 400).count(), 49);
}

/// attack 182: a proof that cannot be remembered is not accepted, and costs nothing.
#[test]
fn where_proofs_cannot_be_remembered_none_is_accepted() {
    let faults = Faults::new();
    let wrapping = faults.clone();
    let h = builder().stores(move |store| wrapping.stores(store)).build();
    let code = h.code(&spa(), "alice");
    faults.break_verb("first_use", Fault::Unavailable);
    let outcome = h.redeem(code_form(&spa(), &code).proved(&h.token_proof()));
    assert_eq!(outcome.response.status(), 503);
    assert_eq!(outcome.json()["error"], "temporarily_unavailable");
    let _ = outcome.unchanged();
    faults.mend();
    let _ = h.redeem(code_form(&spa(), &code).proved(&h.token_proof())).issued_as("DPoP");
}

/// A proof costs one statement, and its absence none.
#[test]
fn a_proof_costs_one_statement() {
    let faults = Faults::new();
    let wrapping = faults.clone();
    let h = builder().stores(move |store| wrapping.stores(store)).build();
    let form = || token_form("client_credentials").client("service");
    let _ = faults.calls();
    let _ = h.redeem(form()).issued();
    let without = faults.calls();
    let _ = h.redeem(form().proved(&h.token_proof())).issued_as("DPoP");
    let with = faults.calls();
    assert!(!without.contains(&"first_use"), "{without:?}");
    assert_eq!(with.len(), without.len() + 1, "{with:?}");
}

#[test]
fn where_dpop_is_off_nobody_looks_for_a_proof() {
    let h = Harness::new();
    let [jkt, _] = thumbprints();
    let asked = authorize_form().set("dpop_jkt", &jkt);
    let code = h.code(&asked, "alice");
    let _ = h.redeem(code_form(&asked, &code).header("dpop", "not a proof")).issued();
    assert_eq!(h.provider().dpop_nonce(), None);
    let metadata = |h: &Harness| {
        let request = http::Request::get("/.well-known/openid-configuration").body(Bytes::new()).unwrap();
        h.answer(request).json()
    };
    assert_eq!(metadata(&h).get("dpop_signing_alg_values_supported"), None);
    let on = metadata(&builder().build());
    assert_eq!(on["dpop_signing_alg_values_supported"], json!(["ES256", "PS256", "EdDSA", "RS256"]));
}

#[test]
fn what_dpop_needs_is_demanded_when_it_is_built() {
    let begin = |replays: bool| {
        let config = Config::new("https://op.example".parse().unwrap());
        let secrets = SystemSecrets::generate(&OsEntropy).unwrap();
        let store = Arc::new(MemoryStore::new());
        let stores = Stores::of(Arc::clone(&store));
        let stores = if replays { stores.with_replays(store) } else { stores };
        Provider::builder(config, stores, keyring(), secrets)
    };
    let needs = BuildError::Needs { feature: "dpop", port: "ReplayStore" };
    assert_eq!(begin(false).with_dpop(DpopConfig::new()).build().unwrap_err(), needs);
    for config in [
        DpopConfig::new().with_max_age(Duration::from_secs(59)),
        DpopConfig::new().with_max_age(Duration::from_secs(301)),
        DpopConfig::new().with_algorithms([]),
    ] {
        let refused = begin(true).with_dpop(config).build();
        assert!(matches!(refused, Err(BuildError::Bounds { .. })), "{refused:?}");
    }
    let strictest = DpopConfig::new().with_max_age(Duration::from_secs(60)).with_nonces(DpopNonces::Required);
    assert!(begin(true).with_dpop(strictest).build().is_ok());
}
