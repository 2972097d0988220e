//! The faults, by their numbers in the table of what a deployment must survive, and what clients do meanwhile.
//!
//! Each scenario says itself what its clients must be told; what must hold whatever happens is the
//! [`checker`](crate::checker)'s.

mod clocks;
mod crashes;
mod disk;
mod limits;
mod outages;
mod processes;
mod races;
mod rotation;

use vouchsafe::BoxError;

use crate::lab::{Lab, Outcome, Stage, Wanted};

/// Every scenario: its name, and the fault.
const ALL: [(&str, &str); 22] = [
    ("R1", "two nodes redeem one code at the same instant"),
    ("R2", "two nodes use one refresh token at the same instant"),
    ("R3", "a node dies between any two steps"),
    ("R4", "the database has done it, and its answer is lost"),
    ("R5", "a client is gone before it has its answer"),
    ("R6", "the database crashes under load"),
    ("R8", "transactions are serializable, and collide"),
    ("R10", "the database can be read only"),
    ("R11", "the database is slow"),
    ("R12", "two connections for two hundred requests"),
    ("R13", "clocks are off by two minutes, and go back"),
    ("R15", "system secrets rotate under load"),
    ("R25", "rows are swept while they are used"),
    ("R29", "handlers panic"),
    ("R30", "the random source fails"),
    ("R31", "the random source repeats itself"),
    ("R32", "clients hang up in the middle of a redemption"),
    ("R33", "a proxy sends every request twice"),
    ("R40", "a node is cut off from the database"),
    ("jti", "one assertion is sent to two nodes at the same instant"),
    ("disk", "the disk of the database is full"),
    ("out", "people sign out while their tokens are used"),
];

/// Those of these names, in their order; all of them where none is named.
///
/// # Errors
/// When there is none of a name.
pub(crate) fn chosen(names: &[String]) -> Result<Vec<(&'static str, &'static str)>, BoxError> {
    if let Some(unknown) = names.iter().find(|name| !ALL.iter().any(|(known, _)| known == name)) {
        return Err(format!("there is no scenario {unknown}").into());
    }
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    Ok(ALL.into_iter().filter(|(name, _)| wanted(name)).collect())
}

/// Runs one.
///
/// # Errors
/// When something failed that no fault was to reach: nothing is known of the scenario then.
pub(crate) async fn run(lab: &Lab, name: &str) -> Result<Outcome, BoxError> {
    if name == "disk" {
        // What is full takes nobody else's database with it.
        let own = Lab::open(lab.options.clone(), lab.chance(u64::MAX)).await?;
        return run_in(&own, name).await;
    }
    run_in(lab, name).await
}

async fn run_in(lab: &Lab, name: &str) -> Result<Outcome, BoxError> {
    let wanted = match name {
        "R8" => Wanted::Serializable,
        "R12" => Wanted::FewConnections,
        _ => Wanted::Usual,
    };
    let mut stage = Stage::set(lab, name, wanted).await?;
    match name {
        "R1" => races::codes(&mut stage).await?,
        "R2" => races::refreshes(&mut stage).await?,
        "R3" => crashes::at_failpoints(&mut stage).await?,
        "R4" => outages::lost_answers(&mut stage).await?,
        "R5" => races::lost_responses(&mut stage).await?,
        "R6" => crashes::of_the_database(&mut stage).await?,
        "R8" => races::serializable(&mut stage).await?,
        "R10" => outages::read_only(&mut stage).await?,
        "R11" => limits::slow_store(&mut stage).await?,
        "R12" => limits::few_connections(&mut stage).await?,
        "R13" => clocks::skewed(&mut stage).await?,
        "R15" => rotation::system_secrets(&mut stage).await?,
        "R25" => clocks::swept(&mut stage).await?,
        "R29" => processes::panics(&mut stage).await?,
        "R30" => processes::entropy_fails(&mut stage).await?,
        "R31" => processes::entropy_repeats(&mut stage).await?,
        "R32" => races::abandoned(&mut stage).await?,
        "R33" => races::delivered_twice(&mut stage).await?,
        "R40" => outages::cut_off(&mut stage).await?,
        "jti" => races::assertions(&mut stage).await?,
        "disk" => disk::full(&mut stage).await?,
        "out" => races::sign_outs(&mut stage).await?,
        _ => return Err(format!("there is no scenario {name}").into()),
    }
    stage.clear().await
}
