//! Tokens with a MAC, as clients make them that share a secret.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _};
use serde_json::{Value, json};
use sha2::{Sha256, Sha384, Sha512};

use super::Harness;
use crate::jose::MacAlg;

impl Harness {
    /// Claims with a MAC, HS256, by the secret of `client_id`.
    ///
    /// # Panics
    /// When it has none that the harness made.
    #[must_use]
    #[track_caller]
    pub fn mac_assertion(&self, client_id: &str, claims: &Value) -> String {
        let header = json!({ "alg": "HS256", "typ": "JWT" });
        mac_jwt(&header, claims, (MacAlg::Hs256, self.client_secret(client_id).as_bytes()))
    }
}

/// A token of these texts, whatever they say, with a MAC of this algorithm by this key.
#[must_use]
pub fn mac_jwt(header: &Value, claims: &Value, (alg, key): (MacAlg, &[u8])) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let message = signed.as_bytes();
    let mac = match alg {
        MacAlg::Hs256 => Hmac::<Sha256>::new_from_slice(key).map(|mac| made(mac, message)),
        MacAlg::Hs384 => Hmac::<Sha384>::new_from_slice(key).map(|mac| made(mac, message)),
        MacAlg::Hs512 => Hmac::<Sha512>::new_from_slice(key).map(|mac| made(mac, message)),
    };
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(mac.unwrap_or_default()))
}

fn made(mac: impl hmac::Mac, message: &[u8]) -> Vec<u8> {
    mac.chain_update(message).finalize().into_bytes().to_vec()
}
