//! The authorization request, read.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::encoder::Encoders;
use super::rules;
use crate::clock::Timestamp;
use crate::error::Reason;
use crate::jose::IdTokenHintVerifier;
use crate::pkce::CodeChallenge;
use crate::policy::Policy;
use crate::provider::authorization_details::DetailsTypes;
use crate::provider::config::Config;
use crate::types::{
    AuthorizationDetails, ClaimsRequest, Confirmation, Display, LanguageTag, Params, Prompts, ResponseType,
    Scope, Subject, Thumbprint,
};

/// An authorization request whose every parameter was read and found sound (RFC 6749 section 4.1.1, OpenID Connect
/// Core 1.0 section 3.1.2.1).
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct AuthorizationRequest {
    /// What is to be in the response.
    pub response_type: ResponseType,
    /// The `redirect_uri` as it was sent; `None` when it was left out.
    pub redirect_uri: Option<String>,
    /// The scope that the client may have of what it asked for: what the person is to be shown.
    pub scope: Scope,
    /// The `nonce` to repeat in the ID token: up to 2048 printable characters.
    pub nonce: Option<String>,
    /// What the interaction must or must not show.
    pub prompt: Prompts,
    /// How long ago the login may lie: the request's `max_age`, or else the client's `default_max_age`.
    pub max_age: Option<Duration>,
    /// How the pages should show.
    pub display: Display,
    /// The languages that the person prefers for the pages, up to 16, the most preferred first.
    pub ui_locales: Vec<LanguageTag>,
    /// The languages preferred for claims, up to 16, the most preferred first.
    pub claims_locales: Vec<LanguageTag>,
    /// Whom the client believes to be there, up to 2048 bytes. Not checked in any way: escape it.
    pub login_hint: Option<String>,
    /// The authentication context classes asked for, the most preferred first: the request's, or else the client's
    /// `default_acr_values`.
    pub acr_values: Vec<String>,
    /// Whom `id_token_hint` names.
    pub id_token_hint: HintedSubject,
    /// The claims asked for by name.
    pub claims: ClaimsRequest,
    /// The PKCE challenge.
    pub code_challenge: Option<CodeChallenge>,
    /// The thumbprint of the key that the code, and an access token in the response, are bound to (RFC 9449 section
    /// 10). It is read where DPoP is on.
    pub dpop_jkt: Option<Thumbprint>,
    /// The resources that the access token is for (RFC 8707), each once.
    pub resources: Vec<String>,
    /// What the client asks to be allowed in detail (RFC 9396), each as its type has it: to be shown to the person.
    pub authorization_details: AuthorizationDetails,
}

/// Whom an `id_token_hint` names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HintedSubject {
    /// There was no hint.
    #[default]
    Absent,
    /// An ID token of ours, for this client, expired or not, names this person.
    Known(Subject),
    /// As `Known`, but of a client with pairwise subjects: the `sub` by which it knows the person, who cannot be told
    /// from it before they sign in.
    Pairwise(String),
    /// The hint is not an ID token that we issued to this client.
    Unreadable,
}

/// What reading a request asks of others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Readers<'a> {
    pub(super) config: &'a Config,
    pub(super) policy: &'a dyn Policy,
    pub(super) details: &'a DetailsTypes,
    pub(super) hints: &'a IdTokenHintVerifier,
    pub(super) encoders: &'a Encoders,
    /// The response types that are turned on.
    pub(super) response_types: &'a [ResponseType],
    /// Whether the provider issues refresh tokens at all.
    pub(super) refresh_tokens: bool,
    /// Whether the host offers to create accounts.
    pub(super) account_creation: bool,
    /// Whether proofs of possession are taken.
    pub(super) dpop: bool,
}

impl AuthorizationRequest {
    /// Reads the request: one line for each rule, in the order of the specifications.
    ///
    /// # Errors
    /// The reason of the first rule that is broken, to be returned to the client.
    pub(super) fn parse(readers: &Readers<'_>, draft: &Draft) -> Result<Self, Reason> {
        let params = &draft.params;
        rules::response::state(params)?;
        rules::unsupported::refuse(params)?;
        let response_type = rules::response::response_type(readers, draft)?;
        let scope = rules::scope::scope(readers, draft, response_type)?;
        let resources = rules::resource::resources(readers, draft)?;
        let scope = rules::resource::scope(readers, &resources, &scope);
        let nonce = rules::oidc::nonce(params, response_type)?;
        Ok(Self {
            response_type,
            redirect_uri: params.one("redirect_uri")?.map(str::to_owned),
            prompt: rules::oidc::prompt(readers, params)?,
            max_age: rules::oidc::max_age(draft)?,
            display: rules::oidc::display(params)?,
            ui_locales: rules::oidc::locales(params, "ui_locales")?,
            claims_locales: rules::oidc::locales(params, "claims_locales")?,
            login_hint: rules::oidc::login_hint(params)?,
            acr_values: rules::oidc::acr_values(draft)?,
            id_token_hint: rules::oidc::id_token_hint(readers, draft)?,
            claims: rules::claims::claims(params)?,
            code_challenge: rules::pkce::code_challenge(
                (readers, draft),
                response_type,
                (&scope, nonce.as_deref()),
            )?,
            dpop_jkt: rules::dpop::dpop_jkt(readers, draft, response_type)?,
            authorization_details: rules::details::details(readers, draft, &resources)?,
            resources,
            scope,
            nonce,
        })
    }

    /// The key that the code, and an access token in the response, are bound to.
    pub(super) fn confirmation(&self) -> Option<Confirmation> {
        self.dpop_jkt.map(Confirmation::Jkt)
    }

    /// The authentication context classes of which one must be reached: those of an essential `acr` claim with
    /// values (OpenID Connect Core 1.0 section 5.5.1.1). Empty when none must.
    pub fn essential_acr(&self) -> impl Iterator<Item = &str> {
        let asked = self.claims.id_token.iter().filter(|(name, request)| name == "acr" && request.essential);
        asked.flat_map(|(_, request)| request.values.iter()).filter_map(|value| value.as_str())
    }

    /// Whether the request asks for one person, by `id_token_hint` or a `sub` claim with values, and `subject` is
    /// another, as the client knows them by `sub` (OpenID Connect Core 1.0 section 5.5.1, attack 40).
    #[must_use]
    pub(super) fn excludes(&self, subject: &Subject, sub: &str) -> bool {
        let other = match &self.id_token_hint {
            HintedSubject::Known(hinted) => hinted != subject,
            HintedSubject::Pairwise(hinted) => hinted != sub,
            HintedSubject::Absent | HintedSubject::Unreadable => false,
        };
        if other {
            return true;
        }
        let asked = self.claims.id_token.iter().chain(&self.claims.userinfo);
        asked.filter(|(name, _)| name == "sub").any(|(_, request)| !request.accepts(&sub.into()))
    }

    /// Whether the login was recent enough when the request was made: `auth_time` plus `max_age` is not past, or the
    /// login came after the request.
    pub(super) fn is_recent(&self, auth_time: Timestamp, requested_at: Timestamp) -> bool {
        auth_time >= requested_at || self.max_age.is_none_or(|age| auth_time.plus(age) >= requested_at)
    }
}

/// Leaves out what tells of a person or is the client's own to know: hints, claims, `nonce`.
impl fmt::Debug for AuthorizationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationRequest")
            .field("response_type", &self.response_type)
            .field("scope", &self.scope)
            .field("prompt", &self.prompt)
            .field("max_age", &self.max_age)
            .field("acr_values", &self.acr_values)
            .field("resources", &self.resources)
            .field("authorization_details", &self.authorization_details)
            .finish_non_exhaustive()
    }
}

/// The parameters that the rules above read; what else a request carries is ignored (RFC 6749 section 3.1).
const PARAMETERS: [&str; 21] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "state",
    "scope",
    "nonce",
    "prompt",
    "max_age",
    "display",
    "ui_locales",
    "claims_locales",
    "login_hint",
    "acr_values",
    "claims",
    "code_challenge",
    "code_challenge_method",
    "dpop_jkt",
    "resource",
    "authorization_details",
    "id_token_hint",
];

/// Whether `name` is a parameter that is read when a request arrives, or refused.
pub(super) fn is_read(name: &str) -> bool {
    is_standard(name) || ["request", "request_uri", "registration"].contains(&name)
}

/// Whether `name` is a parameter that the rules above read.
pub(super) fn is_standard(name: &str) -> bool {
    PARAMETERS.contains(&name)
}

/// What of `params` must be kept to read the request again: the parameters that are read, here or by a rule of the
/// host, without `id_token_hint`, of which the outcome is kept.
pub(super) fn worth_keeping(params: &Params, also: &[&str]) -> Params {
    let read = |name: &str| is_standard(name) && name != "id_token_hint";
    let kept = params.iter().filter(|(name, value)| !value.is_empty() && (read(name) || also.contains(name)));
    Params::from_pairs(kept)
}
