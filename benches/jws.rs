//! Signing and verifying compact JWS, for each algorithm, beside the cryptographic library over the same bytes; and
//! encrypting and decrypting compact JWE.
//!
//! The difference between `vouchsafe` and `josekit` is what framing, header and checks cost.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use futures_util::FutureExt as _;
use josekit::jws::{
    ES256, ES384, ES512, EdDSA, JwsSigner, JwsVerifier, PS256, PS384, PS512, RS256, RS384, RS512,
};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::jose::{
    AgreementCurve, ClaimsSet, Content, ContentEnc, DecryptionKey, Encrypter, ExpectedEncryption, JoseSigner,
    Jwe, Jwk, Jws, KeyAlg, SigningAlg, SigningHeader, Verifier, sign,
};

/// The claims of a usual access token.
const CLAIMS: &str = concat!(
    r#"{"iss":"https://op.example","sub":"248289761001","aud":"https://api.example","client_id":"s6BhdRkqt3","#,
    r#""exp":1790000600,"iat":1790000000,"jti":"vKxT2cRJ5G0yQm1uWb7Lhw","scope":"openid profile email"}"#
);

fn signing(c: &mut Criterion) {
    let mut group = c.benchmark_group("jws/sign");
    for alg in SigningAlg::ALL {
        let signer = JoseSigner::generate(*alg).expect("a key can be made");
        let header = SigningHeader::typed("at+jwt");
        group.bench_function(BenchmarkId::new(alg.as_str(), "vouchsafe"), |b| {
            b.iter(|| sign(&header, black_box(CLAIMS.as_bytes()), &signer).now_or_never());
        });
        let (theirs, message) = (their_signer(&signer), signed_bytes(&signer));
        group.bench_function(BenchmarkId::new(alg.as_str(), "josekit"), |b| {
            b.iter(|| theirs.sign(black_box(message.as_bytes())));
        });
    }
    group.finish();
}

fn verifying(c: &mut Criterion) {
    let mut group = c.benchmark_group("jws/verify");
    for alg in SigningAlg::ALL {
        let signer = JoseSigner::generate(*alg).expect("a key can be made");
        let token = token(&signer);
        let verifier = Verifier::new(signer.public_key(), *alg).expect("the key fits");
        group.bench_function(BenchmarkId::new(alg.as_str(), "vouchsafe"), |b| {
            b.iter(|| Jws::parse(black_box(&token)).and_then(|jws| jws.verify(&verifier).map(<[u8]>::len)));
        });
        let theirs = their_verifier(&signer);
        let message = signed_bytes(&signer);
        let signature = their_signer(&signer).sign(message.as_bytes()).expect("the library signs");
        group.bench_function(BenchmarkId::new(alg.as_str(), "josekit"), |b| {
            b.iter(|| theirs.verify(black_box(message.as_bytes()), &signature));
        });
    }
    group.finish();
}

fn reading(c: &mut Criterion) {
    let mut group = c.benchmark_group("jws/read");
    let signer = JoseSigner::generate(SigningAlg::Es256).expect("a key can be made");
    let token = token(&signer);
    group.bench_function("token", |b| b.iter(|| Jws::parse(black_box(&token))));
    group.bench_function("claims", |b| b.iter(|| ClaimsSet::parse(black_box(CLAIMS.as_bytes()))));
    for alg in [SigningAlg::EdDsa, SigningAlg::Es256, SigningAlg::Rs256] {
        let key = JoseSigner::generate(alg).expect("a key can be made").public_key().to_value();
        group.bench_function(BenchmarkId::new("jwk", alg), |b| b.iter(|| Jwk::parse(black_box(&key))));
    }
    group.finish();
}

fn encrypting(c: &mut Criterion) {
    let mut group = c.benchmark_group("jwe");
    let token = token(&JoseSigner::generate(SigningAlg::Es256).expect("a key can be made"));
    let expected = ExpectedEncryption::default();
    for (name, key) in decryption_keys() {
        for enc in ContentEnc::DEFAULT_INBOUND {
            let encrypter = Encrypter::new(key.public_key(), key.algorithm(), *enc).expect("the key fits");
            let content = Content::Jws(&token);
            group.bench_function(BenchmarkId::new(format!("encrypt/{name}"), enc), |b| {
                b.iter(|| encrypter.encrypt(black_box(content), &OsEntropy));
            });
            let encrypted = encrypter.encrypt(content, &OsEntropy).expect("the key encrypts");
            group.bench_function(BenchmarkId::new(format!("decrypt/{name}"), enc), |b| {
                b.iter(|| Jwe::parse(black_box(&encrypted)).and_then(|jwe| key.decrypt(&jwe, &expected)));
            });
        }
    }
    group.finish();
}

fn decryption_keys() -> [(&'static str, DecryptionKey); 4] {
    let on = |curve, alg| DecryptionKey::generate_on(curve, alg).expect("a key can be made");
    [
        ("RSA-OAEP-256", DecryptionKey::generate(KeyAlg::RsaOaep256).expect("a key can be made")),
        ("ECDH-ES, P-256", on(AgreementCurve::P256, KeyAlg::EcdhEs)),
        ("ECDH-ES, X25519", on(AgreementCurve::X25519, KeyAlg::EcdhEs)),
        ("ECDH-ES+A256KW, P-256", on(AgreementCurve::P256, KeyAlg::EcdhEsA256Kw)),
    ]
}

fn token(signer: &JoseSigner) -> String {
    let signed = sign(&SigningHeader::typed("at+jwt"), CLAIMS.as_bytes(), signer).now_or_never();
    signed.expect("a key in memory signs at once").expect("the key signs")
}

fn signed_bytes(signer: &JoseSigner) -> String {
    token(signer).rsplit_once('.').expect("a token has dots").0.to_owned()
}

fn their_key(jwk: &str) -> josekit::jwk::Jwk {
    josekit::jwk::Jwk::from_bytes(jwk).expect("the library reads its own keys")
}

fn their_signer(signer: &JoseSigner) -> Box<dyn JwsSigner> {
    let key = &their_key(signer.export().expose());
    let made: Result<Box<dyn JwsSigner>, _> = match signer.algorithm() {
        SigningAlg::EdDsa => EdDSA.signer_from_jwk(key).map(|signer| Box::new(signer) as _),
        SigningAlg::Es256 => ES256.signer_from_jwk(key).map(|signer| Box::new(signer) as _),
        SigningAlg::Es384 => ES384.signer_from_jwk(key).map(|signer| Box::new(signer) as _),
        SigningAlg::Es512 => ES512.signer_from_jwk(key).map(|signer| Box::new(signer) as _),
        SigningAlg::Ps256 => PS256.signer_from_jwk(key).map(|signer| Box::new(signer) as _),
        SigningAlg::Ps384 => PS384.signer_from_jwk(key).map(|signer| Box::new(signer) as _),
        SigningAlg::Ps512 => PS512.signer_from_jwk(key).map(|signer| Box::new(signer) as _),
        SigningAlg::Rs256 => RS256.signer_from_jwk(key).map(|signer| Box::new(signer) as _),
        SigningAlg::Rs384 => RS384.signer_from_jwk(key).map(|signer| Box::new(signer) as _),
        SigningAlg::Rs512 => RS512.signer_from_jwk(key).map(|signer| Box::new(signer) as _),
        other => unreachable!("{other} is not measured"),
    };
    made.expect("the library reads its own keys")
}

fn their_verifier(signer: &JoseSigner) -> Box<dyn JwsVerifier> {
    let key = &their_key(&signer.public_key().to_value().to_string());
    let made: Result<Box<dyn JwsVerifier>, _> = match signer.algorithm() {
        SigningAlg::EdDsa => EdDSA.verifier_from_jwk(key).map(|verifier| Box::new(verifier) as _),
        SigningAlg::Es256 => ES256.verifier_from_jwk(key).map(|verifier| Box::new(verifier) as _),
        SigningAlg::Es384 => ES384.verifier_from_jwk(key).map(|verifier| Box::new(verifier) as _),
        SigningAlg::Es512 => ES512.verifier_from_jwk(key).map(|verifier| Box::new(verifier) as _),
        SigningAlg::Ps256 => PS256.verifier_from_jwk(key).map(|verifier| Box::new(verifier) as _),
        SigningAlg::Ps384 => PS384.verifier_from_jwk(key).map(|verifier| Box::new(verifier) as _),
        SigningAlg::Ps512 => PS512.verifier_from_jwk(key).map(|verifier| Box::new(verifier) as _),
        SigningAlg::Rs256 => RS256.verifier_from_jwk(key).map(|verifier| Box::new(verifier) as _),
        SigningAlg::Rs384 => RS384.verifier_from_jwk(key).map(|verifier| Box::new(verifier) as _),
        SigningAlg::Rs512 => RS512.verifier_from_jwk(key).map(|verifier| Box::new(verifier) as _),
        other => unreachable!("{other} is not measured"),
    };
    made.expect("the library reads its own keys")
}

criterion_group!(benches, signing, verifying, reading, encrypting);
criterion_main!(benches);
