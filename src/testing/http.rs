//! Outgoing requests that are answered from a table.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

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

#[derive(Debug)]
enum Answer {
    Response(http::Response<Bytes>),
    Failure(HttpErrorKind),
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

    /// Lets requests to exactly this URL fail.
    pub fn fail(&self, url: impl Into<String>, kind: HttpErrorKind) {
        self.state().answers.insert(url.into(), Answer::Failure(kind));
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

#[async_trait]
impl HttpClient for HttpTable {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let mut state = self.state();
        let url = request.uri().to_string();
        state.requests.push(request);
        match state.answers.get(&url) {
            Some(Answer::Response(response)) => Ok(response.clone()),
            Some(Answer::Failure(kind)) => Err((*kind).into()),
            None => Err(HttpErrorKind::Unreachable.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::block_on;

    #[test]
    fn a_url_is_answered_from_the_table_alone() {
        let table = HttpTable::new();
        table.answer("https://rp.example/jwks", http::Response::new(Bytes::from_static(b"{}")));
        table.fail("https://slow.example/", HttpErrorKind::TimedOut);
        let send = |url: &str| block_on(table.send(http::Request::get(url).body(Bytes::new()).unwrap()));
        assert_eq!(send("https://rp.example/jwks").unwrap().body().as_ref(), b"{}");
        assert_eq!(send("https://slow.example/").unwrap_err().kind(), HttpErrorKind::TimedOut);
        assert_eq!(send("https://rp.example/").unwrap_err().kind(), HttpErrorKind::Unreachable);
        assert_eq!(table.take_requests().len(), 3);
    }
}
