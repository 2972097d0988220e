//! One request to an address that a client chose.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::{FetchError, FetchErrorKind};
use crate::runtime::{Places, Runtime, within};
use crate::types::FetchUrl;
use crate::wire::{BodyCap, HttpClient, StatusAlone};

/// How long a request may take with its answer, whatever the HTTP client makes of it.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Most requests under way at once. Each may hold a body of up to 256 KiB.
const MAX_AT_ONCE: usize = 64;

/// The kinds of documents that clients keep at addresses of theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FetchedDocument {
    /// Client metadata at the client's own identifier; JSON of up to 64 KiB.
    ClientMetadata,
    /// A key set (`jwks_uri`); JSON of up to 256 KiB.
    KeySet,
    /// A request object (`request_uri`); up to 64 KiB of any type, since the signature tells what it is.
    RequestObject,
    /// The redirect URIs of a sector (`sector_identifier_uri`); JSON of up to 64 KiB.
    SectorIdentifier,
}

impl FetchedDocument {
    /// Most bytes in such a document.
    #[must_use]
    pub const fn max_bytes(self) -> usize {
        match self {
            Self::KeySet => 256 * 1024,
            Self::ClientMetadata | Self::RequestObject | Self::SectorIdentifier => 64 * 1024,
        }
    }

    const fn accept(self) -> &'static str {
        match self {
            Self::ClientMetadata | Self::SectorIdentifier => "application/json",
            Self::KeySet => "application/jwk-set+json, application/json",
            Self::RequestObject => "application/oauth-authz-req+jwt, application/jwt",
        }
    }

    fn allows(self, content_type: Option<&HeaderValue>) -> bool {
        self == Self::RequestObject || content_type.is_some_and(is_json)
    }
}

/// `application/json`, or `application/` something `+json` (RFC 6839 section 3.1).
fn is_json(content_type: &HeaderValue) -> bool {
    let Ok(text) = content_type.to_str() else { return false };
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence
        .strip_prefix("application/")
        .is_some_and(|subtype| subtype == "json" || subtype.len() > 5 && subtype.ends_with("+json"))
}

/// Bounds how often something is fetched.
#[async_trait]
pub(crate) trait Gate: Debug + Send + Sync {
    /// Whether a request to `url` may be sent now.
    async fn admits(&self, url: &FetchUrl) -> bool;
}

const _: fn(&dyn Gate) = |_| ();

/// Sends the requests that clients cause: to the URLs of their registration, under the rules of [`HttpClient`], at
/// most 64 at once. An answer counts when it is there within 5 seconds, is no redirect, and a document is
/// within the cap of its kind.
///
/// Nothing is kept and nothing is tried again.
#[derive(Debug)]
pub struct Fetcher {
    http: Arc<dyn HttpClient>,
    runtime: Arc<dyn Runtime>,
    places: Places,
    gate: Option<Arc<dyn Gate>>,
}

impl Fetcher {
    /// A fetcher that asks through `http`, and waits by `runtime`.
    #[must_use]
    pub fn new(http: Arc<dyn HttpClient>, runtime: Arc<dyn Runtime>) -> Self {
        Self { http, runtime, places: Places::new(MAX_AT_ONCE), gate: None }
    }

    /// The same, with another bound on the requests under way at once.
    pub(crate) fn at_once(mut self, requests: usize) -> Self {
        self.places = Places::new(requests);
        self
    }

    /// The same, asking before each document.
    pub(crate) fn behind(mut self, gate: Option<Arc<dyn Gate>>) -> Self {
        self.gate = gate;
        self
    }

    /// Fetches a document: the body of an answer of status 200 and a type of the document's.
    ///
    /// # Errors
    /// [`FetchError`] when there is none.
    pub async fn get(&self, document: FetchedDocument, url: &FetchUrl) -> Result<Bytes, FetchError> {
        let mut request = request(Method::GET, url, Bytes::new(), BodyCap(document.max_bytes()))?;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static(document.accept()));
        if let Some(gate) = &self.gate
            && !gate.admits(url).await
        {
            return Err(FetchErrorKind::Limited.into());
        }
        let answer = self.send(request).await?;
        // The HTTP client is a host's, and may not have looked at the cap.
        if answer.body().len() > document.max_bytes() {
            return Err(FetchErrorKind::BodyTooLarge.into());
        }
        if answer.status() != StatusCode::OK {
            return Err(FetchErrorKind::StatusUnexpected.into());
        }
        if !document.allows(answer.headers().get(CONTENT_TYPE)) {
            return Err(FetchErrorKind::ContentTypeUnsupported.into());
        }
        Ok(answer.into_body())
    }

    /// Posts a notification with these headers, and gives the status of the answer. Its body does not matter, nor how long
    /// that is (CIBA Core sections 10.2 and 10.3).
    ///
    /// # Errors
    /// [`FetchError`] when there is no answer, or it is a redirect.
    pub async fn post(
        &self,
        url: &FetchUrl,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<StatusCode, FetchError> {
        let mut request = request(Method::POST, url, body, StatusAlone)?;
        *request.headers_mut() = headers;
        Ok(self.send(request).await?.status())
    }

    /// Posts a question with these headers, and gives the answer, whose body may have `max_bytes`.
    ///
    /// # Errors
    /// [`FetchError`] when there is no answer, it is a redirect, or longer.
    pub async fn ask(
        &self,
        url: &FetchUrl,
        headers: HeaderMap,
        body: Bytes,
        max_bytes: usize,
    ) -> Result<http::Response<Bytes>, FetchError> {
        let mut request = request(Method::POST, url, body, BodyCap(max_bytes))?;
        *request.headers_mut() = headers;
        let answer = self.send(request).await?;
        match answer.body().len() > max_bytes {
            true => Err(FetchErrorKind::BodyTooLarge.into()),
            false => Ok(answer),
        }
    }

    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, FetchError> {
        let _place = self.places.take().ok_or(FetchErrorKind::Busy)?;
        let answer = within(&*self.runtime, FETCH_TIMEOUT, self.http.send(request)).await;
        let answer = answer.ok_or(FetchErrorKind::TimedOut)??;
        if answer.status().is_redirection() {
            return Err(FetchErrorKind::Redirected.into());
        }
        Ok(answer)
    }
}

fn request(
    method: Method,
    url: &FetchUrl,
    body: Bytes,
    looked_at: impl Clone + Send + Sync + 'static,
) -> Result<http::Request<Bytes>, FetchError> {
    let request = http::Request::builder().method(method).uri(url.as_str()).extension(looked_at).body(body);
    request.map_err(|_| FetchErrorKind::AddressRefused.into())
}

#[cfg(test)]
mod tests;
