//! How long tokens and grants last: the most specific word wins, and a resource only shortens it.

use std::sync::Arc;
use std::time::Duration;

use vouchsafe::client::{Client, ClientBuilder, ClientMetadata, ClientSettings};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::policy::{Issuing, Policy};
use vouchsafe::provider::{BuildError, Config, Lifetimes, Provider, ResourceSettings};
use vouchsafe::secret::SystemSecrets;
use vouchsafe::store::Stores;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::testing::{
    AuthorizeForm, Harness, HarnessBuilder, RESOURCE, Tokens, authorize_form, keyring, refresh_form,
    token_form,
};
use vouchsafe::types::{ClientId, GrantType, RedirectUri, Scope};

const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn client(id: &str, settings: ClientSettings) -> ClientBuilder {
    let uri = RedirectUri::register(&format!("https://{id}.example/cb")).unwrap();
    let metadata = ClientMetadata::code_flow([uri])
        .with_scope(Scope::parse("openid offline_access read").unwrap())
        .with_grant_type(GrantType::RefreshToken)
        .with_grant_type(GrantType::ClientCredentials);
    Client::builder(ClientId::new(id).unwrap(), metadata).settings(settings.with_resources([RESOURCE]))
}

/// The clients `plain`, of which nothing is said, and `held`, which is held to little.
fn builder() -> HarnessBuilder {
    let held = ClientSettings::new()
        .with_access_token_lifetime(seconds(120))
        .with_id_token_lifetime(seconds(130))
        .with_refresh_idle(seconds(2 * HOUR))
        .with_grant_lifetime(seconds(3 * HOUR));
    Harness::builder().confidential(client("plain", ClientSettings::new())).confidential(client("held", held))
}

fn asked(client: &str) -> AuthorizeForm {
    authorize_form().client(client).scope("openid offline_access")
}

/// How long the access token and the ID token live.
fn lives(h: &Harness, tokens: &Tokens) -> (u64, i64) {
    let ends = tokens.id_claims()["exp"].as_i64().unwrap();
    (tokens.expires_in.unwrap(), ends - h.now().unix())
}

/// Whether a refresh token is good for nothing just `seconds` from now, and good a second before; it is left unused.
fn ends_after(h: &Harness, client: &str, token: &str, lasts: u64) {
    h.advance(seconds(lasts - 1));
    assert!(h.introspect(client, token).json()["active"] == true, "it ends before {lasts}");
    h.advance(seconds(1));
    let refused = h.redeem(refresh_form(client, token));
    assert_eq!(refused.response.status(), 400, "it lasts beyond {lasts}");
}

#[test]
fn a_client_is_held_to_what_its_settings_say() {
    let h = builder().build();
    let tokens = h.tokens(&asked("held"), "alice");
    assert_eq!(lives(&h, &tokens), (120, 130));
    ends_after(&h, "held", tokens.refresh_token(), 2 * HOUR);
    let tokens = h.tokens(&asked("held"), "alice");
    h.advance(seconds(HOUR));
    let tokens = h.redeem(refresh_form("held", tokens.refresh_token())).issued();
    assert_eq!(lives(&h, &tokens), (120, 130));
    h.advance(seconds(HOUR));
    let tokens = h.redeem(refresh_form("held", tokens.refresh_token())).issued();
    ends_after(&h, "held", tokens.refresh_token(), HOUR);
    let plain = h.tokens(&asked("plain"), "alice");
    assert_eq!(lives(&h, &plain), (3600, 3600));
    ends_after(&h, "plain", plain.refresh_token(), 14 * DAY);
}

fn by_type() -> HarnessBuilder {
    let code = Lifetimes::new()
        .with_access_token(seconds(600))
        .with_id_token(seconds(700))
        .with_refresh_idle(seconds(4 * HOUR))
        .with_grant(seconds(10 * HOUR));
    let refresh = Lifetimes::new().with_access_token(seconds(300)).with_refresh_idle(seconds(5 * HOUR));
    let service = Lifetimes::new().with_access_token(seconds(90));
    builder().config(|config| {
        *config = config
            .clone()
            .with_grant_type_lifetimes(GrantType::AuthorizationCode, code)
            .with_grant_type_lifetimes(GrantType::RefreshToken, refresh)
            .with_grant_type_lifetimes(GrantType::ClientCredentials, service);
    })
}

#[test]
fn a_grant_type_has_its_own_and_the_client_comes_first() {
    let h = by_type().build();
    let service = |client| h.redeem(token_form("client_credentials").client(client)).issued().expires_in;
    assert_eq!((service("plain"), service("held")), (Some(90), Some(120)));
    let held = h.tokens(&asked("held"), "alice");
    assert_eq!(lives(&h, &held), (120, 130));
    let plain = h.tokens(&asked("plain"), "alice");
    assert_eq!(lives(&h, &plain), (600, 700));
    ends_after(&h, "plain", plain.refresh_token(), 4 * HOUR);
}

/// What `refresh_token` has no word about is as for the grant type by which the grant came about.
#[test]
fn a_refresh_has_its_own_within_its_grant() {
    let h = by_type().build();
    let first = h.tokens(&asked("plain"), "alice");
    h.advance(seconds(3 * HOUR));
    let second = h.redeem(refresh_form("plain", first.refresh_token())).issued();
    assert_eq!(lives(&h, &second), (300, 700));
    h.advance(seconds(4 * HOUR));
    let third = h.redeem(refresh_form("plain", second.refresh_token())).issued();
    ends_after(&h, "plain", third.refresh_token(), 3 * HOUR);
}

/// A client that is held to two minutes would get a day by naming a resource, and so would a grant type.
#[test]
fn a_resource_shortens_and_never_lengthens() {
    for (of_resource, held, plain) in [(DAY, 120, 90), (60, 60, 60)] {
        let settings = ResourceSettings::new().with_access_token_lifetime(seconds(of_resource));
        let h = by_type().config(|config| {
            config.resources.insert(RESOURCE.to_owned(), settings);
        });
        let h = h.build();
        let lives = |client| {
            let form = token_form("client_credentials").client(client).set("resource", RESOURCE);
            h.redeem(form).issued().expires_in
        };
        assert_eq!((lives("held"), lives("plain")), (Some(held), Some(plain)));
    }
}

#[derive(Debug)]
struct Longer;

impl Policy for Longer {
    fn id_token_lifetime(&self, issuing: &Issuing<'_>, default: Duration) -> Duration {
        if issuing.client.id().as_str() == "plain" { seconds(2 * DAY) } else { default }
    }

    fn refresh_idle(&self, _: &Issuing<'_>, default: Duration) -> Duration {
        default + seconds(HOUR)
    }

    fn grant_lifetime(&self, _: &Issuing<'_>, default: Duration) -> Duration {
        default + seconds(HOUR)
    }
}

#[test]
fn the_policy_has_the_last_word_within_bounds() {
    let h = builder().provider(|builder| builder.policy(Arc::new(Longer))).build();
    assert_eq!(lives(&h, &h.tokens(&asked("plain"), "alice")), (3600, 86_400));
    let held = h.tokens(&asked("held"), "alice");
    assert_eq!(lives(&h, &held), (120, 130));
    ends_after(&h, "held", held.refresh_token(), 3 * HOUR);
    let held = h.tokens(&asked("held"), "alice");
    h.advance(seconds(2 * HOUR));
    let held = h.redeem(refresh_form("held", held.refresh_token())).issued();
    ends_after(&h, "held", held.refresh_token(), 2 * HOUR);
}

#[test]
fn what_is_out_of_bounds_is_refused() {
    for (settings, member) in [
        (ClientSettings::new().with_refresh_idle(seconds(HOUR - 1)), "refresh_idle"),
        (ClientSettings::new().with_grant_lifetime(seconds(HOUR - 1)), "grant_lifetime"),
        (ClientSettings::new().with_id_token_lifetime(seconds(59)), "id_token_lifetime"),
    ] {
        let uri = RedirectUri::register("https://a.example/cb").unwrap();
        let metadata = ClientMetadata::code_flow([uri]);
        let built = Client::builder(ClientId::new("a").unwrap(), metadata).settings(settings).build();
        assert_eq!(built.unwrap_err().member, member);
    }
    let build = |lifetimes| {
        let config = Config::new("https://op.example".parse().unwrap())
            .with_grant_type_lifetimes(GrantType::DeviceCode, lifetimes);
        let secrets = SystemSecrets::generate(&OsEntropy).unwrap();
        let stores = Stores::of(Arc::new(MemoryStore::new()));
        Provider::builder(config, stores, keyring(), secrets).build()
    };
    let (token, grant) = ("1 minute to 24 hours", "1 hour or more");
    for (lifetimes, setting, bounds) in [
        (Lifetimes::new().with_access_token(seconds(59)), "grant type access_token", token),
        (Lifetimes::new().with_id_token(seconds(DAY + 1)), "grant type id_token", token),
        (Lifetimes::new().with_refresh_idle(seconds(HOUR - 1)), "grant type refresh_idle", grant),
        (Lifetimes::new().with_grant(seconds(HOUR - 1)), "grant type grant", grant),
    ] {
        assert_eq!(build(lifetimes).unwrap_err(), BuildError::Bounds { setting, bounds });
    }
    assert!(build(Lifetimes::new().with_grant(seconds(HOUR))).is_ok());
}
