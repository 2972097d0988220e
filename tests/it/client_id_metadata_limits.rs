//! draft-ietf-oauth-client-id-metadata-document section 8: how often the documents of clients are fetched.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use vouchsafe::async_trait;
use vouchsafe::clock::Timestamp;
use vouchsafe::error::Reason;
use vouchsafe::event::EventKind;
use vouchsafe::limiter::{Admission, LimitPoint, Limiter};
use vouchsafe::provider::{ClientDocumentPolicy, ClientDocuments};
use vouchsafe::testing::{Harness, block_on};
use vouchsafe::types::{ClientId, ClientIdUrl};

#[derive(Debug)]
struct Everybody;

impl ClientDocumentPolicy for Everybody {
    fn allows(&self, _: &ClientIdUrl) -> bool {
        true
    }
}

/// Admits two fetches from each host, and keeps what it was asked.
#[derive(Debug, Default)]
struct Two(Mutex<Vec<String>>);

impl Two {
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

#[async_trait]
impl Limiter for Two {
    async fn admit(&self, point: LimitPoint, key: &str, _: Timestamp) -> Admission {
        assert_eq!(point, LimitPoint::ClientDocument);
        let mut asked = self.0.lock().unwrap();
        asked.push(key.to_owned());
        match asked.iter().filter(|known| *known == key).count() {
            0..=2 => Admission::Admitted,
            _ => Admission::Refused { retry_after: Duration::from_secs(9) },
        }
    }
}

fn limited() -> (Harness, Arc<Two>) {
    let limiter = Arc::new(Two::default());
    let given = limiter.clone();
    let documents = ClientDocuments::of_policy(Arc::new(Everybody));
    let on = |builder: vouchsafe::provider::ProviderBuilder| {
        builder.with_client_id_metadata_documents(documents).limiter(given)
    };
    (Harness::builder().provider(on).build(), limiter)
}

/// Whether there is a client of this URL, and why not.
fn found(h: &Harness, url: &str) -> Result<(), Option<Reason>> {
    let client = block_on(h.provider().client(&ClientId::new(url).unwrap())).unwrap();
    let reason = |kind: &EventKind| match kind {
        EventKind::ClientDocumentRefused(reason) => Some(*reason),
        _ => None,
    };
    let events = h.events();
    client.map(drop).ok_or_else(|| events.iter().filter_map(|event| reason(&event.kind)).next_back())
}

fn serve(h: &Harness, url: &str) {
    h.serve(url, &json!({ "client_id": url, "redirect_uris": ["https://app.example/cb"] }));
}

/// attack 218: a stranger who names ever new URLs makes no flood of fetches.
#[test]
fn the_limiter_is_asked_before_each_fetch_by_the_host_of_the_url() {
    let (h, limiter) = limited();
    let urls = ["https://victim.example/1", "https://victim.example:8443/2", "https://victim.example/3"];
    urls.iter().for_each(|url| serve(&h, url));
    assert_eq!((found(&h, urls[0]), found(&h, urls[1])), (Ok(()), Ok(())));
    for _ in 0..2 {
        assert_eq!(found(&h, urls[2]), Err(Some(Reason::ClientDocumentLimited)));
    }
    assert_eq!(h.http().take_requests().len(), 2);
    assert_eq!(limiter.asked(), ["victim.example"; 4]);
    assert_eq!((found(&h, urls[0]), limiter.asked()), (Ok(()), vec![]), "what is kept asks nobody");
    serve(&h, "https://other.example/1");
    assert_eq!(found(&h, "https://other.example/1"), Ok(()));
    assert_eq!(found(&h, urls[2]), Ok(()), "as soon as it is admitted: what was not sent is no failure");
}

#[test]
fn a_known_client_stays_known_while_its_document_is_not_fetched_again() {
    let (h, limiter) = limited();
    let url = "https://app.example/client.json";
    serve(&h, url);
    assert_eq!(found(&h, url), Ok(()));
    let _ = block_on(limiter.admit(LimitPoint::ClientDocument, "app.example", h.now()));
    h.advance(Duration::from_secs(11 * 60));
    assert_eq!((found(&h, url), h.http().take_requests().len()), (Ok(()), 1));
    h.advance(Duration::from_secs(60 * 60));
    assert_eq!(found(&h, url), Err(Some(Reason::ClientDocumentLimited)));
}
