//! Two sides of a ratio, measured in one run: in turns, so that other work on the machine changes neither.

use std::time::{Duration, Instant};

/// How often each side runs in one turn, and how many turns it has.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) runs: u32,
    pub(crate) turns: usize,
}

impl Effort {
    /// Without `--bench` this is a test run, as with criterion.
    pub(crate) fn asked() -> Self {
        match std::env::args().any(|argument| argument == "--bench") {
            true => Self { runs: 500, turns: 60 },
            false => Self { runs: 2, turns: 2 },
        }
    }
}

/// The quickest turn of each of two sides, which take turns, as time for one run.
#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
pub(crate) fn in_turns<L, R>(
    effort: Effort,
    left: impl Fn() -> L,
    right: impl Fn() -> R,
) -> (Duration, Duration)
where
    L: FnMut(),
    R: FnMut(),
{
    let turn = |run: &mut dyn FnMut()| {
        let begun = Instant::now();
        (0..effort.runs).for_each(|_| run());
        begun.elapsed() / effort.runs
    };
    let mut best = (Duration::MAX, Duration::MAX);
    for _ in 0..effort.turns {
        let (mut left, mut right) = (left(), right());
        best.0 = best.0.min(turn(&mut left));
        best.1 = best.1.min(turn(&mut right));
    }
    best
}

/// Prints what a ratio is of.
pub(crate) fn report(what: &str, (ours, theirs): (Duration, Duration)) {
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    println!("{what}: {ours:?} over {theirs:?} = {ratio:.2}");
}
