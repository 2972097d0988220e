//! A runtime that a test drives by hand, on its own thread.

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use async_trait::async_trait;

use crate::runtime::Runtime;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A [`Runtime`] in which nothing happens by itself: spawned tasks run in [`ManualRuntime::run`], in the order in
/// which they were spawned, and sleepers wake in [`ManualRuntime::advance`]. Blocking work is done at once.
#[derive(Default)]
pub struct ManualRuntime {
    tasks: Mutex<Vec<Task>>,
    timer: Mutex<Timer>,
}

#[derive(Default)]
struct Timer {
    elapsed: Duration,
    sleepers: Vec<(Duration, Waker)>,
}

impl ManualRuntime {
    /// A runtime at its beginning.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs the spawned tasks, and those that they spawn, until each has ended or waits. Returns how many wait.
    pub fn run(&self) -> usize {
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&flag));
        let mut waiting = Vec::new();
        while flag.0.swap(false, Ordering::SeqCst) || !self.tasks().is_empty() {
            waiting.append(&mut self.tasks());
            waiting.retain_mut(|task| task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        let count = waiting.len();
        self.tasks().splice(0..0, waiting);
        count
    }

    /// Lets `by` pass, wakes the sleepers whose time has come, and [runs](ManualRuntime::run) the tasks.
    pub fn advance(&self, by: Duration) -> usize {
        let mut timer = self.timer();
        timer.elapsed += by;
        let elapsed = timer.elapsed;
        let woken: Vec<_> = timer.sleepers.extract_if(.., |(until, _)| *until <= elapsed).collect();
        drop(timer);
        woken.into_iter().for_each(|(_, waker)| waker.wake());
        self.run()
    }

    fn tasks(&self) -> MutexGuard<'_, Vec<Task>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn timer(&self) -> MutexGuard<'_, Timer> {
        self.timer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Runtime for ManualRuntime {
    fn spawn(&self, task: Task) {
        self.tasks().push(task);
    }

    async fn sleep(&self, duration: Duration) {
        let until = self.timer().elapsed + duration;
        poll_fn(|cx| {
            let mut timer = self.timer();
            if until <= timer.elapsed {
                return Poll::Ready(());
            }
            timer.sleepers.push((until, cx.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    async fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
        // The port promises that a panic in the work stays there.
        drop(catch_unwind(AssertUnwindSafe(work)));
    }

    fn elapsed(&self) -> Duration {
        self.timer().elapsed
    }
}

impl fmt::Debug for ManualRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tasks, elapsed) = (self.tasks().len(), self.timer().elapsed);
        f.debug_struct("ManualRuntime").field("tasks", &tasks).field("elapsed", &elapsed).finish()
    }
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Runs `future` to its end on this thread, which sleeps while the future waits for another one.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_run_in_order_and_sleepers_wake_when_time_is_moved() {
        let runtime = Arc::new(ManualRuntime::new());
        let log = Arc::new(Mutex::new(Vec::new()));
        for (name, seconds) in [("late", 60), ("early", 1)] {
            let (inner, log) = (Arc::clone(&runtime), Arc::clone(&log));
            runtime.spawn(Box::pin(async move {
                log.lock().unwrap().push(format!("{name} begins"));
                inner.sleep(Duration::from_secs(seconds)).await;
                log.lock().unwrap().push(format!("{name} ends"));
            }));
        }
        assert_eq!(runtime.run(), 2);
        assert_eq!(*log.lock().unwrap(), ["late begins", "early begins"]);
        assert_eq!(runtime.advance(Duration::from_secs(59)), 1);
        assert_eq!(runtime.advance(Duration::from_secs(1)), 0);
        assert_eq!(log.lock().unwrap()[2..], ["early ends", "late ends"]);
        assert_eq!(runtime.elapsed(), Duration::from_secs(60));
    }

    #[test]
    fn a_panic_in_blocking_work_stays_there() {
        let runtime = ManualRuntime::new();
        block_on(runtime.blocking(Box::new(|| panic!("the work fails"))));
        assert_eq!(runtime.run(), 0);
    }
}
