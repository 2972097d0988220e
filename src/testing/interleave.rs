//! Futures that are driven step by step: in any order, or not to their end.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// A future to drive with others.
pub type Step<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Runs futures on this thread, one poll at a time, and returns what they came to, in their order.
///
/// Each number of `schedule` chooses, among those that have not ended, the next to be polled; where the schedule ends,
/// they take turns. A future must wake itself, as one that waits in [`Faults::pause`](super::Faults::pause) does.
#[must_use]
pub fn interleave<T>(futures: Vec<Step<'_, T>>, schedule: &[usize]) -> Vec<T> {
    let mut outputs: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    let mut running: Vec<(usize, Step<'_, T>)> = futures.into_iter().enumerate().collect();
    let mut choices = schedule.iter().copied().chain(0..);
    let mut cx = Context::from_waker(Waker::noop());
    while !running.is_empty() {
        let chosen = choices.next().unwrap_or_default() % running.len();
        let (place, future) = &mut running[chosen];
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            outputs[*place] = Some(output);
            drop(running.swap_remove(chosen));
        }
    }
    outputs.into_iter().flatten().collect()
}

/// Polls a future `times` and drops it, as a server does when its client is gone; `Some` if it had ended by then.
pub fn abandon<T>(future: impl Future<Output = T>, times: usize) -> Option<T> {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..times {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::poll_fn;

    use super::*;

    async fn pause() {
        let mut waits = true;
        poll_fn(|_| if std::mem::take(&mut waits) { Poll::Pending } else { Poll::Ready(()) }).await;
    }

    #[test]
    fn futures_take_turns_as_scheduled() {
        let log = RefCell::new(String::new());
        let say = |name: char| -> Step<'_, char> {
            let log = &log;
            Box::pin(async move {
                for _ in 0..2 {
                    log.borrow_mut().push(name);
                    pause().await;
                }
                name
            })
        };
        let ended = interleave(vec![say('a'), say('b')], &[1, 0, 0, 1]);
        assert_eq!((log.borrow().as_str(), ended), ("baab", vec!['a', 'b']));
    }

    #[test]
    fn an_abandoned_future_gets_no_further() {
        let reached = RefCell::new(0);
        let work = || async {
            *reached.borrow_mut() = 1;
            pause().await;
            *reached.borrow_mut() = 2;
        };
        assert_eq!((abandon(work(), 1), *reached.borrow()), (None, 1));
        assert_eq!((abandon(work(), 2), *reached.borrow()), (Some(()), 2));
    }
}
