//! A provider under watch: all that is said of its requests is kept, and the host's part prints whatever it is given.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::{self, Debug};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, COOKIE, SET_COOKIE};
use http::{HeaderValue, Method};
use vouchsafe::adapters::tracing::TracingEvents;
use vouchsafe::client::{Client, ClientAuthMethod};
use vouchsafe::error::{BoxError, Reason, Result};
use vouchsafe::event::{Endpoint, Event, EventKind, EventSink, RequestScope};
use vouchsafe::provider::{
    AccessTokenFormat, Asked, AuthorizationRule, ClaimsHook, ClientAuthenticator, Context, Credentials,
    GrantHandler, Interaction, Issuance, Minted, Mount, Presented, Question, TokenRequest,
};
use vouchsafe::secret::{self, Secret, TokenHash};
use vouchsafe::store::{AccessToken, Grant};
use vouchsafe::testing::{CODE_VERIFIER, Harness, HarnessBuilder, block_on};
use vouchsafe::types::{Authentication, Claims, GrantId, GrantType, Params};
use vouchsafe::wire::{Request, RequestHead, Response, form_post};

use crate::taint::Taint;
use crate::trace::Trace;

/// Everything that was said, and by whom.
#[derive(Clone, Default)]
pub(super) struct Said(Arc<Mutex<BTreeSet<(String, String)>>>);

/// It is part of what it keeps, so it must not print it.
impl Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Said(..)")
    }
}

impl Said {
    /// Keeps what is printed of a value.
    pub(super) fn debug(&self, by: &str, value: &(impl Debug + ?Sized)) {
        self.text(by, format!("{value:?}\n{value:#?}"));
    }

    /// Keeps what is printed of an error, and of what is behind it.
    pub(super) fn error(&self, by: &str, error: &(dyn Error + 'static)) {
        let mut below = Some(error);
        while let Some(error) = below {
            self.text(by, format!("{error}\n{error:?}\n{error:#?}"));
            below = error.source();
        }
    }

    pub(super) fn text(&self, by: &str, text: String) {
        self.0.lock().unwrap().insert((by.to_owned(), text));
    }
}

/// A sink that keeps every event, counts refusals by endpoint, and hands everything on to tracing.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    pub(super) said: Said,
    pub(super) outcomes: Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>,
}

impl EventSink for Heard {
    fn emit(&self, event: &Event) {
        self.said.debug("an event", event);
        let outcome = match event.kind {
            EventKind::Refused(reason) => reason.name().to_owned(),
            _ => "answered".to_owned(),
        };
        let mut outcomes = self.outcomes.lock().unwrap();
        outcomes.entry(format!("{:?}", event.endpoint)).or_default().insert(outcome);
        TracingEvents.emit(event);
    }

    fn cause(&self, event: &Event, cause: &(dyn Error + 'static)) {
        self.said.error("a cause", cause);
        TracingEvents.cause(event, cause);
    }

    fn scope(&self, endpoint: Endpoint) -> Option<Box<dyn RequestScope>> {
        TracingEvents.scope(endpoint)
    }
}

/// A host's part, everywhere that it can have one: it prints whatever it is given.
#[derive(Clone, Debug)]
pub(super) struct Host(Said);

/// The grant type and the token format of the host.
pub(super) const EXTENSION: &str = "urn:example:extension";

#[async_trait]
impl Interaction for Host {
    async fn authentication(&self, request: &Request) -> Result<Option<Authentication>, BoxError> {
        self.0.debug("the head of a request", &RequestHead::read(request).ok());
        Ok(None)
    }

    async fn ask(&self, question: Question<'_>) -> Result<Response, BoxError> {
        self.0.debug("a question", &question);
        Ok(question.redirect("/login"))
    }
}

#[async_trait]
impl AuthorizationRule for Host {
    async fn check(&self, cx: &Context<'_>, asked: &Asked<'_>) -> Result<()> {
        self.0.debug("a rule", &(cx, asked));
        Ok(())
    }
}

#[async_trait]
impl ClaimsHook for Host {
    async fn access_token(&self, token: &AccessToken) -> Result<Claims, BoxError> {
        self.0.debug("a claims hook", token);
        Ok(Claims::new())
    }
}

#[async_trait]
impl ClientAuthenticator for Host {
    fn method(&self) -> ClientAuthMethod {
        ClientAuthMethod::Extension(EXTENSION.into())
    }

    fn extract(&self, head: &RequestHead, params: &Params) -> Result<Option<Credentials>> {
        let proof = params.one("password")?.map(Secret::new);
        let credentials = Credentials::of("web", self.method(), proof);
        self.0.debug("an authenticator", &(head, params, credentials));
        Ok(None)
    }

    async fn verify(&self, _: &Context<'_>, _: &Client, _: &Credentials) -> Result<()> {
        Err(Reason::ClientSecretWrong.into())
    }
}

#[async_trait]
impl GrantHandler for Host {
    fn grant_type(&self) -> GrantType {
        GrantType::from(EXTENSION)
    }

    async fn redeem(&self, cx: &Context<'_>, request: &TokenRequest) -> Result<Issuance> {
        let id = GrantId::generate(cx.entropy, cx.now)?;
        let grant = Grant::new(id, request.client.client().id().clone(), self.grant_type(), cx.now);
        let issuance = Issuance::new(grant);
        self.0.debug("a grant", &(cx, request, &issuance));
        Ok(issuance)
    }
}

#[async_trait]
impl AccessTokenFormat for Host {
    async fn mint(&self, cx: &Context<'_>, client: &Client, token: &AccessToken) -> Result<Minted> {
        let secret = secret::generate(cx.entropy, 256)?;
        let key = TokenHash::of(secret.expose());
        let minted = Minted::recorded(secret, key);
        self.0.debug("a format", &(cx, client, token, &minted));
        Ok(minted)
    }

    async fn read(&self, _: &Context<'_>, presented: &str) -> Option<Presented> {
        let read = Some(Presented::Recorded(TokenHash::of(presented)));
        self.0.debug("a format that reads", &read);
        None
    }
}

/// A provider under watch.
pub(super) struct Watch {
    pub(super) h: Harness,
    pub(super) heard: Heard,
    pub(super) trace: Trace,
    pub(super) taint: RefCell<Taint>,
    mount: Mount,
    markers: Cell<usize>,
}

impl Watch {
    pub(super) fn new(builder: HarnessBuilder) -> Self {
        let heard = Heard::default();
        let (host, sink) = (Host(heard.said.clone()), heard.clone());
        let part = Arc::new(host.clone());
        let h = builder
            .provider(move |builder| {
                let builder = builder.events(Arc::new(sink)).rule(part.clone()).claims_hook(part.clone());
                let builder = builder.client_authenticator(part.clone()).grant(part.clone());
                builder.access_token_format(EXTENSION, part)
            })
            .build();
        let mount = Mount::new(h.provider().clone(), Arc::new(host));
        let (trace, taint, markers) = (Trace::default(), RefCell::default(), Cell::default());
        let watch = Self { h, heard, trace, taint, mount, markers };
        for client in ["web", "post", "trusted", "service", "api"] {
            watch.secret(&format!("the secret of {client}"), watch.h.client_secret(client));
        }
        watch.secret("the code_verifier", CODE_VERIFIER);
        let exported = watch.h.system_secrets().export();
        let keys = exported.expose().split('"').filter(|text| text.len() >= 32);
        keys.for_each(|key| watch.secret("a system secret", key));
        watch
    }

    pub(super) fn secret(&self, name: &str, secret: &str) {
        self.taint.borrow_mut().add(name, secret);
    }

    /// A secret of no meaning, that needs escapes wherever it stands.
    pub(super) fn marker(&self) -> String {
        let marker = self.plain_marker().replace('-', "~/+=&");
        self.secret("a marker", &marker);
        marker
    }

    /// A secret of no meaning, of letters and hyphens.
    pub(super) fn plain_marker(&self) -> String {
        self.markers.set(self.markers.get() + 1);
        let marker = format!("marker-{}-S3cretValue-that-nobody-may-ever-read", self.markers.get());
        self.secret("a plain marker", &marker);
        marker
    }

    pub(super) fn said(&self) -> &Said {
        &self.heard.said
    }

    /// Notes the secrets of an answer.
    pub(super) fn answered(&self, response: &Response) {
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let members =
            ["access_token", "refresh_token", "id_token", "client_secret", "registration_access_token"]
                .map(|name| (name, body[name].as_str()));
        for (name, token) in members.into_iter().filter_map(|(name, token)| Some((name, token?))) {
            self.secret(name, token);
        }
        for cookie in response.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap_or_default();
            let value = pair.split_once('=').map(|(_, value)| value).unwrap_or_default();
            if !value.is_empty() {
                self.secret("a cookie", value);
            }
        }
    }

    /// Sends a request to whatever endpoint it is for, by the wire and past it.
    pub(super) fn send(&self, request: &Request) -> Response {
        let response = block_on(self.mount.answer(request));
        self.answered(&response);
        let (head, params) = (RequestHead::read(request), form_post(request));
        self.said().debug("the head of a request", &head);
        self.said().debug("the form of a request", &params);
        response
    }

    /// As [`send`](Self::send), with every head that could be wrong.
    pub(super) fn send_with_wrong_heads(&self, request: &Request) {
        self.with_bent_heads(request).iter().for_each(|request| drop(self.send(request)));
    }

    /// As [`send`](Self::send), for every way in which the request could be wrong.
    pub(super) fn send_wrongly(&self, request: &Request) {
        self.bent(request).iter().for_each(|request| drop(self.send(request)));
    }

    /// The names of the secrets that were said, and where.
    pub(super) fn leaks(&self) -> Vec<String> {
        let taint = self.taint.borrow();
        let traced = [("a span".to_owned(), format!("{:?}", self.trace.spans()))]
            .into_iter()
            .chain(self.trace.events().into_iter().map(|line| ("a line".to_owned(), format!("{line:?}"))));
        let said = self.said().0.lock().unwrap().clone();
        let found = said.into_iter().chain(traced).filter_map(|(by, text)| {
            taint.found_in(text.as_bytes()).map(|(name, place)| format!("{by} tells {name}: {place}"))
        });
        found.collect()
    }

    /// A request in every way in which a form and its credentials can be wrong, with secrets in all of them.
    fn bent(&self, request: &Request) -> Vec<Request> {
        let params = Params::parse(carried(request)).unwrap();
        let pairs: Vec<_> = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut bent = Vec::new();
        for (at, (name, _)) in pairs.iter().enumerate() {
            let without: Vec<_> = [&pairs[..at], &pairs[at + 1..]].concat();
            let with = |more: String, pairs: &[(String, String)]| [pairs, &[(name.clone(), more)]].concat();
            bent.push(rewritten(request, &with(self.marker(), &without)));
            bent.push(rewritten(request, &with(self.plain_marker(), &without)));
            bent.push(rewritten(request, &with(self.marker(), &pairs)));
            bent.push(rewritten(request, &without));
        }
        for name in
            ["client_secret", "client_assertion", "password", "access_token", "request", "id_token_hint"]
        {
            bent.push(rewritten(request, &[&pairs[..], &[(name.to_owned(), self.marker())]].concat()));
        }
        bent.extend(self.with_bent_heads(request));
        bent
    }

    /// A request with other credentials, of another type, to another address, by another method, or cut.
    fn with_bent_heads(&self, request: &Request) -> Vec<Request> {
        let (marker, plain) = (self.marker(), self.plain_marker());
        let basic = |text: String| format!("Basic {}", BASE64_STANDARD.encode(text));
        let headers = [
            (AUTHORIZATION, basic(format!("web:{marker}"))),
            (AUTHORIZATION, basic(marker.clone())),
            (AUTHORIZATION, basic(format!("nobody:{marker}"))),
            (AUTHORIZATION, format!("Basic {marker}")),
            (AUTHORIZATION, format!("Bearer {plain}")),
            (AUTHORIZATION, format!("Bearer {plain} {marker}")),
            (AUTHORIZATION, plain.clone()),
            (CONTENT_TYPE, "application/json".to_owned()),
            (CONTENT_ENCODING, "gzip".to_owned()),
            (COOKIE, format!("__Host-vs_browser={plain}; other={plain}")),
        ];
        let mut bent = Vec::new();
        for (name, value) in headers {
            let value = HeaderValue::try_from(value).unwrap();
            let mut twice = request.clone();
            twice.headers_mut().append(name.clone(), value.clone());
            let mut instead = request.clone();
            instead.headers_mut().insert(name, value);
            bent.extend([twice, instead]);
        }
        for address in [format!("{}?code={plain}", request.uri().path()), format!("/{plain}?token={plain}")] {
            let mut elsewhere = request.clone();
            *elsewhere.uri_mut() = address.parse().unwrap();
            bent.push(elsewhere);
        }
        for method in [Method::GET, Method::POST, Method::PUT, Method::OPTIONS] {
            let mut by = request.clone();
            *by.method_mut() = method;
            bent.push(by);
        }
        for tail in [format!("&token={plain}%"), format!("&token={plain}%00"), "&x=1".repeat(200)] {
            let mut cut = request.clone();
            *cut.body_mut() = [request.body(), tail.as_bytes()].concat().into();
            bent.push(cut);
        }
        bent
    }
}

/// The form that a request carries, in its body or its query.
fn carried(request: &Request) -> &[u8] {
    match request.method() {
        &Method::GET => request.uri().query().unwrap_or_default().as_bytes(),
        _ => request.body(),
    }
}

fn rewritten(request: &Request, pairs: &[(String, String)]) -> Request {
    let form = Params::from_pairs(pairs.iter().cloned()).encode();
    let mut rewritten = request.clone();
    match request.method() {
        &Method::GET => *rewritten.uri_mut() = format!("{}?{form}", request.uri().path()).parse().unwrap(),
        _ => *rewritten.body_mut() = Bytes::from(form),
    }
    rewritten
}
