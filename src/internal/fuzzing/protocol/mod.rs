//! The protocol as a whole: random sequences of what clients, people, hosts and time do to two nodes over one store
//! that fails, beside a model of what must come of it.

mod cast;
mod invariants;
mod model;
mod operation;
mod run;
mod world;

#[cfg(test)]
mod tests;

use std::convert::identity;

use self::operation::decode;
use self::run::Run;
use self::world::Guarantees;

/// The input as operations, each in four bytes, done one after the other.
///
/// Provider and model come to the same answer, with the same reason, and hold the same grants and tokens; and the
/// rules hold that no operation can break.
pub fn protocol(data: &[u8]) {
    if let Err(difference) = differs(data, identity) {
        panic!("{difference}");
    }
}

/// Does the operations over a store with these guarantees.
fn differs(data: &[u8], guarantees: Guarantees) -> Result<(), String> {
    let mut run = Run::new(guarantees);
    let operations = decode(data);
    for (at, operation) in operations.iter().enumerate() {
        let done = &operations[..=at];
        run.step(*operation).map_err(|difference| format!("after {done:#?}: {difference}"))?;
    }
    Ok(())
}
