//! Request objects that clients keep at addresses of theirs (`request_uri`).

use std::sync::Arc;

use bytes::Bytes;

use super::fetch::{FetchCache, Keeping};
use super::{FetchError, FetchErrorKind, FetchedDocument, Fetcher};
use crate::error::{Reason, Rejection};
use crate::runtime::Runtime;
use crate::types::RequestUri;
use crate::wire::HttpClient;

/// The request objects of clients, fetched from their registered `request_uris` (OpenID Connect Core 1.0 section 6.2).
///
/// * Contents that a hash in the fragment pins are kept like the key sets of
///   [`RemoteKeys`](super::RemoteKeys), for as long as the hash fits; contents that no longer fit are fetched again, at
///   most once in 10 seconds.
/// * Other contents are fetched for each request. Those who ask meanwhile share the fetch, and a URL that failed is left
///   alone for 10 seconds.
#[derive(Debug)]
pub(crate) struct RemoteRequestObjects {
    pinned: FetchCache<String>,
    unpinned: FetchCache<String>,
}

impl RemoteRequestObjects {
    /// Request objects that are fetched through `http`, in the background by `runtime`.
    pub(crate) fn new(http: &Arc<dyn HttpClient>, runtime: &Arc<dyn Runtime>) -> Self {
        let cache = |keeping| {
            let fetcher = Fetcher::new(Arc::clone(http), Arc::clone(runtime));
            let kind = (FetchedDocument::RequestObject, keeping);
            FetchCache::new(fetcher, kind, read, Arc::clone(runtime))
        };
        Self { pinned: cache(Keeping::LONG), unpinned: cache(Keeping::NOT) }
    }

    /// The text at `uri`.
    ///
    /// # Errors
    /// The reason for which there is none, or not the one that is pinned.
    pub(crate) async fn get(&self, uri: &RequestUri) -> Result<Arc<String>, Rejection> {
        let cache = if uri.is_pinned() { &self.pinned } else { &self.unpinned };
        let found = cache.get(uri.url()).await.map_err(unfetched)?;
        if uri.allows(found.value.as_bytes()) {
            return Ok(found.value);
        }
        let newer = cache.newer(uri.url(), &found).await.filter(|newer| uri.allows(newer.value.as_bytes()));
        newer.map(|newer| newer.value).ok_or_else(|| Reason::RequestUriHashMismatch.into())
    }
}

/// What may be in a JWT is of ASCII, and so is what may surround one.
fn read(body: &Bytes, _: Option<&String>) -> Result<String, FetchErrorKind> {
    let text = std::str::from_utf8(body).ok().filter(|text| !text.is_empty() && text.is_ascii());
    text.map(str::to_owned).ok_or(FetchErrorKind::Malformed)
}

fn unfetched(error: FetchError) -> Rejection {
    Rejection::caused(error.kind().of_request_uri(), error)
}

impl FetchErrorKind {
    /// Why a request is refused when this came of fetching its `request_uri`.
    pub(crate) const fn of_request_uri(self) -> Reason {
        match self {
            Self::Abandoned => Reason::RequestUriAbandoned,
            Self::AddressRefused => Reason::RequestUriAddressRefused,
            Self::BodyTooLarge => Reason::RequestUriTooLarge,
            Self::Busy | Self::Limited => Reason::FetchingBusy,
            Self::ContentTypeUnsupported | Self::Malformed => Reason::RequestUriMalformed,
            Self::Panicked => Reason::RequestUriPanicked,
            Self::Redirected => Reason::RequestUriRedirected,
            Self::StatusUnexpected => Reason::RequestUriStatus,
            Self::TimedOut => Reason::RequestUriTimedOut,
            Self::Unreachable => Reason::RequestUriUnreachable,
        }
    }
}
