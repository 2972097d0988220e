//! The tracing adapter writes reasons and names, and nothing that must not be in a log (attack catalogue, rule b).

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;
use vouchsafe::adapters::tracing::TracingEvents;
use vouchsafe::clock::Timestamp;
use vouchsafe::error::Reason;
use vouchsafe::event::{Endpoint, Event, EventKind, EventSink as _};
use vouchsafe::types::{ClientId, GrantId, GrantType, Subject};

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The lines that `events` leave in a log, without their times.
fn logged(events: &[Event]) -> Vec<String> {
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).without_time().finish();
    tracing::subscriber::with_default(subscriber, || {
        events.iter().for_each(|event| TracingEvents.emit(event))
    });
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    text.lines().map(|line| line.trim().to_owned()).collect()
}

fn event(kind: EventKind) -> Event {
    Event::new(Timestamp::from_unix(0), Endpoint::Token, kind)
}

#[test]
fn an_event_is_one_line_with_its_reason_and_names() {
    let (client, subject) = (ClientId::new("web").unwrap(), Subject::new("alice").unwrap());
    let replayed = event(EventKind::Refused(Reason::CodeReplayed))
        .with_client(&client)
        .with_subject(&subject)
        .with_grant(GrantId::from_bytes([0; 16]));
    let issued = event(EventKind::TokensIssued { grant_type: GrantType::RefreshToken });
    assert_eq!(
        logged(&[replayed, issued]),
        [
            "WARN vouchsafe: refused endpoint=Token client=\"web\" subject=\"alice\" \
             grant=AAAAAAAAAAAAAAAAAAAAAA reason=\"CodeReplayed\"",
            "INFO vouchsafe: tokens issued endpoint=Token grant_type=\"refresh_token\"",
        ]
    );
    let fetched = |skipped, exposed| event(EventKind::ClientKeysFetched { keys: 1, skipped, exposed });
    assert_eq!(
        logged(&[fetched(0, 0), fetched(3, 0)]),
        [
            "INFO vouchsafe: client keys fetched endpoint=Token",
            "INFO vouchsafe: client keys fetched, some skipped endpoint=Token skipped=3",
        ]
    );
}

#[test]
fn the_level_tells_daily_business_from_alarms_and_faults() {
    let rows = [
        (EventKind::Refused(Reason::CodeExpired), "INFO"),
        (EventKind::Approved, "INFO"),
        (EventKind::PayloadUnreadable, "WARN"),
        (EventKind::ClockSkew { ahead: Duration::from_secs(121) }, "WARN"),
        (EventKind::ClientKeysFetched { keys: 1, skipped: 1, exposed: 1 }, "WARN"),
        (EventKind::ClientKeysFetchFailed(Reason::ClientKeysTimedOut), "WARN"),
        (EventKind::ClientDocumentRefused(Reason::ClientDocumentStatus), "INFO"),
        (EventKind::ClientDocumentRefused(Reason::ClientDocumentPanicked), "WARN"),
        (EventKind::Refused(Reason::ClientKeysPanicked), "ERROR"),
        (EventKind::Refused(Reason::RefreshTokenForged), "WARN"),
        (EventKind::Refused(Reason::HandlerPanicked), "ERROR"),
        (EventKind::Refused(Reason::StoreUnavailable), "ERROR"),
    ];
    for (kind, level) in rows {
        let lines = logged(&[event(kind.clone())]);
        assert!(lines.len() == 1 && lines[0].starts_with(level), "{kind:?}: {lines:?}");
    }
}
