//! RFC 6749 sections 2.3, 3.2 and 5.2: client authentication, and what the token endpoint is asked in.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use vouchsafe::client::{
    Client, ClientAuthMethod, ClientMetadata, ClientSecret, ClientSettings, ImportedHashes,
};
use vouchsafe::clock::Timestamp;
use vouchsafe::error::Reason;
use vouchsafe::limiter::{Admission, LimitPoint, Limiter};
use vouchsafe::provider::Provider;
use vouchsafe::secret::Secret;
use vouchsafe::testing::{
    Form, Harness, Outcome, TokenForm, authorize_form, block_on, code_form, token_form,
};
use vouchsafe::types::{ClientId, GrantType};
use vouchsafe::wire::{Request, Response};

fn ask() -> TokenForm {
    token_form("client_credentials").client("service")
}

async fn token(provider: Provider, request: Request) -> Response {
    provider.token(&request).await
}

fn service(id: &str) -> vouchsafe::client::ClientBuilder {
    Client::builder(ClientId::new(id).unwrap(), ClientMetadata::service())
}

/// Registers a client for client_credentials with secrets of the test's choice.
fn register(h: &Harness, id: &str, secrets: impl IntoIterator<Item = ClientSecret>) {
    let client = secrets.into_iter().fold(service(id), vouchsafe::client::ClientBuilder::secret);
    h.store().insert_client(client.build().unwrap());
}

fn keyed(h: &Harness, text: &str) -> ClientSecret {
    ClientSecret::hash(h.system_secrets(), &Secret::new(text))
}

type Bytewise = (u16, HeaderMap, Bytes);

fn bytewise(outcome: &Outcome) -> Bytewise {
    let response = &outcome.response;
    (response.status().as_u16(), response.headers().clone(), response.body().clone())
}

/// attack 82: whatever is wrong with who a client says it is, the answer is the same to the byte.
#[test]
fn every_failed_authentication_is_answered_with_the_same_bytes() {
    let off = service("off").settings(ClientSettings::new().with_disabled(true));
    let h = Harness::builder().confidential(off).build();
    let off_secret = h.client_secret("off").to_owned();
    let cases = [
        ("service", "wrong", Reason::ClientSecretWrong),
        ("service", "", Reason::ClientSecretWrong),
        ("nobody", "wrong", Reason::ClientUnknown),
        ("off", off_secret.as_str(), Reason::ClientDisabled),
        ("off", "wrong", Reason::ClientDisabled),
        ("spa", "wrong", Reason::ClientMethodNotRegistered),
        ("signer", "wrong", Reason::ClientMethodNotRegistered),
    ];
    let answers: Vec<Bytewise> = cases
        .iter()
        .map(|(id, secret, reason)| {
            let outcome = h.redeem(token_form("client_credentials").basic(id, secret));
            bytewise(&outcome.rejected(*reason).unchanged())
        })
        .collect();
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    assert_eq!(answers[0].0, 401);
    assert_eq!(answers[0].1["www-authenticate"], "Basic realm=\"https://op.example\"");
}

/// attack 82, and the uniformity of errors as a property: an unknown client and a wrong secret, of whatever text,
/// read the same in the header and in the body.
#[test]
fn nobody_learns_which_clients_there_are() {
    let h = Harness::new();
    let refused = |form: TokenForm| bytewise(&h.redeem(form));
    let by_header = refused(token_form("client_credentials").basic("service", "wrong"));
    let by_body = refused(ask().unauthenticated().set("client_id", "post").set("client_secret", "wrong"));
    assert!(!by_body.1.contains_key("www-authenticate"));
    assert_eq!(by_header.2, by_body.2);
    let mut runner = TestRunner::new(ProptestConfig { cases: 64, ..ProptestConfig::default() });
    let texts = ("[!-9;-~]{1,40}", "[!-~]{1,60}");
    runner
        .run(&texts, |(id, secret)| {
            prop_assert_eq!(&refused(token_form("client_credentials").basic(&id, &secret)), &by_header);
            let in_body = ask().unauthenticated().set("client_id", &id).set("client_secret", &secret);
            prop_assert_eq!(&refused(in_body), &by_body);
            Ok(())
        })
        .unwrap();
}

/// attack 83: one method in a request, whichever two are combined.
#[test]
fn two_ways_to_authenticate_are_refused() {
    let h = Harness::new();
    let assertion = h.client_assertion(&h.assertion_claims("signer"));
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let with_assertion =
        |form: TokenForm| form.set("client_assertion_type", kind).set("client_assertion", &assertion);
    for form in [
        ask().set("client_secret", h.client_secret("service")),
        ask().set("client_id", "service").set("client_secret", h.client_secret("service")),
        with_assertion(ask()),
        with_assertion(ask().client("post")),
        ask().set("client_assertion_type", kind),
        ask().set("client_assertion", "x"),
        with_assertion(ask().unauthenticated().header("authorization", "Basic ???")),
    ] {
        h.redeem(form).rejected(Reason::ClientMethodsCombined).unchanged();
    }
}

/// attack 84
#[test]
fn a_client_id_in_the_body_must_be_the_authenticated_one() {
    let h = Harness::new();
    h.redeem(ask().set("client_id", "service")).accepted();
    for named in ["web", "Service", "service ", "nobody"] {
        h.redeem(ask().set("client_id", named)).rejected(Reason::ClientIdMismatch).unchanged();
    }
    h.redeem(ask().client("signer").set("client_id", "web")).rejected(Reason::ClientIdMismatch).unchanged();
}

/// attack 85, attack 325: what cannot be read is refused, and nothing is read in two ways.
#[test]
fn malformed_basic_credentials_are_refused() {
    let h = Harness::new();
    let raw =
        |value: String| token_form("client_credentials").unauthenticated().header("authorization", value);
    for value in
        ["Basic", "Basic ", "Basic ???", "Basic c2VydmljZQ", "Basic c2VydmljZQ==", "basic Og==", "Basic /w=="]
    {
        h.redeem(raw(value.to_owned())).rejected(Reason::ClientBasicMalformed).unchanged();
    }
    let huge = format!("Basic {}", "A".repeat(1024 * 1024));
    h.redeem(raw(huge)).rejected(Reason::AuthorizationHeaderMalformed).unchanged();
    let twice = raw("Basic YTpi".to_owned()).header("authorization", "Basic YTpi");
    h.redeem(twice).rejected(Reason::AuthorizationHeaderMalformed).unchanged();
    for (id, secret) in [("a", "b%zz"), ("a", "%"), ("%", "b"), ("a%00", "b"), ("service", "x\u{e9}")] {
        let outcome = h.redeem(token_form("client_credentials").basic(id, secret)).unchanged();
        assert_eq!(outcome.response.status(), 401, "{id}:{secret}");
    }
}

/// attack 85: both halves are form-urlencoded; a secret that no encoder made is read as it is.
#[test]
fn a_secret_of_any_characters_authenticates_encoded_or_as_it_is() {
    let h = Harness::new();
    register(&h, "odd", [keyed(&h, "a+b:c/d%25 e&f=")]);
    h.redeem(token_form("client_credentials").basic("odd", "a%2Bb%3Ac%2Fd%2525+e%26f%3D")).accepted();
    h.redeem(token_form("client_credentials").basic("odd", "a+b:c/d%25 e&f=")).accepted();
    h.redeem(token_form("client_credentials").basic("odd", "a b:c/d%25 e&f="))
        .rejected(Reason::ClientSecretWrong);
}

/// attack 86: a secret that leaked opens nothing by another method than the registered one.
#[test]
fn only_the_registered_method_authenticates() {
    let h = Harness::new();
    let secret = h.client_secret("web").to_owned();
    let post_secret = h.client_secret("post").to_owned();
    let bare = || token_form("client_credentials").unauthenticated();
    for form in [
        bare().set("client_id", "web").set("client_secret", &secret),
        bare().set("client_id", "signer").set("client_secret", &secret),
        bare().set("client_id", "web"),
        bare().set("client_id", "signer"),
        bare().set("client_id", "spa").set("client_secret", &secret),
        bare().basic("post", &post_secret),
        bare().basic("spa", ""),
    ] {
        h.redeem(form).rejected(Reason::ClientMethodNotRegistered).unchanged();
    }
    h.redeem(bare()).rejected(Reason::ClientCredentialsMissing).unchanged();
    h.redeem(bare().set("client_secret", &secret)).rejected(Reason::ClientCredentialsMissing).unchanged();
    h.redeem(bare().set("client_id", "")).rejected(Reason::ClientCredentialsMissing).unchanged();
}

#[test]
fn a_secret_is_replaced_without_an_outage() {
    let h = Harness::new();
    let ends = h.now().plus(Duration::from_secs(60));
    register(&h, "rolling", [keyed(&h, "the old one").with_expiry(ends), keyed(&h, "the new one")]);
    let with =
        |secret: &str| h.redeem(token_form("client_credentials").basic("rolling", &secret.replace(' ', "+")));
    with("the old one").accepted();
    with("the new one").accepted();
    h.advance(Duration::from_secs(59));
    with("the old one").accepted();
    h.advance(Duration::from_secs(1));
    with("the old one").rejected(Reason::ClientSecretWrong);
    with("the new one").accepted();
}

#[test]
fn a_secret_that_another_system_hashed_authenticates() {
    let bcrypt = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    let h =
        Harness::builder().provider(|builder| builder.with_imported_hashes(Arc::new(ImportedHashes))).build();
    register(&h, "moved", [ClientSecret::imported(bcrypt).unwrap()]);
    h.redeem(token_form("client_credentials").basic("moved", "U*U")).accepted();
    h.redeem(token_form("client_credentials").basic("moved", "U*V")).rejected(Reason::ClientSecretWrong);
    let without = Harness::new();
    register(&without, "moved", [ClientSecret::imported(bcrypt).unwrap()]);
    without
        .redeem(token_form("client_credentials").basic("moved", "U*U"))
        .rejected(Reason::ClientSecretWrong);
}

/// attack 119: whoever is shut out between the code and its redemption gets nothing, and the code stays as it was.
#[test]
fn a_client_that_is_shut_out_redeems_nothing() {
    let h = Harness::new();
    let code = h.code(&authorize_form(), "alice");
    let mut metadata = h.client("web").metadata().clone();
    let rebuilt = |metadata: ClientMetadata, settings: ClientSettings| {
        let client = Client::builder(ClientId::new("web").unwrap(), metadata).settings(settings);
        client.secret(keyed(&h, h.client_secret("web"))).build().unwrap()
    };
    h.store().insert_client(rebuilt(metadata.clone(), ClientSettings::new().with_disabled(true)));
    h.redeem(code_form(&authorize_form(), &code)).rejected(Reason::ClientDisabled).unchanged();
    metadata.grant_types = vec![GrantType::RefreshToken];
    metadata.response_types = Vec::new();
    h.store().insert_client(rebuilt(metadata, ClientSettings::new()));
    h.redeem(code_form(&authorize_form(), &code)).rejected(Reason::GrantTypeNotAllowed).unchanged();
    h.store().remove_client(&ClientId::new("web").unwrap());
    let gone = code_form(&authorize_form(), &code).basic("web", h.client_secret("web"));
    h.redeem(gone).rejected(Reason::ClientUnknown).unchanged();
}

/// attack 101, attack 143: a public client cannot act for itself, with or without a secret on its record.
#[test]
fn a_public_client_gets_no_tokens_for_itself() {
    let h = Harness::new();
    h.redeem(token_form("client_credentials").client("spa"))
        .rejected(Reason::GrantTypeNotAllowed)
        .unchanged();
    let public = ClientMetadata::service().with_auth_method(ClientAuthMethod::None);
    let id = ClientId::new("open").unwrap();
    assert_eq!(Client::builder(id.clone(), public.clone()).build().unwrap_err().member, "grant_types");
    let with_secret = Client::builder(id, public).secret(keyed(&h, "secret"));
    assert!(with_secret.build().is_err());
}

/// attack 102: only POST, and only the body.
#[test]
fn credentials_in_the_url_are_never_read() {
    let h = Harness::new();
    let query =
        format!("?grant_type=client_credentials&client_id=post&client_secret={}", h.client_secret("post"));
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::HEAD, Method::TRACE, Method::OPTIONS] {
        let mut request = h.post(&format!("/token{query}"), ask());
        *request.method_mut() = method.clone();
        let outcome = h.exchange(request, token).rejected(Reason::MethodNotAllowed).unchanged();
        assert_eq!(outcome.header("allow"), Some("POST"), "{method}");
    }
    let posted = h.post(&format!("/token{query}"), token_form("client_credentials").unauthenticated());
    h.exchange(posted, token).rejected(Reason::ParameterInQuery).unchanged();
}

/// attack 103, attack 329
#[test]
fn only_an_uncompressed_form_is_read() {
    let h = Harness::new();
    for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x", ""] {
        let mut request = h.post("/token", ask());
        request.headers_mut().insert("content-type", kind.parse().unwrap());
        h.exchange(request, token).rejected(Reason::ContentTypeUnsupported).unchanged();
    }
    let mut bare = h.post("/token", ask());
    bare.headers_mut().remove("content-type");
    h.exchange(bare, token).rejected(Reason::ContentTypeUnsupported).unchanged();
    let mut zipped = h.post("/token", ask());
    zipped.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    h.exchange(zipped, token).rejected(Reason::ContentEncodingUnsupported).unchanged();
    let mut large = h.post("/token", ask());
    *large.body_mut() = Bytes::from(vec![b'a'; 64 * 1024 + 1]);
    h.exchange(large, token).rejected(Reason::BodyTooLarge).unchanged();
}

/// attack 104: no parameter stands twice, not even with the same value or none.
#[test]
fn a_repeated_parameter_is_refused_before_anything_is_consumed() {
    let h = Harness::new();
    let code = h.code(&authorize_form(), "alice");
    let form = || code_form(&authorize_form(), &code);
    for (name, value) in [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("code", ""),
        ("code_verifier", vouchsafe::testing::CODE_VERIFIER),
        ("redirect_uri", "https://web.example/cb"),
    ] {
        h.redeem(form().also(name, value)).rejected(Reason::ParameterRepeated).unchanged();
    }
    h.redeem(form().also("client_id", "web").also("client_id", "web")).rejected(Reason::ParameterRepeated);
    h.redeem(ask().also("scope", "read").also("scope", "read"))
        .rejected(Reason::ParameterRepeated)
        .unchanged();
    h.redeem(form()).accepted();
}

/// attack 105
#[test]
fn there_is_no_password_grant() {
    let h = Harness::new();
    let form = token_form("password").set("username", "alice").set("password", "correct horse battery");
    h.redeem(form).rejected(Reason::GrantTypeUnsupported).unchanged();
    for grant_type in ["", "implicit", "AUTHORIZATION_CODE", "authorization_code "] {
        let reason =
            if grant_type.is_empty() { Reason::GrantTypeMissing } else { Reason::GrantTypeUnsupported };
        h.redeem(token_form(grant_type)).rejected(reason).unchanged();
    }
    h.redeem(token_form("x").without("grant_type")).rejected(Reason::GrantTypeMissing).unchanged();
}

/// attack 106: a refusal says its code and its fixed text, and nothing else.
#[test]
fn a_refusal_has_two_members() {
    let h = Harness::new();
    let refused = h.redeem(token_form("authorization_code").set("code", "\" <script>")).json();
    let members: Vec<_> = refused.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["error", "error_description"]);
}

/// attack 107, attack 328: only the client's own origins may read its answers, and none may read a failed
/// authentication.
#[test]
fn browsers_read_only_what_is_their_clients() {
    let h = Harness::new();
    let ask = |origin: &str| token_form("refresh_token").client("spa").header("origin", origin);
    let allowed = |outcome: &Outcome| outcome.header("access-control-allow-origin").map(str::to_owned);
    let own = h.redeem(ask("https://spa.example")).rejected(Reason::RefreshTokenMissing);
    assert_eq!(allowed(&own).as_deref(), Some("https://spa.example"));
    assert_eq!(own.header("access-control-allow-credentials"), None);
    for origin in ["https://evil.example", "null", "http://spa.example", "https://spa.example.evil.example"] {
        let foreign = h.redeem(ask(origin)).rejected(Reason::RefreshTokenMissing);
        assert_eq!(allowed(&foreign), None, "{origin}");
        assert_eq!(foreign.header("vary"), Some("origin"));
    }
    let unknown = token_form("refresh_token").unauthenticated().set("client_id", "web");
    let refused =
        h.redeem(unknown.header("origin", "https://web.example")).rejected(Reason::ClientMethodNotRegistered);
    assert_eq!(allowed(&refused), None);
}

/// attack 328: a preflight is answered for any origin, without credentials and without a side effect.
#[test]
fn a_preflight_promises_nothing() {
    let h = Harness::new();
    let mut request = h.post("/token", ask());
    *request.method_mut() = Method::OPTIONS;
    request.headers_mut().insert("origin", "https://evil.example".parse().unwrap());
    request.headers_mut().insert("access-control-request-method", "POST".parse().unwrap());
    let outcome = h.exchange(request, token).unchanged();
    assert_eq!(outcome.response.status(), 204);
    assert_eq!(outcome.header("access-control-allow-origin"), Some("*"));
    assert_eq!(outcome.header("access-control-allow-credentials"), None);
    assert_eq!(outcome.events, []);
}

/// Refuses everything at one point.
#[derive(Debug)]
struct Closed(LimitPoint);

#[async_trait]
impl Limiter for Closed {
    async fn admit(&self, point: LimitPoint, key: &str, _: Timestamp) -> Admission {
        assert!(!key.is_empty());
        match point == self.0 {
            true => Admission::Refused { retry_after: Duration::from_millis(6500) },
            false => Admission::Admitted,
        }
    }
}

#[test]
fn whoever_is_not_admitted_waits() {
    for point in [LimitPoint::ClientAuthentication, LimitPoint::Token] {
        let h = Harness::builder().provider(move |builder| builder.limiter(Arc::new(Closed(point)))).build();
        let outcome = h.redeem(ask()).rejected(Reason::RateLimited).unchanged();
        assert_eq!((outcome.response.status().as_u16(), outcome.header("retry-after")), (429, Some("7")));
    }
}

#[test]
fn a_host_with_its_own_transport_gets_reasons_and_values() {
    let h = Harness::new();
    let request = h.post("/token", ask());
    let head = vouchsafe::wire::RequestHead::read(&request).unwrap();
    let params = |form: Form| vouchsafe::types::Params::parse(form.encode().as_bytes()).unwrap();
    let form = Form::new().set("grant_type", "client_credentials").set("scope", "read");
    let tokens = block_on(h.provider().redeem(&head, params(form.clone()))).unwrap();
    assert_eq!((tokens.scope.to_string().as_str(), tokens.expires_in.as_secs()), ("read", 3600));
    let refused = block_on(h.provider().redeem(&head, params(form.set("scope", "admin")))).unwrap_err();
    assert_eq!(refused.reason(), Reason::ScopeNotAllowed);
}
