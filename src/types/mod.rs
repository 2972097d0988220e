//! Vocabulary: values that parse and print, and do nothing else.

mod actor;
mod authentication;
mod authorization_details;
mod claims;
mod client_id_url;
mod confirmation;
mod fetch_url;
mod grant_type;
mod http_uri;
mod id;
mod interaction;
mod introspection;
mod issuer;
pub mod json;
mod language;
mod params;
mod redirect_uri;
mod remembered;
mod request_uri;
mod resource;
mod response;
mod scope;

pub use actor::{Actor, Actors, InvalidActors, MAX_ACTORS};
pub use authentication::Authentication;
pub use authorization_details::{
    AuthorizationDetail, AuthorizationDetails, InvalidAuthorizationDetails, MAX_AUTHORIZATION_DETAILS,
    MAX_AUTHORIZATION_DETAILS_BYTES,
};
pub use claims::{ClaimRequest, Claims, ClaimsRequest, InvalidClaims, MAX_CLAIMS_BYTES, scope_claims};
pub use client_id_url::ClientIdUrl;
pub use confirmation::{Confirmation, InvalidThumbprint, Thumbprint};
pub use fetch_url::{FetchUrl, InvalidFetchUrl, MAX_FETCH_URL_BYTES};
pub use grant_type::GrantType;
pub use http_uri::{HttpUri, InvalidHttpUri, MAX_HTTP_URI_BYTES};
pub use id::{CLIENT_SUBJECT_PREFIX, ClientId, GrantId, InvalidId, KeyId, MAX_ID_BYTES, SessionId, Subject};
pub use interaction::{Display, InvalidInteraction, Prompt, Prompts};
pub use introspection::Introspection;
pub use issuer::{InvalidIssuer, Issuer};
pub use language::{InvalidLanguageTag, LanguageTag};
pub(crate) use params::form_component;
pub use params::{MAX_FORM_BYTES, MAX_PARAMS, Params};
pub use redirect_uri::{InvalidRedirectUri, MAX_REDIRECT_URI_BYTES, RedirectUri};
pub(crate) use redirect_uri::{is_plain_host, is_rfc3986_text};
pub(crate) use remembered::Remembered;
pub use request_uri::{InvalidRequestUri, MAX_REQUEST_URI_BYTES, RequestUri};
pub use resource::{InvalidResource, MAX_RESOURCE_BYTES, Resource};
pub use response::{ResponseMode, ResponseType, UnknownResponse};
pub use scope::{InvalidScope, Scope};
