//! From the members of a request to the metadata of a client: each is read by name, and what is absent gets the value
//! of the bounds.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::settings::Registration;
use crate::client::{
    ClientAuthMethod, ClientMetadata, IdTokenAlg, InvalidClient, Localized, MAX_REDIRECT_URIS,
};
use crate::error::Reason;
use crate::jose::SigningAlg;
use crate::provider::core::Core;
use crate::types::{FetchUrl, GrantType, RedirectUri, ResponseType, Scope};

/// Most bytes in a `client_name`.
const MAX_NAME_BYTES: usize = 200;

/// Most `contacts`, and most `default_acr_values`.
const MAX_TEXTS: usize = 20;

/// Most bytes in one of them.
const MAX_TEXT_BYTES: usize = 254;

/// What a registration is held against.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) scope: Scope,
    pub(crate) grant_types: Vec<GrantType>,
    pub(crate) response_types: Vec<ResponseType>,
    pub(crate) auth_methods: Vec<ClientAuthMethod>,
    pub(crate) id_token_algs: Vec<SigningAlg>,
    pub(crate) fetches_keys: bool,
}

impl Rules {
    /// The bounds of the registration, and of what the provider has.
    pub(crate) fn of(core: &Core, registration: &Registration) -> Self {
        let of_responses = core.response_types.iter().flat_map(|known| known.grant_types());
        let offered = core.grants.keys().chain(of_responses);
        let mut grant_types: Vec<_> = offered.filter(|known| registration.allows(known)).cloned().collect();
        grant_types.dedup();
        let methods = core.authenticators.iter().map(|known| known.method());
        Self {
            scope: registration.scope().clone(),
            grant_types,
            response_types: core.response_types.clone(),
            // A method of the host's own needs credentials that nobody can register here.
            auth_methods: methods.filter(|known| !matches!(known, ClientAuthMethod::Extension(_))).collect(),
            id_token_algs: core.keyring.algorithms(),
            fetches_keys: core.switches.jwks_uri,
        }
    }
}

/// Reads and checks the metadata; members that are not known are left out (RFC 7591 section 2).
pub(crate) fn metadata(rules: &Rules, members: &Map<String, Value>) -> Result<ClientMetadata, Reason> {
    let mut metadata = ClientMetadata { redirect_uris: redirect_uris(members)?, ..ClientMetadata::default() };
    (metadata.response_types, metadata.grant_types) = flows(rules, members)?;
    authentication(rules, members, &mut metadata)?;
    shown(members, &mut metadata)?;
    metadata.scope = scope(rules, members)?;
    metadata.id_token_signed_response_alg = IdTokenAlg::Signed(id_token_alg(rules, members)?);
    defaults(members, &mut metadata)?;
    read_only(members)?;
    Ok(metadata)
}

/// Why a client was refused whose parts do not fit together.
pub(super) fn refusal(refused: &InvalidClient) -> Reason {
    match refused.member {
        "redirect_uris" => Reason::MetadataRedirectUris,
        "grant_types" => Reason::MetadataGrantTypes,
        "token_endpoint_auth_method" => Reason::MetadataAuthMethod,
        "jwks" | "jwks_uri" => Reason::MetadataJwks,
        "client_name" => Reason::MetadataName,
        "client_uri" | "initiate_login_uri" | "logo_uri" | "policy_uri" | "tos_uri" => Reason::MetadataPage,
        _ => Reason::MetadataInconsistent,
    }
}

/// A member; `null` is as good as absent.
fn read<'a, T: Deserialize<'a>>(
    members: &'a Map<String, Value>,
    name: &str,
    reason: Reason,
) -> Result<Option<T>, Reason> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => T::deserialize(value).map(Some).map_err(|_| reason),
    }
}

fn redirect_uris(members: &Map<String, Value>) -> Result<Vec<RedirectUri>, Reason> {
    let reason = Reason::MetadataRedirectUris;
    let listed = members.get("redirect_uris").and_then(Value::as_array).map_or(0, Vec::len);
    if listed > MAX_REDIRECT_URIS {
        return Err(reason);
    }
    Ok(read(members, "redirect_uris", reason)?.unwrap_or_default())
}

/// Response types and grant types. Where one of the two is absent, it is what goes with the other.
fn flows(rules: &Rules, members: &Map<String, Value>) -> Result<(Vec<ResponseType>, Vec<GrantType>), Reason> {
    let responses: Option<Vec<ResponseType>> =
        read(members, "response_types", Reason::MetadataResponseTypes)?;
    let grants: Option<Vec<GrantType>> = read(members, "grant_types", Reason::MetadataGrantTypes)?;
    let responses = match (responses, &grants) {
        (Some(responses), _) => responses,
        (None, Some(grants)) if !grants.contains(&GrantType::AuthorizationCode) => Vec::new(),
        (None, _) => vec![ResponseType::Code],
    };
    let grants =
        grants.unwrap_or_else(|| responses.iter().flat_map(|known| known.grant_types()).cloned().collect());
    let (responses, grants) = (distinct(responses), distinct(grants));
    if !responses.iter().all(|asked| rules.response_types.contains(asked)) {
        return Err(Reason::MetadataResponseTypes);
    }
    if !grants.iter().all(|asked| rules.grant_types.contains(asked)) {
        return Err(Reason::MetadataGrantTypes);
    }
    Ok((responses, grants))
}

fn distinct<T: PartialEq>(all: Vec<T>) -> Vec<T> {
    let mut kept = Vec::new();
    for one in all {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept
}

fn authentication(
    rules: &Rules,
    members: &Map<String, Value>,
    metadata: &mut ClientMetadata,
) -> Result<(), Reason> {
    let method = read(members, "token_endpoint_auth_method", Reason::MetadataAuthMethod)?;
    metadata.token_endpoint_auth_method = method.unwrap_or_default();
    if !rules.auth_methods.contains(&metadata.token_endpoint_auth_method) {
        return Err(Reason::MetadataAuthMethod);
    }
    let reason = Reason::MetadataAuthSigningAlg;
    metadata.token_endpoint_auth_signing_alg = read(members, "token_endpoint_auth_signing_alg", reason)?;
    let alg = metadata.token_endpoint_auth_signing_alg;
    if alg.is_some_and(|alg| !SigningAlg::DEFAULT_INBOUND.contains(&alg)) {
        return Err(reason);
    }
    metadata.jwks = read(members, "jwks", Reason::MetadataJwks)?;
    metadata.jwks_uri = read::<FetchUrl>(members, "jwks_uri", Reason::MetadataJwksUri)?;
    if metadata.jwks_uri.is_some() && !rules.fetches_keys {
        return Err(Reason::MetadataJwksUri);
    }
    Ok(())
}

/// What people are shown (attack 217).
fn shown(members: &Map<String, Value>, metadata: &mut ClientMetadata) -> Result<(), Reason> {
    metadata.client_name = read(members, "client_name", Reason::MetadataName)?;
    if metadata.client_name.as_ref().is_some_and(|name| name.len() > MAX_NAME_BYTES) {
        return Err(Reason::MetadataName);
    }
    for (name, page) in [
        ("client_uri", &mut metadata.client_uri),
        ("initiate_login_uri", &mut metadata.initiate_login_uri),
        ("logo_uri", &mut metadata.logo_uri),
        ("policy_uri", &mut metadata.policy_uri),
        ("tos_uri", &mut metadata.tos_uri),
    ] {
        *page = read(members, name, Reason::MetadataPage)?;
    }
    let mut localized = Vec::new();
    for (name, value) in members.iter().filter(|(name, _)| Localized::keeps(name)) {
        let text =
            value.as_str().filter(|text| !name.starts_with("client_name") || text.len() <= MAX_NAME_BYTES);
        localized.push((name.clone(), text.ok_or(Reason::MetadataInconsistent)?.to_owned()));
    }
    metadata.localized = localized.into_iter().collect();
    metadata.contacts = texts(members, "contacts", Reason::MetadataContacts)?;
    Ok(())
}

fn texts(members: &Map<String, Value>, name: &str, reason: Reason) -> Result<Vec<String>, Reason> {
    let texts: Vec<String> = read(members, name, reason)?.unwrap_or_default();
    let plain = |text: &String| {
        (1..=MAX_TEXT_BYTES).contains(&text.len()) && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
    };
    if texts.len() > MAX_TEXTS || !texts.iter().all(plain) {
        return Err(reason);
    }
    Ok(texts)
}

/// What of the asked scope may be registered; all of that where none is asked for (attack 213).
fn scope(rules: &Rules, members: &Map<String, Value>) -> Result<Scope, Reason> {
    let Some(asked) = read::<String>(members, "scope", Reason::MetadataScope)? else {
        return Ok(rules.scope.clone());
    };
    let asked = Scope::parse(&asked).map_err(|_| Reason::MetadataScope)?;
    Ok(asked.intersection(&rules.scope))
}

/// RS256 where none is asked for, as OpenID Connect Dynamic Client Registration 1.0 section 2 has it, or else the first
/// that there is a key for.
fn id_token_alg(rules: &Rules, members: &Map<String, Value>) -> Result<SigningAlg, Reason> {
    let reason = Reason::MetadataIdTokenAlg;
    match read::<SigningAlg>(members, "id_token_signed_response_alg", reason)? {
        Some(asked) if rules.id_token_algs.contains(&asked) => Ok(asked),
        Some(_) => Err(reason),
        None if rules.id_token_algs.contains(&SigningAlg::Rs256) => Ok(SigningAlg::Rs256),
        None => rules.id_token_algs.first().copied().ok_or(reason),
    }
}

fn defaults(members: &Map<String, Value>, metadata: &mut ClientMetadata) -> Result<(), Reason> {
    let reason = Reason::MetadataDefaults;
    metadata.default_max_age = read::<u32>(members, "default_max_age", reason)?.map(u64::from);
    metadata.require_auth_time = read(members, "require_auth_time", reason)?.unwrap_or_default();
    metadata.default_acr_values = texts(members, "default_acr_values", reason)?;
    Ok(())
}

/// Members that are checked and not kept: whoever asks for what is not there must hear of it.
fn read_only(members: &Map<String, Value>) -> Result<(), Reason> {
    let subject: Option<&str> = read(members, "subject_type", Reason::MetadataSubjectType)?;
    if subject.is_some_and(|subject| subject != "public") {
        return Err(Reason::MetadataSubjectType);
    }
    let application: Option<&str> = read(members, "application_type", Reason::MetadataApplicationType)?;
    if application.is_some_and(|kind| !["web", "native"].contains(&kind)) {
        return Err(Reason::MetadataApplicationType);
    }
    read::<FetchUrl>(members, "sector_identifier_uri", Reason::MetadataSectorIdentifier).map(drop)
}
