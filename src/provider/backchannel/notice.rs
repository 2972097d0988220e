//! Telling a client what a person has answered (CIBA Core sections 10.2, 10.3 and 12): by a ping, whereupon it asks, or by a
//! push, which is all that it gets.
//!
//! Nobody waits for it: a task of its own tells the client.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::push::{self, Approved};
use crate::client::{Client, FetchError, FetchErrorKind, Fetcher};
use crate::error::Reason;
use crate::event::{Endpoint, EventKind};
use crate::provider::context::{Arrival, Context};
use crate::provider::core::Core;
use crate::runtime::{Place, Places, Runtime, Shares};
use crate::secret::Secret;
use crate::store::Filter;
use crate::types::{ClientId, FetchUrl, GrantId};
use crate::wire::HttpClient;

/// Waits between two tries; there is one try more than waits.
const PAUSES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];

/// Most tries at once, over all clients and for each; each ends after 5 seconds.
const MAX_AT_ONCE: usize = 64;
const MAX_OF_CLIENT: usize = 8;

/// Most clients that are to be told; who comes beyond that is not, and an event says so.
const MAX_QUEUED: usize = 10_000;

/// Tells clients in the background.
#[derive(Debug)]
pub(in crate::provider) struct Notifier {
    fetcher: Fetcher,
    pub(super) runtime: Arc<dyn Runtime>,
    queue: Places,
    /// What is under way to each client: one that does not answer keeps no other from being told.
    shares: Shares<ClientId>,
    /// Clients that are told when a request of theirs is over.
    pub(super) expiring: Places,
}

/// A client that is to be told, for whom there is a place. Its token is a secret.
pub(super) struct Addressee {
    client: Client,
    url: FetchUrl,
    token: Secret,
    auth_req_id: Secret,
    notifier: Arc<Notifier>,
    _place: Place,
}

/// What a client is told.
pub(super) enum Message {
    /// That there is an answer (section 10.2).
    Ping,
    /// That there will be no tokens (section 12).
    Refusal(Reason),
    /// Its tokens, which are still to be made (section 10.3.1).
    Tokens(Approved),
}

/// What is posted, which is a secret.
struct Parcel {
    body: Secret,
    /// The grant of the tokens in it.
    grant: Option<GrantId>,
}

impl Notifier {
    pub(in crate::provider) fn new(http: Arc<dyn HttpClient>, runtime: Arc<dyn Runtime>) -> Self {
        let fetcher = Fetcher::new(http, Arc::clone(&runtime)).at_once(MAX_AT_ONCE);
        let [queue, expiring] = [Places::new(MAX_QUEUED), Places::new(MAX_QUEUED)];
        Self { fetcher, runtime, queue, shares: Shares::new(MAX_OF_CLIENT), expiring }
    }
}

impl Addressee {
    /// `client`, if it can be told about a request that named `token`.
    ///
    /// # Errors
    /// [`FetchErrorKind::Busy`] when as many clients as may be are to be told already.
    pub(super) fn of(
        core: &Core,
        client: &Client,
        (token, auth_req_id): (Option<&String>, &Secret),
    ) -> Result<Option<Self>, FetchErrorKind> {
        let notifier = core.backchannel.as_ref().and_then(|settings| settings.notifier.as_ref());
        let url = client.metadata().backchannel_client_notification_endpoint.as_ref();
        let (Some(notifier), Some(url), Some(token)) = (notifier, url, token) else { return Ok(None) };
        Ok(Some(Self {
            client: client.clone(),
            url: url.clone(),
            token: Secret::new(token),
            auth_req_id: auth_req_id.clone(),
            notifier: Arc::clone(notifier),
            _place: notifier.queue.take().ok_or(FetchErrorKind::Busy)?,
        }))
    }

    /// Lets the client be told in the background.
    pub(super) fn tell(self, core: &Arc<Core>, message: Message) {
        let runtime = Arc::clone(&self.notifier.runtime);
        runtime.spawn(Box::pin(deliver(Arc::clone(core), self, message)));
    }

    /// Posts until it has arrived, or another try is not worth it.
    async fn send(&self, parcel: &Parcel) -> Result<(), FetchError> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let Err(error) = self.post(parcel).await else { return Ok(()) };
            match pauses.next().filter(|_| error.kind().may_pass()) {
                Some(pause) => self.notifier.runtime.sleep(pause).await,
                None => return Err(error),
            }
        }
    }

    /// One try. What the client says to it does not matter, but for whether another could be worth it: none after a
    /// redirect, which is not followed, nor after a 401.
    async fn post(&self, parcel: &Parcel) -> Result<(), FetchError> {
        let Ok(mut bearer) = HeaderValue::try_from(format!("Bearer {}", self.token.expose())) else {
            return Err(FetchErrorKind::Malformed.into());
        };
        bearer.set_sensitive(true);
        let _share = self.notifier.shares.take(self.client.id()).ok_or(FetchErrorKind::Busy)?;
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, json), (AUTHORIZATION, bearer)]);
        let body = Bytes::from(parcel.body.expose().to_owned());
        let posted = self.notifier.fetcher.post(&self.url, headers, body);
        match AssertUnwindSafe(posted).catch_unwind().await {
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

impl Parcel {
    fn without_tokens(body: &Value) -> Self {
        Self { body: Secret::new(body.to_string()), grant: None }
    }

    fn refusal(auth_req_id: &Secret, reason: Reason) -> Self {
        let (code, description) = reason.wire();
        Self::without_tokens(&json!({
            "auth_req_id": auth_req_id.expose(),
            "error": code.as_str(),
            "error_description": description,
        }))
    }

    async fn of(core: &Core, to: &Addressee, message: Message) -> Self {
        match message {
            Message::Ping => Self::without_tokens(&json!({ "auth_req_id": to.auth_req_id.expose() })),
            Message::Refusal(reason) => Self::refusal(&to.auth_req_id, reason),
            Message::Tokens(approved) => {
                match push::tokens(core, &to.client, (&to.auth_req_id, &approved)).await {
                    Ok((body, grant)) => Self { body, grant: Some(grant) },
                    Err(reason) => Self::refusal(&to.auth_req_id, reason),
                }
            }
        }
    }
}

/// Tells a client, and says what came of it.
pub(super) async fn deliver(core: Arc<Core>, to: Addressee, message: Message) {
    let parcel = Parcel::of(&core, &to, message).await;
    let outcome = to.send(&parcel).await;
    let arrival = Arrival::at(Endpoint::BackchannelAuthentication, &core);
    let cx = arrival.context();
    cx.note_client(&to.client);
    match (outcome, parcel.grant) {
        (Ok(()), _) => cx.emit(&cx.event(EventKind::ClientNotified)),
        (Err(error), None) => fail(&cx, &error),
        (Err(error), Some(grant)) => withdraw(&core, &cx, &to, (grant, &error)).await,
    }
}

/// Says that a client, which was noted, was not told.
pub(super) fn fail(cx: &Context<'_>, error: &FetchError) {
    cx.emit_caused(&cx.event(EventKind::ClientNotificationFailed(error.kind())), error);
}

/// Tokens that reached nobody, or somebody who does not say so, are good for nobody.
async fn withdraw(core: &Core, cx: &Context<'_>, from: &Addressee, (grant, error): (GrantId, &FetchError)) {
    cx.note_grant_id(grant);
    cx.emit_caused(&cx.event(EventKind::TokensUndelivered(error.kind())), error);
    let mut pauses = PAUSES.into_iter();
    loop {
        let Err(error) = core.stores.tokens.revoke(&Filter::Id(grant), cx.now).await else {
            return cx.emit(&cx.event(EventKind::Revoked));
        };
        match pauses.next() {
            Some(pause) => from.notifier.runtime.sleep(pause).await,
            None => return cx.report(&error.into()),
        }
    }
}
