//! What a client may register: the bounds that the host set, within what the provider has.

use super::addresses;
use super::encryption::Encrypting;
use super::signing::Signing;
use super::validate::Members;
use crate::client::{
    ApplicationType, ClientAssertionAlg, ClientAuthMethod, ClientMetadata, RequestObjectAlg, SubjectType,
    TokenDeliveryMode,
};
use crate::error::Reason;
use crate::jose::SigningAlg;
use crate::provider::backchannel::Backchannel;
use crate::provider::core::Core;
use crate::types::{GrantType, RedirectUri, ResponseType, Scope};

/// Most bytes in a `client_name`.
const MAX_NAME_BYTES: usize = 200;

/// Most `contacts`, and most `default_acr_values`.
const MAX_TEXTS: usize = 20;

/// Most bytes in one of them, and in what names a software.
const MAX_TEXT_BYTES: usize = 254;

/// The scope, the flows and the addresses that a host lets strangers have.
#[derive(Clone, Debug)]
pub(in crate::provider) struct Bounds {
    pub(in crate::provider) scope: Scope,
    pub(in crate::provider) grant_types: Vec<GrantType>,
    pub(in crate::provider) response_types: Vec<ResponseType>,
    pub(in crate::provider) claimed_https: bool,
    pub(in crate::provider) inner_addresses: bool,
    pub(in crate::provider) details: Vec<String>,
}

impl Bounds {
    /// One more response type, with the grant types that go with it.
    pub(in crate::provider) fn open(&mut self, response_type: ResponseType) {
        self.response_types.push(response_type);
        self.grant_types.extend_from_slice(response_type.grant_types());
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            scope: Scope::parse("openid profile email address phone offline_access").unwrap_or_default(),
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            response_types: vec![ResponseType::Code],
            claimed_https: false,
            inner_addresses: false,
            details: Vec::new(),
        }
    }
}

impl Bounds {
    fn allow_details(&self, name: &str) -> bool {
        self.details.iter().any(|allowed| allowed == name)
    }
}

/// What metadata is held against. A member that asks for what is not there is refused where the client would be worse
/// off without it, or work otherwise than it expects; it is dropped, which the answer tells, where nothing depends on it
/// (RFC 7591 sections 2 and 3.2.1).
#[derive(Debug)]
pub(in crate::provider) struct Rules {
    bounds: Bounds,
    grant_types: Vec<GrantType>,
    response_types: Vec<ResponseType>,
    details: Vec<String>,
    auth_methods: Vec<ClientAuthMethod>,
    signing: Signing,
    encrypting: Encrypting,
    /// Empty where request objects are off.
    request_object_algs: Vec<RequestObjectAlg>,
    request_uris: bool,
    jwks_uri: bool,
    pushed: bool,
    dpop: bool,
    pairwise: bool,
    sectors: bool,
    inbound_algs: Vec<SigningAlg>,
    https_redirect_uris: bool,
    delivery_modes: &'static [TokenDeliveryMode],
    certificate_bound_tokens: bool,
    logout: Logout,
}

#[derive(Clone, Copy, Debug)]
struct Logout {
    rp_initiated: bool,
    back_channel: bool,
    front_channel: bool,
}

impl Rules {
    /// The bounds, and what the provider has.
    pub(in crate::provider) fn of(core: &Core, bounds: &Bounds) -> Self {
        let of_responses = core.response_types.iter().flat_map(|known| known.grant_types());
        let offered = core.grants.keys().chain(of_responses);
        let answered = core.response_types.iter().filter(|known| bounds.response_types.contains(known));
        let methods = core.authenticators.iter().map(|known| known.method());
        Self {
            grant_types: offered.filter(|known| bounds.grant_types.contains(known)).cloned().collect(),
            bounds: bounds.clone(),
            details: core
                .details
                .names()
                .filter(|name| bounds.allow_details(name))
                .map(str::to_owned)
                .collect(),
            response_types: answered.copied().collect(),
            // A method of the host's own needs credentials that nobody can register here.
            auth_methods: methods.filter(|known| !matches!(known, ClientAuthMethod::Extension(_))).collect(),
            signing: Signing::of(core),
            encrypting: Encrypting::of(core),
            request_object_algs: request_object_algs(core),
            request_uris: core.request_uris.is_some(),
            jwks_uri: core.switches.jwks_uri,
            pushed: core.pushed_requests.is_some(),
            dpop: core.dpop.is_some(),
            pairwise: core.switches.pairwise_subjects,
            sectors: core.sectors.is_some(),
            inbound_algs: core.config.requirements.inbound_algs(),
            https_redirect_uris: core.config.requirements.https_redirect_uris,
            delivery_modes: core.backchannel.as_ref().map_or(&[], Backchannel::modes),
            certificate_bound_tokens: core.mutual_tls.is_some(),
            logout: Logout {
                rp_initiated: core.switches.rp_initiated_logout,
                back_channel: core.back_channel.is_some(),
                front_channel: core.switches.front_channel_logout,
            },
        }
    }

    /// The same for clients of documents, with whom nobody shares a secret and whose sectors are not asked.
    pub(in crate::provider) fn of_documents(mut self) -> Self {
        let keyed = [ClientAuthMethod::None, ClientAuthMethod::PrivateKeyJwt];
        self.auth_methods.retain(|method| keyed.contains(method));
        self.sectors = false;
        self
    }

    /// Holds all of `metadata` against the rules, and fills in what the request says nothing of.
    pub(super) fn apply(&self, metadata: &mut ClientMetadata, members: &Members) -> Result<(), Reason> {
        self.flows(metadata, members)?;
        self.authentication(metadata)?;
        self.redirects(metadata)?;
        self.scope(metadata, members);
        metadata.authorization_details_types.retain(|name| self.details.contains(name));
        self.signing.hold(metadata, members)?;
        self.encrypting.hold(metadata)?;
        self.subjects(metadata)?;
        self.request_objects(metadata)?;
        if metadata.require_pushed_authorization_requests && !self.pushed {
            return Err(Reason::MetadataPushedRequests);
        }
        if metadata.dpop_bound_access_tokens && !self.dpop {
            return Err(Reason::MetadataDpop);
        }
        self.logouts(metadata);
        self.addresses(metadata)?;
        self.backchannel(metadata)?;
        texts(metadata)
    }

    /// Response types and grant types. Where one of the two is absent, it is what goes with the other. A client that
    /// asks for `refresh_token` where there are none does without.
    fn flows(&self, metadata: &mut ClientMetadata, members: &Members) -> Result<(), Reason> {
        if !members.name("response_types") {
            let no_code =
                members.name("grant_types") && !metadata.grant_types.contains(&GrantType::AuthorizationCode);
            metadata.response_types = if no_code { Vec::new() } else { vec![ResponseType::Code] };
        }
        if !members.name("grant_types") {
            let of_responses = metadata.response_types.iter().flat_map(|known| known.grant_types());
            metadata.grant_types = of_responses.cloned().collect();
        }
        metadata.grant_types.retain(|asked| *asked != GrantType::RefreshToken || self.offers(asked));
        if !metadata.response_types.iter().all(|asked| self.response_types.contains(asked)) {
            return Err(Reason::MetadataResponseTypes);
        }
        if !metadata.grant_types.iter().all(|asked| self.offers(asked)) {
            return Err(Reason::MetadataGrantTypes);
        }
        metadata.response_types = distinct(std::mem::take(&mut metadata.response_types));
        metadata.grant_types = distinct(std::mem::take(&mut metadata.grant_types));
        Ok(())
    }

    fn offers(&self, grant_type: &GrantType) -> bool {
        self.grant_types.contains(grant_type)
    }

    /// An address of keys that nobody fetches is dropped, unless it is what the client authenticates by.
    fn authentication(&self, metadata: &mut ClientMetadata) -> Result<(), Reason> {
        let method = &metadata.token_endpoint_auth_method;
        if !self.auth_methods.contains(method) {
            return Err(Reason::MetadataAuthMethod);
        }
        if metadata.token_endpoint_auth_method != ClientAuthMethod::TlsClientAuth {
            metadata.tls_client_auth_subject_dn = None;
            metadata.tls_client_auth_san_dns = None;
            metadata.tls_client_auth_san_uri = None;
            metadata.tls_client_auth_san_ip = None;
            metadata.tls_client_auth_san_email = None;
        }
        if metadata.tls_client_certificate_bound_access_tokens && !self.certificate_bound_tokens {
            return Err(Reason::MetadataCertificateBinding);
        }
        let alg = metadata.token_endpoint_auth_signing_alg;
        let signed = alg.and_then(ClientAssertionAlg::signed);
        if signed.is_some_and(|alg| !self.inbound_algs.contains(&alg)) {
            return Err(Reason::MetadataAuthSigningAlg);
        }
        if !self.jwks_uri && metadata.jwks_uri.is_some() {
            if matches!(method, ClientAuthMethod::PrivateKeyJwt | ClientAuthMethod::SelfSignedTlsClientAuth) {
                return Err(Reason::MetadataJwksUri);
            }
            metadata.jwks_uri = None;
        }
        Ok(())
    }

    /// OpenID Connect Dynamic Client Registration 1.0 section 2: a native client answers on its device. What a web
    /// client must not register where a response type has a token, no client may.
    fn redirects(&self, metadata: &ClientMetadata) -> Result<(), Reason> {
        if self.https_redirect_uris && !metadata.redirect_uris.iter().all(RedirectUri::is_https) {
            return Err(Reason::MetadataInsecureRedirectUris);
        }
        let native = metadata.application_type == ApplicationType::Native;
        let elsewhere = metadata.redirect_uris.iter().any(|uri| !uri.is_native());
        match native && elsewhere && !self.bounds.claimed_https {
            true => Err(Reason::MetadataNativeRedirectUris),
            false => Ok(()),
        }
    }

    /// What of the asked scope may be registered; all of that where none is asked for (attack 213).
    fn scope(&self, metadata: &mut ClientMetadata, members: &Members) {
        metadata.scope = match members.name("scope") {
            true => metadata.scope.intersection(&self.bounds.scope),
            false => self.bounds.scope.clone(),
        };
    }

    /// The address of a sector that nobody fetches says nothing, unless it is what makes the sector.
    fn subjects(&self, metadata: &mut ClientMetadata) -> Result<(), Reason> {
        let pairwise = metadata.subject_type == SubjectType::Pairwise;
        if pairwise && !self.pairwise {
            return Err(Reason::MetadataSubjectType);
        }
        if !(self.pairwise && self.sectors) && metadata.sector_identifier_uri.is_some() {
            if pairwise {
                return Err(Reason::MetadataSectorIdentifier);
            }
            metadata.sector_identifier_uri = None;
        }
        Ok(())
    }

    /// Where there are no request objects, neither their addresses nor their algorithm matter. A client that wants no
    /// others must not be given plain requests in its name.
    fn request_objects(&self, metadata: &mut ClientMetadata) -> Result<(), Reason> {
        if !self.request_uris {
            metadata.request_uris.clear();
        }
        let on = !self.request_object_algs.is_empty();
        if !on {
            metadata.request_object_signing_alg = None;
        }
        let alg = metadata.request_object_signing_alg;
        let offered = alg.is_none_or(|alg| self.request_object_algs.contains(&alg));
        match offered && (on || !metadata.require_signed_request_object) {
            true => Ok(()),
            false => Err(Reason::MetadataRequestObjects),
        }
    }

    /// Where nobody is asked for people who are not there, these members say nothing.
    fn backchannel(&self, metadata: &mut ClientMetadata) -> Result<(), Reason> {
        if !metadata.grant_types.contains(&GrantType::Ciba) {
            metadata.backchannel_token_delivery_mode = None;
            metadata.backchannel_client_notification_endpoint = None;
            metadata.backchannel_authentication_request_signing_alg = None;
            metadata.backchannel_user_code_parameter = false;
            return Ok(());
        }
        let alg = metadata.backchannel_authentication_request_signing_alg;
        let mode = metadata.backchannel_token_delivery_mode;
        let offered = mode.is_none_or(|mode| self.delivery_modes.contains(&mode));
        // No proof comes where tokens are pushed (RFC 9449 section 5).
        let bound = mode == Some(TokenDeliveryMode::Push) && metadata.dpop_bound_access_tokens;
        match offered && !bound && alg.is_none_or(|alg| self.inbound_algs.contains(&alg)) {
            true => Ok(()),
            false => Err(Reason::MetadataBackchannel),
        }
    }

    /// What is not told, or not gone to, needs no address.
    fn logouts(&self, metadata: &mut ClientMetadata) {
        if !self.logout.rp_initiated {
            metadata.post_logout_redirect_uris.clear();
        }
        if !self.logout.back_channel {
            metadata.backchannel_logout_uri = None;
            metadata.backchannel_logout_session_required = false;
        }
        if !self.logout.front_channel {
            metadata.frontchannel_logout_uri = None;
            metadata.frontchannel_logout_session_required = false;
        }
    }

    /// Nobody is led into a network that is not theirs: not the provider, nor people who follow a link of the client's
    /// (attack 207, attack 208).
    fn addresses(&self, metadata: &ClientMetadata) -> Result<(), Reason> {
        match self.bounds.inner_addresses || addresses::all_lead_out(metadata) {
            true => Ok(()),
            false => Err(Reason::MetadataAddress),
        }
    }
}

fn request_object_algs(core: &Core) -> Vec<RequestObjectAlg> {
    if !core.switches.request_parameter && core.request_uris.is_none() {
        return Vec::new();
    }
    let signed = core.request_objects.algorithms().iter().copied().map(RequestObjectAlg::Signed);
    signed.chain(core.switches.unsigned_request_objects.then_some(RequestObjectAlg::None)).collect()
}

/// Texts that people or hosts are shown (attack 217), and numbers, within their caps.
fn texts(metadata: &ClientMetadata) -> Result<(), Reason> {
    let names = metadata.localized.iter().filter(|(name, ..)| *name == "client_name").map(|(.., text)| text);
    if names.chain(metadata.client_name.as_deref()).any(|name| name.len() > MAX_NAME_BYTES) {
        return Err(Reason::MetadataName);
    }
    if !are_plain(&metadata.contacts) {
        return Err(Reason::MetadataContacts);
    }
    let lasting = metadata.default_max_age.is_some_and(|seconds| seconds > u64::from(u32::MAX));
    if lasting || !are_plain(&metadata.default_acr_values) {
        return Err(Reason::MetadataDefaults);
    }
    let software = metadata.software_id.iter().chain(&metadata.software_version);
    match software.into_iter().all(|text| is_plain(text)) {
        true => Ok(()),
        false => Err(Reason::MetadataSoftware),
    }
}

fn are_plain(texts: &[String]) -> bool {
    texts.len() <= MAX_TEXTS && texts.iter().all(|text| is_plain(text))
}

fn is_plain(text: &str) -> bool {
    (1..=MAX_TEXT_BYTES).contains(&text.len()) && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
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
