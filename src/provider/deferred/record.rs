//! What is kept of a request that waits.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::clock::Timestamp;
use crate::error::{Reason, Result, StoreError, StoreErrorKind};
use crate::event::EventKind;
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::provider::format::opaque::{self, TokenKind};
use crate::provider::payload;
use crate::provider::records::RETENTION;
use crate::secret::{Secret, TokenHash};
use crate::store::{Deferral, DeferredRecord, SubjectKey, WaitingLimit};
use crate::types::{Authentication, ClientId, Confirmation, GrantId, GrantType, Scope, Subject};

/// How often another key is drawn because one is taken (attack 321).
const MAX_ATTEMPTS: u8 = 3;

/// How long it is remembered that nobody agreed to a request, from its end on: 5 minutes, in which its client asks for the last
/// time. Anybody may be able to make requests, and what was approved alone can be redeemed twice.
const SHORT_RETENTION: Duration = Duration::from_secs(5 * 60);

/// By which endpoint a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::provider) enum Kind {
    Backchannel,
    Device,
}

impl Kind {
    /// The grant type that it is redeemed by.
    pub(in crate::provider) const fn grant_type(self) -> GrantType {
        match self {
            Self::Backchannel => GrantType::Ciba,
            Self::Device => GrantType::DeviceCode,
        }
    }

    /// The parameter that it is redeemed by, and the refusal where that is missing.
    pub(in crate::provider) const fn parameter(self) -> (&'static str, Reason) {
        match self {
            Self::Backchannel => ("auth_req_id", Reason::AuthReqIdMissing),
            Self::Device => ("device_code", Reason::DeviceCodeMissing),
        }
    }

    /// What the client polls with: its kind and its prefix.
    pub(in crate::provider) fn credential<'a>(self, cx: &Context<'a>) -> (TokenKind, &'a str) {
        match self {
            Self::Backchannel => (TokenKind::AuthReqId, &cx.config.prefixes.auth_req_id),
            Self::Device => (TokenKind::DeviceCode, &cx.config.prefixes.device_code),
        }
    }
}

/// A request that waits: the sealed payload of a [`DeferredRecord`], with the columns that decide.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::provider) struct Waiting {
    pub(in crate::provider) kind: Kind,
    pub(in crate::provider) client: ClientId,
    pub(in crate::provider) requested_at: Timestamp,
    pub(in crate::provider) expires_at: Timestamp,
    pub(super) retain_until: Timestamp,
    pub(in crate::provider) scope: Scope,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::provider) resources: Vec<String>,
    /// What the person types, as it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::provider) user_code: Option<String>,
    /// Whom it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::provider) subject: Option<Subject>,
    /// What a client proves itself to be told by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::provider) notification_token: Option<String>,
    /// How its tokens are pushed; `None` where its client fetches them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::provider) push: Option<Push>,
    /// Since an approval, what it gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::provider) grant: Option<GrantId>,
}

/// Tokens that are pushed: they are made while the client is not there to prove anything.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::provider) struct Push {
    /// The key that the client proved when it asked.
    #[serde(rename = "cnf", default, skip_serializing_if = "Option::is_none")]
    pub(in crate::provider) confirmation: Option<Confirmation>,
}

/// A request that is to wait.
pub(in crate::provider) struct Draft {
    pub(in crate::provider) kind: Kind,
    pub(in crate::provider) client: ClientId,
    pub(in crate::provider) lifetime: Duration,
    pub(in crate::provider) scope: Scope,
    pub(in crate::provider) resources: Vec<String>,
    pub(in crate::provider) subject: Option<Subject>,
    pub(in crate::provider) notification_token: Option<String>,
    pub(in crate::provider) push: Option<Push>,
}

impl Draft {
    fn waiting(&self, cx: &Context<'_>, user_code: Option<String>) -> Waiting {
        let expires_at = cx.now.plus(self.lifetime);
        Waiting {
            kind: self.kind,
            client: self.client.clone(),
            requested_at: cx.now,
            expires_at,
            retain_until: expires_at.plus(SHORT_RETENTION),
            scope: self.scope.clone(),
            resources: self.resources.clone(),
            user_code,
            subject: self.subject.clone(),
            notification_token: self.notification_token.clone(),
            push: self.push.clone(),
            grant: None,
        }
    }
}

impl Waiting {
    /// The same once it was approved. What becomes of it is remembered for as long as its tokens may live.
    pub(super) fn approved(&self, grant: GrantId) -> Self {
        Self { grant: Some(grant), retain_until: self.expires_at.plus(RETENTION), ..self.clone() }
    }

    /// Whether a login is too old for the client (`default_max_age`), as of when it asked.
    pub(in crate::provider) fn is_stale(&self, client: &Client, login: &Authentication) -> bool {
        let age = client.metadata().default_max_age.map(Duration::from_secs);
        age.is_some_and(|age| login.auth_time.plus(age) < self.requested_at)
    }

    /// The payload of the record under `key`.
    pub(super) fn seal(&self, cx: &Context<'_>, key: &TokenHash) -> Result<crate::seal::Sealed> {
        payload::seal(cx, payload::Kind::Deferred, key.as_bytes(), self)
    }

    fn subject_key(&self, cx: &Context<'_>) -> Option<SubjectKey> {
        self.subject.as_ref().map(|subject| SubjectKey::of(cx.secrets, cx.issuer(), subject))
    }
}

/// Leaves out whom it is about, what is typed, and what is secret.
impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("kind", &self.kind)
            .field("client", &self.client)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Keeps a request, and gives what its client polls with; `None` where too many wait about its subject already.
///
/// `user_code` draws what the person types, as it is shown and as it is kept, where anything is typed.
pub(in crate::provider) async fn keep(
    core: &Core,
    cx: &Context<'_>,
    draft: &Draft,
    limit: WaitingLimit,
    user_code: impl Fn(&Context<'_>) -> Result<Option<(String, TokenHash)>>,
) -> Result<Option<(Secret, Waiting)>> {
    let (kind, prefix) = draft.kind.credential(cx);
    for _ in 0..MAX_ATTEMPTS {
        let (shown, kept) = user_code(cx)?.unzip();
        let credential = opaque::mint(cx.secrets, cx.entropy, kind, (prefix, cx.issuer()))?;
        let key = TokenHash::of(credential.expose());
        let waiting = draft.waiting(cx, shown);
        let record = DeferredRecord {
            key,
            user_code: kept,
            client: waiting.client.clone(),
            subject: waiting.subject_key(cx),
            interval: cx.config.poll_interval,
            expires_at: waiting.expires_at,
            retain_until: waiting.retain_until,
            payload: waiting.seal(cx, &key)?,
        };
        match super::store(core)?.insert_deferred(record, limit, cx.now).await {
            Ok(Deferral::Waiting) => return Ok(Some((credential, waiting))),
            Ok(Deferral::Crowded) => return Ok(None),
            Err(error) if error.kind() == StoreErrorKind::Conflict => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::from(StoreErrorKind::Conflict).into())
}

/// The request of a record; `None`, and an alarm, when the payload does not open or is not that of these columns.
pub(in crate::provider) fn open(cx: &Context<'_>, record: &DeferredRecord) -> Option<Waiting> {
    let opened: Option<Waiting> =
        payload::open(cx, payload::Kind::Deferred, record.key.as_bytes(), &record.payload);
    let sound = opened.filter(|waiting| {
        waiting.client == record.client
            && waiting.expires_at == record.expires_at
            && waiting.retain_until == record.retain_until
            && waiting.subject_key(cx) == record.subject
    });
    if sound.is_none() {
        cx.emit(&cx.event(EventKind::PayloadUnreadable).with_client(&record.client));
    }
    sound
}
