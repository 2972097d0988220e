//! How long the stores may keep one request waiting, by all of its calls together.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::Duration;

thread_local! {
    /// How long the request that is worked on has waited for stores; `None` outside of requests.
    static WAITED: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// Does the work on one request: what its calls wait for stores is counted together.
///
/// It is counted beside the work, not in what it is given, since between here and a store lie traits of the host. A request
/// within another is a part of it. What the work leaves to the background is outside of it.
pub(crate) async fn one_request<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let mut waited = Duration::ZERO;
    poll_fn(|cx| {
        let _entered = Entered::new(&mut waited);
        work.as_mut().poll(cx)
    })
    .await
}

/// How long this request has waited; nothing outside of requests.
pub(super) fn waited() -> Duration {
    WAITED.get().unwrap_or_default()
}

/// Takes note that this request has waited for a store.
pub(super) fn has_waited(for_a_call: Duration) {
    WAITED.set(WAITED.get().map(|waited| waited.saturating_add(for_a_call)));
}

/// A step of the work on a request; it ends where this is dropped, also by a panic.
///
/// Within another request there is none, and that one counts.
struct Entered<'a>(Option<&'a mut Duration>);

impl<'a> Entered<'a> {
    fn new(waited: &'a mut Duration) -> Self {
        if WAITED.get().is_some() {
            return Self(None);
        }
        WAITED.set(Some(*waited));
        Self(Some(waited))
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        if let Some(waited) = &mut self.0 {
            **waited = WAITED.take().unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use futures_util::future::join;

    use super::*;
    use crate::testing::block_on;

    const SECOND: Duration = Duration::from_secs(1);

    /// A request that waits `times` for a second, one step after the other, and says what it has seen.
    async fn request(times: usize) -> Vec<Duration> {
        let mut seen = Vec::new();
        for _ in 0..times {
            has_waited(SECOND);
            yield_now().await;
            seen.push(waited());
        }
        seen
    }

    async fn yield_now() {
        let mut yielded = false;
        poll_fn(|cx| {
            if yielded {
                return std::task::Poll::Ready(());
            }
            yielded = true;
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
    }

    #[test]
    fn each_request_has_waited_for_its_own_calls() {
        let (one, other) = block_on(join(one_request(request(3)), one_request(request(2))));
        assert_eq!(one, [SECOND, 2 * SECOND, 3 * SECOND]);
        assert_eq!(other, [SECOND, 2 * SECOND]);
        assert_eq!(waited(), Duration::ZERO);
    }

    #[test]
    fn nothing_is_counted_outside_of_requests() {
        assert_eq!(block_on(request(2)), [Duration::ZERO; 2]);
    }

    #[test]
    fn a_request_within_another_is_a_part_of_it() {
        let outer = async {
            has_waited(SECOND);
            let inner = one_request(request(1)).await;
            (inner, waited())
        };
        assert_eq!(block_on(one_request(outer)), (vec![2 * SECOND], 2 * SECOND));
    }

    #[test]
    fn a_panic_leaves_nothing_behind() {
        let work = one_request(async {
            has_waited(SECOND);
            panic!("the work is broken");
        });
        let panicked = catch_unwind(AssertUnwindSafe(|| block_on(work)));
        assert!(panicked.is_err());
        assert_eq!(WAITED.get(), None);
    }
}
