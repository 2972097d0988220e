//! Values that must not be shown, and the keys that the deployment keeps.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::entropy::{Entropy, EntropyError, random};

/// The MAC that everything here is keyed with.
pub(crate) type HmacSha256 = Hmac<Sha256>;

/// Bytes in every system secret, pepper and salt.
pub const SYSTEM_SECRET_BYTES: usize = 32;

/// Most secrets, and most peppers, that may be live at once.
const MAX_LIVE: usize = 16;

/// A secret text: a token, a client secret, a password.
///
/// `Debug` prints the type's name only, there is no `Display`, `==` takes the same time wherever the texts
/// differ (their lengths are not hidden), and the memory is wiped on drop.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    /// Takes over `text`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one who must send or compare it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// SHA-256 of a whole token: the only form in which a store sees one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of `token`, every byte of it counted.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// The hash of bytes that carry at least 256 random bits.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// A hash read back from a store.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash as a store writes it.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether this is the hash of `bytes`, in constant time.
    #[must_use]
    pub fn matches(&self, bytes: &[u8]) -> bool {
        self.0.ct_eq(Self::of_bytes(bytes).as_bytes()).into()
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenHash({}..)", BASE64_URL_SAFE_NO_PAD.encode(&self.0[..6]))
    }
}

/// The public name of a system secret or pepper: four bytes derived from it.
///
/// Records and tokens carry it, so that the right key is found again after a rotation. It says nothing of the
/// secret itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretId([u8; 4]);

impl SecretId {
    /// A name read back from a record.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// The name as a record carries it.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }
}

impl fmt::Display for SecretId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for SecretId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretId({self})")
    }
}

/// One key from which the others are derived: 32 random bytes, redacted and wiped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SystemSecret([u8; SYSTEM_SECRET_BYTES]);

impl SystemSecret {
    /// Takes over 32 bytes from a cryptographic random source.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; SYSTEM_SECRET_BYTES]) -> Self {
        Self(bytes)
    }

    /// Draws a new one.
    ///
    /// # Errors
    /// [`EntropyError`] when the random source fails.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        random(entropy).map(Self)
    }

    fn mac(&self) -> HmacSha256 {
        keyed(&self.0)
    }

    fn derive(&self, label: &str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(mac(&self.mac(), &[b"vouchsafe derive", label.as_bytes()]))
    }

    fn id(&self) -> SecretId {
        let digest = self.derive("id");
        SecretId([digest[0], digest[1], digest[2], digest[3]])
    }
}

impl fmt::Debug for SystemSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemSecret(..)")
    }
}

/// The keys that one system secret gives: one for each purpose, derived once.
pub(crate) struct DerivedKeys {
    pub(crate) id: SecretId,
    /// Key of the AEAD that seals payloads and pending requests.
    pub(crate) seal: Zeroizing<[u8; 32]>,
    /// Keyed state of the MAC inside tokens and codes.
    pub(crate) token: HmacSha256,
}

/// The secrets of a deployment: what seals records, marks tokens, hashes client secrets and hides identifiers.
///
/// All nodes of a deployment share them. The first system secret writes, all read; a new one is first deployed
/// everywhere as a reader, then moved to the front. The first pepper hashes client secrets, all verify. The
/// salt never changes: the stored names of subjects and sessions, the `sid` and the pairwise `sub` rest on it.
#[derive(Clone)]
pub struct SystemSecrets(Arc<Inner>);

struct Inner {
    secrets: Vec<SystemSecret>,
    peppers: Vec<SystemSecret>,
    salt: SystemSecret,
    derived: Vec<DerivedKeys>,
    pepper_macs: Vec<(SecretId, HmacSha256)>,
    salt_mac: HmacSha256,
}

/// Why a set of system secrets is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SystemSecretsError {
    /// The text is not the document that [`SystemSecrets::export`] writes.
    #[error(
        "could not read the system secrets: not a version 1 document with secrets, peppers and salt of 32 bytes in base64url"
    )]
    Malformed,
    /// A list is empty, longer than 16, or holds a secret twice.
    #[error("system secrets and peppers must each be 1 to 16 different secrets")]
    Count,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u8,
    secrets: Vec<Zeroizing<String>>,
    peppers: Vec<Zeroizing<String>>,
    salt: Zeroizing<String>,
}

impl SystemSecrets {
    /// Puts a set together; the first of `secrets` writes, and the first of `peppers` hashes.
    ///
    /// # Errors
    /// [`SystemSecretsError::Count`] when a list is empty, longer than 16, or names a secret twice.
    pub fn new(
        secrets: Vec<SystemSecret>,
        peppers: Vec<SystemSecret>,
        salt: SystemSecret,
    ) -> Result<Self, SystemSecretsError> {
        for list in [&secrets, &peppers] {
            let mut ids: Vec<SecretId> = list.iter().map(SystemSecret::id).collect();
            ids.sort_unstable();
            ids.dedup();
            if list.is_empty() || list.len() > MAX_LIVE || ids.len() != list.len() {
                return Err(SystemSecretsError::Count);
            }
        }
        let derived = secrets
            .iter()
            .map(|secret| DerivedKeys {
                id: secret.id(),
                seal: secret.derive("seal"),
                token: keyed(&secret.derive("token")),
            })
            .collect();
        let pepper_macs =
            peppers.iter().map(|pepper| (pepper.id(), keyed(&pepper.derive("pepper")))).collect();
        let salt_mac = keyed(&salt.derive("salt"));
        Ok(Self(Arc::new(Inner { secrets, peppers, salt, derived, pepper_macs, salt_mac })))
    }

    /// Draws a new set: one system secret, one pepper, one salt.
    ///
    /// # Errors
    /// [`EntropyError`] when the random source fails.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let (secret, pepper) = (SystemSecret::generate(entropy)?, SystemSecret::generate(entropy)?);
        Self::new(vec![secret], vec![pepper], SystemSecret::generate(entropy)?).map_err(|_| EntropyError)
    }

    /// The set as a JSON document to keep in a secret manager or a file that its owner alone can read:
    /// `{"version":1,"secrets":[..],"peppers":[..],"salt":".."}`, each value 32 bytes in base64url.
    #[must_use]
    pub fn export(&self) -> Secret {
        let encode = |secret: &SystemSecret| Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(secret.0));
        let document = Document {
            version: 1,
            secrets: self.0.secrets.iter().map(encode).collect(),
            peppers: self.0.peppers.iter().map(encode).collect(),
            salt: encode(&self.0.salt),
        };
        Secret::new(serde_json::to_string_pretty(&document).expect("strings in a struct always serialise"))
    }

    /// Reads what [`SystemSecrets::export`] wrote.
    ///
    /// # Errors
    /// [`SystemSecretsError::Malformed`] for any other text, [`SystemSecretsError::Count`] for an empty,
    /// overlong or repeating list.
    pub fn import(document: &str) -> Result<Self, SystemSecretsError> {
        let decode = |text: &Zeroizing<String>| {
            let bytes = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.decode(text.as_bytes()).ok()?);
            <[u8; SYSTEM_SECRET_BYTES]>::try_from(bytes.as_slice()).ok().map(SystemSecret)
        };
        let document: Document = serde_json::from_str(document).map_err(|_| SystemSecretsError::Malformed)?;
        let list = |texts: &[Zeroizing<String>]| texts.iter().map(decode).collect::<Option<Vec<_>>>();
        let (secrets, peppers) = (list(&document.secrets), list(&document.peppers));
        match (document.version, secrets, peppers, decode(&document.salt)) {
            (1, Some(secrets), Some(peppers), Some(salt)) => Self::new(secrets, peppers, salt),
            _ => Err(SystemSecretsError::Malformed),
        }
    }

    /// The name of the secret that writes now.
    #[must_use]
    pub fn current(&self) -> SecretId {
        self.writer().id
    }

    /// A keyed hash, under the salt that never rotates, of `parts` for one `purpose`.
    ///
    /// Stores see subjects and sessions only in this form; equal parts give equal hashes.
    #[must_use]
    pub fn salted(&self, purpose: &str, parts: &[&str]) -> [u8; 32] {
        let mut all: Vec<&[u8]> = Vec::with_capacity(parts.len() + 1);
        all.push(purpose.as_bytes());
        all.extend(parts.iter().map(|part| part.as_bytes()));
        mac(&self.0.salt_mac, &all)
    }

    /// Keyed hashes of `parts` for one `purpose`, one under each pepper: the first is written, all are looked for.
    pub(crate) fn peppered(&self, purpose: &str, parts: &[&str]) -> Vec<TokenHash> {
        let mut all: Vec<&[u8]> = Vec::with_capacity(parts.len() + 1);
        all.push(purpose.as_bytes());
        all.extend(parts.iter().map(|part| part.as_bytes()));
        let peppers = self.0.pepper_macs.iter();
        peppers.map(|(_, keyed)| TokenHash::from_bytes(mac(keyed, &all))).collect()
    }

    pub(crate) fn writer(&self) -> &DerivedKeys {
        self.0.derived.first().expect("new() refuses an empty list")
    }

    pub(crate) fn reader(&self, id: SecretId) -> Option<&DerivedKeys> {
        self.0.derived.iter().find(|keys| keys.id == id)
    }

    pub(crate) fn readers(&self) -> impl Iterator<Item = &DerivedKeys> {
        self.0.derived.iter()
    }

    /// The pepper that hashes new client secrets.
    pub(crate) fn pepper(&self) -> (SecretId, &HmacSha256) {
        let (id, mac) = self.0.pepper_macs.first().expect("new() refuses an empty list");
        (*id, mac)
    }

    pub(crate) fn pepper_named(&self, id: SecretId) -> Option<&HmacSha256> {
        self.0.pepper_macs.iter().find(|(pepper, _)| *pepper == id).map(|(_, mac)| mac)
    }
}

impl fmt::Debug for SystemSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemSecrets(..)")
    }
}

fn keyed(key: &[u8; 32]) -> HmacSha256 {
    HmacSha256::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// HMAC-SHA-256 over `parts`, each preceded by its length, so that no two lists give the same input.
pub(crate) fn mac(keyed: &HmacSha256, parts: &[&[u8]]) -> [u8; 32] {
    let mut state = keyed.clone();
    for part in parts {
        state.update(&(part.len() as u64).to_be_bytes());
        state.update(part);
    }
    state.finalize().into_bytes().into()
}

/// A new random text of at least `bits` bits in base64url: a token suffix, a client secret, a `state`.
///
/// Asking for fewer than 128 bits still gives 128.
///
/// # Errors
/// [`EntropyError`] when the random source fails.
pub fn generate(entropy: &dyn Entropy, bits: usize) -> Result<Secret, EntropyError> {
    let mut bytes = Zeroizing::new(vec![0; bits.max(128).div_ceil(8)]);
    entropy.fill(&mut bytes)?;
    Ok(Secret::new(BASE64_URL_SAFE_NO_PAD.encode(&*bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;

    fn secrets() -> SystemSecrets {
        SystemSecrets::generate(&OsEntropy).unwrap()
    }

    #[test]
    fn nothing_secret_is_printed() {
        let exported = secrets().export();
        let imported = SystemSecrets::import(exported.expose()).unwrap();
        assert_eq!(format!("{exported:?} {imported:?}"), "Secret(..) SystemSecrets(..)");
        assert_eq!(imported.export(), exported);
    }

    #[test]
    fn an_import_names_what_is_wrong() {
        assert_eq!(SystemSecrets::import("{}").unwrap_err(), SystemSecretsError::Malformed);
        let short = r#"{"version":1,"secrets":["AAAA"],"peppers":["AAAA"],"salt":"AAAA"}"#;
        assert_eq!(SystemSecrets::import(short).unwrap_err(), SystemSecretsError::Malformed);
        let same = SystemSecret::from_bytes([7; 32]);
        let twice = SystemSecrets::new(vec![same.clone(), same.clone()], vec![same.clone()], same);
        assert_eq!(twice.unwrap_err(), SystemSecretsError::Count);
    }

    #[test]
    fn framing_keeps_neighbouring_parts_apart() {
        let secrets = secrets();
        assert_ne!(secrets.salted("p", &["ab", "c"]), secrets.salted("p", &["a", "bc"]));
        assert_ne!(secrets.salted("p", &["a"]), secrets.salted("q", &["a"]));
    }

    #[test]
    fn a_rotated_set_still_finds_the_old_secret() {
        let (old, new) = (SystemSecret::from_bytes([1; 32]), SystemSecret::from_bytes([2; 32]));
        let salt = SystemSecret::from_bytes([3; 32]);
        let before = SystemSecrets::new(vec![old.clone()], vec![old.clone()], salt.clone()).unwrap();
        let after = SystemSecrets::new(vec![new, old.clone()], vec![old], salt).unwrap();
        assert_ne!(before.current(), after.current());
        assert!(after.reader(before.current()).is_some());
        assert_eq!(before.salted("p", &["a"]), after.salted("p", &["a"]));
    }
}
