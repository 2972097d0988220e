//! The clients that every harness knows.

use serde_json::{Value, json};

use super::keys::client_key;
use crate::client::{
    Client, ClientAuthMethod, ClientBuilder, ClientMetadata, ClientSecret, ClientSettings, Consent,
    IdTokenAlg, RequestObjectAlg, TokenDeliveryMode,
};
use crate::entropy::Entropy;
use crate::jose::{JwkSet, SigningAlg};
use crate::secret::{Secret, SystemSecrets};
use crate::types::{ClientId, FetchUrl, GrantType, RedirectUri, RequestUri, ResponseType, Scope};

/// The audience of access tokens without `resource`, whose resource server is the client `api`.
pub const DEFAULT_AUDIENCE: &str = "https://api.example";

/// A resource that the clients may ask for by name.
pub const RESOURCE: &str = "https://files.example";

/// Where the client `remote` has its keys.
pub const REMOTE_JWKS_URI: &str = "https://remote.example/jwks";

/// Where the clients `jar` and `unsigned` may keep a request object.
pub const REQUEST_URI: &str = "https://jar.example/request";

/// The scope that every client which signs people in may ask for.
const PERSONAL_SCOPE: &str = "openid profile email address phone offline_access read write";

/// What is expected of a client that this module or a test describes.
const SOUND: &str = "the client is sound";

/// A client and the text of its secret.
pub(super) type Registered = (Client, Option<Secret>);

/// All of them, as the documentation of [`Harness`](super::Harness) lists them.
pub(super) fn standard(secrets: &SystemSecrets, entropy: &dyn Entropy) -> Vec<Registered> {
    let confidential = |id, metadata: ClientMetadata, settings: ClientSettings| {
        with_secret(begin(id, metadata, settings), secrets, entropy)
    };
    let open = |id, metadata, settings| (begin(id, metadata, settings).build().expect(SOUND), None);
    let waived = settings().with_consent(Consent::Waived);
    let post = personal(&["https://post.example/cb"]).with_auth_method(ClientAuthMethod::ClientSecretPost);
    let public = |uris: &[&str]| personal(uris).with_auth_method(ClientAuthMethod::None);
    let introspects = ClientSettings::new().with_introspects([DEFAULT_AUDIENCE]);
    let returning = |id: &str| {
        let uri = format!("https://{id}.example/out");
        let uri = RedirectUri::register(&uri).expect("the address is sound");
        personal(&[&format!("https://{id}.example/cb")]).with_post_logout_redirect_uris([uri])
    };
    vec![
        confidential("web", returning("web"), settings()),
        confidential("post", post, settings()),
        confidential("trusted", returning("trusted"), waived),
        confidential("service", service(), settings()),
        confidential("api", resource_server(), introspects),
        open("spa", public(&["https://spa.example/cb"]), settings()),
        open("native", public(&["http://127.0.0.1/cb", "com.example.app:/cb"]), settings()),
        open("signer", signing(), settings()),
        open("remote", remote(), settings()),
    ]
}

/// The public client that may ask for every response type.
pub(super) fn front() -> Client {
    let metadata = personal(&["https://front.example/cb"]).with_auth_method(ClientAuthMethod::None);
    let metadata = ResponseType::ALL.into_iter().fold(metadata, ClientMetadata::with_response_type);
    begin("front", metadata, settings()).build().expect(SOUND)
}

/// The clients that ask for people who are not there: one signs its requests and polls, with a key of its own; the other has
/// a secret and is told.
pub(super) fn backchannel() -> (Client, ClientBuilder) {
    let keys = JwkSet::register(&signing_keys()).expect("the key set is sound");
    let signing = ClientMetadata {
        backchannel_authentication_request_signing_alg: Some(client_key().algorithm()),
        ..ClientMetadata::service().with_auth_method(ClientAuthMethod::PrivateKeyJwt).with_jwks(keys)
    };
    let told = told_at(super::NOTIFICATION_ENDPOINT);
    let bank = begin("bank", asking(signing, TokenDeliveryMode::Poll), settings()).build().expect(SOUND);
    (bank, begin("shop", asking(told, TokenDeliveryMode::Ping), settings()))
}

/// The client that fits every security profile.
pub(super) fn fapi() -> Client {
    let keys = JwkSet::register(&signing_keys()).expect("the key set is sound");
    let metadata = ClientMetadata {
        id_token_signed_response_alg: IdTokenAlg::Signed(SigningAlg::Es256),
        ..by_assertion("https://fapi.example/cb").with_jwks(keys)
    };
    begin("fapi", metadata, settings()).build().expect(SOUND)
}

/// The client `bank` with ID tokens of ES256.
pub(super) fn fapi_bank() -> Client {
    let (bank, _) = backchannel();
    let metadata = ClientMetadata {
        id_token_signed_response_alg: IdTokenAlg::Signed(SigningAlg::Es256),
        ..bank.metadata().clone()
    };
    begin("bank", metadata, settings()).build().expect(SOUND)
}

/// The client with a secret to which the tokens of people who are not there are pushed.
pub(super) fn pushed_to() -> ClientBuilder {
    begin("desk", asking(told_at(super::PUSH_ENDPOINT), TokenDeliveryMode::Push), settings())
}

fn asking(metadata: ClientMetadata, mode: TokenDeliveryMode) -> ClientMetadata {
    ClientMetadata {
        grant_types: vec![GrantType::Ciba, GrantType::RefreshToken],
        backchannel_token_delivery_mode: Some(mode),
        backchannel_user_code_parameter: true,
        ..metadata.with_scope(scope(PERSONAL_SCOPE))
    }
}

fn told_at(endpoint: &str) -> ClientMetadata {
    ClientMetadata {
        backchannel_client_notification_endpoint: FetchUrl::parse(endpoint).ok(),
        ..ClientMetadata::service()
    }
}

/// The public client of a device, which has no browser.
pub(super) fn device() -> Client {
    let metadata =
        ClientMetadata::service().with_auth_method(ClientAuthMethod::None).with_scope(scope(PERSONAL_SCOPE));
    let metadata = ClientMetadata {
        grant_types: vec![GrantType::DeviceCode, GrantType::RefreshToken],
        client_name: Some("Television".to_owned()),
        ..metadata
    };
    begin("tv", metadata, settings()).build().expect(SOUND)
}

/// The public clients that make request objects: one signs them, one does not.
pub(super) fn with_objects() -> [Client; 2] {
    let public = |id: &str, metadata: ClientMetadata| {
        let uri = RequestUri::parse(REQUEST_URI).expect("the constant is a request_uri");
        let metadata = metadata.with_auth_method(ClientAuthMethod::None).with_request_uri(uri);
        begin(id, metadata, settings()).build().expect(SOUND)
    };
    let keys = JwkSet::register(&signing_keys()).expect("the key set is sound");
    [
        public("jar", personal(&["https://jar.example/cb"]).with_jwks(keys)),
        public(
            "unsigned",
            personal(&["https://unsigned.example/cb"]).with_request_object_alg(RequestObjectAlg::None),
        ),
    ]
}

/// Makes a secret for a client.
pub(super) fn with_secret(
    client: ClientBuilder,
    secrets: &SystemSecrets,
    entropy: &dyn Entropy,
) -> Registered {
    let (id, method) = (client.id(), &client.metadata().token_endpoint_auth_method);
    let made = ClientSecret::generate_for(id, method, secrets, entropy);
    let (text, secret) = made.expect("the entropy delivers");
    (client.secret(secret).build().expect(SOUND), Some(text))
}

fn begin(id: &str, metadata: ClientMetadata, settings: ClientSettings) -> ClientBuilder {
    Client::builder(ClientId::new(id).expect("the name is a client_id"), metadata).settings(settings)
}

fn settings() -> ClientSettings {
    ClientSettings::new().with_resources([RESOURCE, DEFAULT_AUDIENCE])
}

/// A client that signs people in.
fn personal(redirect_uris: &[&str]) -> ClientMetadata {
    let uris = redirect_uris.iter().map(|uri| RedirectUri::register(uri).expect("the redirect URI is sound"));
    ClientMetadata::code_flow(uris).with_scope(scope(PERSONAL_SCOPE)).with_grant_type(GrantType::RefreshToken)
}

fn service() -> ClientMetadata {
    ClientMetadata::service().with_scope(scope("read write"))
}

/// A client that asks for nothing and introspects what others bring.
fn resource_server() -> ClientMetadata {
    let mut metadata = ClientMetadata::service();
    metadata.grant_types.clear();
    metadata
}

fn signing() -> ClientMetadata {
    let keys = JwkSet::register(&signing_keys()).expect("the key set is sound");
    by_assertion("https://signer.example/cb").with_jwks(keys)
}

fn remote() -> ClientMetadata {
    let url = FetchUrl::parse(REMOTE_JWKS_URI).expect("the constant is a URL to fetch");
    by_assertion("https://remote.example/cb").with_jwks_uri(url)
}

fn by_assertion(redirect_uri: &str) -> ClientMetadata {
    personal(&[redirect_uri])
        .with_auth_method(ClientAuthMethod::PrivateKeyJwt)
        .with_grant_type(GrantType::ClientCredentials)
}

/// The keys of the clients `signer` and `remote`.
pub(super) fn signing_keys() -> Value {
    json!({ "keys": [client_key().public_key().to_value()] })
}

fn scope(text: &str) -> Scope {
    Scope::parse(text).expect("the scope is sound")
}
