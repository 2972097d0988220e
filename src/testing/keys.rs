//! Signing keys, made once for all tests of a process: making an RSA key takes long.

use std::sync::{Arc, OnceLock};

use crate::jose::{JoseSigner, KeyState, Keyring, RingKey, Signer, SigningAlg};

/// A keyring with a key for RS256 and one for ES256. The keys are the same for every caller, the ring is not.
///
/// # Panics
/// When OpenSSL cannot make a key.
#[must_use]
pub fn keyring() -> Keyring {
    static KEYS: OnceLock<[Arc<JoseSigner>; 2]> = OnceLock::new();
    let keys = KEYS.get_or_init(|| [signer(SigningAlg::Rs256), signer(SigningAlg::Es256)]);
    let keys = keys.iter().map(|key| RingKey::new(Arc::<JoseSigner>::clone(key), KeyState::Active));
    Keyring::new(keys.collect()).expect("two keys of two algorithms make a ring")
}

/// The ES256 key with which the [clients](super::Harness) `signer` and `remote` sign their assertions.
///
/// # Panics
/// When OpenSSL cannot make a key.
#[must_use]
pub fn client_key() -> Arc<dyn Signer> {
    static KEY: OnceLock<Arc<JoseSigner>> = OnceLock::new();
    let key: &Arc<JoseSigner> = KEY.get_or_init(|| signer(SigningAlg::Es256));
    Arc::<JoseSigner>::clone(key)
}

fn signer(alg: SigningAlg) -> Arc<JoseSigner> {
    Arc::new(JoseSigner::generate(alg).expect("OpenSSL makes a key"))
}
