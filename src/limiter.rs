//! Admission: where a host bounds how often something may be tried.

mod window;

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Timestamp;

pub use window::{Allowance, WindowLimiter};

/// Where admission is asked for.
///
/// # Security
/// A client is what it says it is until it has proved that, and a public client proves nothing. Strangers who send the
/// `client_id` of a public client can use up what it may do at every point that counts by `client_id`, but for
/// [`BackchannelAuthentication`](Self::BackchannelAuthentication) and [`Introspection`](Self::Introspection), which take no
/// public clients, and [`Registration`](Self::Registration), where
/// each proves itself by a token; and that of any client at those that count before it has authenticated:
/// [`Authorization`](Self::Authorization), [`ClientAuthentication`](Self::ClientAuthentication) and
/// [`RequestUri`](Self::RequestUri). Limits for these are to be as wide as the provider can bear, and what tells strangers
/// apart, such as their address, is for whoever stands before it to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LimitPoint {
    /// Before an authorization request too large for the browser is written to the store, when nobody may have signed
    /// in yet; the key is the `client_id`.
    Authorization,
    /// Before a person is asked on behalf of a client that is not in their browser; the key is the authenticated
    /// `client_id`.
    BackchannelAuthentication,
    /// Before a person is asked on behalf of a client that is not in their browser, once it is known who they are: the key
    /// stands for the person and the client together, and does not tell who the person is. Requests count that were
    /// answered, or that nobody answered, as well as those that wait.
    BackchannelPerson,
    /// Before a client's credentials are checked; the key is the `client_id` as sent, by whomever, and of no client
    /// perhaps. A limit keeps secrets from being guessed, and lets strangers keep a client out.
    ClientAuthentication,
    /// Before the metadata of a client are fetched that is named by the URL of them, whoever names it, and before they are
    /// fetched again; the key is the host of the URL, in lower case and without the port. Who is refused is a client
    /// that is not known, or known as it was.
    ClientDocument,
    /// Before a device gets a code; the key is the `client_id`, which has authenticated unless the client is public.
    DeviceAuthorization,
    /// Before a token is introspected; the key is the authenticated `client_id`.
    Introspection,
    /// Before a pushed authorization request is read and kept; the key is the `client_id`, which has authenticated unless
    /// the client is public.
    PushedAuthorization,
    /// Before a client registers: the key is the base64url of the SHA-256 of its initial access token, which is one that
    /// was minted here, though it may be used up; or empty where registration is open, since nobody is known yet. And
    /// before a registration is given or changed, when it is the `client_id` of whoever proved, by a registration access
    /// token, to be that client.
    Registration,
    /// Before a request object is fetched from a client's `request_uri`, whoever sends the request; the key is the
    /// `client_id`, which has not authenticated unless the request is pushed.
    RequestUri,
    /// Before a grant is redeemed; the key is the `client_id`, which has authenticated unless the client is public.
    Token,
    /// Before the code of a device is looked up that a person typed: asked for the person, for each key that the host counts
    /// by, and last for all together, when the key is empty.
    UserCode,
}

/// Whether a request may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Admission {
    /// It may.
    Admitted,
    /// It may not: 429 with `Retry-After`.
    Refused {
        /// After how long to try again.
        retry_after: Duration,
    },
}

/// Decides who is admitted. A provider without one admits everyone.
#[async_trait]
pub trait Limiter: Debug + Send + Sync {
    /// Whether `key` is admitted at `point`; counting is the implementation's.
    async fn admit(&self, point: LimitPoint, key: &str, now: Timestamp) -> Admission;

    /// Whether it bounds anything at `point`. A provider is not built where a point needs a bound that is said to have none.
    /// Default: it does.
    fn bounds(&self, _point: LimitPoint) -> bool {
        true
    }
}

const _: fn(&dyn Limiter) = |_| ();
