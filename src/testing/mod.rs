//! What tests of this crate, and of its users, are made of: time, randomness and peers under their control.
//!
//! Unlike the rest of the crate, what is here may panic: it asserts.

mod accounts;
mod clock;
mod entropy;
mod events;
mod http;
mod runtime;
pub mod store_suite;

pub use accounts::AccountTable;
pub use clock::ManualClock;
pub use entropy::{Position, SeededEntropy};
pub use events::{RecordedEvents, refusals};
pub use http::HttpTable;
pub use runtime::{ManualRuntime, block_on};
