//! Consent: what is shown is what is granted, what was agreed to is remembered, listed and taken back
//! (RFC 6749 section 10.2, RFC 6819 section 4.4.1.8, RFC 8252 section 8.6, OpenID Connect Core 1.0 section 11).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata, ClientSettings, Consent};
use vouchsafe::clock::Timestamp;
use vouchsafe::error::{Reason, StoreError};
use vouchsafe::event::EventKind;
use vouchsafe::provider::{Answer, GrantFilter, Needs};
use vouchsafe::secret::TokenHash;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::store::{
    CodeRecord, CodeStore, ConsentFilter, ConsentStore, Consumed, Listing, Page, Remembered, Stores,
};
use vouchsafe::testing::{AuthorizeForm, Faults, Harness, RESOURCE, authorize_form, block_on, code_form};
use vouchsafe::types::{ClientId, RedirectUri, Subject};

fn alice() -> Subject {
    Subject::new("alice").unwrap()
}

fn asking(scope: &str) -> AuthorizeForm {
    authorize_form().scope(scope)
}

#[test]
fn consent_is_asked_for_once_and_remembered_when_the_person_wants_that() {
    let h = Harness::new();
    let login = h.login("alice");
    assert!(matches!(h.authorize(&asking("openid")).next(Some(&login)).needs(), Needs::Consent(_)));
    let _ = h.authorize(&asking("openid")).approved_by("alice").code();
    assert!(matches!(h.authorize(&asking("openid")).next(Some(&login)).needs(), Needs::Consent(_)));
    let _ = h.authorize(&asking("openid")).remembered_by("alice").code();
    assert!(h.authorize(&asking("openid")).next(Some(&login)).code().starts_with("vs_ac_"));
    let other = h.login("bob");
    assert!(matches!(h.authorize(&asking("openid")).next(Some(&other)).needs(), Needs::Consent(_)));
    let other_client = asking("openid").client("post");
    assert!(matches!(h.authorize(&other_client).next(Some(&login)).needs(), Needs::Consent(_)));
}

#[test]
fn only_what_is_new_is_missing_and_the_union_is_remembered() {
    let h = Harness::new();
    let login = h.login("alice");
    let _ = h.authorize(&asking("openid email")).remembered_by("alice");
    let visit = h.authorize(&asking("openid read").set("resource", RESOURCE)).next(Some(&login));
    let Needs::Consent(missing) = visit.needs() else { panic!("{visit:?}") };
    assert_eq!(
        (missing.scope.to_string().as_str(), missing.resources.as_slice()),
        ("read", &[RESOURCE.to_owned()][..])
    );
    let _ = visit.remembered_by("alice");
    let all = asking("openid email read").set("resource", RESOURCE);
    assert!(h.authorize(&all).next(Some(&login)).code().starts_with("vs_ac_"));
}

/// Two tabs that approve at the same time lose nothing of each other.
#[test]
fn approvals_side_by_side_are_both_remembered() {
    let h = Harness::new();
    let login = h.login("alice");
    let first = h.authorize(&asking("openid email")).next(Some(&login));
    let second = h.authorize(&asking("openid phone")).next(Some(&login));
    let _ = (first.remembered_by("alice"), second.remembered_by("alice"));
    assert!(h.authorize(&asking("openid email phone")).next(Some(&login)).code().starts_with("vs_ac_"));
}

/// attack 51: whatever a page sends back, the grant holds no more than was asked and shown.
#[test]
fn an_approval_grants_what_was_shown_and_no_more() {
    let h = Harness::new();
    let visit = h.authorize(&asking("openid email"));
    let refused = visit.approved_in_part_by("alice", "openid email read").refused(Reason::ApprovalExceeds);
    let code = refused.approved_in_part_by("alice", "openid").code();
    let tokens = h.redeem(code_form(&asking("openid email"), &code)).issued();
    assert_eq!(tokens.scope.as_deref(), Some("openid"));
    let grants =
        block_on(h.provider().administration().grants(&GrantFilter::Subject(alice()), &Page::first(10)))
            .unwrap();
    assert_eq!(grants.items[0].grant.scope.to_string(), "openid");
}

/// RFC 8252 section 8.6: any program could stand in for a native client, so the person is asked each time.
#[test]
fn a_native_client_is_never_spared_the_question() {
    let h = Harness::new();
    let form = asking("openid").client("native");
    let _ = h.authorize(&form).remembered_by("alice").code();
    assert!(matches!(h.authorize(&form).next(Some(&h.login("alice"))).needs(), Needs::Consent(_)));
    let silent = h.authorize(&form.prompt("none")).next(Some(&h.login("alice")));
    silent.returned(Reason::ConsentNeeded);
    assert!(consents(&h).items.is_empty());
}

#[test]
fn remembered_consent_ends_and_can_be_turned_off() {
    let h = Harness::new();
    let _ = h.authorize(&asking("openid")).remembered_by("alice");
    h.advance(Duration::from_secs(365 * 24 * 60 * 60 - 1));
    assert!(h.authorize(&asking("openid")).next(Some(&h.login("alice"))).code().starts_with("vs_ac_"));
    h.advance(Duration::from_secs(1));
    assert!(matches!(
        h.authorize(&asking("openid")).next(Some(&h.login("alice"))).needs(),
        Needs::Consent(_)
    ));
    let h = Harness::builder().config(|config| config.consent_lifetime = Some(Duration::ZERO)).build();
    let _ = h.authorize(&asking("openid")).remembered_by("alice").code();
    assert!(consents(&h).items.is_empty());
}

/// OpenID Connect Core 1.0 section 11: a refresh token rests on consent, given now, before, or by the host.
#[test]
fn offline_access_rests_on_consent() {
    let h = Harness::new();
    let form = asking("openid offline_access");
    let login = h.login("alice");
    let visit = h.authorize(&form).next(Some(&login));
    let Needs::Consent(missing) = visit.needs() else { panic!("{visit:?}") };
    assert!(missing.scope.contains("offline_access"));
    let declined = visit.approved_in_part_by("alice", "openid").code();
    assert_eq!(h.redeem(code_form(&form, &declined)).issued().refresh_token, None);
    let agreed = visit.remembered_by("alice").code();
    assert!(h.redeem(code_form(&form, &agreed)).issued().refresh_token.is_some());
    let remembered = h.authorize(&form).next(Some(&login)).code();
    assert!(h.redeem(code_form(&form, &remembered)).issued().refresh_token.is_some());
    let trusted = form.client("trusted");
    let waived = h.authorize(&trusted).next(Some(&login)).code();
    assert!(h.redeem(code_form(&trusted, &waived)).issued().refresh_token.is_some());
}

/// OpenID Connect Core 1.0 section 11: whoever has the refresh token of a public client is there when the
/// person is not, so a waiver of the host does not cover it.
#[test]
fn offline_access_of_a_public_client_is_asked_for_although_consent_is_waived() {
    let waived = ClientSettings::new().with_consent(Consent::Waived);
    let spa = Harness::new().client("spa").metadata().clone();
    let spa = Client::builder(ClientId::new("spa").unwrap(), spa).settings(waived).build().unwrap();
    let h = Harness::builder().client(spa).build();
    let login = h.login("alice");
    let form = asking("openid email").client("spa");
    assert!(h.authorize(&form).next(Some(&login)).code().starts_with("vs_ac_"), "the rest is waived");
    let form = form.scope("openid email offline_access");
    h.authorize(&form.clone().prompt("none")).next(Some(&login)).returned(Reason::ConsentNeeded);
    let visit = h.authorize(&form).next(Some(&login));
    let Needs::Consent(missing) = visit.needs() else { panic!("{visit:?}") };
    assert_eq!(missing.scope.to_string(), "offline_access");
    assert!(missing.claims.is_empty() && missing.resources.is_empty());
    let once = visit.approved_by("alice").code();
    assert!(h.redeem(code_form(&form, &once)).issued().refresh_token.is_some());
    let again = h.authorize(&form).next(Some(&login));
    assert!(matches!(again.needs(), Needs::Consent(_)), "what is not remembered is asked for again");
    let _ = again.remembered_by("alice");
    let remembered = h.authorize(&form).next(Some(&login)).code();
    assert!(h.redeem(code_form(&form, &remembered)).issued().refresh_token.is_some());
}

#[test]
fn consents_are_listed_and_taken_back_with_all_that_rests_on_them() {
    let h = Harness::new();
    let (web, post) = (asking("openid offline_access email"), asking("openid").client("post"));
    let tokens = h.redeem(code_form(&web, &h.authorize(&web).remembered_by("alice").code())).issued();
    let other = h.redeem(code_form(&post, &h.authorize(&post).remembered_by("alice").code())).issued();
    let listed: Vec<_> = consents(&h).items.iter().map(|consent| consent.client.to_string()).collect();
    assert_eq!(listed, ["post", "web"]);
    let client = ClientId::new("web").unwrap();
    let of_client =
        block_on(h.provider().administration().consents_for_client(&client, &Page::first(10))).unwrap();
    assert_eq!(of_client.items[0].scope.to_string(), "openid offline_access email");
    assert_eq!(block_on(h.provider().administration().revoke_consent(&alice(), &client)).unwrap(), 1);
    assert!(!h.is_active("web", &tokens.access_token) && !h.is_active("web", tokens.refresh_token()));
    assert!(h.is_active("post", &other.access_token), "what was agreed to for others stays");
    assert_eq!(consents(&h).items.len(), 1);
    assert!(matches!(h.authorize(&web).next(Some(&h.login("alice"))).needs(), Needs::Consent(_)));
}

/// What was taken back does not come back by a page that was opened before, not even in the second in which less was
/// agreed to again.
#[test]
fn a_page_from_before_a_consent_was_taken_back_does_not_bring_it_back() {
    let h = Harness::new();
    let (login, client) = (h.login("alice"), ClientId::new("web").unwrap());
    let _ = h.authorize(&asking("openid email")).remembered_by("alice").code();
    let page = h.authorize(&asking("openid read")).next(Some(&login));
    block_on(h.provider().administration().revoke_consent(&alice(), &client)).unwrap();
    let _ = h.authorize(&asking("openid")).remembered_by("alice").code();
    let _ = page.remembered_by("alice").code();
    assert_eq!(consents(&h).items[0].scope.to_string(), "openid read");
    let again = h.authorize(&asking("openid email")).next(Some(&login));
    assert!(matches!(again.needs(), Needs::Consent(_)), "the email was not agreed to since");
}

fn consents(h: &Harness) -> Listing<vouchsafe::store::Consent> {
    block_on(h.provider().administration().consents_of_subject(&alice(), &Page::first(10))).unwrap()
}

/// attack 44: a resource is one that the client may ask for, in the form that the RFC demands.
#[test]
fn a_resource_must_be_known_and_whole() {
    let h = Harness::new();
    for resource in
        ["https://rs/#frag", "https://rs/#", "/relative", "rs", "https://", "https://r s/", "https://\u{e9}/"]
    {
        let landing =
            h.authorize(&asking("openid").set("resource", resource)).returned(Reason::ResourceMalformed);
        assert_eq!(landing.params.one("error"), Ok(Some("invalid_target")), "{resource}");
    }
    let unknown = asking("openid").set("resource", RESOURCE).also("resource", "https://other.example");
    h.authorize(&unknown).returned(Reason::ResourceNotAllowed);
    let slash = asking("openid").set("resource", format!("{RESOURCE}/"));
    h.authorize(&slash).returned(Reason::ResourceNotAllowed);
    let twice = asking("openid").set("resource", RESOURCE).also("resource", RESOURCE);
    assert_eq!(h.authorize(&twice).pending().request().resources, [RESOURCE]);
    let flood = (0..17).fold(asking("openid"), |form, i| form.also("resource", format!("{RESOURCE}?{i}")));
    assert!(
        [Reason::ResourceNotAllowed, Reason::ResourceMalformed]
            .contains(&vouchsafe::testing::refusals(&h.authorize(&flood).outcome.events)[0])
    );
}

/// RFC 8252 section 8.6: another program that claims the scheme or the port would get a code, and nobody would see it.
#[test]
fn consent_is_waived_for_a_native_client_only_where_the_host_insists() {
    for (consent, asked) in [(Consent::Waived, true), (Consent::DangerousWaivedForNative, false)] {
        for uri in ["http://127.0.0.1/cb", "com.example.own:/cb"] {
            let metadata = ClientMetadata::code_flow([RedirectUri::register(uri).unwrap()])
                .with_auth_method(ClientAuthMethod::None);
            let own = Client::builder(ClientId::new("own").unwrap(), metadata)
                .settings(ClientSettings::new().with_consent(consent))
                .build()
                .unwrap();
            let h = Harness::builder().client(own).build();
            let form = asking("openid").client("own").set("redirect_uri", uri);
            let visit = h.authorize(&form).next(Some(&h.login("alice")));
            match asked {
                true => assert!(matches!(visit.needs(), Needs::Consent(_)), "{uri}"),
                false => assert!(visit.code().starts_with("vs_ac_"), "{uri}"),
            }
        }
    }
}

/// A store into which somebody writes: a code that it is given lives a day longer in its column.
#[derive(Debug)]
struct Prolonging(MemoryStore);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[async_trait]
impl CodeStore for Prolonging {
    async fn insert_code(
        &self,
        key: TokenHash,
        mut code: CodeRecord,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        code.expires_at = code.expires_at.plus(DAY);
        self.0.insert_code(key, code, now).await
    }

    async fn consume_code(
        &self,
        key: &TokenHash,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Consumed, StoreError> {
        self.0.consume_code(key, client, now).await
    }
}

/// attack 319: who writes to the store can move the columns, but a code whose columns moved is none.
#[test]
fn a_code_that_was_prolonged_in_the_store_is_not_redeemed() {
    let stores = |store: &MemoryStore| {
        let memory = Arc::new(store.clone());
        let codes = Arc::new(Prolonging(store.clone()));
        Stores::new(memory.clone(), codes, memory.clone(), memory.clone()).with_replays(memory)
    };
    let h = Harness::builder().stores(stores).build();
    let form = authorize_form();
    let code = h.code(&form, "alice");
    h.advance(Duration::from_secs(60));
    let refused = h.redeem(code_form(&form, &code)).rejected(Reason::CodeUnreadable);
    assert!(refused.events.iter().any(|event| matches!(event.kind, EventKind::PayloadUnreadable)));
}

/// attack 319: nor does a consent count whose column moved.
#[test]
fn a_consent_that_was_prolonged_in_the_store_does_not_count() {
    let h = Harness::new();
    let _ = h.authorize(&asking("openid")).remembered_by("alice").code();
    let write = |longer: Duration| {
        let of = ConsentFilter::Client(ClientId::new("web").unwrap());
        let stored = block_on(h.store().consents(&of, &Page::first(1), h.now())).unwrap();
        let mut record = stored.items.into_iter().next().unwrap();
        let seen = Some(record.version);
        record.expires_at = record.expires_at.plus(longer);
        assert_eq!(block_on(h.store().remember(record, seen, h.now())).unwrap(), Remembered::Written);
    };
    write(Duration::ZERO);
    assert_eq!(consents(&h).items.len(), 1, "written as it was, it counts");
    write(DAY);
    let visit = h.authorize(&asking("openid")).next(Some(&h.login("alice")));
    assert!(matches!(visit.needs(), Needs::Consent(_)));
    assert!(consents(&h).items.is_empty());
}

/// Somebody else signs in in another tab while the consent page is open: the yes to that page is not theirs.
#[test]
fn whoever_was_not_asked_cannot_approve() {
    let h = Harness::new();
    let visit =
        h.authorize(&asking("openid")).next(Some(&h.login("alice"))).resumed_after(Duration::from_secs(1));
    let refused = visit.approved_by("bob").refused(Reason::ApprovalOtherSubject);
    assert_eq!(refused.needs(), &Needs::Select);
    let asked = refused.answered(Answer::Select).next(Some(&h.login("bob")));
    assert!(matches!(asked.needs(), Needs::Consent(_)));
    assert!(asked.resumed_after(Duration::from_secs(1)).approved_by("bob").code().starts_with("vs_ac_"));
    assert!(visit.approved_by("alice").code().starts_with("vs_ac_"));
    let nobody = h.authorize(&asking("openid")).next(None).resumed_after(Duration::from_secs(1));
    assert!(nobody.approved_by("bob").code().starts_with("vs_ac_"));
}

/// An approval is two statements, and one more for a consent to remember, also when the request came back sealed.
#[test]
fn growing_a_remembered_consent_costs_one_statement() {
    let faults = Faults::new();
    let stores = faults.clone();
    let h = Harness::builder().stores(move |store| stores.stores(store)).build();
    let _ = h.authorize(&asking("openid")).remembered_by("alice").code();
    let ask = |scope: &str| {
        let visit = h.authorize(&asking(scope)).next(Some(&h.login("alice")));
        visit.resumed_after(Duration::from_secs(1))
    };
    let (email, phone) = (ask("openid email"), ask("openid phone"));
    drop(faults.calls());
    let _ = email.remembered_by("alice").code();
    assert_eq!(faults.calls(), ["remember", "insert_grant", "insert_code"]);
    let _ = phone.remembered_by("alice").code();
    assert_eq!(faults.calls(), ["remember", "remembered", "remember", "insert_grant", "insert_code"]);
    assert_eq!(consents(&h).items[0].scope.to_string(), "openid email phone");
}

#[test]
fn a_consent_that_ends_while_a_page_is_open_is_not_added_to() {
    let h = Harness::builder().config(|config| config.consent_lifetime = Some(2 * HOUR)).build();
    let _ = h.authorize(&asking("openid phone")).remembered_by("alice").code();
    h.advance(2 * HOUR - Duration::from_secs(60));
    let visit = h.authorize(&asking("openid email")).next(Some(&h.login("alice")));
    let _ = visit.resumed_after(Duration::from_secs(60)).remembered_by("alice").code();
    assert_eq!(consents(&h).items[0].scope.to_string(), "openid email");
}

const HOUR: Duration = Duration::from_secs(60 * 60);
