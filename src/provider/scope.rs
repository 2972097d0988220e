//! The work on a request, inside of what the event sink puts around it.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;

use futures_util::FutureExt as _;
use http::StatusCode;

use super::authorize::Authorize;
use super::core::Core;
use super::logout::Logout;
use crate::event::{Endpoint, RequestScope};
use crate::store::allowance::one_request;
use crate::wire::Response;

/// What a request comes to.
pub(super) trait Answered {
    /// The status of the answer; `None` where the host still has to answer.
    fn status(&self) -> Option<StatusCode>;
}

impl Answered for Response {
    fn status(&self) -> Option<StatusCode> {
        Some(self.status())
    }
}

impl Answered for Authorize {
    fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Interact { .. } | Self::LogOut | Self::VerifyDevice => None,
            Self::Respond(response) => Some(response.status()),
        }
    }
}

impl Answered for Logout {
    fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Respond(response) => Some(response.status()),
            Self::Confirm { .. } | Self::End(_) | Self::Over(_) => None,
        }
    }
}

/// Does `work` on a request that arrived at `endpoint`. A panic comes to `panicked` (attack 332): one of the work
/// inside of the scope, one of the scope itself outside of it.
pub(super) async fn caught<T: Answered>(
    core: &Core,
    endpoint: Endpoint,
    work: impl Future<Output = T>,
    panicked: impl Fn() -> T,
) -> T {
    let answered = async { AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| panicked()) };
    let scoped = AssertUnwindSafe(scoped(core, endpoint, answered)).catch_unwind().await;
    scoped.unwrap_or_else(|_| panicked())
}

/// Does `work` on a request that arrived at `endpoint`.
pub(super) async fn scoped<T: Answered>(core: &Core, endpoint: Endpoint, work: impl Future<Output = T>) -> T {
    let work = one_request(work);
    let Some(scope) = core.events.scope(endpoint) else { return work.await };
    let mut work = pin!(work);
    let answer = poll_fn(|cx| step(&*scope, || work.as_mut().poll(cx))).await;
    note(&*scope, &answer);
    answer
}

/// Does `work` that waits for nothing.
pub(super) fn scoped_now<T: Answered>(core: &Core, endpoint: Endpoint, mut work: impl FnMut() -> T) -> T {
    let Some(scope) = core.events.scope(endpoint) else { return work() };
    let answer = step(&*scope, work);
    note(&*scope, &answer);
    answer
}

/// One step inside of the scope. It is done once, whatever the scope does: a future that is not polled is never woken.
fn step<T>(scope: &dyn RequestScope, mut work: impl FnMut() -> T) -> T {
    let mut done = None;
    scope.within(&mut || {
        if done.is_none() {
            done = Some(work());
        }
    });
    done.unwrap_or_else(work)
}

fn note(scope: &dyn RequestScope, answer: &impl Answered) {
    if let Some(status) = answer.status() {
        scope.answered(status);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

    use super::*;
    use crate::event::{Event, EventSink};
    use crate::testing::{Harness, token_form};

    /// How often a scope does a step.
    #[derive(Clone, Copy, Debug)]
    enum Doing {
        Never,
        Twice,
        ThenPanics,
    }

    /// Puts scopes around requests that break their contract.
    #[derive(Clone, Debug)]
    struct Careless {
        doing: Doing,
        entered: Arc<AtomicUsize>,
        status: Arc<AtomicU16>,
    }

    impl EventSink for Careless {
        fn emit(&self, _: &Event) {}

        fn scope(&self, _: Endpoint) -> Option<Box<dyn RequestScope>> {
            Some(Box::new(self.clone()))
        }
    }

    impl RequestScope for Careless {
        fn within(&self, step: &mut dyn FnMut()) {
            self.entered.fetch_add(1, Ordering::Relaxed);
            match self.doing {
                Doing::Never => {}
                Doing::Twice => (0..2).for_each(|_| step()),
                Doing::ThenPanics => {
                    step();
                    panic!("the scope is broken");
                }
            }
        }

        fn answered(&self, status: StatusCode) {
            self.status.store(status.as_u16(), Ordering::Relaxed);
        }
    }

    fn harness(doing: Doing) -> (Harness, Careless) {
        let sink = Careless { doing, entered: Arc::default(), status: Arc::default() };
        let given = sink.clone();
        (Harness::builder().provider(|builder| builder.events(Arc::new(given))).build(), sink)
    }

    #[test]
    fn a_step_is_done_once_whatever_the_scope_does() {
        for doing in [Doing::Never, Doing::Twice] {
            let (h, sink) = harness(doing);
            let _ = h.redeem(token_form("client_credentials").client("service")).issued();
            let seen = (sink.entered.load(Ordering::Relaxed), sink.status.load(Ordering::Relaxed));
            assert_eq!(seen, (1, 200), "{doing:?}");
        }
    }

    /// attack 332: a panic of the host's sink is a 500 like every other.
    #[test]
    fn a_scope_that_panics_takes_nothing_with_it() {
        let (h, _) = harness(Doing::ThenPanics);
        let outcome = h.redeem(token_form("client_credentials").client("service"));
        assert_eq!(outcome.response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
