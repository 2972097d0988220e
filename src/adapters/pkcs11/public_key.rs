//! The public half of a key, as a token has it.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use serde_json::{Value, json};

use super::Pkcs11Error;
use super::key::{KeyIdentity, attribute};
use super::mechanism::Scheme;
use crate::jose::{Jwk, SigningAlg};
use crate::types::KeyId;

/// How an uncompressed point begins (SEC 1 section 2.3.3).
const UNCOMPRESSED: u8 = 4;

/// Bytes of an Ed25519 key.
const ED25519_BYTES: usize = 32;

/// The public half of `key`, with its thumbprint as its `kid`.
pub(super) fn read(session: &Session, key: &KeyIdentity, alg: SigningAlg) -> Result<Jwk, Pkcs11Error> {
    let scheme = Scheme::of(alg)?;
    let private = key.object(session, ObjectClass::PRIVATE_KEY)?.ok_or(Pkcs11Error::Missing)?;
    match attribute(session, private, AttributeType::KeyType)? {
        Some(Attribute::KeyType(found)) if found == scheme.key_type => {}
        _ => return Err(Pkcs11Error::Unfit),
    }
    // A private RSA key, and with some modules any, has the public attributes as well.
    let public = key.object(session, ObjectClass::PUBLIC_KEY)?.unwrap_or(private);
    let members = match scheme.key_type {
        KeyType::RSA => rsa(session, public)?,
        _ => curve(session, public, &scheme, alg)?,
    };
    let jwk = jwk(members, alg)?;
    let kid = KeyId::new(jwk.thumbprint()).map_err(|_| Pkcs11Error::PublicKey)?;
    Ok(jwk.with_kid(kid))
}

fn jwk(mut members: Value, alg: SigningAlg) -> Result<Jwk, Pkcs11Error> {
    if let Some(members) = members.as_object_mut() {
        members.insert("use".to_owned(), "sig".into());
        members.insert("alg".to_owned(), alg.as_str().into());
    }
    let jwk = Jwk::parse(&members).map_err(|_| Pkcs11Error::PublicKey)?;
    if jwk.fits(alg) { Ok(jwk) } else { Err(Pkcs11Error::Unfit) }
}

fn rsa(session: &Session, public: ObjectHandle) -> Result<Value, Pkcs11Error> {
    let modulus = attribute(session, public, AttributeType::Modulus)?;
    let exponent = attribute(session, public, AttributeType::PublicExponent)?;
    match (modulus, exponent) {
        (Some(Attribute::Modulus(n)), Some(Attribute::PublicExponent(e))) => {
            Ok(json!({ "kty": "RSA", "n": number(&n), "e": number(&e) }))
        }
        _ => Err(Pkcs11Error::PublicKey),
    }
}

fn curve(
    session: &Session,
    public: ObjectHandle,
    scheme: &Scheme,
    alg: SigningAlg,
) -> Result<Value, Pkcs11Error> {
    let Some(Attribute::EcParams(curve)) = attribute(session, public, AttributeType::EcParams)? else {
        return Err(Pkcs11Error::PublicKey);
    };
    if ![scheme.curve, scheme.curve_name].contains(&Some(curve.as_slice())) {
        return Err(Pkcs11Error::Unfit);
    }
    let Some(Attribute::EcPoint(point)) = attribute(session, public, AttributeType::EcPoint)? else {
        return Err(Pkcs11Error::PublicKey);
    };
    let Some(bytes) = scheme.number_bytes else {
        let key = unwrapped(&point, ED25519_BYTES).ok_or(Pkcs11Error::PublicKey)?;
        return Ok(json!({ "kty": "OKP", "crv": "Ed25519", "x": text(key) }));
    };
    let point = unwrapped(&point, 1 + 2 * bytes).and_then(|point| point.strip_prefix(&[UNCOMPRESSED]));
    let (x, y) = point.and_then(|point| point.split_at_checked(bytes)).ok_or(Pkcs11Error::PublicKey)?;
    Ok(json!({ "kty": "EC", "crv": curve_of(alg)?, "x": text(x), "y": text(y) }))
}

fn curve_of(alg: SigningAlg) -> Result<&'static str, Pkcs11Error> {
    match alg {
        SigningAlg::Es256 => Ok("P-256"),
        SigningAlg::Es384 => Ok("P-384"),
        SigningAlg::Es512 => Ok("P-521"),
        _ => Err(Pkcs11Error::Unfit),
    }
}

/// A point of this many bytes: inside of an OCTET STRING, as PKCS#11 has it, or bare, as some modules do.
fn unwrapped(point: &[u8], bytes: usize) -> Option<&[u8]> {
    if point.len() == bytes {
        return Some(point);
    }
    let (header, inner) = point.split_at_checked(point.len().checked_sub(bytes)?)?;
    // The longest is that of P-521 with 133 bytes, whose length takes two bytes.
    let length = u8::try_from(bytes).ok()?;
    let short = length < 0x80 && header == [0x04, length];
    (short || header == [0x04, 0x81, length]).then_some(inner)
}

/// A number without the zeros that some modules put before it (RFC 7518 section 2, Base64urlUInt).
fn number(bytes: &[u8]) -> String {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    text(bytes.split_at_checked(zeros).map_or(bytes, |(_, rest)| rest))
}

fn text(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_read_wrapped_or_bare_and_no_other_way() {
        let point: Vec<u8> = (0..65).collect();
        let wrapped = [&[0x04, 65][..], &point].concat();
        assert_eq!(unwrapped(&point, 65), Some(&point[..]));
        assert_eq!(unwrapped(&wrapped, 65), Some(&point[..]));
        let long: Vec<u8> = (0..133).collect();
        assert_eq!(unwrapped(&[&[0x04, 0x81, 133][..], &long].concat(), 133), Some(&long[..]));
        let refused = [
            vec![],
            vec![4],
            point[1..].to_vec(),
            [&[0x03, 65][..], &point].concat(),
            [&[0][..], &point].concat(),
        ];
        for other in refused {
            assert_eq!(unwrapped(&other, 65), None, "{other:?}");
        }
    }

    #[test]
    fn a_number_has_no_zeros_before_it() {
        assert_eq!(number(&[0, 0, 1, 0, 1]), "AQAB");
        assert_eq!(number(&[0]), "");
    }
}
