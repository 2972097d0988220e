//! A token, and what it is asked.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cryptoki::object::{Attribute, ObjectClass};
use cryptoki::session::Session;

use super::key::KeyIdentity;
use super::mechanism::Scheme;
use super::sessions::Sessions;
use super::{KeyName, Pkcs11Error, Pkcs11Options, Pkcs11Signer, public_key};
use crate::jose::SigningAlg;
use crate::runtime::{Places, Runtime, within};

/// Most callers that wait for a token, each of which may occupy a thread.
const MAX_CALLERS: usize = 128;

/// Bytes of the `CKA_ID` of a new key.
const ID_BYTES: u32 = 16;

/// A token in which the user is logged in. Clones share their sessions.
#[derive(Clone)]
pub struct Pkcs11Token {
    sessions: Arc<Sessions>,
    runtime: Arc<dyn Runtime>,
    places: Places,
    timeout: Duration,
    label: Arc<str>,
}

impl Pkcs11Token {
    /// Loads the module, finds the token and logs in.
    ///
    /// # Errors
    /// [`Pkcs11Error`]: `Module`, `TokenMissing`, `PinRefused`, `TimedOut`.
    pub async fn open(options: Pkcs11Options, runtime: Arc<dyn Runtime>) -> Result<Self, Pkcs11Error> {
        let (timeout, label) = (options.timeout, options.token.as_str().into());
        let begun = blocking(&*runtime, timeout, move || Sessions::begin(options)).await?;
        let places = Places::new(MAX_CALLERS);
        Ok(Self { sessions: Arc::new(begun), runtime, places, timeout, label })
    }

    /// A key of the token, which is used with `alg`. It signs once, and that is verified under its public half.
    ///
    /// # Errors
    /// [`Pkcs11Error`]: `Missing`, `Ambiguous`, `PublicKey`, `Unfit`, and whatever keeps the token from answering.
    pub async fn signer(&self, name: &KeyName, alg: SigningAlg) -> Result<Pkcs11Signer, Pkcs11Error> {
        let name = name.clone();
        let found = self.run(move |sessions| {
            sessions.look_up(|open| {
                let key = KeyIdentity::find(&open.session, &name)?;
                let public = public_key::read(&open.session, &key, alg)?;
                Ok((key, public))
            })
        });
        let (key, public) = found.await?;
        Pkcs11Signer::proven(self.clone(), key, public, alg).await
    }

    /// Makes a key for `alg` in the token, under a label that no other has: RSA of 3072 bits, or of the algorithm's
    /// curve. It stays in the token (`CKA_SENSITIVE`, not `CKA_EXTRACTABLE`), signs and does nothing else.
    ///
    /// An RSA key can take longer than the timeout; it is made nevertheless, and found by its label.
    ///
    /// # Errors
    /// [`Pkcs11Error`]: `Exists`, and whatever keeps the token from answering or from making such a key.
    pub async fn create(&self, label: &str, alg: SigningAlg) -> Result<Pkcs11Signer, Pkcs11Error> {
        let name = KeyName::label(label);
        let made = name.clone();
        self.run(move |sessions| sessions.writing(|session| generate(session, &made, alg))).await?;
        self.signer(&name, alg).await
    }

    /// Destroys both halves of a key. What it has signed verifies as long as the public half is shown.
    ///
    /// # Errors
    /// [`Pkcs11Error`]: `Missing`, `Ambiguous`, and whatever keeps the token from answering.
    pub async fn destroy(&self, name: &KeyName) -> Result<(), Pkcs11Error> {
        let name = name.clone();
        let destroyed = self.run(move |sessions| {
            sessions.writing(|session| {
                let key = KeyIdentity::find(session, &name)?;
                for class in [ObjectClass::PUBLIC_KEY, ObjectClass::PRIVATE_KEY] {
                    if let Some(object) = key.object(session, class)? {
                        session.destroy_object(object)?;
                    }
                }
                Ok(())
            })
        });
        destroyed.await
    }

    /// Works with the sessions where that may block, and waits for a bounded time.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Sessions) -> Result<T, Pkcs11Error> + Send + 'static,
    ) -> Result<T, Pkcs11Error> {
        let place = self.places.take().ok_or(Pkcs11Error::Busy)?;
        let sessions = Arc::clone(&self.sessions);
        let work = move || {
            // The place is given back when the work ends, also when nobody waits for it any more.
            let _place = place;
            work(&sessions)
        };
        blocking(&*self.runtime, self.timeout, work).await
    }
}

impl fmt::Debug for Pkcs11Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pkcs11Token").field("label", &self.label).finish_non_exhaustive()
    }
}

async fn blocking<T: Send + 'static>(
    runtime: &dyn Runtime,
    timeout: Duration,
    work: impl FnOnce() -> Result<T, Pkcs11Error> + Send + 'static,
) -> Result<T, Pkcs11Error> {
    let answer = Arc::new(Mutex::new(None));
    let left = Arc::clone(&answer);
    let work = Box::new(move || {
        let result = work();
        *left.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
    });
    let silence = match within(runtime, timeout, runtime.blocking(work)).await {
        Some(()) => Pkcs11Error::NoAnswer,
        None => Pkcs11Error::TimedOut,
    };
    let answer = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
    answer.unwrap_or(Err(silence))
}

fn generate(session: &Session, name: &KeyName, alg: SigningAlg) -> Result<(), Pkcs11Error> {
    match KeyIdentity::find(session, name) {
        Err(Pkcs11Error::Missing) => {}
        Ok(_) | Err(Pkcs11Error::Ambiguous) => return Err(Pkcs11Error::Exists),
        Err(other) => return Err(other),
    }
    let (mechanism, parameters) = Scheme::of(alg)?.generation();
    let id = session.generate_random_vec(ID_BYTES)?;
    let named = [Attribute::Token(true), name.attribute(), Attribute::Id(id)];
    let public = [&named[..], &parameters, &[Attribute::Private(false), Attribute::Verify(true)]].concat();
    let kept = [
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
        Attribute::Decrypt(false),
        Attribute::Unwrap(false),
    ];
    session.generate_key_pair(&mechanism, &public, &[&named[..], &kept].concat())?;
    Ok(())
}
