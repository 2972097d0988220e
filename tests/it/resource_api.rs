//! An API that takes the tokens of a harness's provider, for the tests of the feature `resource`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use serde_json::{Value, json};
use vouchsafe::async_trait;
use vouchsafe::client::AccessTokenFormatChoice;
use vouchsafe::clock::{Clock as _, Timestamp};
use vouchsafe::error::Reason;
use vouchsafe::event::{Endpoint, EventKind};
use vouchsafe::jose::{self, JwkSet, Signer, SigningAlg, SigningHeader};
use vouchsafe::provider::{DpopConfig, Provider};
use vouchsafe::resource::{
    Access, IntrospectionError, Refused, Requirement, TokenIntrospection, TrustedIssuer, Verifier,
    VerifierBuilder,
};
use vouchsafe::secret::{Secret, generate};
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::testing::{
    DEFAULT_AUDIENCE, Harness, ISSUER, JwtForm, ManualClock, RecordedEvents, authorize_form, block_on,
    code_form, dpop_keys, keyring,
};
use vouchsafe::types::Introspection;
use vouchsafe::wire::challenge::{self, Challenge};
use vouchsafe::wire::{ClientCertificate, ResourceMetadata, reply};

/// An API at [`DEFAULT_AUDIENCE`], and the clock that it and its provider go by.
pub(crate) struct Api {
    pub(crate) verifier: Verifier,
    pub(crate) events: Arc<RecordedEvents>,
    clock: Arc<ManualClock>,
}

/// A request to the API.
#[derive(Clone)]
pub(crate) struct Call {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    certificate: Option<ClientCertificate>,
}

impl Call {
    pub(crate) fn get(path: &str) -> Self {
        Self { method: "GET", path: path.to_owned(), headers: Vec::new(), certificate: None }
    }

    /// A GET with a token by this scheme.
    pub(crate) fn with(scheme: &str, token: &str) -> Self {
        Self::get("/photos").header(AUTHORIZATION.as_str(), &format!("{scheme} {token}"))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn proved(self, proof: &JwtForm) -> Self {
        self.header("dpop", &proof.sign())
    }

    pub(crate) fn certificate(mut self, certificate: ClientCertificate) -> Self {
        self.certificate = Some(certificate);
        self
    }

    /// The request as a framework has it: its body is none of the verifier's business.
    fn request(&self) -> http::Request<std::cell::Cell<()>> {
        let mut request = http::Request::builder().method(self.method).uri(&self.path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let mut request = request.body(std::cell::Cell::new(())).unwrap();
        if let Some(certificate) = &self.certificate {
            request.extensions_mut().insert(certificate.clone());
        }
        request
    }
}

/// The keys of every harness's provider.
pub(crate) fn keys() -> JwkSet {
    JwkSet::parse(&serde_json::from_slice(&keyring().jwks()).unwrap()).unwrap()
}

pub(crate) fn trusted() -> TrustedIssuer {
    TrustedIssuer::new(ISSUER)
}

pub(crate) fn photos() -> ResourceMetadata {
    ResourceMetadata::new(DEFAULT_AUDIENCE).unwrap()
}

impl Api {
    /// An API that trusts `issuer`, as `adjust` has it.
    pub(crate) fn trusting(
        issuer: TrustedIssuer,
        adjust: impl FnOnce(VerifierBuilder) -> VerifierBuilder,
    ) -> Self {
        let (clock, events) = (Arc::new(ManualClock::default()), Arc::new(RecordedEvents::new()));
        let builder = Verifier::builder(photos()).issuer(issuer).clock(clock.clone()).events(events.clone());
        Self { verifier: adjust(builder).build().unwrap(), events, clock }
    }

    /// An API that verifies the JWTs of a harness's provider.
    pub(crate) fn of_jwts() -> Self {
        Self::trusting(trusted().with_keys(keys()), |builder| builder)
    }

    /// The same, which takes proofs.
    pub(crate) fn of_bound_jwts() -> Self {
        let replays = Arc::new(MemoryStore::new());
        Self::trusting(trusted().with_keys(keys()), |builder| builder.dpop(DpopConfig::new(), replays))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    pub(crate) fn verify(&self, call: &Call, requirement: &Requirement) -> Result<Access, Refused> {
        block_on(self.verifier.verify(&call.request(), requirement))
    }

    /// The call is let through, and nobody hears of a refusal.
    #[track_caller]
    pub(crate) fn lets_through(&self, call: &Call) -> Access {
        let access = self.verify(call, &Requirement::any()).unwrap();
        assert_eq!(self.events.refusals(), []);
        access
    }

    /// The call is refused for this reason, once, with the status that goes with it.
    #[track_caller]
    pub(crate) fn refuses(&self, call: &Call, reason: Reason) -> Refused {
        self.refuses_for(call, &Requirement::any(), reason)
    }

    #[track_caller]
    pub(crate) fn refuses_for(&self, call: &Call, requirement: &Requirement, reason: Reason) -> Refused {
        let refused = self.verify(call, requirement).unwrap_err();
        assert_eq!(refused.reason(), reason);
        let events = self.events.take();
        let refusals = events.iter().filter(|event| matches!(event.kind, EventKind::Refused(_)));
        let refusals: Vec<_> = refusals.map(|event| (event.endpoint, event.kind.clone())).collect();
        assert_eq!(refusals, [(Endpoint::ProtectedResource, EventKind::Refused(reason))]);
        let expected = match reason.wire().0.as_str() {
            "invalid_dpop_proof" | "use_dpop_nonce" => 401,
            _ => reply::status(reason).as_u16(),
        };
        assert_eq!(refused.response().status(), expected, "the status of {reason:?}");
        refused
    }

    /// The claims of a sound token of now.
    pub(crate) fn claims(&self) -> Value {
        json!({
            "iss": ISSUER, "sub": "alice", "aud": DEFAULT_AUDIENCE, "client_id": "web", "jti": "1", "scope": "read",
            "iat": self.now().unix(), "exp": self.now().unix() + 300,
        })
    }

    /// A sound token of now.
    pub(crate) fn token(&self) -> String {
        signed("at+jwt", &self.claims())
    }

    /// A sound token that is bound to the first of [`dpop_keys`].
    pub(crate) fn bound_token(&self) -> String {
        let mut claims = self.claims();
        claims["cnf"] = json!({ "jkt": dpop_keys()[0].public_key().thumbprint() });
        signed("at+jwt", &claims)
    }

    /// A sound proof of the first of [`dpop_keys`] for a GET of the photos with this token.
    pub(crate) fn proof(&self, token: &str) -> JwtForm {
        let jti = generate(&vouchsafe::entropy::OsEntropy, 128).unwrap();
        let claims = json!({
            "jti": jti.expose(), "htm": "GET", "htu": "https://api.example/photos", "iat": self.now().unix(),
        });
        JwtForm::proof(&dpop_keys()[0], claims).presenting(token)
    }
}

/// A token of this type with these claims, by the key of every harness's provider.
pub(crate) fn signed(typ: &str, claims: &Value) -> String {
    signed_by(typ, claims, &*keyring().signer(SigningAlg::Es256).unwrap())
}

pub(crate) fn signed_by(typ: &str, claims: &Value, key: &dyn Signer) -> String {
    block_on(jose::sign(&SigningHeader::typed(typ), claims.to_string().as_bytes(), key)).unwrap()
}

/// The challenges of a refusal.
pub(crate) fn challenges(refused: &Refused) -> Vec<Challenge> {
    let headers = refused.response().headers().get_all(WWW_AUTHENTICATE).iter();
    headers.flat_map(|header| challenge::parse(header).unwrap()).collect()
}

/// A harness whose access tokens are of this format.
pub(crate) fn issuing(format: AccessTokenFormatChoice) -> Harness {
    Harness::builder().config(|config| config.access_token_format = format).build()
}

/// An access token of the client `web`.
pub(crate) fn issued(h: &Harness) -> String {
    let asked = authorize_form().scope("openid read");
    let code = h.code(&asked, "alice");
    h.redeem(code_form(&asked, &code)).issued().access_token
}

/// Introspection without HTTP, by the provider in the same process. It counts the questions.
#[derive(Debug)]
pub(crate) struct InProcess {
    provider: Provider,
    asked: AtomicUsize,
}

impl InProcess {
    pub(crate) fn new(h: &Harness) -> Arc<Self> {
        Arc::new(Self { provider: h.provider().clone(), asked: AtomicUsize::new(0) })
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl TokenIntrospection for InProcess {
    async fn introspect(&self, token: &Secret, _: Timestamp) -> Result<Introspection, IntrospectionError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.provider.introspection_of(token).await;
        answer.map_err(|error| IntrospectionError::Unavailable(error.into()))
    }
}
