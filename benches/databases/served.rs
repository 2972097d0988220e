//! The provider, and what is asked of it.

use std::sync::Arc;
use std::thread;

use tokio::runtime::Handle;
use vouchsafe::adapters::sqlx::PostgresStore;
use vouchsafe::adapters::tokio::TokioRuntime;
use vouchsafe::client::{Client, ClientMetadata};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::event::Silent;
use vouchsafe::jose::SigningAlg;
use vouchsafe::provider::Provider;
use vouchsafe::store::Stores;
use vouchsafe::testing::{
    AuthorizeForm, Form, Harness, Tokens, authorize_form, client_form, code_form, refresh_form, token_form,
};
use vouchsafe::types::{ClientId, GrantType, RedirectUri, Scope};
use vouchsafe::wire::Request;

use super::AT_ONCE;
use super::rate::{Effort, Work};

/// A client whose ID tokens are signed by ES256.
const CLIENT: &str = "bench";

const SCOPE: &str = "openid offline_access read";

/// What an answer to a code or a refresh token holds beside the tokens that are in the database.
#[derive(Clone, Copy)]
pub(crate) enum Beside {
    /// Nothing.
    Nothing,
    /// An ID token, signed for this answer.
    IdToken,
}

impl Beside {
    fn asked(self) -> AuthorizeForm {
        authorize_form().client(CLIENT).scope(match self {
            Self::Nothing => "offline_access read",
            Self::IdToken => SCOPE,
        })
    }
}

/// A provider whose clients are in memory and whose records are in PostgreSQL.
pub(crate) struct Served {
    harness: Harness,
    /// One refresh token of a family of its own for each run of a turn: without ID tokens, and with them.
    refresh_tokens: [Vec<String>; 2],
    access_tokens: Vec<String>,
    effort: Effort,
}

impl Served {
    pub(crate) fn over(store: PostgresStore, effort: Effort) -> Self {
        let store = Arc::new(store);
        let redirect_uri = RedirectUri::register("https://bench.example/cb").expect("it is sound");
        let metadata = ClientMetadata::code_flow([redirect_uri])
            .with_grant_type(GrantType::RefreshToken)
            .with_scope(Scope::parse(SCOPE).expect("it is sound"))
            .with_id_token_alg(SigningAlg::Es256);
        let harness = Harness::builder()
            .confidential(Client::builder(ClientId::new(CLIENT).expect("it is sound"), metadata))
            .stores(move |memory| {
                Stores::new(Arc::new(memory.clone()), store.clone(), store.clone(), store.clone())
                    .with_replays(store.clone())
                    .with_tickets(store)
            })
            // As in production: the harness' own runtime would remember every deadline.
            .provider(|builder| {
                let runtime = TokioRuntime::current().expect("this runs in a runtime");
                builder.entropy(Arc::new(OsEntropy)).events(Arc::new(Silent)).runtime(Arc::new(runtime))
            })
            .build();
        let [plain, signed] = [Beside::Nothing, Beside::IdToken].map(|beside| {
            let asked = beside.asked();
            at_once(effort.runs, || harness.tokens(&asked, "alice"))
        });
        let refresh_token = |tokens: &Tokens| tokens.refresh_token().to_owned();
        let refresh_tokens = [&plain, &signed].map(|tokens| tokens.iter().map(refresh_token).collect());
        let access_tokens = signed.into_iter().map(|tokens| tokens.access_token).collect();
        Self { harness, refresh_tokens, access_tokens, effort }
    }

    pub(crate) fn client_credentials(&self) -> Vec<Work> {
        let form = || token_form("client_credentials").client("service").scope("read write");
        (0..self.effort.runs).map(|_| self.token(self.harness.post("/token", form()))).collect()
    }

    pub(crate) fn refreshing(&self, beside: Beside) -> Vec<Work> {
        let [plain, signed] = &self.refresh_tokens;
        let tokens = match beside {
            Beside::Nothing => plain,
            Beside::IdToken => signed,
        };
        let request = |token: &String| self.harness.post("/token", refresh_form(CLIENT, token));
        tokens.iter().map(|token| self.token(request(token))).collect()
    }

    /// The codes are made here, before the time is taken.
    pub(crate) fn redeeming(&self, beside: Beside) -> Vec<Work> {
        let asked = beside.asked();
        let codes = at_once(self.effort.runs, || self.harness.code(&asked, "alice"));
        let request = |code: &String| self.harness.post("/token", code_form(&asked, code));
        codes.iter().map(|code| self.token(request(code))).collect()
    }

    pub(crate) fn introspecting(&self) -> Vec<Work> {
        let ask = |token: &String| {
            let request =
                self.harness.post("/introspect", client_form(Form::new().set("token", token)).client("api"));
            let provider = self.harness.provider().clone();
            let work: Work = Box::pin(async move {
                let response = provider.introspection(&request).await;
                let said = std::str::from_utf8(response.body()).expect("JSON is text");
                assert!(said.contains("\"active\":true"), "{said}");
            });
            work
        };
        self.access_tokens.iter().map(ask).collect()
    }

    fn token(&self, request: Request) -> Work {
        let provider: Provider = self.harness.provider().clone();
        Box::pin(async move {
            let response = provider.token(&request).await;
            assert_eq!(response.status(), 200, "{response:?}");
        })
    }
}

/// What `make` makes, made by many threads, since each waits for the database.
fn at_once<T: Send>(count: usize, make: impl Fn() -> T + Sync) -> Vec<T> {
    let runtime = Handle::current();
    thread::scope(|threads| {
        let share = |at: usize| count / AT_ONCE + usize::from(at < count % AT_ONCE);
        let working: Vec<_> = (0..AT_ONCE)
            .map(|at| {
                let (runtime, make) = (&runtime, &make);
                threads.spawn(move || {
                    let _entered = runtime.enter();
                    (0..share(at)).map(|_| make()).collect::<Vec<T>>()
                })
            })
            .collect();
        working.into_iter().flat_map(|thread| thread.join().expect("no thread panics")).collect()
    })
}
