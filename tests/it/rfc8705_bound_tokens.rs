//! RFC 8705 sections 3, 4 and 5: access tokens, and refresh tokens of public clients, bound to certificates.

use bytes::Bytes;
use serde_json::{Value, json};
use vouchsafe::client::{AccessTokenFormatChoice, ClientAuthMethod, ClientMetadata, ClientSettings, Consent};
use vouchsafe::client::{Client, ClientBuilder};
use vouchsafe::error::Reason;
use vouchsafe::proof::Certificate;
use vouchsafe::provider::{BuildError, DpopConfig, MutualTls, Registration, Requirements};
use vouchsafe::secret::Secret;
use vouchsafe::testing::certificates::{self, der, unverified, verified};
use vouchsafe::testing::{
    AuthorizeForm, DEFAULT_AUDIENCE, Harness, HarnessBuilder, Outcome, TokenForm, Tokens, authorize_form,
    block_on, code_form, refresh_form, token_form,
};
use vouchsafe::types::{ClientId, GrantType, RedirectUri, ResponseType, Scope};
use vouchsafe::wire::ClientCertificate;

use crate::rfc7591_registration::{register, with};
use crate::rfc8705_mtls::{builder, client, of_key};

fn x5t(certificate: &str) -> Value {
    json!({ "x5t#S256": Certificate::parse(&der(certificate)).unwrap().thumbprint().to_string() })
}

/// A client whose access tokens are bound, with these codes and refresh tokens.
fn strict(id: &str, method: &ClientAuthMethod) -> ClientBuilder {
    let uri = RedirectUri::register(&format!("https://{id}.example/cb")).unwrap();
    let mut metadata = ClientMetadata::code_flow([uri])
        .with_auth_method(method.clone())
        .with_grant_type(GrantType::RefreshToken)
        .with_scope(Scope::parse("openid offline_access read").unwrap())
        .with_certificate_bound_access_tokens();
    if *method != ClientAuthMethod::None {
        metadata = metadata.with_grant_type(GrantType::ClientCredentials);
    }
    let settings = ClientSettings::new().with_consent(Consent::Waived).with_introspects([DEFAULT_AUDIENCE]);
    Client::builder(ClientId::new(id).unwrap(), metadata).settings(settings)
}

/// A harness with mutual TLS, a public client `open` and a confidential one `secret`, both of bound tokens.
fn harness() -> HarnessBuilder {
    builder()
        .client(strict("open", &ClientAuthMethod::None).build().unwrap())
        .confidential(strict("secret", &ClientAuthMethod::ClientSecretBasic))
        .client(client("bound", of_key().with_certificate_bound_access_tokens()))
}

fn asked(client: &str) -> AuthorizeForm {
    authorize_form().client(client).scope("openid offline_access")
}

/// The tokens of a code that was redeemed over a connection with this certificate.
fn tokens(h: &Harness, client: &str, certificate: ClientCertificate) -> Tokens {
    let code = h.code(&asked(client), "alice");
    h.redeem(code_form(&asked(client), &code).certificate(certificate)).issued()
}

fn confirmation(h: &Harness, token: &str) -> Value {
    h.introspect("api", token).accepted().json()["cnf"].clone()
}

fn userinfo(h: &Harness, token: &str, certificate: Option<ClientCertificate>) -> Outcome {
    let request = http::Request::get("https://op.example/userinfo");
    let request = request.header("authorization", format!("Bearer {token}"));
    let mut request = request.body(Bytes::new()).unwrap();
    if let Some(certificate) = certificate {
        request.extensions_mut().insert(certificate);
    }
    h.answer(request)
}

fn own(client: &str) -> TokenForm {
    token_form("client_credentials").client(client)
}

#[test]
fn every_grant_binds_the_access_token_to_the_certificate() {
    let h = harness().build();
    let again = || unverified(certificates::SELF_SIGNED);
    let own = h.redeem(own("bound").certificate(again())).issued();
    assert_eq!(confirmation(&h, &own.access_token), x5t(certificates::SELF_SIGNED));
    for client in ["open", "secret"] {
        let tokens = tokens(&h, client, again());
        assert_eq!(confirmation(&h, &tokens.access_token), x5t(certificates::SELF_SIGNED));
        let refreshed = h.redeem(refresh_form(client, tokens.refresh_token()).certificate(again())).issued();
        assert_eq!(confirmation(&h, &refreshed.access_token), x5t(certificates::SELF_SIGNED));
    }
    // Who did not ask for it gets tokens for whoever has them, whatever the connection has.
    let plain = h.redeem(token_form("client_credentials").client("key").certificate(again())).issued();
    assert_eq!(confirmation(&h, &plain.access_token), Value::Null);
}

/// RFC 8705 section 3.1: a JWT says itself what it is bound to, recorded or not.
#[test]
fn a_jwt_carries_the_hash() {
    for format in [AccessTokenFormatChoice::Jwt, AccessTokenFormatChoice::JwtStateless] {
        let h = harness().config(|config| config.access_token_format = format).build();
        let tokens = tokens(&h, "open", verified(certificates::CLIENT));
        assert_eq!(tokens.access_claims()["cnf"], x5t(certificates::CLIENT));
        assert_eq!(confirmation(&h, &tokens.access_token), x5t(certificates::CLIENT));
        userinfo(&h, &tokens.access_token, Some(verified(certificates::CLIENT))).accepted();
        userinfo(&h, &tokens.access_token, None).challenged(Reason::AccessTokenCertificate);
    }
}

/// attack 188: another certificate, one that cannot be read, a header, or none.
#[test]
fn a_bound_token_is_of_no_use_without_its_certificate() {
    let h = harness().build();
    let token = tokens(&h, "open", unverified(certificates::SELF_SIGNED)).access_token;
    let malformed = ClientCertificate::verified(der(certificates::SELF_SIGNED).repeat(2));
    for presented in [
        None,
        Some(unverified(certificates::SELF_SIGNED_AGAIN)),
        Some(verified(certificates::CLIENT)),
        Some(malformed),
        Some(ClientCertificate::verified(Vec::new())),
    ] {
        userinfo(&h, &token, presented).challenged(Reason::AccessTokenCertificate).unchanged();
    }
    // By another transport, only the token comes.
    let refused = block_on(h.provider().claims_for(&Secret::new(&token))).unwrap_err();
    assert_eq!(refused.reason(), Reason::AccessTokenBound);
    userinfo(&h, &token, Some(unverified(certificates::SELF_SIGNED))).accepted();
}

/// attack 188: a provider that reads no certificates any more takes no token that is bound to one.
#[test]
fn a_token_stays_bound_where_mutual_tls_is_off() {
    let h = harness().build();
    let token = tokens(&h, "open", unverified(certificates::SELF_SIGNED)).access_token;
    let store = h.store().clone();
    let off = Harness::builder().stores(move |_| {
        let store = std::sync::Arc::new(store);
        vouchsafe::store::Stores::of(std::sync::Arc::clone(&store))
            .with_replays(store.clone())
            .with_tickets(store)
    });
    let off = off.build();
    let refused = userinfo(&off, &token, Some(unverified(certificates::SELF_SIGNED)));
    refused.challenged(Reason::AccessTokenCertificate).unchanged();
}

/// attack 128: the refresh token of a public client is bound, too (RFC 8705 section 4).
#[test]
fn a_refresh_token_of_a_public_client_needs_its_certificate() {
    let h = harness().build();
    let tokens = tokens(&h, "open", unverified(certificates::SELF_SIGNED));
    let refresh = || refresh_form("open", tokens.refresh_token());
    for other in [certificates::SELF_SIGNED_AGAIN, certificates::CLIENT] {
        let refused = h.redeem(refresh().certificate(unverified(other)));
        assert_eq!(refused.json()["error"], "invalid_grant");
        refused.rejected(Reason::ConfirmationMismatch).unchanged();
    }
    h.redeem(refresh()).rejected(Reason::CertificateNeeded).unchanged();
    let next = h.redeem(refresh().certificate(unverified(certificates::SELF_SIGNED))).issued();
    let stolen = refresh_form("open", next.refresh_token()).certificate(verified(certificates::CLIENT));
    h.redeem(stolen).rejected(Reason::ConfirmationMismatch).unchanged();
}

/// RFC 8705 section 7.1: who authenticates may change certificates; the access token is bound to the new one.
#[test]
fn a_confidential_client_refreshes_with_another_certificate() {
    let h = harness().build();
    let tokens = tokens(&h, "secret", unverified(certificates::SELF_SIGNED));
    let form = refresh_form("secret", tokens.refresh_token());
    let next = h.redeem(form.certificate(verified(certificates::CLIENT))).issued();
    assert_eq!(confirmation(&h, &next.access_token), x5t(certificates::CLIENT));
}

/// attack 190: at the endpoint that asks for no certificate there is none, and no token, and the code is
/// still good.
#[test]
fn a_client_of_bound_tokens_gets_none_without_a_certificate() {
    let h = harness().build();
    let code = h.code(&asked("open"), "alice");
    let form = || code_form(&asked("open"), &code);
    let refused = h.redeem(form());
    assert_eq!(
        (refused.response.status().as_u16(), &refused.json()["error"]),
        (400, &json!("invalid_request"))
    );
    refused.rejected(Reason::CertificateNeeded).unchanged();
    h.redeem(own("secret")).rejected(Reason::CertificateNeeded).unchanged();
    let malformed = ClientCertificate::unverified(der(certificates::VERSION_1));
    h.redeem(form().certificate(malformed)).rejected(Reason::ClientCertificateMalformed).unchanged();
    let _ = h.redeem(form().certificate(unverified(certificates::SELF_SIGNED))).issued();
}

/// attack 190: where certificates are not looked at, such a client gets nothing either.
#[test]
fn nothing_goes_out_unbound_where_mutual_tls_is_off() {
    let h = Harness::builder().confidential(strict("secret", &ClientAuthMethod::ClientSecretBasic)).build();
    for form in [own("secret"), own("secret").certificate(verified(certificates::CLIENT))] {
        h.redeem(form).rejected(Reason::CertificateNeeded).unchanged();
    }
}

#[test]
fn a_provider_may_require_bound_tokens_of_everybody() {
    let requirements = Requirements::new().with_sender_constrained_tokens();
    let h = Harness::builder()
        .config(move |config| config.requirements = requirements)
        .dpop(DpopConfig::new())
        .provider(|builder| builder.with_mutual_tls(MutualTls::new()));
    let h = h.build();
    h.redeem(own("service")).rejected(Reason::DpopProofMissing).unchanged();
    let bound = h.redeem(own("service").certificate(unverified(certificates::SELF_SIGNED))).issued();
    assert_eq!(confirmation(&h, &bound.access_token), x5t(certificates::SELF_SIGNED));
    let proved = own("service").certificate(unverified(certificates::SELF_SIGNED)).proved(&h.token_proof());
    let proved = h.redeem(proved).issued_as("DPoP");
    assert!(confirmation(&h, &proved.access_token).get("jkt").is_some());
}

/// RFC 8705 section 6.4: a browser has no certificate of the client's.
#[test]
fn no_token_that_must_be_bound_comes_through_a_browser() {
    let uri = RedirectUri::register("https://open.example/cb").unwrap();
    let metadata = ClientMetadata::code_flow([uri])
        .with_auth_method(ClientAuthMethod::None)
        .with_response_type(ResponseType::Token)
        .with_certificate_bound_access_tokens();
    let refused = Client::builder(ClientId::new("open").unwrap(), metadata).build().unwrap_err();
    assert_eq!(refused.member, "tls_client_certificate_bound_access_tokens");
    let h = Harness::new();
    let stores = vouchsafe::store::Stores::of(std::sync::Arc::new(h.store().clone()));
    let requirements = Requirements::new().with_sender_constrained_tokens();
    let config = h.provider().config().clone().with_requirements(requirements);
    let builder = vouchsafe::Provider::builder(
        config,
        stores,
        vouchsafe::testing::keyring(),
        h.system_secrets().clone(),
    );
    let refused = builder
        .accounts(std::sync::Arc::new(vouchsafe::testing::AccountTable::default()))
        .with_response_type(ResponseType::Token)
        .with_mutual_tls(MutualTls::new())
        .build()
        .unwrap_err();
    let feature = "sender_constrained_tokens";
    assert_eq!(refused, BuildError::Needs { feature, port: "response types without a token" });
}

#[test]
fn a_token_is_bound_to_a_certificate_or_to_a_proof() {
    let h = harness().dpop(DpopConfig::new()).build();
    let both = own("secret").certificate(unverified(certificates::SELF_SIGNED)).proved(&h.token_proof());
    h.redeem(both).rejected(Reason::ConfirmationsCombined);
    let metadata = of_key().with_certificate_bound_access_tokens().with_dpop_bound_access_tokens();
    let refused = Client::builder(ClientId::new("both").unwrap(), metadata).build().unwrap_err();
    assert_eq!(refused.member, "tls_client_certificate_bound_access_tokens");
}

#[test]
fn a_client_registers_for_bound_tokens_where_there_are_any() {
    let asked = with(json!({ "tls_client_certificate_bound_access_tokens": true }));
    let off = crate::rfc7591_registration::open();
    register(&off, &asked).rejected(Reason::MetadataCertificateBinding).unchanged();
    let h = harness().provider(|builder| builder.with_registration(Registration::open())).build();
    let own = register(&h, &asked).accepted().json();
    assert_eq!(own["tls_client_certificate_bound_access_tokens"], true);
    let mut odd = asked;
    odd["tls_client_certificate_bound_access_tokens"] = json!("yes");
    register(&h, &odd).rejected(Reason::MetadataCertificateBinding).unchanged();
}
