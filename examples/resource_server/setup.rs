//! From flags to what checks tokens.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use vouchsafe::adapters::reqwest::ReqwestClient;
use vouchsafe::adapters::tokio::TokioRuntime;
use vouchsafe::adapters::tracing::TracingEvents;
use vouchsafe::client::ClientCredential;
use vouchsafe::resource::{DpopConfig, DpopNonces, HttpIntrospection, Requirement, TrustedIssuer, Verifier};
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::types::{ClientId, FetchUrl, Issuer};
use vouchsafe::wire::{HttpClient, ResourceMetadata, StepUp};

use crate::options::Options;

/// The scope of [`Api::notes`].
const NOTES: &str = "notes";

/// How recently somebody who pays must have signed in.
const RECENT: Duration = Duration::from_secs(5 * 60);

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Api {
    /// What checks tokens.
    pub verifier: Verifier,
    /// What the notes need.
    pub notes: Requirement,
    /// What a payment needs.
    pub payments: Requirement,
}

/// The API as the flags ask for it.
///
/// # Errors
/// One sentence that names what to mend.
pub(crate) async fn api(options: &Options, resource: &str) -> Result<Api, String> {
    let http: Arc<dyn HttpClient> = Arc::new(http_client(options)?);
    let runtime = Arc::new(TokioRuntime::current().map_err(|error| error.to_string())?);
    let provider = Discovered::fetch(&*http, &options.issuer).await?;
    let mut issuer = TrustedIssuer::new(options.issuer.as_str())
        .with_keys_at(provider.endpoint("jwks_uri")?)
        .with_audiences(options.audience.iter().cloned());
    if let (Some(client), Some(secret)) = (&options.introspect_client, &options.introspect_secret) {
        let client =
            ClientId::new(client.as_str()).map_err(|error| format!("--introspect-client: {error}"))?;
        let credential = ClientCredential::secret(client, secret.clone());
        let endpoint = provider.endpoint("introspection_endpoint")?;
        let asked = HttpIntrospection::new(endpoint, credential, http.clone(), runtime.clone());
        issuer = issuer.with_introspection(Arc::new(asked));
    }
    let metadata = ResourceMetadata::new(resource).map_err(|error| format!("{resource}: {error}"))?;
    let nonces = if options.dpop_nonces { DpopNonces::Required } else { DpopNonces::Optional };
    let verifier = Verifier::builder(metadata.with_scopes([NOTES]).with_name("Notes and payments"))
        .issuer(issuer)
        // One process remembers in memory; several would share a database.
        .dpop(DpopConfig::new().with_nonces(nonces), Arc::new(MemoryStore::new()))
        .http_client(http)
        .runtime(runtime)
        .events(Arc::new(TracingEvents))
        .build()
        .map_err(|error| error.to_string())?;
    let notes = Requirement::scope(NOTES).map_err(|error| error.to_string())?;
    let payments = Requirement::any().with_step_up(StepUp::new().with_max_age(RECENT));
    Ok(Api { verifier, notes, payments })
}

fn http_client(options: &Options) -> Result<ReqwestClient, String> {
    let mut builder = ReqwestClient::builder();
    if let Some(path) = &options.ca_file {
        let named = |problem: String| format!("--ca-file {}: {problem}", path.display());
        let pem = std::fs::read(path).map_err(|error| named(error.to_string()))?;
        builder = builder.root_certificates(&pem).map_err(|error| named(error.to_string()))?;
    }
    if options.dangerous_allow_loopback_fetch {
        builder = builder.dangerous_allow_loopback();
    }
    builder.build().map_err(|error| error.to_string())
}

/// The metadata of a provider (OpenID Connect Discovery 1.0 section 4).
struct Discovered(Value);

impl Discovered {
    /// What is at the issuer, if it says of itself that it is that.
    async fn fetch(http: &dyn HttpClient, issuer: &Issuer) -> Result<Self, String> {
        let url = issuer.endpoint("/.well-known/openid-configuration");
        let named = |problem: String| format!("{url}: {problem}");
        let request =
            http::Request::get(&url).body(Bytes::new()).map_err(|error| named(error.to_string()))?;
        let answer = http.send(request).await.map_err(|error| named(error.to_string()))?;
        if answer.status() != http::StatusCode::OK {
            return Err(named(format!("the status is {}", answer.status())));
        }
        let metadata: Value =
            serde_json::from_slice(answer.body()).map_err(|error| named(error.to_string()))?;
        match metadata["issuer"] == issuer.as_str() {
            true => Ok(Self(metadata)),
            false => Err(named("it is the metadata of another issuer".to_owned())),
        }
    }

    fn endpoint(&self, name: &str) -> Result<FetchUrl, String> {
        let url = self.0[name].as_str().ok_or_else(|| format!("the provider has no {name}"))?;
        FetchUrl::parse(url).map_err(|error| format!("{name} {error}"))
    }
}
