//! Rates of many tasks, taken in turns.

use std::pin::Pin;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::runtime::Runtime;
use tokio::time::sleep;

use super::AT_ONCE;

/// How long a store may keep a connection that it does not use, and more.
const IDLE: Duration = Duration::from_millis(250);

/// One piece of work, to be waited for.
pub(crate) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How often each side runs in one turn, and how many turns it has.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) runs: usize,
    pub(crate) turns: usize,
}

impl Effort {
    /// Without `--bench` this is a test run, as with criterion.
    pub(crate) fn asked() -> Self {
        match env_asks() {
            true => Self { runs: 1_000, turns: 7 },
            false => Self { runs: AT_ONCE, turns: 1 },
        }
    }
}

fn env_asks() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// Prints the rate of `ours` over that of `theirs`: the medians of their turns. Each makes one piece of work for each run.
pub(crate) fn ratio(
    runtime: &Runtime,
    effort: Effort,
    what: &str,
    ours: impl Fn() -> Vec<Work>,
    theirs: impl Fn() -> Vec<Work>,
) {
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..effort.turns {
        rates[0].push(rate(runtime, ours()));
        // The store has given its connections back by then, so that the other side has all of them.
        runtime.block_on(sleep(IDLE));
        rates[1].push(rate(runtime, theirs()));
    }
    let [ours, theirs] = rates.map(median);
    println!("{what}: {ours:.0}/s over {theirs:.0}/s = {:.2}", ours / theirs);
}

/// Pieces of work for each second, when [`AT_ONCE`] tasks share them.
#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn rate(runtime: &Runtime, work: Vec<Work>) -> f64 {
    let count = work.len();
    let mut shares: Vec<Vec<Work>> = (0..AT_ONCE).map(|_| Vec::new()).collect();
    for (at, piece) in work.into_iter().enumerate() {
        shares[at % AT_ONCE].push(piece);
    }
    let begun = Instant::now();
    let tasks = shares.into_iter().map(|share| {
        runtime.spawn(async move {
            for piece in share {
                piece.await;
            }
        })
    });
    for ended in runtime.block_on(join_all(tasks)) {
        ended.expect("no piece of work panics");
    }
    count as f64 / begun.elapsed().max(Duration::from_micros(1)).as_secs_f64()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
