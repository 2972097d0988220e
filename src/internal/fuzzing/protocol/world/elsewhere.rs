//! Requests that people answer elsewhere than in the client's browser.

use super::browsers::approval;
use super::tokens::{asking, token_form};
use super::{Answer, HeldElsewhere, Kind, Person, Reason, World, nth};
use crate::internal::fuzzing::protocol::cast::{Browser, Set};
use crate::internal::fuzzing::protocol::operation::{Asked, Decision, Nth, Sent};
use crate::provider::{BackchannelDecision, Denial};
use crate::secret::Secret;
use crate::testing::{Form, block_on};
use crate::types::Scope;

impl World {
    pub(super) fn begin(
        &mut self,
        kind: Kind,
        person: Person,
        asked: Asked,
    ) -> Result<Option<Answer>, Reason> {
        let Asked { client, scope, resources, .. } = asked;
        let form = asking(Form::new(), scope, resources);
        let head = self.plain_head();
        let held = match kind {
            Kind::Backchannel => {
                let params = self.params(client, form.set("login_hint", person.subject()));
                let begun = block_on(self.node().begin_backchannel(&head, params));
                let begun = self.settled(begun)?;
                let asked = self.host.asked().pop().map(|pending| pending.scope).unwrap_or_default();
                let credential = begun.auth_req_id.expose().to_owned();
                HeldElsewhere { kind, client, credential, user_code: String::new(), asked }
            }
            Kind::Device => {
                let begun = block_on(self.node().begin_device(&head, self.params(client, form)));
                let begun = self.settled(begun)?;
                let credential = begun.device_code.expose().to_owned();
                let user_code = begun.user_code;
                HeldElsewhere { kind, client, credential, user_code, asked: Scope::empty() }
            }
        };
        self.elsewhere.push(held);
        Ok(Some(Answer::Waits))
    }

    pub(super) fn decide(
        &mut self,
        which: Nth,
        browser: Browser,
        decision: Decision,
    ) -> Result<Option<Answer>, Reason> {
        let Some(held) = nth(&self.elsewhere, which) else { return Ok(None) };
        match held.kind {
            Kind::Backchannel => self.decide_backchannel(held, browser, decision)?,
            Kind::Device => self.decide_device(held, browser, decision)?,
        }
        Ok(Some(Answer::Done))
    }

    fn decide_backchannel(
        &self,
        held: &HeldElsewhere,
        browser: Browser,
        decision: Decision,
    ) -> Result<(), Reason> {
        let decision = match approval(self.login(browser), &held.asked, decision) {
            Some(approval) => BackchannelDecision::Approved(approval),
            None => BackchannelDecision::Denied(Denial::Person),
        };
        let credential = Secret::new(&*held.credential);
        self.settled(block_on(self.node().complete_backchannel(&credential, decision)))
    }

    fn decide_device(
        &self,
        held: &HeldElsewhere,
        browser: Browser,
        decision: Decision,
    ) -> Result<(), Reason> {
        let login = self.login(browser);
        let pending = block_on(self.node().device().look_up(&held.user_code, &login, &[]));
        let pending = self.settled(pending)?;
        self.settled(match approval(login, pending.scope(), decision) {
            Some(approval) => block_on(self.node().device().approve(&pending, approval)),
            None => block_on(self.node().device().deny(&pending, Denial::Person)),
        })
    }

    pub(super) fn poll(&mut self, which: Nth, sent: Sent) -> Result<Option<Answer>, Reason> {
        let Some(held) = nth(&self.elsewhere, which) else { return Ok(None) };
        let (owner, credential) = (held.client, held.credential.clone());
        let form = match held.kind {
            Kind::Backchannel => {
                token_form("urn:openid:params:grant-type:ciba").set("auth_req_id", &credential)
            }
            Kind::Device => {
                let form = token_form("urn:ietf:params:oauth:grant-type:device_code");
                form.set("device_code", &credential)
            }
        };
        let answer = self.redeem((owner, None), sent, asking(form, Set::NONE, sent.resources));
        self.note_redemption(credential, &answer);
        answer.map(Some)
    }
}
