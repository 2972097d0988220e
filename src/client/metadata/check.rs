//! What of a client's metadata goes together, and what never does.

use url::Url;

use super::{ClientMetadata, RequestObjectAlg};
use crate::client::localized::MAX_LOCALIZED;
use crate::client::{ClientAuthMethod, IdTokenAlg, InvalidClient, MAX_REDIRECT_URIS};
use crate::types::{GrantType, RedirectUri, is_plain_host, is_rfc3986_text};

/// Most bytes in the address of a page of the client's.
const MAX_PAGE_BYTES: usize = 2048;

/// Most types of authorization details.
const MAX_DETAILS_TYPES: usize = 50;

/// Most addresses of request objects.
const MAX_REQUEST_URIS: usize = 50;

/// Grants that are only for clients that authenticate (RFC 6749 section 4.4, CIBA Core section 7.1), and what others are told.
const OF_CONFIDENTIAL_CLIENTS: [(GrantType, &str); 3] = [
    (GrantType::Ciba, "backchannel authentication needs a client that authenticates"),
    (GrantType::ClientCredentials, "client_credentials needs a client that authenticates"),
    (GrantType::TokenExchange, "token exchange needs a client that authenticates"),
];

impl ClientMetadata {
    pub(in crate::client) fn check(&self) -> Result<(), InvalidClient> {
        let refuse = |member, problem| Err(InvalidClient { member, problem });
        if self.redirect_uris.len() > MAX_REDIRECT_URIS {
            return refuse("redirect_uris", "at most 50");
        }
        if self.post_logout_redirect_uris.len() > MAX_REDIRECT_URIS {
            return refuse("post_logout_redirect_uris", "at most 50");
        }
        if self.redirect_uris.is_empty() && !self.response_types.is_empty() {
            return refuse("redirect_uris", "needed by every response type");
        }
        self.check_flows()?;
        let public = self.token_endpoint_auth_method == ClientAuthMethod::None;
        for (grant_type, problem) in OF_CONFIDENTIAL_CLIENTS {
            if public && self.grant_types.contains(&grant_type) {
                return refuse("grant_types", problem);
            }
        }
        if self.jwks.is_some() && self.jwks_uri.is_some() {
            return refuse("jwks_uri", "not beside jwks");
        }
        let keyless = self.jwks.is_none() && self.jwks_uri.is_none();
        if self.token_endpoint_auth_method == ClientAuthMethod::PrivateKeyJwt && keyless {
            return refuse("jwks", "needed by private_key_jwt, or else jwks_uri");
        }
        self.check_assertion_alg()?;
        self.check_certificates()?;
        let types = &self.authorization_details_types;
        if types.len() > MAX_DETAILS_TYPES || types.iter().any(|name| !(1..=256).contains(&name.len())) {
            return refuse("authorization_details_types", "at most 50, of 1 to 256 bytes");
        }
        self.check_backchannel()?;
        self.check_request_objects()?;
        self.check_encryption()?;
        if let Some(uri) = &self.frontchannel_logout_uri {
            let origin = |text: &str| Url::parse(text).ok().map(|url| url.origin().ascii_serialization());
            let of_uri = origin(uri.as_str());
            if !self.redirect_uris.iter().any(|redirect| origin(redirect.as_str()) == of_uri) {
                return refuse("frontchannel_logout_uri", "of the origin of a redirect uri");
            }
        }
        self.check_shown()
    }

    /// What the response types demand of the rest.
    fn check_flows(&self) -> Result<(), InvalidClient> {
        let refuse = |member, problem| Err(InvalidClient { member, problem });
        let uses_code = self.response_types.iter().any(|response_type| response_type.has_code());
        if uses_code != self.grant_types.contains(&GrantType::AuthorizationCode) {
            return refuse("grant_types", "authorization_code goes with the response types that have a code");
        }
        let uses_implicit = self.response_types.iter().any(|known| known.has_front_channel_token());
        if uses_implicit && !self.grant_types.contains(&GrantType::Implicit) {
            return refuse("grant_types", "implicit goes with the response types that have a token");
        }
        // Any program may take what is sent to a loopback port or a scheme, and no challenge protects a token
        // (RFC 8252 section 8.2, OpenID Connect Dynamic Client Registration 1.0 section 2).
        if uses_implicit && self.redirect_uris.iter().any(RedirectUri::is_native) {
            return refuse("redirect_uris", "https and not of loopback where a response type has a token");
        }
        // Nothing would vouch for a token that came through a browser (OpenID Connect Dynamic Client Registration 1.0
        // section 2).
        let in_front = self.response_types.iter().any(|response_type| response_type.has_id_token());
        if in_front && self.id_token_signed_response_alg == IdTokenAlg::DangerousNone {
            return refuse(
                "id_token_signed_response_alg",
                "none only where no response type has an id token",
            );
        }
        Ok(())
    }

    /// What people are shown of the client, in every language.
    fn check_shown(&self) -> Result<(), InvalidClient> {
        let refuse = |member, problem| Err(InvalidClient { member, problem });
        let pages = [
            ("client_uri", &self.client_uri),
            ("initiate_login_uri", &self.initiate_login_uri),
            ("logo_uri", &self.logo_uri),
            ("policy_uri", &self.policy_uri),
            ("tos_uri", &self.tos_uri),
        ];
        for (member, page) in pages {
            if page.as_deref().is_some_and(|page| !is_page(page)) {
                return refuse(member, "an https url of up to 2048 bytes");
            }
        }
        if self.localized.len() > MAX_LOCALIZED {
            return refuse("client_name", "at most 100 members in other languages");
        }
        for (name, _, text) in self.localized.iter() {
            if name == "client_name" && !is_plain_name(text) {
                return refuse("client_name", "up to 200 characters, none of control or text direction");
            }
            if name != "client_name" && !is_page(text) {
                return refuse("client_uri", "an https url of up to 2048 bytes, in other languages too");
            }
        }
        if self.client_name.as_deref().is_some_and(|name| !is_plain_name(name)) {
            return refuse("client_name", "up to 200 characters, none of control or text direction");
        }
        Ok(())
    }

    fn check_request_objects(&self) -> Result<(), InvalidClient> {
        let refuse = |member, problem| Err(InvalidClient { member, problem });
        if self.request_uris.len() > MAX_REQUEST_URIS {
            return refuse("request_uris", "at most 50");
        }
        let keyless = self.jwks.is_none() && self.jwks_uri.is_none();
        if keyless && matches!(self.request_object_signing_alg, Some(RequestObjectAlg::Signed(_))) {
            return refuse("jwks", "needed by request_object_signing_alg, or else jwks_uri");
        }
        if !self.require_signed_request_object {
            return Ok(());
        }
        if keyless {
            return refuse("jwks", "needed by require_signed_request_object, or else jwks_uri");
        }
        if self.request_object_signing_alg == Some(RequestObjectAlg::None) {
            return refuse("require_signed_request_object", "not beside request_object_signing_alg none");
        }
        Ok(())
    }
}

/// A URL that a host can put behind a link on its own pages: never a script.
fn is_page(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    text.len() <= MAX_PAGE_BYTES
        && is_rfc3986_text(text)
        && !authority.contains('@')
        && Url::parse(text).is_ok_and(|url| is_plain_host(&url))
}

/// Up to 200 characters, none that controls or reverses the text around it.
fn is_plain_name(name: &str) -> bool {
    let reorders = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    name.chars().count() <= 200 && !name.chars().any(|c| c.is_control() || reorders(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// attack 209: nothing that a careless page could take for more than a link.
    #[test]
    fn a_page_is_an_https_url_and_nothing_else() {
        for page in
            ["https://rp.example", "https://rp.example:8443/terms?v=1#top", "https://rp.example/%3Cb%3E"]
        {
            assert!(is_page(page), "{page}");
        }
        for page in [
            "http://rp.example/",
            "HTTPS://rp.example/",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://user@rp.example/",
            "https://:password@rp.example/",
            "https://rp.example\\@evil.example/",
            "https://rp.example/\"onerror=alert(1)",
            "https://rp.example/<script>",
            "https://rp.example/`x`",
            "https://a;b.rp.example/",
            "https://rp.example/ x",
            "https://",
        ] {
            assert!(!is_page(page), "{page}");
        }
    }
}
