//! Clocks that are off (R13), and rows that go when they have had their time (R25).

use std::time::Duration;

use tokio::time::sleep;
use vouchsafe::BoxError;

use super::races::{is_refused, successor};
use crate::history::{Answer, Text};
use crate::lab::Stage;
use crate::node::OPAQUE_LIFETIME;
use crate::node::orders::Orders;
use crate::peer::assertion_expiry;

/// Seconds by which the clocks of two nodes may differ.
const SKEW: i64 = 120;

const HOUR: i64 = 60 * 60;

/// Seconds that an opaque access token lives.
const LIFETIME: i64 = OPAQUE_LIFETIME.as_secs() as i64;

/// R13: one node is two minutes ahead or behind, then both go back by an hour, or far on. What was used or revoked stays so,
/// on every node, also after a restart; nothing is good after its end.
pub(super) async fn skewed(stage: &mut Stage<'_>) -> Result<(), BoxError> {
    stage.allowed.expiry = true;
    for turn in 0..stage.lab.count(4, 200) {
        let off = if turn.is_multiple_of(2) { SKEW } else { -SKEW };
        differ(stage, off).await?;
        go_back(stage, turn).await?;
    }
    Ok(())
}

/// One node is `off` by so much. What one issues the other takes; a refresh token is used at both in turn.
async fn differ(stage: &mut Stage<'_>, off: i64) -> Result<(), BoxError> {
    // A code lives for a minute, so that it is not taken where the clocks differ by two.
    let mut token = stage.family(0).await?;
    stage.nodes[1].order(&Orders { clock_offset: off, ..Orders::default() }).await?;
    let [right, wrong] = stage.urls();
    for url in [&wrong, &right, &wrong, &right] {
        let answer = stage.peer.refresh(url, "spa", &token).await;
        stage.expect(successor(&answer).is_some(), || {
            format!("a clock that is off answered a refresh by {answer:?}")
        });
        if let Answer::Tokens(tokens) = &answer {
            let active =
                stage.peer.introspect(if *url == right { &wrong } else { &right }, &tokens.access).await;
            stage.expect(active == Answer::Active(true), || {
                format!("the other clock takes a token as {active:?}")
            });
        }
        token = successor(&answer).cloned().unwrap_or(token);
    }
    stage.count_faults(1);
    stage.nodes[1].order(&Orders::default()).await.map(drop)
}

/// Both clocks go back by an hour after a code was replayed and a family revoked; nothing is opened again by that, nor by a
/// restart. Then they go beyond the end of a token.
async fn go_back(stage: &mut Stage<'_>, turn: u64) -> Result<(), BoxError> {
    let (code, url, jti) = (stage.code(0).await?, stage.url(turn), Text::from(format!("before-{turn}")));
    let expiry = assertion_expiry();
    let assertion = stage.peer.assertion(&jti, expiry).await?;
    let redeemed = stage.peer.redeem(&url, "spa", &code).await;
    let accepted = stage.peer.assert(&url, &assertion, &jti).await;
    stage.expect(matches!(accepted, Answer::Tokens(_)), || format!("an assertion was answered {accepted:?}"));
    let Some(token) = successor(&redeemed).cloned() else {
        return Err("a redemption without faults failed".into());
    };
    let revoked = stage.family(turn).await?;
    stage.peer.revoke(&url, "spa", &revoked).await;
    stage.count_faults(1);
    stage.order(&Orders { clock_offset: -HOUR, ..Orders::default() }).await?;
    for restart in [false, true] {
        if restart {
            for node in &mut stage.nodes {
                node.kill().await?;
                node.revive().await?;
            }
            stage.order(&Orders { clock_offset: -HOUR, ..Orders::default() }).await?;
        }
        let again = stage.peer.assert(&url, &assertion, &jti).await;
        stage.expect(is_unauthenticated(&again), || {
            format!("an hour before it was made an assertion was answered {again:?}")
        });
        let back = stage.peer.refresh(&url, "spa", &revoked).await;
        stage.expect(is_refused(&back), || format!("a revoked family was answered {back:?}"));
        let replayed = stage.peer.redeem(&stage.url(turn + 1), "spa", &code).await;
        stage.expect(is_refused(&replayed), || format!("a used code was answered {replayed:?}"));
    }
    let ended = stage.peer.refresh(&url, "spa", &token).await;
    stage.expect(is_refused(&ended), || format!("the family of a replayed code was answered {ended:?}"));
    used_once(stage, (&jti, &assertion), expiry).await?;
    stage.order(&Orders::default()).await?;
    let Answer::Tokens(tokens) = stage.peer.credentials(&url, "service").await else {
        return Err("a token without faults was not issued".into());
    };
    stage.order(&Orders { clock_offset: LIFETIME + 1, ..Orders::default() }).await?;
    let late = stage.peer.introspect(&url, &tokens.access).await;
    stage.expect(late == Answer::Active(false), || format!("after its end a token is {late:?}"));
    stage.order(&Orders::default()).await
}

/// An assertion that was accepted is refused by both nodes at every clock at which it is still good. The refusal does not
/// say why; but at the same clock the same node accepts a twin of it, which differs in its `jti` alone.
async fn used_once(stage: &mut Stage<'_>, (jti, used): (&Text, &str), expiry: i64) -> Result<(), BoxError> {
    for clock_offset in [0, SKEW, -SKEW] {
        stage.order(&Orders { clock_offset, ..Orders::default() }).await?;
        for (number, url) in stage.urls().iter().enumerate() {
            let again = stage.peer.assert(url, used, jti).await;
            stage.expect(is_unauthenticated(&again), || {
                format!("at {clock_offset} s an assertion that was used was answered {again:?}")
            });
            let other = Text::from(format!("{jti}-twin-{number}-at-{clock_offset}"));
            let twin = stage.peer.assertion(&other, expiry).await?;
            let fresh = stage.peer.assert(url, &twin, &other).await;
            stage.expect(matches!(fresh, Answer::Tokens(_)), || {
                format!("at {clock_offset} s the twin of an assertion was answered {fresh:?}")
            });
        }
        stage.count_faults(1);
    }
    Ok(())
}

/// Whether a client was refused as one that has not shown who it is. What was wrong with its assertion nobody tells it.
fn is_unauthenticated(answer: &Answer) -> bool {
    matches!(answer, Answer::Refused(why) if why == "invalid_client: client authentication failed")
}

/// R25: both nodes sweep all the time, while clocks go on. What is needed to notice a replay or a reuse is there as long as
/// it is needed; what is not goes.
pub(super) async fn swept(stage: &mut Stage<'_>) -> Result<(), BoxError> {
    stage.allowed.expiry = true;
    let sweeping = |clock_offset| Orders { sweeps_every_ms: 100, clock_offset, ..Orders::default() };
    for turn in 0..stage.lab.count(3, 50) {
        stage.order(&sweeping(0)).await?;
        let (code, url, other) = (stage.code(turn).await?, stage.url(turn), stage.url(turn + 1));
        let redeemed = stage.peer.redeem(&url, "spa", &code).await;
        let first = stage.family(turn).await?;
        let second = stage.peer.refresh(&url, "spa", &first).await;
        let Some(second) = successor(&second).cloned() else {
            return Err("a refresh without faults failed".into());
        };
        let third = stage.peer.refresh(&other, "spa", &second).await;
        // The access token of the code is about to end; its use has to be known until then, and some time more.
        stage.order(&sweeping(LIFETIME - 60)).await?;
        sleep(Duration::from_millis(400)).await;
        let replayed = stage.peer.redeem(&other, "spa", &code).await;
        stage.expect(is_refused(&replayed), || format!("a used code was answered {replayed:?}"));
        if let Answer::Tokens(tokens) = &redeemed {
            let active = stage.peer.introspect(&url, &tokens.access).await;
            stage.expect(active == Answer::Active(false), || format!("after a replay a token is {active:?}"));
        }
        stage.order(&sweeping(2 * LIFETIME)).await?;
        sleep(Duration::from_millis(400)).await;
        let reused = stage.peer.refresh(&url, "spa", &first).await;
        stage.expect(is_refused(&reused), || format!("a used refresh token was answered {reused:?}"));
        if let Some(third) = successor(&third) {
            let ended = stage.peer.refresh(&other, "spa", third).await;
            stage.expect(is_refused(&ended), || format!("after a reuse its family was answered {ended:?}"));
        }
        stage.count_faults(2);
    }
    let mut swept = 0;
    for node in &mut stage.nodes {
        swept += node.order(&Orders::default()).await?.swept;
    }
    stage.expect(swept > 0, || "nothing was swept".to_owned());
    Ok(())
}
