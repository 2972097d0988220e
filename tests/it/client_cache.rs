//! Clients that registered themselves are read again after an age, not at every request.

use std::time::Duration;

use serde_json::json;
use vouchsafe::client::ClientSettings;
use vouchsafe::error::Reason;
use vouchsafe::provider::{GrantFilter, ProviderBuilder, Registration};
use vouchsafe::store::{ClientRegistry as _, Page};
use vouchsafe::testing::{Fault, Faults, Harness, HarnessBuilder, block_on, token_form};
use vouchsafe::types::{ClientId, GrantType};

use crate::rfc7591_registration::{register, with};
use crate::rfc7592_management::Own;

/// A node that counts what it asks its store.
fn counted(builder: HarnessBuilder) -> (Harness, Faults) {
    let (faults, on) = (Faults::new(), |builder: ProviderBuilder| {
        let for_themselves = Registration::open().with_grant_type(GrantType::ClientCredentials);
        builder.with_registration(for_themselves.with_scope("openid read".parse().unwrap()))
    });
    let given = faults.clone();
    (builder.stores(move |memory| given.stores(memory)).provider(on).build(), faults)
}

/// A client that registered to act for itself, and what authenticates it.
struct Service {
    id: ClientId,
    secret: String,
}

fn service(h: &Harness) -> Service {
    let members = json!({ "grant_types": ["client_credentials"], "response_types": [], "scope": "read" });
    let mut members = with(members);
    members.as_object_mut().unwrap().remove("redirect_uris");
    let body = register(h, &members).accepted().json();
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    Service { id: ClientId::new(text("client_id")).unwrap(), secret: text("client_secret") }
}

impl Service {
    fn ask(&self, h: &Harness) -> vouchsafe::testing::Outcome {
        h.redeem(token_form("client_credentials").basic(self.id.as_str(), &self.secret))
    }
}

fn reads(faults: &Faults) -> usize {
    faults.calls().iter().filter(|verb| **verb == "registered").count()
}

#[test]
fn a_busy_client_costs_no_statement() {
    let (h, faults) = counted(Harness::builder());
    let service = service(&h);
    drop(faults.calls());
    let mut counts = Vec::new();
    for _ in 0..5 {
        service.ask(&h).accepted();
        counts.push(faults.calls());
    }
    assert_eq!(counts[0], ["registered", "insert_granted_token"]);
    assert!(counts[1..].iter().all(|calls| *calls == ["insert_granted_token"]), "{counts:?}");
    h.advance(Duration::from_secs(9));
    service.ask(&h).accepted();
    assert_eq!(reads(&faults), 0, "until the age has passed it is not read");
    h.advance(Duration::from_secs(1));
    service.ask(&h).accepted();
    assert_eq!(reads(&faults), 1, "from then on it is");
    service.ask(&h).accepted();
    assert_eq!(reads(&faults), 0);
}

#[test]
fn an_age_of_zero_reads_at_every_request() {
    let none = |config: &mut vouchsafe::provider::Config| config.registered_client_age = Duration::ZERO;
    let (h, faults) = counted(Harness::builder().config(none));
    let service = service(&h);
    drop(faults.calls());
    for _ in 0..3 {
        service.ask(&h).accepted();
        assert_eq!(reads(&faults), 1);
    }
}

/// attack 214: what a node writes counts there at once, also where the store's answer was lost.
#[test]
fn what_this_node_writes_counts_at_once() {
    let (h, faults) = counted(Harness::builder());
    let admin = h.provider().administration();
    let service = service(&h);
    let off = ClientSettings::new().with_disabled(true);
    service.ask(&h).accepted();
    assert!(block_on(admin.set_client_settings(&service.id, &off)).unwrap());
    service.ask(&h).rejected(Reason::ClientDisabled).unchanged();
    assert!(block_on(admin.set_client_settings(&service.id, &ClientSettings::new())).unwrap());
    service.ask(&h).accepted();
    faults.break_verb("replace_registered", Fault::AnswerLost);
    block_on(admin.set_client_settings(&service.id, &off)).unwrap_err();
    faults.mend();
    service.ask(&h).rejected(Reason::ClientDisabled).unchanged();
    assert!(block_on(admin.set_client_settings(&service.id, &ClientSettings::new())).unwrap());
    service.ask(&h).accepted();
    assert!(block_on(admin.remove_client(&service.id)).unwrap());
    service.ask(&h).rejected(Reason::ClientUnknown).unchanged();
}

/// attack 214: what another node writes counts when the age has passed, and no later.
#[test]
fn what_another_node_writes_counts_within_the_age() {
    let (here, _) = counted(Harness::builder());
    let (there, _) = counted(Harness::builder().beside(&here));
    let (kept, removed) = (service(&here), service(&there));
    let off = ClientSettings::new().with_disabled(true);
    for client in [&kept, &removed] {
        client.ask(&here).accepted();
    }
    assert!(block_on(there.provider().administration().set_client_settings(&kept.id, &off)).unwrap());
    assert!(block_on(there.provider().administration().remove_client(&removed.id)).unwrap());
    here.advance(Duration::from_secs(9));
    kept.ask(&here).accepted();
    here.advance(Duration::from_secs(1));
    kept.ask(&here).rejected(Reason::ClientDisabled).unchanged();
    removed.ask(&here).rejected(Reason::ClientUnknown).unchanged();
}

/// attack 214: what another node gives to a client that was removed ends too: in the background, or by another call.
#[test]
fn what_another_node_gives_a_client_that_was_removed_ends() {
    for by_call in [false, true] {
        let (here, _) = counted(Harness::builder());
        let (there, _) = counted(Harness::builder().beside(&here));
        let removed = service(&there);
        removed.ask(&here).accepted();
        let admin = there.provider().administration();
        assert!(block_on(admin.remove_client(&removed.id)).unwrap());
        removed.ask(&here).accepted();
        let live = || {
            let of = GrantFilter::Client(removed.id.clone());
            block_on(admin.grants(&of, &Page::first(10))).unwrap().items.len()
        };
        assert_eq!(live(), 1, "it is kept there");
        if by_call {
            assert!(!block_on(admin.remove_client(&removed.id)).unwrap(), "it is gone already");
        } else {
            there.runtime().run();
            for _ in 0..2 {
                there.advance(Duration::from_secs(10));
            }
        }
        assert_eq!(live(), 0);
    }
}

/// Nothing is kept of clients that are not there: one that registers elsewhere is found at once.
#[test]
fn a_client_that_registers_elsewhere_is_found_at_once() {
    let (here, faults) = counted(Harness::builder());
    let (there, _) = counted(Harness::builder().beside(&here));
    let strange = Service { id: ClientId::new("strange").unwrap(), secret: "x".repeat(43) };
    drop(faults.calls());
    for _ in 0..2 {
        strange.ask(&here).rejected(Reason::ClientUnknown);
        assert_eq!(reads(&faults), 1);
    }
    service(&there).ask(&here).accepted();
}

/// attack 314: a store that fails when a client is to be read again fails the request, and what is kept is not prolonged.
#[test]
fn a_store_that_fails_prolongs_nothing() {
    let (h, faults) = counted(Harness::builder());
    let service = service(&h);
    service.ask(&h).accepted();
    faults.break_verb("registered", Fault::Unavailable);
    h.advance(Duration::from_secs(9));
    service.ask(&h).accepted();
    h.advance(Duration::from_secs(1));
    service.ask(&h).rejected(Reason::StoreUnavailable).unchanged();
    faults.mend();
    service.ask(&h).accepted();
}

/// attack 317: a row that was altered does not open once it is read, though its client was kept before.
#[test]
fn a_row_that_was_altered_is_not_the_client_that_was_kept() {
    let (h, _) = counted(Harness::builder());
    let (one, other) = (service(&h), service(&h));
    one.ask(&h).accepted();
    let stored = |service: &Service| block_on(h.store().registered(&service.id, h.now())).unwrap().unwrap();
    let (mine, foreign) = (stored(&one), stored(&other));
    let mut forged = mine.record.clone();
    forged.payload = foreign.record.payload;
    let _written = block_on(h.store().replace_registered(forged, mine.version, h.now())).unwrap();
    h.advance(Duration::from_secs(10));
    one.ask(&h).rejected(Reason::ClientUnknown);
    other.ask(&h).accepted();
}

/// The management of a registration reads the row itself.
#[test]
fn a_client_reads_and_writes_its_registration_as_it_is() {
    let (here, _) = counted(Harness::builder());
    let (there, _) = counted(Harness::builder().beside(&here));
    let own = Own::new(&here);
    assert!(block_on(here.provider().client(&own.id())).unwrap().is_some());
    let off = ClientSettings::new().with_disabled(true);
    assert!(block_on(there.provider().administration().set_client_settings(&own.id(), &off)).unwrap());
    let _ = own.send(&here, "GET", &json!({})).challenged(Reason::RegistrationClientDisabled);
}
