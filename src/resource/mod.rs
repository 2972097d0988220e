//! What takes access tokens: the API itself, a resource server (RFC 6750).
//!
//! A [`Verifier`] turns a request into an [`Access`], or into the response that refuses it with the right challenge. The
//! tokens are JWTs that are verified by the keys of their issuer (RFC 9068), or others that the issuer is asked about (RFC
//! 7662); bound ones count with their proof alone (RFC 9449, RFC 8705). A [`Requirement`] says what a request needs.
//!
//! ```
//! use std::sync::Arc;
//!
//! use vouchsafe::resource::{DpopConfig, Requirement, TrustedIssuer, Verifier};
//! use vouchsafe::wire::{Request, ResourceMetadata, Response};
//! # use vouchsafe::{BoxError, MemoryStore};
//! # fn keys() -> vouchsafe::jose::JwkSet { vouchsafe::jose::JwkSet::default() }
//!
//! fn verifier() -> Result<Verifier, BoxError> {
//!     let photos = ResourceMetadata::new("https://api.example/photos")?.with_scopes(["photos.read"]);
//!     let verifier = Verifier::builder(photos)
//!         .issuer(TrustedIssuer::new("https://op.example").with_keys(keys()))
//!         .dpop(DpopConfig::new(), Arc::new(MemoryStore::new()))
//!         .build()?;
//!     Ok(verifier)
//! }
//!
//! async fn photos(verifier: &Verifier, request: &Request) -> Result<Response, BoxError> {
//!     let access = match verifier.verify(request, &Requirement::scope("photos.read")?).await {
//!         Ok(access) => access,
//!         Err(refused) => return Ok(refused.into_response()),
//!     };
//!     let mut response = Response::new(format!("the photos of {:?}", access.subject()).into());
//!     access.tell(response.headers_mut());
//!     Ok(response)
//! }
//! # verifier().unwrap();
//! ```

mod access;
mod builder;
mod introspection;
mod issuer;
mod jwt;
mod possession;
mod presented;
mod refused;
mod requirement;

use std::collections::HashMap;
use std::sync::Arc;

pub use access::Access;
pub use builder::{BuildError, VerifierBuilder};
pub use introspection::{HttpIntrospection, IntrospectionError, TokenIntrospection};
pub use issuer::TrustedIssuer;
pub use refused::Refused;
pub use requirement::Requirement;

use self::access::Known;
use self::introspection::{Answers, Asked, Unknown};
use self::jwt::Jwts;
use self::possession::Dpop;
use self::presented::{Presented, Proofs};
use crate::clock::{Clock, Timestamp};
use crate::error::{Error, Reason, Rejection};
use crate::event::{Endpoint, Event, EventKind, EventSink};
use crate::jose::PresentedAccessToken;
use crate::proof::possession::Presentation;
#[doc(no_inline)]
pub use crate::proof::{DpopConfig, DpopNonces};
use crate::secret::Secret;
use crate::types::ClientId;
use crate::wire::token_refusal::{TokenRefusal, TokenTaker};
use crate::wire::{ResourceMetadata, Response, reply};

/// Takes the access tokens of one resource. Cheap to clone, shared by all requests.
#[derive(Clone, Debug)]
pub struct Verifier(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    resource: Arc<str>,
    metadata: ResourceMetadata,
    metadata_url: String,
    issuers: HashMap<Arc<str>, Issued>,
    /// Who is asked about tokens that are no JWTs, by what these begin with, the longest first.
    opaque: Vec<(String, Arc<Asked>)>,
    answers: Answers,
    /// `None` takes no proofs of keys.
    dpop: Option<Dpop>,
    clock: Arc<dyn Clock>,
    events: Arc<dyn EventSink>,
}

/// What becomes of the JWTs of one issuer.
#[derive(Debug)]
enum Issued {
    /// The issuer is asked about them.
    Asked(Arc<Asked>),
    /// They are verified here.
    Verified(Box<Jwts>),
}

impl Verifier {
    /// Begins a verifier with what it protects. The identifier of the resource is the audience of its tokens, unless an
    /// issuer is given others; its scheme, host and port are those of every request, as clients know them.
    ///
    /// Challenges lead clients to the metadata (RFC 9728 section 5.1), so that these have to be served: see
    /// [`Verifier::metadata`].
    pub fn builder(resource: ResourceMetadata) -> VerifierBuilder {
        VerifierBuilder::new(resource)
    }

    /// The metadata of the resource, to be [served](ResourceMetadata::answer) at [its path](ResourceMetadata::path): what
    /// the builder was given, the issuers, and the algorithms of proofs.
    pub fn metadata(&self) -> &ResourceMetadata {
        &self.0.metadata
    }

    /// Checks the access token of a request, what has to be proved beside it, and what the request needs, in this order.
    ///
    /// The token comes in the one `Authorization` header. The path of the request must be the whole one that the client
    /// sees, since proofs name it: a router that takes prefixes off hands on the original. The certificate of the
    /// connection is an extension of the request: see [`ClientCertificate`](crate::wire::ClientCertificate).
    ///
    /// # Errors
    /// [`Refused`], with the reason and the response to give.
    pub fn verify<'a, B>(
        &'a self,
        request: &http::Request<B>,
        requirement: &'a Requirement,
    ) -> impl Future<Output = Result<Access, Refused>> + Send + use<'a, B> {
        let proofs = match self.0.dpop {
            Some(_) => Proofs::Taken,
            None => Proofs::NotTaken,
        };
        let presented = Presented::read(request, proofs);
        async move { self.0.verified(presented, requirement).await }
    }
}

/// What is learned of a request on the way, for its answer and its event.
#[derive(Debug, Default)]
struct Learned {
    sent_as_dpop: bool,
    client: Option<ClientId>,
    nonce: Option<String>,
}

impl Inner {
    async fn verified(
        &self,
        presented: Result<Presented, Reason>,
        requirement: &Requirement,
    ) -> Result<Access, Refused> {
        let (now, mut learned) = (self.clock.now(), Learned::default());
        match self.examined(presented, (requirement, now), &mut learned).await {
            Ok(known) => Ok(Access::new(known, learned.nonce)),
            Err(error) => Err(self.refused(error, &learned, (requirement, now))),
        }
    }

    async fn examined(
        &self,
        presented: Result<Presented, Reason>,
        (requirement, now): (&Requirement, Timestamp),
        learned: &mut Learned,
    ) -> Result<Arc<Known>, Error> {
        let presented = presented?;
        learned.sent_as_dpop = presented.presentation == Presentation::Dpop;
        let known = self.known(&presented.token, now).await?;
        learned.client = known.client_id().and_then(|id| ClientId::new(id).ok());
        let checked = possession::check(self.dpop.as_ref(), &presented, &known, now).await;
        learned.nonce = checked.nonce;
        checked.outcome?;
        requirement.check(&known, now)?;
        Ok(known)
    }

    /// What a token says, if it is one of an issuer's. Its header and claims are only looked at to find out whose it is.
    async fn known(&self, token: &Secret, now: Timestamp) -> Result<Arc<Known>, Error> {
        let Ok(jwt) = PresentedAccessToken::parse(token.expose()) else {
            let asked = self.opaque.iter().find(|(prefix, _)| token.expose().starts_with(prefix));
            let (_, asked) = asked.ok_or(Reason::AccessTokenUnreadable)?;
            return self.answered(asked, token, now).await;
        };
        match self.issuers.get(jwt.claimed_issuer()).ok_or(Reason::AccessTokenIssuer)? {
            Issued::Asked(asked) => self.answered(asked, token, now).await,
            Issued::Verified(jwts) => {
                let known = jwts.known(&jwt, now).await;
                if let Some(news) = jwts.news() {
                    self.events.emit(&Event::new(now, Endpoint::ProtectedResource, news));
                }
                Ok(Arc::new(known?))
            }
        }
    }

    async fn answered(
        &self,
        asked: &Arc<Asked>,
        token: &Secret,
        now: Timestamp,
    ) -> Result<Arc<Known>, Error> {
        let known = self.answers.known(asked, token, now).await;
        known.map_err(|Unknown { reason, cause }| match cause {
            Some(cause) => Rejection::caused(reason, cause).into(),
            None => reason.into(),
        })
    }

    /// Tells the event sink, and makes the response.
    fn refused(
        &self,
        error: Error,
        learned: &Learned,
        (requirement, now): (&Requirement, Timestamp),
    ) -> Refused {
        let reason = error.reason();
        let mut event = Event::new(now, Endpoint::ProtectedResource, EventKind::Refused(reason));
        event.client.clone_from(&learned.client);
        self.events.emit(&event);
        if let Some(cause) = std::error::Error::source(&error) {
            self.events.cause(&event, cause);
        }
        let mut response = self.challenged(reason, learned, requirement);
        if let Some(nonce) = &learned.nonce {
            reply::dpop_nonce(response.headers_mut(), nonce);
        }
        Refused::new(error, response)
    }

    fn challenged(&self, reason: Reason, learned: &Learned, requirement: &Requirement) -> Response {
        let algs = |dpop: &Dpop| {
            let names: Vec<_> = dpop.algorithms().iter().map(|alg| alg.as_str()).collect();
            names.join(" ")
        };
        let taker = TokenTaker {
            realm: &self.resource,
            dpop_algs: self.dpop.as_ref().map(algs),
            metadata_url: Some(&self.metadata_url),
        };
        let (scope, step_up) = requirement.told(reason);
        taker.refuse(&TokenRefusal { reason, sent_as_dpop: learned.sent_as_dpop, scope, step_up })
    }
}
