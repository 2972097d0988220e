//! Telling clients that a session has ended (OpenID Connect Back-Channel Logout 1.0 section 2).
//!
//! Nobody waits for it: each client is told by a task of its own, with a bound on each try and on their number, so
//! that neither the person nor other clients notice one that does not answer (attack 244).

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;

use super::request;
use crate::client::{Client, FetchError, FetchErrorKind, Fetcher, IdTokenAlg};
use crate::error::{Reason, Result};
use crate::event::{Endpoint, EventKind};
use crate::jose::{self, SigningAlg, SigningHeader};
use crate::provider::context::{Arrival, Context};
use crate::provider::core::Core;
use crate::provider::encryption::{self, Answer};
use crate::provider::subject;
use crate::runtime::{Place, Places, Runtime};
use crate::secret;
use crate::types::{ClientId, FetchUrl, Params, SessionId, Subject};
use crate::wire::HttpClient;

/// What every logout token says has happened (section 2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// How long a logout token is good for: 2 minutes (section 2.4).
const LIFETIME: Duration = Duration::from_secs(120);

/// Waits between two tries; there is one try more than waits.
const PAUSES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];

/// Most clients that are being told at once; each try ends after 5 seconds.
const MAX_AT_ONCE: usize = 256;

/// Most clients that are to be told, over all sessions; who comes beyond that is not, and an event says so.
const MAX_QUEUED: usize = 10_000;

/// How long a client waits while as many are being told as may be, and how often.
const TURN: (Duration, u32) = (Duration::from_secs(1), 120);

/// Sends logout tokens in the background.
#[derive(Debug)]
pub(crate) struct BackChannel {
    fetcher: Fetcher,
    runtime: Arc<dyn Runtime>,
    queue: Places,
}

/// Who is told, and whose session it was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Notice {
    pub(super) client: ClientId,
    pub(super) session: SessionId,
    pub(super) subject: Subject,
}

/// What came of a try.
enum Try {
    Delivered,
    /// The client does not want to be told.
    Unwanted,
    Failed(FetchError),
}

impl BackChannel {
    pub(crate) fn new(http: Arc<dyn HttpClient>, runtime: Arc<dyn Runtime>) -> Self {
        let fetcher = Fetcher::new(http, Arc::clone(&runtime)).at_once(MAX_AT_ONCE);
        Self { fetcher, runtime, queue: Places::new(MAX_QUEUED) }
    }

    /// Posts a token (section 2.5); 200 and 204 mean that the session is over there (section 2.8).
    async fn post(&self, url: &FetchUrl, token: &str) -> Try {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, form)]);
        let body = Bytes::from(Params::from_pairs([("logout_token", token)]).encode());
        for _ in 0..TURN.1 {
            let posted = self.fetcher.post(url, headers.clone(), body.clone());
            match AssertUnwindSafe(posted).catch_unwind().await {
                Ok(Ok(StatusCode::OK | StatusCode::NO_CONTENT)) => return Try::Delivered,
                Ok(Ok(status)) if is_passing(status) => return failed(FetchErrorKind::Unreachable),
                Ok(Ok(_)) => return failed(FetchErrorKind::StatusUnexpected),
                Ok(Err(error)) if error.kind() == FetchErrorKind::Busy => self.runtime.sleep(TURN.0).await,
                Ok(Err(error)) => return Try::Failed(error),
                Err(_) => return failed(FetchErrorKind::Panicked),
            }
        }
        failed(FetchErrorKind::Busy)
    }
}

/// Lets each of `notices` be sent in the background.
pub(super) fn tell(core: &Arc<Core>, cx: &Context<'_>, notices: impl IntoIterator<Item = Notice>) {
    let Some(back_channel) = &core.back_channel else { return };
    for notice in notices {
        match back_channel.queue.take() {
            Some(place) => {
                back_channel.runtime.spawn(Box::pin(deliver(Arc::clone(core), notice, place)));
            }
            None => fail(cx, &notice, &FetchErrorKind::Busy.into()),
        }
    }
}

async fn deliver(core: Arc<Core>, notice: Notice, _place: Place) {
    let Some(back_channel) = &core.back_channel else { return };
    let mut pauses = PAUSES.into_iter();
    loop {
        let arrival = Arrival::at(Endpoint::EndSession, &core);
        let cx = arrival.context();
        let error = match attempt(&core, &cx, back_channel, &notice).await {
            Ok(Try::Unwanted) => return,
            Ok(Try::Delivered) => return report(&cx, &notice, EventKind::LogoutTokenDelivered),
            Ok(Try::Failed(error)) => error,
            // A store or a signer of ours: the host hears of it at every try.
            Err(error) => {
                cx.report(&error);
                FetchErrorKind::Abandoned.into()
            }
        };
        match pauses.next().filter(|_| may_pass(error.kind())) {
            Some(pause) => back_channel.runtime.sleep(pause).await,
            None => return fail(&cx, &notice, &error),
        }
    }
}

async fn attempt(core: &Core, cx: &Context<'_>, by: &BackChannel, notice: &Notice) -> Result<Try> {
    let Some(client) = request::known(core, cx, notice.client.as_str()).await? else {
        return Ok(Try::Unwanted);
    };
    let Some(url) = &client.metadata().backchannel_logout_uri else { return Ok(Try::Unwanted) };
    let token = mint(core, cx, &client, notice).await?;
    Ok(by.post(url, &token).await)
}

/// A logout token (section 2.4): what the ID tokens of the session say of person and session, and never a
/// `nonce`. It is encrypted where they are, since a client may refuse it otherwise (section 2.6).
async fn mint(core: &Core, cx: &Context<'_>, client: &Client, notice: &Notice) -> Result<String> {
    let alg = match client.metadata().id_token_signed_response_alg {
        IdTokenAlg::Signed(alg) => alg,
        // A logout token is signed in any case (section 2.6).
        IdTokenAlg::DangerousNone => SigningAlg::Rs256,
    };
    let signer = core.keyring.signer(alg).ok_or(Reason::IdTokenAlgUnavailable)?;
    let claims = json!({
        "iss": cx.issuer(),
        "aud": client.id().as_str(),
        "iat": cx.now.unix(),
        "exp": cx.now.plus(LIFETIME).unix(),
        "jti": secret::generate(cx.entropy, 256)?.expose(),
        "sub": subject::of_person(cx, client, &notice.subject),
        "sid": subject::sid(cx, client.id(), &notice.session),
        "events": { EVENT: {} },
    });
    let header = SigningHeader::typed("logout+jwt");
    let signed = jose::sign(&header, claims.to_string().as_bytes(), &*signer).await?;
    let encrypter = core.recipients().encrypter(cx, client, Answer::IdToken).await?;
    encryption::nested(cx, encrypter.as_ref(), signed)
}

fn report(cx: &Context<'_>, notice: &Notice, kind: EventKind) {
    cx.emit(&cx.event(kind).with_client(&notice.client).with_subject(&notice.subject));
}

fn fail(cx: &Context<'_>, notice: &Notice, error: &FetchError) {
    let event = cx.event(EventKind::LogoutTokenFailed(error.kind()));
    cx.emit_caused(&event.with_client(&notice.client).with_subject(&notice.subject), error);
}

/// Whether a server that answers so may do better soon.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

/// Whether what went wrong may go right at another time.
const fn may_pass(kind: FetchErrorKind) -> bool {
    matches!(kind, FetchErrorKind::Abandoned | FetchErrorKind::TimedOut | FetchErrorKind::Unreachable)
}

fn failed(kind: FetchErrorKind) -> Try {
    Try::Failed(kind.into())
}
