//! Telling a client that a person has answered (CIBA Core section 10.2).
//!
//! Nobody waits for it: a task of its own tells the client, which can ask in any case.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;

use crate::client::{Client, FetchError, FetchErrorKind, Fetcher};
use crate::event::{Endpoint, EventKind};
use crate::provider::context::{Arrival, Context};
use crate::provider::core::Core;
use crate::runtime::{Place, Places, Runtime};
use crate::secret::Secret;
use crate::types::{ClientId, FetchUrl};
use crate::wire::HttpClient;

/// Waits between two tries; there is one try more than waits.
const PAUSES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];

/// Most clients that are being told at once; each try ends after 5 seconds.
const MAX_AT_ONCE: usize = 64;

/// Most clients that are to be told; who comes beyond that is not, and an event says so.
const MAX_QUEUED: usize = 10_000;

/// Tells clients in the background.
#[derive(Debug)]
pub(in crate::provider) struct Pinger {
    fetcher: Fetcher,
    runtime: Arc<dyn Runtime>,
    queue: Places,
}

/// One client that is to be told. Its token is a secret.
struct Notice {
    client: ClientId,
    url: FetchUrl,
    token: Secret,
    auth_req_id: Secret,
}

impl Pinger {
    pub(in crate::provider) fn new(http: Arc<dyn HttpClient>, runtime: Arc<dyn Runtime>) -> Self {
        let fetcher = Fetcher::new(http, Arc::clone(&runtime)).at_once(MAX_AT_ONCE);
        Self { fetcher, runtime, queue: Places::new(MAX_QUEUED) }
    }

    /// One try. What the client says to it does not matter, but for whether another could be worth it: none after a
    /// redirect, which is not followed, nor after a 401.
    async fn post(&self, notice: &Notice) -> Result<(), FetchError> {
        let Ok(mut bearer) = HeaderValue::try_from(format!("Bearer {}", notice.token.expose())) else {
            return Err(FetchErrorKind::Malformed.into());
        };
        bearer.set_sensitive(true);
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, json), (AUTHORIZATION, bearer)]);
        let body = Bytes::from(json!({ "auth_req_id": notice.auth_req_id.expose() }).to_string());
        match AssertUnwindSafe(self.fetcher.post(&notice.url, headers, body)).catch_unwind().await {
            Ok(Ok(status)) if status.is_success() => Ok(()),
            Ok(Ok(status)) if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                Err(FetchErrorKind::Unreachable.into())
            }
            Ok(Ok(_)) => Err(FetchErrorKind::StatusUnexpected.into()),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(FetchErrorKind::Panicked.into()),
        }
    }
}

/// Lets `client` be told in the background, if it wants to.
pub(super) fn tell(
    core: &Arc<Core>,
    cx: &Context<'_>,
    client: &Client,
    (token, auth_req_id): (Option<&String>, &Secret),
) {
    let pinger = core.backchannel.as_ref().and_then(|settings| settings.pinger.as_ref());
    let url = client.metadata().backchannel_client_notification_endpoint.as_ref();
    let (Some(pinger), Some(url), Some(token)) = (pinger, url, token) else { return };
    let notice = Notice {
        client: client.id().clone(),
        url: url.clone(),
        token: Secret::new(token),
        auth_req_id: auth_req_id.clone(),
    };
    match pinger.queue.take() {
        Some(place) => {
            pinger.runtime.spawn(Box::pin(deliver(Arc::clone(core), Arc::clone(pinger), notice, place)))
        }
        None => fail(cx, &notice.client, &FetchErrorKind::Busy.into()),
    }
}

async fn deliver(core: Arc<Core>, pinger: Arc<Pinger>, notice: Notice, _place: Place) {
    let mut pauses = PAUSES.into_iter();
    loop {
        let outcome = pinger.post(&notice).await;
        let arrival = Arrival::at(Endpoint::BackchannelAuthentication, &core);
        let cx = arrival.context();
        let Err(error) = outcome else {
            return cx.emit(&cx.event(EventKind::ClientNotified).with_client(&notice.client));
        };
        match pauses.next().filter(|_| error.kind().may_pass()) {
            Some(pause) => pinger.runtime.sleep(pause).await,
            None => return fail(&cx, &notice.client, &error),
        }
    }
}

fn fail(cx: &Context<'_>, client: &ClientId, error: &FetchError) {
    let event = cx.event(EventKind::ClientNotificationFailed(error.kind()));
    cx.emit_caused(&event.with_client(client), error);
}
