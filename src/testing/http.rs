//! Outgoing requests that are answered from a table.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use serde_json::Value;

use crate::wire::{HttpClient, HttpError, HttpErrorKind};

/// An [`HttpClient`] without a network: it answers from a table of URLs, and keeps what it was asked.
///
/// A URL that is not in the table is [`HttpErrorKind::Unreachable`].
#[derive(Debug, Default)]
pub struct HttpTable(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    answers: BTreeMap<String, Answer>,
    requests: Vec<http::Request<Bytes>>,
}

#[derive(Clone, Debug)]
enum Answer {
    Response(http::Response<Bytes>),
    Failure(HttpErrorKind),
    Panic,
    Silence,
}

impl HttpTable {
    /// A table without answers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers requests to exactly this URL, of any method, with `response`.
    pub fn answer(&self, url: impl Into<String>, response: http::Response<Bytes>) {
        self.state().answers.insert(url.into(), Answer::Response(response));
    }

    /// Answers requests to exactly this URL with 200 and a body of this content type.
    ///
    /// # Panics
    /// When the content type cannot stand in a header.
    pub fn serve(&self, url: impl Into<String>, content_type: &str, body: impl Into<Bytes>) {
        let response = http::Response::builder().header(CONTENT_TYPE, content_type).body(body.into());
        self.answer(url, response.expect("the content type can stand in a header"));
    }

    /// Answers requests to exactly this URL with 200 and JSON.
    pub fn serve_json(&self, url: impl Into<String>, value: &Value) {
        self.serve(url, "application/json", value.to_string());
    }

    /// Lets requests to exactly this URL fail.
    pub fn fail(&self, url: impl Into<String>, kind: HttpErrorKind) {
        self.state().answers.insert(url.into(), Answer::Failure(kind));
    }

    /// Never answers requests to exactly this URL.
    pub fn hang(&self, url: impl Into<String>) {
        self.state().answers.insert(url.into(), Answer::Silence);
    }

    /// Panics over requests to exactly this URL, as a client with a flaw would.
    pub fn panic(&self, url: impl Into<String>) {
        self.state().answers.insert(url.into(), Answer::Panic);
    }

    /// The requests so far, and forgets them.
    #[must_use]
    pub fn take_requests(&self) -> Vec<http::Request<Bytes>> {
        std::mem::take(&mut self.state().requests)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take_note(&mut self, request: http::Request<Bytes>) -> Answer {
        let answer = self.answers.get(&request.uri().to_string()).cloned();
        self.requests.push(request);
        answer.unwrap_or(Answer::Failure(HttpErrorKind::Unreachable))
    }
}

#[async_trait]
impl HttpClient for HttpTable {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let answer = self.state().take_note(request);
        match answer {
            Answer::Response(response) => Ok(response),
            Answer::Failure(kind) => Err(kind.into()),
            Answer::Panic => panic!("the http client has a flaw"),
            Answer::Silence => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{abandon, block_on};

    async fn send_to(table: &HttpTable, url: &str) -> Result<http::Response<Bytes>, HttpError> {
        table.send(http::Request::get(url).body(Bytes::new()).unwrap()).await
    }

    #[test]
    fn a_url_is_answered_from_the_table_alone() {
        let table = HttpTable::new();
        table.answer("https://rp.example/jwks", http::Response::new(Bytes::from_static(b"{}")));
        table.fail("https://slow.example/", HttpErrorKind::TimedOut);
        let send = |url: &str| block_on(send_to(&table, url));
        assert_eq!(send("https://rp.example/jwks").unwrap().body().as_ref(), b"{}");
        assert_eq!(send("https://slow.example/").unwrap_err().kind(), HttpErrorKind::TimedOut);
        assert_eq!(send("https://rp.example/").unwrap_err().kind(), HttpErrorKind::Unreachable);
        assert_eq!(table.take_requests().len(), 3);
        table.hang("https://slow.example/");
        assert!(abandon(send_to(&table, "https://slow.example/"), 3).is_none());
    }
}
