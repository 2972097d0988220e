//! Asking an issuer over HTTP.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::{IntrospectionError, TokenIntrospection};
use crate::client::{ClientCredential, Fetcher};
use crate::clock::Timestamp;
use crate::entropy::{Entropy, OsEntropy};
use crate::runtime::Runtime;
use crate::secret::Secret;
use crate::types::json::parse_strict;
use crate::types::{FetchUrl, Introspection};
use crate::wire::HttpClient;

/// Most bytes of an answer.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Most levels of objects and arrays in an answer.
const MAX_DEPTH: usize = 16;

/// An introspection endpoint (RFC 7662), asked by a client that the issuer knows for this resource server.
///
/// At most 64 questions are under way at once. An answer counts when it is there within 5 seconds, and is no redirect.
#[derive(Debug)]
pub struct HttpIntrospection {
    endpoint: FetchUrl,
    credential: ClientCredential,
    fetcher: Fetcher,
    entropy: Arc<dyn Entropy>,
}

impl HttpIntrospection {
    /// The issuer's `introspection_endpoint`, asked through `http`, which must let requests to it through.
    #[must_use]
    pub fn new(
        endpoint: FetchUrl,
        credential: ClientCredential,
        http: Arc<dyn HttpClient>,
        runtime: Arc<dyn Runtime>,
    ) -> Self {
        Self { endpoint, credential, fetcher: Fetcher::new(http, runtime), entropy: Arc::new(OsEntropy) }
    }

    /// Where the names of assertions come from. Default: the operating system.
    #[must_use]
    pub fn with_entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }
}

#[async_trait]
impl TokenIntrospection for HttpIntrospection {
    async fn introspect(&self, token: &Secret, now: Timestamp) -> Result<Introspection, IntrospectionError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let mut form =
            vec![("token", token.expose().to_owned()), ("token_type_hint", "access_token".to_owned())];
        self.credential.authenticate((&mut headers, &mut form), &*self.entropy, now).await?;
        let body = Serializer::new(String::new()).extend_pairs(form).finish();
        let answer = self.fetcher.ask(&self.endpoint, headers, Bytes::from(body), MAX_ANSWER_BYTES).await?;
        match answer.status() {
            StatusCode::OK => read(answer.body()).ok_or(IntrospectionError::Malformed),
            // Section 2.3: an unauthenticated question, or one of somebody without a right to ask.
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(IntrospectionError::Refused)
            }
            status => Err(IntrospectionError::Unavailable(format!("the status is {status}").into())),
        }
    }
}

fn read(body: &Bytes) -> Option<Introspection> {
    match parse_strict(body, MAX_ANSWER_BYTES, MAX_DEPTH) {
        Ok(Value::Object(members)) => Introspection::from_members(members),
        _ => None,
    }
}
