//! Signing keys in hardware, or whatever else has a PKCS#11 module: the private half never leaves the token.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use vouchsafe::adapters::pkcs11::{KeyName, Pkcs11Options, Pkcs11Token};
//! use vouchsafe::adapters::tokio::TokioRuntime;
//! use vouchsafe::jose::{KeyState, Keyring, RingKey};
//! use vouchsafe::{Secret, SigningAlg};
//!
//! # async fn keyring(pin: Secret) -> Result<Keyring, Box<dyn std::error::Error>> {
//! let options = Pkcs11Options::new("/usr/lib/softhsm/libsofthsm2.so", "login", pin);
//! let token = Pkcs11Token::open(options, Arc::new(TokioRuntime::current()?)).await?;
//! let signer = token.signer(&KeyName::label("login 2026"), SigningAlg::Es256).await?;
//! # Ok(
//! Keyring::new(vec![RingKey::new(Arc::new(signer), KeyState::Active)])?
//! # )
//! # }
//! ```
//!
//! A [`Pkcs11Signer`] is a [`Signer`](crate::jose::Signer) like any other: keys of a token and keys in memory may be in
//! one ring. Its public half is read from the token, and it has signed once, verified under that half, before it is
//! given. A [`KeySource`](crate::jose::KeySource) whose keys do not leave the token makes them by
//! [`Pkcs11Token::create`], keeps their labels and states where it keeps such things, and loads each by
//! [`Pkcs11Token::signer`].
//!
//! # What a module must be
//!
//! It is code that is loaded into this process: name it by a path that nobody else can write to. It must lock by the
//! operating system's means (`CKF_OS_LOCKING_OK`); it is initialized once, and never finalized, for others in the
//! process may use it. Its calls block, so they go through [`Runtime::blocking`](crate::runtime::Runtime::blocking), on a
//! bounded number of sessions, and a caller waits for a bounded time. A session that fails is closed, and what it was
//! asked is asked once more on a new one: signing twice does no harm.
//!
//! Keys that ask for the PIN at each use (`CKA_ALWAYS_AUTHENTICATE`) are not for this.
//!
//! A PIN that the token has refused is not tried again, since tokens lock after a few wrong ones.

mod error;
mod key;
mod mechanism;
mod options;
mod public_key;
mod sessions;
mod signer;
mod token;

pub use error::Pkcs11Error;
pub use key::KeyName;
pub use options::Pkcs11Options;
pub use signer::Pkcs11Signer;
pub use token::Pkcs11Token;
