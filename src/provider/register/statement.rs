//! Software statements (RFC 7591 section 2.3): what others vouch for.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::error::{Reason, Rejection, Result};
use crate::jose::{
    JwkSet, PresentedSoftwareStatement, SigningAlg, SoftwareStatement, SoftwareStatementError,
    SoftwareStatementVerifier,
};
use crate::provider::client_keys::{self, ClientToken, IssuerKeys, Unverified};
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::types::FetchUrl;

/// Claims of the statement itself (RFC 7519 section 4.1), which are no metadata.
const OWN_CLAIMS: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// Somebody whose software statements are believed.
#[derive(Clone, Debug)]
#[must_use]
pub struct SoftwareStatementIssuer {
    issuer: Arc<str>,
    keys: IssuerKeys,
    algs: Arc<[SigningAlg]>,
}

impl SoftwareStatementIssuer {
    /// The issuer that statements name in `iss`, byte for byte, and its public keys.
    pub fn new(issuer: impl Into<Arc<str>>, keys: JwkSet) -> Self {
        Self::of(issuer.into(), IssuerKeys::Known(keys))
    }

    /// The issuer that statements name in `iss`, byte for byte, and where its public keys are; that needs an
    /// `HttpClient` and a `Runtime`.
    pub fn with_keys_at(issuer: impl Into<Arc<str>>, jwks_uri: FetchUrl) -> Self {
        Self::of(issuer.into(), IssuerKeys::At(jwks_uri))
    }

    fn of(issuer: Arc<str>, keys: IssuerKeys) -> Self {
        Self { issuer, keys, algs: SigningAlg::DEFAULT_INBOUND.into() }
    }

    /// The algorithms that it signs with. Default [`SigningAlg::DEFAULT_INBOUND`].
    pub fn with_algorithms(mut self, algs: &[SigningAlg]) -> Self {
        self.algs = algs.into();
        self
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(super) const fn is_fetched(&self) -> bool {
        matches!(self.keys, IssuerKeys::At(_))
    }
}

/// The statement of a request, verified; `None` where there is none, or nobody's is believed. A client that is
/// registered with one, `stated`, does not get rid of it: what it said would be its own to change then.
pub(super) async fn of(
    core: &Core,
    cx: &Context<'_>,
    members: &Map<String, Value>,
    stated: bool,
) -> Result<Option<SoftwareStatement>> {
    let registration = core.registration.as_ref().ok_or(Reason::NotFound)?;
    let sent = members.get("software_statement").filter(|sent| !sent.is_null());
    let issuers = registration.statement_issuers();
    let Some(sent) = sent.filter(|_| !issuers.is_empty()) else {
        return match stated || registration.needs_statement() {
            true => Err(Reason::SoftwareStatementMissing.into()),
            false => Ok(None),
        };
    };
    let text = sent.as_str().ok_or(Reason::SoftwareStatementMalformed)?;
    let presented = PresentedSoftwareStatement::parse(text).map_err(Reason::from)?;
    let issuer = issuers.iter().find(|known| *known.issuer == *presented.claimed_issuer());
    let issuer = issuer.ok_or(Reason::SoftwareStatementUnapproved)?;
    let permitted = |alg: &SigningAlg| cx.config.requirements.permits(*alg);
    let algs: Vec<_> = issuer.algs.iter().copied().filter(permitted).collect();
    let verifier = SoftwareStatementVerifier::new(Arc::clone(&issuer.issuer), cx.issuer())
        .with_algorithms(&algs)
        .with_leeway(cx.config.clock_skew);
    let token = Token { presented: &presented, verifier: &verifier, now: cx.now };
    let verified = client_keys::verify_by(cx, (&issuer.keys, core.statement_keys.as_ref()), &token).await;
    verified.map(Some).map_err(|unverified| refusal(unverified).into())
}

fn refusal(unverified: Unverified<SoftwareStatementError>) -> Rejection {
    match unverified {
        Unverified::Refused(error) => Reason::from(error).into(),
        Unverified::Unfetched(error) => Rejection::caused(Reason::SoftwareStatementKeysUnavailable, error),
        Unverified::NoKeys | Unverified::NotFetched => Reason::SoftwareStatementKeysUnavailable.into(),
    }
}

/// The claims of the statement over `members`, which they take precedence of (RFC 7591 section 2.3). A member in
/// another language says the same thing, so that it goes with the one that was stated.
pub(super) fn over(statement: &SoftwareStatement, members: &Map<String, Value>) -> Map<String, Value> {
    let stated = |name: &str| !OWN_CLAIMS.contains(&name);
    let claims = statement.claims().as_map();
    let names: BTreeSet<_> = claims.keys().filter(|name| stated(name)).map(|name| base(name)).collect();
    let plain = members.iter().filter(|(name, _)| !names.contains(base(name)));
    let claims = claims.iter().filter(|(name, _)| stated(name));
    plain.chain(claims).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The name of a member without its language (RFC 7591 section 2.2).
fn base(name: &str) -> &str {
    name.split('#').next().unwrap_or_default()
}

/// A statement, as one of its issuer's.
struct Token<'a> {
    presented: &'a PresentedSoftwareStatement,
    verifier: &'a SoftwareStatementVerifier,
    now: Timestamp,
}

impl ClientToken for Token<'_> {
    type Verified = SoftwareStatement;
    type Refusal = SoftwareStatementError;

    fn is_keyed_by(&self, keys: &JwkSet) -> bool {
        self.presented.is_keyed_by(keys)
    }

    fn verify(&self, keys: &JwkSet) -> Result<SoftwareStatement, SoftwareStatementError> {
        self.verifier.verify(self.presented, keys, self.now)
    }

    fn is_of_keys(refusal: &SoftwareStatementError) -> bool {
        *refusal == SoftwareStatementError::Signature
    }
}
