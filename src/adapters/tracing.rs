//! [`EventSink`] over tracing.

use std::error::Error;

use ::tracing::{Level, event};

use crate::error::Reason;
use crate::event::{Event, EventKind, EventSink};
use crate::types::{ClientId, Subject};

/// The level is part of the place in the source, so each level needs a place of its own.
macro_rules! write_event {
    ($level:expr, $event:expr) => {
        event!(
            target: "vouchsafe",
            $level,
            endpoint = ?$event.endpoint,
            client = $event.client.as_ref().map(ClientId::as_str),
            subject = $event.subject.as_ref().map(Subject::as_str),
            grant = $event.grant.map(display),
            grant_type = grant_type(&$event.kind),
            reason = reason(&$event.kind).map(Reason::name),
            skipped = skipped(&$event.kind),
            "{}",
            message(&$event.kind),
        )
    };
}

/// Writes events with the target `vouchsafe`: what was done and what was refused as `INFO`, signs of an attack or of
/// lost state as `WARN`, faults of this side as `ERROR`.
///
/// The message says what happened. The fields are `endpoint`, `client`, `subject`, `grant`, `grant_type`, `reason`
/// by its own name, and `skipped`, a count of keys; what is not known is left out. What was behind a refusal follows in a line of its own,
/// as `cause`. No field holds a secret, and none personal data but
/// the subject's name.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingEvents;

impl EventSink for TracingEvents {
    fn emit(&self, event: &Event) {
        match level(&event.kind) {
            Level::ERROR => write_event!(Level::ERROR, event),
            Level::WARN => write_event!(Level::WARN, event),
            _ => write_event!(Level::INFO, event),
        }
    }

    fn cause(&self, event: &Event, cause: &(dyn Error + 'static)) {
        let reason = reason(&event.kind).map(Reason::name);
        match level(&event.kind) {
            Level::ERROR => event!(target: "vouchsafe", Level::ERROR, reason, cause, "because"),
            _ => event!(target: "vouchsafe", Level::DEBUG, reason, cause, "because"),
        }
    }
}

fn level(kind: &EventKind) -> Level {
    match kind {
        EventKind::ClientKeysFetched { exposed: 1.., .. }
        | EventKind::ClientKeysFetchFailed(_)
        | EventKind::PayloadUnreadable => Level::WARN,
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
        Reason::ClientAssertionReplayed
        | Reason::CodeReplayed
        | Reason::CodeUnreadable
        | Reason::GrantUnreadable
        | Reason::RefreshTokenAhead
        | Reason::RefreshTokenForged
        | Reason::RefreshTokenReplayed => Level::WARN,
        _ => Level::INFO,
    }
}

fn message(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Approved => "approved",
        EventKind::ClientKeysFetched { exposed: 0, skipped: 0, .. } => "client keys fetched",
        EventKind::ClientKeysFetched { exposed: 0, .. } => "client keys fetched, some skipped",
        EventKind::ClientKeysFetched { .. } => "a client publishes private keys",
        EventKind::ClientKeysFetchFailed(_) => "client keys could not be fetched",
        EventKind::Introspected => "introspected",
        EventKind::PayloadUnreadable => "a stored payload did not open",
        EventKind::RefreshRetried => "a refresh was answered again",
        EventKind::Refused(_) => "refused",
        EventKind::Revoked => "revoked",
        EventKind::TokensIssued { .. } => "tokens issued",
    }
}

fn reason(kind: &EventKind) -> Option<Reason> {
    match kind {
        EventKind::ClientKeysFetchFailed(reason) | EventKind::Refused(reason) => Some(*reason),
        _ => None,
    }
}

fn skipped(kind: &EventKind) -> Option<usize> {
    match kind {
        EventKind::ClientKeysFetched { skipped: skipped @ 1.., .. } => Some(*skipped),
        _ => None,
    }
}

fn grant_type(kind: &EventKind) -> Option<&str> {
    match kind {
        EventKind::TokensIssued { grant_type } => Some(grant_type.as_str()),
        _ => None,
    }
}
