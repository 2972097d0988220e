//! Whom the host trusts to vouch for people and clients by assertions (RFC 7521 section 5, RFC 7523 section
//! 3).

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize as _;

use super::client_keys::{self, ClientToken, IssuerKeys, Unverified};
use super::context::Context;
use super::replay;
use crate::client::{Client, RemoteKeys};
use crate::clock::{NODE_SKEW, Timestamp};
use crate::error::{BoxError, Reason, Rejection, Result};
use crate::jose::{
    AuthorizationGrantAssertion, AuthorizationGrantError, AuthorizationGrantVerifier, ClaimsSet, JwkSet,
    PresentedAuthorizationGrant, SigningAlg,
};
use crate::store::ReplayStore;
use crate::types::{Authentication, Confirmation, FetchUrl, Issuer, Scope};

/// Where used `jti` values of assertions are kept, whichever grant they were for.
const REPLAY_SPACE: &str = "assertion grant";

/// The trust in what one issuer says of one subject, or of any: what its assertions can give, until when, and
/// by which keys they are verified.
#[derive(Clone, Debug)]
#[must_use]
pub struct Trust {
    issuer: Arc<str>,
    subject: Option<Arc<str>>,
    keys: IssuerKeys,
    algs: Arc<[SigningAlg]>,
    scope: Scope,
    expires_at: Timestamp,
    jti: TokenIds,
}

/// Whether an assertion has to have a name, so that it counts once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TokenIds {
    Demanded,
    Optional,
}

impl Trust {
    /// The issuer that assertions name in `iss`, byte for byte, and its public keys. Until more is said it
    /// may vouch for anybody, gives no scope, and is trusted without end.
    pub fn new(issuer: impl Into<Arc<str>>, keys: JwkSet) -> Self {
        Self::of(issuer.into(), IssuerKeys::Known(keys))
    }

    /// The same, and where the issuer's public keys are; that needs an `HttpClient` and a `Runtime`.
    pub fn with_keys_at(issuer: impl Into<Arc<str>>, jwks_uri: FetchUrl) -> Self {
        Self::of(issuer.into(), IssuerKeys::At(jwks_uri))
    }

    fn of(issuer: Arc<str>, keys: IssuerKeys) -> Self {
        Self {
            issuer,
            subject: None,
            keys,
            algs: SigningAlg::DEFAULT_INBOUND.into(),
            scope: Scope::empty(),
            expires_at: Timestamp::NEVER,
            jti: TokenIds::Demanded,
        }
    }

    /// The one subject that the keys may vouch for: `sub`, byte for byte.
    pub fn of_subject(mut self, subject: impl Into<Arc<str>>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// The most that an assertion gives.
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// When the trust ends. Nothing that it gave outlasts it.
    pub const fn with_expiry(mut self, expires_at: Timestamp) -> Self {
        self.expires_at = expires_at;
        self
    }

    /// The algorithms that the issuer signs with. Default [`SigningAlg::DEFAULT_INBOUND`].
    pub fn with_algorithms(mut self, algs: &[SigningAlg]) -> Self {
        self.algs = algs.into();
        self
    }

    /// Takes assertions without `jti` too.
    ///
    /// # Security
    /// Whoever sees such an assertion can use it as often as they like while it lives.
    pub const fn with_optional_jti(mut self) -> Self {
        self.jti = TokenIds::Optional;
        self
    }

    /// Of several the one for this issuer and subject: one of the subject's own before one for anybody.
    #[must_use]
    pub fn find<'a>(trusts: &'a [Self], issuer: &str, subject: &str) -> Option<&'a Self> {
        let mut fitting: Vec<_> = trusts.iter().filter(|trust| trust.covers(issuer, subject)).collect();
        fitting.sort_by_key(|trust| trust.subject.is_none());
        fitting.first().copied()
    }

    /// Whether it is a trust in what `issuer` says of `subject`.
    fn covers(&self, issuer: &str, subject: &str) -> bool {
        *self.issuer == *issuer && self.subject.as_deref().is_none_or(|known| known == subject)
    }

    /// The most that an assertion gives.
    pub(super) const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// When the trust ends.
    pub(super) const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

/// Whom an assertion stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Principal {
    /// The client that presents it, for itself.
    Client,
    /// A person, and how they had signed in as far as the host believes it.
    Person(Authentication),
}

/// The trusts of a deployment, and whom assertions stand for. The host manages both: what it adds or takes
/// away counts from the next request on.
#[async_trait]
pub trait TrustedIssuers: Debug + Send + Sync {
    /// The trust in what `issuer` says of `subject`; `None` where there is none. Nobody has verified these
    /// names yet.
    ///
    /// An answer that is for another issuer or subject, or has expired, does not count. [`Trust::find`] looks
    /// through a list.
    ///
    /// # Errors
    /// Any error fails the request with 503; nothing is issued.
    async fn trust(&self, issuer: &str, subject: &str) -> Result<Option<Trust>, BoxError>;

    /// Whom a verified assertion stands for where `client` presents it; `None` refuses it.
    ///
    /// An issuer chooses its `sub` values freely: a host that takes them for its own subjects lets it speak
    /// for everybody.
    ///
    /// # Errors
    /// As for [`trust`](TrustedIssuers::trust).
    async fn principal(
        &self,
        assertion: &AuthorizationGrantAssertion,
        client: &Client,
        now: Timestamp,
    ) -> Result<Option<Principal>, BoxError>;
}

const _: fn(&dyn TrustedIssuers) = |_| ();

/// What takes assertions, for every grant that does.
#[derive(Debug)]
pub(super) struct Assertions {
    trusted: Arc<dyn TrustedIssuers>,
    replays: Arc<dyn ReplayStore>,
    remote: Option<RemoteKeys>,
    /// Where clients with certificates find the issuer (RFC 8705 section 5).
    alias: Option<Issuer>,
}

/// An assertion that is believed, and not used yet.
#[derive(Debug)]
pub(super) struct Vouched {
    pub(super) trust: Trust,
    pub(super) assertion: AuthorizationGrantAssertion,
    pub(super) principal: Principal,
    /// The key that whoever presents it must hold.
    pub(super) confirmation: Option<Confirmation>,
}

impl Vouched {
    /// What the assertion permits: what its issuer is trusted with, and no more than it says itself; `None` where what it says
    /// is no scope.
    pub(super) fn scope(&self) -> Option<Scope> {
        let trusted = self.trust.scope();
        let Some(said) = self.assertion.claims().value("scope") else { return Some(trusted.clone()) };
        let said = said.as_str().and_then(|said| Scope::parse(said).ok())?;
        Some(said.intersection(trusted))
    }
}

impl Assertions {
    /// A trust whose keys are fetched is of no use where there is no `remote`.
    pub(super) fn new(
        trusted: Arc<dyn TrustedIssuers>,
        replays: Arc<dyn ReplayStore>,
        (remote, alias): (Option<RemoteKeys>, Option<Issuer>),
    ) -> Self {
        Self { trusted, replays, remote, alias }
    }

    /// Verifies an assertion that `client` presents, by the trust in its issuer. Its `jti` is not used up
    /// yet.
    ///
    /// # Errors
    /// Why it is refused; [`Reason::HostUnavailable`], [`Reason::AssertionKeysUnavailable`].
    pub(super) async fn vouched(&self, cx: &Context<'_>, client: &Client, text: &str) -> Result<Vouched> {
        let presented = PresentedAuthorizationGrant::parse(text).map_err(refused)?;
        let trust = self.trust(cx, &presented).await?;
        let assertion = self.verified(cx, &trust, &presented).await?;
        let confirmation = confirmation(assertion.claims())?;
        let principal = self.trusted.principal(&assertion, client, cx.now).await.map_err(unavailable)?;
        let principal = principal.ok_or(Reason::AssertionSubjectUnknown)?;
        Ok(Vouched { trust, assertion, principal, confirmation })
    }

    async fn trust(&self, cx: &Context<'_>, presented: &PresentedAuthorizationGrant) -> Result<Trust> {
        let (issuer, subject) = (presented.claimed_issuer(), presented.claimed_subject());
        // What this provider says itself has types of its own, whatever a host trusts; a NUL ends the issuer
        // in the names of what was used.
        if issuer == cx.issuer() || issuer.contains('\0') {
            return Err(Reason::AssertionUntrusted.into());
        }
        let trust = self.trusted.trust(issuer, subject).await.map_err(unavailable)?;
        let trust = trust.filter(|trust| trust.covers(issuer, subject)).ok_or(Reason::AssertionUntrusted)?;
        match trust.expires_at.has_passed(cx.now) {
            true => Err(Reason::AssertionTrustExpired.into()),
            false => Ok(trust),
        }
    }

    async fn verified(
        &self,
        cx: &Context<'_>,
        trust: &Trust,
        presented: &PresentedAuthorizationGrant,
    ) -> Result<AuthorizationGrantAssertion> {
        let endpoint = |base: &Issuer| base.endpoint(&cx.config.paths.token);
        let audiences = [cx.issuer().to_owned(), endpoint(&cx.config.issuer)];
        let audiences = audiences.into_iter().chain(self.alias.as_ref().map(endpoint));
        let algs: Vec<_> =
            trust.algs.iter().copied().filter(|alg| cx.config.requirements.permits(*alg)).collect();
        let verifier = AuthorizationGrantVerifier::new(Arc::clone(&trust.issuer), audiences)
            .with_algorithms(&algs)
            .with_max_lifetime(cx.config.assertion_lifetime)
            .with_leeway(cx.config.clock_skew);
        let verifier = match trust.jti {
            TokenIds::Demanded => verifier,
            TokenIds::Optional => verifier.with_optional_jti(),
        };
        let token = Token { presented, verifier: &verifier, now: cx.now };
        let verified = client_keys::verify_by(cx, (&trust.keys, self.remote.as_ref()), &token).await;
        Ok(verified.map_err(unverified)?)
    }

    /// Of any number of requests with one assertion, one goes on. The issuer is part of its name, so that
    /// nobody can use up the names of another.
    ///
    /// # Errors
    /// [`Reason::AssertionReplayed`], or a store that fails.
    pub(super) async fn use_up(&self, cx: &Context<'_>, vouched: &Vouched) -> Result<()> {
        let assertion = &vouched.assertion;
        let Some(jti) = assertion.jti() else { return Ok(()) };
        let id = replay::id_of_issuer(assertion.issuer(), jti);
        let until = assertion.remember_until().plus(NODE_SKEW);
        match self.replays.first_use(REPLAY_SPACE, &id, until, cx.now).await? {
            true => Ok(()),
            false => Err(Reason::AssertionReplayed.into()),
        }
    }
}

/// What is bound in a way that is not known here cannot be proved, so it is refused.
fn confirmation(claims: &ClaimsSet) -> Result<Option<Confirmation>, Reason> {
    let bound = claims.value("cnf").map(Confirmation::deserialize).transpose();
    bound.map_err(|_| Reason::ConfirmationMismatch)
}

/// One assertion that is to be verified.
struct Token<'a> {
    presented: &'a PresentedAuthorizationGrant,
    verifier: &'a AuthorizationGrantVerifier,
    now: Timestamp,
}

impl ClientToken for Token<'_> {
    type Verified = AuthorizationGrantAssertion;
    type Refusal = AuthorizationGrantError;

    fn is_keyed_by(&self, keys: &JwkSet) -> bool {
        self.presented.is_keyed_by(keys)
    }

    fn verify(&self, keys: &JwkSet) -> Result<AuthorizationGrantAssertion, AuthorizationGrantError> {
        self.verifier.verify(self.presented, keys, self.now)
    }

    fn is_of_keys(refusal: &AuthorizationGrantError) -> bool {
        *refusal == AuthorizationGrantError::Signature
    }
}

fn unverified(unverified: Unverified<AuthorizationGrantError>) -> Rejection {
    match unverified {
        Unverified::Refused(error) => refused(error),
        Unverified::Unfetched(error) => Rejection::caused(Reason::AssertionKeysUnavailable, error),
        Unverified::NoKeys | Unverified::NotFetched => Reason::AssertionKeysUnavailable.into(),
    }
}

fn refused(error: AuthorizationGrantError) -> Rejection {
    Rejection::caused(error.into(), error)
}

/// The host could not answer.
fn unavailable(error: BoxError) -> Rejection {
    Rejection::caused(Reason::HostUnavailable, error)
}
