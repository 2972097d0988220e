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

/// How often each side runs in one round, and how many turns it has.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) runs: usize,
    pub(crate) turns: usize,
}

impl Effort {
    /// Without `--bench` this is a test run, as with criterion.
    pub(crate) fn asked() -> Self {
        match env_asks() {
            true => Self { runs: 1_000, turns: 15 },
            false => Self { runs: AT_ONCE, turns: 1 },
        }
    }

    /// So many rounds in a turn; one where nothing is measured.
    pub(crate) const fn rounds(self, measured: usize) -> usize {
        if self.turns > 1 { measured } else { 1 }
    }
}

fn env_asks() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// Whether the name of a measurement was given, or a part of it, or none at all.
pub(crate) fn is_wanted(what: &str) -> bool {
    let mut named = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
    named.peek().is_none() || named.any(|part| what.contains(&part))
}

/// What is measured: its name, and how many rounds there are in a turn, which is to last for some tenths of a second.
pub(crate) struct Measured<'a> {
    pub(crate) what: &'a str,
    pub(crate) rounds: usize,
}

/// Prints the rate of `ours` over that of `theirs`, turn by turn: the median of the ratios, and between what half of them are.
/// Each makes one piece of work for each run of a round.
pub(crate) fn ratio(
    runtime: &Runtime,
    effort: Effort,
    measured: &Measured<'_>,
    ours: impl Fn() -> Vec<Work>,
    theirs: impl Fn() -> Vec<Work>,
) {
    let what = measured.what;
    if !is_wanted(what) {
        return;
    }
    let turn = |round: &dyn Fn() -> Vec<Work>| {
        let work = (0..measured.rounds).flat_map(|_| round()).collect();
        let rate = rate(runtime, work);
        // The store has given its connections back by then, so that the other side has all of them.
        runtime.block_on(sleep(IDLE));
        rate
    };
    let [mut rates, mut others, mut ratios] = [const { Vec::new() }; 3];
    for _ in 0..effort.turns {
        let (ours, theirs) = (turn(&ours), turn(&theirs));
        rates.push(ours);
        others.push(theirs);
        ratios.push(ours / theirs);
    }
    let [[_, ours, _], [_, theirs, _], [low, ratio, high]] = [rates, others, ratios].map(quartiles);
    println!("{what}: {ours:.0}/s over {theirs:.0}/s = {ratio:.2} ({low:.2} to {high:.2})");
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

fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[(values.len() - 1) * quarter / 4])
}
