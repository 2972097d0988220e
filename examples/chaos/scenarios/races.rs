//! One thing that several ask for at the same instant, or ask for again since they have heard nothing (R1, R2, R5, R8, R32,
//! R33).

use futures_util::future::join_all;
use vouchsafe::BoxError;

use crate::checker::is_overtaken;
use crate::history::{Answer, Call, Text};
use crate::lab::Stage;
use crate::peer::{Login, assertion_expiry};

/// Milliseconds within which a client hangs up.
const HANGS_UP_WITHIN: u64 = 20;

/// R1: each code is sent by many at once, half to each node. One has it, and the others are refused; once one was told
/// that it came too late, nothing of the grant is active. Every fourth time one is answered before the others come, so that
/// it is certain to get tokens.
pub(super) async fn codes(stage: &mut Stage<'_>) -> Result<(), BoxError> {
    let at_once = stage.lab.usual(20, 100);
    for turn in 0..stage.lab.count(40, 10_000) {
        redeemed_at_once(stage, at_once, turn.is_multiple_of(4)).await?;
    }
    Ok(())
}

async fn redeemed_at_once(stage: &mut Stage<'_>, at_once: u64, head_start: bool) -> Result<(), BoxError> {
    let code = stage.code(0).await?;
    let urls = stage.urls();
    let mut answers = Vec::new();
    if head_start {
        let first = stage.peer.redeem(&urls[0], "spa", &code).await;
        stage.expect(matches!(first, Answer::Tokens(_)), || format!("a code that was new: {first:?}"));
        answers.push(first);
    }
    let others = urls.iter().cycle().take(at_once as usize - answers.len());
    answers.extend(join_all(others.map(|url| stage.peer.redeem(url, "spa", &code))).await);
    one_has_it(stage, &answers);
    if let Some(Answer::Tokens(tokens)) = answers.iter().find(|answer| matches!(answer, Answer::Tokens(_))) {
        stage.peer.introspect(&urls[1], &tokens.access).await;
    }
    stage.count_faults(at_once - 1);
    Ok(())
}

/// Of those who sent one code one has it, or none where something is taken away; the others were too late. Whoever has it
/// gets tokens, unless one that was too late ended the grant before they were written.
fn one_has_it(stage: &Stage<'_>, answers: &[Answer]) {
    let has_it = |answer: &&Answer| matches!(answer, Answer::Tokens(_)) || is_overtaken(answer);
    let have_it = answers.iter().filter(has_it).count();
    let late = answers.iter().filter(|answer| is_refused(answer) && !is_overtaken(answer)).count();
    let busy = answers.iter().filter(|answer| **answer == Answer::Unavailable).count();
    let one = have_it == 1 || (have_it == 0 && stage.allowed.unavailable);
    stage.expect(one && have_it + late + busy == answers.len(), || {
        format!("a code that {have_it} have was answered {answers:?}")
    });
}

/// R2: each refresh token is sent by many at once. All get the same successor, which is good for the next round.
pub(super) async fn refreshes(stage: &mut Stage<'_>) -> Result<(), BoxError> {
    let (at_once, rounds) = (stage.lab.usual(20, 100), stage.lab.usual(8, 100));
    for turn in 0..stage.lab.count(4, 50) {
        let mut token = stage.family(turn).await?;
        for _ in 0..rounds {
            token = refreshed_at_once(stage, at_once, token).await;
        }
        let last = stage.peer.refresh(&stage.url(turn), "spa", &token).await;
        stage.expect(matches!(last, Answer::Tokens(_)), || {
            format!("the last successor was answered {last:?}")
        });
    }
    Ok(())
}

async fn refreshed_at_once(stage: &mut Stage<'_>, at_once: u64, token: Text) -> Text {
    let urls = stage.urls();
    let sent = urls.iter().cycle().take(at_once as usize).map(|url| stage.peer.refresh(url, "spa", &token));
    let answers = join_all(sent).await;
    stage.count_faults(at_once - 1);
    let mut successors = answers.iter().filter_map(successor);
    let first = successors.next();
    let served = answers.iter().all(|answer| matches!(answer, Answer::Tokens(_) | Answer::Unavailable));
    let same = successors.all(|successor| Some(successor) == first);
    stage.expect(served && same && first.is_some(), || format!("a race was answered {answers:?}"));
    first.cloned().unwrap_or(token)
}

/// R5: a client hangs up before it has its new refresh token, and sends the old one again. It is not logged out, and is
/// given the same successor however often it asks.
pub(super) async fn lost_responses(stage: &mut Stage<'_>) -> Result<(), BoxError> {
    for turn in 0..stage.lab.count(40, 1000) {
        let token = stage.family(turn).await?;
        let after = stage.lab.moment(HANGS_UP_WITHIN);
        stage.peer.hang_up(&stage.url(turn), Call::Refresh { token: token.clone() }, after).await?;
        stage.count_faults(1);
        let again = stage.peer.refresh(&stage.url(turn + 1), "spa", &token).await;
        let once_more = stage.peer.refresh(&stage.url(turn), "spa", &token).await;
        stage.expect(successor(&again).is_some() && successor(&again) == successor(&once_more), || {
            format!("a client that had lost a response was answered {again:?}, then {once_more:?}")
        });
        if let Some(next) = successor(&again) {
            let next = stage.peer.refresh(&stage.url(turn), "spa", next).await;
            stage
                .expect(matches!(next, Answer::Tokens(_)), || format!("its successor was answered {next:?}"));
        }
    }
    Ok(())
}

/// R8: the same races where every transaction is serializable, so that the database breaks off those that collide. The
/// store tries them again; whoever is not served is told to come again, never that it was wrong.
pub(super) async fn serializable(stage: &mut Stage<'_>) -> Result<(), BoxError> {
    stage.allowed.unavailable = true;
    let before = stage.lab.postgres.collisions()?;
    let at_once = stage.lab.usual(20, 100);
    for turn in 0..stage.lab.count(5, 200) {
        redeemed_at_once(stage, at_once, false).await?;
        let token = stage.family(turn).await?;
        refreshed_at_once(stage, at_once, token).await;
    }
    let broken_off = stage.lab.postgres.collisions()? - before;
    stage.expect(broken_off > 0, || "no transactions collided".to_owned());
    stage.count_faults(broken_off);
    Ok(())
}

/// R32: a client hangs up at any moment of a redemption, and sends the code again. It has all of its tokens, or none and
/// never will.
pub(super) async fn abandoned(stage: &mut Stage<'_>) -> Result<(), BoxError> {
    for turn in 0..stage.lab.count(80, 2000) {
        let code = stage.code(turn).await?;
        let after = stage.lab.moment(HANGS_UP_WITHIN);
        stage.peer.hang_up(&stage.url(turn), Call::Redeem { code: code.clone() }, after).await?;
        stage.count_faults(1);
        let again = stage.peer.redeem(&stage.url(turn + 1), "spa", &code).await;
        let sound = matches!(again, Answer::Tokens(_)) || is_refused(&again);
        stage.expect(sound, || format!("a code that was sent again was answered {again:?}"));
    }
    Ok(())
}

/// R33: what a client sends arrives twice. Of a code the second is refused; a refresh token has one successor, and its
/// client stays.
pub(super) async fn delivered_twice(stage: &mut Stage<'_>) -> Result<(), BoxError> {
    for turn in 0..stage.lab.count(30, 1000) {
        let (code, [one, other]) = (stage.code(turn).await?, stage.urls());
        let (first, second) =
            (stage.peer.redeem(&one, "spa", &code), stage.peer.redeem(&other, "spa", &code));
        let (first, second) = match turn % 2 {
            0 => tokio::join!(first, second),
            _ => (first.await, second.await),
        };
        let in_turn = turn % 2 == 1;
        stage.expect(!in_turn || matches!(first, Answer::Tokens(_)), || {
            format!("a code that was new was answered {first:?}")
        });
        one_has_it(stage, &[first, second]);
        let token = stage.family(turn).await?;
        refreshed_at_once(stage, 2, token).await;
        stage.count_faults(1);
    }
    Ok(())
}

/// An assertion is accepted by one node, once, however many send it.
pub(super) async fn assertions(stage: &mut Stage<'_>) -> Result<(), BoxError> {
    let at_once = stage.lab.usual(10, 50);
    for number in 0..stage.lab.count(20, 1000) {
        let jti = Text::from(format!("assertion-{number}"));
        let (assertion, urls) = (stage.peer.assertion(&jti, assertion_expiry()).await?, stage.urls());
        let sent =
            urls.iter().cycle().take(at_once as usize).map(|url| stage.peer.assert(url, &assertion, &jti));
        let answers = join_all(sent).await;
        let accepted = answers.iter().any(|answer| matches!(answer, Answer::Tokens(_)));
        stage.expect(accepted, || format!("an assertion was answered {answers:?}"));
        stage.count_faults(at_once - 1);
    }
    Ok(())
}

/// People sign out at one node while their tokens are used at the other.
pub(super) async fn sign_outs(stage: &mut Stage<'_>) -> Result<(), BoxError> {
    stage.allowed.sessions = true;
    for turn in 0..stage.lab.count(20, 1000) {
        let session = format!("session-{turn}");
        let login = Login { client: "web", subject: "alice", session: Some(&session) };
        let [one, other] = stage.urls();
        let Answer::Code(code) = stage.peer.code([&one, &other], login).await else {
            return Err("a sign-in without faults gave no code".into());
        };
        let answer = stage.peer.redeem(&other, "web", &code).await;
        let Answer::Tokens(tokens) = &answer else {
            return Err(format!("a redemption without faults was answered {answer:?}").into());
        };
        let id_token = tokens.id.as_deref().unwrap_or_default();
        let (asked, out) = tokio::join!(
            join_all((0..5).map(|_| stage.peer.introspect(&other, &tokens.access))),
            stage.peer.log_out(&one, login, id_token),
        );
        stage.expect(out == Answer::Done, || format!("a logout was answered {out:?}"));
        let told = asked.iter().all(|answer| matches!(answer, Answer::Active(_)));
        stage.expect(told, || format!("during a logout a token is {asked:?}"));
        let after = stage.peer.introspect(&other, &tokens.access).await;
        stage.expect(after == Answer::Active(false), || format!("after a logout a token is {after:?}"));
        stage.count_faults(1);
    }
    Ok(())
}

/// The refresh token of an answer.
pub(super) fn successor(answer: &Answer) -> Option<&Text> {
    match answer {
        Answer::Tokens(tokens) => tokens.refresh.as_ref(),
        _ => None,
    }
}

/// Whether a code or a refresh token was refused as such.
pub(super) fn is_refused(answer: &Answer) -> bool {
    matches!(answer, Answer::Refused(why) if why.starts_with("invalid_grant"))
}
