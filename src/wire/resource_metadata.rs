//! Protected resource metadata (RFC 9728): what a resource server says about itself.

use serde_json::{Map, Value};
use url::{Host, Url};

use super::cors::{self, AllowedOrigins};
use super::reply::Document;
use super::{Request, Response};
use crate::types::{Issuer, Resource};

/// What comes between the host and the path of a resource (RFC 9728 section 3).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// For how long the document may be kept: 10 minutes.
const CACHE_CONTROL: &str = "public, max-age=600";

/// A text that is no identifier of a resource with metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a resource with metadata must be an https url (http for loopback hosts only) in its normal form, without fragment"
)]
pub struct InvalidResourceUrl;

/// The metadata of one protected resource (RFC 9728 section 2), to be served at [`path`](ResourceMetadata::path) of its
/// host: by a resource server itself through [`answer`](ResourceMetadata::answer), or by a provider on the same host.
///
/// ```
/// use vouchsafe::wire::ResourceMetadata;
///
/// let photos = ResourceMetadata::new("https://api.example/photos")?
///     .with_authorization_server(&"https://op.example".parse()?)
///     .with_scopes(["photos.read", "photos.write"])
///     .with_documentation("https://api.example/docs");
/// assert_eq!(photos.path(), "/.well-known/oauth-protected-resource/photos");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct ResourceMetadata {
    url: Url,
    members: Map<String, Value>,
}

impl ResourceMetadata {
    /// The metadata of `resource`. Bearer tokens are taken in the header alone, unless it says otherwise.
    ///
    /// # Errors
    /// [`InvalidResourceUrl`]: RFC 9728 section 1.2 demands an https URL without fragment.
    pub fn new(resource: &str) -> Result<Self, InvalidResourceUrl> {
        let url = Url::parse(resource).map_err(|_| InvalidResourceUrl)?;
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        let secure = url.scheme() == "https" || (url.scheme() == "http" && loopback);
        let normal =
            url.as_str() == resource || (url.path() == "/" && url.as_str() == format!("{resource}/"));
        let anonymous = url.username().is_empty() && url.password().is_none();
        if !(secure && normal && anonymous && Resource::parse(resource).is_ok()) {
            return Err(InvalidResourceUrl);
        }
        let mut members = Map::new();
        members.insert("resource".to_owned(), resource.into());
        Ok(Self { url, members }.with_bearer_methods(["header"]))
    }

    /// The identifier of the resource.
    #[must_use]
    pub fn resource(&self) -> &str {
        self.members.get("resource").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether it names the servers whose tokens it takes.
    #[must_use]
    pub fn names_authorization_servers(&self) -> bool {
        self.members.contains_key("authorization_servers")
    }

    /// One more server whose tokens it takes.
    pub fn with_authorization_server(mut self, issuer: &Issuer) -> Self {
        let servers = self.members.entry("authorization_servers").or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(servers) = servers {
            servers.push(issuer.as_str().into());
        }
        self
    }

    /// Where its own public keys are: those by which it signs responses, and those that tokens are encrypted to.
    pub fn with_jwks_uri(self, jwks_uri: impl Into<String>) -> Self {
        self.with("jwks_uri", jwks_uri.into())
    }

    /// The scopes to ask for.
    pub fn with_scopes<T: Into<String>>(self, scopes: impl IntoIterator<Item = T>) -> Self {
        self.with_list("scopes_supported", scopes)
    }

    /// How it takes bearer tokens: `header`, `body`, `query`; none where it takes none. Default `header`.
    pub fn with_bearer_methods<T: Into<String>>(self, methods: impl IntoIterator<Item = T>) -> Self {
        // Here a list of nothing says something (RFC 9728 section 2).
        let methods: Vec<String> = methods.into_iter().map(Into::into).collect();
        self.with("bearer_methods_supported", methods)
    }

    /// The algorithms by which it signs responses.
    pub fn with_signing_algs<T: Into<String>>(self, algs: impl IntoIterator<Item = T>) -> Self {
        self.with_list("resource_signing_alg_values_supported", algs)
    }

    /// Its name, for people.
    pub fn with_name(self, name: impl Into<String>) -> Self {
        self.with("resource_name", name.into())
    }

    /// Where developers read about it.
    pub fn with_documentation(self, url: impl Into<String>) -> Self {
        self.with("resource_documentation", url.into())
    }

    /// Where its rules for the use of its data are.
    pub fn with_policy_uri(self, url: impl Into<String>) -> Self {
        self.with("resource_policy_uri", url.into())
    }

    /// Where its terms of service are.
    pub fn with_tos_uri(self, url: impl Into<String>) -> Self {
        self.with("resource_tos_uri", url.into())
    }

    /// Its tokens are bound to the client's TLS certificate (RFC 8705).
    pub fn with_certificate_bound_tokens(self) -> Self {
        self.with("tls_client_certificate_bound_access_tokens", true)
    }

    /// The types of authorization details that it knows (RFC 9396).
    pub fn with_authorization_details_types<T: Into<String>>(
        self,
        types: impl IntoIterator<Item = T>,
    ) -> Self {
        self.with_list("authorization_details_types_supported", types)
    }

    /// The algorithms of the DPoP proofs that it takes (RFC 9449).
    pub fn with_dpop_algs<T: Into<String>>(self, algs: impl IntoIterator<Item = T>) -> Self {
        self.with_list("dpop_signing_alg_values_supported", algs)
    }

    /// It takes no token without a DPoP proof.
    pub fn with_dpop_required(self) -> Self {
        self.with("dpop_bound_access_tokens_required", true)
    }

    /// One more member, such as a text in another language (`resource_name#de`, RFC 9728 section 2.1) or one that a later
    /// specification defines. The identifier itself cannot be replaced.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if name != "resource" || !self.members.contains_key(name) {
            self.members.insert(name.to_owned(), value.into());
        }
        self
    }

    /// A member of texts, which is left out where there are none (RFC 9728 section 3.2).
    fn with_list<T: Into<String>>(mut self, name: &str, texts: impl IntoIterator<Item = T>) -> Self {
        let texts: Vec<String> = texts.into_iter().map(Into::into).collect();
        if texts.is_empty() {
            self.members.remove(name);
            return self;
        }
        self.with(name, texts)
    }

    /// The path at which the document is on the resource's host: the well-known part comes before that of the resource,
    /// of which a slash alone is left out (RFC 9728 section 3.1).
    #[must_use]
    pub fn path(&self) -> String {
        let path = if self.url.path() == "/" { "" } else { self.url.path() };
        format!("{WELL_KNOWN}{path}")
    }

    /// Scheme, host and port of the resource.
    #[must_use]
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The query of the resource, which the document's URL has too.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.url.query()
    }

    /// The URL of the document: what
    /// [`Challenge::with_resource_metadata`](super::challenge::Challenge::with_resource_metadata) tells clients.
    #[must_use]
    pub fn metadata_url(&self) -> String {
        let query = self.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}{}{query}", self.origin(), self.path())
    }

    /// The document as JSON.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Value::Object(self.members.clone())
    }

    /// The document as it is served, made once.
    #[must_use]
    pub fn document(&self) -> Document {
        Document::new("application/json", CACHE_CONTROL, self.to_value().to_string())
    }

    /// The answer to a request for the document: to anybody, of any origin.
    #[must_use]
    pub fn answer(&self, request: &Request) -> Response {
        answer(&self.document(), request)
    }
}

/// The answer to a request for a document that everybody may read.
pub(crate) fn answer(document: &Document, request: &Request) -> Response {
    if let Some(preflight) = cors::preflight(request, "GET, HEAD") {
        return preflight;
    }
    let mut response = document.answer(request);
    cors::allow(response.headers_mut(), None, AllowedOrigins::Any);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_part_comes_before_the_path() {
        for (resource, url) in [
            ("https://rs.example", "https://rs.example/.well-known/oauth-protected-resource"),
            ("https://rs.example/", "https://rs.example/.well-known/oauth-protected-resource"),
            ("https://rs.example/a/b", "https://rs.example/.well-known/oauth-protected-resource/a/b"),
            ("https://rs.example:8443/a/", "https://rs.example:8443/.well-known/oauth-protected-resource/a/"),
            ("https://rs.example/a?b=c", "https://rs.example/.well-known/oauth-protected-resource/a?b=c"),
            ("https://rs.example/?b=c", "https://rs.example/.well-known/oauth-protected-resource?b=c"),
            ("http://127.0.0.1:1/a", "http://127.0.0.1:1/.well-known/oauth-protected-resource/a"),
        ] {
            let metadata = ResourceMetadata::new(resource).unwrap();
            assert_eq!((metadata.resource(), metadata.metadata_url().as_str()), (resource, url));
        }
    }

    #[test]
    fn only_an_https_url_in_its_normal_form_has_metadata() {
        for resource in [
            "",
            "urn:example:rs",
            "http://rs.example",
            "https://rs.example/#a",
            "https://u@rs.example/",
            "https://:p@rs.example/",
            "HTTPS://rs.example",
            "https://rs.example:443/",
            "https://rs.example/a/../b",
            "https://rs.example/a b",
            "https://",
        ] {
            assert_eq!(ResourceMetadata::new(resource), Err(InvalidResourceUrl), "{resource}");
        }
    }

    #[test]
    fn the_identifier_stays_and_empty_lists_are_left_out() {
        let metadata = ResourceMetadata::new("https://rs.example").unwrap();
        let metadata = metadata.with("resource", "https://evil.example").with_scopes(["a"]);
        let metadata = metadata.with_scopes(Vec::<String>::new()).with_bearer_methods(Vec::<String>::new());
        let expected = serde_json::json!({"resource": "https://rs.example", "bearer_methods_supported": []});
        assert_eq!(metadata.to_value(), expected);
    }
}
