//! Breaks what a provider stands on and checks what is promised: `cargo run --release --example chaos -- --short`.
//!
//! It starts a PostgreSQL of its own and two nodes, which are this executable once more, each a provider over the one
//! database; between them stands a proxy that can lose what passes. Clients use both nodes over HTTP while one fault after
//! the other happens. Whatever a client was told is noted, and at the end an offline [`checker`] says whether all answers
//! and all rows of the database fit together. The exit code is 1 when they do not.
//!
//! | module | what it is |
//! |---|---|
//! | [`scenarios`] | the faults, each with what clients do meanwhile |
//! | [`node`] | a node, and how it is made to misbehave |
//! | [`proxy`], [`postgres`] | the network, and the database |
//! | [`peer`], [`relying_party`] | the clients: raw requests for races, the crate `openidconnect` for the usual load |
//! | [`history`], [`rows`], [`checker`] | what was seen, and whether it may be |

mod checker;
mod database;
mod history;
mod lab;
mod node;
mod nodes;
mod options;
mod peer;
mod postgres;
mod proxy;
mod relying_party;
mod report;
mod rows;
mod scenarios;

use std::process::ExitCode;

use clap::Parser as _;
use tokio::time::Instant;
use vouchsafe::BoxError;
use vouchsafe::entropy::{OsEntropy, random};

use self::lab::Lab;
use self::options::{Options, Role};
use self::report::Report;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let done = match options.role {
        Some(Role::Node) => node::run().await.map(|()| true),
        // Dropping the run stops what it has started.
        None => tokio::select! {
            done = run(options) => done,
            _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
        },
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("chaos: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the scenarios; `false` when something was wrong.
async fn run(options: Options) -> Result<bool, BoxError> {
    let seed = match options.seed {
        Some(seed) => seed,
        None => u64::from(u32::from_be_bytes(random(&OsEntropy)?)),
    };
    println!("seed {seed}");
    let chosen = scenarios::chosen(&options.only)?;
    let lab = Lab::open(options, seed).await?;
    let mut report = Report::begin();
    for (name, fault) in chosen {
        let begun = Instant::now();
        let outcome = scenarios::run(&lab, name).await.map_err(|problem| problem.to_string());
        report.add((name, fault), &outcome, begun.elapsed());
    }
    Ok(report.is_clean())
}
