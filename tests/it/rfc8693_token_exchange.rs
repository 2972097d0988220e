//! RFC 8693: one token for another, by the host's policy.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};
use vouchsafe::client::{AccessTokenFormatChoice, Client, ClientAuthMethod, ClientMetadata, ClientSettings};
use vouchsafe::clock::Timestamp;
use vouchsafe::error::{BoxError, Reason, Result as Decided};
use vouchsafe::event::EventKind;
use vouchsafe::jose::{AuthorizationGrantAssertion, JwkSet, Jws};
use vouchsafe::provider::{
    AccessTokenFormat, BuildError, ClaimsHook, Context, DpopConfig, ExchangeDecision, ExchangeRequest,
    GrantFilter, Minted, Presented, Principal, Provider, ProviderBuilder, Registration, TokenExchangePolicy,
    Trust, TrustedIssuers,
};
use vouchsafe::store::{AccessToken, Page, Sweep as _};
use vouchsafe::testing::{
    AuthorizeForm, DEFAULT_AUDIENCE, Fault, Faults, Harness, HarnessBuilder, Outcome, RESOURCE, TokenForm,
    authorize_form, block_on, client_key, code_form, dpop_keys, keyring, refresh_form, token_form,
};
use vouchsafe::types::{
    Authentication, Claims, ClientId, Confirmation, GrantId, GrantType, RedirectUri, Scope, Subject,
};

use crate::rfc7591_registration::register;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const IDP: &str = "https://idp.example";
const OTHER: &str = "https://other.example";

fn named(name: &str) -> String {
    format!("urn:ietf:params:oauth:token-type:{name}")
}

pub(crate) type Decide = fn(&ExchangeRequest<'_>) -> ExchangeDecision;

/// Decides as a test says, and keeps what it was asked about.
#[derive(Debug)]
struct Says(Decide, Arc<Mutex<Vec<String>>>);

#[async_trait]
impl TokenExchangePolicy for Says {
    async fn decide(&self, request: &ExchangeRequest<'_>) -> Result<ExchangeDecision, BoxError> {
        let actor = request.actor.map(|actor| actor.sub.as_str());
        let (client, sub) = (request.client.id(), &request.subject.sub);
        let seen = format!("{client} {sub} {actor:?} {} {:?}", request.scope, request.audience);
        self.1.lock().unwrap().push(seen);
        Ok(self.0(request))
    }
}

/// A policy that says nothing of its own.
#[derive(Debug)]
struct Silent;

impl TokenExchangePolicy for Silent {}

/// A policy that fails.
#[derive(Debug)]
struct Away;

#[async_trait]
impl TokenExchangePolicy for Away {
    async fn decide(&self, _: &ExchangeRequest<'_>) -> Result<ExchangeDecision, BoxError> {
        Err("the policy is away".into())
    }
}

/// A host that trusts one issuer with everybody.
#[derive(Debug)]
struct Host;

#[async_trait]
impl TrustedIssuers for Host {
    async fn trust(&self, issuer: &str, _: &str) -> Result<Option<Trust>, BoxError> {
        let keys = json!({ "keys": [client_key().public_key().to_value()] });
        let trust = Trust::new(IDP, JwkSet::register(&keys)?).with_scope(scope("openid read"));
        Ok(Some(trust).filter(|_| issuer == IDP))
    }

    async fn principal(
        &self,
        assertion: &AuthorizationGrantAssertion,
        _: &Client,
        now: Timestamp,
    ) -> Result<Option<Principal>, BoxError> {
        Ok(Some(Principal::Person(Authentication::new(Subject::new(assertion.sub())?, now))))
    }
}

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

fn id(id: &str) -> ClientId {
    ClientId::new(id).unwrap()
}

fn metadata() -> ClientMetadata {
    ClientMetadata::service()
        .with_grant_type(GrantType::TokenExchange)
        .with_scope(scope("openid profile offline_access read write"))
}

fn settings() -> ClientSettings {
    ClientSettings::new().with_resources([RESOURCE, DEFAULT_AUDIENCE, "files"])
}

/// A client that signs people in and exchanges what it gets.
fn both() -> ClientMetadata {
    ClientMetadata::code_flow([RedirectUri::register("https://both.example/cb").unwrap()])
        .with_grant_type(GrantType::RefreshToken)
        .with_grant_type(GrantType::ClientCredentials)
        .with_grant_type(GrantType::TokenExchange)
        .with_scope(scope("openid profile offline_access read write"))
}

fn builder_of(policy: Arc<dyn TokenExchangePolicy>) -> HarnessBuilder {
    Harness::builder()
        .confidential(Client::builder(id("gateway"), metadata()).settings(settings()))
        .confidential(Client::builder(id("both"), both()).settings(settings()))
        .provider(|builder| builder.with_token_exchange(policy).trusted_issuers(Arc::new(Host)))
}

/// Where `gateway` exchanges tokens as this decides.
pub(crate) fn saying(decide: Decide) -> HarnessBuilder {
    builder_of(Arc::new(Says(decide, Arc::default())))
}

pub(crate) fn as_asked(request: &ExchangeRequest<'_>) -> ExchangeDecision {
    ExchangeDecision::Granted(request.as_asked())
}

fn harness() -> Harness {
    saying(as_asked).build()
}

fn offline() -> AuthorizeForm {
    authorize_form().scope("openid offline_access read")
}

fn of_both() -> AuthorizeForm {
    offline().client("both").set("redirect_uri", "https://both.example/cb")
}

/// The exchange of a token of this type by `gateway`.
pub(crate) fn form(token_type: &str, token: &str) -> TokenForm {
    let form = token_form(GRANT_TYPE).client("gateway").set("subject_token", token);
    form.set("subject_token_type", named(token_type))
}

fn acting(form: TokenForm, token_type: &str, token: &str) -> TokenForm {
    form.set("actor_token", token).set("actor_token_type", named(token_type))
}

/// The access token of alice at the client `web`.
fn alices(h: &Harness) -> String {
    h.tokens(&offline(), "alice").access_token
}

/// A token of the gateway for itself.
fn gateways(h: &Harness) -> String {
    h.redeem(token_form("client_credentials").client("gateway")).issued().access_token
}

fn told(h: &Harness, outcome: &Outcome) -> Value {
    h.introspect("api", outcome.json()["access_token"].as_str().unwrap()).json()
}

/// A JWT of the trusted issuer about alice, with these claims too.
fn jwt(h: &Harness, more: &Value) -> String {
    let mut claims = h.assertion_claims("x");
    claims["iss"] = IDP.into();
    claims["sub"] = "alice".into();
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    h.client_assertion(&claims)
}

#[test]
fn an_access_token_is_exchanged_for_one_of_the_same_person() {
    let h = harness();
    let outcome = h.redeem(form("access_token", &alices(&h)).scope("read")).accepted();
    let issued = EventKind::TokensIssued { grant_type: GrantType::TokenExchange };
    assert!(outcome.events.iter().any(|event| event.kind == issued && event.subject.is_some()));
    let body = outcome.json();
    assert_eq!(
        (&body["issued_token_type"], &body["token_type"]),
        (&json!(named("access_token")), &json!("Bearer"))
    );
    assert!(body.get("refresh_token").is_none() && body.get("id_token").is_none());
    let told = told(&h, &outcome);
    assert_eq!((&told["sub"], &told["client_id"]), (&json!("alice"), &json!("gateway")));
    assert_eq!((&told["scope"], &told["aud"]), (&json!("read"), &json!(DEFAULT_AUDIENCE)));
    assert!(told.get("act").is_none());
}

#[test]
fn nothing_is_exchanged_unless_the_host_says_so() {
    let h = builder_of(Arc::new(Silent)).build();
    h.redeem(form("access_token", &alices(&h))).rejected(Reason::ExchangeDenied).unchanged();
    let h = builder_of(Arc::new(Away)).build();
    h.redeem(form("access_token", &alices(&h))).rejected(Reason::HostUnavailable).unchanged();
}

#[test]
fn the_policy_sees_who_asks_for_what() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let h = builder_of(Arc::new(Says(as_asked, Arc::clone(&seen)))).build();
    let asked = form("access_token", &alices(&h)).scope("read").set("resource", RESOURCE);
    h.redeem(acting(asked, "access_token", &gateways(&h))).accepted();
    let expected = format!("gateway alice Some(\"client:gateway\") read [{RESOURCE:?}]");
    assert_eq!(*seen.lock().unwrap(), [expected]);
}

/// attack 136: an exchange without its subject is none of the client for itself.
#[test]
fn a_subject_token_that_is_missing_is_no_request_of_the_client_for_itself() {
    let h = harness();
    let token = alices(&h);
    let sound = || form("access_token", &token);
    for (form, reason) in [
        (sound().without("subject_token"), Reason::SubjectTokenMissing),
        (sound().set("subject_token", ""), Reason::SubjectTokenMissing),
        (sound().also("subject_token", token.clone()), Reason::ParameterRepeated),
        (sound().without("subject_token_type"), Reason::SubjectTokenTypeMissing),
        (sound().set("subject_token_type", ""), Reason::SubjectTokenTypeMissing),
        (sound().set("subject_token_type", "access_token"), Reason::SubjectTokenTypeUnsupported),
        (sound().set("subject_token_type", named("saml2")), Reason::SubjectTokenTypeUnsupported),
        (sound().set("actor_token", token.clone()), Reason::ActorTokenTypeMissing),
        (sound().set("actor_token_type", named("jwt")), Reason::ActorTokenMissing),
        (acting(sound(), "refresh_token", "vs_rt_x"), Reason::ActorTokenTypeUnsupported),
        (sound().set("requested_token_type", named("refresh_token")), Reason::RequestedTokenTypeUnsupported),
        (sound().set("requested_token_type", named("saml1")), Reason::RequestedTokenTypeUnsupported),
    ] {
        let outcome = h.redeem(form).rejected(reason).unchanged();
        assert_eq!(outcome.json()["error"], "invalid_request", "{reason:?}");
    }
}

/// attack 138: a token counts as what it is said to be, or not at all.
#[test]
fn a_type_that_lies_is_refused() {
    let h = harness();
    let tokens = h.tokens(&of_both(), "alice");
    let foreign = jwt(&h, &json!({}));
    let all = [
        ("access_token", tokens.access_token.as_str()),
        ("id_token", tokens.id_token.as_deref().unwrap()),
        ("refresh_token", tokens.refresh_token()),
        ("jwt", foreign.as_str()),
    ];
    for (claimed, _) in all {
        for (_, token) in all.into_iter().filter(|(known, _)| *known != claimed) {
            let lie = h.redeem(form(claimed, token).client("both"));
            let outcome = lie.rejected(Reason::SubjectTokenInvalid).unchanged();
            assert_eq!(outcome.json()["error"], "invalid_request", "{claimed}");
            if claimed != "refresh_token" {
                let lie = acting(form("access_token", &tokens.access_token).client("both"), claimed, token);
                h.redeem(lie).rejected(Reason::ActorTokenInvalid).unchanged();
            }
        }
    }
    for (known, token) in all {
        h.redeem(form(known, token).client("both")).accepted();
    }
}

/// attack 138: access tokens as JWTs too are access tokens, and not JWTs of somebody's.
#[test]
fn an_access_token_is_known_in_every_format() {
    for format in [AccessTokenFormatChoice::Jwt, AccessTokenFormatChoice::JwtStateless] {
        let h = saying(as_asked).config(|config| config.access_token_format = format.clone()).build();
        let token = alices(&h);
        h.redeem(form("jwt", &token)).rejected(Reason::SubjectTokenInvalid).unchanged();
        h.redeem(form("id_token", &token)).rejected(Reason::SubjectTokenInvalid).unchanged();
        assert_eq!(told(&h, &h.redeem(form("access_token", &token)))["sub"], "alice");
        // What was revoked gives nothing new, also where nothing else would notice.
        let alice = GrantFilter::Subject(Subject::new("alice").unwrap());
        assert_eq!(block_on(h.provider().administration().revoke_grants(&alice)).unwrap(), 2);
        h.redeem(form("access_token", &token)).rejected(Reason::SubjectTokenInvalid).unchanged();
    }
}

#[test]
fn a_token_that_is_over_or_whose_client_or_person_is_gone_gives_nothing() {
    let h = harness();
    let token = alices(&h);
    let _ = h.revoke("web", &token);
    h.redeem(form("access_token", &token)).rejected(Reason::SubjectTokenInvalid).unchanged();
    let token = alices(&h);
    h.accounts().disable("alice");
    h.redeem(form("access_token", &token)).rejected(Reason::SubjectTokenGone).unchanged();
    let by_alice = acting(form("access_token", &gateways(&h)), "access_token", &token);
    h.redeem(by_alice).rejected(Reason::ActorTokenGone).unchanged();
    h.accounts().enable("alice");
    h.redeem(form("access_token", &token)).accepted();
    let web = h.client("web");
    let disabled = Client::builder(id("web"), web.metadata().clone())
        .settings(web.settings().clone().with_disabled(true))
        .secret(web.secrets()[0].clone())
        .build()
        .unwrap();
    h.store().insert_client(disabled);
    h.redeem(form("access_token", &token)).rejected(Reason::SubjectTokenInvalid).unchanged();
    h.advance(Duration::from_secs(3600));
    h.redeem(form("access_token", &token)).rejected(Reason::SubjectTokenInvalid).unchanged();
}

#[test]
fn a_refresh_token_is_exchanged_by_its_client_while_it_is_the_newest() {
    let h = harness();
    let tokens = h.tokens(&of_both(), "alice");
    let token = tokens.refresh_token();
    let outcome = h.redeem(form("refresh_token", token).client("both"));
    assert_eq!(told(&h, &outcome)["scope"], "openid read");
    h.redeem(form("refresh_token", token)).rejected(Reason::SubjectTokenForeign).unchanged();
    // It is as good as before.
    h.redeem(refresh_form("both", token)).accepted();
    let _ = h.revoke("both", token);
    h.redeem(form("refresh_token", token).client("both")).rejected(Reason::SubjectTokenInvalid).unchanged();
    h.redeem(form("refresh_token", "vs_rt_x").client("both"))
        .rejected(Reason::SubjectTokenInvalid)
        .unchanged();
}

#[test]
fn an_id_token_is_exchanged_by_its_client_while_it_lives() {
    let h = harness();
    let token = h.tokens(&of_both(), "alice").id_token.unwrap();
    let outcome = h.redeem(form("id_token", &token).client("both").scope("read"));
    assert_eq!((&told(&h, &outcome)["sub"], &told(&h, &outcome)["scope"]), (&json!("alice"), &json!("read")));
    // It permits what its login did, and no more.
    let wider = form("id_token", &token).client("both").scope("read write");
    let _ = h.redeem(wider).rejected(Reason::ScopeNotGranted).unchanged();
    h.redeem(form("id_token", &token)).rejected(Reason::SubjectTokenForeign).unchanged();
    h.advance(h.provider().config().id_token_lifetime);
    h.redeem(form("id_token", &token).client("both")).rejected(Reason::SubjectTokenInvalid).unchanged();
}

/// What was signed out of, or taken back, is not to be had again by an ID token that has not expired.
#[test]
fn an_id_token_gives_nothing_once_its_login_is_over() {
    let h = harness();
    let token = h.tokens(&of_both(), "alice").id_token.unwrap();
    h.redeem(form("id_token", &token).client("both")).accepted();
    let alice = GrantFilter::Subject(Subject::new("alice").unwrap());
    assert_eq!(
        block_on(h.provider().administration().revoke_grants(&alice)).unwrap(),
        2,
        "the login's and the exchange's"
    );
    let over = form("id_token", &token).client("both");
    let _ = h.redeem(over).rejected(Reason::SubjectTokenInvalid).unchanged();
    // Nor does what was exchanged stand in for it.
    let _ = h.redeem(form("access_token", &alices(&h)).client("both")).accepted();
    let over = form("id_token", &token).client("both");
    let _ = h.redeem(over).rejected(Reason::SubjectTokenInvalid).unchanged();
}

/// attack 137, attack 139: an ID token has no place for who acts, nor for a key, so that it would take both off.
#[test]
fn no_id_token_is_given_for_what_is_delegated_or_bound() {
    let h = saying(as_asked).dpop(DpopConfig::new()).build();
    let for_id_token = |form: TokenForm| form.set("requested_token_type", named("id_token"));
    let by_gateway = acting(form("access_token", &alices(&h)), "access_token", &gateways(&h));
    let _ = h.redeem(for_id_token(by_gateway)).rejected(Reason::RequestedIdTokenBound).unchanged();
    let code = h.code(&of_both(), "alice");
    let bound = h.redeem(code_form(&of_both(), &code).proved(&h.token_proof())).issued_as("DPoP");
    let bound = form("access_token", &bound.access_token).proved(&h.token_proof());
    let _ = h.redeem(for_id_token(bound)).rejected(Reason::RequestedIdTokenBound);
    let h = saying(as_asked).provider(|builder| builder.claims_hook(Arc::new(MayAct))).build();
    let named_actor = form("access_token", &alices(&h));
    let _ = h.redeem(for_id_token(named_actor)).rejected(Reason::RequestedIdTokenBound).unchanged();
}

/// attack 144.
#[test]
fn what_an_exchange_is_asked_in_detail_is_not_left_out_in_silence() {
    let h = harness();
    let form = form("access_token", &alices(&h)).set("authorization_details", r#"[{"type":"payment"}]"#);
    let _ = h.redeem(form).rejected(Reason::AuthorizationDetailsUnavailable).unchanged();
}

/// The assertion of a subject is not spent where that of the actor was used before.
#[test]
fn an_actor_that_was_used_before_costs_the_subject_nothing() {
    let h = harness();
    let (subject, actor) = (jwt(&h, &json!({})), jwt(&h, &json!({})));
    let _ = h.redeem(form("jwt", &actor)).accepted();
    let used = acting(form("jwt", &subject), "jwt", &actor);
    let _ = h.redeem(used).rejected(Reason::ActorTokenInvalid).unchanged();
    let _ = h.redeem(form("jwt", &subject)).accepted();
}

/// What a service exchanges while somebody is signed in goes when it ends, and does not pile up until they sign out.
#[test]
fn what_is_exchanged_is_not_kept_until_the_session_ends() {
    let h = harness();
    let code = {
        let mut login = h.login("alice");
        login.session_ends = Some(h.now().plus(Duration::from_secs(86_400)));
        let visit = h.authorize(&offline());
        visit.approved(vouchsafe::provider::Approval::new(login, scope("openid offline_access read"))).code()
    };
    let token = h.redeem(code_form(&offline(), &code)).issued().access_token;
    let _ = h.redeem(form("access_token", &token)).accepted();
    let of = GrantFilter::Client(id("gateway"));
    let kept = || block_on(h.provider().administration().grants(&of, &Page::first(10))).unwrap().items.len();
    assert_eq!(kept(), 1);
    h.advance(Duration::from_secs(3601));
    block_on(h.store().sweep(100, h.now())).unwrap();
    assert_eq!(kept(), 0);
}

#[test]
fn a_pairwise_id_token_leads_to_nobody() {
    let pairwise = both().with_pairwise_subjects();
    let client = Client::builder(id("pair"), pairwise).settings(settings());
    let h =
        saying(as_asked).confidential(client).provider(|builder| builder.with_pairwise_subjects()).build();
    let asked = offline().client("pair").set("redirect_uri", "https://both.example/cb");
    let tokens = h.tokens(&asked, "alice");
    let by_id_token = form("id_token", tokens.id_token.as_deref().unwrap()).client("pair");
    h.redeem(by_id_token).rejected(Reason::SubjectTokenPairwise).unchanged();
    let outcome = h.redeem(form("access_token", &tokens.access_token).client("pair"));
    assert_eq!(told(&h, &outcome)["sub"], tokens.id_claims()["sub"]);
}

/// attack 140: JWTs of others count by the trust in their issuer, and once.
#[test]
fn a_jwt_is_exchanged_where_its_issuer_is_trusted() {
    let h = harness();
    let token = jwt(&h, &json!({}));
    let outcome = h.redeem(form("jwt", &token));
    assert_eq!(
        (&told(&h, &outcome)["sub"], &outcome.json()["scope"]),
        (&json!("alice"), &json!("openid read"))
    );
    assert!(outcome.json()["expires_in"].as_u64().unwrap() <= 60);
    h.redeem(form("jwt", &token)).rejected(Reason::SubjectTokenInvalid).unchanged();
    let narrow = jwt(&h, &json!({ "scope": "read admin" }));
    assert_eq!(h.redeem(form("jwt", &narrow)).json()["scope"], "read");
    for refused in
        [json!({ "iss": OTHER }), json!({ "aud": OTHER }), json!({ "scope": 1 }), json!({ "exp": 1 })]
    {
        let token = jwt(&h, &refused);
        h.redeem(form("jwt", &token)).rejected(Reason::SubjectTokenInvalid).unchanged();
    }
    let untrusting = Harness::builder()
        .confidential(Client::builder(id("gateway"), metadata()).settings(settings()))
        .provider(|builder| builder.with_token_exchange(Arc::new(Says(as_asked, Arc::default()))))
        .build();
    let token = jwt(&untrusting, &json!({}));
    untrusting.redeem(form("jwt", &token)).rejected(Reason::SubjectTokenTypeUnsupported).unchanged();
}

/// attack 139: the scope shrinks, whoever asks and whatever the policy grants.
#[test]
fn nothing_widens() {
    let wide: Decide = |request| {
        let terms = request.as_asked().with_scope("openid profile read write admin".parse().unwrap());
        let terms = terms.with_audience([RESOURCE, OTHER]).with_lifetime(Duration::from_secs(1_000_000));
        ExchangeDecision::Granted(terms)
    };
    let h = saying(wide).build();
    let token = alices(&h);
    h.advance(Duration::from_secs(3500));
    let outcome = h.redeem(form("access_token", &token).scope("read").set("resource", RESOURCE));
    assert_eq!(outcome.json()["expires_in"], 100);
    let mine = h.introspect("gateway", outcome.json()["access_token"].as_str().unwrap()).json();
    assert_eq!((&mine["scope"], &mine["aud"]), (&json!("read"), &json!(RESOURCE)));
    let more = |scope: &str| h.redeem(form("access_token", &token).scope(scope));
    more("read write").rejected(Reason::ScopeNotGranted).unchanged();
    // The policy grants other audiences than the token's own, which are none.
    h.redeem(form("access_token", &token)).rejected(Reason::ExchangeTargetDenied).unchanged();
}

#[test]
fn the_scope_is_what_the_token_permits_and_the_client_may_have() {
    let h = harness();
    let token = h.tokens(&authorize_form().scope("openid email read"), "alice").access_token;
    assert_eq!(h.redeem(form("access_token", &token)).json()["scope"], "openid read");
    h.redeem(form("access_token", &token).scope("email")).rejected(Reason::ScopeNotAllowed).unchanged();
}

#[test]
fn a_policy_may_give_less_than_was_asked() {
    let less: Decide = |request| {
        let terms = request.as_asked().with_scope("read".parse().unwrap());
        ExchangeDecision::Granted(terms.with_audience(["files"]).with_lifetime(Duration::from_secs(30)))
    };
    let h = saying(less).build();
    let asked = form("access_token", &alices(&h)).set("resource", RESOURCE).set("audience", "files");
    let outcome = h.redeem(asked);
    assert_eq!((&outcome.json()["scope"], &outcome.json()["expires_in"]), (&json!("read"), &json!(30)));
    let mine = h.introspect("gateway", outcome.json()["access_token"].as_str().unwrap()).json();
    assert_eq!(mine["aud"], "files");
}

/// attack 139: services that the client or the host does not allow, by either parameter.
#[test]
fn a_target_that_is_not_allowed_is_refused() {
    let h = harness();
    let token = alices(&h);
    for name in ["audience", "resource"] {
        let asked = form("access_token", &token).set(name, OTHER);
        let outcome = h.redeem(asked).rejected(Reason::ResourceNotAllowed).unchanged();
        assert_eq!(outcome.json()["error"], "invalid_target");
        h.redeem(form("access_token", &token).set(name, RESOURCE)).accepted();
    }
    let mixed = form("access_token", &token).set("audience", "files").also("audience", OTHER);
    h.redeem(mixed).rejected(Reason::ResourceNotAllowed).unchanged();
    for bad in ["a\nb".to_owned(), "a".repeat(2049)] {
        let asked = form("access_token", &token).set("audience", bad);
        h.redeem(asked).rejected(Reason::AudienceMalformed).unchanged();
    }
    let many = (0..17).fold(form("access_token", &token), |form, _| form.also("audience", "files"));
    h.redeem(many).rejected(Reason::AudienceMalformed).unchanged();
    let h = saying(|_| ExchangeDecision::TargetDenied).build();
    let asked = form("access_token", &alices(&h)).set("resource", RESOURCE);
    let outcome = h.redeem(asked).rejected(Reason::ExchangeTargetDenied).unchanged();
    assert_eq!(outcome.json()["error"], "invalid_target");
}

/// Without a target the new token is for whom the old one is for: never for the default audience instead.
#[test]
fn without_a_target_the_audience_stays() {
    let h = harness();
    let token = h.tokens(&offline().set("resource", RESOURCE), "alice").access_token;
    let outcome = h.redeem(form("access_token", &token));
    let mine = h.introspect("gateway", outcome.json()["access_token"].as_str().unwrap()).json();
    assert_eq!(mine["aud"], RESOURCE);
}

/// attack 139: five act one for the other, and no sixth; each step is seen in the token and in introspection.
#[test]
fn a_chain_of_actors_is_kept_and_ends_at_five() {
    let h = harness();
    let bob = Subject::new("bob").unwrap();
    h.accounts().insert(bob, Claims::new());
    let (mut token, actor) = (alices(&h), gateways(&h));
    let bobs = h.tokens(&offline(), "bob").access_token;
    let first = h.redeem(acting(form("access_token", &token), "access_token", &bobs));
    assert_eq!(told(&h, &first)["act"], json!({ "sub": "bob" }));
    token = first.issued().access_token;
    for depth in 2..=5 {
        let jwt = form("access_token", &token).set("requested_token_type", named("jwt"));
        let outcome = h.redeem(acting(jwt, "access_token", &actor));
        assert_eq!(outcome.json()["issued_token_type"], named("jwt"));
        let tokens = outcome.issued();
        let (claims, told) = (tokens.access_claims(), h.introspect("api", &tokens.access_token).json());
        assert_eq!(claims["act"], told["act"]);
        let mut links = vec![&claims["act"]];
        while let Some(next) = links.last().and_then(|last| last.get("act")) {
            links.push(next);
        }
        assert_eq!(links.len(), depth);
        assert_eq!(links[0]["client_id"], "gateway");
        assert_eq!(links[depth - 1]["sub"], "bob");
        token = tokens.access_token;
    }
    let sixth = acting(form("access_token", &token), "access_token", &actor);
    h.redeem(sixth).rejected(Reason::ActorChainTooLong).unchanged();
    // Without another actor those who act are not forgotten.
    let kept = h.redeem(form("access_token", &token));
    assert_eq!(told(&h, &kept)["act"]["act"]["act"]["act"]["act"], json!({ "sub": "bob" }));
    let of_delegated = acting(form("access_token", &actor), "access_token", &token);
    h.redeem(of_delegated).rejected(Reason::ActorTokenDelegated).unchanged();
}

/// attack 139: the chain that another issuer sends is bounded too, and names nobody of ours.
#[test]
fn the_actors_of_a_jwt_are_those_of_its_issuer() {
    let h = harness();
    let outcome = h.redeem(form("jwt", &jwt(&h, &json!({ "act": { "sub": "front" } }))));
    assert_eq!(told(&h, &outcome)["act"], json!({ "iss": IDP, "sub": "front" }));
    let deep = (0..49).fold(json!({ "sub": "a" }), |inner, _| json!({ "sub": "a", "act": inner }));
    for (act, reason) in [
        (
            (0..5).fold(json!({ "sub": "a" }), |inner, _| json!({ "sub": "a", "act": inner })),
            Reason::ActorChainTooLong,
        ),
        (json!({ "iss": "https://op.example", "sub": "client:gateway" }), Reason::SubjectTokenInvalid),
        (json!({ "client_id": "gateway" }), Reason::SubjectTokenInvalid),
        (json!("front"), Reason::SubjectTokenInvalid),
        // The claims of a JWT are no 50 levels deep, whatever is in them.
        (deep, Reason::SubjectTokenInvalid),
    ] {
        let token = jwt(&h, &json!({ "act": act }));
        h.redeem(form("jwt", &token)).rejected(reason).unchanged();
    }
}

/// RFC 8693 section 4.4: whoever is named may act, and nobody else.
#[test]
fn may_act_names_the_one_who_may() {
    let h = harness();
    let actor = gateways(&h);
    let ours = "https://op.example";
    for (may_act, alone, with_actor) in [
        (json!({ "client_id": "gateway" }), true, false),
        (json!({ "iss": ours, "sub": "client:gateway" }), true, true),
        (json!({ "iss": ours, "sub": "client:gateway", "client_id": "gateway" }), true, true),
        (json!({ "sub": "client:gateway" }), false, false),
        (json!({ "sub": "client:gateway", "client_id": "gateway" }), false, false),
        (json!({ "iss": OTHER, "client_id": "gateway" }), false, false),
        (json!({ "client_id": "other" }), false, false),
        (json!({ "iss": ours, "sub": "client:gateway", "email": "a@b.example" }), false, false),
        (json!({ "iss": ours }), false, false),
        (json!({}), false, false),
        (json!("gateway"), false, false),
        (json!(null), false, false),
    ] {
        let subject = || form("jwt", &jwt(&h, &json!({ "may_act": may_act })));
        for (form, allowed) in [(subject(), alone), (acting(subject(), "access_token", &actor), with_actor)] {
            match allowed {
                true => drop(h.redeem(form).accepted()),
                false => drop(h.redeem(form).rejected(Reason::SubjectTokenMayAct).unchanged()),
            }
        }
    }
}

/// Says in access tokens who may act by them.
#[derive(Debug)]
struct MayAct;

#[async_trait]
impl ClaimsHook for MayAct {
    async fn access_token(&self, _: &AccessToken) -> Result<Claims, BoxError> {
        Ok(Claims::new()
            .with("may_act", json!({ "client_id": "gateway" }))
            .with("act", json!({ "sub": "nobody" })))
    }
}

#[test]
fn the_host_may_say_who_may_act_by_its_tokens() {
    let h = saying(as_asked).provider(|builder| builder.claims_hook(Arc::new(MayAct))).build();
    let token = alices(&h);
    assert_eq!(h.introspect("api", &token).json()["may_act"], json!({ "client_id": "gateway" }));
    assert_eq!(h.introspect("api", &token).json().get("act"), None);
    h.redeem(form("access_token", &token)).accepted();
    h.redeem(form("access_token", &token).client("both")).rejected(Reason::SubjectTokenMayAct).unchanged();
}

#[test]
fn a_token_of_a_client_for_itself_is_exchanged_by_that_client_alone() {
    let h = harness();
    let token = gateways(&h);
    let outcome = h.redeem(form("access_token", &token));
    assert_eq!(told(&h, &outcome)["sub"], "client:gateway");
    h.redeem(form("access_token", &token).client("both")).rejected(Reason::SubjectTokenOfClient).unchanged();
    let id_token = form("access_token", &token).set("requested_token_type", named("id_token"));
    h.redeem(id_token).rejected(Reason::RequestedIdTokenOfClient).unchanged();
}

/// RFC 8693 section 2.2.1: what is no access token is `N_A`; and it does not outlive the subject token
/// either.
#[test]
fn an_id_token_is_issued_in_its_own_right() {
    let h = harness();
    let token = alices(&h);
    h.advance(Duration::from_secs(3500));
    let asked = |token: &str| form("access_token", token).set("requested_token_type", named("id_token"));
    let outcome = h.redeem(asked(&token)).unchanged();
    let body = outcome.json();
    assert_eq!((&body["issued_token_type"], &body["token_type"]), (&json!(named("id_token")), &json!("N_A")));
    assert_eq!((&body["expires_in"], body.get("scope")), (&json!(100), None));
    let issued = Jws::parse(body["access_token"].as_str().unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(issued.unverified_payload()).unwrap();
    assert_eq!((&claims["sub"], &claims["aud"]), (&json!("alice"), &json!("gateway")));
    assert_eq!(claims["exp"].as_i64(), Some(h.now().unix() + 100));
    assert_eq!((claims.get("nonce"), claims.get("at_hash")), (None, None));
    let elsewhere = asked(&token).set("audience", RESOURCE);
    h.redeem(elsewhere).rejected(Reason::ExchangeTargetDenied).unchanged();
    let plain = h.tokens(&authorize_form().scope("read"), "alice").access_token;
    h.redeem(asked(&plain)).rejected(Reason::ScopeNotGranted).unchanged();
}

/// Reads `bound` as a token of alice's that is bound to a key, as DPoP and mutual TLS make them.
#[derive(Debug)]
struct Bound;

#[async_trait]
impl AccessTokenFormat for Bound {
    async fn mint(&self, _: &Context<'_>, _: &Client, _: &AccessToken) -> Decided<Minted> {
        Err(Reason::InternalFault.into())
    }

    async fn read(&self, cx: &Context<'_>, presented: &str) -> Option<Presented> {
        let (grant, ends) = (GrantId::from_bytes([7; 16]), cx.now.plus(Duration::from_secs(60)));
        let mut token = AccessToken::new(grant, id("web"), cx.now, ends);
        token.authentication = Some(Authentication::new(Subject::new("alice").unwrap(), cx.now));
        let jkt = json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" });
        token.confirmation = serde_json::from_value::<Confirmation>(jkt).ok();
        (presented == "bound").then(|| Presented::Stateless(Box::new(token)))
    }
}

/// attack 137: an exchange takes nobody's binding off.
#[test]
fn a_bound_token_is_not_exchanged_without_its_proof() {
    let h =
        saying(as_asked).provider(|builder| builder.access_token_format("bound", Arc::new(Bound))).build();
    let outcome = h.redeem(form("access_token", "bound")).rejected(Reason::SubjectTokenBound).unchanged();
    assert_eq!(outcome.json()["error"], "invalid_request");
    let by_bound = acting(form("access_token", &alices(&h)), "access_token", "bound");
    h.redeem(by_bound).rejected(Reason::ActorTokenBound).unchanged();
    for cnf in [json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" }), json!({ "kid": "x" })] {
        let token = jwt(&h, &json!({ "cnf": cnf }));
        h.redeem(form("jwt", &token)).rejected(Reason::SubjectTokenBound).unchanged();
    }
}

/// attack 137: whoever holds the key gets a token that is bound to it, and nobody else gets one.
#[test]
fn an_exchange_keeps_the_key_that_a_token_is_bound_to() {
    let h = saying(as_asked).dpop(DpopConfig::new()).build();
    let [jkt, _] = dpop_keys().map(|key| key.public_key().thumbprint());
    let asked = offline().client("spa");
    let code = h.code(&asked, "alice");
    let bound = h.redeem(code_form(&asked, &code).proved(&h.token_proof())).issued_as("DPoP").access_token;
    h.redeem(form("access_token", &bound)).rejected(Reason::SubjectTokenBound).unchanged();
    let anothers = h.token_proof().by(&dpop_keys()[1]);
    h.redeem(form("access_token", &bound).proved(&anothers)).rejected(Reason::SubjectTokenBound);
    let outcome = h.redeem(form("access_token", &bound).proved(&h.token_proof()));
    assert_eq!(outcome.json()["token_type"], "DPoP");
    assert_eq!(told(&h, &outcome)["cnf"], json!({ "jkt": jkt }));
    // A token that is not bound may become one that is.
    let outcome = h.redeem(form("access_token", &alices(&h)).proved(&h.token_proof()));
    assert_eq!(told(&h, &outcome)["cnf"], json!({ "jkt": jkt }));
    let assertion = jwt(&h, &json!({ "cnf": { "jkt": jkt } }));
    let outcome = h.redeem(form("jwt", &assertion).proved(&h.token_proof()));
    assert_eq!(told(&h, &outcome)["cnf"], json!({ "jkt": jkt }));
}

/// What was given is the host's to find and to end, also where tokens would not be recorded.
#[test]
fn what_was_given_is_listed_and_revoked() {
    let h =
        saying(as_asked).config(|config| config.access_token_format = AccessTokenFormatChoice::JwtStateless);
    let h = h.build();
    let token = h.redeem(form("access_token", &alices(&h))).issued().access_token;
    let of = GrantFilter::SubjectAndClient(Subject::new("alice").unwrap(), id("gateway"));
    let listed = block_on(h.provider().administration().grants(&of, &Page::first(9))).unwrap().items;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].grant.grant_type, GrantType::TokenExchange);
    assert_eq!(block_on(h.provider().administration().revoke_grants(&of)).unwrap(), 1);
    assert!(!h.is_active("api", &token));
}

/// The budget of the design: the look at the subject token, and one insert.
#[test]
fn an_exchange_costs_one_look_and_one_insert() {
    let faults = Faults::new();
    let stores = faults.clone();
    let h = saying(as_asked).stores(move |memory| stores.stores(memory)).build();
    let token = alices(&h);
    drop(faults.calls());
    h.redeem(form("access_token", &token)).accepted();
    assert_eq!(faults.calls(), ["access_token", "insert_granted_token"]);
    faults.break_verb("access_token", Fault::Unavailable);
    h.redeem(form("access_token", &token)).rejected(Reason::StoreUnavailable).unchanged();
}

#[test]
fn it_is_for_confidential_clients_and_off_until_it_is_turned_on() {
    let public = metadata().with_auth_method(ClientAuthMethod::None);
    let mut public = public;
    public.grant_types.retain(|known| *known == GrantType::TokenExchange);
    let refused = Client::builder(id("open"), public).build().unwrap_err();
    assert_eq!(refused.member, "grant_types");
    let h = harness();
    let listed = |h: &Harness| {
        let request = http::Request::get("/.well-known/openid-configuration").body(Bytes::new()).unwrap();
        let metadata = h.answer(request).accepted().json();
        metadata["grant_types_supported"].as_array().unwrap().contains(&json!(GRANT_TYPE))
    };
    assert!(listed(&h));
    let off = Harness::new();
    assert!(!listed(&off));
    off.redeem(form("access_token", "x").client("web")).rejected(Reason::GrantTypeUnsupported).unchanged();
    h.redeem(form("access_token", "x").client("web")).rejected(Reason::GrantTypeNotAllowed).unchanged();
    let stores = vouchsafe::Stores::of(Arc::new(vouchsafe::store::memory::MemoryStore::new()));
    let (config, secrets) = (h.provider().config().clone(), h.system_secrets().clone());
    let bare = Provider::builder(config, stores, keyring(), secrets).with_token_exchange(Arc::new(Silent));
    let needs = BuildError::Needs { feature: "token_exchange", port: "Accounts" };
    assert_eq!(bare.build().unwrap_err(), needs);
}

/// Both grants by assertion or exchange are for strangers too where the host lets them register, and not
/// otherwise.
#[test]
fn a_client_registers_for_it_where_the_host_lets_it() {
    let all = [GrantType::TokenExchange, GrantType::JwtBearer];
    let names = json!(all.each_ref().map(GrantType::as_str));
    let open = all.into_iter().fold(Registration::open(), Registration::with_grant_type);
    let asked = json!({ "grant_types": names, "response_types": [] });
    let h = saying(as_asked).provider(|builder| builder.with_jwt_bearer().with_registration(open)).build();
    assert_eq!(register(&h, &asked).accepted().json()["grant_types"], names);
    let public = json!({ "grant_types": names, "response_types": [], "token_endpoint_auth_method": "none" });
    register(&h, &public).rejected(Reason::MetadataGrantTypes).unchanged();
    let careful =
        |builder: ProviderBuilder| builder.with_jwt_bearer().with_registration(Registration::open());
    let h = saying(as_asked).provider(careful).build();
    register(&h, &asked).rejected(Reason::MetadataGrantTypes).unchanged();
}
