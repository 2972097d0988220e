//! A resource that the provider's own tokens open: `/resource` tells whoever presents one what it lets them do.
//!
//! It is in the process of the provider, and so asks it about tokens without HTTP. In a process of its own it would be
//! `examples/resource_server`.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use vouchsafe::clock::Timestamp;
use vouchsafe::provider::{DpopConfig, Provider};
use vouchsafe::resource::{
    Access, IntrospectionError, Requirement, TokenIntrospection, TrustedIssuer, Verifier,
};
use vouchsafe::secret::{Secret, SystemSecrets};
use vouchsafe::store::ReplayStore;
use vouchsafe::types::{Introspection, Issuer};
use vouchsafe::wire::ResourceMetadata;
use vouchsafe::{async_trait, wire};

/// Below the issuer.
const PATH: &str = "/resource";

/// The name of one exchange, which clients of FAPI choose and hear again.
const INTERACTION_ID: HeaderName = HeaderName::from_static("x-fapi-interaction-id");

/// What a resource is protected with.
pub(crate) struct Protection {
    /// How proofs are taken, and where they are remembered; `None` takes none.
    pub dpop: Option<(DpopConfig, Arc<dyn ReplayStore>)>,
    /// By which nonces are made.
    pub secrets: SystemSecrets,
    /// Where the endpoints are over mutual TLS.
    pub mtls_alias: Option<Issuer>,
}

/// The resource, and its metadata (RFC 9728).
///
/// # Errors
/// One sentence.
pub(crate) fn routes(provider: Provider, protection: Protection) -> Result<Router, String> {
    let issuer = provider.config().issuer.clone();
    let resource = issuer.endpoint(PATH);
    let metadata = ResourceMetadata::new(&resource).map_err(|error| format!("{resource}: {error}"))?;
    let trusted = TrustedIssuer::new(issuer.as_str())
        .with_audiences([issuer.as_str(), &resource])
        .with_introspection(Arc::new(InProcess(provider)));
    let mut builder = Verifier::builder(metadata)
        .issuer(trusted)
        .secrets(protection.secrets)
        // There is no way to save, and a token that is revoked is refused at once.
        .introspection_lifetime(Duration::ZERO);
    if let Some((dpop, replays)) = protection.dpop {
        builder = builder.dpop(dpop, replays);
    }
    if let Some(alias) = protection.mtls_alias {
        builder = builder.alias(alias.origin());
    }
    let verifier = builder.build().map_err(|error| error.to_string())?;
    let described = verifier.metadata().path();
    let path = format!("{}{PATH}", issuer.path());
    Ok(Router::new()
        .route(&path, get(resource_of).post(resource_of))
        .route(&described, get(describe))
        .with_state(verifier))
}

/// The provider, asked by its host.
#[derive(Debug)]
struct InProcess(Provider);

#[async_trait]
impl TokenIntrospection for InProcess {
    async fn introspect(&self, token: &Secret, _: Timestamp) -> Result<Introspection, IntrospectionError> {
        let answer = self.0.introspection_of(token).await;
        answer.map_err(|error| IntrospectionError::Unavailable(error.into()))
    }
}

async fn resource_of(State(verifier): State<Verifier>, request: Request) -> Response {
    let interaction = request.headers().get(INTERACTION_ID).filter(|id| is_uuid(id)).cloned();
    let mut response = match verifier.verify(&request, &Requirement::any()).await {
        Ok(access) => {
            let mut response = Json(told(&access)).into_response();
            access.tell(response.headers_mut());
            response
        }
        Err(refused) => refused.into_response().map(Body::from),
    };
    if let Some(id) = interaction {
        response.headers_mut().insert(INTERACTION_ID, id);
    }
    response
}

fn told(access: &Access) -> Value {
    json!({
        "iss": access.issuer(),
        "sub": access.subject(),
        "client_id": access.client_id(),
        "scope": access.scope(),
        "aud": access.audience(),
        "exp": access.expires_at().map(Timestamp::unix),
        "auth_time": access.auth_time().map(Timestamp::unix),
        "acr": access.acr(),
        "cnf": access.confirmation(),
        "authorization_details": access.authorization_details().to_value(),
    })
}

async fn describe(State(verifier): State<Verifier>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let answer = verifier.metadata().answer(&wire::Request::from_parts(head, Bytes::new()));
    answer.map(Body::from)
}

/// Whether a header is of the form of RFC 9562 section 4: nothing else is sent back.
fn is_uuid(value: &HeaderValue) -> bool {
    let hyphens = [8, 13, 18, 23];
    value.len() == 36
        && value.as_bytes().iter().enumerate().all(|(at, byte)| match hyphens.contains(&at) {
            true => *byte == b'-',
            false => byte.is_ascii_hexdigit(),
        })
}
