//! The keys that clients registered, by value or by address, and those of others who vouch for clients: tokens
//! that they sign are verified by them, and what is for a client alone is encrypted to its keys.

use crate::client::{Client, EncryptionAlgs, FetchError, KeyNews, RemoteKeys};
use crate::event::EventKind;
use crate::jose::{Encrypter, JwkSet};
use crate::provider::context::Context;
use crate::types::FetchUrl;

/// A token of one client, or about it, which is to be verified by its signer's keys.
pub(crate) trait ClientToken {
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

/// Why a client's token is not verified.
#[derive(Debug)]
pub(crate) enum Unverified<R> {
    /// The client registered no keys.
    NoKeys,
    /// The client registered a `jwks_uri`, and the provider does not fetch.
    NotFetched,
    /// By the keys that there are.
    Refused(R),
    /// The keys could not be had.
    Unfetched(FetchError),
}

/// The public keys of somebody who vouches for clients or people.
#[derive(Clone, Debug)]
pub(crate) enum IssuerKeys {
    /// At this address.
    At(FetchUrl),
    /// These.
    Known(JwkSet),
}

/// Why nothing can be encrypted to a client.
#[derive(Debug)]
pub(crate) enum Keyless {
    /// It has no key for that.
    Missing,
    /// It registered a `jwks_uri`, and the provider does not fetch.
    NotFetched,
    /// The keys could not be had.
    Unfetched(FetchError),
}

/// Verifies `token` by the keys that `client` registered.
///
/// Keys that do not have the one that the token names are looked up once more; so are those of a client whose
/// keys have no names, where none of them verifies.
pub(crate) async fn verify<T: ClientToken>(
    cx: &Context<'_>,
    remote: Option<&RemoteKeys>,
    client: &Client,
    token: &T,
) -> Result<T::Verified, Unverified<T::Refusal>> {
    let outdated = |refusal: &T::Refusal, keys: &JwkSet| is_outdated(token, refusal, keys);
    with_keys(cx, remote, client, (|keys: &JwkSet| token.verify(keys), outdated)).await
}

/// What encrypts to a key that `client` registered, by `algs`. Keys of which none is for that are looked up
/// once more.
pub(crate) async fn encrypter(
    cx: &Context<'_>,
    remote: Option<&RemoteKeys>,
    client: &Client,
    algs: EncryptionAlgs,
) -> Result<Encrypter, Keyless> {
    let chosen = |keys: &JwkSet| Encrypter::from_set(keys, algs.alg, algs.enc);
    with_keys(cx, remote, client, (chosen, |_: &_, _: &JwkSet| true)).await.map_err(|error| match error {
        Unverified::NoKeys | Unverified::Refused(_) => Keyless::Missing,
        Unverified::NotFetched => Keyless::NotFetched,
        Unverified::Unfetched(error) => Keyless::Unfetched(error),
    })
}

/// Tries the keys that `client` registered; once more with newer ones where what refuses the first says that
/// these are outdated.
async fn with_keys<T, R>(
    cx: &Context<'_>,
    remote: Option<&RemoteKeys>,
    client: &Client,
    (attempt, outdated): (impl Fn(&JwkSet) -> Result<T, R>, impl Fn(&R, &JwkSet) -> bool),
) -> Result<T, Unverified<R>> {
    let metadata = client.metadata();
    match (&metadata.jwks, &metadata.jwks_uri) {
        (Some(keys), _) => attempt(keys).map_err(Unverified::Refused),
        (None, Some(url)) => {
            at_url(cx, remote.ok_or(Unverified::NotFetched)?, url, (attempt, outdated)).await
        }
        (None, None) => Err(Unverified::NoKeys),
    }
}

impl IssuerKeys {
    /// Verifies `token` by these keys, as [`verify`] does by a client's.
    pub(crate) async fn verify<T: ClientToken>(
        &self,
        cx: &Context<'_>,
        remote: Option<&RemoteKeys>,
        token: &T,
    ) -> Result<T::Verified, Unverified<T::Refusal>> {
        let url = match self {
            Self::At(url) => url,
            Self::Known(keys) => return token.verify(keys).map_err(Unverified::Refused),
        };
        let outdated = |refusal: &T::Refusal, keys: &JwkSet| is_outdated(token, refusal, keys);
        at_url(cx, remote.ok_or(Unverified::NotFetched)?, url, (|keys: &JwkSet| token.verify(keys), outdated))
            .await
    }
}

/// Whether other keys than `keys` could verify what they refuse.
fn is_outdated<T: ClientToken>(token: &T, refusal: &T::Refusal, keys: &JwkSet) -> bool {
    T::is_of_keys(refusal) && !token.is_keyed_by(keys)
}

/// Tries the keys at `url`, and tells what was learned of them, whatever came of it.
async fn at_url<T, R>(
    cx: &Context<'_>,
    remote: &RemoteKeys,
    url: &FetchUrl,
    tried: (impl Fn(&JwkSet) -> Result<T, R>, impl Fn(&R, &JwkSet) -> bool),
) -> Result<T, Unverified<R>> {
    let outcome = with_remote(remote, url, tried).await;
    tell(cx, remote, url);
    outcome
}

async fn with_remote<T, R>(
    remote: &RemoteKeys,
    url: &FetchUrl,
    (attempt, outdated): (impl Fn(&JwkSet) -> Result<T, R>, impl Fn(&R, &JwkSet) -> bool),
) -> Result<T, Unverified<R>> {
    let found = remote.keys(url).await.map_err(Unverified::Unfetched)?;
    match attempt(found.set()) {
        Err(refusal) if outdated(&refusal, found.set()) => match remote.newer(url, &found).await {
            Some(newer) => attempt(newer.set()).map_err(Unverified::Refused),
            None => Err(Unverified::Refused(refusal)),
        },
        outcome => outcome.map_err(Unverified::Refused),
    }
}

/// Tells the event sink of a fetch that it has not heard of.
fn tell(cx: &Context<'_>, remote: &RemoteKeys, url: &FetchUrl) {
    let kind = match remote.take_news(url) {
        None => return,
        Some(KeyNews::Failed(error)) => EventKind::ClientKeysFetchFailed(error.kind().of_client_keys()),
        Some(KeyNews::Fetched { keys, skipped, exposed }) => {
            EventKind::ClientKeysFetched { keys, skipped, exposed }
        }
    };
    cx.emit(&cx.event(kind));
}
