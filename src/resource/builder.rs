//! Putting a verifier together.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::introspection::{Answers, Asked, DEFAULT_LIFETIME, MAX_LIFETIME};
use super::issuer::TrustedIssuer;
use super::jwt::Jwts;
use super::possession::{Dpop, Unremembered};
use super::{Inner, Issued, Verifier};
use crate::client::RemoteKeys;
use crate::client::keyed_token::IssuerKeys;
use crate::clock::{Clock, SystemClock};
use crate::entropy::{Entropy, EntropyError, OsEntropy};
use crate::event::{EventSink, Silent};
use crate::proof::DpopConfig;
use crate::proof::dpop::DpopProofs;
use crate::runtime::Runtime;
use crate::secret::SystemSecrets;
use crate::store::ReplayStore;
use crate::types::HttpUri;
use crate::wire::{HttpClient, ResourceMetadata};

/// Puts a verifier together; [`build`](VerifierBuilder::build) checks that its parts fit.
#[derive(Debug)]
#[must_use]
pub struct VerifierBuilder {
    metadata: ResourceMetadata,
    issuers: Vec<TrustedIssuer>,
    http: Option<Arc<dyn HttpClient>>,
    runtime: Option<Arc<dyn Runtime>>,
    dpop: Option<(DpopConfig, Arc<dyn ReplayStore>)>,
    unremembered: Unremembered,
    secrets: Option<SystemSecrets>,
    alias: Option<String>,
    introspection_lifetime: Duration,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    events: Arc<dyn EventSink>,
}

/// Why the parts of a verifier do not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The other origin is no http or https URI.
    #[error("the alias must be an origin: http or https, a host, and a port perhaps")]
    Alias,
    /// A setting is out of its bounds.
    #[error("{setting} must be {bounds}")]
    #[non_exhaustive]
    Bounds {
        /// The setting.
        setting: &'static str,
        /// What it must be.
        bounds: &'static str,
    },
    /// The random source failed.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// An issuer is named twice.
    #[error("the issuer {issuer} is named twice")]
    #[non_exhaustive]
    IssuerRepeated {
        /// Which.
        issuer: String,
    },
    /// Something needs a part that is not there.
    #[error("{feature} needs {part}")]
    #[non_exhaustive]
    Needs {
        /// What is turned on.
        feature: &'static str,
        /// What it needs.
        part: &'static str,
    },
    /// Of two issuers nobody could tell which to ask about a token that is no JWT.
    #[error("two issuers are asked about opaque tokens that begin in the same way")]
    OpaquePrefixRepeated,
}

impl VerifierBuilder {
    pub(super) fn new(metadata: ResourceMetadata) -> Self {
        Self {
            metadata,
            issuers: Vec::new(),
            http: None,
            runtime: None,
            dpop: None,
            unremembered: Unremembered::default(),
            secrets: None,
            alias: None,
            introspection_lifetime: DEFAULT_LIFETIME,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            events: Arc::new(Silent),
        }
    }

    /// Takes the tokens of this issuer, beside those of others.
    pub fn issuer(mut self, issuer: TrustedIssuer) -> Self {
        self.issuers.push(issuer);
        self
    }

    /// Through which keys are fetched. Their addresses are the host's own choice, and still kept to the rules of
    /// [`HttpClient`].
    pub fn http_client(mut self, http: Arc<dyn HttpClient>) -> Self {
        self.http = Some(http);
        self
    }

    /// What fetches keys in the background.
    pub fn runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Takes tokens that are bound to keys by DPoP (RFC 9449); each proof is used once, as `replays` remembers. All nodes
    /// must share it. Default off: such tokens are refused.
    pub fn dpop(mut self, dpop: DpopConfig, replays: Arc<dyn ReplayStore>) -> Self {
        self.dpop = Some((dpop, replays));
        self
    }

    /// Takes proofs too while the store that remembers them cannot answer. Default: the answer is 503 then.
    ///
    /// # Security
    /// For as long as that lasts, whoever has seen a request can send it again while its proof is young.
    pub const fn dangerous_accept_unremembered_proofs(mut self) -> Self {
        self.unremembered = Unremembered::Accepted;
        self
    }

    /// By which nonces for DPoP proofs are made. All nodes must share them. Default: made anew by `build`.
    pub fn secrets(mut self, secrets: SystemSecrets) -> Self {
        self.secrets = Some(secrets);
        self
    }

    /// Another origin (scheme, host, port) at which the same paths are, such as the one where the TLS layer asks for
    /// certificates. Proofs may name it.
    pub fn alias(mut self, origin: impl Into<String>) -> Self {
        self.alias = Some(origin.into());
        self
    }

    /// For how long answers of introspection are kept: up to 300 s, default 30 s; 0 keeps none, and a request waits only with
    /// others for an answer that is on its way. A token that is revoked is good for as long.
    pub const fn introspection_lifetime(mut self, lifetime: Duration) -> Self {
        self.introspection_lifetime = lifetime;
        self
    }

    /// What tells the time. Default: the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Where random bytes come from. Default: the operating system.
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Who hears of refusals and of fetched keys. Default: nobody.
    pub fn events(mut self, events: Arc<dyn EventSink>) -> Self {
        self.events = events;
        self
    }

    /// The verifier.
    ///
    /// # Errors
    /// [`BuildError`] when the parts do not fit.
    pub fn build(mut self) -> Result<Verifier, BuildError> {
        let resource: Arc<str> = self.metadata.resource().into();
        for trusted in self.issuers.iter_mut().filter(|trusted| trusted.audiences.is_empty()) {
            trusted.audiences = vec![resource.as_ref().to_owned()];
        }
        self.check()?;
        let (issuers, opaque) = self.issued()?;
        let dpop = self.taking_proofs(&resource)?;
        let metadata = self.described(dpop.as_ref());
        Ok(Verifier(Arc::new(Inner {
            resource,
            metadata_url: metadata.metadata_url(),
            metadata,
            issuers,
            opaque,
            answers: Answers::new(self.introspection_lifetime),
            dpop,
            clock: self.clock,
            events: self.events,
        })))
    }

    fn check(&self) -> Result<(), BuildError> {
        if self.introspection_lifetime > MAX_LIFETIME {
            return Err(BuildError::Bounds {
                setting: "introspection_lifetime",
                bounds: "up to 300 seconds",
            });
        }
        if let Some((setting, bounds)) = self.dpop.as_ref().and_then(|(dpop, _)| dpop.out_of_bounds()) {
            return Err(BuildError::Bounds { setting, bounds });
        }
        if self.issuers.is_empty() {
            return Err(BuildError::Needs { feature: "a verifier", part: "an issuer" });
        }
        for trusted in &self.issuers {
            if trusted.keys.is_none() && trusted.introspection.is_none() {
                return Err(BuildError::Needs { feature: "an issuer", part: "keys or introspection" });
            }
            if trusted.algs.is_empty() {
                return Err(BuildError::Bounds { setting: "algorithms", bounds: "at least one" });
            }
        }
        Ok(())
    }

    /// The issuers by their names, and those that are asked about opaque tokens, by what these begin with.
    #[expect(clippy::type_complexity, reason = "two maps that are made together")]
    fn issued(&self) -> Result<(HashMap<Arc<str>, Issued>, Vec<(String, Arc<Asked>)>), BuildError> {
        let remote = match (&self.http, &self.runtime) {
            (Some(http), Some(runtime)) => {
                Some(Arc::new(RemoteKeys::new(Arc::clone(http), Arc::clone(runtime))))
            }
            _ => None,
        };
        let (mut issuers, mut opaque) = (HashMap::new(), Vec::new());
        for trusted in &self.issuers {
            let asked = trusted
                .introspection
                .clone()
                .map(|introspection| Arc::new(Asked::new(trusted, introspection)));
            opaque.extend(asked.clone().map(|asked| (trusted.prefix.clone(), asked)));
            if matches!(trusted.keys, Some(IssuerKeys::At(_))) && remote.is_none() {
                return Err(BuildError::Needs { feature: "a jwks_uri", part: "an HttpClient and a Runtime" });
            }
            let issued = match (trusted.keys.clone(), asked) {
                (Some(keys), _) => Issued::Verified(Box::new(Jwts::new(trusted, keys, remote.clone()))),
                (None, Some(asked)) => Issued::Asked(asked),
                (None, None) => continue,
            };
            if issuers.insert(Arc::clone(&trusted.issuer), issued).is_some() {
                return Err(BuildError::IssuerRepeated { issuer: trusted.issuer.as_ref().to_owned() });
            }
        }
        // The longest first, so that it is the one that counts.
        opaque.sort_by(|(one, _), (other, _)| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        match opaque.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            true => Err(BuildError::OpaquePrefixRepeated),
            false => Ok((issuers, opaque)),
        }
    }

    fn taking_proofs(&self, resource: &Arc<str>) -> Result<Option<Dpop>, BuildError> {
        if let Some(alias) = &self.alias {
            let sound = HttpUri::parse(alias).is_ok() && is_origin(alias);
            sound.then_some(()).ok_or(BuildError::Alias)?;
        }
        let Some((config, replays)) = &self.dpop else { return Ok(None) };
        let secrets = match &self.secrets {
            Some(secrets) => secrets.clone(),
            None => SystemSecrets::generate(&*self.entropy)?,
        };
        Ok(Some(Dpop {
            proofs: DpopProofs::new(config, PROOF_LEEWAY),
            replays: Arc::clone(replays),
            unremembered: self.unremembered,
            secrets,
            resource: Arc::clone(resource),
            origin: self.metadata.origin(),
            alias: self.alias.as_deref().map(|alias| alias.trim_end_matches('/').to_owned()),
        }))
    }

    /// The metadata with what follows from what is built in.
    fn described(&self, dpop: Option<&Dpop>) -> ResourceMetadata {
        let metadata = self.metadata.clone();
        let metadata = match metadata.names_authorization_servers() {
            true => metadata,
            false => {
                let issuers: Vec<&str> = self.issuers.iter().map(|trusted| &*trusted.issuer).collect();
                metadata.with("authorization_servers", issuers)
            }
        };
        match dpop {
            Some(dpop) => metadata.with_dpop_algs(dpop.algorithms().iter().map(|alg| alg.as_str())),
            None => metadata,
        }
    }
}

/// Whether `alias` is of a scheme, a host and a port, and nothing else.
fn is_origin(alias: &str) -> bool {
    let nothing_else = |url: &Url| url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    Url::parse(alias).is_ok_and(|url| nothing_else(&url))
}

/// By how much the clock of a sender of proofs may be ahead.
const PROOF_LEEWAY: Duration = Duration::from_secs(10);
