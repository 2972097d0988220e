//! What goes wrong inside a node: panics (R29), and a random source that fails (R30) or repeats itself (R31).

use futures_util::future::join_all;
use vouchsafe::BoxError;

use crate::history::Answer;
use crate::lab::Stage;
use crate::node::orders::Orders;
use crate::peer::Login;

/// One failpoint in so many panics.
const PANICS_ONE_IN: u64 = 3;

/// How many clients there are at once.
const AT_ONCE: usize = 10;

/// R29: panics begin around calls of the store. Each costs one request a 500, or the browser its redirect; the others are
/// served meanwhile, and everybody afterwards.
pub(super) async fn panics(stage: &mut Stage<'_>) -> Result<(), BoxError> {
    stage.allowed.faults = true;
    let wanted = stage.lab.count(200, 10_000);
    stage.order(&Orders { panics_one_in: PANICS_ONE_IN, ..Orders::default() }).await?;
    let mut served = 0;
    while panicked(stage).await? < wanted {
        let urls = stage.urls();
        let rounds = (0..AT_ONCE).map(|number| round(stage, &urls[number % 2]));
        served += join_all(rounds)
            .await
            .into_iter()
            .flatten()
            .filter(|answer| matches!(answer, Answer::Tokens(_)))
            .count();
    }
    stage.expect(served > 0, || "nobody was served between panics".to_owned());
    stage.order(&Orders::default()).await?;
    for url in stage.urls() {
        let healthy = round(stage, &url).await.iter().all(|answer| matches!(answer, Answer::Tokens(_)));
        stage.expect(healthy, || "after panics somebody is not served".to_owned());
    }
    Ok(())
}

async fn panicked(stage: &mut Stage<'_>) -> Result<u64, BoxError> {
    let mut panics = 0;
    for node in &mut stage.nodes {
        panics += node.order(&Orders { panics_one_in: PANICS_ONE_IN, ..Orders::default() }).await?.faults;
    }
    Ok(panics)
}

/// A sign-in with its redemption, and a token for the client itself.
async fn round(stage: &Stage<'_>, url: &str) -> Vec<Answer> {
    let mut answers = vec![stage.peer.credentials(url, "service").await];
    if let Answer::Code(code) = stage.peer.code([url, url], Login::ALICE).await {
        answers.push(stage.peer.redeem(url, "spa", &code).await);
    }
    answers
}

/// R30: the random source of one node fails. It issues nothing, by no weaker source either; the other node does, and so
/// does it once the source is back.
pub(super) async fn entropy_fails(stage: &mut Stage<'_>) -> Result<(), BoxError> {
    stage.allowed.faults = true;
    let [dry, sound] = stage.urls();
    for turn in 0..stage.lab.count(5, 500) {
        let token = stage.family(turn).await?;
        stage.nodes[0].order(&Orders { entropy_fails: true, ..Orders::default() }).await?;
        let answers = [
            stage.peer.credentials(&dry, "service").await,
            stage.peer.refresh(&dry, "spa", &token).await,
            stage.peer.code([&dry, &dry], Login::ALICE).await,
        ];
        let refused = answers.iter().all(|answer| matches!(answer, Answer::Fault(_)));
        stage.expect(refused, || format!("without randomness clients were answered {answers:?}"));
        let elsewhere = stage.peer.credentials(&sound, "service").await;
        stage.expect(matches!(elsewhere, Answer::Tokens(_)), || {
            format!("the other node answered {elsewhere:?}")
        });
        stage.nodes[0].order(&Orders::default()).await?;
        let again = stage.peer.refresh(&dry, "spa", &token).await;
        stage.expect(matches!(again, Answer::Tokens(_)), || {
            format!("with randomness again it answered {again:?}")
        });
    }
    Ok(())
}

/// R31: every second draw from the random source is the one before again, so that the same names and tokens come twice.
/// They are drawn anew; nobody notices, and no two clients are given the same.
pub(super) async fn entropy_repeats(stage: &mut Stage<'_>) -> Result<(), BoxError> {
    stage.order(&Orders { entropy_repeats: true, ..Orders::default() }).await?;
    let mut given = std::collections::BTreeSet::new();
    for turn in 0..stage.lab.count(40, 2000) {
        let url = stage.url(turn);
        for answer in round(stage, &url).await {
            match answer {
                Answer::Tokens(tokens) => {
                    stage.expect(given.insert(tokens.access), || {
                        "two clients were given one token".to_owned()
                    });
                }
                answer => stage
                    .expect(false, || format!("where randomness repeats, a client was answered {answer:?}")),
            }
        }
    }
    Ok(())
}
