//! OpenID Connect Back-Channel Logout 1.0 section 2: sessions that a host ends, however many, and what is granted meanwhile.

use http::StatusCode;
use vouchsafe::provider::{Approval, GrantFilter, OfflineAccess};
use vouchsafe::store::{GrantRecord, GrantStore as _, Page};
use vouchsafe::testing::{Fault, Faults, Harness, Step, authorize_form, block_on, interleave};
use vouchsafe::types::{ClientId, GrantId, Scope, SessionId, Subject};

use crate::oidc_back_channel_logout::{answers, delivered, granted, sent, told, url};

fn harness(faults: &Faults) -> Harness {
    let stores = faults.clone();
    let builder = Harness::builder().stores(move |memory| stores.stores(memory));
    let h = builder.client(told("a")).client(told("b")).build();
    ["a", "b"].iter().for_each(|id| answers(&h, id, StatusCode::OK));
    h
}

fn of_client() -> GrantFilter {
    GrantFilter::Client(ClientId::new("a").unwrap())
}

fn of_alice() -> GrantFilter {
    GrantFilter::Subject(Subject::new("alice").unwrap())
}

/// 250 sessions at a client, of which one in ten leaves something that stays.
fn many(h: &Harness) {
    for n in 0..250 {
        let scope = if n % 10 == 0 { "openid offline_access" } else { "openid" };
        granted(h, "a", &format!("session {n}"), scope);
    }
}

#[test]
fn sessions_of_a_client_end_page_by_page() {
    let faults = Faults::new();
    let h = harness(&faults);
    many(&h);
    drop(faults.calls());
    let ended =
        block_on(h.provider().administration().end_sessions(&of_client(), OfflineAccess::Kept)).unwrap();
    let calls = faults.calls();
    let verbs: Vec<_> = calls.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect();
    let [("grants", 1), ("revoke", first), ("grants", 1), ("revoke", _), ("grants", 1), ("revoke", _), ..] =
        verbs[..]
    else {
        panic!("{verbs:?}")
    };
    assert!(first <= 100, "no more is in memory than a page");
    h.runtime().run();
    assert_eq!((ended, sent(&h)[&url("a")].len(), delivered(&h)), (225, 250, 250));
    let left = block_on(h.provider().administration().grants(&of_client(), &Page::first(100))).unwrap().items;
    assert!(left.len() == 25 && left.iter().all(|one| one.grant.scope.contains(Scope::OFFLINE_ACCESS)));
}

#[test]
fn a_store_that_fails_between_two_pages_has_the_rest_ended_by_another_call() {
    let faults = Faults::new();
    let h = harness(&faults);
    many(&h);
    drop(faults.calls());
    faults.plan(120, Fault::Unavailable);
    block_on(h.provider().administration().end_sessions(&of_client(), OfflineAccess::Kept)).unwrap_err();
    block_on(h.provider().administration().end_sessions(&of_client(), OfflineAccess::Kept)).unwrap();
    h.runtime().run();
    let sessions: std::collections::BTreeSet<_> = sent(&h)[&url("a")]
        .iter()
        .map(|token| crate::oidc_back_channel_logout::claims(&h, token)["sid"].to_string())
        .collect();
    assert_eq!(sessions.len(), 250);
    assert_eq!(
        block_on(h.provider().administration().grants(&of_client(), &Page::first(100))).unwrap().items.len(),
        25
    );
}

/// However many grants a person has, those are read by the thousand, and revoked in batches where all of them end.
#[test]
fn a_person_with_many_grants_takes_no_long_step() {
    let faults = Faults::new();
    let h = harness(&faults);
    granted(&h, "a", "session", "openid");
    let page = Page::first(1);
    let admin = h.provider().administration();
    let id = block_on(admin.grants(&of_alice(), &page)).unwrap().items.remove(0).grant.id;
    let template = block_on(h.store().grant(&id, h.now())).unwrap().unwrap().record;
    let insert = |range: std::ops::Range<u32>| {
        for n in range {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&n.to_be_bytes());
            let record = GrantRecord { id: GrantId::from_bytes(id), ..template.clone() };
            block_on(h.store().insert_grant(record, h.now())).unwrap();
        }
    };
    for (of, ids, expected) in [
        (of_alice(), 0..600, vec![("grants", 7), ("revoke_some", 2)]),
        (GrantFilter::Session(SessionId::new("session").unwrap()), 600..900, vec![("revoke_some", 1)]),
        (of_alice(), 900..2000, vec![("grants", 10)]),
    ] {
        insert(ids);
        drop(faults.calls());
        block_on(admin.end_sessions(&of, OfflineAccess::Kept)).unwrap();
        let calls = faults.calls();
        let verbs: Vec<_> = calls.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect();
        assert!(expected.iter().all(|run| verbs.contains(run)), "{verbs:?}");
        assert!(block_on(admin.grants(&of, &page)).unwrap().items.is_empty());
    }
}

/// Where something stays, grants end one by one, and one that is given meanwhile must not be missed.
#[test]
fn what_is_granted_while_sessions_end_ends_too() {
    for of in [
        of_alice(),
        GrantFilter::SubjectAndClient(Subject::new("alice").unwrap(), ClientId::new("a").unwrap()),
    ] {
        let faults = Faults::new();
        let h = harness(&faults);
        granted(&h, "a", "stays", "openid offline_access");
        granted(&h, "a", "ends", "openid");
        let visit = h.authorize(&authorize_form().client("a").scope("openid").prompt("consent"));
        let pending = visit.pending().clone();
        let approval = Approval::new(h.login("alice"), pending.request().scope.clone());
        faults.pause();
        let ends: Step<'_, ()> = Box::pin(async {
            assert_eq!(
                h.provider().administration().end_sessions(&of, OfflineAccess::Kept).await.unwrap(),
                2
            );
        });
        let grants: Step<'_, ()> = Box::pin(async {
            drop(h.provider().approve(pending, approval).await.unwrap());
        });
        // The first has listed what there is, then the second does all that it does.
        let schedule: Vec<usize> = [0, 0].into_iter().chain([1; 40]).collect();
        assert_eq!(interleave(vec![ends, grants], &schedule).len(), 2);
        let left = block_on(h.provider().administration().grants(&of, &Page::first(100))).unwrap().items;
        assert!(left.len() == 1 && left[0].grant.scope.contains(Scope::OFFLINE_ACCESS), "{of:?}: {left:?}");
        h.runtime().run();
        assert_eq!(sent(&h)[&url("a")].len(), 3, "each session once");
    }
}
