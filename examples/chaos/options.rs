//! Flags.

use clap::{Parser, Subcommand};

/// Breaks whatever a provider over PostgreSQL stands on, while clients use it, and checks what is promised.
#[derive(Clone, Debug, Parser)]
pub(crate) struct Options {
    /// A few minutes instead of hours: fewer of everything.
    #[arg(long)]
    pub(crate) short: bool,
    /// These scenarios alone, by name: R3, or R1,R2.
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// How much of everything there is, beside what is usual: 0.1 is a tenth.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) scale: f64,
    /// What chances are drawn from. Default: another one each time, which is printed.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// What this process is.
    #[command(subcommand)]
    pub(crate) role: Option<Role>,
}

/// What a process is, if not the one that runs the scenarios.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Role {
    /// A node, told what to be on standard input.
    #[command(hide = true)]
    Node,
}
