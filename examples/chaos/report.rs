//! The table: a line for each scenario, as soon as it has ended.

use std::time::Duration;

use crate::lab::Outcome;

/// How many violations of a scenario are printed.
const SHOWN: usize = 10;

/// Characters of one of them: a race has many answers.
const LONGEST: usize = 400;

/// The table as it is printed, and whether all is well so far.
#[derive(Debug)]
pub(crate) struct Report {
    clean: bool,
}

impl Report {
    /// Prints the head.
    pub(crate) fn begin() -> Self {
        println!(
            "{:4} {:56} {:>10} {:>8} {:>10} {:>7}",
            "", "fault", "operations", "faults", "violations", "seconds"
        );
        Self { clean: true }
    }

    /// Prints the line of a scenario, and some of what was wrong in it.
    pub(crate) fn add(
        &mut self,
        (name, fault): (&str, &str),
        outcome: &Result<Outcome, String>,
        took: Duration,
    ) {
        let seconds = took.as_secs();
        match outcome {
            Ok(Outcome { operations, faults, violations }) => {
                let count = violations.len();
                println!("{name:4} {fault:56} {operations:>10} {faults:>8} {count:>10} {seconds:>7}");
                for violation in violations.iter().take(SHOWN) {
                    eprintln!("{name}: {:.*}", LONGEST, violation.to_string());
                }
                self.clean &= *operations > 0 && *faults > 0 && violations.is_empty();
            }
            Err(problem) => {
                println!("{name:4} {fault:56} {:>10} {:>8} {:>10} {seconds:>7}", "-", "-", "not run");
                eprintln!("{name}: could not be run: {problem}");
                self.clean = false;
            }
        }
    }

    /// Whether every scenario could be run, had something to do and broke nothing.
    pub(crate) const fn is_clean(&self) -> bool {
        self.clean
    }
}
