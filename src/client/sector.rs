//! Sectors: the clients for which a person has one and the same pairwise subject (OpenID Connect Core 1.0 section
//! 8.1).

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    ClientAuthMethod, ClientMetadata, FetchErrorKind, FetchedDocument, Fetcher, InvalidClient,
    TokenDeliveryMode,
};
use crate::error::{Reason, Rejection, Result};
use crate::types::json::parse_strict;
use crate::types::{FetchUrl, GrantType, RedirectUri};

/// Most levels of objects and arrays in the document of a sector: an array of texts has one.
const MAX_DEPTH: usize = 2;

/// How a client knows people by their `sub` (OpenID Connect Core 1.0 section 8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SubjectType {
    /// By another `sub` in every sector, so that clients of different sectors cannot tell that a person is the same.
    Pairwise,
    /// By the host's own subject, which is the same for every client. The default.
    #[default]
    Public,
}

/// The sector of a client with pairwise subjects, `None` of one with public subjects: the host of its
/// `sector_identifier_uri`, else the one host of its redirect URIs.
///
/// A loopback address or a private-use scheme is nobody's, so it makes no sector: all programs on all machines would
/// share it.
pub(super) fn sector(metadata: &ClientMetadata) -> Result<Option<String>, InvalidClient> {
    if metadata.subject_type == SubjectType::Public {
        return Ok(None);
    }
    let needed = InvalidClient {
        member: "sector_identifier_uri",
        problem: "needed by pairwise subjects, unless all redirect_uris are https and of one host",
    };
    if let Some(uri) = &metadata.sector_identifier_uri {
        return Ok(Some(uri.host().ok_or(needed)?));
    }
    let mut hosts = metadata.redirect_uris.iter().map(RedirectUri::web_host);
    let first = hosts.next().flatten().ok_or_else(|| needed.clone())?;
    match hosts.all(|host| host.as_ref() == Some(&first)) {
        true => Ok(Some(first)),
        false => Err(needed),
    }
}

/// Fetches the document at the `sector_identifier_uri` of a client that registers, which must list every redirect URI
/// of the client, and with pairwise subjects where else its tokens go; a client without that member passes (OpenID Connect
/// Dynamic Client Registration 1.0 section 5, Client-Initiated Backchannel Authentication Core 1.0 section 4).
///
/// A host with a provider calls `Provider::check_sector`, which fetches as the provider does.
///
/// # Errors
/// [`Reason::SectorRedirectUriMissing`] when it lacks one, [`Reason::MetadataSectorTokens`] when it lacks the `jwks_uri` of a
/// client that polls or the endpoint of one that is pushed to, [`Reason::SectorMalformed`] when it is no JSON array of
/// texts, and what [`FetchErrorKind::of_sector`] says when it cannot be had.
///
/// # Security
/// Without this check a stranger could join the sector of another's host, and learn by which `sub` that host knows
/// people. For the same reason a client must stay in the sector in which it got its first token: the provider refuses
/// an update that would move it, and so must a host that changes the clients of strangers itself. Clients that the host
/// puts together itself are not checked: it vouches for them.
pub async fn check_sector(fetcher: &Fetcher, metadata: &ClientMetadata) -> Result<()> {
    let Some(uri) = &metadata.sector_identifier_uri else { return Ok(()) };
    let beside = beside_redirects(metadata)?;
    let fetched = fetcher.get(FetchedDocument::SectorIdentifier, uri).await;
    let document = fetched.map_err(|error| Rejection::caused(error.kind().of_sector(), error))?;
    let listed = listed(&document).ok_or(Reason::SectorMalformed)?;
    let lists = |uri: &str| listed.iter().any(|listed| listed == uri);
    if !metadata.redirect_uris.iter().all(|uri| lists(uri.as_str())) {
        return Err(Reason::SectorRedirectUriMissing.into());
    }
    match beside.iter().all(|url| lists(url.as_str())) {
        true => Ok(()),
        false => Err(Reason::MetadataSectorTokens.into()),
    }
}

/// What has to be of the sector of a client with pairwise subjects because tokens reach it by no redirect URI: where they
/// are pushed, and the keys of a client that fetches them (OpenID Connect Client-Initiated Backchannel Authentication Core
/// 1.0 section 4). What it says of CIBA holds for devices as well.
///
/// # Errors
/// [`Reason::MetadataSectorTokens`] where they are fetched by whoever has a secret, or nothing.
pub fn beside_redirects(metadata: &ClientMetadata) -> Result<Vec<&FetchUrl>, Reason> {
    let mut urls = Vec::new();
    if metadata.subject_type == SubjectType::Public {
        return Ok(urls);
    }
    let ciba = metadata.grant_types.contains(&GrantType::Ciba);
    let pushed = ciba && metadata.backchannel_token_delivery_mode == Some(TokenDeliveryMode::Push);
    if pushed {
        urls.extend(&metadata.backchannel_client_notification_endpoint);
    }
    if metadata.grant_types.contains(&GrantType::DeviceCode) || ciba && !pushed {
        let keyed = [ClientAuthMethod::PrivateKeyJwt, ClientAuthMethod::SelfSignedTlsClientAuth];
        let keys = metadata.jwks_uri.as_ref();
        let keys = keys.filter(|_| keyed.contains(&metadata.token_endpoint_auth_method));
        urls.push(keys.ok_or(Reason::MetadataSectorTokens)?);
    }
    Ok(urls)
}

fn listed(document: &Bytes) -> Option<Vec<String>> {
    let document = parse_strict(document, FetchedDocument::SectorIdentifier.max_bytes(), MAX_DEPTH);
    let Ok(Value::Array(items)) = document else { return None };
    let text = |item| match item {
        Value::String(text) => Some(text),
        _ => None,
    };
    items.into_iter().map(text).collect()
}

impl FetchErrorKind {
    /// Why the registration of a `sector_identifier_uri` is refused when this came of fetching it.
    #[must_use]
    pub const fn of_sector(self) -> Reason {
        match self {
            Self::Abandoned => Reason::SectorAbandoned,
            Self::AddressRefused => Reason::SectorAddressRefused,
            Self::BodyTooLarge => Reason::SectorTooLarge,
            Self::Busy | Self::Limited => Reason::FetchingBusy,
            Self::ContentTypeUnsupported => Reason::SectorContentType,
            Self::Malformed => Reason::SectorMalformed,
            Self::Panicked => Reason::SectorPanicked,
            Self::Redirected => Reason::SectorRedirected,
            Self::StatusUnexpected => Reason::SectorStatus,
            Self::TimedOut => Reason::SectorTimedOut,
            Self::Unreachable => Reason::SectorUnreachable,
        }
    }
}
