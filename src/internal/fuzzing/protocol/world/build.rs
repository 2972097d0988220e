//! How the nodes are built.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;

use super::{World, register_people};
use crate::client::{
    AccessTokenFormatChoice, Client, ClientAuthMethod, ClientMetadata, ClientSecret, ClientSettings,
    TokenDeliveryMode,
};
use crate::clock::{Clock as _, Timestamp};
use crate::error::BoxError;
use crate::internal::fuzzing::protocol::cast::{Party, Set};
use crate::jose::{Keyring, SigningAlg};
use crate::limiter::{Admission, LimitPoint, Limiter};
use crate::provider::{
    Backchannel, Config, DpopConfig, ExchangeDecision, ExchangeRequest, Provider, PushedRequests,
    ResourceSettings, TokenExchangePolicy,
};
use crate::secret::{Secret, SystemSecret, SystemSecrets};
use crate::store::Stores;
use crate::store::memory::MemoryStore;
use crate::testing::{AccountTable, AskingHost, Faults, ISSUER, ManualClock, RecordedEvents, SeededEntropy};
use crate::types::{ClientId, GrantType, RedirectUri, ResponseType, Scope};

/// What becomes of the guarantees of the store: as it gives them, or with one of them broken.
pub(in crate::internal::fuzzing::protocol) type Guarantees = fn(Stores) -> Stores;

/// The text of every client's secret.
pub(super) const CLIENT_SECRET: &str = "a secret that is the same in all runs";

/// Secrets that are the same in every run.
static SECRETS: LazyLock<SystemSecrets> = LazyLock::new(|| {
    let secret = |byte| SystemSecret::from_bytes([byte; 32]);
    SystemSecrets::new(vec![secret(1)], vec![secret(2)], secret(3)).expect("the secrets differ")
});

static KEYRING: LazyLock<Keyring> =
    LazyLock::new(|| Keyring::generate(&[SigningAlg::Es256]).expect("OpenSSL makes a key"));

static CLIENTS: LazyLock<Vec<Client>> = LazyLock::new(|| Party::ALL.map(client).into());

const SOUND: &str = "the constants are sound";

impl World {
    /// A world in which nothing has happened, over a store whose guarantees are these.
    pub(in crate::internal::fuzzing::protocol) fn new(guarantees: Guarantees) -> Self {
        let (store, faults) = (MemoryStore::new(), Faults::new());
        CLIENTS.iter().for_each(|client| store.insert_client(client.clone()));
        let clock = Arc::new(ManualClock::default());
        let (events, accounts, host) =
            (Arc::new(RecordedEvents::new()), Arc::new(AccountTable::new()), AskingHost::new());
        register_people(&accounts);
        let nodes = [1, 2].map(|seed| {
            let stores = guarantees(faults.stores(&store));
            Provider::builder(config(), stores, KEYRING.clone(), SECRETS.clone())
                .clock(Arc::<ManualClock>::clone(&clock))
                .entropy(Arc::new(SeededEntropy::new(seed)))
                .events(Arc::<RecordedEvents>::clone(&events))
                .accounts(Arc::<AccountTable>::clone(&accounts))
                .limiter(Arc::new(Unlimited))
                .with_authorization_code()
                .with_refresh_token()
                .with_client_credentials()
                .with_introspection()
                .with_revocation()
                .with_rp_initiated_logout()
                .with_pushed_authorization_requests(PushedRequests::Accepted)
                .with_dpop(DpopConfig::new())
                .with_token_exchange(Arc::new(Willing))
                .with_device_authorization()
                .with_backchannel_authentication(
                    Backchannel::new(Arc::<AskingHost>::clone(&host)).with_plain_requests(),
                )
                .build()
                .expect("the parts of the provider fit")
        });
        Self {
            nodes,
            second: false,
            began: clock.now(),
            clock,
            events,
            accounts,
            host,
            faults,
            store,
            cookie: String::new(),
            requests: Vec::new(),
            pushed: Vec::new(),
            codes: Vec::new(),
            elsewhere: Vec::new(),
            access: Vec::new(),
            refresh: Vec::new(),
            proof: None,
            proofs: 0,
            accepted_proofs: Vec::new(),
            redemptions: Vec::new(),
        }
    }
}

/// The default audience takes opaque tokens, the other resource JWTs.
fn config() -> Config {
    let resource = |set: Set| set.resources().next().unwrap_or_default();
    let mut config =
        Config::new(ISSUER.parse().expect(SOUND)).with_default_audience([resource(Set::API)]).with_resource(
            resource(Set::FILES),
            ResourceSettings::new().with_access_token_format(AccessTokenFormatChoice::Jwt),
        );
    config.access_token_signing_alg = Some(SigningAlg::Es256);
    config
}

fn client(party: Party) -> Client {
    let redirect_uri = RedirectUri::register(&redirect_uri(party)).expect(SOUND);
    let mut metadata = ClientMetadata::code_flow([redirect_uri]).with_id_token_alg(SigningAlg::Es256);
    metadata.grant_types = party.grant_types();
    if !party.allows(&GrantType::AuthorizationCode) {
        metadata.redirect_uris.clear();
        metadata.response_types = Vec::<ResponseType>::new();
    }
    if party.allows(&GrantType::Ciba) {
        metadata.backchannel_token_delivery_mode = Some(TokenDeliveryMode::Poll);
    }
    let method = match party.is_confidential() {
        true => ClientAuthMethod::ClientSecretPost,
        false => ClientAuthMethod::None,
    };
    let scope = Scope::parse(&party.scope().scope()).expect(SOUND);
    let metadata = metadata.with_scope(scope).with_auth_method(method);
    let mut settings = ClientSettings::new().with_resources(party.resources().resources());
    if party == Party::Api {
        settings = settings.with_introspects(Set::API.resources());
    }
    let id = ClientId::new(party.client_id()).expect(SOUND);
    let client = Client::builder(id, metadata).settings(settings);
    let client = match party.is_confidential() {
        true => client.secret(ClientSecret::hash(&SECRETS, &Secret::new(CLIENT_SECRET))),
        false => client,
    };
    client.build().expect(SOUND)
}

/// Where a client is answered.
pub(super) fn redirect_uri(party: Party) -> String {
    format!("https://{}.example/cb", party.client_id())
}

/// Admits everybody: limits are no part of the protocol.
#[derive(Debug)]
struct Unlimited;

#[async_trait]
impl Limiter for Unlimited {
    async fn admit(&self, _: LimitPoint, _: &str, _: Timestamp) -> Admission {
        Admission::Admitted
    }
}

/// Grants what is asked.
#[derive(Debug)]
struct Willing;

#[async_trait]
impl TokenExchangePolicy for Willing {
    async fn decide(&self, request: &ExchangeRequest<'_>) -> Result<ExchangeDecision, BoxError> {
        Ok(ExchangeDecision::Granted(request.as_asked()))
    }
}
