//! Keys that clients register by their address (`jwks_uri`).

use std::sync::Arc;

use bytes::Bytes;

use super::fetch::{FetchCache, Found, Keeping, News};
use super::{FetchError, FetchErrorKind, FetchedDocument, Fetcher};
use crate::error::Reason;
use crate::jose::JwkSet;
use crate::runtime::Runtime;
use crate::types::FetchUrl;
use crate::types::json::parse_strict;
use crate::wire::HttpClient;

/// Most levels of objects and arrays in a key set.
const MAX_DEPTH: usize = 8;

/// The key sets of clients, fetched from their `jwks_uri` (RFC 7591 section 2) and kept.
///
/// * A set is used for 10 minutes; from 7.5 minutes on whoever uses it has it renewed in the background. What its
///   server says about caching does not count.
/// * While a newer one cannot be had, the last good one serves for up to 24 hours, and nobody waits. A set replaces
///   another only when it can be read and has a key in it.
/// * A token of an unknown key has the set fetched again, at most once in 10 seconds; a URL that failed is left
///   alone as long.
/// * Of one URL there is one fetch at a time, which ends although its request is gone.
/// * At most 1000 sets and 16 MiB are kept; what was not used for longest goes first.
///
/// Time is that of [`Runtime::elapsed`].
#[derive(Debug)]
pub struct RemoteKeys {
    sets: FetchCache<JwkSet>,
}

/// A key set as it was found.
#[derive(Debug)]
pub struct FetchedKeys(Found<JwkSet>);

/// What the last fetch of a key set came to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum KeyNews {
    /// There is a new set.
    Fetched {
        /// How many keys can be used.
        keys: usize,
        /// How many were skipped: malformed, unsound, or of a kind that is not known.
        skipped: usize,
        /// How many of these had private or symmetric members. An alarm: their owner publishes secrets.
        exposed: usize,
    },
    /// There is none; the last good one serves, if there was one.
    Failed(FetchError),
}

impl RemoteKeys {
    /// Key sets that are fetched through `http`, in the background by `runtime`.
    #[must_use]
    pub fn new(http: Arc<dyn HttpClient>, runtime: Arc<dyn Runtime>) -> Self {
        let fetcher = Fetcher::new(http, Arc::clone(&runtime));
        let kind = (FetchedDocument::KeySet, Keeping::LONG);
        Self { sets: FetchCache::new(fetcher, kind, read, runtime) }
    }

    /// The keys at `url`.
    ///
    /// # Errors
    /// [`FetchError`] when they cannot be had, and could not within the last 24 hours.
    pub async fn keys(&self, url: &FetchUrl) -> Result<FetchedKeys, FetchError> {
        self.sets.get(url).await.map(FetchedKeys)
    }

    /// The keys at `url` where they are newer than `than`, which lack a key that a token asks for; `None` when there
    /// are none, or another unknown key was asked for within the last 10 seconds.
    pub async fn newer(&self, url: &FetchUrl, than: &FetchedKeys) -> Option<FetchedKeys> {
        self.sets.newer(url, &than.0).await.map(FetchedKeys)
    }

    /// What the last fetch from `url` came to. Each fetch is told of once, to whoever asks first.
    #[must_use]
    pub fn take_news(&self, url: &FetchUrl) -> Option<KeyNews> {
        Some(match self.sets.take_news(url)? {
            News::Failed(error) => KeyNews::Failed(error),
            News::Read(set) => {
                KeyNews::Fetched { keys: set.keys().len(), skipped: set.skipped(), exposed: set.exposed() }
            }
        })
    }
}

impl FetchedKeys {
    /// The keys.
    #[must_use]
    pub fn set(&self) -> &JwkSet {
        &self.0.value
    }
}

/// An empty set is none: it would lock its client out where a server only began to fail.
fn read(body: &Bytes, known: Option<&JwkSet>) -> Result<JwkSet, FetchErrorKind> {
    let value = parse_strict(body, FetchedDocument::KeySet.max_bytes(), MAX_DEPTH);
    let value = value.map_err(|_| FetchErrorKind::Malformed)?;
    let set = match known {
        Some(known) => known.parse_next(&value),
        None => JwkSet::parse(&value),
    };
    set.ok().filter(|set| !set.keys().is_empty()).ok_or(FetchErrorKind::Malformed)
}

impl FetchErrorKind {
    /// Why a client that registered a `jwks_uri` is refused when this came of fetching it.
    #[must_use]
    pub const fn of_client_keys(self) -> Reason {
        match self {
            Self::Abandoned => Reason::ClientKeysAbandoned,
            Self::AddressRefused => Reason::ClientKeysAddressRefused,
            Self::BodyTooLarge => Reason::ClientKeysTooLarge,
            Self::Busy | Self::Limited => Reason::FetchingBusy,
            Self::ContentTypeUnsupported => Reason::ClientKeysContentType,
            Self::Malformed => Reason::ClientKeysMalformed,
            Self::Panicked => Reason::ClientKeysPanicked,
            Self::Redirected => Reason::ClientKeysRedirected,
            Self::StatusUnexpected => Reason::ClientKeysStatus,
            Self::TimedOut => Reason::ClientKeysTimedOut,
            Self::Unreachable => Reason::ClientKeysUnreachable,
        }
    }
}

#[cfg(test)]
mod tests;
