//! A tracing subscriber that remembers every span and every event, with all their fields.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// What was traced, at every level. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace(Arc<Mutex<Traced>>);

#[derive(Debug, Default)]
struct Traced {
    spans: Vec<Span>,
    events: Vec<Line>,
}

/// A span, with all that was recorded of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) name: &'static str,
    /// The place of its parent among the spans.
    pub(crate) parent: Option<usize>,
    pub(crate) fields: Fields,
}

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    /// The place of its span among the spans.
    pub(crate) span: Option<usize>,
    pub(crate) fields: Fields,
}

/// The values of fields, as text, by their names. A field that is recorded again has both values.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fields(BTreeMap<&'static str, String>);

impl Fields {
    /// The value of a field.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The names of the fields that have a value.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }

    fn add(&mut self, field: &Field, value: &str) {
        let known = self.0.entry(field.name()).or_default();
        let separator = if known.is_empty() { "" } else { "|" };
        *known = format!("{known}{separator}{value}");
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = format!("{value} {value:?}");
        let mut source = value.source();
        while let Some(below) = source {
            text.push_str(&format!(" {below} {below:?}"));
            source = below.source();
        }
        self.add(field, &text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, &format!("{value:?}"));
    }
}

impl Trace {
    /// Does `work`, and remembers what it traces on this thread.
    pub(crate) fn of<T>(&self, work: impl FnOnce() -> T) -> T {
        tracing::subscriber::with_default(Registry::default().with(self.clone()), work)
    }

    /// The spans, in the order in which they began.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.0.lock().unwrap().spans.clone()
    }

    /// The spans of this name.
    pub(crate) fn named(&self, name: &str) -> Vec<Span> {
        self.spans().into_iter().filter(|span| span.name == name).collect()
    }

    /// The events, in their order.
    pub(crate) fn events(&self) -> Vec<Line> {
        self.0.lock().unwrap().events.clone()
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Trace {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        let span = cx.span(id).unwrap();
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let parent = span.parent().and_then(|parent| parent.extensions().get::<usize>().copied());
        let mut traced = self.0.lock().unwrap();
        span.extensions_mut().insert(traced.spans.len());
        traced.spans.push(Span { name: span.name(), parent, fields });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: Context<'_, S>) {
        let place = cx.span(id).and_then(|span| span.extensions().get::<usize>().copied()).unwrap();
        values.record(&mut self.0.lock().unwrap().spans[place].fields);
    }

    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let span = cx.event_span(event).and_then(|span| span.extensions().get::<usize>().copied());
        self.0.lock().unwrap().events.push(Line { span, fields });
    }
}
