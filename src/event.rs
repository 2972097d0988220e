//! What happened, for audit logs and metrics.

use std::error::Error;
use std::fmt::Debug;
use std::time::Duration;

use http::StatusCode;

use crate::client::{FetchErrorKind, KeyNews};
use crate::clock::Timestamp;
use crate::error::Reason;
use crate::types::{ClientId, GrantId, GrantType, Subject};

/// The endpoint at which something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// None: a method that the host called.
    Administration,
    /// The authorization endpoint and what the host does for it.
    Authorization,
    /// Backchannel authentication (CIBA), and what the host does for it.
    BackchannelAuthentication,
    /// The page by which clients watch the login state of a browser.
    CheckSession,
    /// Device authorization (RFC 8628 section 3.1).
    DeviceAuthorization,
    /// The page where a person types the code of a device, and what the host does for it.
    DeviceVerification,
    /// Discovery.
    Discovery,
    /// The logout endpoint, and what ends sessions.
    EndSession,
    /// Introspection.
    Introspection,
    /// The key set.
    Jwks,
    /// What is behind a resource server's own check of access tokens.
    ProtectedResource,
    /// Pushed authorization requests.
    PushedAuthorization,
    /// Dynamic registration, and the management of what registered.
    Registration,
    /// The metadata of a protected resource.
    ResourceMetadata,
    /// Revocation.
    Revocation,
    /// The token endpoint.
    Token,
    /// A path that is none of the provider's.
    Unknown,
    /// Userinfo.
    Userinfo,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// A person's approval became a grant and a response.
    Approved,
    /// A request waits for its person, who answers elsewhere.
    RequestDeferred,
    /// An authorization request was pushed and waits.
    RequestPushed,
    /// A client was told that a request of its has been answered, or got its tokens so.
    ClientNotified,
    /// A client could not be told that a request of its has been answered; if tokens came of that, it still can ask.
    ClientNotificationFailed(FetchErrorKind),
    /// A registered client was removed, and its grants were revoked.
    ClientDeleted,
    /// There is no client at the URL that is named as a `client_id`, for this reason. Whoever named it is told of an unknown
    /// client.
    ClientDocumentRefused(Reason),
    /// The keys at a `jwks_uri` were fetched: a client's, or those of somebody whose statements,
    /// assertions or access tokens are believed.
    ClientKeysFetched {
        /// How many keys can be used.
        keys: usize,
        /// How many were skipped: malformed, unsound, or of a kind that is not known.
        skipped: usize,
        /// How many of these had private or symmetric members: if any, the client publishes secrets. An alarm.
        exposed: usize,
    },
    /// The keys at a `jwks_uri` could not be fetched, for the reason that its request would be refused for;
    /// the last good ones serve for up to 24 hours.
    ClientKeysFetchFailed(Reason),
    /// A client registered.
    ClientRegistered,
    /// A registered client replaced what it registered, or the host what it decided for it.
    ClientUpdated,
    /// A grant whose refresh token is used was written later than now: the clock of the node that wrote it is ahead of this
    /// one's, or this one was set back, by more than nodes may differ, which is 120 seconds. What was asked is decided as ever,
    /// by the clock of this node. An alarm.
    ClockSkew {
        /// By how much at least, in whole seconds.
        ahead: Duration,
    },
    /// The page after a logout has no frame of a client that registered one: its origin is one that no policy can name, as
    /// that of an address literal, or the page is full.
    FrontChannelLogoutSkipped,
    /// A token was introspected and found active.
    Introspected,
    /// A client was told by a logout token that a session has ended, and has answered so.
    LogoutTokenDelivered,
    /// A client could not be told that a session has ended, and is not any more.
    LogoutTokenFailed(FetchErrorKind),
    /// A stored payload did not open: tampering, or a secret that was removed too early. An alarm.
    PayloadUnreadable,
    /// Payloads that an old system secret had sealed were moved to the one that writes now.
    PayloadsResealed {
        /// How many.
        moved: u64,
        /// How many did not open and were left as they are: tampering, rows of another issuer, or of a newer release. If
        /// any, an alarm.
        unreadable: u64,
    },
    /// An approved request has a `code_challenge` that another request of its client had within 24 hours: perhaps its
    /// verifier is a constant. Only where `Config::code_challenge_reuse` reports it.
    PkceChallengeReused,
    /// A refresh token's retry was answered: tokens were issued once more, beside the same refresh token.
    RefreshRetried,
    /// The request was refused.
    Refused(Reason),
    /// A grant, several grants, or one token of a grant were revoked.
    Revoked,
    /// A login session was ended: those of its grants that do not outlast it are revoked.
    SessionEnded,
    /// A person was signed out of a session for which the host has no name: no grant was revoked and no client told,
    /// since nothing says which are of the session. What is to end must be ended by the host.
    SessionUnnamed,
    /// Tokens were issued.
    TokensIssued {
        /// By which grant type.
        grant_type: GrantType,
    },
    /// Tokens were pushed, and did not arrive, or nobody said so: their grant is revoked next.
    TokensUndelivered(FetchErrorKind),
}

impl From<KeyNews> for EventKind {
    fn from(news: KeyNews) -> Self {
        match news {
            KeyNews::Failed(error) => Self::ClientKeysFetchFailed(error.kind().of_client_keys()),
            KeyNews::Fetched { keys, skipped, exposed } => Self::ClientKeysFetched { keys, skipped, exposed },
        }
    }
}

/// One thing that happened. It carries no secret and no personal data but the subject's name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// Where.
    pub endpoint: Endpoint,
    /// What.
    pub kind: EventKind,
    /// Which client, once it is known; it has authenticated unless the event says otherwise.
    pub client: Option<ClientId>,
    /// Whose grant.
    pub subject: Option<Subject>,
    /// Which grant.
    pub grant: Option<GrantId>,
}

impl Event {
    /// `kind` happened at `endpoint`.
    #[must_use]
    pub const fn new(at: Timestamp, endpoint: Endpoint, kind: EventKind) -> Self {
        Self { at, endpoint, kind, client: None, subject: None, grant: None }
    }

    /// The client it concerns.
    #[must_use]
    pub fn with_client(mut self, client: &ClientId) -> Self {
        self.client = Some(client.clone());
        self
    }

    /// The subject it concerns.
    #[must_use]
    pub fn with_subject(mut self, subject: &Subject) -> Self {
        self.subject = Some(subject.clone());
        self
    }

    /// The grant it concerns.
    #[must_use]
    pub const fn with_grant(mut self, grant: GrantId) -> Self {
        self.grant = Some(grant);
        self
    }
}

/// Receives events. It is called inline, so it must be quick and must not fail; what is slow belongs behind a queue.
pub trait EventSink: Debug + Send + Sync {
    /// Takes note of an event.
    fn emit(&self, event: &Event);

    /// Takes note of what was behind a refusal, right after its event: a store, a signer, a hook that failed, or
    /// what a parser said. It is for those who run the provider; a client never sees it. Default: nothing.
    fn cause(&self, _event: &Event, _cause: &(dyn Error + 'static)) {}

    /// What is to surround the work on a request that arrives at `endpoint`: a span of a trace. Default: nothing.
    ///
    /// It is asked once for each request to an endpoint, not for what the host's own pages call. Events of the request
    /// are emitted inside of the scope. A sink that hands events on to several must hand this on to one of them.
    fn scope(&self, _endpoint: Endpoint) -> Option<Box<dyn RequestScope>> {
        None
    }
}

/// Surrounds the work on one request. It is dropped when the request is answered, or given up.
pub trait RequestScope: Debug + Send + Sync {
    /// Does one step of the work: enters, calls `step` once, and leaves.
    ///
    /// A request that waits is between two steps. The next may come on another thread, after steps of other requests.
    fn within(&self, step: &mut dyn FnMut());

    /// Takes note of the status of the answer. It is not called where the host still has to answer.
    fn answered(&self, status: StatusCode);
}

/// Drops every event.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl EventSink for Silent {
    fn emit(&self, _: &Event) {}
}

const _: fn(&dyn EventSink, &dyn RequestScope) = |_, _| ();
