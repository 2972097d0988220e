//! RFC 7592 sections 2 and 3: clients read, update and delete what they registered.

use serde_json::{Value, json};
use vouchsafe::client::ClientSettings;
use vouchsafe::error::Reason;
use vouchsafe::event::EventKind;
use vouchsafe::provider::GrantFilter;
use vouchsafe::store::Page;
use vouchsafe::testing::{Harness, Outcome, authorize_form, block_on};
use vouchsafe::types::ClientId;

use crate::rfc7591_registration::{open, register, send, with};

/// A client that registered, and its token.
pub(crate) struct Own {
    uri: String,
    pub(crate) token: String,
    pub(crate) body: Value,
}

impl Own {
    pub(crate) fn new(h: &Harness) -> Self {
        Self::told(register(h, &with(json!({ "client_name": "Bakery" }))).accepted().json())
    }

    pub(crate) fn told(body: Value) -> Self {
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        Self { uri: text("registration_client_uri"), token: text("registration_access_token"), body }
    }

    pub(crate) fn id(&self) -> ClientId {
        ClientId::new(self.body["client_id"].as_str().unwrap()).unwrap()
    }

    pub(crate) fn send(&self, h: &Harness, method: &str, body: &Value) -> Outcome {
        send(h, method, &self.uri, Some(&self.token), body.to_string())
    }

    /// An update with these members too.
    pub(crate) fn update(&self, h: &Harness, members: Value) -> Outcome {
        let mut body = with(members);
        body["client_id"] = self.body["client_id"].clone();
        self.send(h, "PUT", &body)
    }
}

#[test]
fn a_client_reads_what_it_registered() {
    let h = open();
    let own = Own::new(&h);
    let outcome = own.send(&h, "GET", &json!({})).accepted();
    assert_eq!(
        (outcome.response.status().as_u16(), outcome.header("cache-control")),
        (200, Some("no-store"))
    );
    let mut told = own.body.clone();
    // Only the hash of the secret is kept.
    told.as_object_mut().unwrap().retain(|name, _| !name.starts_with("client_secret"));
    assert_eq!(outcome.json(), told);
}

#[test]
fn an_update_replaces_everything_and_the_token() {
    let h = open();
    let own = Own::new(&h);
    let outcome = own.update(&h, json!({ "client_secret": own.body["client_secret"] })).accepted();
    assert!(outcome.events.iter().any(|event| event.kind == EventKind::ClientUpdated));
    let after = Own::told(outcome.json());
    assert!(after.body.get("client_name").is_none(), "what is left out is gone");
    assert_eq!(after.body["client_secret"], own.body["client_secret"]);
    assert_ne!(after.token, own.token);
    let _ = after.send(&h, "GET", &json!({})).accepted();
    let _ = own.send(&h, "GET", &json!({})).challenged(Reason::RegistrationTokenForeign).unchanged();
}

/// attack 213: an update is held against the same bounds, and makes no other type of client.
#[test]
fn an_update_gives_nothing_that_registration_would_not() {
    let h = open();
    let own = Own::new(&h);
    for (members, reason) in [
        (json!({ "token_endpoint_auth_method": "none" }), Reason::MetadataTypeChanged),
        (json!({ "grant_types": ["client_credentials"] }), Reason::MetadataGrantTypes),
        (json!({ "client_secret": "chosen by the client" }), Reason::MetadataClientSecret),
        (json!({ "redirect_uris": ["https://a.example/*"] }), Reason::MetadataRedirectUris),
    ] {
        let _ = own.update(&h, members).rejected(reason).unchanged();
    }
    let _ = own.send(&h, "PUT", &with(json!({}))).rejected(Reason::MetadataClientId).unchanged();
    let other = with(json!({ "client_id": "web" }));
    let _ = own.send(&h, "PUT", &other).rejected(Reason::MetadataClientId).unchanged();
}

/// attack 215: a registration access token is good for its own client alone.
#[test]
fn the_token_of_another_client_opens_nothing() {
    let h = open();
    let (own, other) = (Own::new(&h), Own::new(&h));
    for method in ["GET", "PUT", "DELETE"] {
        let crossed = send(&h, method, &other.uri, Some(&own.token), own.body.to_string());
        let _ = crossed.challenged(Reason::RegistrationTokenForeign).unchanged();
        let _ =
            send(&h, method, &own.uri, None, "{}").challenged(Reason::RegistrationTokenMissing).unchanged();
        let guess = send(&h, method, &own.uri, Some("vs_ra_guess"), "{}");
        let _ = guess.challenged(Reason::RegistrationTokenInvalid).unchanged();
        let nobody = send(&h, method, "/register?client_id=nobody", Some(&own.token), "{}");
        let _ = nobody.challenged(Reason::RegistrationClientGone).unchanged();
    }
    let _ = send(&h, "GET", "/register", Some(&own.token), "").rejected(Reason::ClientIdMissing);
}

/// attack 214: a client that was shut out stays so, whatever token it has.
#[test]
fn a_disabled_client_manages_nothing() {
    let h = open();
    let own = Own::new(&h);
    let off = ClientSettings::new().with_disabled(true);
    assert!(block_on(h.provider().administration().set_client_settings(&own.id(), &off)).unwrap());
    let _ = own.update(&h, json!({})).challenged(Reason::RegistrationClientDisabled).unchanged();
    for method in ["GET", "DELETE"] {
        let refused = own.send(&h, method, &json!({}));
        let _ = refused.challenged(Reason::RegistrationClientDisabled).unchanged();
    }
    assert!(block_on(h.provider().client(&own.id())).unwrap().unwrap().settings().disabled);
}

#[test]
fn settings_of_the_host_survive_an_update() {
    let h = open();
    let own = Own::new(&h);
    let settings = ClientSettings::new().with_resources(["https://api.example"]);
    assert!(block_on(h.provider().administration().set_client_settings(&own.id(), &settings)).unwrap());
    let _ = own.update(&h, json!({})).accepted();
    assert_eq!(*block_on(h.provider().client(&own.id())).unwrap().unwrap().settings(), settings);
    let nobody = ClientId::new("nobody").unwrap();
    assert!(!block_on(h.provider().administration().set_client_settings(&nobody, &settings)).unwrap());
}

#[test]
fn a_deleted_client_takes_its_grants_along() {
    let h = open();
    let own = Own::new(&h);
    let form = authorize_form()
        .client(own.id().as_str())
        .set("redirect_uri", "https://rp.example/cb")
        .scope("openid");
    let _ = h.authorize(&form).approved_by("alice");
    let grants = |h: &Harness| {
        block_on(h.provider().administration().grants(&GrantFilter::Client(own.id()), &Page::first(10)))
            .unwrap()
            .items
            .len()
    };
    assert_eq!(grants(&h), 1);
    let outcome = own.send(&h, "DELETE", &json!({}));
    assert_eq!((outcome.response.status().as_u16(), outcome.response.body().len()), (204, 0));
    assert!(outcome.events.iter().any(|event| event.kind == EventKind::ClientDeleted));
    assert_eq!(grants(&h), 0);
    assert_eq!(block_on(h.provider().client(&own.id())).unwrap(), None);
    let _ = own.send(&h, "GET", &json!({})).challenged(Reason::RegistrationClientGone).unchanged();
}

#[test]
fn the_host_removes_a_client() {
    let h = open();
    let own = Own::new(&h);
    assert!(block_on(h.provider().administration().remove_client(&own.id())).unwrap());
    assert!(!block_on(h.provider().administration().remove_client(&own.id())).unwrap());
    let other = send(&h, "PATCH", &own.uri, Some(&own.token), "{}");
    assert_eq!(other.header("allow"), Some("GET, POST, PUT, DELETE"));
    let _ = other.rejected(Reason::MethodNotAllowed);
}
