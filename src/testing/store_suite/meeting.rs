//! Letting tasks begin together, on any runtime.

use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use crate::runtime::Runtime;

/// Runs all of `tasks`, none of which begins before all are there, and gives what they answered, in any order.
pub(super) async fn meet<T: Send + 'static>(
    runtime: &dyn Runtime,
    tasks: Vec<Pin<Box<dyn Future<Output = T> + Send>>>,
) -> Vec<T> {
    let size = tasks.len();
    let meeting = Arc::new(Meeting { size, state: Mutex::new(State::default()) });
    for task in tasks {
        let seat = Seat(Arc::clone(&meeting));
        runtime.spawn(Box::pin(async move {
            seat.0.all_there().await;
            let answer = task.await;
            seat.0.state().answers.push(answer);
        }));
    }
    meeting.all_gone().await;
    let answers = mem::take(&mut meeting.state().answers);
    assert_eq!(answers.len(), size, "a task has panicked; what it says stands above");
    answers
}

struct Meeting<T> {
    size: usize,
    state: Mutex<State<T>>,
}

struct State<T> {
    come: usize,
    gone: usize,
    answers: Vec<T>,
    waiting: Vec<Waker>,
}

/// One task's place: it is given back when the task ends, also when it panics or is dropped.
struct Seat<T>(Arc<Meeting<T>>);

impl<T> Meeting<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn all_there(&self) {
        let mut come = false;
        poll_fn(|cx| {
            let mut state = self.state();
            if !mem::replace(&mut come, true) {
                state.come += 1;
                state.wake_all();
            }
            let over = state.come == self.size;
            state.wait(over, cx.waker())
        })
        .await;
    }

    async fn all_gone(&self) {
        poll_fn(|cx| {
            let mut state = self.state();
            let over = state.gone == self.size;
            state.wait(over, cx.waker())
        })
        .await;
    }
}

impl<T> State<T> {
    fn wait(&mut self, over: bool, waker: &Waker) -> Poll<()> {
        if over {
            return Poll::Ready(());
        }
        self.waiting.push(waker.clone());
        Poll::Pending
    }

    fn wake_all(&mut self) {
        self.waiting.drain(..).for_each(Waker::wake);
    }
}

impl<T> Default for State<T> {
    fn default() -> Self {
        Self { come: 0, gone: 0, answers: Vec::new(), waiting: Vec::new() }
    }
}

impl<T> Drop for Seat<T> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.gone += 1;
        state.wake_all();
    }
}
