//! Which endpoint is at which path, and the answer to whatever arrives there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http::Method;

use super::authorize::{self, Authorize};
use super::builder::BuildError;
use super::context::Arrival;
use super::core::Core;
use super::{backchannel, device, introspect, pushed, register, revoke, scope, token, userinfo};
use crate::error::Reason;
use crate::event::{Endpoint, EventKind};
use crate::wire::cors::{self, AllowedOrigins};
use crate::wire::{Request, Response, reply};

/// The paths of the endpoints that are turned on, the issuer's path included.
#[derive(Debug, Default)]
pub(crate) struct Routes(Vec<(Endpoint, String)>);

impl Routes {
    /// The routes of a provider as it was built.
    ///
    /// # Errors
    /// [`BuildError::Path`] and [`BuildError::Twice`].
    pub(super) fn of(core: &Core) -> Result<Self, BuildError> {
        let (issuer, paths, on) = (core.config.issuer.path(), &core.config.paths, &core.switches);
        let mut routes = vec![
            // RFC 8414 section 3.1 puts the issuer's path behind, OpenID Connect Discovery before.
            (Endpoint::Discovery, format!("/.well-known/oauth-authorization-server{issuer}")),
            (Endpoint::Jwks, below(issuer, &paths.jwks)?),
        ];
        if core.signs_in() {
            routes.push((Endpoint::Discovery, format!("{issuer}/.well-known/openid-configuration")));
            routes.push((Endpoint::Authorization, below(issuer, &paths.authorization)?));
            routes.push((Endpoint::Userinfo, below(issuer, &paths.userinfo)?));
        }
        if on.session_management {
            routes.push((Endpoint::CheckSession, below(issuer, &paths.check_session)?));
        }
        if !core.grants.is_empty() {
            routes.push((Endpoint::Token, below(issuer, &paths.token)?));
        }
        if on.rp_initiated_logout {
            routes.push((Endpoint::EndSession, below(issuer, &paths.end_session)?));
        }
        if on.introspection {
            routes.push((Endpoint::Introspection, below(issuer, &paths.introspection)?));
        }
        if core.pushed_requests.is_some() {
            routes.push((Endpoint::PushedAuthorization, below(issuer, &paths.pushed_authorization)?));
        }
        if core.backchannel.is_some() {
            let path = below(issuer, &paths.backchannel_authentication)?;
            routes.push((Endpoint::BackchannelAuthentication, path));
        }
        if on.device_authorization {
            routes.push((Endpoint::DeviceAuthorization, below(issuer, &paths.device_authorization)?));
            routes.push((Endpoint::DeviceVerification, below(issuer, &paths.device_verification)?));
        }
        if core.registration.is_some() {
            routes.push((Endpoint::Registration, below(issuer, &paths.registration)?));
        }
        if on.revocation {
            routes.push((Endpoint::Revocation, below(issuer, &paths.revocation)?));
        }
        for path in core.resource_documents.paths() {
            routes.push((Endpoint::ResourceMetadata, below("", path)?));
        }
        for (at, (_, path)) in routes.iter().enumerate() {
            if routes.iter().skip(at + 1).any(|(_, other)| other == path) {
                return Err(BuildError::Twice { name: path.clone() });
            }
        }
        Ok(Self(routes))
    }

    /// The endpoint at exactly this path: nothing is folded, decoded or trimmed (attack 327).
    pub(super) fn endpoint(&self, path: &str) -> Option<Endpoint> {
        self.0.iter().find(|(_, known)| known == path).map(|(endpoint, _)| *endpoint)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Endpoint, &str)> {
        self.0.iter().map(|(endpoint, path)| (*endpoint, path.as_str()))
    }
}

/// A path below the issuer's, if it is one that every router reads alike.
fn below(issuer: &str, path: &str) -> Result<String, BuildError> {
    let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/".contains(&b));
    let segments_fit = path.split('/').skip(1).all(|segment| !matches!(segment, "" | "." | ".."));
    if plain && path.starts_with('/') && segments_fit {
        return Ok(format!("{issuer}{path}"));
    }
    Err(BuildError::Path { path: path.to_owned() })
}

/// Answers a request to any endpoint. A panic becomes a 500 (attack 332).
pub(super) async fn handle(core: &Arc<Core>, request: &Request) -> Authorize {
    let endpoint = endpoint_of(core, request);
    let work = dispatch(core, endpoint, request);
    scope::caught(core, endpoint, work, || Authorize::Respond(panicked(core, endpoint))).await
}

/// The endpoint that a request is for.
pub(super) fn endpoint_of(core: &Core, request: &Request) -> Endpoint {
    core.routes.endpoint(request.uri().path()).unwrap_or(Endpoint::Unknown)
}

/// The answer after a panic. What panicked may be the host's own page or event sink, so that its part in the answer
/// may panic again and must not matter.
pub(super) fn panicked(core: &Core, endpoint: Endpoint) -> Response {
    let refused = catch_unwind(AssertUnwindSafe(|| refuse(core, endpoint, Reason::HandlerPanicked)));
    refused.unwrap_or_else(|_| reply::error_json(Reason::HandlerPanicked))
}

/// Answers a request to any endpoint, without a net.
///
/// Each endpoint's future is boxed by itself: allocating one of all their sizes would cost more than the two.
pub(super) async fn dispatch(core: &Arc<Core>, endpoint: Endpoint, request: &Request) -> Authorize {
    Authorize::Respond(match endpoint {
        Endpoint::Authorization => return Box::pin(authorize::open(core, request)).await,
        Endpoint::EndSession => return Authorize::LogOut,
        Endpoint::DeviceVerification => return Authorize::VerifyDevice,
        Endpoint::BackchannelAuthentication => Box::pin(backchannel::respond(core, request)).await,
        Endpoint::CheckSession => check_session(core, request),
        Endpoint::DeviceAuthorization => Box::pin(device::respond(core, request)).await,
        Endpoint::Discovery | Endpoint::Jwks => document(core, endpoint, request),
        Endpoint::Introspection => Box::pin(introspect::respond(core, request)).await,
        Endpoint::PushedAuthorization => Box::pin(pushed::respond(core, request)).await,
        Endpoint::Registration => Box::pin(register::respond(core, request)).await,
        Endpoint::ResourceMetadata => resource_metadata(core, request),
        Endpoint::Revocation => Box::pin(revoke::respond(core, request)).await,
        Endpoint::Token => Box::pin(token::respond(core, request)).await,
        Endpoint::Userinfo => Box::pin(userinfo::respond(core, request)).await,
        _ => refuse(core, Endpoint::Unknown, Reason::NotFound),
    })
}

/// Metadata and keys: for everybody, of any origin.
fn document(core: &Core, endpoint: Endpoint, request: &Request) -> Response {
    if let Some(preflight) = cors::preflight(request, "GET, HEAD") {
        return preflight;
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        refuse(core, endpoint, Reason::MethodNotAllowed);
        return reply::method_not_allowed("GET, HEAD");
    }
    let made = core.documents.current(core);
    let document = if endpoint == Endpoint::Jwks { &made.jwks } else { &made.metadata };
    let mut response = document.answer(request);
    cors::allow(response.headers_mut(), None, AllowedOrigins::Any);
    response
}

/// The metadata of a resource: for everybody, of any origin.
fn resource_metadata(core: &Core, request: &Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        refuse(core, Endpoint::ResourceMetadata, Reason::MethodNotAllowed);
    }
    let answer = core.resource_documents.answer(request);
    answer.unwrap_or_else(|| refuse(core, Endpoint::Unknown, Reason::NotFound))
}

/// The page that clients load in a frame: the same for everybody.
fn check_session(core: &Core, request: &Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        refuse(core, Endpoint::CheckSession, Reason::MethodNotAllowed);
        return reply::method_not_allowed("GET, HEAD");
    }
    core.documents.current(core).check_session.answer(request)
}

/// A refusal that no endpoint's own code makes.
pub(super) fn refuse(core: &Core, endpoint: Endpoint, reason: Reason) -> Response {
    let arrival = Arrival::at(endpoint, core);
    let cx = arrival.context();
    cx.emit(&cx.event(EventKind::Refused(reason)));
    match endpoint {
        Endpoint::Authorization | Endpoint::DeviceVerification | Endpoint::EndSession => {
            authorize::show(core, reason)
        }
        _ => {
            let mut response = reply::error_json(reason);
            core.comeback.tell(&mut response);
            response
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::entropy::OsEntropy;
    use crate::jose::{Keyring, SigningAlg};
    use crate::provider::{Config, EndpointPaths, Provider, ProviderBuilder};
    use crate::secret::SystemSecrets;
    use crate::store::Stores;
    use crate::store::memory::MemoryStore;
    use crate::testing::AccountTable;

    fn provider(issuer: &str, paths: EndpointPaths) -> ProviderBuilder {
        let config = Config::new(issuer.parse().unwrap()).with_paths(paths);
        let keyring = Keyring::generate(&[SigningAlg::Es256]).unwrap();
        let secrets = SystemSecrets::generate(&OsEntropy).unwrap();
        Provider::builder(config, Stores::of(Arc::new(MemoryStore::new())), keyring, secrets)
            .accounts(Arc::new(AccountTable::default()))
            .with_authorization_code()
    }

    /// attack 327: a path is an endpoint's to the byte, or nobody's.
    #[test]
    fn only_the_exact_path_is_an_endpoint() {
        let provider = provider("https://op.example/t", EndpointPaths::default()).build().unwrap();
        assert_eq!(provider.route("/t/authorize"), Some(Endpoint::Authorization));
        assert_eq!(provider.route("/t/.well-known/openid-configuration"), Some(Endpoint::Discovery));
        assert_eq!(provider.route("/.well-known/oauth-authorization-server/t"), Some(Endpoint::Discovery));
        for path in [
            "/authorize",
            "/t/authorize/",
            "//t/authorize",
            "/t//authorize",
            "/t/AUTHORIZE",
            "/t/authorize%2f",
            "/t/%61uthorize",
            "/t/./authorize",
            "/t/.well-known/oauth-authorization-server",
            "",
        ] {
            assert_eq!(provider.route(path), None, "{path}");
        }
    }

    #[test]
    fn paths_that_routers_read_differently_are_refused() {
        for path in ["", "authorize", "/a/", "/a//b", "/a/../b", "/{id}", "/a b", "/a?b", "/%61", "/:x", "/*"]
        {
            let paths = EndpointPaths { authorization: path.to_owned(), ..EndpointPaths::default() };
            let refused = provider("https://op.example", paths).build().unwrap_err();
            assert_eq!(refused, BuildError::Path { path: path.to_owned() });
        }
        let twice = EndpointPaths { userinfo: "/jwks".to_owned(), ..EndpointPaths::default() };
        let refused = provider("https://op.example", twice).build().unwrap_err();
        assert_eq!(refused, BuildError::Twice { name: "/jwks".to_owned() });
    }
}
