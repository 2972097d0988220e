//! The clients that every node knows.

use vouchsafe::client::AccessTokenFormatChoice;
use vouchsafe::client::Consent;
use vouchsafe::jose::{JwkSet, SigningAlg};
use vouchsafe::store::memory::Clients;
use vouchsafe::types::{GrantType, Scope};
use vouchsafe::{
    BoxError, Client, ClientAuthMethod, ClientId, ClientMetadata, ClientSecret, ClientSettings, RedirectUri,
    Secret, SystemSecrets,
};

use super::orders::Setup;

/// Who may accept the tokens.
pub(crate) const AUDIENCE: &str = "https://api.chaos.example";

/// Where browsers are sent back to. Nobody follows.
pub(crate) const CALLBACK: &str = "https://app.chaos.example/cb";

/// Where browsers are sent after a logout. Nobody follows.
pub(crate) const SIGNED_OUT: &str = "https://app.chaos.example/out";

/// `spa` is public, so that its refresh tokens rotate; `web` has a secret; `service` acts for itself and introspects; `jwt`
/// gets JWTs; `signer` signs its assertions.
pub(crate) fn clients(setup: &Setup, secrets: &SystemSecrets) -> Result<Clients, BoxError> {
    let secret = || ClientSecret::hash(secrets, &Secret::new(setup.client_secret.as_str()));
    let trusted = || ClientSettings::new().with_consent(Consent::Waived);
    let read = Scope::parse("read")?;
    let people = || -> Result<ClientMetadata, BoxError> {
        Ok(ClientMetadata::code_flow([RedirectUri::register(CALLBACK)?])
            .with_grant_type(GrantType::RefreshToken)
            .with_scope(Scope::parse("openid offline_access read")?)
            .with_post_logout_redirect_uris([RedirectUri::register(SIGNED_OUT)?]))
    };
    let client =
        |id: &str, metadata| -> Result<_, BoxError> { Ok(Client::builder(ClientId::new(id)?, metadata)) };
    let keys = ClientMetadata::service()
        .with_scope(read.clone())
        .with_auth_method(ClientAuthMethod::PrivateKeyJwt)
        .with_assertion_alg(SigningAlg::Es256)
        .with_jwks(JwkSet::parse(&setup.client_keys)?);
    let service = || ClientMetadata::service().with_scope(read.clone());
    let introspects = trusted().with_introspects([AUDIENCE]);
    let jwt = trusted().with_access_token_format(AccessTokenFormatChoice::Jwt);
    Ok(Clients::new([
        client("spa", people()?.with_auth_method(ClientAuthMethod::None))?.settings(trusted()).build()?,
        client("web", people()?)?.settings(trusted()).secret(secret()).build()?,
        client("service", service())?.settings(introspects).secret(secret()).build()?,
        client("jwt", service())?.settings(jwt).secret(secret()).build()?,
        client("signer", keys)?.settings(trusted()).build()?,
    ])?)
}
