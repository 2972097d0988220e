//! What is encrypted, and the keys for it.

use std::path::Path;

use vouchsafe::jose::{DecryptionKeys, KeyAlg};
use vouchsafe::provider::Encryption;

use crate::site::keys;

/// The algorithms that clients can encrypt by, each with a key of its own.
const ALGORITHMS: [KeyAlg; 3] = [KeyAlg::RsaOaep256, KeyAlg::EcdhEs, KeyAlg::EcdhEsA256Kw];

/// Everything that there is, with keys in a file beside the signing keys, which is made when missing; without
/// signing keys in a file, with new ones.
///
/// # Errors
/// One sentence that names the file.
pub(crate) fn beside(signing_keys: Option<&Path>) -> Result<Encryption, String> {
    let make = || DecryptionKeys::generate(&ALGORITHMS).map_err(|error| error.to_string());
    let keys = match signing_keys.map(|path| keys::beside(path, "encryption")) {
        None => make()?,
        Some(path) => {
            let document = keys::read_or_make(&path, || make().map(|keys| keys.export()))?;
            let keys = DecryptionKeys::import(document.expose());
            keys.map_err(|error| format!("{}: {error}", path.display()))?
        }
    };
    // Clients that register an algorithm and no `enc` mean one of 128 bits.
    Ok(Encryption::new().with_decryption_keys(keys).with_128_bits())
}
