//! The provider as routes of axum.

use axum::Router;
use axum::body::Body;
use axum::routing::any_service;

use super::tower::MountService;
use crate::provider::Mount;
use crate::wire::Response;

/// The provider's endpoints, at the paths that follow from its issuer, to [merge](Router::merge) into a host's router.
///
/// The paths are whole: they begin with the path of the issuer, and those of metadata stand where RFC 8414 section 3.1
/// wants them. So the router is merged at the root, never nested. Every method of these paths is the provider's.
#[expect(clippy::needless_pass_by_value, reason = "a host mounts it once and is done with it")]
pub fn router<S: Clone + Send + Sync + 'static>(mount: Mount) -> Router<S> {
    let service = MountService::new(mount.clone());
    let paths = mount.provider().paths();
    paths.fold(Router::new(), |router, (_, path)| router.route(path, any_service(service.clone())))
}

/// A response of the provider as one of axum, for the host's pages that hand one on.
#[must_use]
pub fn response(response: Response) -> axum::response::Response {
    response.map(Body::from)
}
