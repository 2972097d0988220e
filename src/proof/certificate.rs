//! Certificates as clients present them (RFC 5280): read, never verified. Who issued one is for the TLS layer
//! to say.

use std::net::IpAddr;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::{OID_EC_P256, OID_NIST_EC_P384, OID_NIST_EC_P521, OID_SIG_ED25519};
use x509_parser::public_key::{ECPoint, PublicKey};
use x509_parser::x509::{SubjectPublicKeyInfo, X509Version};

use super::DistinguishedName;
use crate::clock::Timestamp;
use crate::jose::Jwk;
use crate::types::Thumbprint;

/// Most bytes in the DER of a certificate: 16 KiB.
pub const MAX_CERTIFICATE_BYTES: usize = 16 * 1024;

/// A certificate, taken apart.
///
/// Nothing is known of who issued it, and nothing of whether the one who sent it has its key: both are for
/// the TLS layer.
#[derive(Clone, Debug)]
pub struct Certificate {
    thumbprint: Thumbprint,
    not_before: Timestamp,
    not_after: Timestamp,
    subject: DistinguishedName,
    names: Vec<AlternativeName>,
    key_info: Box<[u8]>,
    /// Made when it is first asked for: most certificates are looked at for their hash or their names.
    key: OnceLock<Option<Jwk>>,
}

/// A name of the subject alternative name extension (RFC 5280 section 4.2.1.6), as it stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AlternativeName {
    /// `dNSName`.
    Dns(String),
    /// `rfc822Name`.
    Email(String),
    /// `iPAddress`.
    Ip(IpAddr),
    /// `uniformResourceIdentifier`.
    Uri(String),
}

/// Why a certificate cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCertificate {
    /// It is no DER of one X.509 certificate of version 3, or has names that cannot be read.
    #[error("the certificate is malformed")]
    Malformed,
    /// It is over 16 KiB.
    #[error("the certificate is too long")]
    TooLong,
}

impl Certificate {
    /// Reads the DER of one certificate: nothing may follow it, and no extension may stand twice.
    ///
    /// # Errors
    /// [`InvalidCertificate`].
    pub fn parse(der: &[u8]) -> Result<Self, InvalidCertificate> {
        if der.len() > MAX_CERTIFICATE_BYTES {
            return Err(InvalidCertificate::TooLong);
        }
        let (rest, read) = X509Certificate::from_der(der).map_err(|_| InvalidCertificate::Malformed)?;
        if !rest.is_empty() || read.version() != X509Version::V3 || read.extensions_map().is_err() {
            return Err(InvalidCertificate::Malformed);
        }
        let validity = read.validity();
        Ok(Self {
            thumbprint: Self::thumbprint_of(der),
            not_before: Timestamp::from_unix(validity.not_before.timestamp()),
            not_after: Timestamp::from_unix(validity.not_after.timestamp()),
            subject: DistinguishedName::of(read.subject()),
            names: alternative_names(&read).ok_or(InvalidCertificate::Malformed)?,
            key_info: read.public_key().raw.into(),
            key: OnceLock::new(),
        })
    }

    /// What [`thumbprint`](Self::thumbprint) is of the certificate of this DER.
    pub(crate) fn thumbprint_of(der: &[u8]) -> Thumbprint {
        Thumbprint::from_bytes(Sha256::digest(der).into())
    }

    /// The SHA-256 of its DER: `x5t#S256` (RFC 8705 section 3.1).
    #[must_use]
    pub const fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }

    /// Whether `now` lies within its validity, both ends included (RFC 5280 section 4.1.2.5).
    #[must_use]
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.not_before <= now && now <= self.not_after
    }

    /// Its subject.
    #[must_use]
    pub const fn subject(&self) -> &DistinguishedName {
        &self.subject
    }

    /// Its subject alternative names, those of other kinds left out. A common name is none of them.
    #[must_use]
    pub fn names(&self) -> &[AlternativeName] {
        &self.names
    }

    /// Its public key; `None` where it is of a kind, or as weak, as no client may register.
    #[must_use]
    pub fn key(&self) -> Option<&Jwk> {
        self.key.get_or_init(|| public_key(&self.key_info)).as_ref()
    }
}

/// `None` where one of them cannot be read.
fn alternative_names(read: &X509Certificate<'_>) -> Option<Vec<AlternativeName>> {
    let Some(extension) = read.subject_alternative_name().ok()? else { return Some(Vec::new()) };
    let mut names = Vec::new();
    for name in &extension.value.general_names {
        names.push(match name {
            GeneralName::DNSName(name) => AlternativeName::Dns((*name).to_owned()),
            GeneralName::RFC822Name(name) => AlternativeName::Email((*name).to_owned()),
            GeneralName::URI(name) => AlternativeName::Uri((*name).to_owned()),
            GeneralName::IPAddress(octets) => AlternativeName::Ip(address(octets)?),
            GeneralName::Invalid(..) => return None,
            _ => continue,
        });
    }
    Some(names)
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
    }
}

/// The key in the form in which clients register theirs, held against the same rules.
fn public_key(der: &[u8]) -> Option<Jwk> {
    let (_, info) = SubjectPublicKeyInfo::from_der(der).ok()?;
    if info.subject_public_key.unused_bits != 0 {
        return None;
    }
    let members = match info.parsed().ok()? {
        PublicKey::RSA(key) => {
            json!({ "kty": "RSA", "n": base64url(unsigned(key.modulus)), "e": base64url(unsigned(key.exponent)) })
        }
        PublicKey::EC(point) => curve_point(&info, &point)?,
        PublicKey::Unknown(octets) if info.algorithm.algorithm == OID_SIG_ED25519 => {
            json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url(octets) })
        }
        _ => return None,
    };
    Jwk::parse(&members).ok()
}

/// A point in the uncompressed form (RFC 5480 section 2.2).
fn curve_point(info: &SubjectPublicKeyInfo<'_>, point: &ECPoint<'_>) -> Option<Value> {
    let curve = info.algorithm.parameters.as_ref()?.as_oid().ok()?;
    let known =
        [(OID_EC_P256, "P-256", 32), (OID_NIST_EC_P384, "P-384", 48), (OID_NIST_EC_P521, "P-521", 66)];
    let (_, crv, length) = known.into_iter().find(|(oid, ..)| *oid == curve)?;
    let coordinates = point.data().strip_prefix(&[4]).filter(|rest| rest.len() == 2 * length)?;
    let (x, y) = coordinates.split_at(length);
    Some(json!({ "kty": "EC", "crv": crv, "x": base64url(x), "y": base64url(y) }))
}

/// The octets of a positive INTEGER without the one that keeps it from being negative.
fn unsigned(octets: &[u8]) -> &[u8] {
    octets.strip_prefix(&[0]).unwrap_or(octets)
}

fn base64url(octets: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(octets)
}

#[cfg(test)]
mod tests;
