//! A provider with everything around it, in one value.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::browser::Landing;
use super::clients::{self, DEFAULT_AUDIENCE, REMOTE_JWKS_URI, RESOURCE, Registered};
use super::keys;
use super::outcome::Outcome;
use super::token_form::TokenForm;
use super::{
    AccountTable, AskingHost, Browser, HttpTable, ManualClock, ManualRuntime, RecordedEvents, SeededEntropy,
    block_on,
};
use crate::client::{Client, ClientAuthMethod, ClientBuilder};
use crate::clock::{Clock as _, Timestamp};
use crate::event::Event;
use crate::jose::{self, SigningHeader};
use crate::limiter::{Allowance, LimitPoint, WindowLimiter};
use crate::provider::{Backchannel, Config, Provider, ProviderBuilder, PushedRequests, ResourceSettings};
use crate::secret::{Secret, SystemSecrets};
use crate::store::memory::{MemoryStore, Snapshot};
use crate::store::{ClientStore as _, Stores};
use crate::types::{ClientId, Issuer, Params, ResponseType};
use crate::wire::{Request, Response};

/// The issuer of a harness, unless it is given another.
pub const ISSUER: &str = "https://op.example";

/// The seed of a harness's randomness.
const SEED: u64 = 2;

/// A provider, its clients, its people, a browser, a clock and a store.
///
/// Every feature is turned on. These clients are registered, with the scope `openid profile email address phone
/// offline_access read write` where they sign people in, and may ask for the resources
/// [`DEFAULT_AUDIENCE`] and [`RESOURCE`](super::RESOURCE):
///
/// | `client_id` | method | grants |
/// |---|---|---|
/// | `web` | client_secret_basic | code, refresh |
/// | `post` | client_secret_post | code, refresh |
/// | `trusted` | client_secret_basic | code, refresh; consent is waived |
/// | `service` | client_secret_basic | client_credentials, for `read write` |
/// | `api` | client_secret_basic | none; it introspects tokens for [`DEFAULT_AUDIENCE`] |
/// | `spa` | none | code, refresh |
/// | `native` | none | code, refresh; its redirects are a loopback address and a scheme of its own |
/// | `signer` | private_key_jwt | code, refresh, client_credentials |
/// | `remote` | private_key_jwt, its keys at [`REMOTE_JWKS_URI`] | code, refresh, client_credentials |
///
/// A redirect goes to `https://<client_id>.example/cb`, and after a logout to `https://<client_id>.example/out`
/// for the clients `web` and `trusted`. The one person is `alice`.
pub struct Harness {
    provider: Provider,
    secrets: SystemSecrets,
    store: MemoryStore,
    world: World,
    browser: Browser,
    client_secrets: BTreeMap<String, Secret>,
    confidences: Mutex<BTreeSet<String>>,
}

/// What stands around a provider, and what a test moves.
#[derive(Clone, Debug)]
struct World {
    clock: Arc<ManualClock>,
    entropy: Arc<SeededEntropy>,
    runtime: Arc<ManualRuntime>,
    events: Arc<RecordedEvents>,
    accounts: Arc<AccountTable>,
    http: Arc<HttpTable>,
}

impl Harness {
    /// A harness as it is described above.
    ///
    /// # Panics
    /// When OpenSSL cannot make keys.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Begins a harness that differs.
    ///
    /// # Panics
    /// Never: the issuer is a constant.
    pub fn builder() -> HarnessBuilder {
        let issuer: Issuer = ISSUER.parse().expect("the constant is an issuer");
        let mut config = Config::new(issuer).with_default_audience([DEFAULT_AUDIENCE]);
        config.resources.insert(RESOURCE.to_owned(), ResourceSettings::new());
        HarnessBuilder {
            config,
            adjust: Vec::new(),
            clients: Vec::new(),
            confidential: Vec::new(),
            secrets: None,
            beside: None,
            stores: Box::new(|store| {
                let store = Arc::new(store.clone());
                Stores::of(Arc::clone(&store))
                    .with_registry(store.clone())
                    .with_replays(store.clone())
                    .with_deferred(store.clone())
                    .with_tickets(store.clone())
                    .with_key_sets(store.clone())
                    .with_reseal(store)
            }),
        }
    }

    /// The provider.
    #[must_use]
    pub const fn provider(&self) -> &Provider {
        &self.provider
    }

    /// The secrets of the deployment.
    #[must_use]
    pub const fn system_secrets(&self) -> &SystemSecrets {
        &self.secrets
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &MemoryStore {
        &self.store
    }

    /// All that the store holds now, to compare.
    #[must_use]
    pub fn store_state(&self) -> Snapshot {
        self.store.snapshot()
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &ManualClock {
        &self.world.clock
    }

    /// The time that the clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    /// Lets time pass: for the clock, and for whoever sleeps in the runtime.
    pub fn advance(&self, by: Duration) {
        self.world.clock.advance(by);
        self.world.runtime.advance(by);
    }

    /// The randomness.
    #[must_use]
    pub fn entropy(&self) -> &SeededEntropy {
        &self.world.entropy
    }

    /// The runtime.
    #[must_use]
    pub fn runtime(&self) -> &ManualRuntime {
        &self.world.runtime
    }

    /// The people.
    #[must_use]
    pub fn accounts(&self) -> &AccountTable {
        &self.world.accounts
    }

    /// What the servers of clients answer; the keys of the client `remote` are there from the beginning.
    #[must_use]
    pub fn http(&self) -> &HttpTable {
        &self.world.http
    }

    /// Serves a JSON document at this URL, where the provider may fetch it.
    pub fn serve(&self, url: &str, document: &Value) {
        self.http().serve_json(url, document);
    }

    /// The events since they were last taken. Every exchange takes them.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.world.events.all()
    }

    /// The browser.
    #[must_use]
    pub const fn browser(&self) -> &Browser {
        &self.browser
    }

    /// A registered client.
    ///
    /// # Panics
    /// When there is none of this name.
    #[must_use]
    #[track_caller]
    pub fn client(&self, client_id: &str) -> Client {
        let id = ClientId::new(client_id).expect("the name is a client_id");
        let found = block_on(self.store.client(&id, self.now())).expect("the memory store answers");
        found.unwrap_or_else(|| panic!("there is no client {client_id}"))
    }

    /// The text of a client's secret.
    ///
    /// # Panics
    /// When it has none that the harness made.
    #[must_use]
    #[track_caller]
    pub fn client_secret(&self, client_id: &str) -> &str {
        let secret = self.client_secrets.get(client_id);
        secret.unwrap_or_else(|| panic!("the client {client_id} has no secret")).expose()
    }

    /// Notes a text that must not stand in any event from here on.
    pub fn confide(&self, secret: impl Into<String>) {
        self.confidences.lock().unwrap_or_else(PoisonError::into_inner).insert(secret.into());
    }

    /// Fails when `output`, a log perhaps, holds any secret that this harness has seen.
    ///
    /// # Panics
    /// When it does.
    #[track_caller]
    pub fn assert_discreet(&self, output: &str) {
        let confidences = self.confidences.lock().unwrap_or_else(PoisonError::into_inner);
        let told = confidences.iter().find(|secret| output.contains(secret.as_str()));
        assert_eq!(told, None, "a secret is in the output: {output}");
    }

    /// Sends a request to an endpoint and observes what it does.
    ///
    /// # Panics
    /// When an event holds a secret of this or an earlier exchange.
    #[must_use]
    #[track_caller]
    pub fn exchange<F>(&self, request: Request, endpoint: impl FnOnce(Provider, Request) -> F) -> Outcome
    where
        F: Future<Output = Response>,
    {
        confidences_in(request.body()).for_each(|secret| self.confide(secret));
        drop(self.world.events.take());
        let before = self.store_state();
        let response = block_on(endpoint(self.provider.clone(), request));
        let (events, after) = (self.world.events.take(), self.store_state());
        answer_confidences(&response).into_iter().for_each(|secret| self.confide(secret));
        self.assert_discreet(&format!("{events:?}"));
        Outcome { response, events, before, after }
    }

    /// The HTTP request of a form, to be posted to `path` below the issuer's.
    ///
    /// # Panics
    /// When a header that was set by hand cannot be one.
    #[must_use]
    #[track_caller]
    pub fn post(&self, path: &str, form: TokenForm) -> Request {
        let TokenForm { form, headers, certificate, .. } = self.with_credentials(form);
        let uri = self.provider.config().issuer.endpoint(path);
        let mut request = http::Request::builder()
            .method(Method::POST)
            .uri(uri)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut request = request.body(Bytes::from(form.encode())).expect("the headers are sound");
        if let Some(certificate) = certificate {
            request.extensions_mut().insert(certificate);
        }
        request
    }

    /// Adds the credentials of the client's registered method.
    #[track_caller]
    fn with_credentials(&self, form: TokenForm) -> TokenForm {
        let Some(client) = form.client.as_deref().map(|id| self.client(id)) else { return form };
        let id = client.id().as_str();
        match &client.metadata().token_endpoint_auth_method {
            ClientAuthMethod::ClientSecretBasic => {
                let encode =
                    |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let pair = format!("{}:{}", encode(id), encode(self.client_secret(id)));
                form.header(AUTHORIZATION.as_str(), format!("Basic {}", BASE64_STANDARD.encode(pair)))
            }
            ClientAuthMethod::ClientSecretPost => {
                form.set("client_id", id).set("client_secret", self.client_secret(id))
            }
            // The certificate is the test's to give.
            ClientAuthMethod::None
            | ClientAuthMethod::SelfSignedTlsClientAuth
            | ClientAuthMethod::TlsClientAuth => form.set("client_id", id),
            ClientAuthMethod::ClientSecretJwt => {
                let assertion = self.mac_assertion(id, &self.assertion_claims(id));
                form.set("client_assertion_type", ASSERTION_TYPE).set("client_assertion", assertion)
            }
            // What a method of the host sends is the test's to say.
            ClientAuthMethod::Extension(_) => form,
            ClientAuthMethod::PrivateKeyJwt => {
                let assertion = self.client_assertion(&self.assertion_claims(id));
                form.set("client_assertion_type", ASSERTION_TYPE).set("client_assertion", assertion)
            }
        }
    }

    /// Sound claims for an assertion of `client_id`, each with a `jti` of its own.
    ///
    /// # Panics
    /// When the entropy was told to fail.
    #[must_use]
    pub fn assertion_claims(&self, client_id: &str) -> Value {
        let jti = crate::secret::generate(self.entropy(), 256).expect("the entropy delivers");
        json!({
            "iss": client_id,
            "sub": client_id,
            "aud": self.provider.config().issuer.as_str(),
            "jti": jti.expose(),
            "iat": self.now().unix(),
            "exp": self.now().plus(Duration::from_secs(60)).unix(),
        })
    }

    /// Signs claims with the key of the clients `signer` and `remote`.
    ///
    /// # Panics
    /// When OpenSSL cannot sign.
    #[must_use]
    pub fn client_assertion(&self, claims: &Value) -> String {
        let (header, key) = (SigningHeader::typed("JWT"), keys::client_key());
        block_on(jose::sign(&header, claims.to_string().as_bytes(), &*key)).expect("OpenSSL signs")
    }
}

impl Default for Harness {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Harness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Harness").field("provider", &self.provider).finish_non_exhaustive()
    }
}

/// Changes what a harness is made of, before it is made.
#[must_use]
pub struct HarnessBuilder {
    config: Config,
    adjust: Vec<Adjustment>,
    clients: Vec<Client>,
    confidential: Vec<ClientBuilder>,
    secrets: Option<SystemSecrets>,
    beside: Option<Beside>,
    stores: Box<dyn FnOnce(&MemoryStore) -> Stores>,
}

/// What a node has in common with another.
struct Beside {
    secrets: SystemSecrets,
    store: MemoryStore,
    world: World,
    browser: Browser,
    client_secrets: BTreeMap<String, Secret>,
}

type Adjustment = Box<dyn FnOnce(ProviderBuilder) -> ProviderBuilder>;

impl HarnessBuilder {
    /// Changes the configuration.
    pub fn config(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Changes how the provider is built, after all that the harness itself does.
    pub fn provider(mut self, change: impl FnOnce(ProviderBuilder) -> ProviderBuilder + 'static) -> Self {
        self.adjust.push(Box::new(change));
        self
    }

    /// Registers one more client, or another in place of a standard one.
    pub fn client(mut self, client: Client) -> Self {
        self.clients.push(client);
        self
    }

    /// Registers one more client with a secret that the harness makes.
    pub fn confidential(mut self, client: ClientBuilder) -> Self {
        self.confidential.push(client);
        self
    }

    /// Turns every response type on, and registers a public client `front` that may ask for all of them.
    ///
    /// # Panics
    /// Never: the client is sound.
    pub fn front_channel(self) -> Self {
        let turn_on =
            |builder| ResponseType::ALL.into_iter().fold(builder, ProviderBuilder::with_response_type);
        self.client(clients::front()).provider(turn_on)
    }

    /// Turns request objects on, by value and by reference, signed and not, and registers two public clients: `jar`,
    /// which signs with the [`client_key`](super::client_key), and `unsigned`, which does not sign. Both may keep an
    /// object at [`REQUEST_URI`](super::REQUEST_URI).
    ///
    /// # Panics
    /// Never: the clients are sound.
    pub fn request_objects(self) -> Self {
        let [jar, unsigned] = clients::with_objects();
        self.client(jar).client(unsigned).provider(|builder| {
            builder
                .with_request_parameter()
                .with_request_uri_parameter()
                .dangerous_with_unsigned_request_objects()
        })
    }

    /// Turns pushed authorization requests on.
    pub fn pushed_requests(self) -> Self {
        self.provider(|builder| builder.with_pushed_authorization_requests(PushedRequests::Accepted))
    }

    /// Turns backchannel authentication on, plain requests too, with a limiter that lets everybody be asked for as often as a
    /// test wants, and registers two clients: `bank`, which signs its requests
    /// with the [`client_key`](super::client_key) and polls, and `shop`, which has a secret and is told at
    /// [`NOTIFICATION_ENDPOINT`](super::NOTIFICATION_ENDPOINT).
    ///
    /// # Panics
    /// Never: the clients are sound.
    pub fn backchannel(self, host: &Arc<AskingHost>) -> Self {
        let (bank, shop) = clients::backchannel();
        let host: Arc<AskingHost> = Arc::clone(host);
        self.client(bank).confidential(shop).provider(|builder| {
            let builder = builder.limiter(patient());
            builder.with_backchannel_authentication(Backchannel::new(host).with_plain_requests())
        })
    }

    /// The same with the mode `push`, and with a third client, `desk`, which has a secret and gets its tokens at
    /// [`PUSH_ENDPOINT`](super::PUSH_ENDPOINT).
    ///
    /// # Panics
    /// Never: the clients are sound.
    pub fn pushing(self, host: &Arc<AskingHost>) -> Self {
        let asking: Arc<AskingHost> = Arc::clone(host);
        self.backchannel(host).confidential(clients::pushed_to()).provider(|builder| {
            let settings = Backchannel::new(asking).with_plain_requests().with_push();
            builder.with_backchannel_authentication(settings)
        })
    }

    /// Turns device authorization on, with a limiter, and registers a public client `tv` that has no browser.
    ///
    /// # Panics
    /// Never: the client is sound.
    pub fn devices(self) -> Self {
        self.client(clients::device())
            .provider(|builder| builder.limiter(patient()).with_device_authorization())
    }

    /// Puts other stores, or some that wrap it, in place of the memory store. The clients stay in memory.
    pub fn stores(mut self, stores: impl FnOnce(&MemoryStore) -> Stores + 'static) -> Self {
        self.stores = Box::new(stores);
        self
    }

    /// Makes another node of the deployment that `harness` is a node of: the store, the clients, the browser and the world
    /// around it are the same, and so are the secrets unless [others](HarnessBuilder::system_secrets) are given.
    pub fn beside(mut self, harness: &Harness) -> Self {
        self.beside = Some(Beside {
            secrets: harness.secrets.clone(),
            store: harness.store.clone(),
            world: harness.world.clone(),
            browser: harness.browser.clone(),
            client_secrets: harness.client_secrets.clone(),
        });
        self
    }

    /// The secrets of the deployment. Default: new ones.
    pub fn system_secrets(mut self, secrets: SystemSecrets) -> Self {
        self.secrets = Some(secrets);
        self
    }

    /// Puts the harness together.
    ///
    /// # Panics
    /// When the parts do not fit.
    #[must_use]
    pub fn build(self) -> Harness {
        let Beside { secrets, store, world, browser, mut client_secrets } =
            self.beside.unwrap_or_else(|| Beside::alone(self.secrets.clone()));
        let secrets = self.secrets.unwrap_or(secrets);
        let mut registered = Vec::new();
        registered.extend(self.clients.into_iter().map(|client| (client, None)));
        for client in self.confidential {
            registered.push(clients::with_secret(client, &secrets, &*world.entropy));
        }
        client_secrets.extend(register(&store, registered));
        let stores = (self.stores)(&store);
        let builder =
            world.given_to(Provider::builder(self.config, stores, keys::keyring(), secrets.clone()));
        let builder = self.adjust.into_iter().fold(builder, |builder, adjust| adjust(builder));
        let provider = builder.build().expect("the parts of the provider fit");
        let confidences = client_secrets.values().map(|secret| secret.expose().to_owned()).collect();
        let confidences = Mutex::new(confidences);
        Harness { provider, secrets, store, world, browser, client_secrets, confidences }
    }
}

impl fmt::Debug for HarnessBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HarnessBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Beside {
    /// What a first node has.
    fn alone(secrets: Option<SystemSecrets>) -> Self {
        let (world, store) = (World::new(), MemoryStore::new());
        world.http.serve_json(REMOTE_JWKS_URI, &clients::signing_keys());
        let drawn = SystemSecrets::generate(&*world.entropy).expect("the entropy delivers");
        let secrets = secrets.unwrap_or(drawn);
        let client_secrets = register(&store, clients::standard(&secrets, &*world.entropy));
        Self { secrets, store, world, browser: Browser::new(), client_secrets }
    }
}

impl World {
    fn new() -> Self {
        Self {
            clock: Arc::default(),
            entropy: Arc::new(SeededEntropy::new(SEED)),
            runtime: Arc::default(),
            events: Arc::default(),
            accounts: Arc::default(),
            http: Arc::default(),
        }
    }

    /// Gives the provider this world, and turns everything on.
    fn given_to(&self, builder: ProviderBuilder) -> ProviderBuilder {
        let Self { clock, entropy, runtime, events, accounts, http } = self.clone();
        builder
            .clock(clock)
            .entropy(entropy)
            .runtime(runtime)
            .events(events)
            .accounts(accounts)
            .http_client(http)
            .with_authorization_code()
            .with_refresh_token()
            .with_client_credentials()
            .with_private_key_jwt()
            .with_jwks_uri()
            .with_introspection()
            .with_revocation()
            .with_rp_initiated_logout()
            .with_back_channel_logout()
            .with_front_channel_logout()
    }
}

/// A limiter of codes that lets people be asked for as often as a test wants.
fn patient() -> Arc<WindowLimiter> {
    let often = Allowance::new(u32::MAX, u32::MAX, Duration::from_secs(60));
    Arc::new(WindowLimiter::for_user_codes().with(LimitPoint::BackchannelPerson, often))
}

fn register(store: &MemoryStore, clients: Vec<Registered>) -> BTreeMap<String, Secret> {
    let mut secrets = BTreeMap::new();
    for (client, secret) in clients {
        secrets.extend(secret.map(|secret| (client.id().as_str().to_owned(), secret)));
        store.insert_client(client);
    }
    secrets
}

/// The values in a form that nobody else may see.
fn confidences_in(body: &[u8]) -> impl Iterator<Item = String> {
    let params = Params::parse(body).unwrap_or_default();
    let secret = |name: &str| CONFIDENTIAL.contains(&name);
    let values: Vec<_> =
        params.iter().filter(|(name, _)| secret(name)).map(|(_, value)| value.to_owned()).collect();
    values.into_iter().filter(|value| value.len() >= SHORTEST_CONFIDENCE)
}

/// The values in an answer that nobody but its receiver may see.
fn answer_confidences(response: &Response) -> Vec<String> {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    let members = CONFIDENTIAL.iter().filter_map(|name| body.get(name)?.as_str().map(str::to_owned));
    let landing = Landing::of(response);
    let params = landing.iter().flat_map(|landing| landing.params.iter());
    let params = params.filter(|(name, _)| CONFIDENTIAL.contains(name)).map(|(_, value)| value.to_owned());
    members.chain(params).filter(|value| value.len() >= SHORTEST_CONFIDENCE).collect()
}

/// The parameters and members whose values are secrets.
const CONFIDENTIAL: &[&str] = &[
    "access_token",
    "auth_req_id",
    "actor_token",
    "assertion",
    "client_assertion",
    "client_notification_token",
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "id_token",
    "id_token_hint",
    "login_hint_token",
    "logout_token",
    "password",
    "refresh_token",
    "subject_token",
    "registration_access_token",
    "token",
    "user_code",
];

/// Characters below which a text is no secret, and may stand anywhere by chance.
const SHORTEST_CONFIDENCE: usize = 16;

/// The type of the assertions of OpenID Connect Core 1.0 section 9.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Reason;
    use crate::event::{Endpoint, EventKind, EventSink as _};
    use crate::testing::token_form;
    use crate::types::GrantType;
    use crate::wire::reply;

    #[test]
    fn each_client_sends_the_credentials_that_it_registered() {
        let h = Harness::new();
        let body = |client: &str| {
            let request = h.post("/token", token_form("refresh_token").client(client));
            let basic = request.headers().contains_key(AUTHORIZATION);
            (basic, Params::parse(request.body()).unwrap())
        };
        assert!(body("web").0);
        let (basic, post) = body("post");
        assert!(!basic && post.one("client_secret") == Ok(Some(h.client_secret("post"))));
        let (basic, spa) = body("spa");
        assert!(!basic && spa.one("client_id") == Ok(Some("spa")));
        assert!(body("signer").1.one("client_assertion").unwrap().is_some());
    }

    #[test]
    fn a_refusal_is_asserted_on_its_reason() {
        let h = Harness::new();
        let events = Arc::clone(&h.world.events);
        let outcome = h.exchange(Request::default(), |_, _| async move {
            let refused = EventKind::Refused(Reason::CodeExpired);
            events.emit(&Event::new(Timestamp::from_unix(0), Endpoint::Token, refused));
            reply::error_json(Reason::CodeExpired)
        });
        let _ = outcome.rejected(Reason::CodeExpired).unchanged();
    }

    #[test]
    #[should_panic = "a secret is in the output"]
    fn a_secret_in_an_event_is_found() {
        let h = Harness::new();
        let (events, secret) = (Arc::clone(&h.world.events), h.client_secret("web").to_owned());
        let _ = h.exchange(Request::default(), |_, _| async move {
            let grant_type = GrantType::from(secret.as_str());
            events.emit(&Event::new(
                Timestamp::from_unix(0),
                Endpoint::Token,
                EventKind::TokensIssued { grant_type },
            ));
            Response::default()
        });
    }
}
