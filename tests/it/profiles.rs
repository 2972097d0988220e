//! FAPI 2.0 Security Profile sections 5.3.2 and 5.4, FAPI 2.0 Message Signing section 5.3.1, FAPI-CIBA section 5.2.2, RFC 9700
//! section 2.1, RFC 8707 section 2: what a profile turns on, what contradicts it, and each requirement by itself.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use vouchsafe::client::{Client, ClientMetadata, ClientSettings, PkceRequirement};
use vouchsafe::error::Reason;
use vouchsafe::jose::{Keyring, SigningAlg};
use vouchsafe::limiter::WindowLimiter;
use vouchsafe::provider::{
    Backchannel, BuildError, CodeReuse, Config, DpopConfig, Lifetimes, MutualTls, OuterParameters,
    PkceExceptions, Profile, Provider, ProviderBuilder, PushedRequests, Registration, RequestObjectRules,
    Requirements, ResourceSettings,
};
use vouchsafe::store::Stores;
use vouchsafe::testing::certificates::{self, unverified};
use vouchsafe::testing::{
    AccountTable, AskingHost, AuthorizeForm, DEFAULT_AUDIENCE, Harness, HarnessBuilder, HttpTable,
    ManualRuntime, RESOURCE, authorize_form, code_form, keyring, object_form, reference_form, token_form,
};
use vouchsafe::types::{ClientId, GrantType, RedirectUri, ResponseType};

/// A provider that signs people in, changed, and then under `profile`.
fn built(
    profile: Profile,
    config: impl FnOnce(Config) -> Config,
    change: impl FnOnce(ProviderBuilder) -> ProviderBuilder,
) -> Result<Provider, BuildError> {
    let h = Harness::new();
    let store = Arc::new(h.store().clone());
    let stores = Stores::of(Arc::clone(&store));
    let stores = stores.with_replays(store.clone()).with_tickets(store.clone());
    let stores = stores.with_deferred(store.clone()).with_registry(store);
    let config = config(Config::new("https://op.example".parse().unwrap()));
    let builder = Provider::builder(config, stores, keyring(), h.system_secrets().clone())
        .accounts(Arc::new(AccountTable::default()))
        .runtime(Arc::new(ManualRuntime::default()))
        .http_client(Arc::new(HttpTable::default()))
        .limiter(Arc::new(WindowLimiter::for_user_codes().with_backchannel_people()))
        .with_authorization_code();
    change(builder).with_profile(profile).build()
}

fn contradicts(profile: Profile, setting: &'static str) -> BuildError {
    BuildError::Contradicts { setting, demand: profile.as_str() }
}

fn an_hour() -> ResourceSettings {
    ResourceSettings::new().with_access_token_lifetime(Duration::from_secs(3600))
}

fn asking() -> Backchannel {
    let host: Arc<AskingHost> = AskingHost::new();
    Backchannel::new(host)
}

/// The request of the client `fapi`, pushed and agreed to by alice, to be redeemed.
fn code(h: &Harness, form: &AuthorizeForm) -> String {
    let visit = h.authorize(&reference_form("fapi", &h.pushed(form)));
    visit.approved_by("alice").code()
}

fn asked() -> AuthorizeForm {
    authorize_form().client("fapi").scope("openid read")
}

/// The algorithm that a token says it is signed by.
fn alg(token: &str) -> Value {
    let header = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["alg"].clone()
}

fn demanding(requirements: Requirements) -> HarnessBuilder {
    Harness::builder().config(move |config| config.requirements = requirements)
}

#[test]
fn no_profile_has_tokens_come_through_the_browser() {
    for profile in Profile::ALL.iter().copied() {
        let refused =
            built(profile, |config| config, |builder| builder.with_response_type(ResponseType::CodeIdToken));
        assert_eq!(refused.unwrap_err(), contradicts(profile, "a response type with a token"));
        let refused = built(profile, Config::dangerous_with_redirected_errors, |builder| builder);
        assert_eq!(refused.unwrap_err(), contradicts(profile, "dangerous_redirected_errors"));
    }
}

#[test]
fn what_contradicts_fapi_is_refused_by_name() {
    type Change = fn(ProviderBuilder) -> ProviderBuilder;
    let rows: [(&str, Change); 9] = [
        ("plain authentication requests", |b| {
            b.with_backchannel_authentication(asking().with_plain_requests())
        }),
        ("a response type other than code", |b| b.with_response_type(ResponseType::None)),
        ("dangerous_allow_unsigned_id_tokens", ProviderBuilder::dangerous_allow_unsigned_id_tokens),
        ("dangerous_with_unsigned_request_objects", |b| {
            b.with_request_parameter().dangerous_with_unsigned_request_objects()
        }),
        ("device_authorization", ProviderBuilder::with_device_authorization),
        ("request_uri", ProviderBuilder::with_request_uri_parameter),
        ("registration without a software statement", |b| b.with_registration(Registration::open())),
        ("registration without a software statement", |b| {
            b.with_registration(Registration::by_initial_access_token())
        }),
        ("client_id_metadata_documents", |b| {
            b.with_client_id_metadata_documents(vouchsafe::provider::ClientDocuments::of_hosts(["a.example"]))
        }),
    ];
    for profile in [Profile::Fapi2Security, Profile::Fapi2MessageSigning] {
        for (setting, change) in rows {
            let refused = built(profile, |config| config, change).unwrap_err();
            assert_eq!(refused, contradicts(profile, setting));
        }
        let supplementing = RequestObjectRules::new().with_outer_parameters(OuterParameters::Supplementing);
        for (setting, refused) in [
            ("CodeReuse::DenyOnly", built(profile, |c| c.with_code_reuse(CodeReuse::DenyOnly), |b| b)),
            (
                "OuterParameters::Supplementing",
                built(profile, |c| c.with_request_objects(supplementing), |b| b),
            ),
            (
                "a code_lifetime over 60 seconds",
                built(profile, |c| c.with_code_lifetime(Duration::from_secs(61)), |b| b),
            ),
            (
                "access tokens of a resource over 10 minutes",
                built(profile, |c| c.with_resource(RESOURCE, an_hour()), |b| b),
            ),
            (
                "access tokens of a grant type over 10 minutes",
                built(
                    profile,
                    |c| {
                        let hour = Lifetimes::new().with_access_token(Duration::from_secs(3600));
                        c.with_grant_type_lifetimes(GrantType::ClientCredentials, hour)
                    },
                    |b| b,
                ),
            ),
            (
                "a pushed_request_lifetime of 600 seconds",
                built(profile, |c| c.with_pushed_request_lifetime(Duration::from_secs(600)), |b| b),
            ),
        ] {
            assert_eq!(refused.unwrap_err(), contradicts(profile, setting));
        }
        let secrets = built(profile, |config| config, ProviderBuilder::with_client_secret_jwt).unwrap_err();
        let demand = "asymmetric_authentication";
        assert_eq!(secrets, BuildError::Contradicts { setting: "client_secret_jwt", demand });
    }
}

#[test]
fn fapi_ciba_needs_signed_requests_and_certificates() {
    let profile = Profile::FapiCiba;
    let needs = |port| BuildError::Needs { feature: "fapi-ciba", port };
    let built =
        |change: fn(ProviderBuilder) -> ProviderBuilder| built(profile, |config| config, change).unwrap_err();
    assert_eq!(built(|builder| builder), needs("with_backchannel_authentication"));
    assert_eq!(built(|b| b.with_backchannel_authentication(asking())), needs("with_mutual_tls"));
    let plain: fn(_) -> _ =
        |b: ProviderBuilder| b.with_backchannel_authentication(asking().with_plain_requests());
    assert_eq!(built(plain), contradicts(profile, "plain authentication requests"));
    let proofs: fn(_) -> _ = |b: ProviderBuilder| b.with_dpop(DpopConfig::new());
    assert_eq!(built(proofs), contradicts(profile, "dpop"));
    let pushed: fn(_) -> _ = |b: ProviderBuilder| b.with_backchannel_authentication(asking().with_push());
    assert_eq!(built(pushed), contradicts(profile, "tokens that are pushed"));
    let nobody: fn(_) -> _ =
        |b: ProviderBuilder| b.with_backchannel_authentication(asking()).with_mutual_tls(MutualTls::new());
    let feature = "asymmetric_authentication";
    assert_eq!(built(nobody), BuildError::Needs { feature, port: "with_private_key_jwt or with_mutual_tls" });
}

#[test]
fn a_profile_needs_a_key_of_its_algorithms() {
    let h = Harness::new();
    let store = Arc::new(h.store().clone());
    let stores = Stores::of(Arc::clone(&store)).with_replays(store.clone()).with_tickets(store);
    let config = Config::new("https://op.example".parse().unwrap());
    let keys = Keyring::generate(&[SigningAlg::Rs256]).unwrap();
    let builder = Provider::builder(config, stores, keys, h.system_secrets().clone());
    let refused = builder.with_client_credentials().with_profile(Profile::Fapi2Security).build().unwrap_err();
    let port = "an active key for one of them, and one that clients may use";
    assert_eq!(refused, BuildError::Needs { feature: "signing_algs", port });
}

/// Discovery shows what is left.
#[test]
fn fapi_is_seen_in_discovery() {
    let h = Harness::builder().profile(Profile::Fapi2MessageSigning).build();
    let metadata = h.metadata();
    let algs = json!(["ES256", "PS256", "EdDSA"]);
    for name in [
        "token_endpoint_auth_signing_alg_values_supported",
        "request_object_signing_alg_values_supported",
        "dpop_signing_alg_values_supported",
    ] {
        assert_eq!(metadata[name], algs, "{name}");
    }
    for name in ["id_token_signing_alg_values_supported", "authorization_signing_alg_values_supported"] {
        assert_eq!(metadata[name], json!(["ES256"]), "{name}");
    }
    assert_eq!(metadata["token_endpoint_auth_methods_supported"], json!(["private_key_jwt"]));
    assert_eq!(metadata["response_types_supported"], json!(["code"]));
    assert_eq!(metadata["require_pushed_authorization_requests"], true);
    assert_eq!(metadata["require_signed_request_object"], true);
    assert!(metadata["response_modes_supported"].as_array().unwrap().contains(&json!("jwt")));
    let keys = h.key_set()["keys"].as_array().unwrap().clone();
    assert!(keys.iter().all(|key| key["alg"] == "ES256"), "keys that sign nothing here are not shown");
}

#[test]
fn fapi_2_goes_from_a_pushed_request_to_bound_tokens() {
    let h = Harness::builder().profile(Profile::Fapi2Security).build();
    let form = code_form(&asked(), &code(&h, &asked()));
    let unproved = h.redeem(form.clone()).rejected(Reason::DpopProofMissing);
    assert!(unproved.header("dpop-nonce").is_none(), "nonces are not required");
    let tokens = h.redeem(form.proved(&h.token_proof())).issued_as("DPoP");
    assert_eq!(tokens.expires_in, Some(600));
    assert_eq!(alg(tokens.id_token.as_deref().unwrap()), "ES256");
    let service = token_form("client_credentials").client("fapi").scope("read");
    let _ = h.redeem(service.clone()).rejected(Reason::DpopProofMissing);
    let tokens = h.redeem(service.proved(&h.token_proof())).issued_as("DPoP");
    assert_eq!((tokens.expires_in, tokens.refresh_token), (Some(600), None));
}

#[test]
fn fapi_2_refuses_what_the_defaults_allow() {
    let h = Harness::builder().profile(Profile::Fapi2Security).build();
    h.authorize(&asked()).shown(Reason::PushedRequestRequired);
    let _ = h.push(asked().client("web").to_push()).rejected(Reason::ClientMethodNotRegistered).unchanged();
    let _ = h.push(asked().client("post").to_push()).rejected(Reason::ClientMethodNotRegistered).unchanged();
    let _ = h.push(asked().client("spa").to_push()).rejected(Reason::ClientMethodNotRegistered).unchanged();
    let no_challenge = asked().without("code_challenge").without("code_challenge_method");
    let _ = h.push(no_challenge.to_push()).rejected(Reason::PkceChallengeMissing);
    let mut claims = h.assertion_claims("fapi");
    claims["aud"] = json!(["https://op.example"]);
    let listed = asked().to_push().unauthenticated();
    let listed = listed
        .set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
        .set("client_assertion", h.client_assertion(&claims));
    let _ = h.push(listed).rejected(Reason::ClientAssertionAudience);
}

#[test]
fn message_signing_takes_signed_requests_alone() {
    let h = Harness::builder().profile(Profile::Fapi2MessageSigning).build();
    let _ = h.push(asked().to_push()).rejected(Reason::RequestObjectRequired);
    let form = object_form("fapi", h.request_object(&h.object_claims(&asked())));
    let code = h.authorize(&reference_form("fapi", &h.pushed(&form))).approved_by("alice").code();
    let _ = h.redeem(code_form(&asked(), &code).proved(&h.token_proof())).issued_as("DPoP");
}

/// attack 71.
#[test]
fn a_request_object_says_for_how_long_it_is_good() {
    let bounded = Requirements::new().with_bounded_request_objects();
    let h = demanding(bounded).request_objects().build();
    let form = authorize_form().client("jar");
    let sound = h.object_claims(&form);
    let (now, hour) = (h.now().unix(), 3600);
    let object = |claims: &Value| object_form("jar", h.request_object(claims));
    for (nbf, exp) in [
        (None, Some(now + 60)),
        (Some(now), None),
        (Some(now), Some(now + hour + 1)),
        (Some(now - hour - 1), Some(now - 1)),
    ] {
        let mut claims = sound.clone();
        for (claim, value) in [("nbf", nbf), ("exp", exp)] {
            match value {
                Some(value) => claims[claim] = json!(value),
                None => drop(claims.as_object_mut().unwrap().remove(claim)),
            }
        }
        h.authorize(&object(&claims)).shown(Reason::RequestObjectUnbounded);
    }
    for (nbf, exp) in [(now, now + hour), (now - hour, now), (now + 8, now + 60)] {
        let mut claims = sound.clone();
        (claims["nbf"], claims["exp"]) = (json!(nbf), json!(exp));
        h.authorize(&object(&claims)).waits();
    }
}

#[test]
fn fapi_ciba_binds_tokens_to_certificates() {
    let host = AskingHost::new();
    let h = Harness::builder()
        .signed_backchannel(&host)
        .provider(|builder| builder.with_mutual_tls(MutualTls::new()))
        .profile(Profile::FapiCiba)
        .build();
    assert_eq!(h.metadata()["tls_client_certificate_bound_access_tokens"], true);
    let algs = "backchannel_authentication_request_signing_alg_values_supported";
    assert_eq!(h.metadata()[algs], json!(["ES256", "PS256"]));
    let form = h.signed_backchannel_form(&h.authentication_claims());
    let body = h.begin_backchannel(form).accepted().json();
    let [pending] = &*host.asked() else { panic!("one person is asked") };
    h.agree(pending).unwrap();
    let form = h.ciba_form("bank", body["auth_req_id"].as_str().unwrap());
    let _ = h.redeem(form.clone()).rejected(Reason::CertificateNeeded);
    let form = h.ciba_form("bank", body["auth_req_id"].as_str().unwrap());
    let _ = h.redeem(form.certificate(unverified(certificates::SELF_SIGNED))).issued();
}

/// A client that the host let do without PKCE cannot.
fn lax(pkce: PkceRequirement) -> vouchsafe::client::ClientBuilder {
    let uri = RedirectUri::register("https://lax.example/cb").unwrap();
    let settings = ClientSettings::new().with_pkce(pkce);
    Client::builder(ClientId::new("lax").unwrap(), ClientMetadata::code_flow([uri])).settings(settings)
}

#[test]
fn a_requirement_overrides_what_settings_allow_without_pkce() {
    let plain = || {
        let form = authorize_form().client("lax").scope("openid");
        form.without("code_challenge").without("code_challenge_method")
    };
    for (exceptions, settings, with_nonce, without) in [
        (PkceExceptions::OfSettings, PkceRequirement::DangerousNotRequired, true, true),
        (PkceExceptions::WithNonce, PkceRequirement::DangerousNotRequired, true, false),
        (PkceExceptions::WithNonce, PkceRequirement::NonceInstead, true, false),
        (PkceExceptions::WithNonce, PkceRequirement::Required, false, false),
        (PkceExceptions::Refused, PkceRequirement::DangerousNotRequired, false, false),
    ] {
        let requirements = Requirements::new().with_pkce_exceptions(exceptions);
        let h = demanding(requirements).confidential(lax(settings)).build();
        for (form, allowed) in [(plain(), with_nonce), (plain().without("nonce"), without)] {
            let visit = h.authorize(&form);
            match allowed {
                true => visit.waits(),
                false => drop(visit.returned(Reason::PkceChallengeMissing)),
            }
        }
    }
}

#[test]
fn oauth_2_1_excuses_a_nonce_and_mcp_nobody() {
    let h = |profile| {
        let lax = lax(PkceRequirement::DangerousNotRequired);
        Harness::builder().confidential(lax).profile(profile).build()
    };
    let form = authorize_form().client("lax").scope("openid").set("resource", DEFAULT_AUDIENCE);
    let form = form.without("code_challenge").without("code_challenge_method");
    let _ = h(Profile::OAuth21)
        .authorize(&form.clone().without("resource").without("nonce"))
        .returned(Reason::PkceChallengeMissing);
    h(Profile::OAuth21).authorize(&form.clone().without("resource")).waits();
    let mcp = h(Profile::Mcp);
    let form = form.client("web").without("nonce");
    let _ = mcp.authorize(&form).returned(Reason::PkceChallengeMissing);
}

#[test]
fn mcp_gives_tokens_for_named_resources_alone() {
    let h = Harness::builder().profile(Profile::Mcp).build();
    let form = authorize_form().scope("read");
    let _ = h.authorize(&form).returned(Reason::ResourceMissing);
    let form = form.set("resource", RESOURCE);
    let code = h.code(&form, "alice");
    let tokens = h.redeem(code_form(&form, &code)).issued();
    assert_eq!(h.introspect("web", &tokens.access_token).accepted().json()["aud"], RESOURCE);
    let service = token_form("client_credentials").client("service").scope("read");
    let _ = h.redeem(service.clone()).rejected(Reason::ResourceMissing).unchanged();
    let _ = h.redeem(service.set("resource", RESOURCE)).issued();
}

#[test]
fn responses_go_to_https_alone_where_that_is_required() {
    let h = demanding(Requirements::new().with_https_redirect_uris()).build();
    let form = authorize_form().client("native");
    for uri in ["http://127.0.0.1/cb", "com.example.app:/cb"] {
        h.authorize(&form.clone().set("redirect_uri", uri)).shown(Reason::RedirectUriInsecure);
    }
    h.authorize(&authorize_form()).waits();
    let h = demanding(Requirements::new().with_https_redirect_uris())
        .provider(|builder| builder.with_registration(Registration::open()))
        .build();
    let native = json!({ "application_type": "native", "redirect_uris": ["http://127.0.0.1/cb"] });
    let _ = crate::rfc7591_registration::register(&h, &native)
        .rejected(Reason::MetadataInsecureRedirectUris)
        .unchanged();
}

/// FAPI 2.0 Security Profile section 5.3.2.2: also without `openid`, and where one address is registered.
#[test]
fn a_request_names_its_redirect_uri_where_that_is_required() {
    let h = demanding(Requirements::new().with_redirect_uri()).build();
    let form = authorize_form().scope("read");
    h.authorize(&form.clone().without("redirect_uri")).shown(Reason::RedirectUriMissing);
    h.authorize(&form).waits();
}

#[test]
fn a_client_may_be_held_to_signed_responses() {
    let uri = RedirectUri::register("https://jarm.example/cb").unwrap();
    let settings = ClientSettings::new().with_signed_authorization_response_required();
    let client = Client::builder(ClientId::new("jarm").unwrap(), ClientMetadata::code_flow([uri]));
    let h = Harness::builder()
        .confidential(client.settings(settings))
        .provider(ProviderBuilder::with_jarm)
        .build();
    let form = authorize_form().client("jarm").scope("openid");
    let _ = h.authorize(&form).returned(Reason::ResponseModeUnsigned);
    let _ =
        h.authorize(&form.clone().set("response_mode", "form_post")).returned(Reason::ResponseModeUnsigned);
    h.authorize(&form.set("response_mode", "query.jwt")).waits();
}

#[test]
fn profiles_add_up_and_only_tighten() {
    let config = |config: Config| {
        let lifetime = Duration::from_secs(300);
        config.with_opaque_lifetime(lifetime).with_requirements(Requirements::new().with_resource())
    };
    let both = |b: ProviderBuilder| {
        b.with_profile(Profile::OAuth21).with_pushed_authorization_requests(PushedRequests::Accepted)
    };
    let provider = built(Profile::Fapi2Security, config, both).unwrap();
    let config = provider.config();
    assert_eq!(config.opaque_lifetime, Duration::from_secs(300));
    assert_eq!(config.jwt_lifetime, Duration::from_secs(600));
    assert_eq!(config.requirements.pkce_exceptions, PkceExceptions::Refused);
    assert!(config.requirements.resource && config.requirements.sender_constrained_tokens);
}

#[test]
fn where_tokens_have_to_be_bound_there_is_something_to_bind_them_to() {
    let h = Harness::new();
    let stores = Stores::of(Arc::new(h.store().clone()));
    let requirements = Requirements::new().with_sender_constrained_tokens();
    let config = Config::new("https://op.example".parse().unwrap()).with_requirements(requirements);
    let builder = Provider::builder(config, stores, keyring(), h.system_secrets().clone());
    let refused = builder.with_client_credentials().build().unwrap_err();
    let feature = "sender_constrained_tokens";
    assert_eq!(refused, BuildError::Needs { feature, port: "with_dpop or with_mutual_tls" });
}

/// The certificate of a connection names nobody, so that such a client is found by its `client_id` alone: also where public
/// clients are not let in.
#[test]
fn clients_of_certificates_are_let_in_where_public_ones_are_not() {
    let tls = || MutualTls::new().with_self_signed_tls_client_auth();
    let h = crate::rfc8705_mtls::builder()
        .client(crate::rfc8705_mtls::client("keyed", crate::rfc8705_mtls::of_key()))
        .provider(move |builder| builder.with_mutual_tls(tls()).with_profile(Profile::Fapi2Security))
        .build();
    let form = token_form("client_credentials").client("keyed").scope("read");
    let _ = h.redeem(form.clone()).rejected(Reason::ClientCertificateMissing).unchanged();
    let _ = h.redeem(form.certificate(unverified(certificates::SELF_SIGNED))).issued();
    let public = token_form("refresh_token").client("spa").set("refresh_token", "x");
    let _ = h.redeem(public).rejected(Reason::ClientMethodNotRegistered).unchanged();
    let nobody = token_form("client_credentials").unauthenticated();
    let _ = h.redeem(nobody).rejected(Reason::ClientCredentialsMissing).unchanged();
}

/// No proof comes where tokens are pushed (RFC 9449 section 5), so that without certificates nothing could bind them.
#[test]
fn tokens_that_are_pushed_are_bound_by_certificates_or_not_at_all() {
    let pushed = |b: ProviderBuilder| b.with_backchannel_authentication(asking().with_push());
    let refused = built(Profile::Fapi2Security, |config| config, pushed).unwrap_err();
    let feature = "bound tokens that are pushed";
    assert_eq!(refused, BuildError::Needs { feature, port: "with_mutual_tls" });
    let certified = |b| pushed(b).with_mutual_tls(MutualTls::new());
    assert!(built(Profile::Fapi2Security, |config| config, certified).is_ok());
}

/// A limiter that bounds nothing there is none.
#[test]
fn what_needs_a_bound_needs_a_limiter_that_has_it() {
    let unbounded = |b: ProviderBuilder| {
        let limiter = Arc::new(WindowLimiter::for_user_codes());
        b.with_backchannel_authentication(asking()).limiter(limiter)
    };
    let refused = built(Profile::OAuth21, |config| config, unbounded).unwrap_err();
    let feature = "backchannel_authentication";
    assert_eq!(refused, BuildError::Needs { feature, port: "a Limiter of BackchannelPerson" });
}
