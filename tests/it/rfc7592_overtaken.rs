//! RFC 7592 sections 2.2, 3 and 5: answers that were lost, and writers that overtake each other.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;
use vouchsafe::async_trait;
use vouchsafe::client::{ClientMetadata, ClientSettings};
use vouchsafe::clock::Timestamp;
use vouchsafe::error::{Reason, Result};
use vouchsafe::limiter::{Admission, LimitPoint, Limiter};
use vouchsafe::provider::{Context, InitialTokenUses, Registrant, Registration, RegistrationPolicy};
use vouchsafe::secret::Secret;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::store::{ClientRegistry as _, Replacement};
use vouchsafe::testing::{Fault, Faults, Harness, Step, block_on, interleave};
use vouchsafe::types::ClientId;

use crate::rfc7591_registration::{open, send, with};
use crate::rfc7592_management::Own;

fn faulty() -> (Harness, Faults) {
    let faults = Faults::new();
    let given = faults.clone();
    let on = |builder: vouchsafe::provider::ProviderBuilder| builder.with_registration(Registration::open());
    let h = Harness::builder().stores(move |memory| given.stores(memory)).provider(on).build();
    (h, faults)
}

fn name_of(h: &Harness, id: &ClientId) -> Option<String> {
    block_on(h.provider().client(id)).unwrap().unwrap().metadata().client_name.clone()
}

#[test]
fn a_client_whose_answer_was_lost_goes_on_with_the_token_that_it_has() {
    let (h, faults) = faulty();
    let own = Own::new(&h);
    for name in ["first", "second", "third", "fourth", "fifth"] {
        faults.break_verb("replace_registered", Fault::AnswerLost);
        let lost = own.update(&h, json!({ "client_name": name })).rejected(Reason::StoreUnavailable);
        assert!(lost.json().get("registration_access_token").is_none());
        faults.mend();
        assert_eq!(name_of(&h, &own.id()).as_deref(), Some(name), "it was written all the same");
    }
    let _ = own.send(&h, "GET", &json!({})).accepted().unchanged();
    let after = Own::told(own.update(&h, json!({ "client_name": "told" })).accepted().json());
    let _ = after.send(&h, "GET", &json!({})).accepted();
    let _ = own.send(&h, "GET", &json!({})).challenged(Reason::RegistrationTokenForeign).unchanged();
    let _ = after.send(&h, "DELETE", &json!({}));
    let _ = after.send(&h, "GET", &json!({})).challenged(Reason::RegistrationClientGone);
}

/// The first of two requests is read after the second was answered: both answers are good.
#[test]
fn an_update_that_was_sent_twice_ends_no_token_that_arrived() {
    let h = open();
    let own = Own::new(&h);
    let [one, other] = [(); 2].map(|()| Own::told(own.update(&h, json!({})).accepted().json()));
    assert!(one.token != other.token && one.token != own.token);
    let _ = one.send(&h, "GET", &json!({})).accepted();
    for ended in [own, other] {
        let _ = ended.send(&h, "GET", &json!({})).challenged(Reason::RegistrationTokenForeign).unchanged();
    }
    let _ = one.send(&h, "GET", &json!({})).accepted().unchanged();
}

/// A refused request shows too that the client has the newer token, and one whose write is lost is sent again.
#[test]
fn the_first_use_of_a_token_ends_those_before_it_whatever_comes_of_it() {
    let (h, faults) = faulty();
    let own = Own::new(&h);
    let after = Own::told(own.update(&h, json!({})).accepted().json());
    for fault in [Fault::Unavailable, Fault::AnswerLost] {
        faults.break_verb("replace_registered", fault);
        let _ = after.send(&h, "GET", &json!({})).rejected(Reason::StoreUnavailable);
        faults.mend();
    }
    let _ = own.send(&h, "GET", &json!({})).challenged(Reason::RegistrationTokenForeign).unchanged();
    let last = Own::told(after.update(&h, json!({})).accepted().json());
    let _ = last.update(&h, json!({ "redirect_uris": [] })).rejected(Reason::MetadataRedirectUris);
    let _ = after.send(&h, "GET", &json!({})).challenged(Reason::RegistrationTokenForeign).unchanged();
}

/// attack 214: a token that was never used opens nothing of a client that is shut out, and is written nowhere.
#[test]
fn a_newer_token_of_a_disabled_client_opens_nothing() {
    let h = open();
    let own = Own::new(&h);
    let after = Own::told(own.update(&h, json!({})).accepted().json());
    let off = ClientSettings::new().with_disabled(true);
    assert!(block_on(h.provider().administration().set_client_settings(&own.id(), &off)).unwrap());
    let minted =
        block_on(h.provider().administration().mint_registration_access_token(&own.id())).unwrap().unwrap();
    let _ = after.send(&h, "GET", &json!({})).challenged(Reason::RegistrationTokenForeign).unchanged();
    let uri = own.body["registration_client_uri"].as_str().unwrap();
    let by_minted = send(&h, "GET", uri, Some(minted.expose()), "");
    let _ = by_minted.challenged(Reason::RegistrationClientDisabled).unchanged();
}

/// attack 214: the host shuts a client out while its update is under way, at any moment; the host wins.
#[test]
fn a_client_that_is_shut_out_during_its_update_stays_so() {
    let off = ClientSettings::new().with_disabled(true);
    let mut outcomes = Vec::new();
    for before in 0..9 {
        let (h, faults) = faulty();
        let own = Own::new(&h);
        let (id, token) = (own.id(), Secret::new(own.token.as_str()));
        let members = with(json!({ "client_id": id.as_str() })).as_object().unwrap().clone();
        drop(faults.calls());
        faults.pause();
        let update: Step<'_, Option<Reason>> = Box::pin(async {
            let updated = h.provider().update_registration(&id, &token, &members).await;
            updated.err().map(|error| error.reason())
        });
        let shut_out: Step<'_, Option<Reason>> = Box::pin(async {
            let done = h.provider().administration().set_client_settings(&id, &off).await;
            done.err().map(|error| error.reason())
        });
        let schedule: Vec<usize> = std::iter::repeat_n(0, before).chain([1; 20]).collect();
        let ended = interleave(vec![update, shut_out], &schedule);
        assert_eq!(ended[1], None);
        assert!(block_on(h.provider().client(&id)).unwrap().unwrap().settings().disabled, "{before}");
        if before == 2 {
            let [read, write] = ["registered", "replace_registered"];
            assert_eq!(
                faults.calls()[..5],
                [read, read, write, write, read],
                "it read before and wrote after"
            );
        }
        outcomes.push(ended[0]);
    }
    assert_eq!(outcomes[2], Some(Reason::RegistrationClientDisabled));
    assert_eq!((outcomes[0], outcomes[8]), (Some(Reason::RegistrationClientDisabled), None));
}

/// Writes the client over, unchanged, each time that it is reviewed, as often as it was told to.
#[derive(Debug, Default)]
struct Overtaking {
    store: OnceLock<MemoryStore>,
    times: AtomicUsize,
    reviews: AtomicUsize,
}

#[async_trait]
impl RegistrationPolicy for Overtaking {
    async fn review(
        &self,
        cx: &Context<'_>,
        registrant: &Registrant<'_>,
        metadata: ClientMetadata,
    ) -> Result<ClientMetadata> {
        let Some(client) = registrant.current else { return Ok(metadata) };
        self.reviews.fetch_add(1, Ordering::Relaxed);
        if self.times.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |times| times.checked_sub(1)).is_ok()
        {
            let store = self.store.get().unwrap();
            let stored = store.registered(client.id(), cx.now).await?.unwrap();
            let written = store.replace_registered(stored.record, stored.version, cx.now).await?;
            assert_eq!(written, Replacement::Written);
        }
        Ok(metadata)
    }
}

/// A policy is asked again about what it was asked before, where another wrote meanwhile.
#[test]
fn an_update_that_is_overtaken_again_and_again_gives_up() {
    let rival = Arc::new(Overtaking::default());
    let rules = Registration::open().with_policy(rival.clone());
    let h = Harness::builder().provider(|builder| builder.with_registration(rules)).build();
    rival.store.set(h.store().clone()).unwrap();
    let own = Own::new(&h);
    let reviews = || rival.reviews.swap(0, Ordering::Relaxed);
    rival.times.store(3, Ordering::Relaxed);
    let renamed = json!({ "client_name": "Renamed" });
    let given_up = own.update(&h, renamed.clone()).rejected(Reason::RegistrationContended);
    assert_eq!((given_up.response.status().as_u16(), reviews()), (503, 3));
    assert_eq!(name_of(&h, &own.id()).as_deref(), Some("Bakery"));
    rival.times.store(2, Ordering::Relaxed);
    let _ = own.update(&h, renamed).accepted();
    assert_eq!((name_of(&h, &own.id()).as_deref(), reviews()), (Some("Renamed"), 3));
    let _ = own.update(&h, json!({})).accepted();
    assert_eq!(reviews(), 1);
}

#[test]
fn of_many_decisions_of_the_host_at_once_all_count_or_fail() {
    let (h, faults) = faulty();
    let own = Own::new(&h);
    let id = own.id();
    let settings = ClientSettings::new().with_resources(["https://api.example"]);
    faults.pause();
    let decide = || -> Step<'_, Result<bool, Reason>> {
        Box::pin(async {
            let done = h.provider().administration().set_client_settings(&id, &settings).await;
            done.map_err(|error| error.reason())
        })
    };
    let schedule: Vec<usize> = (0..4).cycle().take(12).collect();
    let ended = interleave((0..4).map(|_| decide()).collect(), &schedule);
    assert_eq!(ended.iter().filter(|end| **end == Ok(true)).count(), 3, "{ended:?}");
    assert!(ended.contains(&Err(Reason::RegistrationContended)), "{ended:?}");
}

#[derive(Debug, Default)]
struct Counting(Mutex<Vec<String>>);

#[async_trait]
impl Limiter for Counting {
    async fn admit(&self, point: LimitPoint, key: &str, _: Timestamp) -> Admission {
        assert_eq!(point, LimitPoint::Registration);
        let mut asked = self.0.lock().unwrap();
        asked.push(key.to_owned());
        match asked.iter().filter(|known| *known == key && !key.is_empty()).count() {
            0..=2 => Admission::Admitted,
            _ => Admission::Refused { retry_after: Duration::from_secs(9) },
        }
    }
}

/// Whoever has no token of the client uses up nothing of what it may do.
#[test]
fn strangers_count_against_nobody() {
    let limiter = Arc::new(Counting::default());
    let given = limiter.clone();
    let h = Harness::builder()
        .provider(|builder| builder.with_registration(Registration::open()).limiter(given))
        .build();
    let (own, other) = (Own::new(&h), Own::new(&h));
    let uri = own.body["registration_client_uri"].as_str().unwrap();
    let foreign = [Some(other.token.as_str()), Some("vs_ra_guess"), None];
    for (method, token) in
        ["GET", "PUT", "DELETE"].iter().flat_map(|method| foreign.map(|token| (*method, token)))
    {
        assert_eq!(send(&h, method, uri, token, "{}").response.status(), 401);
    }
    assert_eq!(*limiter.0.lock().unwrap(), ["", ""], "two registrations, before which nobody is known");
    let _ = own.send(&h, "GET", &json!({})).accepted();
    let after = Own::told(own.update(&h, json!({})).accepted().json());
    let refused = after.send(&h, "GET", &json!({}));
    assert_eq!(refused.header("retry-after"), Some("9"));
    let _ = refused.rejected(Reason::RateLimited).unchanged();
    let id = own.id();
    assert_eq!(limiter.0.lock().unwrap()[2..], [id.as_str(), id.as_str(), id.as_str()]);
}

/// Where a token is needed, whoever has none of the host's uses up nothing of those who have.
#[test]
fn registration_counts_under_the_token_that_it_needs() {
    let limiter = Arc::new(Counting::default());
    let given = limiter.clone();
    let closed = Registration::by_initial_access_token();
    let h = Harness::builder().provider(|builder| builder.with_registration(closed).limiter(given)).build();
    let mint = || {
        let minted = h
            .provider()
            .administration()
            .mint_initial_access_token(InitialTokenUses::Once, Duration::from_secs(60));
        block_on(minted).unwrap()
    };
    let post = |token: Option<&str>| send(&h, "POST", "/register", token, with(json!({})).to_string());
    for _ in 0..3 {
        let _ = post(None).challenged(Reason::InitialTokenMissing);
        let _ = post(Some("vs_ia_guess")).challenged(Reason::InitialTokenInvalid);
    }
    assert_eq!(limiter.0.lock().unwrap().len(), 0, "strangers count nowhere");
    let (one, other) = (mint(), mint());
    let _ = post(Some(one.expose())).accepted();
    let _ = post(Some(one.expose())).challenged(Reason::InitialTokenInvalid);
    let _ = post(Some(one.expose())).rejected(Reason::RateLimited).unchanged();
    let _ = post(Some(other.expose())).accepted();
    let key = |token: &Secret| {
        BASE64_URL_SAFE_NO_PAD.encode(vouchsafe::secret::TokenHash::of(token.expose()).as_bytes())
    };
    let (one, other) = (key(&one), key(&other));
    assert_eq!(*limiter.0.lock().unwrap(), [one.clone(), one.clone(), one, other]);
}
