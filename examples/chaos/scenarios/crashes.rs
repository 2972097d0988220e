//! Processes that die: nodes between any two steps (R3), the database under load (R6).

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};
use vouchsafe::BoxError;

use super::races::is_refused;
use crate::history::Answer;
use crate::lab::Stage;
use crate::node::orders::Orders;
use crate::peer::Login;
use crate::relying_party::Load;

/// The failpoints of a sign-in and a redemption: before and after each of four calls.
const FAILPOINTS: u64 = 8;

/// How long a node may take to reach its failpoint.
const DEATH: Duration = Duration::from_secs(2);

/// How soon after the database is back clients are served again.
const RECOVERY: Duration = Duration::from_secs(5);

/// How many codes are under way when a node is killed from outside.
const UNDER_WAY: u64 = 4;

/// R3: a node dies at a failpoint, or is killed from outside while it redeems codes. The code is sent again, to the other
/// node. Then it has all of its tokens, or none and never will.
pub(super) async fn at_failpoints(stage: &mut Stage<'_>) -> Result<(), BoxError> {
    (stage.allowed.unavailable, stage.allowed.silence) = (true, true);
    for turn in 0..stage.lab.count(90, 10_000) {
        let (victim, other) = ((turn % 2) as usize, ((turn + 1) % 2) as usize);
        if turn % 3 == 2 {
            killed(stage, (victim, other)).await?;
        } else {
            dies_at(stage, (victim, other), stage.lab.chance(FAILPOINTS)).await?;
        }
        stage.nodes[victim].revive().await?;
    }
    Ok(())
}

async fn dies_at(stage: &mut Stage<'_>, (victim, other): (usize, usize), at: u64) -> Result<(), BoxError> {
    let urls = stage.urls();
    stage.nodes[victim].order(&Orders { dies_at: Some(at), ..Orders::default() }).await?;
    if let Answer::Code(code) = stage.peer.code([&urls[victim], &urls[victim]], Login::ALICE).await {
        stage.peer.redeem(&urls[victim], "spa", &code).await;
        let again = stage.peer.redeem(&urls[other], "spa", &code).await;
        let sound = matches!(again, Answer::Tokens(_)) || is_refused(&again);
        stage.expect(sound, || format!("a code that was sent again was answered {again:?}"));
    }
    let died = stage.nodes[victim].dies(DEATH).await;
    stage.expect(died, || format!("the node did not reach failpoint {at}"));
    Ok(())
}

async fn killed(stage: &mut Stage<'_>, (victim, other): (usize, usize)) -> Result<(), BoxError> {
    let mut codes = Vec::new();
    for turn in 0..UNDER_WAY {
        codes.push(stage.code(turn).await?);
    }
    let (peer, url, moment) = (stage.peer.clone(), stage.nodes[victim].url(), stage.lab.moment(20));
    let redeeming = join_all(codes.iter().map(|code| peer.redeem(&url, "spa", code)));
    let killing = async {
        sleep(moment).await;
        stage.nodes[victim].kill().await
    };
    let (answers, killed) = tokio::join!(redeeming, killing);
    killed?;
    let url = stage.nodes[other].url();
    for (code, answer) in codes.iter().zip(&answers) {
        let again = stage.peer.redeem(&url, "spa", code).await;
        let may_be_served = !matches!(answer, Answer::Tokens(_));
        let sound = is_refused(&again) || (may_be_served && matches!(again, Answer::Tokens(_)));
        stage.expect(sound, || format!("a code that was answered {answer:?} was then answered {again:?}"));
    }
    Ok(())
}

/// R6: the database crashes again and again while relying parties work. What a client was told to have it has; nobody is
/// told anything but to come again; and five seconds after the database is back they are served.
pub(super) async fn of_the_database(stage: &mut Stage<'_>) -> Result<(), BoxError> {
    stage.allowed.unavailable = true;
    let every = Duration::from_secs(if stage.lab.options.short { 3 } else { 10 });
    let (crashes, wanted) = (stage.lab.count(2, 30), stage.lab.count(100, 100_000) as usize);
    let load = Load::begin(stage, stage.lab.usual(4, 32)).await?;
    for crash in 0.. {
        let given =
            stage.peer.history().collect(|entry| matches!(entry.answer, Answer::Tokens(_)).then_some(()));
        if crash >= crashes && given.len() >= wanted {
            break;
        }
        sleep(every).await;
        stage.lab.postgres.crash_and_restart().await?;
        stage.count_faults(1);
        recovered(stage).await;
    }
    sleep(Duration::from_secs(1)).await;
    let unverified = load.end().await;
    stage.expect(unverified == 0, || format!("{unverified} ID tokens could not be verified"));
    Ok(())
}

/// Waits until both nodes serve clients again, as they have to soon.
async fn recovered(stage: &Stage<'_>) {
    let back = Instant::now();
    for url in stage.urls() {
        while !matches!(stage.peer.credentials(&url, "service").await, Answer::Tokens(_)) {
            if back.elapsed() > RECOVERY {
                let took = back.elapsed();
                return stage
                    .expect(false, || format!("nobody is served {took:?} after the database was back"));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}
