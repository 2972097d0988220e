use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, HeaderValue};
use sha2::{Digest as _, Sha256};

use crate::jose::Jwk;
use crate::proof::{AlternativeName, Certificate, MAX_CERTIFICATE_BYTES, SubjectDn};
use crate::wire::{CertificateChain, ClientCertificate};

/// The input as the DER of a certificate, as the header of a proxy, and as the name of a subject.
///
/// What is accepted is one certificate and nothing behind it, with a key that a client could register. A name
/// is kept as it was written, and is whole.
pub fn certificate(data: &[u8]) {
    if let Ok(certificate) = Certificate::parse(data) {
        check(&certificate, data);
    }
    check_header(data);
    if let Ok(text) = std::str::from_utf8(data) {
        check_subject(text);
    }
}

fn check(certificate: &Certificate, der: &[u8]) {
    assert!(der.len() <= MAX_CERTIFICATE_BYTES, "the cap does not hold");
    let hash: [u8; 32] = Sha256::digest(der).into();
    assert_eq!(certificate.thumbprint().as_bytes(), &hash, "the hash is of something else");
    assert!(Certificate::parse(&[der, &[0]].concat()).is_err(), "something follows");
    assert!(Certificate::parse(&der[..der.len() - 1]).is_err(), "the end is not looked at");
    if let Some(key) = certificate.key() {
        let again = Jwk::parse(&key.to_value()).expect("a key of a certificate can be registered");
        assert_eq!(again.thumbprint(), key.thumbprint());
    }
    for name in certificate.names() {
        // Every name stands in the certificate as it is.
        let octets = match name {
            AlternativeName::Dns(name) | AlternativeName::Email(name) | AlternativeName::Uri(name) => {
                name.as_bytes().to_vec()
            }
            AlternativeName::Ip(std::net::IpAddr::V4(address)) => address.octets().to_vec(),
            AlternativeName::Ip(std::net::IpAddr::V6(address)) => address.octets().to_vec(),
        };
        let stands = der.windows(octets.len().max(1)).any(|window| window == octets);
        assert!(octets.is_empty() || stands, "a name from nowhere");
    }
}

fn check_header(data: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(data) else { return };
    let mut headers = HeaderMap::new();
    headers.insert("client-cert", value.clone());
    let read = ClientCertificate::dangerous_from_trusted_proxy(&headers, CertificateChain::Unverified);
    let Ok(Some(read)) = read else { return };
    let text = value.to_str().expect("only text is accepted");
    assert_eq!(text.trim_matches(' '), format!(":{}:", BASE64_STANDARD.encode(read.der())));
    headers.append("client-cert", value);
    let twice = ClientCertificate::dangerous_from_trusted_proxy(&headers, CertificateChain::Unverified);
    assert!(twice.is_err(), "one of two is taken");
}

fn check_subject(text: &str) {
    let Ok(subject) = SubjectDn::parse(text) else { return };
    assert_eq!(subject.as_str(), text, "it is written otherwise than it was registered");
    let again = SubjectDn::parse(text).expect("what reads once reads again");
    assert_eq!(again, subject);
    assert!(SubjectDn::parse(format!("{text},")).is_err(), "something is missing");
}
