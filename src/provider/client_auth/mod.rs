//! Client authentication: exactly one method in a request, and it is the registered one (RFC 6749 section 2.3).

mod assertion;
mod client_secret_jwt;
mod mutual_tls;
mod none;
mod private_key_jwt;
mod secret;
mod slow;

use std::fmt::Debug;

use async_trait::async_trait;

pub(crate) use assertion::ClientAssertions;
pub(crate) use client_secret_jwt::ClientSecretJwt;
pub(crate) use mutual_tls::{SelfSignedTlsClientAuth, TlsClientAuth};
pub(crate) use none::Public;
pub(crate) use private_key_jwt::PrivateKeyJwt;
pub(crate) use secret::{ClientSecretBasic, ClientSecretPost};
pub(crate) use slow::SlowHashes;

use super::context::Context;
use super::core::Core;
use super::token::AuthenticatedClient;
use crate::client::{Client, ClientAuthMethod, ClientSecret};
use crate::error::{Reason, Result};
use crate::limiter::LimitPoint;
use crate::secret::Secret;
use crate::types::{ClientId, Params};
use crate::wire::{Authorization, ClientCertificate, RequestHead};

/// Credentials that a request carries, as one method found them; nothing has been checked.
#[derive(Debug)]
#[non_exhaustive]
pub struct Credentials {
    /// The client that they name.
    pub client_id: ClientId,
    /// The method that found them.
    pub method: ClientAuthMethod,
    /// The secret or assertion; `None` for the method `none`.
    pub proof: Option<Secret>,
    /// The certificate of the connection, where the client is registered to authenticate by it.
    pub certificate: Option<ClientCertificate>,
}

impl Credentials {
    /// Credentials that name the client `client_id`.
    ///
    /// # Errors
    /// [`Reason::ClientUnknown`] when no client can have such a name.
    pub fn of(client_id: &str, method: ClientAuthMethod, proof: Option<Secret>) -> Result<Self, Reason> {
        let client_id = ClientId::new(client_id).map_err(|_| Reason::ClientUnknown)?;
        Ok(Self { client_id, method, proof, certificate: None })
    }

    fn naming(client_id: ClientId, method: ClientAuthMethod, proof: Secret) -> Self {
        Self { client_id, method, proof: Some(proof), certificate: None }
    }
}

/// One method of client authentication.
#[async_trait]
pub trait ClientAuthenticator: Debug + Send + Sync {
    /// The method; the builder refuses two authenticators of one method.
    fn method(&self) -> ClientAuthMethod;

    /// Finds this method's credentials; `None` if the request carries none of its kind.
    ///
    /// # Errors
    /// The reason when it carries them malformed.
    fn extract(&self, head: &RequestHead, params: &Params) -> Result<Option<Credentials>>;

    /// Checks the credentials against the client, which has registered this method.
    ///
    /// # Errors
    /// The reason of the refusal.
    async fn verify(&self, cx: &Context<'_>, client: &Client, credentials: &Credentials) -> Result<()>;
}

const _: fn(&dyn ClientAuthenticator) = |_| ();

/// Finds out which client sent a request, and checks that it did.
///
/// # Errors
/// Refusals of code `invalid_client`, all with one text, and `invalid_request` where the request has two methods or a
/// malformed one; [`Reason::RateLimited`] when the limiter says so.
pub(crate) async fn authenticate(
    core: &Core,
    cx: &Context<'_>,
    head: &RequestHead,
    params: &Params,
) -> Result<AuthenticatedClient> {
    let found = extract(core, head, params)?;
    // RFC 6749 section 2.3.1: a client_id beside the credentials has to be the same (attack 84).
    let client_id = &found.1.client_id;
    if params.one("client_id")?.is_some_and(|named| named != client_id.as_str()) {
        return Err(Reason::ClientIdMismatch.into());
    }
    core.admit(cx, LimitPoint::ClientAuthentication, client_id).await?;
    let client = core.stores.clients.client(client_id, cx.now).await?;
    if let Some(client) = &client {
        cx.note_client(client);
    }
    let (authenticator, credentials) = by_certificate(core, head, client.as_ref(), found)?;
    let known = authenticator.ok_or(Reason::ClientMethodNotRegistered);
    match fitting(client, &credentials).and_then(|client| Ok((client, known?))) {
        Ok((client, authenticator)) => {
            authenticator.verify(cx, &client, &credentials).await?;
            Ok(AuthenticatedClient::proven(client))
        }
        Err(reason) => {
            // As much work as for a wrong secret, so that time does not tell which clients there are (attack 82).
            ClientSecret::check_nothing(cx.secrets, credentials.proof.as_ref());
            Err(reason.into())
        }
    }
}

/// Credentials, and the authenticator that checks them; `None` of the method `none`, where no public client is let in.
type Found<'a> = (Option<&'a dyn ClientAuthenticator>, Credentials);

/// The one method of the request with its credentials; the method `none` where there are no others.
fn extract<'a>(core: &'a Core, head: &RequestHead, params: &Params) -> Result<Found<'a>> {
    let mechanisms = mechanisms(head, params);
    if mechanisms > 1 {
        return Err(Reason::ClientMethodsCombined.into());
    }
    let (mut found, mut public) = (None, None);
    for authenticator in &core.authenticators {
        if authenticator.method() == ClientAuthMethod::None {
            public = Some(&**authenticator);
        } else if let Some(credentials) = authenticator.extract(head, params)?
            && found.replace((&**authenticator, credentials)).is_some()
        {
            return Err(Reason::ClientMethodsCombined.into());
        }
    }
    match (found, public) {
        (Some((authenticator, credentials)), _) => Ok((Some(authenticator), credentials)),
        // Credentials that nobody here reads do not make a public client of the sender.
        (None, _) if mechanisms > 0 => Err(Reason::ClientMethodNotRegistered.into()),
        (None, public) => {
            let credentials = Public.extract(head, params)?.ok_or(Reason::ClientCredentialsMissing)?;
            Ok((public, credentials))
        }
    }
}

/// What was found, but for a client that authenticates by the certificate of its connection: that names no
/// client, so that a request which has nothing else looks like one of a public client. One that has another
/// way besides has one too many (attack 83).
fn by_certificate<'a>(
    core: &'a Core,
    head: &RequestHead,
    client: Option<&Client>,
    (authenticator, mut credentials): Found<'a>,
) -> Result<Found<'a>> {
    let method = client.map(|client| &client.metadata().token_endpoint_auth_method);
    let Some(method) = method.filter(|method| method.uses_certificate()) else {
        return Ok((authenticator, credentials));
    };
    if credentials.method != ClientAuthMethod::None {
        return match &head.certificate {
            Some(_) => Err(Reason::ClientMethodsCombined.into()),
            None => Ok((authenticator, credentials)),
        };
    }
    let known = core.authenticators.iter().find(|known| known.method() == *method);
    let Some(known) = known else { return Ok((authenticator, credentials)) };
    credentials.method = method.clone();
    credentials.certificate.clone_from(&head.certificate);
    Ok((Some(&**known), credentials))
}

/// How many of the standard ways to authenticate the request uses, whether the provider offers them or not
/// (attack 83). A bearer token in the header is none of them.
fn mechanisms(head: &RequestHead, params: &Params) -> usize {
    let basic = matches!(head.authorization, Some(Authorization::Basic(_) | Authorization::BasicMalformed));
    let sends =
        |names: &[&str]| params.iter().any(|(name, value)| !value.is_empty() && names.contains(&name));
    let secret = sends(&["client_secret"]);
    let assertion = sends(&["client_assertion", "client_assertion_type"]);
    usize::from(basic) + usize::from(secret) + usize::from(assertion)
}

/// The client, if it may authenticate in this way at all.
fn fitting(client: Option<Client>, credentials: &Credentials) -> Result<Client, Reason> {
    let client = client.ok_or(Reason::ClientUnknown)?;
    if client.settings().disabled {
        return Err(Reason::ClientDisabled);
    }
    if client.metadata().token_endpoint_auth_method != credentials.method {
        return Err(Reason::ClientMethodNotRegistered);
    }
    Ok(client)
}
