//! Tokens that clients sign, or that others sign for them, verified by keys that are known by value or by address.

use crate::client::{Client, FetchError, KeyNews, RemoteKeys};
use crate::event::EventKind;
use crate::jose::JwkSet;
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

/// Verifies `token` by the keys that `client` registered.
pub(crate) async fn verify<T: ClientToken>(
    cx: &Context<'_>,
    remote: Option<&RemoteKeys>,
    client: &Client,
    token: &T,
) -> Result<T::Verified, Unverified<T::Refusal>> {
    let metadata = client.metadata();
    match (&metadata.jwks, &metadata.jwks_uri) {
        (Some(keys), _) => token.verify(keys).map_err(Unverified::Refused),
        (None, Some(url)) => verify_at(cx, remote.ok_or(Unverified::NotFetched)?, url, token).await,
        (None, None) => Err(Unverified::NoKeys),
    }
}

/// Verifies `token` by the keys at `url`.
pub(crate) async fn verify_at<T: ClientToken>(
    cx: &Context<'_>,
    remote: &RemoteKeys,
    url: &FetchUrl,
    token: &T,
) -> Result<T::Verified, Unverified<T::Refusal>> {
    let verified = with_remote(remote, url, token).await;
    // Whatever came of the token, what was learned of the keys is told.
    tell(cx, remote, url);
    verified
}

/// Keys that do not have the one that the token names are looked up once more; so are those of a client whose keys
/// have no names, where none of them verifies.
async fn with_remote<T: ClientToken>(
    remote: &RemoteKeys,
    url: &FetchUrl,
    token: &T,
) -> Result<T::Verified, Unverified<T::Refusal>> {
    let found = remote.keys(url).await.map_err(Unverified::Unfetched)?;
    match token.verify(found.set()) {
        Err(refusal) if T::is_of_keys(&refusal) && !token.is_keyed_by(found.set()) => {
            match remote.newer(url, &found).await {
                Some(newer) => token.verify(newer.set()).map_err(Unverified::Refused),
                None => Err(Unverified::Refused(refusal)),
            }
        }
        verified => verified.map_err(Unverified::Refused),
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
