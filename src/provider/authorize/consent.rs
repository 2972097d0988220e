//! What a person agreed to before, and what of a request that covers.

use super::needs::MissingConsent;
use super::pending::PendingAuthorization;
use super::request::AuthorizationRequest;
use crate::client;
use crate::error::Result;
use crate::provider::consent::{self, Known};
use crate::provider::context::Context;
use crate::store::{Consent, ConsentStore};
use crate::types::{Authentication, Prompt, Scope};

/// Claims of the protocol itself, which tell no more about a person than every ID token does.
const PROTOCOL_CLAIMS: [&str; 4] = ["acr", "amr", "auth_time", "sub"];

/// What counts as agreed to.
#[derive(Clone, Debug)]
pub(super) enum Agreed {
    /// Nothing: the person is asked for everything.
    Nothing,
    /// What was remembered.
    Remembered(Consent),
    /// Everything: the host does not ask for this client.
    Waived,
    /// Everything but `offline_access`, which counts as far as it was remembered.
    WaivedOnline(Option<Consent>),
}

/// What counts as agreed to, with what the store knows, if it had to be asked.
///
/// Neither remembered nor waived consent counts for a client that answers at a loopback address or a private-use scheme, since
/// any program could stand in for it (RFC 8252 section 8.6), unless the host insists; and nothing counts under
/// `prompt=consent`. Of a client that cannot prove who it is, waived consent does not cover `offline_access`: whoever has its
/// refresh token is there when the person is not (OpenID Connect Core 1.0 section 11).
pub(super) async fn agreed(
    cx: &Context<'_>,
    store: &dyn ConsentStore,
    pending: &PendingAuthorization,
    login: Option<&Authentication>,
) -> Result<(Agreed, Option<Known>)> {
    let (client, Some(login)) = (pending.client(), login) else { return Ok((Agreed::Nothing, None)) };
    if pending.request().prompt.contains(Prompt::Consent) {
        return Ok((Agreed::Nothing, None));
    }
    let offline = !client.is_confidential() && pending.request().scope.contains(Scope::OFFLINE_ACCESS);
    let waived = match (client.settings().consent, client.is_native()) {
        (client::Consent::DangerousWaivedForNative, _) => return Ok((Agreed::Waived, None)),
        (client::Consent::Waived, false) if !offline => return Ok((Agreed::Waived, None)),
        (client::Consent::Waived, false) => true,
        (client::Consent::Waived | client::Consent::Required, true) => return Ok((Agreed::Nothing, None)),
        (client::Consent::Required, false) => false,
    };
    let known = consent::read(cx, store, &login.subject, client.id()).await?;
    let remembered = known.as_ref().and_then(|known| known.consent.clone());
    let agreed = match waived {
        true => Agreed::WaivedOnline(remembered),
        false => remembered.map_or(Agreed::Nothing, Agreed::Remembered),
    };
    Ok((agreed, known))
}

impl Agreed {
    /// What of `request` has not been agreed to; `None` when all of it has.
    pub(super) fn missing(&self, request: &AuthorizationRequest) -> Option<MissingConsent> {
        let claims = claim_names(request);
        let remembered = match self {
            Self::Waived => return None,
            Self::WaivedOnline(remembered) => {
                let known = remembered.as_ref().map(|consent| consent.scope.clone()).unwrap_or_default();
                let online = request.scope.clone().without(Scope::OFFLINE_ACCESS);
                let scope = request.scope.difference(&online).difference(&known);
                return (!scope.is_empty()).then(|| MissingConsent { scope, ..MissingConsent::default() });
            }
            Self::Nothing => {
                let (scope, resources) = (request.scope.clone(), request.resources.clone());
                let authorization_details = request.authorization_details.clone();
                return Some(MissingConsent { scope, claims, resources, authorization_details });
            }
            Self::Remembered(consent) => consent,
        };
        let lacking = |asked: Vec<String>, known: &[String]| {
            asked.into_iter().filter(|name| !known.contains(name)).collect::<Vec<_>>()
        };
        let missing = MissingConsent {
            scope: request.scope.difference(&remembered.scope),
            claims: lacking(claims, &remembered.claims),
            resources: lacking(request.resources.clone(), &remembered.resources),
            authorization_details: request
                .authorization_details
                .filtered(|detail| !remembered.authorization_details.contains(&detail.fingerprint())),
        };
        (missing != MissingConsent::default()).then_some(missing)
    }
}

/// The names of the claims asked for beyond those of the scope, each once.
pub(super) fn claim_names(request: &AuthorizationRequest) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in request.claims.userinfo.iter().chain(&request.claims.id_token) {
        if !PROTOCOL_CLAIMS.contains(&name.as_str()) && !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}
