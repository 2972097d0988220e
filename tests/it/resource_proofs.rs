//! RFC 9449 section 7, RFC 8705 section 3: bound access tokens at a resource server, and what a FAPI 2.0 conformance run
//! tries there.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::HeaderMap;
use serde_json::{Value, json};
use vouchsafe::async_trait;
use vouchsafe::clock::Timestamp;
use vouchsafe::entropy::OsEntropy;
use vouchsafe::error::{Reason, StoreError, StoreErrorKind};
use vouchsafe::jose::{JoseSigner, Signer, SigningAlg};
use vouchsafe::proof::Certificate;
use vouchsafe::provider::{DpopConfig, DpopNonces};
use vouchsafe::resource::{Refused, Requirement};
use vouchsafe::secret::{SystemSecrets, TokenHash};
use vouchsafe::store::{ReplayStore, memory::MemoryStore};
use vouchsafe::testing::certificates::{self, der, unverified, verified};
use vouchsafe::testing::{JwtForm, dpop_keys};
use vouchsafe::wire::ClientCertificate;

use crate::resource_api::{Api, Call, challenges, keys, signed, trusted};

/// A call with a bound token and this proof.
fn proved(token: &str, proof: &JwtForm) -> Call {
    Call::with("DPoP", token).proved(proof)
}

/// The refusal says how a proof is to come (RFC 9449 section 7.1).
#[track_caller]
fn is_challenged_for_proof(refused: &Refused) {
    let [told] = &challenges(refused)[..] else { panic!("{:?}", refused.response()) };
    assert_eq!((told.scheme(), told.parameter("algs")), ("DPoP", Some("ES256 PS256 EdDSA RS256")));
    assert_eq!(told.parameter("error"), Some(refused.reason().wire().0.as_str()));
    assert_eq!(refused.response().status(), 401);
}

#[test]
fn a_bound_token_with_its_proof_is_let_through() {
    let api = Api::of_bound_jwts();
    let token = api.bound_token();
    for scheme in ["DPoP", "dpop", "DPOP"] {
        let access = api.lets_through(&Call::with(scheme, &token).proved(&api.proof(&token)));
        assert!(access.confirmation().is_some() && access.subject() == Some("alice"));
        let mut headers = HeaderMap::new();
        access.tell(&mut headers);
        assert!(headers.is_empty(), "a proof without a nonce needs none");
    }
}

/// attack 167: without its key a bound token is worth nothing, and no other key will do.
#[test]
fn a_bound_token_without_its_key_is_refused() {
    let api = Api::of_bound_jwts();
    let token = api.bound_token();
    for scheme in ["Bearer", "bearer"] {
        let sent = Call::with(scheme, &token);
        is_challenged_for_proof(&api.refuses(&sent, Reason::AccessTokenBound));
        is_challenged_for_proof(&api.refuses(&sent.proved(&api.proof(&token)), Reason::AccessTokenBound));
    }
    is_challenged_for_proof(&api.refuses(&Call::with("DPoP", &token), Reason::AccessTokenProofMissing));
    let stolen = api.proof(&token).by(&dpop_keys()[1]);
    is_challenged_for_proof(&api.refuses(&proved(&token, &stolen), Reason::AccessTokenKeyMismatch));
}

/// A proof as text, with a header that no signer would write.
fn with_header(proof: &JwtForm, change: impl FnOnce(&mut Value)) -> String {
    let text = proof.sign();
    let (head, rest) = text.split_once('.').unwrap();
    let mut header: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(head).unwrap()).unwrap();
    change(&mut header);
    format!("{}.{rest}", BASE64_URL_SAFE_NO_PAD.encode(header.to_string()))
}

/// attack 168, attack 169, attack 170, attack 171, attack 172, attack 173, attack 179, attack 183: one refusal of each
/// kind, and afterwards a sound proof still counts.
#[test]
fn a_proof_that_is_not_sound_is_refused() {
    let api = Api::of_bound_jwts();
    let token = api.bound_token();
    let proof = || api.proof(&token);
    let now = api.now().unix();
    let public = |key: usize| dpop_keys()[key].public_key().to_value();
    let jwk = |name: &str, value: Value| {
        let mut jwk = public(0);
        jwk[name] = value;
        proof().header("jwk", jwk)
    };
    let short = BASE64_URL_SAFE_NO_PAD.encode([1; 31]);
    let oct = json!({ "kty": "oct", "k": "AAAA" });
    for (bad, reason) in [
        (proof().without_header("typ"), Reason::DpopProofType),
        (proof().header("typ", "JWT"), Reason::DpopProofType),
        (proof().header("typ", "at+jwt"), Reason::DpopProofType),
        (proof().without_header("alg"), Reason::DpopProofMalformed),
        (proof().header("alg", "none"), Reason::DpopProofAlgorithm),
        (proof().header("alg", "HS256"), Reason::DpopProofAlgorithm),
        (proof().header("alg", "ES384"), Reason::DpopProofAlgorithm),
        (proof().header("alg", "PS256"), Reason::DpopProofKey),
        (proof().without_header("jwk"), Reason::DpopProofKey),
        (jwk("d", "0J5Ff4Q0ybDyZkpJoCvbWuYIUiwzPsTgpDyuvyGHk5Q".into()), Reason::DpopProofKey),
        (jwk("x", short.into()), Reason::DpopProofKey),
        (proof().header("jwk", oct), Reason::DpopProofKey),
        (proof().header("jwk", public(1)), Reason::DpopProofSignature),
        (proof().without("jti"), Reason::DpopProofId),
        (proof().claim("jti", ""), Reason::DpopProofId),
        (proof().claim("jti", 1), Reason::DpopProofId),
        (proof().without("htm"), Reason::DpopProofMethod),
        (proof().claim("htm", "PUT"), Reason::DpopProofMethod),
        (proof().claim("htm", "get"), Reason::DpopProofMethod),
        (proof().without("htu"), Reason::DpopProofUri),
        (proof().claim("htu", "https://api.example/photo"), Reason::DpopProofUri),
        (proof().claim("htu", "https://evil.example/photos"), Reason::DpopProofUri),
        (proof().claim("htu", "http://api.example/photos"), Reason::DpopProofUri),
        (proof().claim("htu", "https://api.example:8443/photos"), Reason::DpopProofUri),
        (proof().claim("htu", "/photos"), Reason::DpopProofUri),
        (proof().without("iat"), Reason::DpopProofTimes),
        (proof().claim("iat", "now"), Reason::DpopProofTimes),
        (proof().claim("iat", now + 3600), Reason::DpopProofTimes),
        (proof().claim("iat", now - 3600), Reason::DpopProofTimes),
        (proof().claim("exp", now - 60), Reason::DpopProofTimes),
        (proof().claim("nbf", now + 60), Reason::DpopProofTimes),
        (proof().without("ath"), Reason::DpopProofAccessToken),
        (proof().presenting("another token"), Reason::DpopProofAccessToken),
        (proof().claim("nonce", "made up"), Reason::DpopNonceStale),
    ] {
        is_challenged_for_proof(&api.refuses(&proved(&token, &bad), reason));
    }
    let bent = with_header(&proof(), |header| header["kid"] = "1".into());
    for (text, reason) in [
        ("", Reason::DpopProofMalformed),
        ("x", Reason::DpopProofMalformed),
        ("a.b.c", Reason::DpopProofMalformed),
        (token.as_str(), Reason::DpopProofType),
        (bent.as_str(), Reason::DpopProofSignature),
    ] {
        let call = Call::with("DPoP", &token).header("dpop", text);
        is_challenged_for_proof(&api.refuses(&call, reason));
    }
    let twice = proved(&token, &proof()).proved(&proof());
    is_challenged_for_proof(&api.refuses(&twice, Reason::DpopHeaderRepeated));
    let _ = api.lets_through(&proved(&token, &proof()));
}

/// attack 172, attack 173, attack 179: what is equivalent, further, or a little off is taken.
#[test]
fn a_sound_proof_is_taken_in_every_spelling() {
    let api = Api::of_bound_jwts();
    let token = api.bound_token();
    let proof = || api.proof(&token);
    let now = api.now().unix();
    for good in [
        proof(),
        proof().claim("iat", now + 10),
        proof().claim("iat", now - 10),
        proof().claim("exp", now + 60).claim("nbf", now),
        proof().claim("nbf", now + 8),
        proof().claim("another", "claim").header("another", "member"),
        proof().header("typ", "DPOP+JWT"),
        proof().claim("htu", "https://api.example/photos?a=b#c"),
        proof().claim("htu", "HTTPS://API.EXAMPLE/photos"),
        proof().claim("htu", "https://api.example:443/photos"),
        proof().claim("htu", "https://api.example/%70hotos"),
    ] {
        let _ = api.lets_through(&proved(&token, &good));
    }
    let with_query = Call::get("/photos?page=2").header("authorization", &format!("DPoP {token}"));
    let _ = api.lets_through(&with_query.proved(&proof()));
    let upper = Call::with("DPoP", &token).header("DPOP", &proof().sign());
    let _ = api.lets_through(&upper);
    let whole = Call::get("https://internal:8080/photos").header("authorization", &format!("DPoP {token}"));
    let _ = api.lets_through(&whole.proved(&proof()));
}

/// attack 169: FAPI 2.0 has no RS256.
#[test]
fn only_the_algorithms_that_are_accepted_prove_anything() {
    let fapi = DpopConfig::new().with_algorithms([SigningAlg::Es256, SigningAlg::Ps256, SigningAlg::EdDsa]);
    let replays = Arc::new(MemoryStore::new());
    let api = Api::trusting(trusted().with_keys(keys()), |builder| builder.dpop(fapi, replays));
    let rsa: Arc<dyn Signer> = Arc::new(JoseSigner::generate(SigningAlg::Rs256).unwrap());
    let mut claims = api.claims();
    claims["cnf"] = json!({ "jkt": rsa.public_key().thumbprint() });
    let token = signed("at+jwt", &claims);
    let refused = api.refuses(&proved(&token, &api.proof(&token).by(&rsa)), Reason::DpopProofAlgorithm);
    assert_eq!(challenges(&refused)[0].parameter("algs"), Some("ES256 PS256 EdDSA"));
    let open = Api::of_bound_jwts();
    let _ = open.lets_through(&proved(&token, &open.proof(&token).by(&rsa)));
}

/// attack 174, attack 176, attack 177: a proof is used once, in whatever spelling, and by its own key.
#[test]
fn a_proof_is_used_once() {
    let api = Api::of_bound_jwts();
    let token = api.bound_token();
    let proof = api.proof(&token).claim("jti", "the same");
    let _ = api.lets_through(&proved(&token, &proof));
    is_challenged_for_proof(&api.refuses(&proved(&token, &proof), Reason::DpopProofReplayed));
    let respelt = proof.clone().claim("htu", "https://API.example/photos?a");
    is_challenged_for_proof(&api.refuses(&proved(&token, &respelt), Reason::DpopProofReplayed));
    let mut claims = api.claims();
    claims["cnf"] = json!({ "jkt": dpop_keys()[1].public_key().thumbprint() });
    let other = signed("at+jwt", &claims);
    let _ =
        api.lets_through(&proved(&other, &api.proof(&other).by(&dpop_keys()[1]).claim("jti", "the same")));
    let _ = api.lets_through(&proved(&token, &api.proof(&token)));
}

/// attack 175, attack 178: what one node has taken, no other takes while it could be accepted anywhere.
#[test]
fn a_proof_is_used_once_on_all_nodes() {
    let replays = Arc::new(MemoryStore::new());
    let node = || {
        let replays = replays.clone();
        Api::trusting(trusted().with_keys(keys()), |builder| builder.dpop(DpopConfig::new(), replays))
    };
    let (one, other) = (node(), node());
    let token = one.bound_token();
    let early = one.proof(&token).claim("iat", one.now().unix() + 10);
    let _ = one.lets_through(&proved(&token, &early));
    other.advance(Duration::from_secs(299));
    is_challenged_for_proof(&other.refuses(&proved(&token, &early), Reason::DpopProofReplayed));
}

/// A store that cannot answer.
#[derive(Debug)]
struct Broken;

#[async_trait]
impl ReplayStore for Broken {
    async fn first_use(
        &self,
        _: &'static str,
        _: &TokenHash,
        _: Timestamp,
        _: Timestamp,
    ) -> Result<bool, StoreError> {
        Err(StoreErrorKind::Unavailable.into())
    }
}

/// attack 182: closed, unless the one who runs it decides otherwise.
#[test]
fn where_proofs_cannot_be_remembered_nobody_is_let_in() {
    let closed = Api::trusting(trusted().with_keys(keys()), |builder| {
        builder.dpop(DpopConfig::new(), Arc::new(Broken))
    });
    let token = closed.bound_token();
    let refused = closed.refuses(&proved(&token, &closed.proof(&token)), Reason::StoreUnavailable);
    assert_eq!(refused.response().status(), 503);
    assert!(refused.response().headers().contains_key("retry-after"));
    let open = Api::trusting(trusted().with_keys(keys()), |builder| {
        builder.dpop(DpopConfig::new(), Arc::new(Broken)).dangerous_accept_unremembered_proofs()
    });
    let _ = open.lets_through(&proved(&token, &open.proof(&token)));
    let unsound = open.proof(&token).without("ath");
    let _ = open.refuses(&proved(&token, &unsound), Reason::DpopProofAccessToken);
}

#[test]
fn a_token_that_is_not_bound_is_a_bearer_token_alone() {
    let api = Api::of_bound_jwts();
    let token = api.token();
    let _ = api.lets_through(&Call::with("Bearer", &token).header("dpop", "not looked at"));
    is_challenged_for_proof(&api.refuses(&proved(&token, &api.proof(&token)), Reason::AccessTokenUnbound));
}

/// A bound token is refused where no proofs are taken.
#[test]
fn without_dpop_a_bound_token_is_refused() {
    let api = Api::of_jwts();
    let token = api.bound_token();
    let refused = api.refuses(&Call::with("Bearer", &token), Reason::AccessTokenBound);
    assert_eq!(challenges(&refused)[0].scheme(), "Bearer");
    let _ = api.refuses(&proved(&token, &api.proof(&token)), Reason::AccessTokenMissing);
}

fn demanding(secrets: &SystemSecrets) -> Api {
    let (config, secrets) = (DpopConfig::new().with_nonces(DpopNonces::Required), secrets.clone());
    Api::trusting(trusted().with_keys(keys()), |builder| {
        builder.dpop(config, Arc::new(MemoryStore::new())).secrets(secrets)
    })
}

fn nonce(refused: &Refused) -> String {
    refused.response().headers()["dpop-nonce"].to_str().unwrap().to_owned()
}

/// RFC 9449 sections 8 and 9, attack 180, attack 181: a proof needs the nonce that the challenge tells, which takes the
/// place of the clock, on every node.
#[test]
fn where_nonces_are_required_the_challenge_tells_one() {
    let secrets = SystemSecrets::generate(&OsEntropy).unwrap();
    let (one, other) = (demanding(&secrets), demanding(&secrets));
    let token = one.bound_token();
    let _ = one.refuses(&Call::with("DPoP", &token), Reason::AccessTokenProofMissing);
    let refused = one.refuses(&proved(&token, &one.proof(&token)), Reason::DpopNonceMissing);
    is_challenged_for_proof(&refused);
    let told = nonce(&refused);
    for api in [&one, &other] {
        for hours in [-1, 0, 1] {
            let proof = api.proof(&token).claim("nonce", told.as_str());
            let _ = api.lets_through(&proved(&token, &proof.claim("iat", api.now().unix() + hours * 3600)));
        }
    }
    for forged in ["made up", &"A".repeat(32)] {
        let proof = one.proof(&token).claim("nonce", forged);
        let refused = one.refuses(&proved(&token, &proof), Reason::DpopNonceStale);
        assert_eq!(nonce(&refused), told);
    }
    let elsewhere = demanding(&SystemSecrets::generate(&OsEntropy).unwrap());
    let proof = elsewhere.proof(&token).claim("nonce", told.as_str());
    let _ = elsewhere.refuses(&proved(&token, &proof), Reason::DpopNonceStale);
}

/// attack 181: a nonce that gets old still counts, and the answer tells the next.
#[test]
fn a_nonce_that_gets_old_is_replaced() {
    let api = demanding(&SystemSecrets::generate(&OsEntropy).unwrap());
    let mut claims = api.claims();
    claims["exp"] = (api.now().unix() + 3600).into();
    claims["cnf"] = json!({ "jkt": dpop_keys()[0].public_key().thumbprint() });
    let token = signed("at+jwt", &claims);
    let told = nonce(&api.refuses(&proved(&token, &api.proof(&token)), Reason::DpopNonceMissing));
    api.advance(Duration::from_secs(300));
    let access = api.lets_through(&proved(&token, &api.proof(&token).claim("nonce", told.as_str())));
    let mut headers = HeaderMap::new();
    access.tell(&mut headers);
    assert!(headers.contains_key("dpop-nonce") && headers["dpop-nonce"] != told.as_str());
    api.advance(Duration::from_secs(300));
    let _ = api.refuses(&proved(&token, &api.proof(&token).claim("nonce", told)), Reason::DpopNonceStale);
}

/// A proof may name the origin at which the TLS layer asks for certificates.
#[test]
fn an_alias_is_the_same_place() {
    let api = Api::trusting(trusted().with_keys(keys()), |builder| {
        let builder = builder.dpop(DpopConfig::new(), Arc::new(MemoryStore::new()));
        builder.alias("https://mtls.api.example:8443/")
    });
    let token = api.bound_token();
    for (place, taken) in [
        ("https://api.example/photos", true),
        ("https://mtls.api.example:8443/photos", true),
        ("https://mtls.api.example/photos", false),
    ] {
        let call = proved(&token, &api.proof(&token).claim("htu", place));
        match taken {
            true => assert!(api.lets_through(&call).confirmation().is_some()),
            false => is_challenged_for_proof(&api.refuses(&call, Reason::DpopProofUri)),
        }
    }
}

fn certificate_bound(api: &Api) -> String {
    let certificate = Certificate::parse(&der(certificates::SELF_SIGNED)).unwrap();
    let mut claims = api.claims();
    claims["cnf"] = json!({ "x5t#S256": certificate.thumbprint().to_string() });
    signed("at+jwt", &claims)
}

#[test]
fn a_token_that_is_bound_to_a_certificate_counts_over_its_connections() {
    let api = Api::of_jwts();
    let call = Call::with("Bearer", &certificate_bound(&api));
    for certificate in [unverified(certificates::SELF_SIGNED), verified(certificates::SELF_SIGNED)] {
        assert!(api.lets_through(&call.clone().certificate(certificate)).confirmation().is_some());
    }
}

/// attack 184, attack 188, attack 189: another certificate, one that cannot be read, a header, or none.
#[test]
fn a_token_that_is_bound_to_another_certificate_is_refused() {
    let api = Api::of_bound_jwts();
    let token = certificate_bound(&api);
    let call = Call::with("Bearer", &token);
    let garbage = ClientCertificate::verified(vec![0x30; 17 * 1024]);
    for certificate in [verified(certificates::SELF_SIGNED_STRANGER), garbage] {
        let refused = api.refuses(&call.clone().certificate(certificate), Reason::AccessTokenCertificate);
        assert_eq!(challenges(&refused)[0].parameter("error"), Some("invalid_token"));
    }
    let pem = certificates::SELF_SIGNED.replace('\n', " ");
    for name in ["x-ssl-cert", "x-forwarded-client-cert", "client-cert"] {
        let _ = api.refuses(&call.clone().header(name, &pem), Reason::AccessTokenCertificate);
    }
    let _ = api.refuses(&call, Reason::AccessTokenCertificate);
    // Nor does a proof stand for the certificate.
    let proved = proved(&token, &api.proof(&token)).certificate(unverified(certificates::SELF_SIGNED));
    let _ = api.refuses(&proved, Reason::AccessTokenBound);
}

/// A resource may take bound tokens alone.
#[test]
fn where_a_bound_token_is_required_no_other_will_do() {
    let api = Api::of_bound_jwts();
    let bound = Requirement::any().with_bound_token();
    let refused = api.refuses_for(&Call::with("Bearer", &api.token()), &bound, Reason::AccessTokenUnbound);
    assert_eq!(refused.response().status(), 401);
    let token = api.bound_token();
    assert!(api.verify(&proved(&token, &api.proof(&token)), &bound).is_ok());
}
