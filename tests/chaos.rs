//! The short run of `examples/chaos`: every fault is injected, and everything that is promised holds.
//!
//! `cargo build --example chaos` first: a test that is named builds no example.

use std::process::{Command, Stdio};

/// The scenarios of the example, by the numbers of their faults.
const SCENARIOS: [&str; 22] = [
    "R1", "R2", "R3", "R4", "R5", "R6", "R8", "R10", "R11", "R12", "R13", "R15", "R25", "R29", "R30", "R31",
    "R32", "R33", "R40", "jti", "disk", "out",
];

/// On PostgreSQL and two processes: attack 315, attack 320, attack 321, attack 322, attack 323, attack 332.
#[test]
fn whatever_breaks_the_promises_hold() {
    let example = std::env::current_exe().unwrap().parent().unwrap().with_file_name("examples").join("chaos");
    let run = Command::new(example).arg("--short").stderr(Stdio::inherit()).output().unwrap();
    let table = String::from_utf8(run.stdout).unwrap();
    println!("{table}");
    assert!(run.status.success(), "{}", run.status);
    for scenario in SCENARIOS {
        let row = table.lines().find(|line| line.split_whitespace().next() == Some(scenario)).unwrap();
        // From the right, since the fault is told in words: seconds, violations, faults, operations.
        let numbers: Vec<u64> =
            row.split_whitespace().rev().take(4).map(|text| text.parse().unwrap()).collect();
        let [_, violations, faults, operations] = *numbers else { panic!("{row}") };
        assert!(operations > 0 && faults > 0 && violations == 0, "{row}");
    }
}
