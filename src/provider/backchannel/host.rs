//! The host's part: it knows whom a hint names, and asks them on a device of theirs.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::notice::Notifier;
use crate::client::{Client, TokenDeliveryMode};
use crate::clock::Timestamp;
use crate::error::{BoxError, Reason};
use crate::secret::Secret;
use crate::store::WaitingLimit;
use crate::types::{Scope, Subject};

/// Whom a client asks for.
#[derive(Clone)]
#[non_exhaustive]
pub enum BackchannelHint {
    /// Somebody whom it knows by an ID token of ours (`id_token_hint`).
    Known(Subject),
    /// What it believes them to be called (`login_hint`), up to 2048 bytes. Not checked in any way.
    Login(String),
    /// A token that host and client have agreed on (`login_hint_token`), up to 8192 bytes. Not checked in any way.
    LoginToken(Secret),
}

/// A request as the host is asked about it, before anybody is bothered.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct BackchannelRequest<'a> {
    /// Who asks.
    pub client: &'a Client,
    /// For whom.
    pub hint: &'a BackchannelHint,
    /// What for.
    pub scope: &'a Scope,
    /// What is shown on both devices, for the person to compare: up to 100 plain characters.
    pub binding_message: Option<&'a str>,
    /// The code that only the person knows; only of clients that registered `backchannel_user_code_parameter`.
    pub user_code: Option<&'a Secret>,
    /// The authentication context classes asked for, the most preferred first.
    pub acr_values: &'a [String],
}

/// Whom a hint names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hinted {
    /// This person, who may be asked.
    Person(Subject),
    /// Nobody, or nobody who can be asked.
    Nobody,
    /// The `login_hint_token` was good once.
    HintExpired,
    /// The person has a `user_code`, which is missing.
    UserCodeMissing,
    /// The `user_code` is wrong.
    UserCodeWrong,
    /// The `binding_message` cannot be shown to the person.
    BindingMessageRefused,
    /// The host does not ask this person for this client.
    Denied,
}

impl Hinted {
    pub(super) fn person(self) -> Result<Subject, Reason> {
        Err(match self {
            Self::Person(subject) => return Ok(subject),
            Self::Nobody => Reason::BackchannelUserUnknown,
            Self::HintExpired => Reason::BackchannelHintExpired,
            Self::UserCodeMissing => Reason::BackchannelUserCodeMissing,
            Self::UserCodeWrong => Reason::BackchannelUserCodeWrong,
            Self::BindingMessageRefused => Reason::BackchannelMessageRefused,
            Self::Denied => Reason::BackchannelDenied,
        })
    }
}

/// A request that waits for a person whom the host asks.
#[derive(Clone)]
#[non_exhaustive]
pub struct PendingBackchannel {
    /// Its name, for [`Provider::complete_backchannel`](crate::provider::Provider::complete_backchannel). Whoever has it and
    /// is the client gets the tokens: it is a secret.
    pub auth_req_id: Secret,
    /// Who asks: its name, logo, policy and terms, to be shown. All of it is the client's own word.
    pub client: Client,
    /// Who is asked.
    pub subject: Subject,
    /// What for, to be shown.
    pub scope: Scope,
    /// The resources asked for (RFC 8707), to be shown.
    pub resources: Vec<String>,
    /// What is shown on both devices, for the person to compare.
    pub binding_message: Option<String>,
    /// The authentication context classes asked for, the most preferred first.
    pub acr_values: Vec<String>,
    /// From this moment on an answer does not count any more.
    pub expires_at: Timestamp,
}

/// What a host does for clients that ask for people who are not in their browser.
///
/// # Security
/// Clients choose whom they bother. How many requests wait for one person is bounded
/// ([`Backchannel::with_waiting_limit`]), and so is how often a client asks for one, answered or not, by the limiter
/// ([`LimitPoint::BackchannelPerson`](crate::limiter::LimitPoint::BackchannelPerson)); beyond that the host may be sparing in
/// [`resolve`](Self::resolve). The person must be shown which client asks for what, and the `binding_message`, and must be able to say no (CIBA Core section 14).
#[async_trait]
pub trait BackchannelAuthentication: fmt::Debug + Send + Sync {
    /// Whom the hint names, and whether they may be asked. Nobody is asked yet.
    ///
    /// # Security
    /// A `user_code` is short enough to be guessed, and nobody else counts the guesses: an implementation that takes codes must
    /// count the wrong ones of each person, and answer [`Hinted::Denied`] once there are too many.
    ///
    /// # Errors
    /// Any error fails the request with 503.
    async fn resolve(&self, request: &BackchannelRequest<'_>) -> Result<Hinted, BoxError>;

    /// Begins to ask the person, and does not wait for the answer: that goes to
    /// [`Provider::complete_backchannel`](crate::provider::Provider::complete_backchannel), once.
    ///
    /// # Errors
    /// Any error fails the request with 503, and it waits no more.
    async fn begin(&self, pending: &PendingBackchannel) -> Result<(), BoxError>;
}

const _: fn(&dyn BackchannelAuthentication) = |_| ();

/// Backchannel authentication as it is turned on.
#[derive(Clone, Debug)]
#[must_use]
pub struct Backchannel {
    pub(super) host: Arc<dyn BackchannelAuthentication>,
    pub(super) plain: bool,
    pub(super) limit: WaitingLimit,
    pub(super) notifier: Option<Arc<Notifier>>,
    pub(super) push: bool,
}

impl Backchannel {
    /// As the careful defaults have it: requests are signed, and of those that wait for one person there are at most one of
    /// each client and five in all.
    pub fn new(host: Arc<dyn BackchannelAuthentication>) -> Self {
        Self {
            host,
            plain: false,
            limit: WaitingLimit { of_client: 1, of_all: 5 },
            notifier: None,
            push: false,
        }
    }

    /// Takes requests that are not signed too, from clients that registered no algorithm to sign them by.
    pub const fn with_plain_requests(mut self) -> Self {
        self.plain = true;
        self
    }

    /// How many requests may wait for one person at once.
    pub const fn with_waiting_limit(mut self, limit: WaitingLimit) -> Self {
        self.limit = limit;
        self
    }

    /// Whether requests may be unsigned.
    pub(in crate::provider) const fn takes_plain_requests(&self) -> bool {
        self.plain
    }

    /// Pushes tokens to clients that registered for that (CIBA Core section 10.3). It needs an
    /// [`HttpClient`](crate::wire::HttpClient) and a [`Runtime`](crate::runtime::Runtime). Default off.
    ///
    /// Tokens then go to an address, where otherwise they go to whoever authenticates. Up to three tries are made to deliver
    /// them, with 5 and 30 seconds between two: another one after a 429, a 5xx or no answer in 5 seconds, none after a
    /// redirect, a 401 or any other status. Tokens that no try delivered are revoked, and
    /// [`TokensUndelivered`](crate::event::EventKind::TokensUndelivered) says so; the client has to ask for the person again.
    /// So it is, but for the event, when the process ends in between: nobody has the tokens then.
    pub const fn with_push(mut self) -> Self {
        self.push = true;
        self
    }

    pub(in crate::provider) fn notifying(mut self, notifier: Notifier) -> Self {
        self.notifier = Some(Arc::new(notifier));
        self
    }

    /// Whether tokens are to be pushed.
    pub(in crate::provider) const fn pushes(&self) -> bool {
        self.push
    }

    /// How clients can get their tokens.
    pub(in crate::provider) const fn modes(&self) -> &'static [TokenDeliveryMode] {
        match (self.notifier.is_some(), self.push) {
            (false, _) => &[TokenDeliveryMode::Poll],
            (true, false) => &[TokenDeliveryMode::Poll, TokenDeliveryMode::Ping],
            (true, true) => &[TokenDeliveryMode::Poll, TokenDeliveryMode::Ping, TokenDeliveryMode::Push],
        }
    }

    /// Whether clients can get their tokens by this mode.
    pub(in crate::provider) fn delivers(&self, mode: TokenDeliveryMode) -> bool {
        self.modes().contains(&mode)
    }
}

/// Leaves out whom it names.
impl fmt::Debug for BackchannelHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Known(_) => "Known(..)",
            Self::Login(_) => "Login(..)",
            Self::LoginToken(_) => "LoginToken(..)",
        })
    }
}

/// Leaves out the code of the person.
impl fmt::Debug for BackchannelRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackchannelRequest")
            .field("client", self.client.id())
            .field("hint", self.hint)
            .field("scope", self.scope)
            .finish_non_exhaustive()
    }
}

/// Leaves out the message.
impl fmt::Debug for PendingBackchannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingBackchannel")
            .field("client", self.client.id())
            .field("scope", &self.scope)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
