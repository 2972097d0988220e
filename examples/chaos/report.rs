//! The table at the end.

use std::time::Duration;

use crate::lab::Outcome;

/// How many violations of a scenario are printed.
const SHOWN: usize = 10;

/// Characters of one of them: a race has many answers.
const LONGEST: usize = 400;

/// The lines of the table, and whether all is well.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<(&'static str, &'static str, Result<Outcome, String>, Duration)>,
}

impl Report {
    /// Adds a scenario, and prints some of what was wrong in it.
    pub(crate) fn add(
        &mut self,
        (name, title): (&'static str, &'static str),
        outcome: Result<Outcome, String>,
        took: Duration,
    ) {
        match &outcome {
            Ok(outcome) => {
                for violation in outcome.violations.iter().take(SHOWN) {
                    eprintln!("{name}: {:.*}", LONGEST, violation.to_string());
                }
            }
            Err(problem) => eprintln!("{name}: could not be run: {problem}"),
        }
        self.rows.push((name, title, outcome, took));
    }

    /// Prints the table.
    pub(crate) fn print(&self) {
        println!(
            "{:4} {:52} {:>10} {:>8} {:>10} {:>7}",
            "", "fault", "operations", "faults", "violations", "seconds"
        );
        for (name, title, outcome, took) in &self.rows {
            let seconds = took.as_secs();
            match outcome {
                Ok(Outcome { operations, faults, violations }) => {
                    let violations = violations.len();
                    println!(
                        "{name:4} {title:52} {operations:>10} {faults:>8} {violations:>10} {seconds:>7}"
                    );
                }
                Err(_) => {
                    println!("{name:4} {title:52} {:>10} {:>8} {:>10} {seconds:>7}", "-", "-", "not run")
                }
            }
        }
    }

    /// Whether every scenario was run, was one, and broke nothing.
    pub(crate) fn is_clean(&self) -> bool {
        self.rows.iter().all(|(_, _, outcome, _)| match outcome {
            Ok(Outcome { operations, faults, violations }) => {
                *operations > 0 && *faults > 0 && violations.is_empty()
            }
            Err(_) => false,
        })
    }
}
