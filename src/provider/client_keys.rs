//! The keys that clients registered, by value or by address, and those of others who vouch for clients: tokens
//! that they sign are verified by them, and what is for a client alone is encrypted to its keys.

pub(crate) use crate::client::keyed_token::{IssuerKeys, KeyedToken as ClientToken};
use crate::client::keyed_token::{Unkeyed, is_outdated, verify_at, with_keys_at};
use crate::client::{Client, EncryptionAlgs, FetchError, RemoteKeys};
use crate::jose::{Encrypter, JwkSet};
use crate::provider::context::Context;
use crate::types::FetchUrl;

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

impl<R> From<Unkeyed<R>> for Unverified<R> {
    fn from(error: Unkeyed<R>) -> Self {
        match error {
            Unkeyed::Refused(refusal) => Self::Refused(refusal),
            Unkeyed::Unfetched(error) => Self::Unfetched(error),
        }
    }
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

/// Verifies `token` by the keys of an issuer, as [`verify`] does by a client's.
pub(crate) async fn verify_by<T: ClientToken>(
    cx: &Context<'_>,
    (keys, remote): (&IssuerKeys, Option<&RemoteKeys>),
    token: &T,
) -> Result<T::Verified, Unverified<T::Refusal>> {
    let url = match keys {
        IssuerKeys::At(url) => url,
        IssuerKeys::Known(keys) => return token.verify(keys).map_err(Unverified::Refused),
    };
    let remote = remote.ok_or(Unverified::NotFetched)?;
    let outcome = verify_at(remote, url, token).await;
    tell(cx, remote, url);
    outcome.map_err(Unverified::from)
}

/// Tries the keys at `url`, and tells what was learned of them, whatever came of it.
async fn at_url<T, R>(
    cx: &Context<'_>,
    remote: &RemoteKeys,
    url: &FetchUrl,
    tried: (impl Fn(&JwkSet) -> Result<T, R>, impl Fn(&R, &JwkSet) -> bool),
) -> Result<T, Unverified<R>> {
    let outcome = with_keys_at(remote, url, tried).await;
    tell(cx, remote, url);
    outcome.map_err(Unverified::from)
}

/// Tells the event sink of a fetch that it has not heard of.
fn tell(cx: &Context<'_>, remote: &RemoteKeys, url: &FetchUrl) {
    if let Some(news) = remote.take_news(url) {
        cx.emit(&cx.event(news.into()));
    }
}
