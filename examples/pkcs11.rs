//! A provider whose signing key is in a PKCS#11 token, SoftHSM or a hardware module:
//!
//! ```text
//! softhsm2-util --init-token --free --label login --so-pin 7263 --pin 7263
//! echo 7263 >pin
//! cargo run --features pkcs11 --example pkcs11 -- /usr/lib/softhsm/libsofthsm2.so login pin
//! ```
//!
//! The key is made in the token at the first start and found there at every later one. The rest is `minimal`.

use std::sync::Arc;
use std::time::Duration;

use vouchsafe::adapters::axum::router;
use vouchsafe::adapters::pkcs11::{KeyName, Pkcs11Error, Pkcs11Options, Pkcs11Signer, Pkcs11Token};
use vouchsafe::adapters::tokio::TokioRuntime;
use vouchsafe::client::Consent;
use vouchsafe::clock::{Clock as _, SystemClock};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::jose::{KeyState, RingKey};
use vouchsafe::{
    AccountQuery, Accounts, Authentication, BoxError, Claims, Client, ClientAuthMethod, ClientId,
    ClientMetadata, ClientSettings, Config, Denial, Interaction, Keyring, MemoryStore, Mount, Provider,
    Question, RedirectUri, Request, Response, Secret, SigningAlg, Stores, Subject, SystemSecrets,
    async_trait,
};

/// What every client takes that says nothing of algorithms (OpenID Connect Core 1.0 section 15.1).
const ALG: SigningAlg = SigningAlg::Rs256;

/// The label of the key. A successor has another, so that both are there while tokens of the first are around.
const LABEL: &str = "id tokens 1";

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip(1);
    let (Some(module), Some(token), Some(pin_file)) = (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: pkcs11 MODULE TOKEN PIN_FILE [ADDRESS:PORT]".into());
    };
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:4444".to_owned());
    let pin = Secret::new(std::fs::read_to_string(pin_file)?.trim());

    let signer = signer(&module, &token, pin).await?;
    let keys = Keyring::new(vec![RingKey::new(Arc::new(signer), KeyState::Active)])?;

    let listener = tokio::net::TcpListener::bind(address).await?;
    let issuer = format!("http://{}", listener.local_addr()?);
    let metadata = ClientMetadata::code_flow([RedirectUri::register("https://app.example/callback")?])
        .with_auth_method(ClientAuthMethod::None);
    let settings = ClientSettings::new().with_consent(Consent::Waived);
    let store = MemoryStore::new();
    store.insert_client(Client::builder(ClientId::new("my-app")?, metadata).settings(settings).build()?);
    let secrets = SystemSecrets::generate(&OsEntropy)?;
    let provider =
        Provider::builder(Config::new(issuer.parse()?), Stores::of(Arc::new(store)), keys, secrets)
            .accounts(Arc::new(Host))
            .with_authorization_code()
            .build()?;
    let app = router(Mount::new(provider, Arc::new(Host)));
    println!("listening on {issuer}");
    Ok(axum::serve(listener, app).await?)
}

/// The key of the token, which is made if it is not there.
async fn signer(module: &str, token: &str, pin: Secret) -> Result<Pkcs11Signer, BoxError> {
    // Making an RSA key can take long; a signature does not.
    let options = Pkcs11Options::new(module, token, pin).with_timeout(Duration::from_secs(30));
    let token = Pkcs11Token::open(options, Arc::new(TokioRuntime::current()?)).await?;
    match token.signer(&KeyName::label(LABEL), ALG).await {
        Err(Pkcs11Error::Missing) => Ok(token.create(LABEL, ALG).await?),
        found => Ok(found?),
    }
}

/// The application that the provider is built into.
#[derive(Debug)]
struct Host;

#[async_trait]
impl Accounts for Host {
    async fn claims(&self, query: AccountQuery<'_>) -> Result<Option<Claims>, BoxError> {
        Ok((query.subject.as_str() == "alice").then(|| Claims::new().with("name", "Alice")))
    }
}

#[async_trait]
impl Interaction for Host {
    async fn authentication(&self, _: &Request) -> Result<Option<Authentication>, BoxError> {
        Ok(Some(Authentication::new(Subject::new("alice")?, SystemClock.now())))
    }

    async fn ask(&self, question: Question<'_>) -> Result<Response, BoxError> {
        Ok(question.deny(Denial::Unavailable).await)
    }
}
