//! Asking an issuer over HTTP.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, Value};
use url::form_urlencoded::Serializer;

use super::{IntrospectionError, TokenIntrospection};
use crate::client::keyed_token::{KeyedToken, Unkeyed, verify_at};
use crate::client::{ClientCredential, Fetcher, RemoteKeys};
use crate::clock::Timestamp;
use crate::entropy::{Entropy, OsEntropy};
use crate::jose::{
    IntrospectionResponseError, IntrospectionResponseVerifier, JwkSet, PresentedIntrospectionResponse,
    SigningAlg,
};
use crate::runtime::Runtime;
use crate::secret::Secret;
use crate::types::json::parse_strict;
use crate::types::{FetchUrl, Introspection};
use crate::wire::HttpClient;

/// What is asked for.
const JSON: &str = "application/json";

/// What is asked for where answers have to be signed (RFC 9701 section 4).
const SIGNED: &str = "application/token-introspection+jwt";

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
    http: Arc<dyn HttpClient>,
    runtime: Arc<dyn Runtime>,
    entropy: Arc<dyn Entropy>,
    algs: Arc<[SigningAlg]>,
    /// `None` takes the word of the connection.
    signed: Option<Signed>,
}

/// What answers that are signed are verified by.
#[derive(Debug)]
struct Signed {
    verifier: IntrospectionResponseVerifier,
    keys: FetchUrl,
    remote: RemoteKeys,
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
        let fetcher = Fetcher::new(Arc::clone(&http), Arc::clone(&runtime));
        let entropy = Arc::new(OsEntropy);
        let algs = SigningAlg::DEFAULT_INBOUND.into();
        Self { endpoint, credential, fetcher, http, runtime, entropy, algs, signed: None }
    }

    /// Asks for answers that `issuer` has signed (RFC 9701) with a key of its `jwks_uri`, and takes no others. They are up
    /// to 16 KiB long. Default: JSON, which the connection alone vouches for.
    #[must_use]
    pub fn with_signed_answers(mut self, issuer: impl Into<Arc<str>>, jwks_uri: FetchUrl) -> Self {
        let verifier = IntrospectionResponseVerifier::new(issuer, self.credential.client_id().as_str());
        let verifier = verifier.with_algorithms(&self.algs);
        let remote = RemoteKeys::new(Arc::clone(&self.http), Arc::clone(&self.runtime));
        self.signed = Some(Signed { verifier, keys: jwks_uri, remote });
        self
    }

    /// The algorithms of [signed answers](Self::with_signed_answers). Default [`SigningAlg::DEFAULT_INBOUND`].
    #[must_use]
    pub fn with_algorithms(mut self, algs: &[SigningAlg]) -> Self {
        self.algs = algs.into();
        if let Some(signed) = &mut self.signed {
            signed.verifier = signed.verifier.clone().with_algorithms(algs);
        }
        self
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
        let accepted = if self.signed.is_some() { SIGNED } else { JSON };
        headers.insert(ACCEPT, HeaderValue::from_static(accepted));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let mut form =
            vec![("token", token.expose().to_owned()), ("token_type_hint", "access_token".to_owned())];
        self.credential.authenticate((&mut headers, &mut form), &*self.entropy, now).await?;
        let body = Serializer::new(String::new()).extend_pairs(form).finish();
        let answer = self.fetcher.ask(&self.endpoint, headers, Bytes::from(body), MAX_ANSWER_BYTES).await?;
        match answer.status() {
            StatusCode::OK => match &self.signed {
                Some(signed) => signed.read(answer.body(), now).await,
                None => read(answer.body()).ok_or(IntrospectionError::Malformed),
            },
            // Section 2.3: an unauthenticated question, or one of somebody without a right to ask.
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(IntrospectionError::Refused)
            }
            status => Err(IntrospectionError::Unavailable(format!("the status is {status}").into())),
        }
    }
}

impl Signed {
    async fn read(&self, body: &Bytes, now: Timestamp) -> Result<Introspection, IntrospectionError> {
        let text = std::str::from_utf8(body).map_err(|_| IntrospectionError::Malformed)?;
        let presented = PresentedIntrospectionResponse::parse(text)?;
        let answer = SignedAnswer { presented: &presented, verifier: &self.verifier, now };
        match verify_at(&self.remote, &self.keys, &answer).await {
            Ok(members) => Introspection::from_members(members).ok_or(IntrospectionError::Malformed),
            Err(Unkeyed::Refused(error)) => Err(error.into()),
            Err(Unkeyed::Unfetched(error)) => Err(error.into()),
        }
    }
}

/// One answer that is to be verified.
struct SignedAnswer<'a> {
    presented: &'a PresentedIntrospectionResponse,
    verifier: &'a IntrospectionResponseVerifier,
    now: Timestamp,
}

impl KeyedToken for SignedAnswer<'_> {
    type Verified = Map<String, Value>;
    type Refusal = IntrospectionResponseError;

    fn is_keyed_by(&self, keys: &JwkSet) -> bool {
        self.presented.is_keyed_by(keys)
    }

    fn verify(&self, keys: &JwkSet) -> Result<Map<String, Value>, IntrospectionResponseError> {
        self.verifier.verify(self.presented, keys, self.now)
    }

    fn is_of_keys(refusal: &IntrospectionResponseError) -> bool {
        *refusal == IntrospectionResponseError::Signature
    }
}

fn read(body: &Bytes) -> Option<Introspection> {
    match parse_strict(body, MAX_ANSWER_BYTES, MAX_DEPTH) {
        Ok(Value::Object(members)) => Introspection::from_members(members),
        _ => None,
    }
}
