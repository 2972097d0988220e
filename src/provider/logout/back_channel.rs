//! Telling clients that a session has ended (OpenID Connect Back-Channel Logout 1.0 section 2).
//!
//! Nobody waits for it: clients are told in the background, with a bound on each try and on their number, for each
//! client and over all, so that neither the person nor other clients notice one that does not answer (attack 244).

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;

use super::lines::{Bounds, Lines, Seat, Turn};
use super::request;
use crate::client::{Client, FetchError, FetchErrorKind, Fetcher, IdTokenAlg};
use crate::error::{Reason, Result};
use crate::event::{Endpoint, EventKind};
use crate::jose::{self, SigningAlg, SigningHeader};
use crate::provider::context::{Arrival, Context};
use crate::provider::core::Core;
use crate::provider::encryption::{self, Answer};
use crate::provider::subject;
use crate::runtime::Runtime;
use crate::secret;
use crate::types::{ClientId, FetchUrl, Params, SessionId, Subject};
use crate::wire::HttpClient;

/// What every logout token says has happened (section 2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// How long a logout token is good for: 2 minutes (section 2.4).
const LIFETIME: Duration = Duration::from_secs(120);

/// Waits between two tries; there is one try more than waits.
static PAUSES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];

/// What is under way: 10 000 notices of which 256 are being sent, 8 to one client. Each try ends after 5 seconds.
const BOUNDS: Bounds = Bounds { seats: 10_000, turns: 256, turns_of_client: 8 };

/// How long a notice waits for its turn: 10 minutes. Who could not be told in that time is not, and an event says so.
const PATIENCE: Duration = Duration::from_secs(600);

/// Sends logout tokens in the background.
#[derive(Debug)]
pub(crate) struct BackChannel {
    fetcher: Fetcher,
    runtime: Arc<dyn Runtime>,
    lines: Lines<Waiting>,
}

/// A notice that waits for its turn, or for its next one.
struct Waiting {
    notice: Notice,
    _seat: Seat<Self>,
    /// Until when it waits, by the runtime's clock.
    until: Duration,
    pauses: std::slice::Iter<'static, Duration>,
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
        let fetcher = Fetcher::new(http, Arc::clone(&runtime)).at_once(BOUNDS.turns);
        Self { fetcher, runtime, lines: Lines::new(BOUNDS) }
    }

    /// Posts a token (section 2.5); 200 and 204 mean that the session is over there (section 2.8).
    async fn post(&self, url: &FetchUrl, token: &str) -> Try {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, form)]);
        let body = Bytes::from(Params::from_pairs([("logout_token", token)]).encode());
        match self.fetcher.post(url, headers, body).await {
            Ok(StatusCode::OK | StatusCode::NO_CONTENT) => Try::Delivered,
            Ok(status) if is_passing(status) => failed(FetchErrorKind::Unreachable),
            Ok(_) => failed(FetchErrorKind::StatusUnexpected),
            Err(error) => Try::Failed(error),
        }
    }
}

/// Lets each of `notices` be sent in the background. One for which there is no seat is not, and an event says so.
pub(super) fn tell(core: &Arc<Core>, cx: &Context<'_>, notices: impl IntoIterator<Item = Notice>) {
    let Some(back_channel) = &core.back_channel else { return };
    let until = back_channel.runtime.elapsed() + PATIENCE;
    for notice in notices {
        let client = notice.client.clone();
        match back_channel.lines.admit(&client) {
            Some(_seat) => {
                back_channel.lines.stand(&client, Waiting { notice, _seat, until, pauses: PAUSES.iter() });
            }
            None => fail(cx, &notice, &FetchErrorKind::Busy.into()),
        }
    }
    go_on(core);
}

/// Begins what has its turn.
fn go_on(core: &Arc<Core>) {
    let Some(back_channel) = &core.back_channel else { return };
    while let Some((waiting, turn)) = back_channel.lines.take_turn() {
        back_channel.runtime.spawn(Box::pin(serve(Arc::clone(core), waiting, turn)));
    }
}

/// Has one try, lets others have theirs, and stands in line again if another try may help.
async fn serve(core: Arc<Core>, mut waiting: Waiting, turn: Turn<Waiting>) {
    let Some(back_channel) = &core.back_channel else { return };
    let pause = deliver(&core, back_channel, &mut waiting).await;
    drop(turn);
    go_on(&core);
    let Some(pause) = pause else { return };
    back_channel.runtime.sleep(pause).await;
    let client = waiting.notice.client.clone();
    back_channel.lines.stand(&client, waiting);
    go_on(&core);
}

/// Tries to deliver a notice, and says after which pause to try again. The token is made now, so that it is fresh
/// however long its notice has waited.
async fn deliver(core: &Core, by: &BackChannel, waiting: &mut Waiting) -> Option<Duration> {
    let arrival = Arrival::at(Endpoint::EndSession, core);
    let (cx, notice) = (arrival.context(), &waiting.notice);
    if by.runtime.elapsed() > waiting.until {
        fail(&cx, notice, &FetchErrorKind::Busy.into());
        return None;
    }
    let attempt = AssertUnwindSafe(attempt(core, &cx, by, notice)).catch_unwind().await;
    let error = match attempt.unwrap_or_else(|_| Ok(failed(FetchErrorKind::Panicked))) {
        Ok(Try::Unwanted) => return None,
        Ok(Try::Delivered) => {
            report(&cx, notice, EventKind::LogoutTokenDelivered);
            return None;
        }
        Ok(Try::Failed(error)) => error,
        // A store or a signer of ours: the host hears of it at every try.
        Err(error) => {
            cx.report(&error);
            FetchErrorKind::Abandoned.into()
        }
    };
    let pause = waiting.pauses.next().filter(|_| error.kind().may_pass());
    if pause.is_none() {
        fail(&cx, notice, &error);
    }
    pause.copied()
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

fn failed(kind: FetchErrorKind) -> Try {
    Try::Failed(kind.into())
}
