//! A disk that is full (R10).

use vouchsafe::BoxError;

use super::outages::{jwt, served_again, verified_by_keys};
use crate::history::Answer;
use crate::lab::Stage;

/// How large the table is before: larger than anything else that the server writes, its log of 16 MiB above all, so that the
/// table alone is what does not fit.
const TABLE: i64 = 24 << 20;

/// What is left of the disk: less than a page, so that the page is begun, and the server told that there is no room for the
/// rest of it.
const PART_OF_A_PAGE: u64 = 4096;

/// Rows of nobody, to fill the table with.
const FILLER: i64 = 2_000;

/// After so many refusals, one after the other, no page has room for a token.
const FULL: u32 = 20;

/// Most requests until then.
const MOST_REQUESTS: u32 = 5_000;

/// R10: the disk of the database is full. What is there is read; what would need room is not issued, and whoever asks is told
/// to come again; a token that was given is there. Once there is room, the nodes go on as they are.
pub(super) async fn full(stage: &mut Stage<'_>) -> Result<(), BoxError> {
    stage.allowed.unavailable = true;
    let jwt = jwt(stage).await?;
    for turn in 0..stage.lab.count(1, 10) {
        fill(stage).await?;
        let before = stage.lab.postgres.out_of_room()?;
        let (code, token, url) = (stage.code(turn).await?, stage.family(turn).await?, stage.url(turn));
        let room = table_size(stage).await?.unsigned_abs() + PART_OF_A_PAGE;
        stage.lab.postgres.limit_files(Some(room)).await?;
        let refused = until_full(stage, &url).await;
        stage.count_faults(u64::from(refused));
        let out_of_room = stage.lab.postgres.out_of_room()? - before;
        stage.expect(refused >= FULL && out_of_room >= u64::from(refused), || {
            format!("{refused} were refused, and {out_of_room} times there was no room")
        });
        let answers =
            [stage.peer.redeem(&url, "spa", &code).await, stage.peer.refresh(&url, "spa", &token).await];
        for answer in &answers {
            let told = matches!(answer, Answer::Tokens(_) | Answer::Unavailable);
            stage.expect(told, || format!("with a full disk a client was answered {answer:?}"));
        }
        verified_by_keys(stage, &jwt).await?;
        stage.lab.postgres.limit_files(None).await?;
        served_again(stage, &url).await;
        let again = stage.peer.refresh(&url, "spa", &token).await;
        stage.expect(matches!(again, Answer::Tokens(_)), || {
            format!("a refresh token that waited for room was answered {again:?}")
        });
    }
    Ok(())
}

/// Asks for tokens until none is given any more, each of which has to be good; how many were refused.
async fn until_full(stage: &Stage<'_>, url: &str) -> u32 {
    let (mut refused, mut in_a_row) = (0, 0);
    for _ in 0..MOST_REQUESTS {
        match stage.peer.credentials(url, "service").await {
            Answer::Tokens(tokens) => {
                in_a_row = 0;
                let active = stage.peer.introspect(url, &tokens.access).await;
                stage.expect(active == Answer::Active(true), || {
                    format!("a token that was just given was answered {active:?}")
                });
            }
            Answer::Unavailable => (refused, in_a_row) = (refused + 1, in_a_row + 1),
            answer => stage.expect(false, || format!("with a full disk a client was answered {answer:?}")),
        }
        if in_a_row == FULL {
            return refused;
        }
    }
    0
}

/// Adds rows of nobody until the table is large, and has what was written before it on the disk.
async fn fill(stage: &Stage<'_>) -> Result<(), BoxError> {
    while table_size(stage).await? < TABLE {
        let filler = "INSERT INTO vouchsafe_issued \
             (namespace, kind, id, grant_id, client, expires_at, keep_until, secret, payload) \
             SELECT 'filler', 1, decode(md5(random()::text), 'hex'), '', 'filler', 0, 9223372036854775807, '', \
             decode(repeat('00', 300), 'hex') FROM generate_series(1, $1)";
        sqlx::query(filler).bind(FILLER).execute(&stage.lab.pool).await?;
    }
    sqlx::query("CHECKPOINT").execute(&stage.lab.pool).await?;
    Ok(())
}

async fn table_size(stage: &Stage<'_>) -> Result<i64, BoxError> {
    Ok(sqlx::query_scalar("SELECT pg_relation_size('vouchsafe_issued')").fetch_one(&stage.lab.pool).await?)
}
