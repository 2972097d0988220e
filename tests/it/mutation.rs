//! Tables of mutations: each row changes a sound request in one way and says how it is answered then.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use http::Method;
use serde_json::{Value, json};
use vouchsafe::client::Client;
use vouchsafe::error::Reason;
use vouchsafe::event::Endpoint;
use vouchsafe::jose::{JoseSigner, JwkSet, MacAlg, Signer, SigningAlg};
use vouchsafe::testing::{Form, Harness, JwtForm, Outcome, TokenForm, client_form, client_key};

/// One row.
pub(crate) struct Mutation {
    name: &'static str,
    mutate: fn(Draft) -> Draft,
    answer: Answer,
}

/// How a mutated request is answered.
#[derive(Clone, Copy)]
enum Answer {
    Accepted,
    Refused(Reason),
}

/// The request is still sound.
pub(crate) const fn accepted(name: &'static str, mutate: fn(Draft) -> Draft) -> Mutation {
    Mutation { name, mutate, answer: Answer::Accepted }
}

/// The request is refused for this reason, which decides the status and the error code.
pub(crate) const fn refused(name: &'static str, mutate: fn(Draft) -> Draft, reason: Reason) -> Mutation {
    Mutation { name, mutate, answer: Answer::Refused(reason) }
}

/// Where the requests of a table go, and what is demanded of every refusal, whatever its reason.
pub(crate) struct Table<'h> {
    pub(crate) harness: &'h Harness,
    pub(crate) endpoint: Endpoint,
    /// The statuses that a refusal may have.
    pub(crate) statuses: &'static [u16],
    /// The codes that a refusal may have.
    pub(crate) errors: &'static [&'static str],
    pub(crate) keeps: Keeps,
}

/// What of the store is as it was after a refusal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeps {
    /// All of it.
    Everything,
    /// All but what remembers tokens that are good once: that by which the client authenticated, or the object around what is
    /// wrong, was sound and is used up.
    EverythingButReplays,
}

impl Table<'_> {
    /// Sends a fresh request for each row, and one that nobody changed after all of them.
    #[track_caller]
    pub(crate) fn run(&self, fresh: impl Fn() -> Draft, rows: &[Mutation]) {
        for Mutation { name, mutate, answer } in rows {
            println!("{:?}: {name}", self.endpoint);
            self.check(mutate(fresh()), *answer);
        }
        println!("{:?}: unchanged", self.endpoint);
        self.check(fresh(), Answer::Accepted);
    }

    /// Sends a request that is refused for this reason.
    #[track_caller]
    pub(crate) fn refuse(&self, draft: Draft, reason: Reason) {
        self.check(draft, Answer::Refused(reason));
    }

    #[track_caller]
    fn check(&self, draft: Draft, answer: Answer) {
        let outcome = self.send(draft);
        let Answer::Refused(reason) = answer else { return assert_accepted(&outcome, self.endpoint) };
        let status = outcome.response.status().as_u16();
        assert!(self.statuses.contains(&status), "{status} is not one of {:?}", self.statuses);
        let code = reason.wire().0.as_str();
        assert!(self.errors.contains(&code), "{code} is not one of {:?}", self.errors);
        let outcome = match self.keeps {
            Keeps::Everything => outcome.unchanged(),
            Keeps::EverythingButReplays => outcome.unchanged_but_replays(),
        };
        match self.endpoint {
            Endpoint::Authorization if outcome.header("location").is_some() => drop(outcome.returned(reason)),
            Endpoint::Authorization => drop(outcome.shown(reason)),
            Endpoint::Userinfo => drop(outcome.challenged_for_proof(reason)),
            _ => {
                let body = outcome.rejected(reason).json();
                let members: Vec<_> = body.as_object().unwrap().keys().collect();
                assert_eq!(members, ["error", "error_description"]);
            }
        }
    }

    fn send(&self, draft: Draft) -> Outcome {
        let path = path(self.harness, self.endpoint);
        let mut request = self.harness.post(path, draft.into_form());
        match self.endpoint {
            Endpoint::Authorization => {
                let query = String::from_utf8(request.body().to_vec()).unwrap();
                self.harness.open_authorization(Method::GET, &format!("?{query}"), "").outcome
            }
            Endpoint::Userinfo => {
                *request.method_mut() = Method::GET;
                self.harness.answer(request)
            }
            _ => self.harness.answer(request),
        }
    }
}

/// The path of an endpoint.
pub(crate) fn path(h: &Harness, endpoint: Endpoint) -> &str {
    let paths = &h.provider().config().paths;
    match endpoint {
        Endpoint::Authorization => &paths.authorization,
        Endpoint::BackchannelAuthentication => &paths.backchannel_authentication,
        Endpoint::DeviceAuthorization => &paths.device_authorization,
        Endpoint::Introspection => &paths.introspection,
        Endpoint::PushedAuthorization => &paths.pushed_authorization,
        Endpoint::Revocation => &paths.revocation,
        Endpoint::Token => &paths.token,
        Endpoint::Userinfo => &paths.userinfo,
        other => panic!("no table is for {other:?}"),
    }
}

#[track_caller]
fn assert_accepted(outcome: &Outcome, endpoint: Endpoint) {
    match endpoint {
        // Which is the answer about a token that nobody knows, too.
        Endpoint::Introspection | Endpoint::Revocation => {
            assert_eq!(outcome.response.status(), 200, "{outcome:?}")
        }
        // The request waits for a person, who is not sent anywhere.
        Endpoint::Authorization => assert_eq!(outcome.clone().accepted().header("location"), None),
        _ => drop(outcome.clone().accepted()),
    }
}

/// A sound request that is not sent yet: a JWT, and the form or the header that it goes into.
#[derive(Clone)]
pub(crate) struct Draft {
    jwt: JwtForm,
    text: Option<String>,
    place: Place,
    form: TokenForm,
    now: i64,
}

/// Where the JWT of a request is.
#[derive(Clone, Copy)]
enum Place {
    Absent,
    Header(&'static str),
    Parameter(&'static str),
}

impl Draft {
    /// A request in which the client authenticates by the JWT.
    pub(crate) fn by_assertion(h: &Harness, client: &str, form: TokenForm) -> Self {
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let jwt = JwtForm::new("JWT", &client_key(), h.assertion_claims(client));
        let form = form.unauthenticated().set("client_assertion_type", kind);
        Self::new(h, jwt, Place::Parameter("client_assertion")).with_form(form)
    }

    /// A request in which the client authenticates by a MAC of its secret.
    pub(crate) fn by_mac(h: &Harness, client: &str, form: TokenForm) -> Self {
        let secret = h.client_secret(client).as_bytes();
        Self::by_assertion(h, client, form).jwt(|jwt| jwt.mac(MacAlg::Hs256, secret))
    }

    /// A request that is a JWT with these claims, in `request`, beside what the form has.
    pub(crate) fn of_object(h: &Harness, form: TokenForm, claims: Value) -> Self {
        let jwt = JwtForm::new("oauth-authz-req+jwt", &client_key(), claims);
        Self::new(h, jwt, Place::Parameter("request")).with_form(form)
    }

    /// A request with a DPoP proof.
    pub(crate) fn proved(h: &Harness, proof: JwtForm, form: TokenForm) -> Self {
        Self::new(h, proof, Place::Header("dpop")).with_form(form)
    }

    /// A request without a JWT of its own.
    pub(crate) fn plain(h: &Harness, form: TokenForm) -> Self {
        Self::new(h, JwtForm::new("JWT", &client_key(), json!({})), Place::Absent).with_form(form)
    }

    fn new(h: &Harness, jwt: JwtForm, place: Place) -> Self {
        Self { jwt, text: None, place, form: client_form(Form::new()), now: h.now().unix() }
    }

    fn with_form(self, form: TokenForm) -> Self {
        Self { form, ..self }
    }

    /// The form, with the JWT in it.
    fn into_form(self) -> TokenForm {
        let token = self.text.unwrap_or_else(|| self.jwt.sign());
        match self.place {
            Place::Absent => self.form,
            Place::Header(name) => self.form.header(name, token),
            Place::Parameter(name) => self.form.set(name, token),
        }
    }

    /// Changes what is around the JWT.
    pub(crate) fn form(self, change: impl FnOnce(TokenForm) -> TokenForm) -> Self {
        Self { form: change(self.form), ..self }
    }

    /// Changes the JWT.
    pub(crate) fn jwt(self, change: impl FnOnce(JwtForm) -> JwtForm) -> Self {
        Self { jwt: change(self.jwt), ..self }
    }

    /// Puts a text in the place of the JWT.
    pub(crate) fn text(self, change: impl FnOnce(String) -> String) -> Self {
        Self { text: Some(change(self.jwt.sign())), ..self }
    }

    /// Sets a claim.
    pub(crate) fn claim(self, name: &str, value: impl Into<Value>) -> Self {
        self.jwt(|jwt| jwt.claim(name, value))
    }

    /// Sets a claim to a moment so many seconds from now.
    pub(crate) fn at(self, name: &str, seconds: i64) -> Self {
        let moment = self.now + seconds;
        self.claim(name, moment)
    }

    /// Takes a claim out.
    pub(crate) fn without(self, name: &str) -> Self {
        self.jwt(|jwt| jwt.without(name))
    }

    /// Sets a member of the header.
    pub(crate) fn header(self, name: &str, value: impl Into<Value>) -> Self {
        self.jwt(|jwt| jwt.header(name, value))
    }

    /// Takes a member of the header out.
    pub(crate) fn without_header(self, name: &str) -> Self {
        self.jwt(|jwt| jwt.without_header(name))
    }

    /// Lets another key sign.
    pub(crate) fn by(self, key: &Arc<dyn Signer>) -> Self {
        self.jwt(|jwt| jwt.by(key))
    }

    /// Puts a MAC by the public key of the client, as text, in the place of the signature.
    pub(crate) fn mac_by_public_key(self, alg: MacAlg) -> Self {
        let public = client_key().public_key().to_value().to_string();
        self.jwt(|jwt| jwt.mac(alg, public.as_bytes()))
    }

    /// Spoils the signature.
    pub(crate) fn altered(self) -> Self {
        self.text(|token| {
            let (signed, signature) = token.rsplit_once('.').unwrap();
            let first = if signature.starts_with('A') { 'B' } else { 'A' };
            format!("{signed}.{first}{}", &signature[1..])
        })
    }

    /// Sends the JWT in a header of this name.
    pub(crate) fn in_header(self, name: &'static str) -> Self {
        Self { place: Place::Header(name), ..self }
    }

    /// Leaves the JWT out.
    pub(crate) fn absent(self) -> Self {
        Self { place: Place::Absent, ..self }
    }

    /// Sends the JWT twice in its header, the second time under another name.
    pub(crate) fn twice(self) -> Self {
        let Place::Header(name) = self.place else { panic!("a form has each parameter once") };
        let twin = self.jwt.clone().claim("jti", "another").sign();
        self.form(|form| form.header(name, twin))
    }

    /// Writes a claim that is a text in another way.
    pub(crate) fn rewritten(self, name: &str, write: impl FnOnce(&str) -> String) -> Self {
        let text = write(self.jwt.value(name).and_then(Value::as_str).unwrap());
        self.claim(name, text)
    }

    /// Says that nobody signed, and has no signature.
    pub(crate) fn unsigned(self) -> Self {
        self.jwt(|jwt| jwt.header("alg", "none").signature([]))
    }
}

/// A key of this algorithm, the same for every test of a process. It is nobody's, unless [`give_every_key`] gives it to a
/// client.
pub(crate) fn key_of(alg: SigningAlg) -> Arc<dyn Signer> {
    static KEYS: Mutex<BTreeMap<SigningAlg, Arc<JoseSigner>>> = Mutex::new(BTreeMap::new());
    let mut keys = KEYS.lock().unwrap();
    let key = keys.entry(alg).or_insert_with(|| Arc::new(JoseSigner::generate(alg).unwrap()));
    Arc::<JoseSigner>::clone(key)
}

/// An ES256 key that is not the client's.
pub(crate) fn strange_key() -> Arc<dyn Signer> {
    key_of(SigningAlg::Es256)
}

/// Registers a client once more, with keys of EdDSA, PS256 and RS256 beside its own, so that nothing but its algorithm speaks
/// against a signature.
pub(crate) fn give_every_key(h: &Harness, client: &str) {
    let client = h.client(client);
    let mut keys = vec![client_key().public_key().to_value()];
    keys.extend(
        [SigningAlg::EdDsa, SigningAlg::Ps256, SigningAlg::Rs256]
            .map(|alg| key_of(alg).public_key().to_value()),
    );
    let metadata = client.metadata().clone().with_jwks(JwkSet::register(&json!({ "keys": keys })).unwrap());
    let again = Client::builder(client.id().clone(), metadata).settings(client.settings().clone());
    h.store().insert_client(again.build().unwrap());
}
