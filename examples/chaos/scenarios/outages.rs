//! A database that does what it is asked and is not heard (R4), that takes no writes (R10), or is not there (R40).

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};
use vouchsafe::BoxError;
use vouchsafe::jose::JwkSet;
use vouchsafe::resource::{Requirement, TrustedIssuer, Verifier};
use vouchsafe::wire::ResourceMetadata;

use super::races::{is_refused, successor};
use crate::history::{Answer, Text};
use crate::lab::Stage;
use crate::node::clients::AUDIENCE;
use crate::proxy::Way;

/// Within what a client is told to come again while a database swallows everything: the provider's deadline, and room for a
/// machine that is busy.
const FAST_REFUSAL: Duration = Duration::from_millis(4500);

/// How soon clients are served once all is well again.
const RECOVERY: Duration = Duration::from_secs(5);

/// R4: the answer to a statement is lost, whichever it was. The client is told to come again; a code is then refused or
/// redeemed, never twice, and a refresh token gets its one successor.
pub(super) async fn lost_answers(stage: &mut Stage<'_>) -> Result<(), BoxError> {
    stage.allowed.unavailable = true;
    for turn in 0..stage.lab.count(40, 2000) {
        let (code, token) = (stage.code(turn).await?, stage.family(turn).await?);
        let one_in = 1 + stage.lab.chance(4);
        let url = stage.url(turn);
        stage.lab.proxy.goes(Way::LosesAnswers { one_in });
        let redeemed = stage.peer.redeem(&url, "spa", &code).await;
        let refreshed = stage.peer.refresh(&url, "spa", &token).await;
        stage.lab.proxy.goes(Way::Open);
        for answer in [&redeemed, &refreshed] {
            let told = matches!(answer, Answer::Tokens(_) | Answer::Unavailable);
            stage.expect(told, || format!("a client whose outcome is unknown was answered {answer:?}"));
        }
        served_again(stage, &url).await;
        if redeemed == Answer::Unavailable {
            let again = stage.peer.redeem(&url, "spa", &code).await;
            let sound = matches!(again, Answer::Tokens(_)) || is_refused(&again);
            stage.expect(sound, || format!("a code that was sent again was answered {again:?}"));
        }
        let again = stage.peer.refresh(&url, "spa", &token).await;
        stage.expect(successor(&again).is_some(), || {
            format!("a refresh that was tried again was answered {again:?}")
        });
        let same = successor(&refreshed).is_none_or(|first| Some(first) == successor(&again));
        stage.expect(same, || "a refresh token has two successors".to_owned());
    }
    Ok(())
}

/// R10: the database takes no writes. Nothing is issued, and whoever asks is told to come again; JWTs are verified all the
/// same, and keys are there. Once it takes writes, so do the nodes, as they are.
pub(super) async fn read_only(stage: &mut Stage<'_>) -> Result<(), BoxError> {
    stage.allowed.unavailable = true;
    let jwt = jwt(stage).await?;
    for turn in 0..stage.lab.count(2, 20) {
        let (code, url) = (stage.code(turn).await?, stage.url(turn));
        stage.lab.takes_writes(false).await?;
        for _ in 0..5 {
            let answer = stage.peer.credentials(&url, "service").await;
            stage.expect(answer == Answer::Unavailable, || {
                format!("what cannot be written was answered {answer:?}")
            });
            stage.count_faults(1);
        }
        let answer = stage.peer.redeem(&url, "spa", &code).await;
        stage.expect(answer == Answer::Unavailable, || {
            format!("what cannot be written was answered {answer:?}")
        });
        verified_by_keys(stage, &jwt).await?;
        stage.lab.takes_writes(true).await?;
        served_again(stage, &url).await;
        let answer = stage.peer.redeem(&url, "spa", &code).await;
        stage.expect(matches!(answer, Answer::Tokens(_)), || {
            format!("a code that nothing used was answered {answer:?}")
        });
    }
    Ok(())
}

/// R40: the nodes cannot reach the database, and their clients can reach them. What needs it is answered by a 503 within
/// the deadline, by nothing else; keys and JWTs need nothing.
pub(super) async fn cut_off(stage: &mut Stage<'_>) -> Result<(), BoxError> {
    stage.allowed.unavailable = true;
    let jwt = jwt(stage).await?;
    let Answer::Tokens(tokens) = stage.peer.credentials(&stage.url(0), "service").await else {
        return Err("a token without faults was not issued".into());
    };
    for way in [Way::Swallows, Way::Refuses].into_iter().cycle().take(stage.lab.count(2, 40) as usize) {
        stage.lab.proxy.goes(way);
        let begun = Instant::now();
        let urls = stage.urls();
        let sent = urls.iter().cycle().take(20).map(|url| stage.peer.credentials(url, "service"));
        let (issued, active) = tokio::join!(join_all(sent), stage.peer.introspect(&urls[0], &tokens.access));
        let took = begun.elapsed();
        let told =
            issued.iter().all(|answer| *answer == Answer::Unavailable) && active == Answer::Unavailable;
        stage.expect(told, || format!("without a database clients were answered {issued:?}, {active:?}"));
        stage.expect(took <= FAST_REFUSAL, || format!("without a database an answer took {took:?}"));
        verified_by_keys(stage, &jwt).await?;
        stage.lab.proxy.goes(Way::Open);
        for url in &urls {
            served_again(stage, url).await;
        }
    }
    Ok(())
}

/// Waits until a client is served again, as it has to be soon.
pub(super) async fn served_again(stage: &Stage<'_>, url: &str) {
    let begun = Instant::now();
    while !matches!(stage.peer.credentials(url, "service").await, Answer::Tokens(_)) {
        if begun.elapsed() > RECOVERY {
            return stage.expect(false, || "nobody is served though all is well again".to_owned());
        }
        sleep(Duration::from_millis(20)).await;
    }
}

pub(super) async fn jwt(stage: &Stage<'_>) -> Result<Text, BoxError> {
    match stage.peer.credentials(&stage.url(0), "jwt").await {
        Answer::Tokens(tokens) => Ok(tokens.access),
        answer => Err(format!("a JWT without faults was answered {answer:?}").into()),
    }
}

/// A resource server fetches the keys and verifies a JWT by them.
pub(super) async fn verified_by_keys(stage: &Stage<'_>, jwt: &str) -> Result<(), BoxError> {
    for url in stage.urls() {
        let (keys, _) = stage.peer.document(&url, "/jwks").await?;
        let issuer = TrustedIssuer::new(stage.urls()[0].as_str()).with_keys(JwkSet::parse(&keys)?);
        let verifier = Verifier::builder(ResourceMetadata::new(AUDIENCE)?).issuer(issuer).build()?;
        let request =
            http::Request::get(AUDIENCE).header("authorization", format!("Bearer {jwt}")).body(())?;
        let verified = verifier.verify(&request, &Requirement::any()).await.is_ok();
        stage.expect(verified, || "a JWT was not verified".to_owned());
        stage.peer.document(&url, "/.well-known/openid-configuration").await?;
    }
    Ok(())
}
