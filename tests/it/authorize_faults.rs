//! Stores that fail while a person signs in, and how often they are asked (RFC 6749 section 4.1.2.1).

use std::sync::Arc;

use async_trait::async_trait;
use vouchsafe::client::Client;
use vouchsafe::clock::Timestamp;
use vouchsafe::entropy::{Entropy, EntropyError};
use vouchsafe::error::{Reason, StoreError, StoreErrorKind};
use vouchsafe::provider::GrantFilter;
use vouchsafe::store::{ClientStore, Page, Stores};
use vouchsafe::testing::{Fault, Faults, Harness, authorize_form, block_on};
use vouchsafe::types::{ClientId, Subject};

fn faulty() -> (Harness, Faults) {
    let faults = Faults::new();
    let given = faults.clone();
    (Harness::builder().stores(move |memory| given.stores(memory)).build(), faults)
}

#[test]
fn a_sign_in_asks_the_stores_no_more_than_it_must() {
    let (h, faults) = faulty();
    let visit = h.authorize(&authorize_form());
    assert!(faults.calls().is_empty(), "nothing is read or written before somebody is signed in");
    let _ = visit.next(None);
    assert!(faults.calls().is_empty());
    let visit = visit.next(Some(&h.login("alice")));
    assert_eq!(faults.calls(), ["remembered"]);
    let _ = visit.approved_by("alice");
    assert_eq!(faults.calls(), ["insert_grant", "insert_code"]);
    let _ = visit.remembered_by("alice");
    assert_eq!(faults.calls(), ["remember", "insert_grant", "insert_code"]);
    let _ = h.authorize(&authorize_form()).next(Some(&h.login("alice")));
    assert_eq!(faults.calls(), ["remembered", "insert_grant", "insert_code"]);
    let _ = h.authorize(&authorize_form().client("trusted")).next(Some(&h.login("alice")));
    assert_eq!(faults.calls(), ["insert_grant", "insert_code"]);
}

/// attack 321: a key that is taken costs another draw, nothing else.
#[test]
fn a_taken_key_is_drawn_again() {
    let (h, faults) = faulty();
    let visit = h.authorize(&authorize_form());
    faults.plan(0, Fault::Conflict);
    faults.plan(2, Fault::Conflict);
    assert!(visit.approved_by("alice").code().starts_with("vs_ac_"));
    assert_eq!(faults.calls(), ["insert_grant", "insert_grant", "insert_code", "insert_code"]);
}

/// A store that fails at any step is told to the client, who gets no code; what was begun is taken back.
#[test]
fn a_failing_store_gives_no_code() {
    for fault in [Fault::Unavailable, Fault::AnswerLost] {
        for verb in ["remember", "insert_grant", "insert_code"] {
            let (h, faults) = faulty();
            let visit = h.authorize(&authorize_form());
            faults.break_verb(verb, fault);
            let landing = visit.remembered_by("alice").outcome.returned(Reason::StoreUnavailable);
            assert_eq!(landing.params.one("error"), Ok(Some("temporarily_unavailable")), "{verb}");
            assert_eq!(landing.params.one("code"), Ok(None));
            faults.mend();
            let alice = GrantFilter::Subject(Subject::new("alice").unwrap());
            let grants = block_on(h.provider().administration().grants(&alice, &Page::first(10))).unwrap();
            let lost = (verb, fault) == ("insert_grant", Fault::AnswerLost);
            assert_eq!(grants.items.len(), usize::from(lost), "{verb} {fault:?}");
            assert!(h.authorize(&authorize_form()).approved_by("alice").code().starts_with("vs_ac_"));
        }
    }
}

#[test]
fn consent_that_cannot_be_read_is_not_assumed() {
    let (h, faults) = faulty();
    let _ = h.authorize(&authorize_form()).remembered_by("alice");
    faults.break_verb("remembered", Fault::Unavailable);
    for prompt in ["", "none"] {
        let visit = h.authorize(&authorize_form().prompt(prompt)).next(Some(&h.login("alice")));
        let landing = visit.returned(Reason::StoreUnavailable);
        assert_eq!(landing.params.one("error"), Ok(Some("temporarily_unavailable")));
    }
}

#[derive(Debug)]
struct NoClients;

#[async_trait]
impl ClientStore for NoClients {
    async fn client(&self, _: &ClientId, _: Timestamp) -> Result<Option<Client>, StoreError> {
        Err(StoreErrorKind::Unavailable.into())
    }
}

/// Who asks cannot be known, so there is nowhere to send anything.
#[test]
fn a_failing_client_registry_is_a_page() {
    let h = Harness::builder()
        .stores(|memory| {
            let memory = Arc::new(memory.clone());
            Stores::new(Arc::new(NoClients), memory.clone(), memory.clone(), memory.clone())
                .with_replays(memory)
        })
        .build();
    let visit = h.authorize(&authorize_form());
    assert_eq!(visit.outcome.response.status(), 503);
    assert!(visit.outcome.header("retry-after").is_some());
    visit.shown(Reason::StoreUnavailable);
}

#[derive(Debug)]
struct Dry;

impl Entropy for Dry {
    fn fill(&self, _: &mut [u8]) -> Result<(), EntropyError> {
        Err(EntropyError)
    }
}

/// Without randomness there is no cookie and no code, and nothing weaker in their place.
#[test]
fn a_dry_random_source_is_a_500() {
    let h = Harness::builder().provider(|builder| builder.entropy(Arc::new(Dry))).build();
    let visit = h.authorize(&authorize_form());
    assert_eq!(visit.outcome.response.status(), 500);
    visit.shown(Reason::InternalFault);
}
