use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value};
use url::Url;

use crate::client::{ClientAuthMethod, ClientMetadata, ClientSettings, IdTokenAlg, SubjectType};
use crate::event::Silent;
use crate::provider::{ClientInformation, Registration};
use crate::testing::{Harness, block_on};
use crate::types::json::parse_strict;
use crate::types::{GrantType, RedirectUri, ResponseType, Scope};
use crate::wire::MAX_BODY_BYTES;

/// Everything that a client can ask for is turned on.
static COMPLETE: LazyLock<Harness> = LazyLock::new(|| {
    Harness::builder()
        .front_channel()
        .request_objects()
        .provider(|builder| {
            let builder = builder.with_pairwise_subjects().events(Arc::new(Silent));
            builder.with_registration(
                ResponseType::ALL.into_iter().fold(Registration::open(), Registration::with_response_type),
            )
        })
        .build()
});

/// What is turned on in every harness, and within narrower bounds.
static NARROW: LazyLock<Harness> = LazyLock::new(|| {
    let bounds = Registration::open().with_scope(Scope::parse("openid email").unwrap_or_default());
    Harness::builder().provider(|builder| builder.with_registration(bounds).events(Arc::new(Silent))).build()
});

/// The JSON body of a registration.
///
/// What is accepted is within the bounds in every member, those that are absent included (attack 213); it is what is
/// kept and told, and it is accepted as it is told.
pub fn registration(data: &[u8]) {
    let Ok(Value::Object(members)) = parse_strict(data, MAX_BODY_BYTES, 8) else { return };
    let full = "openid profile email address phone offline_access";
    check(&COMPLETE, &members, (full, &ResponseType::ALL, true));
    check(&NARROW, &members, ("openid email", &[ResponseType::Code], false));
}

type Offer<'a> = (&'a str, &'a [ResponseType], bool);

fn check(h: &Harness, members: &Map<String, Value>, (scope, response_types, complete): Offer<'_>) {
    let Some(told) = registered(h, members) else { return };
    let metadata = told.metadata();
    let scope = Scope::parse(scope).expect("the constant is a scope");
    assert!(metadata.scope.is_subset(&scope), "more scope than is offered");
    assert!(metadata.response_types.iter().all(|one| response_types.contains(one)), "a response type");
    let pairwise = metadata.subject_type == SubjectType::Pairwise;
    assert!(!pairwise || complete, "pairwise, where it is off");
    assert!(metadata.sector_identifier_uri.is_none(), "nobody has answered for this sector");
    assert!(complete || metadata.request_uris.is_empty() && !metadata.require_signed_request_object);
    check_flows(metadata);
    check_proof(&told);
    check_algorithms(h, metadata);
    check_shown(metadata);
    check_kept(h, &told);
    let again = registered(h, &told.to_json()).expect("what is told is accepted");
    assert_eq!(again.metadata(), metadata, "another registration than was told");
    for registered in [&told, &again] {
        assert!(
            block_on(h.provider().administration().remove_client(registered.client_id()))
                .expect("memory answers")
        );
    }
}

fn registered(h: &Harness, members: &Map<String, Value>) -> Option<ClientInformation> {
    let outcome = block_on(h.provider().register(None, members));
    drop(h.http().take_requests());
    outcome.inspect_err(|error| assert!(error.reason().wire().0.status() == 400, "{error:?}")).ok()
}

fn check_flows(metadata: &ClientMetadata) {
    let allowed = [GrantType::AuthorizationCode, GrantType::Implicit, GrantType::RefreshToken];
    assert!(metadata.grant_types.iter().all(|one| allowed.contains(one)), "a grant type");
    let has = |grant_type: &GrantType| metadata.grant_types.contains(grant_type);
    for response_type in &metadata.response_types {
        assert!(response_type.grant_types().iter().all(has), "a response type without its grant types");
        let native = metadata.redirect_uris.iter().any(RedirectUri::is_native);
        assert!(!(response_type.has_front_channel_token() && native), "a token for whoever listens");
    }
    assert!(metadata.response_types.is_empty() || !metadata.redirect_uris.is_empty(), "nowhere to go");
    for uris in [&metadata.redirect_uris, &metadata.post_logout_redirect_uris] {
        assert!(uris.len() <= 50, "too many addresses");
        assert!(uris.iter().all(|uri| RedirectUri::register(uri.as_str()).as_ref() == Ok(uri)), "{uris:?}");
    }
}

/// How the client proves who it is, and that no secret but its own is told.
fn check_proof(told: &ClientInformation) {
    let metadata = told.metadata();
    let method = &metadata.token_endpoint_auth_method;
    assert_eq!(method.uses_secret(), told.client_secret().is_some(), "a secret where none is used");
    let keys = metadata.jwks.is_some() || metadata.jwks_uri.is_some();
    assert!(!(metadata.jwks.is_some() && metadata.jwks_uri.is_some()), "two sets of keys");
    match method {
        ClientAuthMethod::PrivateKeyJwt => assert!(keys, "no keys to authenticate with"),
        ClientAuthMethod::Extension(name) => panic!("nobody offers {name}"),
        _ => {}
    }
    let json = told.to_json();
    for key in json.get("jwks").and_then(|set| set.get("keys")?.as_array()).into_iter().flatten() {
        let private = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];
        assert!(private.iter().all(|member| key.get(member).is_none()), "a private key is told");
    }
    assert!(!json.contains_key("settings"), "a member that is no metadata");
}

fn check_algorithms(h: &Harness, metadata: &ClientMetadata) {
    let algs = h.provider().keyring().algorithms();
    let IdTokenAlg::Signed(alg) = metadata.id_token_signed_response_alg else { panic!("unsigned id tokens") };
    assert!(algs.contains(&alg), "no key for the id tokens");
    assert!(
        metadata.userinfo_signed_response_alg.is_none_or(|alg| algs.contains(&alg)),
        "no key for userinfo"
    );
    assert!(!metadata.dpop_bound_access_tokens, "bound access tokens, without proofs");
}

fn check_shown(metadata: &ClientMetadata) {
    let pages = [&metadata.client_uri, &metadata.logo_uri, &metadata.policy_uri, &metadata.tos_uri];
    let login = metadata.initiate_login_uri.as_deref();
    let (names, others): (Vec<_>, Vec<_>) =
        metadata.localized.iter().partition(|(name, ..)| *name == "client_name");
    let pages = pages.into_iter().filter_map(|page| page.as_deref()).chain(login);
    for page in pages.chain(others.into_iter().map(|(.., page)| page)) {
        let url = Url::parse(page).expect("a page has a url");
        assert!(url.scheme() == "https" && url.username().is_empty(), "{page}");
        assert!(url.host_str().is_some_and(|host| host.contains(['.', ':']) && host != "[::1]"), "{page}");
    }
    let names = names.into_iter().map(|(.., name)| name).chain(metadata.client_name.as_deref());
    for name in names {
        let turns = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(name.len() <= 200 && !name.contains(turns), "{name:?}");
    }
    for texts in [&metadata.contacts, &metadata.default_acr_values] {
        assert!(texts.len() <= 20 && texts.iter().all(|text| text.len() <= 254 && text.is_ascii()));
    }
}

/// What was told is what is kept, and the host's decisions are the host's.
fn check_kept(h: &Harness, told: &ClientInformation) {
    let kept = block_on(h.provider().client(told.client_id())).expect("memory answers");
    let kept = kept.expect("the client is there");
    assert_eq!(kept.metadata(), told.metadata(), "other metadata are kept");
    assert_eq!(*kept.settings(), ClientSettings::new(), "metadata reached the settings");
}
