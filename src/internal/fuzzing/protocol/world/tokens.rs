//! What clients get at the token endpoint, and do with it.

use bytes::Bytes;
use http::header::AUTHORIZATION;
use serde_json::Value;

use super::build::redirect_uri;
use super::clients::{jti, key_of};
use super::{Answer, HeldToken, Key, Party, Person, Place, Reason, Redemption, Set, World, nth};
use crate::internal::fuzzing::protocol::cast::Tokens;
use crate::internal::fuzzing::protocol::operation::{Asked, Flaw, Held, Nth, Proof, Sender, Sent};
use crate::provider::{GrantFilter, Introspection, TokenResponse, TokenType};
use crate::secret::TokenHash;
use crate::testing::{CODE_VERIFIER, Form, block_on};
use crate::types::{ClientId, Confirmation, Subject};
use crate::wire::Request;

/// A verifier of no code.
const WRONG_VERIFIER: &str = "wrong-wrong-wrong-wrong-wrong-wrong-wrong-wrong";

impl World {
    pub(super) fn redeem_code(
        &mut self,
        which: Nth,
        sent: Sent,
        flaw: Flaw,
    ) -> Result<Option<Answer>, Reason> {
        let Some(code) = nth(&self.codes, which) else { return Ok(None) };
        let (owner, key, credential) = (code.client, code.key, code.text.clone());
        let form = token_form("authorization_code").set("code", &credential);
        let form = match flaw {
            Flaw::RedirectUri => form.set("redirect_uri", "https://elsewhere.example/cb"),
            _ => form.set("redirect_uri", redirect_uri(owner)),
        };
        let form = match flaw {
            Flaw::VerifierMissing => form,
            Flaw::VerifierWrong => form.set("code_verifier", WRONG_VERIFIER),
            Flaw::None | Flaw::RedirectUri => form.set("code_verifier", CODE_VERIFIER),
        };
        let answer = self.redeem((owner, key), sent, asking(form, Set::NONE, sent.resources));
        self.note_redemption(credential, &answer);
        answer.map(Some)
    }

    pub(super) fn refresh(&mut self, which: Nth, sent: Sent) -> Result<Option<Answer>, Reason> {
        let Some(token) = nth(&self.refresh, which) else { return Ok(None) };
        let (owner, key) = (token.client, token.key);
        let form = token_form("refresh_token").set("refresh_token", &token.text);
        let answer = self.redeem((owner, key), sent, asking(form, sent.scope, sent.resources))?;
        if let Answer::Tokens(Tokens { refresh_token: Some(at), .. }) = &answer {
            // A successor is bound to what its family is, whatever else a request proves.
            self.refresh[*at].key = key;
        }
        Ok(Some(answer))
    }

    pub(super) fn client_credentials(
        &mut self,
        asked: Asked,
        proof: Proof,
    ) -> Result<Option<Answer>, Reason> {
        let Asked { client, scope, resources, .. } = asked;
        let sent = Sent { sender: Sender::Owner, proof, scope, resources };
        let form = asking(token_form("client_credentials"), scope, resources);
        self.redeem((client, None), sent, form).map(Some)
    }

    pub(super) fn exchange(&mut self, token: Held, sent: Sent) -> Result<Option<Answer>, Reason> {
        let Some(subject) = self.held(token).cloned() else { return Ok(None) };
        let subject_type = match token {
            Held::Access(_) => TokenType::AccessToken,
            Held::Refresh(_) => TokenType::RefreshToken,
        };
        let form = token_form("urn:ietf:params:oauth:grant-type:token-exchange")
            .set("subject_token", &subject.text)
            .set("subject_token_type", subject_type.as_str());
        let form = asking(form, sent.scope, sent.resources);
        self.redeem((subject.client, subject.key), sent, form).map(Some)
    }

    /// Sends a form to the token endpoint, and keeps what comes.
    pub(super) fn redeem(
        &mut self,
        (owner, bound): (Party, Option<Key>),
        sent: Sent,
        form: Form,
    ) -> Result<Answer, Reason> {
        let head = self.head(Place::Token, sent.proof, bound);
        let client = sent.sender.or(owner);
        let response = block_on(self.node().redeem(&head, self.params(client, form)));
        let response = self.settled(response)?;
        if response.confirmation.is_some() {
            self.accepted_proofs.extend(self.proof.clone());
        }
        Ok(Answer::Tokens(self.keep(client, &response)))
    }

    fn keep(&mut self, client: Party, response: &TokenResponse) -> Tokens {
        let (scope, key) = (Set::of_scope(response.scope.as_str()), key_of(response.confirmation.as_ref()));
        let expires_at = self.now().plus(response.expires_in);
        let held = |text: &str, key| HeldToken { client, key, text: text.to_owned(), scope, expires_at };
        self.access.push(held(response.access_token.expose(), key));
        let bound = key.filter(|_| !client.is_confidential());
        let refresh_token = response.refresh_token.as_ref();
        let refresh_token = refresh_token.map(|token| self.receive(held(token.expose(), bound)));
        let expires_in = i64::try_from(response.expires_in.as_secs()).unwrap_or(i64::MAX);
        Tokens { scope, expires_in, key, id_token: response.id_token.is_some(), refresh_token }
    }

    /// Notes what became of something that can be redeemed once.
    pub(super) fn note_redemption(&mut self, credential: String, answer: &Result<Answer, Reason>) {
        let newest = self.access.len().saturating_sub(1);
        let known = self.redemptions.iter().position(|known| known.credential == credential);
        let at = known.unwrap_or_else(|| {
            self.redemptions.push(Redemption { credential, tokens: Vec::new(), is_replayed: false });
            self.redemptions.len() - 1
        });
        let redemption = &mut self.redemptions[at];
        match answer {
            Ok(Answer::Tokens(_)) => redemption.tokens.push(newest),
            Err(Reason::CodeReplayed | Reason::DeferredReplayed) => redemption.is_replayed = true,
            Ok(_) | Err(_) => {}
        }
    }

    fn held(&self, token: Held) -> Option<&HeldToken> {
        match token {
            Held::Access(which) => nth(&self.access, which),
            Held::Refresh(which) => nth(&self.refresh, which),
        }
    }

    pub(super) fn introspect(&mut self, token: Held, sender: Sender) -> Result<Option<Answer>, Reason> {
        let Some(held) = self.held(token) else { return Ok(None) };
        let params = self.params(sender.or(held.client), Form::new().set("token", &held.text));
        let described = block_on(self.node().introspect(&self.plain_head(), &params));
        let claims = match self.settled(described)? {
            Introspection::Active(claims) => Value::Object(claims.into_map()),
            // Why is in an event.
            Introspection::Inactive => return Ok(Some(Answer::Done)),
        };
        let confirmation: Option<Confirmation> =
            claims.get("cnf").map(|cnf| serde_json::from_value(cnf.clone()).expect("cnf is one of ours"));
        let audience = match &claims["aud"] {
            Value::String(one) => vec![one.as_str()],
            Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let expires_at = claims["exp"].as_i64().unwrap_or_default();
        Ok(Some(Answer::Active {
            scope: Set::of_scope(claims["scope"].as_str().unwrap_or_default()),
            audience: Set::of_resources(audience),
            key: key_of(confirmation.as_ref()),
            expires_at: expires_at - self.began.unix(),
        }))
    }

    pub(super) fn userinfo(&mut self, which: Nth, proof: Proof) -> Result<Option<Answer>, Reason> {
        let Some(token) = nth(&self.access, which).cloned() else { return Ok(None) };
        let key = match proof {
            Proof::AsBound => token.key,
            Proof::Fresh(key) => Some(key),
            Proof::None | Proof::Replayed => None,
        };
        let path = self.node().config().paths.userinfo.clone();
        let scheme = if key.is_some() { "DPoP" } else { "Bearer" };
        let mut request = http::Request::get(self.node().config().issuer.endpoint(&path))
            .header(AUTHORIZATION, format!("{scheme} {}", token.text));
        if let Some(key) = key {
            let proof = self.make_proof(key, ("GET", path)).presenting(&token.text).sign();
            request = request.header("dpop", proof);
        }
        let request: Request = request.body(Bytes::new()).expect("the headers are sound");
        let response = block_on(self.node().userinfo(&request));
        let claims: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let person = Person::ALL.into_iter().find(|person| claims["sub"] == person.subject());
        // Without a person an event says why.
        Ok(Some(person.map_or(Answer::Done, Answer::Claims)))
    }

    pub(super) fn revoke(&mut self, token: Held, sender: Sender) -> Result<Option<Answer>, Reason> {
        let Some(held) = self.held(token) else { return Ok(None) };
        let params = self.params(sender.or(held.client), Form::new().set("token", &held.text));
        let revoked = block_on(self.node().revoke(&self.plain_head(), &params));
        self.settled(revoked)?;
        Ok(Some(Answer::Done))
    }

    pub(super) fn revoke_grants(
        &mut self,
        person: Option<Person>,
        client: Option<Party>,
        consent: bool,
    ) -> Result<Option<Answer>, Reason> {
        let subject = person.map(|person| Subject::new(person.subject()).expect("the name is a subject"));
        let client = client.map(|client| ClientId::new(client.client_id()).expect("the name is a client_id"));
        let revoked = match (subject, client) {
            (Some(subject), Some(client)) if consent => {
                block_on(self.node().administration().revoke_consent(&subject, &client))
            }
            (Some(subject), Some(client)) => block_on(
                self.node().administration().revoke_grants(&GrantFilter::SubjectAndClient(subject, client)),
            ),
            (Some(subject), None) => {
                block_on(self.node().administration().revoke_grants(&GrantFilter::Subject(subject)))
            }
            (None, Some(client)) => {
                block_on(self.node().administration().revoke_grants(&GrantFilter::Client(client)))
            }
            (None, None) => return Ok(None),
        };
        let revoked = self.settled(revoked)?;
        Ok(Some(Answer::Revoked(usize::try_from(revoked).unwrap_or(usize::MAX))))
    }
}

impl HeldToken {
    /// The key of the row in the store.
    pub(in crate::internal::fuzzing::protocol) fn row(&self) -> TokenHash {
        TokenHash::of(&jti(&self.text).unwrap_or_else(|| self.text.clone()))
    }
}

pub(super) fn token_form(grant_type: &str) -> Form {
    Form::new().set("grant_type", grant_type)
}

/// The form with what is asked, where anything is.
pub(super) fn asking(form: Form, scope: Set, resources: Set) -> Form {
    let form = if scope.is_empty() { form } else { form.set("scope", scope.scope()) };
    resources.resources().fold(form, |form, resource| form.also("resource", resource))
}
