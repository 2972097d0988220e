//! Tokens that are verified by the keys of whoever signed them, wherever these are.

use super::{FetchError, RemoteKeys};
use crate::jose::JwkSet;
use crate::types::FetchUrl;

/// A token that is to be verified by its signer's keys.
pub(crate) trait KeyedToken {
    /// What it is when verified.
    type Verified;
    /// Why it is refused.
    type Refusal;

    /// Whether it names its key, and `keys` has that.
    fn is_keyed_by(&self, keys: &JwkSet) -> bool;

    /// Verifies it by one of `keys`.
    fn verify(&self, keys: &JwkSet) -> Result<Self::Verified, Self::Refusal>;

    /// Whether other keys could verify what is refused for this.
    fn is_of_keys(refusal: &Self::Refusal) -> bool;
}

/// The public keys of somebody whose tokens are believed.
#[derive(Clone, Debug)]
pub(crate) enum IssuerKeys {
    /// At this address.
    At(FetchUrl),
    /// These.
    Known(JwkSet),
}

/// Why a token of an issuer is not verified.
#[derive(Debug)]
pub(crate) enum Unkeyed<R> {
    /// By the keys that there are.
    Refused(R),
    /// The keys could not be had.
    Unfetched(FetchError),
}

/// Verifies `token` by the keys at `url`. Where these do not have the one that the token names, they are looked up once
/// more; so are keys without names, where none of them verifies.
pub(crate) async fn verify_at<T: KeyedToken>(
    remote: &RemoteKeys,
    url: &FetchUrl,
    token: &T,
) -> Result<T::Verified, Unkeyed<T::Refusal>> {
    let outdated = |refusal: &T::Refusal, keys: &JwkSet| is_outdated(token, refusal, keys);
    with_keys_at(remote, url, (|keys: &JwkSet| token.verify(keys), outdated)).await
}

/// Whether other keys than `keys` could verify what they refuse.
pub(crate) fn is_outdated<T: KeyedToken>(token: &T, refusal: &T::Refusal, keys: &JwkSet) -> bool {
    T::is_of_keys(refusal) && !token.is_keyed_by(keys)
}

/// Tries the keys at `url`; once more with newer ones where what refuses the first says that these are outdated.
pub(crate) async fn with_keys_at<T, R>(
    remote: &RemoteKeys,
    url: &FetchUrl,
    (attempt, outdated): (impl Fn(&JwkSet) -> Result<T, R>, impl Fn(&R, &JwkSet) -> bool),
) -> Result<T, Unkeyed<R>> {
    let found = remote.keys(url).await.map_err(Unkeyed::Unfetched)?;
    match attempt(found.set()) {
        Err(refusal) if outdated(&refusal, found.set()) => match remote.newer(url, &found).await {
            Some(newer) => attempt(newer.set()).map_err(Unkeyed::Refused),
            None => Err(Unkeyed::Refused(refusal)),
        },
        outcome => outcome.map_err(Unkeyed::Refused),
    }
}
