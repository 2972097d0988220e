//! Keys that are kept elsewhere (the port `Signer`): what is written, and what is not, when one does not sign.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use vouchsafe::error::Reason;
use vouchsafe::jose::{JoseSigner, Jwk, SignError, Signer, SigningAlg};
use vouchsafe::testing::{AuthorizeForm, Harness, authorize_form, code_form, refresh_form, token_form};

/// A key of a service that may be away.
#[derive(Debug)]
struct Service {
    key: JoseSigner,
    away: AtomicBool,
}

#[async_trait]
impl Signer for Service {
    fn algorithm(&self) -> SigningAlg {
        self.key.algorithm()
    }

    fn public_key(&self) -> &Jwk {
        self.key.public_key()
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match self.away.load(Ordering::SeqCst) {
            true => Err(SignError::new("the key service is away")),
            false => Signer::sign(&self.key, message).await,
        }
    }
}

/// A provider whose ID tokens are signed by a service.
fn served() -> (Harness, Arc<Service>) {
    let key = JoseSigner::generate(SigningAlg::Rs256).unwrap();
    let service = Arc::new(Service { key, away: AtomicBool::new(false) });
    let h = Harness::new();
    let kid = service.public_key().kid().unwrap().as_str().to_owned();
    h.provider().keyring().announce(service.clone(), h.now()).unwrap();
    h.provider().keyring().activate(&kid, h.now()).unwrap();
    (h, service)
}

fn offline() -> AuthorizeForm {
    authorize_form().scope("openid offline_access read")
}

#[test]
fn a_refresh_token_outlasts_a_key_service_that_is_away() {
    let (h, service) = served();
    let tokens = h.tokens(&offline(), "alice");
    service.away.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let refused = h.redeem(refresh_form("web", tokens.refresh_token()));
        refused.rejected(Reason::InternalFault).unchanged();
    }
    service.away.store(false, Ordering::SeqCst);
    let fresh = h.redeem(refresh_form("web", tokens.refresh_token())).issued();
    assert_eq!(fresh.id_claims()["sub"], "alice");
}

#[test]
fn a_code_is_used_up_by_a_key_service_that_is_away_and_brings_no_token() {
    let (h, service) = served();
    let code = h.code(&offline(), "alice");
    service.away.store(true, Ordering::SeqCst);
    h.redeem(code_form(&offline(), &code)).rejected(Reason::InternalFault);
    service.away.store(false, Ordering::SeqCst);
    h.redeem(code_form(&offline(), &code)).rejected(Reason::CodeReplayed);
}

#[test]
fn what_needs_no_signature_goes_on_without_the_key_service() {
    let (h, service) = served();
    let tokens = h.tokens(&offline(), "alice");
    service.away.store(true, Ordering::SeqCst);
    assert!(h.is_active("web", &tokens.access_token));
    h.redeem(token_form("client_credentials").client("service").scope("read")).accepted();
    h.revoke("web", tokens.refresh_token()).accepted();
    assert!(!h.is_active("web", &tokens.access_token));
}
