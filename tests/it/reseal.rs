//! Changing the system secrets: what was sealed moves to the new one beside traffic, and nobody is turned away on the
//! way (R15).

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata, ClientSecret, ResealSecretError};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::error::Reason;
use vouchsafe::event::EventKind;
use vouchsafe::jose::{Keyring, MacAlg, SigningAlg};
use vouchsafe::provider::{GrantFilter, InitialTokenUses, Registration, Resealed, StoredKeys};
use vouchsafe::seal::Sealed;
use vouchsafe::secret::{Secret, SecretId, SystemSecret, SystemSecrets};
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::store::{
    ConsentStore as _, KeySetStore as _, Page, Remembered, Reseal as _, RowKind, SealedRow, Stores,
};
use vouchsafe::testing::{
    AuthorizeForm, Fault, Faults, Harness, HarnessBuilder, Step, TokenForm, authorize_form, block_on,
    code_form, interleave, mac_jwt, refresh_form, token_form,
};
use vouchsafe::types::{ClientId, GrantType, Scope, Subject};

use crate::rfc7591_registration::send;

/// A system secret of the tests.
fn secret(byte: u8) -> SystemSecret {
    SystemSecret::from_bytes([byte; 32])
}

/// Secrets of which the first writes. Pepper and salt stay.
fn secrets(bytes: &[u8]) -> SystemSecrets {
    SystemSecrets::new(bytes.iter().copied().map(secret).collect(), vec![secret(100)], secret(101)).unwrap()
}

fn id_of(byte: u8) -> SecretId {
    secrets(&[byte]).current()
}

fn with_all(builder: HarnessBuilder) -> HarnessBuilder {
    builder.devices().pushed_requests().provider(|builder| {
        let registration =
            Registration::by_initial_access_token().with_grant_type(GrantType::ClientCredentials);
        builder.with_client_secret_jwt().with_registration(registration)
    })
}

/// The first node, whose secret is 1.
fn first() -> Harness {
    with_all(Harness::builder().system_secrets(secrets(&[1]))).build()
}

/// Another node over the same store, with these secrets.
fn node(beside: &Harness, bytes: &[u8]) -> Harness {
    with_all(Harness::builder().beside(beside).system_secrets(secrets(bytes))).build()
}

/// Everything that is left under a secret.
fn under(h: &Harness, secret: SecretId) -> Vec<SealedRow> {
    let listing = block_on(h.store().sealed_under(secret, &Page::first(1000), h.now())).unwrap();
    assert_eq!(listing.next, None);
    listing.items
}

/// All pages of a run, each of `limit` rows.
fn run(h: &Harness, limit: u16) -> Resealed {
    let (mut page, mut total) = (Page::first(limit), Resealed::default());
    loop {
        let resealed = block_on(h.provider().administration().reseal(&page)).unwrap();
        assert!(resealed.moved + resealed.unreadable + resealed.overtaken <= u64::from(limit));
        total.moved += resealed.moved;
        total.overtaken += resealed.overtaken;
        total.unreadable += resealed.unreadable;
        match resealed.next {
            Some(next) => page.after = Some(next),
            None => return total,
        }
    }
}

/// A client that registered with a secret that is sealed, and that its assertions have MACs by.
struct Sealing {
    id: String,
    secret: String,
    uri: String,
    token: String,
}

impl Sealing {
    fn new(h: &Harness) -> Self {
        let uses = h
            .provider()
            .administration()
            .mint_initial_access_token(InitialTokenUses::Once, Duration::from_secs(3600));
        let initial = block_on(uses).unwrap();
        let asked = json!({
            "token_endpoint_auth_method": "client_secret_jwt",
            "grant_types": ["client_credentials"],
        });
        let body = send(h, "POST", "/register", Some(initial.expose()), asked.to_string()).accepted().json();
        Self::told(&body)
    }

    fn told(body: &Value) -> Self {
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        Self {
            id: text("client_id"),
            secret: text("client_secret"),
            uri: text("registration_client_uri"),
            token: text("registration_access_token"),
        }
    }

    fn form(&self, h: &Harness) -> TokenForm {
        let claims = h.assertion_claims(&self.id);
        let assertion = mac_jwt(&json!({ "alg": "HS256" }), &claims, (MacAlg::Hs256, self.secret.as_bytes()));
        token_form("client_credentials")
            .unauthenticated()
            .set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
            .set("client_assertion", assertion)
    }
}

/// One row of every kind, and what shows that each still opens.
struct Everything {
    code: String,
    /// A request that is too large for a browser to carry.
    large: String,
    pushed: String,
    refresh: String,
    access: String,
    sealing: Sealing,
    initial: Secret,
}

fn keys(h: &Harness) -> StoredKeys {
    let issuer = h.provider().config().issuer.clone();
    StoredKeys::new(Arc::new(h.store().clone()), h.system_secrets().clone(), issuer)
}

fn large() -> AuthorizeForm {
    authorize_form().set("state", "s".repeat(2048)).set("nonce", "n".repeat(2048))
}

impl Everything {
    fn at(h: &Harness) -> Self {
        let form = authorize_form().client("spa").scope("openid offline_access");
        let tokens = h.tokens(&form, "alice");
        let _ = h.authorize(&authorize_form().client("web")).remembered_by("alice");
        let code = h.code(&authorize_form(), "alice");
        let access = h.redeem(token_form("client_credentials").client("service")).issued().access_token;
        let _device = h.device("tv", "openid");
        let minted = h
            .provider()
            .administration()
            .mint_initial_access_token(InitialTokenUses::UntilExpiry, Duration::from_secs(3600));
        let _saved =
            block_on(keys(h).import(&Keyring::generate(&[SigningAlg::EdDsa]).unwrap().export())).unwrap();
        Self {
            code,
            large: h.authorize(&large()).sealed(),
            pushed: h.pushed(&authorize_form()),
            refresh: tokens.refresh_token.unwrap(),
            access,
            sealing: Sealing::new(h),
            initial: block_on(minted).unwrap(),
        }
    }

    fn is_there(&self, h: &Harness) {
        let listed = block_on(
            h.provider()
                .administration()
                .grants(&GrantFilter::Subject(Subject::new("alice").unwrap()), &Page::first(9)),
        );
        assert!(listed.unwrap().items.len() >= 3);
        let login = h.login("alice");
        let _ = h.authorize(&authorize_form().client("web")).next(Some(&login)).code();
        h.redeem(self.sealing.form(h)).accepted();
        assert!(block_on(keys(h).export()).unwrap().is_some());
    }

    fn is_good(&self, h: &Harness) {
        self.is_there(h);
        assert!(h.is_active("api", &self.access));
        let _ = h.redeem(code_form(&authorize_form(), &self.code)).issued();
        let _ = h.redeem(refresh_form("spa", &self.refresh)).issued();
        let visit =
            authorize_form().without("scope").without("redirect_uri").set("request_uri", &self.pushed);
        let _ = h.authorize(&visit).approved_by("alice").code();
        let _ = h.resume(&self.large).approved_by("alice").code();
        let members = json!({ "redirect_uris": ["https://rp.example/cb"] }).to_string();
        send(h, "POST", "/register", Some(self.initial.expose()), members).accepted();
    }
}

#[test]
fn everything_moves_to_the_secret_that_writes() {
    for limit in [1, 3, 1000] {
        let before = first();
        let all = Everything::at(&before);
        let kept = under(&before, id_of(1));
        let kinds: std::collections::BTreeSet<_> = kept.iter().map(|row| row.name.kind).collect();
        assert_eq!(kinds.len(), 8, "there is a row of every kind: {kinds:?}");
        let tickets = kept.iter().filter(|row| row.name.kind == RowKind::Ticket).count();
        assert_eq!(tickets, 3, "a pending request, a pushed one, an initial access token");
        let after = node(&before, &[2, 1]);
        drop(after.events());
        let resealed = run(&after, limit);
        assert_eq!((resealed.moved, resealed.unreadable, resealed.overtaken), (kept.len() as u64, 0, 0));
        let moved: u64 = after
            .events()
            .iter()
            .map(|event| match event.kind {
                EventKind::PayloadsResealed { moved, unreadable: 0 } => moved,
                ref other => panic!("{other:?}"),
            })
            .sum();
        assert_eq!(moved, kept.len() as u64, "an operator hears of it");
        assert!(under(&after, id_of(1)).is_empty());
        assert_eq!(run(&after, limit), Resealed::default(), "a second run finds nothing");
        all.is_good(&after);
        all.is_there(&node(&before, &[2]));
    }
}

/// A run goes through every old secret and every store, whichever is given first.
#[test]
fn a_run_goes_through_every_old_secret_and_every_store() {
    let h = first();
    for (secret, clients) in [(1, ["web", "spa"]), (2, ["post", "trusted"])] {
        let writer = node(&h, &[secret]);
        for client in clients {
            let _ = writer.authorize(&authorize_form().client(client)).remembered_by("alice");
        }
    }
    let count = (under(&h, id_of(1)).len() + under(&h, id_of(2)).len()) as u64;
    let builder = Harness::builder().beside(&h).system_secrets(secrets(&[3, 1, 2]));
    let stores = |memory: &MemoryStore| {
        let (store, other) = (Arc::new(memory.clone()), Arc::new(memory.namespace("other")));
        let stores = Stores::of(store.clone()).with_replays(store.clone()).with_tickets(store.clone());
        let stores = stores.with_registry(store.clone()).with_deferred(store.clone());
        stores.with_reseal(other.clone()).with_reseal(store).with_reseal(other)
    };
    let after = with_all(builder.stores(stores)).build();
    assert_eq!(run(&after, 1).moved, count);
    assert!(under(&h, id_of(1)).is_empty() && under(&h, id_of(2)).is_empty());
    assert_eq!(under(&h, id_of(3)).len() as u64, count);
}

#[test]
fn nothing_is_to_be_moved_where_one_secret_is_listed() {
    let h = first();
    let _all = Everything::at(&h);
    let before = h.store_state();
    assert_eq!(run(&h, 10), Resealed::default());
    assert!(h.store_state() == before);
}

/// attack 317: a row that does not open stays, holds up nobody, and is told of once for a run.
#[test]
fn rows_that_do_not_open_stay_and_are_counted() {
    let h = first();
    for name in ["web", "spa", "post"] {
        let _ = h.authorize(&authorize_form().client(name)).remembered_by("alice");
    }
    let rows = under(&h, id_of(1));
    let broken: Vec<&SealedRow> = rows.iter().step_by(2).collect();
    for row in &broken {
        let mut bytes = row.payload.as_bytes().to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        let altered = Sealed::from_parts(row.payload.secret(), bytes);
        assert!(block_on(h.store().reseal(row, altered, h.now())).unwrap());
    }
    let after = node(&h, &[2, 1]);
    drop(after.events());
    let total = block_on(after.provider().administration().reseal_all(1, Duration::ZERO, after.runtime()));
    let total = total.unwrap();
    let (moved, unreadable) = ((rows.len() - broken.len()) as u64, broken.len() as u64);
    assert_eq!((total.moved, total.unreadable, total.next), (moved, unreadable, None));
    let events: Vec<_> = after.events().into_iter().map(|event| event.kind).collect();
    assert_eq!(events, [EventKind::PayloadsResealed { moved, unreadable }]);
    assert_eq!(under(&after, id_of(1)).len(), broken.len());
}

/// A run that is given up, or whose store fails, goes on where it is called again.
#[test]
fn a_run_goes_on_after_a_failure() {
    let h = first();
    let _all = Everything::at(&h);
    let count = under(&h, id_of(1)).len() as u64;
    let faults = Faults::new();
    let given = faults.clone();
    let stores = Harness::builder().beside(&h).system_secrets(secrets(&[2, 1]));
    let after = with_all(stores.stores(move |memory| given.stores(memory))).build();
    let admin = after.provider().administration();
    let begun = block_on(admin.reseal(&Page::first(2))).unwrap();
    assert_eq!(begun.moved, 2);
    for verb in ["sealed_under", "reseal"] {
        for fault in [Fault::Unavailable, Fault::AnswerLost] {
            faults.break_verb(verb, fault);
            let failed = block_on(admin.reseal_all(2, Duration::ZERO, after.runtime()));
            assert_eq!(failed.unwrap_err().reason(), Reason::StoreUnavailable);
            faults.mend();
        }
    }
    let next = Page { after: begun.next, limit: 2 };
    let _ = block_on(admin.reseal(&next)).unwrap();
    let total = block_on(admin.reseal_all(2, Duration::ZERO, after.runtime())).unwrap();
    assert!(total.moved > 0 && total.moved < count);
    assert!(under(&after, id_of(1)).is_empty());
    let foreign = Page { after: Some("AAAA".to_owned()), limit: 2 };
    assert_eq!(block_on(admin.reseal(&foreign)).unwrap_err().reason(), Reason::CursorInvalid);
}

/// Whoever writes meanwhile wins, at any moment; what was written is not undone.
#[test]
fn a_consent_that_is_given_meanwhile_is_not_undone() {
    let mut overtaken = 0;
    for before in 0..8 {
        let h = first();
        let _ = h.authorize(&authorize_form().scope("openid")).remembered_by("alice");
        let [row] = &under(&h, id_of(1))
            .into_iter()
            .filter(|row| row.name.kind == RowKind::Consent)
            .collect::<Vec<_>>()[..]
        else {
            panic!("there is one consent")
        };
        let (subject, client) = row.name.key.split_first_chunk::<32>().unwrap();
        let subject = vouchsafe::store::SubjectKey::from_bytes(*subject);
        let client = ClientId::new(std::str::from_utf8(client).unwrap()).unwrap();
        let faults = Faults::new();
        let given = faults.clone();
        let stores = Harness::builder().beside(&h).system_secrets(secrets(&[2, 1]));
        let after = with_all(stores.stores(move |memory| given.stores(memory))).build();
        faults.pause();
        let mut written = block_on(h.store().remembered(&subject, &client, h.now())).unwrap().unwrap();
        let seen = written.version;
        written.payload = Sealed::from_parts(id_of(2), b"written meanwhile".to_vec());
        let resealing: Step<'_, u64> = Box::pin(async {
            let all = after.provider().administration().reseal_all(10, Duration::ZERO, after.runtime());
            all.await.unwrap().overtaken
        });
        let writing: Step<'_, u64> = Box::pin(async {
            let outcome = h.store().remember(written.clone(), Some(seen), h.now()).await.unwrap();
            assert_eq!(outcome, Remembered::Written, "{before}");
            0
        });
        let schedule: Vec<usize> = std::iter::repeat_n(0, before).chain([1; 3]).collect();
        overtaken += interleave(vec![resealing, writing], &schedule)[0];
        let found = block_on(h.store().remembered(&subject, &client, h.now())).unwrap().unwrap();
        assert_eq!(found.payload, written.payload, "{before}");
    }
    assert!(overtaken > 0, "one of the moments lies between reading and moving");
}

/// The host's own clients: each sealed secret is moved by a call.
#[test]
fn a_secret_of_a_client_that_the_host_keeps_is_moved_by_a_call() {
    let (old, both, new) = (secrets(&[1]), secrets(&[2, 1]), secrets(&[2]));
    let (id, text) = (ClientId::new("mac").unwrap(), Secret::new("s".repeat(40)));
    let kept = ClientSecret::seal(&id, &old, &OsEntropy, &text).unwrap();
    let moved = kept.resealed(&both, &OsEntropy).unwrap();
    assert_eq!((kept.sealed_under(), moved.sealed_under()), (Some(id_of(1)), Some(id_of(2))));
    let metadata = ClientMetadata::service()
        .with_scope(Scope::parse("read").unwrap())
        .with_auth_method(ClientAuthMethod::ClientSecretJwt);
    let built = |secret: &ClientSecret| {
        Client::builder(id.clone(), metadata.clone()).secret(secret.clone()).build().unwrap()
    };
    let sealing =
        Sealing { id: "mac".into(), secret: "s".repeat(40), uri: String::new(), token: String::new() };
    let h = with_all(Harness::builder().system_secrets(new.clone()).client(built(&moved))).build();
    h.redeem(sealing.form(&h)).accepted();
    h.store().insert_client(built(&kept));
    h.redeem(sealing.form(&h)).rejected(Reason::ClientAssertionSignature);
    assert_eq!(moved.resealed(&both, &OsEntropy), Ok(moved.clone()), "what is there already stays as it is");
    assert_eq!(kept.resealed(&new, &OsEntropy), Err(ResealSecretError::Unreadable));
    let hashed = ClientSecret::hash(&old, &text);
    assert_eq!((hashed.resealed(&both, &OsEntropy), hashed.sealed_under()), (Ok(hashed.clone()), None));
}

/// Secrets inside of a record move with every write of the record, so that none is left behind one that was moved.
#[test]
fn a_write_moves_the_secrets_inside() {
    let before = first();
    let sealing = Sealing::new(&before);
    let after = node(&before, &[2, 1]);
    let id = ClientId::new(sealing.id.as_str()).unwrap();
    let admin = after.provider().administration();
    assert!(block_on(admin.set_client_settings(&id, &Default::default())).unwrap());
    let last = node(&before, &[2]);
    last.redeem(sealing.form(&last)).accepted();
}

/// The cookie of a browser is under the new secret after one visit, and names the same browser.
#[test]
fn a_browser_stays_the_same_after_its_next_visit() {
    let before = first();
    before.authorize(&authorize_form()).waits();
    let after = node(&before, &[2, 1]);
    let cookie = || after.browser().cookie("__Host-vs_browser").unwrap();
    let old = cookie();
    let sealed = after.authorize(&authorize_form()).sealed();
    assert_ne!(cookie(), old);
    let new = cookie();
    after.authorize(&authorize_form()).waits();
    assert_eq!(cookie(), new, "it is written once");
    let last = node(&before, &[2]);
    let _ = last.resume(&sealed).approved_by("alice").code();
}

/// A key set that does not open is never taken for one that is not there.
#[test]
fn keys_whose_secret_was_removed_too_early_are_not_made_anew() {
    let h = first();
    let _all = Everything::at(&h);
    let early = keys(&node(&h, &[2]));
    block_on(early.export()).unwrap_err();
    let stored = block_on(h.store().key_set(h.now())).unwrap();
    block_on(Keyring::load(&early)).unwrap_err();
    assert_eq!(block_on(h.store().key_set(h.now())).unwrap(), stored);
}

/// What two nodes do all the time, each request at another of them.
struct Traffic {
    nodes: [Mutex<Arc<Harness>>; 2],
    rounds: [AtomicUsize; WORKERS],
    over: AtomicBool,
}

const WORKERS: usize = 2;

impl Traffic {
    fn node(&self, n: usize) -> Arc<Harness> {
        Arc::clone(&self.nodes[n % 2].lock().unwrap())
    }

    /// Everything that rests on a system secret, begun at one node and finished at the other.
    fn round(&self, round: usize, refresh: &mut String, sealing: &mut Sealing) {
        let at = |n: usize| self.node(round + n);
        let form = authorize_form().client("web");
        let sealed = at(0).authorize(&form).sealed();
        let code = at(1).resume(&sealed).approved_by("alice").code();
        let tokens = at(0).redeem(code_form(&form, &code)).issued();
        assert!(at(1).is_active("api", &tokens.access_token));
        let pushed = at(0).pushed(&authorize_form());
        let visit = authorize_form().without("scope").without("redirect_uri").set("request_uri", &pushed);
        let _ = at(1).authorize(&visit).approved_by("alice").code();
        let refreshed = at(1).redeem(refresh_form("spa", refresh)).issued();
        *refresh = refreshed.refresh_token.unwrap();
        at(0).redeem(sealing.form(&at(0))).accepted();
        at(1).redeem(sealing.form(&at(1))).accepted();
        let body = json!({
            "client_id": sealing.id,
            "client_secret": sealing.secret,
            "token_endpoint_auth_method": "client_secret_jwt",
            "grant_types": ["client_credentials"],
        });
        let node = at(round / 2);
        let told = send(&node, "PUT", &sealing.uri, Some(&sealing.token), body.to_string()).accepted();
        *sealing = Sealing::told(&told.json());
        let another = Sealing::new(&at(1));
        at(0).redeem(another.form(&at(0))).accepted();
    }

    fn work(&self, worker: usize) {
        let h = self.node(worker);
        let form = authorize_form().client("spa").scope("openid offline_access");
        let mut refresh = h.tokens(&form, "alice").refresh_token.unwrap();
        let mut sealing = Sealing::new(&h);
        drop(h);
        for round in 0.. {
            if self.over.load(Ordering::SeqCst) {
                return;
            }
            self.round(round + worker, &mut refresh, &mut sealing);
            self.rounds[worker].fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Waits until every worker has gone round twice: what was under way has ended.
    fn let_pass(&self, workers: &[thread::ScopedJoinHandle<'_, ()>]) -> bool {
        let seen: Vec<usize> = self.rounds.iter().map(|rounds| rounds.load(Ordering::SeqCst)).collect();
        loop {
            if workers.iter().any(thread::ScopedJoinHandle::is_finished) {
                return false;
            }
            if self.rounds.iter().zip(&seen).all(|(now, seen)| now.load(Ordering::SeqCst) >= seen + 2) {
                return true;
            }
            thread::yield_now();
        }
    }
}

/// R15: a new secret is listed everywhere, then written by everybody, then the old one is removed, node by node and
/// under load, and nobody is turned away. Each step is taken once what was under way at the one before has ended.
#[test]
fn the_secrets_are_changed_under_load_without_one_failure() {
    let start = Arc::new(first());
    // The one browser of all workers has its cookie before they begin.
    start.authorize(&authorize_form()).waits();
    let second = Arc::new(node(&start, &[1]));
    let traffic = Traffic {
        nodes: [Mutex::new(Arc::clone(&start)), Mutex::new(second)],
        rounds: Default::default(),
        over: AtomicBool::new(false),
    };
    thread::scope(|scope| {
        let traffic = &traffic;
        let workers: Vec<_> = (0..WORKERS).map(|n| scope.spawn(move || traffic.work(n))).collect();
        let steps: [&[u8]; 3] = [&[1, 2], &[2, 1], &[2]];
        'steps: for step in steps {
            if let [current] = step {
                // Before the last of the old secret goes.
                let all = traffic.node(0);
                let admin = all.provider().administration();
                let _moved = block_on(admin.reseal_all(5, Duration::ZERO, all.runtime())).unwrap();
                assert!(under(&all, id_of(current - 1)).is_empty(), "nothing is left under the old secret");
            }
            for n in 0..2 {
                *traffic.nodes[n].lock().unwrap() = Arc::new(node(&start, step));
                if !traffic.let_pass(&workers) {
                    break 'steps;
                }
            }
        }
        traffic.over.store(true, Ordering::SeqCst);
        for worker in workers {
            worker.join().expect("no request of a worker fails");
        }
    });
}

/// The same with the secret moved to the front before it is listed everywhere: the test above can fail.
#[test]
fn a_secret_that_writes_before_it_is_listed_everywhere_turns_people_away() {
    let old = first();
    let hasty = node(&old, &[2, 1]);
    let code = hasty.code(&authorize_form(), "alice");
    old.redeem(code_form(&authorize_form(), &code)).rejected(Reason::CodeMalformed);
}
