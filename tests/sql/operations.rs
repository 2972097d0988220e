//! How many statements each operation of a provider runs over a SQL store, where clients are in memory.

use std::sync::Arc;

use vouchsafe::adapters::sqlx::Engine;
use vouchsafe::provider::{DpopConfig, Needs};
use vouchsafe::store::Stores;
use vouchsafe::testing::{
    AuthorizeForm, Form, Harness, authorize_form, client_form, code_form, reference_form, refresh_form,
    token_form,
};

use super::budget::Counted;

/// Each operation with the number of its statements in SQLite, PostgreSQL and MySQL; BEGIN and COMMIT are not counted.
///
/// What may be at most: client credentials 1, to ask what a request needs 1, an approval 2 and one more for a consent to
/// remember and for a pushed request, a code 3, a refresh 3, introspection 1, revocation 2, to push a request 1 and to read
/// it 1; an assertion or a proof 1 more. A code and a pushed request are used by one more where no write answers with its
/// row, as in MySQL.
const BUDGET: &[(&str, [usize; 3])] = &[
    ("client credentials", [1, 1, 1]),
    ("client credentials, private_key_jwt", [2, 2, 2]),
    ("client credentials, with a DPoP proof", [2, 2, 2]),
    ("a request", [0, 0, 0]),
    ("what it needs", [1, 1, 1]),
    ("an approval", [2, 2, 2]),
    ("an approval that is remembered", [3, 3, 3]),
    ("code to tokens", [3, 2, 4]),
    ("refresh", [3, 2, 3]),
    ("introspection", [1, 1, 1]),
    ("revocation", [2, 2, 2]),
    ("pushing a request", [1, 1, 1]),
    ("a pushed request", [1, 1, 1]),
    ("an approval of a pushed request", [3, 3, 4]),
];

fn offline() -> AuthorizeForm {
    authorize_form().scope("openid offline_access read")
}

impl<E: Engine, W: AsyncFn()> Counted<E, W> {
    /// Every operation that has a budget.
    pub(super) async fn measure_operations(&self) {
        let store = Arc::new(self.store.clone());
        let harness = Harness::builder()
            .stores(move |memory| {
                Stores::new(Arc::new(memory.clone()), store.clone(), store.clone(), store.clone())
                    .with_replays(store.clone())
                    .with_tickets(store)
            })
            .pushed_requests()
            .dpop(DpopConfig::new())
            .build();
        self.machines(&harness).await;
        self.people(&harness).await;
        self.pushed(&harness).await;
        self.has_measured(BUDGET);
    }

    async fn operation<T>(&self, name: &'static str, operation: impl FnOnce() -> T) -> T {
        self.counted(BUDGET, name, async { operation() }).await.0
    }

    async fn machines(&self, h: &Harness) {
        let service = || token_form("client_credentials").client("service").scope("read");
        let answer = self.operation("client credentials", || h.redeem(service()).issued()).await;
        let proved = service().proved(&h.token_proof());
        self.operation("client credentials, with a DPoP proof", || h.redeem(proved).accepted()).await;
        let signed = token_form("client_credentials").client("signer");
        self.operation("client credentials, private_key_jwt", || h.redeem(signed).issued()).await;
        assert!(self.operation("introspection", || h.is_active("api", &answer.access_token)).await);
    }

    async fn people(&self, h: &Harness) {
        let visit = self.operation("a request", || h.authorize(&offline())).await;
        let login = h.login("alice");
        let next = self.operation("what it needs", || visit.next(Some(&login))).await;
        assert!(matches!(next.needs(), Needs::Consent(_)), "{:?}", next.needs());
        let code = self.operation("an approval", || visit.approved_by("alice").code()).await;
        self.operation("an approval that is remembered", || visit.remembered_by("alice").code()).await;
        let redeem = || h.redeem(code_form(&offline(), &code)).issued();
        let tokens = self.operation("code to tokens", redeem).await;
        let used = refresh_form("web", tokens.refresh_token());
        let tokens = self.operation("refresh", || h.redeem(used).issued()).await;
        let revoked = client_form(Form::new().set("token", tokens.refresh_token())).client("web");
        self.operation("revocation", || h.answer(h.post("/revoke", revoked))).await;
        assert!(!h.is_active("api", &tokens.access_token));
    }

    async fn pushed(&self, h: &Harness) {
        let request_uri = self.operation("pushing a request", || h.pushed(&offline())).await;
        let referring = reference_form("web", &request_uri);
        let visit = self.operation("a pushed request", || h.authorize(&referring)).await;
        self.operation("an approval of a pushed request", || visit.approved_by("alice").code()).await;
    }
}
