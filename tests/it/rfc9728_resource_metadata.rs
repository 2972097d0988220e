//! RFC 9728: the metadata of protected resources, where it is, and who is led to it.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::error::Reason;
use vouchsafe::event::Endpoint;
use vouchsafe::provider::{BuildError, Config, Provider};
use vouchsafe::secret::SystemSecrets;
use vouchsafe::store::Stores;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::testing::{Harness, ISSUER, Outcome, keyring};
use vouchsafe::wire::challenge::{self, Challenge};
use vouchsafe::wire::{Request, ResourceMetadata};

fn photos() -> ResourceMetadata {
    ResourceMetadata::new("https://op.example/photos")
        .unwrap()
        .with_scopes(["photos.read"])
        .with_jwks_uri("https://op.example/photos/jwks")
        .with_signing_algs(["ES256"])
        .with_name("Photos")
        .with("resource_name#de", "Fotos")
        .with_documentation("https://op.example/photos/docs")
        .with_policy_uri("https://op.example/photos/policy")
        .with_tos_uri("https://op.example/photos/tos")
        .with_authorization_details_types(["album"])
        .with_dpop_algs(["ES256"])
        .with_dpop_required()
        .with_certificate_bound_tokens()
}

fn serving(all: Vec<ResourceMetadata>) -> Harness {
    let add = |builder: vouchsafe::provider::ProviderBuilder| {
        all.into_iter().fold(builder, vouchsafe::provider::ProviderBuilder::with_resource_metadata)
    };
    Harness::builder().provider(add).build()
}

fn request(method: Method, path: &str) -> Request {
    http::Request::builder().method(method).uri(format!("{ISSUER}{path}")).body(Bytes::new()).unwrap()
}

fn ask(h: &Harness, method: Method, path: &str) -> Outcome {
    h.answer(request(method, path))
}

/// Sections 2 and 3: every member, at the well-known path, for any origin.
#[test]
fn the_provider_serves_the_metadata_of_resources_beside_it() {
    let h = serving(vec![photos()]);
    let path = "/.well-known/oauth-protected-resource/photos";
    let answer = ask(&h, Method::GET, path).accepted();
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=600"));
    assert_eq!(
        answer.json(),
        json!({
            "resource": "https://op.example/photos",
            "authorization_servers": [ISSUER],
            "bearer_methods_supported": ["header"],
            "scopes_supported": ["photos.read"],
            "jwks_uri": "https://op.example/photos/jwks",
            "resource_signing_alg_values_supported": ["ES256"],
            "resource_name": "Photos",
            "resource_name#de": "Fotos",
            "resource_documentation": "https://op.example/photos/docs",
            "resource_policy_uri": "https://op.example/photos/policy",
            "resource_tos_uri": "https://op.example/photos/tos",
            "authorization_details_types_supported": ["album"],
            "dpop_signing_alg_values_supported": ["ES256"],
            "dpop_bound_access_tokens_required": true,
            "tls_client_certificate_bound_access_tokens": true,
        })
    );
    assert_eq!(h.provider().route(path), Some(Endpoint::ResourceMetadata));
    let head = ask(&h, Method::HEAD, path).accepted();
    assert!(head.response.body().is_empty());
    let mut known = request(Method::GET, path);
    known.headers_mut().insert("if-none-match", answer.header("etag").unwrap().parse().unwrap());
    assert_eq!(h.answer(known).response.status(), StatusCode::NOT_MODIFIED);
    let posted = ask(&h, Method::POST, path);
    assert_eq!(posted.response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(vouchsafe::testing::refusals(&posted.events), [Reason::MethodNotAllowed]);
}

/// Section 4: the other way round, discovery names the resources.
#[test]
fn discovery_lists_the_resources() {
    let metadata = |h: &Harness| ask(h, Method::GET, "/.well-known/oauth-authorization-server").json();
    let h = serving(vec![photos(), ResourceMetadata::new(ISSUER).unwrap()]);
    assert_eq!(metadata(&h)["protected_resources"], json!(["https://op.example/photos", ISSUER]));
    assert_eq!(metadata(&Harness::new()).get("protected_resources"), None);
}

/// attack 327: a path is a resource's to the byte, or nobody's.
#[test]
fn only_the_exact_path_has_metadata() {
    let h = serving(vec![photos()]);
    for path in [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/",
        "/.well-known/oauth-protected-resource/photos/",
        "/.well-known/oauth-protected-resource/photos/7",
        "/.well-known/oauth-protected-resource/%70hotos",
        "/photos/.well-known/oauth-protected-resource",
    ] {
        let _ = ask(&h, Method::GET, path).rejected(Reason::NotFound);
    }
    let _ =
        ask(&Harness::new(), Method::GET, "/.well-known/oauth-protected-resource").rejected(Reason::NotFound);
}

/// Section 5.1: who comes without a token that does is led to the metadata of the nearest resource.
#[test]
fn a_challenge_leads_to_the_metadata() {
    let led = |h: &Harness| {
        let refused = h.userinfo("nothing").challenged(Reason::AccessTokenInvalid);
        let challenge =
            challenge::parse(&refused.header("www-authenticate").unwrap().parse().unwrap()).unwrap();
        challenge[0].parameter("resource_metadata").map(str::to_owned)
    };
    assert_eq!(led(&Harness::new()), None);
    assert_eq!(led(&serving(vec![photos()])), None, "userinfo is no part of it");
    let origin = ResourceMetadata::new(ISSUER).unwrap();
    let well_known = "https://op.example/.well-known/oauth-protected-resource".to_owned();
    assert_eq!(led(&serving(vec![origin.clone()])), Some(well_known.clone()));
    let own = ResourceMetadata::new("https://op.example/userinfo").unwrap();
    assert_eq!(led(&serving(vec![own, origin])), Some(format!("{well_known}/userinfo")));
    let header = Challenge::bearer("api").with_resource_metadata(&photos().metadata_url()).header_value();
    assert_eq!(
        header,
        "Bearer realm=\"api\", resource_metadata=\"https://op.example/.well-known/oauth-protected-resource/photos\""
    );
}

/// A resource server serves its own by itself, and may name several servers.
#[test]
fn a_resource_server_answers_by_itself() {
    let metadata = ResourceMetadata::new("https://rs.example/a")
        .unwrap()
        .with_authorization_server(&"https://op.example/one".parse().unwrap())
        .with_authorization_server(&"https://op.example/two".parse().unwrap());
    let answer = metadata.answer(&request(Method::GET, &metadata.path()));
    let body: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(body["authorization_servers"], json!(["https://op.example/one", "https://op.example/two"]));
    assert_eq!(body["resource"], "https://rs.example/a");
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    assert_eq!(metadata.answer(&request(Method::POST, "/")).status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[test]
fn a_resource_of_another_host_is_not_served_here() {
    let build = |all: Vec<ResourceMetadata>| {
        let config = Config::new(ISSUER.parse().unwrap());
        let secrets = SystemSecrets::generate(&OsEntropy).unwrap();
        let stores = Stores::of(Arc::new(MemoryStore::new()));
        let builder = Provider::builder(config, stores, keyring(), secrets);
        all.into_iter().fold(builder, vouchsafe::provider::ProviderBuilder::with_resource_metadata).build()
    };
    for resource in ["https://rs.example/a", "https://op.example:8443/a", "https://op.example/a?b=c"] {
        let refused = build(vec![ResourceMetadata::new(resource).unwrap()]).unwrap_err();
        assert_eq!(refused, BuildError::Resource { resource: resource.to_owned() });
    }
    let twice = build(vec![photos(), photos()]).unwrap_err();
    let path = "/.well-known/oauth-protected-resource/photos".to_owned();
    assert_eq!(twice, BuildError::Twice { name: path });
    let slash = build(vec![ResourceMetadata::new("https://op.example/a/").unwrap()]).unwrap_err();
    assert!(matches!(slash, BuildError::Path { .. }), "{slash:?}");
}
