//! [`EventSink`] over tracing: an event for each event, and a span for each request to an endpoint.
//!
//! What the host's stores, signers and hooks trace while a request is worked on lies below its span, also where it is
//! done on other threads. What is handed to [`Runtime::blocking`](crate::runtime::Runtime::blocking) does not.

use std::error::Error;

use ::tracing::field::{Empty, display};
use ::tracing::{Level, Span, event, span};
use http::StatusCode;

use crate::error::Reason;
use crate::event::{Endpoint, Event, EventKind, EventSink, RequestScope};
use crate::types::{ClientId, Subject};

/// The target of everything that is written here.
const TARGET: &str = "vouchsafe";

/// The name of the span of a request.
const SPAN: &str = "vouchsafe";

/// The level is part of the place in the source, so each level needs a place of its own.
macro_rules! write_event {
    ($level:expr, $event:expr) => {
        event!(
            target: TARGET,
            $level,
            endpoint = ?$event.endpoint,
            client = $event.client.as_ref().map(ClientId::as_str),
            subject = $event.subject.as_ref().map(Subject::as_str),
            grant = $event.grant.map(display),
            grant_type = grant_type(&$event.kind),
            reason = reason(&$event.kind).map(Reason::name),
            skipped = skipped(&$event.kind),
            ahead = ahead(&$event.kind),
            "{}",
            message(&$event.kind),
        )
    };
}

/// Writes events with the target `vouchsafe`.
///
/// What was done and what was refused is `INFO`, signs of an attack or of lost state are `WARN`, faults of
/// this side are `ERROR`.
///
/// The message says what happened. The fields are `endpoint`, `client`, `subject`, `grant`, `grant_type`,
/// `reason` by its own name, `skipped`, a count of keys, and `ahead`, by which a clock differs, in seconds; what
/// is not known is left out. What was behind a refusal follows in a line of its own, as `cause`. No field holds
/// a secret, and none personal data but the subject's name.
///
/// A request to an endpoint gets a span of level `INFO` with the name `vouchsafe`. Its fields are
/// `endpoint`, and as they become known `client`, `grant`, `reason` and the HTTP `status`; they are what
/// the last event said. The span names nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingEvents;

impl EventSink for TracingEvents {
    fn emit(&self, event: &Event) {
        note(event);
        match level(&event.kind) {
            Level::ERROR => write_event!(Level::ERROR, event),
            Level::WARN => write_event!(Level::WARN, event),
            _ => write_event!(Level::INFO, event),
        }
    }

    fn cause(&self, event: &Event, cause: &(dyn Error + 'static)) {
        let reason = reason(&event.kind).map(Reason::name);
        match level(&event.kind) {
            Level::ERROR => event!(target: TARGET, Level::ERROR, reason, cause, "because"),
            _ => event!(target: TARGET, Level::DEBUG, reason, cause, "because"),
        }
    }

    fn scope(&self, endpoint: Endpoint) -> Option<Box<dyn RequestScope>> {
        let span = span!(
            target: TARGET,
            Level::INFO,
            SPAN,
            endpoint = ?endpoint,
            client = Empty,
            grant = Empty,
            reason = Empty,
            status = Empty,
        );
        (!span.is_disabled()).then(|| Box::new(RequestSpan(span)) as Box<dyn RequestScope>)
    }
}

/// The span of one request. It is entered for each step and left after it, so that requests that share a thread do not
/// end up in each other's.
#[derive(Debug)]
struct RequestSpan(Span);

impl RequestScope for RequestSpan {
    fn within(&self, step: &mut dyn FnMut()) {
        self.0.in_scope(step);
    }

    fn answered(&self, status: StatusCode) {
        self.0.record("status", status.as_u16());
    }
}

/// Writes what an event says into the span of its request, if that is the one that is entered: a span of the host's is
/// the host's, whatever fields it has.
fn note(event: &Event) {
    // An alarm or a fetch is not the outcome, and may name the owner of a record, who need not be the client that asks.
    if matches!(
        event.kind,
        EventKind::ClientDocumentRefused(_)
            | EventKind::ClientKeysFetchFailed(_)
            | EventKind::ClientKeysFetched { .. }
            | EventKind::ClockSkew { .. }
            | EventKind::PayloadUnreadable
            | EventKind::PkceChallengeReused
    ) {
        return;
    }
    let span = Span::current();
    if !span.metadata().is_some_and(|metadata| metadata.name() == SPAN && metadata.target() == TARGET) {
        return;
    }
    if let Some(client) = &event.client {
        span.record("client", client.as_str());
    }
    if let Some(grant) = event.grant {
        span.record("grant", display(grant));
    }
    if let Some(reason) = reason(&event.kind) {
        span.record("reason", reason.name());
    }
}

fn level(kind: &EventKind) -> Level {
    match kind {
        EventKind::ClientDocumentRefused(Reason::ClientDocumentPanicked)
        | EventKind::ClientKeysFetched { exposed: 1.., .. }
        | EventKind::ClientKeysFetchFailed(_)
        | EventKind::ClockSkew { .. }
        | EventKind::FrontChannelLogoutSkipped
        | EventKind::LogoutTokenFailed(_)
        | EventKind::PayloadUnreadable
        | EventKind::PayloadsResealed { unreadable: 1.., .. }
        | EventKind::PkceChallengeReused
        | EventKind::SessionUnnamed
        | EventKind::TokensUndelivered(_) => Level::WARN,
        EventKind::Refused(reason) => refusal_level(*reason),
        _ => Level::INFO,
    }
}

/// A refusal is daily business, unless it is a sign of theft or forgery, of lost state, or of a fault of this side.
fn refusal_level(reason: Reason) -> Level {
    match reason {
        Reason::ClientKeysPanicked
        | Reason::HandlerPanicked
        | Reason::HostUnavailable
        | Reason::IdTokenAlgUnavailable
        | Reason::InternalFault
        | Reason::StoreUnavailable => Level::ERROR,
        Reason::AssertionReplayed
        | Reason::ClientAssertionReplayed
        | Reason::CodeReplayed
        | Reason::CodeUnreadable
        | Reason::GrantUnreadable
        | Reason::DeferredReplayed
        | Reason::DeviceFormForged
        | Reason::LogoutForgedForm
        | Reason::PendingForgedForm
        | Reason::PkceChallengeReused
        | Reason::RefreshTokenAhead
        | Reason::RefreshTokenForged
        | Reason::RefreshTokenReplayed
        | Reason::UserCodeLocked => Level::WARN,
        _ => Level::INFO,
    }
}

fn message(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Approved => "approved",
        EventKind::ClientNotified => "client notified",
        EventKind::ClientNotificationFailed(_) => "a client could not be notified",
        EventKind::ClientDeleted => "client deleted",
        EventKind::ClientDocumentRefused(_) => "no client at this url",
        EventKind::ClientRegistered => "client registered",
        EventKind::ClientUpdated => "client updated",
        EventKind::ClientKeysFetched { exposed: 0, skipped: 0, .. } => "client keys fetched",
        EventKind::ClientKeysFetched { exposed: 0, .. } => "client keys fetched, some skipped",
        EventKind::ClientKeysFetched { .. } => "a client publishes private keys",
        EventKind::ClientKeysFetchFailed(_) => "client keys could not be fetched",
        EventKind::ClockSkew { .. } => "the clocks of nodes differ too much",
        EventKind::FrontChannelLogoutSkipped => "a client has no frame in the page after a logout",
        EventKind::Introspected => "introspected",
        EventKind::LogoutTokenDelivered => "logout token delivered",
        EventKind::LogoutTokenFailed(_) => "a logout token could not be delivered",
        EventKind::PayloadUnreadable => "a stored payload did not open",
        EventKind::PayloadsResealed { unreadable: 0, .. } => "payloads moved to the current system secret",
        EventKind::PayloadsResealed { .. } => {
            "payloads moved to the current system secret, and some do not open"
        }
        EventKind::PkceChallengeReused => "a code_challenge came back",
        EventKind::RefreshRetried => "a refresh was answered again",
        EventKind::Refused(_) => "refused",
        EventKind::RequestDeferred => "request waits for its person",
        EventKind::RequestPushed => "request pushed",
        EventKind::Revoked => "revoked",
        EventKind::SessionEnded => "session ended",
        EventKind::SessionUnnamed => "signed out of a session without a name, whose grants stay",
        EventKind::TokensIssued { .. } => "tokens issued",
        EventKind::TokensUndelivered(_) => "tokens could not be delivered, and are revoked",
    }
}

fn reason(kind: &EventKind) -> Option<Reason> {
    match kind {
        EventKind::ClientDocumentRefused(reason)
        | EventKind::ClientKeysFetchFailed(reason)
        | EventKind::Refused(reason) => Some(*reason),
        _ => None,
    }
}

fn skipped(kind: &EventKind) -> Option<usize> {
    match kind {
        EventKind::ClientKeysFetched { skipped: skipped @ 1.., .. } => Some(*skipped),
        _ => None,
    }
}

fn ahead(kind: &EventKind) -> Option<u64> {
    match kind {
        EventKind::ClockSkew { ahead } => Some(ahead.as_secs()),
        _ => None,
    }
}

fn grant_type(kind: &EventKind) -> Option<&str> {
    match kind {
        EventKind::TokensIssued { grant_type } => Some(grant_type.as_str()),
        _ => None,
    }
}
