//! Keys in a PKCS#11 token: SoftHSM signs with every algorithm it has, at once, wrongly unlocked, and after its sessions
//! are gone.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::MechanismType;
use cryptoki::object::{Attribute, AttributeType, ObjectClass};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, MutexGuard};
use vouchsafe::adapters::pkcs11::{KeyName, Pkcs11Error, Pkcs11Options, Pkcs11Signer, Pkcs11Token};
use vouchsafe::adapters::tokio::TokioRuntime;
use vouchsafe::clock::Timestamp;
use vouchsafe::entropy::OsEntropy;
use vouchsafe::jose::{
    Jws, KeyState, Keyring, MemoryKeys, RingKey, Signer, SigningAlg, SigningHeader, Verifier, sign,
};
use vouchsafe::secret::Secret;
use vouchsafe::testing::{Harness, authorize_form};
use vouchsafe::types::{GrantId, KeyId};

const PIN: &str = "7263-correct";

/// The token of most tests, and one that is only ever given a wrong PIN: whoever is logged in once is for all.
const TOKEN: &str = "vouchsafe tests";
const LOCKED: &str = "vouchsafe locked";

/// One whose PIN changes.
const CHANGED: &str = "vouchsafe changed";

/// Each test has the module to itself: one of them ends its work, and SoftHSM knows one login for all.
static MODULE: Mutex<()> = Mutex::const_new(());

fn module() -> PathBuf {
    static TOKENS: OnceLock<()> = OnceLock::new();
    TOKENS.get_or_init(|| {
        for token in [TOKEN, LOCKED, CHANGED] {
            let made = Command::new("softhsm2-util")
                .args(["--init-token", "--free", "--label", token, "--so-pin", PIN, "--pin", PIN])
                .stdout(Stdio::null())
                .status();
            assert!(made.expect("softhsm2-util is in PATH").success());
        }
    });
    std::env::var_os("SOFTHSM2_CONF").expect("SOFTHSM2_CONF names a configuration: tests/services run");
    std::env::var_os("VOUCHSAFE_PKCS11_MODULE").expect("VOUCHSAFE_PKCS11_MODULE: tests/services run").into()
}

fn options() -> Pkcs11Options {
    // Making an RSA key takes long on a busy machine.
    Pkcs11Options::new(module(), TOKEN, Secret::new(PIN)).with_timeout(Duration::from_secs(60))
}

/// The token, whose sessions are closed before another test may end the module.
async fn token() -> (MutexGuard<'static, ()>, Pkcs11Token) {
    let alone = MODULE.lock().await;
    (alone, open(options()).await.unwrap())
}

async fn open(options: Pkcs11Options) -> Result<Pkcs11Token, Pkcs11Error> {
    Pkcs11Token::open(options, Arc::new(TokioRuntime::current().unwrap())).await
}

/// A label that no other key has.
fn label() -> String {
    GrantId::generate(&OsEntropy, Timestamp::from_unix(0)).unwrap().to_string()
}

/// All but EdDSA, which a module may have been built without.
fn algorithms() -> impl Iterator<Item = SigningAlg> {
    SigningAlg::ALL.iter().copied().filter(|alg| *alg != SigningAlg::EdDsa)
}

fn verify(signer: &Pkcs11Signer, message: &[u8], signature: &[u8]) -> bool {
    let verifier = Verifier::new(signer.public_key(), signer.algorithm()).unwrap();
    verifier.verify(message, signature).is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_algorithm_signs_what_its_public_half_verifies() {
    let (_alone, token) = token().await;
    let (rsa, message) = (label(), b"a token but for its signature");
    token.create(&rsa, SigningAlg::Rs256).await.unwrap();
    for alg in algorithms() {
        let name = if alg.as_str().starts_with('E') {
            let name = label();
            token.create(&name, alg).await.unwrap();
            name
        } else {
            rsa.clone()
        };
        let signer = token.signer(&KeyName::label(name), alg).await.unwrap();
        assert_eq!(signer.algorithm(), alg);
        assert_eq!(signer.public_key().kid().unwrap().as_str(), signer.public_key().thumbprint());
        for message in [&message[..], b"", &[7; 5000]] {
            let signature = signer.sign(message).await.unwrap();
            assert!(verify(&signer, message, &signature), "{alg}");
            assert!(!verify(&signer, b"another message", &signature), "{alg}");
        }
        assert!(signer.private_jwk().is_none(), "the private half stays in the token");
    }
}

/// EdDSA signs where the module lists it, and is refused without harm where it does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eddsa_signs_where_the_module_lists_it() {
    let (_alone, token) = token().await;
    let listed = mechanisms();
    let has_eddsa = [MechanismType::EDDSA, MechanismType::ECC_EDWARDS_KEY_PAIR_GEN];
    let made = token.create(&label(), SigningAlg::EdDsa).await;
    if has_eddsa.iter().all(|mechanism| listed.contains(mechanism)) {
        let signer = made.unwrap();
        for message in [&b"message"[..], b"", &[7; 5000]] {
            let signature = signer.sign(message).await.unwrap();
            assert!(verify(&signer, message, &signature));
            assert!(!verify(&signer, b"another message", &signature));
        }
    } else {
        assert!(matches!(made, Err(Pkcs11Error::Module(_))), "{made:?}");
    }
    token.create(&label(), SigningAlg::Es256).await.unwrap();
}

/// What the module says that it can do.
fn mechanisms() -> Vec<MechanismType> {
    let module = Pkcs11::new(module()).unwrap();
    let slot = module.get_slots_with_token().unwrap()[0];
    module.get_mechanism_list(slot).unwrap()
}

/// Several parts of a process begin with a module that none has begun with yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_module_is_begun_with_by_several_at_once() {
    let _alone = MODULE.lock().await;
    for round in 0..5 {
        let _ended = Pkcs11::new(module()).unwrap().finalize();
        let opening: Vec<_> = (0..6).map(|_| tokio::spawn(open(options()))).collect();
        for opened in opening {
            let opened = opened.await.unwrap();
            assert!(opened.is_ok(), "round {round}: {opened:?}");
        }
    }
}

/// A key is looked up while others are made and destroyed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keys_are_looked_up_beside_those_that_are_made() {
    let (_alone, token) = token().await;
    let name = label();
    token.create(&name, SigningAlg::Es256).await.unwrap();
    let writing: Vec<_> = (0..8)
        .map(|_| {
            let token = token.clone();
            tokio::spawn(async move {
                let passing = label();
                token.create(&passing, SigningAlg::Es256).await.unwrap();
                token.destroy(&KeyName::label(&passing)).await.unwrap();
            })
        })
        .collect();
    let looking: Vec<_> = (0..8)
        .map(|_| {
            let (token, name) = (token.clone(), KeyName::label(&name));
            tokio::spawn(async move {
                let signer = token.signer(&name, SigningAlg::Es256).await.unwrap();
                let signature = signer.sign(b"message").await.unwrap();
                assert!(verify(&signer, b"message", &signature));
            })
        })
        .collect();
    for task in writing.into_iter().chain(looking) {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_a_keyring_verifies_under_its_public_document() {
    let (_alone, token) = token().await;
    let signer: Arc<dyn Signer> = Arc::new(token.create(&label(), SigningAlg::Es256).await.unwrap());
    let source = MemoryKeys::new(vec![RingKey::new(Arc::clone(&signer), KeyState::Active)]);
    let ring = Keyring::load(&source).await.unwrap();
    assert!(!ring.export().expose().contains(r#""d":"#), "what is in hardware is in no document");
    let signed = sign(&SigningHeader::new(), br#"{"sub":"alice"}"#, &*signer).await.unwrap();
    let jws = Jws::parse(&signed).unwrap();
    let verifier = Verifier::new(signer.public_key(), SigningAlg::Es256).unwrap();
    assert_eq!(jws.verify(&verifier).unwrap(), br#"{"sub":"alice"}"#);
}

/// The provider signs ID tokens with it as with any other key.
#[test]
fn an_id_token_is_signed_in_the_token() {
    let tokio = Runtime::new().unwrap();
    let (_alone, token) = tokio.block_on(token());
    let signer = tokio.block_on(token.create(&label(), SigningAlg::Rs256)).unwrap();
    let public = signer.public_key().clone();
    let kid = public.kid().unwrap().as_str().to_owned();
    let h = Harness::new();
    let keyring = h.provider().keyring();
    keyring.announce(Arc::new(signer), h.now()).unwrap();
    keyring.activate(&kid, h.now()).unwrap();
    let id_token = h.tokens(&authorize_form(), "alice").id_token.unwrap();
    let jws = Jws::parse(&id_token).unwrap();
    assert_eq!(jws.header().kid(), Some(kid.as_str()));
    let verifier = Verifier::new(&public, SigningAlg::Rs256).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(jws.verify(&verifier).unwrap()).unwrap();
    assert_eq!(claims["sub"], "alice");
}

/// More ask at once than there are sessions: each gets its own signature.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_sign_at_once_on_few_sessions() {
    let _alone = MODULE.lock().await;
    let token = open(options().with_sessions(3)).await.unwrap();
    let signer = Arc::new(token.create(&label(), SigningAlg::Es256).await.unwrap());
    let tasks: Vec<_> = (0..100_u32)
        .map(|n| {
            let signer = Arc::clone(&signer);
            tokio::spawn(async move {
                let message = n.to_be_bytes();
                let signature = signer.sign(&message).await.unwrap();
                assert!(verify(&signer, &message, &signature));
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_pin_is_refused() {
    let _alone = MODULE.lock().await;
    let wrong = Pkcs11Options::new(module(), LOCKED, Secret::new("1234-wrong"));
    let refused = open(wrong.clone()).await;
    assert!(matches!(refused, Err(Pkcs11Error::PinRefused)), "{refused:?}");
    let printed = format!("{wrong:?} {refused:?}");
    assert!(!printed.contains("1234-wrong"), "{printed}");
}

/// Tokens lock after a few wrong PINs: a PIN that was refused once is not tried again, even if it were right by then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pin_that_was_refused_is_not_tried_again() {
    let _alone = MODULE.lock().await;
    let options = Pkcs11Options::new(module(), CHANGED, Secret::new(PIN));
    let token = open(options.clone()).await.unwrap();
    let signer = token.create(&label(), SigningAlg::Es256).await.unwrap();
    let (old, new) = (AuthPin::new(PIN.into()), AuthPin::new("8391-new".into()));
    let change = |from: &AuthPin, to: &AuthPin| {
        let raw = Raw::open_on(CHANGED, from);
        raw.0.set_pin(from, to).unwrap();
        raw.0.logout().unwrap();
    };
    change(&old, &new);
    let refused = async || {
        let error = signer.sign(b"message").await.unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().downcast_ref::<Pkcs11Error>();
        assert!(matches!(cause, Some(Pkcs11Error::PinRefused)), "{error:?}");
    };
    refused().await;
    change(&new, &old);
    refused().await;
    open(options).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_said_to_be_missing() {
    let (_alone, token) = token().await;
    let absent = token.signer(&KeyName::label(label()), SigningAlg::Es256).await;
    assert!(matches!(absent, Err(Pkcs11Error::Missing)), "{absent:?}");
    let absent = token.signer(&KeyName::id(b"no such id".to_vec()), SigningAlg::Es256).await;
    assert!(matches!(absent, Err(Pkcs11Error::Missing)), "{absent:?}");
    let absent = token.destroy(&KeyName::label(label())).await;
    assert!(matches!(absent, Err(Pkcs11Error::Missing)), "{absent:?}");
    let other = Pkcs11Options::new(module(), "no such token", Secret::new(PIN));
    let absent = open(other).await;
    assert!(matches!(absent, Err(Pkcs11Error::TokenMissing)), "{absent:?}");
    let no_module = Pkcs11Options::new("/no/such/module.so", TOKEN, Secret::new(PIN));
    let absent = open(no_module).await;
    assert!(matches!(absent, Err(Pkcs11Error::Module(_))), "{absent:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_used_with_an_algorithm_that_it_fits_alone() {
    let (_alone, token) = token().await;
    let name = label();
    token.create(&name, SigningAlg::Es256).await.unwrap();
    for alg in [SigningAlg::Es384, SigningAlg::Rs256, SigningAlg::EdDsa] {
        let unfit = token.signer(&KeyName::label(&name), alg).await;
        assert!(matches!(unfit, Err(Pkcs11Error::Unfit)), "{alg}: {unfit:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_has_a_label_to_itself_and_may_have_another_kid() {
    let (_alone, token) = token().await;
    let name = label();
    let signer = token.create(&name, SigningAlg::Es256).await.unwrap();
    let again = token.create(&name, SigningAlg::Es256).await;
    assert!(matches!(again, Err(Pkcs11Error::Exists)), "{again:?}");
    let kid = KeyId::new("hardware-1").unwrap();
    let renamed = signer.with_kid(kid.clone());
    assert_eq!(renamed.public_key().kid(), Some(&kid));
}

/// What the token makes does not leave it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_cannot_be_taken_out() {
    let (_alone, token) = token().await;
    let name = label();
    token.create(&name, SigningAlg::Es256).await.unwrap();
    let raw = Raw::open();
    let private = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Label(name.clone().into_bytes())];
    let [private] = raw.0.find_objects(&private).unwrap()[..] else { panic!("one key has the label") };
    let asked = [
        AttributeType::Sensitive,
        AttributeType::Extractable,
        AttributeType::AlwaysSensitive,
        AttributeType::NeverExtractable,
    ];
    let told = raw.0.get_attributes(private, &asked).unwrap();
    let kept = [
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::AlwaysSensitive(true),
        Attribute::NeverExtractable(true),
    ];
    assert_eq!(told, kept);
    let value = raw.0.get_attributes(private, &[AttributeType::Value]);
    assert!(value.is_err() || value.is_ok_and(|told| told.is_empty()), "the key is not told");
}

/// A key by its `CKA_ID` is the same as by its label, and two keys of one label are told from each other by it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_keys_of_one_label_are_ambiguous_and_each_has_its_id() {
    let (_alone, token) = token().await;
    let (name, other) = (label(), label());
    let first = token.create(&name, SigningAlg::Es256).await.unwrap();
    token.create(&other, SigningAlg::Es256).await.unwrap();
    let raw = Raw::open();
    let id = raw.id_of(&name);
    let by_id = token.signer(&KeyName::id(id), SigningAlg::Es256).await.unwrap();
    assert_eq!(by_id.public_key().thumbprint(), first.public_key().thumbprint());
    let theirs = [Attribute::Label(other.into_bytes())];
    for object in raw.0.find_objects(&theirs).unwrap() {
        raw.0.update_attributes(object, &[Attribute::Label(name.clone().into_bytes())]).unwrap();
    }
    let ambiguous = token.signer(&KeyName::label(&name), SigningAlg::Es256).await;
    assert!(matches!(ambiguous, Err(Pkcs11Error::Ambiguous)), "{ambiguous:?}");
    let signature = first.sign(b"message").await.unwrap();
    assert!(verify(&first, b"message", &signature), "who has the key already keeps it");
}

/// A key that another was put in the place of does not sign for that: its tokens would not verify.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_was_replaced_signs_no_more() {
    let (_alone, token) = token().await;
    let name = label();
    let signer = token.create(&name, SigningAlg::Es256).await.unwrap();
    signer.sign(b"message").await.unwrap();
    token.destroy(&KeyName::label(&name)).await.unwrap();
    let gone = signer.sign(b"message").await;
    assert!(gone.is_err());
    let successor = token.create(&name, SigningAlg::Es256).await.unwrap();
    assert!(signer.sign(b"message").await.is_err(), "the key of the same name is another");
    let signature = successor.sign(b"message").await.unwrap();
    assert!(verify(&successor, b"message", &signature));
}

/// Sessions end when a device was out, or when somebody in the process logs out: the next signature finds its way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_are_gone_are_opened_again() {
    let _alone = MODULE.lock().await;
    let token = open(options()).await.unwrap();
    let signer = token.create(&label(), SigningAlg::Es256).await.unwrap();
    for round in 0..3 {
        Raw::open().0.logout().unwrap();
        let signature = signer.sign(b"after a logout").await.unwrap();
        assert!(verify(&signer, b"after a logout", &signature), "round {round}");
    }
    let module = Pkcs11::new(module()).unwrap();
    module.clone().finalize().unwrap();
    let signature = signer.sign(b"after the end of the module").await.unwrap();
    assert!(verify(&signer, b"after the end of the module", &signature));
    module.clone().finalize().unwrap();
    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let signature = signer.sign(b"after its return").await.unwrap();
    assert!(verify(&signer, b"after its return", &signature));
}

/// A runtime whose blocking work never comes to its end, as with a device that hangs.
#[derive(Debug)]
struct Hanging(TokioRuntime, AtomicBool);

#[vouchsafe::async_trait]
impl vouchsafe::runtime::Runtime for Hanging {
    fn spawn(&self, task: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>) {
        self.0.spawn(task);
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }

    async fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
        if self.1.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        self.0.blocking(work).await;
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_hangs_is_waited_for_no_longer_than_the_timeout() {
    let _alone = MODULE.lock().await;
    let name = label();
    open(options()).await.unwrap().create(&name, SigningAlg::Es256).await.unwrap();
    let runtime = Arc::new(Hanging(TokioRuntime::current().unwrap(), AtomicBool::new(false)));
    let token =
        Pkcs11Token::open(options().with_timeout(Duration::from_secs(2)), runtime.clone()).await.unwrap();
    let signer = token.signer(&KeyName::label(name), SigningAlg::Es256).await.unwrap();
    runtime.1.store(true, Ordering::SeqCst);
    let hung = tokio::time::timeout(Duration::from_secs(20), signer.sign(b"message")).await;
    let error = hung.expect("nobody waits for long").unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().downcast_ref::<Pkcs11Error>();
    assert!(matches!(cause, Some(Pkcs11Error::TimedOut)), "{error:?}");
    runtime.1.store(false, Ordering::SeqCst);
    signer.sign(b"message").await.unwrap();
}

/// A session of the test's own.
struct Raw(cryptoki::session::Session);

impl Raw {
    fn open() -> Self {
        Self::open_on(TOKEN, &AuthPin::new(PIN.into()))
    }

    fn open_on(label: &str, pin: &AuthPin) -> Self {
        let module = Pkcs11::new(module()).unwrap();
        let slots = module.get_slots_with_token().unwrap();
        let of_label = |slot: &cryptoki::slot::Slot| {
            module.get_token_info(*slot).is_ok_and(|token| token.label().trim_end() == label)
        };
        let slot = slots.into_iter().find(of_label).unwrap();
        let session = module.open_rw_session(slot).unwrap();
        let _logged_in = session.login(UserType::User, Some(pin));
        Self(session)
    }

    fn id_of(&self, label: &str) -> Vec<u8> {
        let private =
            [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Label(label.as_bytes().to_vec())];
        let object = self.0.find_objects(&private).unwrap()[0];
        match &self.0.get_attributes(object, &[AttributeType::Id]).unwrap()[..] {
            [Attribute::Id(id)] => id.clone(),
            other => panic!("{other:?}"),
        }
    }
}
