//! A request to an endpoint is a span, and what the host does meanwhile lies below it (the design's observation).

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use async_trait::async_trait;
use bytes::Bytes;
use tracing::Instrument as _;
use vouchsafe::adapters::tracing::TracingEvents;
use vouchsafe::clock::Timestamp;
use vouchsafe::error::{BoxError, Reason};
use vouchsafe::event::{Endpoint, Event, EventKind, EventSink as _};
use vouchsafe::limiter::{Admission, LimitPoint, Limiter};
use vouchsafe::provider::{Denial, Interaction, Mount, Question};
use vouchsafe::testing::{
    Form, Harness, Step, TokenForm, abandon, authorize_form, block_on, client_form, code_form, interleave,
    token_form,
};
use vouchsafe::types::{Authentication, ClientId};
use vouchsafe::wire::{Request, Response};

use crate::trace::{Span, Trace};

/// A limiter that waits, in a span of its own.
#[derive(Debug)]
struct Waiting;

#[async_trait]
impl Limiter for Waiting {
    async fn admit(&self, _: LimitPoint, key: &str, _: Timestamp) -> Admission {
        let waiting = async {
            for _ in 0..3 {
                wait().await;
                tracing::info!("waited");
            }
        };
        waiting.instrument(tracing::info_span!("limiter", key)).await;
        Admission::Admitted
    }
}

async fn wait() {
    let mut waits = true;
    poll_fn(|_| if std::mem::take(&mut waits) { Poll::Pending } else { Poll::Ready(()) }).await;
}

fn traced() -> Harness {
    Harness::builder()
        .provider(|builder| builder.events(Arc::new(TracingEvents)).limiter(Arc::new(Waiting)))
        .build()
}

fn service() -> TokenForm {
    token_form("client_credentials").client("service").scope("read")
}

/// The one span of a request that was traced.
fn the_span(trace: &Trace) -> Span {
    let spans = trace.named("vouchsafe");
    assert_eq!(spans.len(), 1, "{spans:?}");
    spans[0].clone()
}

fn handle(h: &Harness, request: &Request) -> Span {
    let trace = Trace::default();
    let _ = trace.of(|| interleave(vec![Box::pin(h.provider().handle(request)) as Step<'_, _>], &[]));
    the_span(&trace)
}

#[test]
fn a_request_is_a_span_with_what_was_learned_of_it() {
    let h = traced();
    let asked = authorize_form().scope("openid");
    let code = h.code(&asked, "alice");
    let issued = handle(&h, &h.post("/token", code_form(&asked, &code)));
    assert_eq!(issued.fields.names(), ["client", "endpoint", "grant", "status"]);
    assert_eq!(issued.fields.value("endpoint"), Some("Token"));
    assert_eq!(issued.fields.value("client"), Some("web"));
    assert_eq!(issued.fields.value("status"), Some("200"));
    let again = handle(&h, &h.post("/token", code_form(&asked, &code)));
    assert_eq!(again.fields.value("grant"), issued.fields.value("grant"));
    assert_eq!(again.fields.value("reason"), Some("CodeReplayed"));
    assert_eq!(again.fields.value("status"), Some("400"));
    for span in [issued, again] {
        h.assert_discreet(&format!("{span:?}"));
        assert!(!format!("{span:?}").contains("alice"), "a span names nobody: {span:?}");
    }
}

#[test]
fn every_endpoint_has_its_span_and_so_has_a_path_of_nobody() {
    let h = traced();
    let get = |path: &str| http::Request::get(path).body(Bytes::new()).unwrap();
    let token = || client_form(Form::new().set("token", "unknown")).client("api");
    let rows = [
        (get("/authorize?client_id=nobody"), "Authorization", Some("400")),
        (get(&format!("/authorize?{}", authorize_form().encode())), "Authorization", None),
        (get("/.well-known/openid-configuration"), "Discovery", Some("200")),
        (h.post("/introspect", token()), "Introspection", Some("200")),
        (get("/jwks"), "Jwks", Some("200")),
        (h.post("/revoke", token()), "Revocation", Some("200")),
        (h.post("/token", service()), "Token", Some("200")),
        (get("/nowhere"), "Unknown", Some("404")),
        (get("/userinfo"), "Userinfo", Some("401")),
    ];
    for (request, endpoint, status) in rows {
        let span = handle(&h, &request);
        assert_eq!(span.fields.value("endpoint"), Some(endpoint), "{request:?}");
        assert_eq!(span.fields.value("status"), status, "{request:?}");
        assert_eq!(span.parent, None, "{request:?}");
    }
}

#[test]
fn an_endpoint_that_is_called_by_itself_has_a_span() {
    let h = traced();
    let (trace, request) = (Trace::default(), Request::default());
    trace.of(|| {
        block_on(async {
            drop(h.provider().authorize(&request).await);
            drop(h.provider().introspection(&request).await);
            drop(h.provider().revocation(&request).await);
            drop(h.provider().token(&request).await);
            drop(h.provider().userinfo(&request).await);
        });
        drop(h.provider().refuse("/token", Reason::BodyTooLarge));
    });
    let spans = trace.named("vouchsafe");
    let endpoints: Vec<_> = spans.iter().filter_map(|span| span.fields.value("endpoint")).collect();
    assert_eq!(endpoints, ["Authorization", "Introspection", "Revocation", "Token", "Userinfo", "Token"]);
    assert_eq!(spans[5].fields.value("reason"), Some("BodyTooLarge"));
    assert!(spans.iter().all(|span| span.fields.value("status").is_some()), "{spans:?}");
}

/// What waits is not in its span meanwhile: else the other request, on the same thread, would be in it too.
#[test]
fn requests_that_share_a_thread_do_not_end_up_in_each_others_spans() {
    let h = traced();
    let (trace, names) = (Trace::default(), ["service", "signer", "service", "signer"]);
    let requests: Vec<_> =
        names.map(|name| h.post("/token", token_form("client_credentials").client(name))).into();
    trace.of(|| {
        let steps = requests.iter().map(|request| Box::pin(h.provider().token(request)) as Step<'_, _>);
        let responses: Vec<Response> = interleave(steps.collect(), &[0, 1, 1, 0, 2, 3, 3, 0, 2]);
        assert!(responses.iter().all(|response| response.status() == 200));
        assert!(tracing::Span::current().is_none());
    });
    let spans = trace.spans();
    assert_eq!(trace.named("vouchsafe").len(), names.len());
    for span in spans.iter().filter(|span| span.name == "limiter") {
        let above = &spans[span.parent.unwrap()];
        assert_eq!(above.name, "vouchsafe");
        assert_eq!(above.fields.value("client"), span.fields.value("key"));
    }
    let waited: Vec<_> =
        trace.events().into_iter().filter(|line| line.fields.names() == ["message"]).collect();
    assert_eq!(
        waited.iter().filter(|line| spans[line.span.unwrap()].name == "limiter").count(),
        waited.len()
    );
    let issued = trace.events().into_iter().filter(|line| line.fields.value("grant_type").is_some());
    for line in issued {
        assert_eq!(spans[line.span.unwrap()].fields.value("client"), line.fields.value("client"));
    }
}

#[test]
fn a_request_that_is_given_up_leaves_its_span() {
    let h = traced();
    let trace = Trace::default();
    trace.of(|| {
        assert!(abandon(h.provider().token(&h.post("/token", service())), 2).is_none());
        assert!(tracing::Span::current().is_none());
    });
    assert_eq!(the_span(&trace).fields.value("status"), None);
}

/// Traces when it is asked, and does not ask.
#[derive(Debug)]
struct TracingHost;

#[async_trait]
impl Interaction for TracingHost {
    async fn authentication(&self, _: &Request) -> Result<Option<Authentication>, BoxError> {
        wait().await;
        tracing::info!("looked");
        Ok(None)
    }

    async fn ask(&self, question: Question<'_>) -> Result<Response, BoxError> {
        Ok(question.deny(Denial::Login).await)
    }
}

/// A mounted provider is one span for each request, with the host's part in it.
#[test]
fn the_part_of_the_host_lies_in_the_span_of_its_request() {
    let h = traced();
    let (mount, trace) = (Mount::new(h.provider().clone(), Arc::new(TracingHost)), Trace::default());
    let uri = format!("/authorize?{}", authorize_form().encode());
    let request = http::Request::get(uri).body(Bytes::new()).unwrap();
    let _ = trace.of(|| interleave(vec![Box::pin(mount.answer(&request)) as Step<'_, _>], &[]));
    let span = the_span(&trace);
    assert_eq!(span.fields.value("reason"), Some("LoginNeeded"));
    assert_eq!((span.fields.value("client"), span.fields.value("status")), (Some("web"), Some("303")));
    assert!(trace.events().iter().all(|line| line.span == Some(0)), "{trace:?}");
    assert_eq!(trace.events()[0].fields.value("message"), Some("looked"));
}

/// Only our own span is written to; that of a host may have fields of the same names, and an alarm is about a record.
#[test]
fn nothing_is_recorded_elsewhere() {
    let event = |kind| {
        Event::new(Timestamp::from_unix(0), Endpoint::Token, kind).with_client(&ClientId::new("web").unwrap())
    };
    let trace = Trace::default();
    trace.of(|| {
        let empty = tracing::field::Empty;
        let host = tracing::info_span!("host", client = empty, reason = empty);
        host.in_scope(|| TracingEvents.emit(&event(EventKind::Refused(Reason::CodeExpired))));
        let scope = TracingEvents.scope(Endpoint::Token).unwrap();
        scope.within(&mut || TracingEvents.emit(&event(EventKind::PayloadUnreadable)));
    });
    let names: Vec<_> = trace.spans().iter().map(|span| span.fields.names()).collect();
    assert_eq!(names, [vec![], vec!["endpoint"]]);
}

#[test]
fn without_a_subscriber_there_is_no_scope() {
    let none = tracing::subscriber::NoSubscriber::new();
    tracing::subscriber::with_default(none, || assert!(TracingEvents.scope(Endpoint::Token).is_none()));
}
