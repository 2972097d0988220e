//! A database that is slow (R11), and one that few may ask at once (R12).

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;
use vouchsafe::BoxError;

use super::outages::served_again;
use crate::history::Answer;
use crate::lab::Stage;
use crate::node::orders::Orders;
use crate::proxy::Way;

/// Milliseconds that a call takes which is slow, and is within the deadline of the provider.
const SLOW: u64 = 2000;

/// Milliseconds that a call would take which is not.
const TOO_SLOW: u64 = 60_000;

/// Within what a client is answered: the provider's deadline, and room for a machine that is busy.
const DEADLINE: Duration = Duration::from_millis(4500);

/// What 99 of 100 documents may take, as a server is built and as a test is.
const DOCUMENT: Duration =
    if cfg!(debug_assertions) { Duration::from_millis(100) } else { Duration::from_millis(5) };

/// How many requests come at once where there are few connections.
const AT_ONCE: usize = 200;

/// How many documents are read meanwhile.
const DOCUMENTS: u64 = 200;

/// R11: every call takes two seconds, then far longer than the deadline. Whoever needs the store waits, and is told to come
/// again at the deadline, which is one for all calls of a request: a code takes two calls. Metadata and keys come as fast as
/// ever.
pub(super) async fn slow_store(stage: &mut Stage<'_>) -> Result<(), BoxError> {
    stage.allowed.unavailable = true;
    let at_once = stage.lab.usual(30, 200) as usize;
    for delay in [SLOW, TOO_SLOW] {
        stage.order(&Orders::default()).await?;
        let code = stage.code(0).await?;
        stage.order(&Orders { store_delay_ms: delay, ..Orders::default() }).await?;
        let (begun, urls) = (Instant::now(), stage.urls());
        let sent =
            join_all(urls.iter().cycle().take(at_once).map(|url| stage.peer.credentials(url, "service")));
        let redeemed = stage.peer.redeem(&urls[0], "spa", &code);
        let (answers, redeemed, slowest) = tokio::join!(sent, redeemed, documents(stage));
        let (took, slowest) = (begun.elapsed(), slowest?);
        stage.expect(took <= DEADLINE, || format!("with a slow store an answer took {took:?}"));
        let told = answers.iter().all(|answer| match delay {
            SLOW => matches!(answer, Answer::Tokens(_)),
            _ => *answer == Answer::Unavailable,
        });
        stage.expect(redeemed == Answer::Unavailable, || format!("a slow code was answered {redeemed:?}"));
        stage.expect(told, || format!("with a slow store clients were answered {answers:?}"));
        stage.expect(slowest <= DOCUMENT, || format!("99 of 100 documents took up to {slowest:?}"));
    }
    stage.order(&Orders::default()).await
}

/// Reads documents one after the other; what 99 of 100 took at most.
async fn documents(stage: &Stage<'_>) -> Result<Duration, BoxError> {
    // Those who need the store are to be on their way.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut times = Vec::new();
    for turn in 0..DOCUMENTS {
        let path = if turn.is_multiple_of(2) { "/.well-known/openid-configuration" } else { "/jwks" };
        times.push(stage.peer.document(&stage.url(turn / 2), path).await?.1);
    }
    times.sort_unstable();
    Ok(times.get(times.len() * 99 / 100).copied().unwrap_or_default())
}

/// R12: each node has two connections, and two hundred requests come at once, first with a database that works, then with
/// one that hangs. Nobody waits longer than the deadline, nobody is told anything but to come again, and a database that
/// works serves most.
pub(super) async fn few_connections(stage: &mut Stage<'_>) -> Result<(), BoxError> {
    stage.allowed.unavailable = true;
    for way in [Way::Open, Way::Swallows] {
        let code = stage.code(0).await?;
        stage.lab.proxy.goes(way);
        let urls = stage.urls();
        let sent = urls.iter().cycle().take(AT_ONCE);
        let sent = join_all(sent.map(|url| timed(stage.peer.credentials(url, "service"))));
        // It needs a connection several times.
        let (mut answers, redeemed) = tokio::join!(sent, timed(stage.peer.redeem(&urls[0], "spa", &code)));
        stage.lab.proxy.goes(Way::Open);
        answers.push(redeemed);
        let slowest = answers.iter().map(|(_, took)| *took).max().unwrap_or_default();
        stage.expect(slowest <= DEADLINE, || format!("with few connections an answer took {slowest:?}"));
        let served = answers.iter().filter(|(answer, _)| matches!(answer, Answer::Tokens(_))).count();
        let busy = answers.iter().filter(|(answer, _)| *answer == Answer::Unavailable).count();
        let told = served + busy == answers.len()
            && match way {
                Way::Open => served > answers.len() / 2,
                _ => served == 0,
            };
        stage.expect(told, || format!("with few connections {served} are served, of {answers:?}"));
        stage.count_faults(AT_ONCE as u64);
        for url in &urls {
            served_again(stage, url).await;
        }
    }
    Ok(())
}

/// An answer, and how long it took.
async fn timed(asked: impl Future<Output = Answer>) -> (Answer, Duration) {
    let begun = Instant::now();
    (asked.await, begun.elapsed())
}
