//! Metadata that clients keep at their own identifier.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::fetch::{FetchCache, Found, Gate, Keeping};
use super::{FetchError, FetchErrorKind, FetchedDocument, Fetcher};
use crate::error::Reason;
use crate::runtime::Runtime;
use crate::types::json::parse_strict;
use crate::types::{ClientIdUrl, FetchUrl};
use crate::wire::HttpClient;

/// Most levels of objects and arrays in a document, as in a registration.
const MAX_DEPTH: usize = 8;

/// The metadata documents of clients, fetched from the URLs that they are named by
/// (draft-ietf-oauth-client-id-metadata-document section 5).
///
/// A document is used for 10 minutes, from 7.5 on it is renewed in the background, and while a newer one cannot be had
/// it serves for up to an hour. What cannot be used is not kept; its URL is left alone for 10 seconds.
///
/// Deviates from section 5.2 of that draft, which would have cache headers respected: because a stranger would choose
/// our load by them, and for how long an old redirect URI counts. It allows bounds of our own, which here are one.
#[derive(Debug)]
pub(crate) struct RemoteMetadata {
    documents: FetchCache<Map<String, Value>>,
}

/// A document as it was found.
#[derive(Debug)]
pub(crate) struct FetchedMetadata(Found<Map<String, Value>>);

impl RemoteMetadata {
    /// Documents that are fetched through `http`, in the background by `runtime`, as often as `gate` admits.
    pub(crate) fn new(
        http: Arc<dyn HttpClient>,
        runtime: Arc<dyn Runtime>,
        gate: Option<Arc<dyn Gate>>,
    ) -> Self {
        let fetcher = Fetcher::new(http, Arc::clone(&runtime)).behind(gate);
        let kind = (FetchedDocument::ClientMetadata, Keeping::HOUR);
        Self { documents: FetchCache::new(fetcher, kind, read, runtime) }
    }

    /// The document at `url`.
    ///
    /// # Errors
    /// [`FetchError`] when it cannot be had, and could not within the last hour.
    pub(crate) async fn get(&self, url: &ClientIdUrl) -> Result<FetchedMetadata, FetchError> {
        self.documents.get(url.url()).await.map(FetchedMetadata)
    }

    /// Keeps a document no longer that has turned out to be of no use.
    pub(crate) fn reject(&self, url: &FetchUrl, document: &FetchedMetadata) {
        self.documents.reject(url, &document.0);
    }
}

impl FetchedMetadata {
    /// The members of the document.
    pub(crate) fn members(&self) -> &Map<String, Value> {
        &self.0.value
    }
}

fn read(body: &Bytes, _: Option<&Map<String, Value>>) -> Result<Map<String, Value>, FetchErrorKind> {
    match parse_strict(body, FetchedDocument::ClientMetadata.max_bytes(), MAX_DEPTH) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(FetchErrorKind::Malformed),
    }
}

impl FetchErrorKind {
    /// Why a client is not known when this came of fetching its metadata.
    pub(crate) const fn of_client_document(self) -> Reason {
        match self {
            Self::Abandoned => Reason::ClientDocumentAbandoned,
            Self::AddressRefused => Reason::ClientDocumentAddressRefused,
            Self::BodyTooLarge => Reason::ClientDocumentTooLarge,
            Self::Busy => Reason::FetchingBusy,
            Self::ContentTypeUnsupported => Reason::ClientDocumentContentType,
            Self::Limited => Reason::ClientDocumentLimited,
            Self::Malformed => Reason::ClientDocumentMalformed,
            Self::Panicked => Reason::ClientDocumentPanicked,
            Self::Redirected => Reason::ClientDocumentRedirected,
            Self::StatusUnexpected => Reason::ClientDocumentStatus,
            Self::TimedOut => Reason::ClientDocumentTimedOut,
            Self::Unreachable => Reason::ClientDocumentUnreachable,
        }
    }
}
