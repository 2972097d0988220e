//! A checker that cannot fail is worth nothing: each invariant is broken here, and the checker has to say so.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use vouchsafe::secret::TokenHash;

use super::super::history::{Answer, Call, Entry, Text, Tokens};
use super::super::rows::{CodeRow, GrantRow, Rows, TokenRow};
use super::{Allowed, check};

const GRANT: [u8; 16] = [7; 16];

/// A history whose calls take a second each, one after the other.
#[derive(Default)]
struct Story(Vec<Entry>);

impl Story {
    fn then(mut self, call: Call, answer: Answer) -> Self {
        let begun = Duration::from_secs(2 * self.0.len() as u64);
        self.0.push(Entry { begun, ended: begun + Duration::from_secs(1), call, answer });
        self
    }

    /// The invariants that are broken.
    #[track_caller]
    fn breaks(&self, rows: &Rows, invariants: &[u8]) {
        self.breaks_where(Allowed::default(), rows, invariants);
    }

    /// The same where a scenario has done more.
    #[track_caller]
    fn breaks_where(&self, allowed: Allowed, rows: &Rows, invariants: &[u8]) {
        let found = check(&self.0, rows, allowed);
        let mut broken: Vec<_> = found.iter().map(|violation| violation.invariant).collect();
        broken.dedup();
        assert_eq!(broken, invariants, "{found:?}");
    }
}

/// A scenario that takes something away.
fn outage() -> Allowed {
    Allowed { unavailable: true, ..Allowed::default() }
}

/// A scenario that takes a node away in the middle of its answers.
fn kill() -> Allowed {
    Allowed { silence: true, ..outage() }
}

fn text(text: &str) -> Text {
    Arc::from(text)
}

/// The refresh token of the grant at `seq`, with a `secret` of its own.
fn refresh_token(seq: u64, secret: u8) -> Text {
    let bytes = [&[1, 0, 0, 0, 0][..], &GRANT, &seq.to_be_bytes(), &[secret; 48]].concat();
    Arc::from(format!("vs_rt_{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)))
}

fn tokens(access: &str, seq: u64) -> Answer {
    Answer::Tokens(Tokens { access: text(access), refresh: Some(refresh_token(seq, 0)), id: None })
}

fn redeem() -> Call {
    Call::Redeem { code: text("code") }
}

fn refresh(seq: u64) -> Call {
    Call::Refresh { token: refresh_token(seq, 0) }
}

fn introspect() -> Call {
    Call::Introspect { token: text("vs_at_a") }
}

fn replayed() -> Answer {
    Answer::Refused("invalid_grant: the authorization code is not valid".to_owned())
}

fn refused() -> Answer {
    Answer::Refused("invalid_grant: the refresh token is not valid".to_owned())
}

/// A code that was redeemed for the token `vs_at_a`, and the family at `head`.
fn rows(head: u64) -> Rows {
    let mut rows = Rows::default();
    rows.codes.push(CodeRow { grant: GRANT.to_vec(), used: true });
    let grant = GrantRow { client: "spa".to_owned(), expires_at: 100, revoked: false, head: Some(head) };
    rows.grants.insert(GRANT.to_vec(), grant);
    let token = TokenRow { grant: GRANT.to_vec(), client: "spa".to_owned(), expires_at: 50 };
    rows.tokens.insert(TokenHash::of("vs_at_a").as_bytes().to_vec(), token);
    rows
}

#[test]
fn a_sound_story_breaks_nothing() {
    let story = Story::default()
        .then(Call::Authorize { session: None }, Answer::Code(text("code")))
        .then(redeem(), tokens("vs_at_a", 0))
        .then(introspect(), Answer::Active(true))
        .then(refresh(0), Answer::Lost)
        .then(refresh(0), tokens("vs_at_a", 1))
        .then(refresh(1), Answer::Unavailable)
        .then(Call::Revoke { token: refresh_token(1, 0) }, Answer::Done)
        .then(introspect(), Answer::Active(false))
        .then(refresh(1), refused());
    story.breaks_where(kill(), &rows(2), &[]);
}

#[test]
fn a_code_that_is_redeemed_twice_is_found() {
    let story = Story::default().then(redeem(), tokens("vs_at_a", 0)).then(redeem(), tokens("vs_at_a", 0));
    story.breaks(&rows(0), &[1]);
}

#[test]
fn a_code_for_which_all_were_too_late_is_found() {
    let mut used = Rows::default();
    used.codes.push(CodeRow { grant: GRANT.to_vec(), used: true });
    let overtaken = || Answer::Refused("invalid_grant: the grant is not valid".to_owned());
    Story::default().then(redeem(), replayed()).then(redeem(), replayed()).breaks(&used, &[1]);
    Story::default().then(redeem(), overtaken()).then(redeem(), replayed()).breaks(&used, &[]);
    Story::default().then(redeem(), Answer::HungUp).then(redeem(), replayed()).breaks(&used, &[]);
}

#[test]
fn a_token_that_outlives_a_replay_is_found() {
    let story = Story::default().then(redeem(), tokens("vs_at_a", 0)).then(redeem(), replayed());
    story.then(introspect(), Answer::Active(true)).breaks(&rows(0), &[1]);
    // Whoever asked before the replay was answered may have been told so.
    let mut story =
        Story::default().then(redeem(), tokens("vs_at_a", 0)).then(introspect(), Answer::Active(true));
    story = story.then(redeem(), replayed());
    story.breaks(&rows(0), &[]);
}

#[test]
fn tokens_of_an_unused_code_and_half_a_set_are_found() {
    let mut unused = rows(0);
    unused.codes[0].used = false;
    Story::default().breaks(&unused, &[1]);
    let mut half = rows(0);
    half.tokens.clear();
    Story::default().breaks(&half, &[1]);
    let mut half = rows(0);
    half.grants.get_mut(&GRANT[..]).unwrap().head = None;
    Story::default().breaks(&half, &[1]);
    // A code that was used and gave nothing is what a crash leaves.
    let mut nothing = rows(0);
    nothing.tokens.clear();
    nothing.grants.get_mut(&GRANT[..]).unwrap().head = None;
    Story::default().breaks(&nothing, &[]);
}

#[test]
fn a_second_set_is_found_though_nobody_heard_of_the_first() {
    let mut twice = rows(0);
    let token = twice.tokens.values().next().unwrap().clone();
    twice.tokens.insert(vec![1; 32], token);
    Story::default().then(redeem(), Answer::Unavailable).breaks_where(outage(), &twice, &[1]);
    // A refresh adds one.
    Story::default()
        .then(redeem(), tokens("vs_at_a", 0))
        .then(refresh(0), Answer::HungUp)
        .breaks(&twice, &[]);
}

#[test]
fn a_family_that_forks_or_jumps_is_found() {
    let other = Tokens { access: text("vs_at_a"), refresh: Some(refresh_token(1, 9)), id: None };
    let begun =
        || Story::default().then(redeem(), tokens("vs_at_a", 0)).then(refresh(0), tokens("vs_at_a", 1));
    begun().then(refresh(0), Answer::Tokens(other)).breaks(&rows(1), &[2]);
    begun().then(refresh(1), tokens("vs_at_a", 3)).breaks(&rows(3), &[2]);
    begun().breaks(&rows(0), &[2]);
    begun().breaks(&rows(2), &[2]);
}

#[test]
fn a_client_that_is_logged_out_for_nothing_is_found() {
    let begun = || Story::default().then(redeem(), tokens("vs_at_a", 0));
    begun().then(refresh(0), refused()).breaks(&rows(0), &[2]);
    // A token that comes after its successor was used has ended the grant.
    let reused = begun().then(refresh(0), tokens("vs_at_a", 1)).then(refresh(1), tokens("vs_at_a", 2));
    reused.then(refresh(0), refused()).then(refresh(2), refused()).breaks(&rows(2), &[]);
}

#[test]
fn a_token_without_its_grant_or_beyond_it_is_found() {
    let mut orphan = rows(0);
    orphan.codes.clear();
    orphan.grants.clear();
    Story::default().breaks(&orphan, &[3]);
    let mut longer = rows(0);
    longer.grants.get_mut(&GRANT[..]).unwrap().expires_at = 49;
    Story::default().breaks(&longer, &[3]);
    let mut foreign = rows(0);
    foreign.grants.get_mut(&GRANT[..]).unwrap().client = "web".to_owned();
    Story::default().breaks(&foreign, &[3]);
}

#[test]
fn a_token_that_is_active_after_its_revocation_is_found() {
    let revoked = |answer| {
        let story = Story::default().then(redeem(), tokens("vs_at_a", 0));
        story
            .then(Call::Revoke { token: refresh_token(0, 0) }, answer)
            .then(introspect(), Answer::Active(true))
    };
    revoked(Answer::Done).breaks(&rows(0), &[4]);
    // Nobody was told that it is done.
    revoked(Answer::Unavailable).breaks_where(outage(), &rows(0), &[]);
}

#[test]
fn a_token_that_was_given_and_is_lost_is_found() {
    let story = || Story::default().then(redeem(), tokens("vs_at_a", 0));
    story().then(introspect(), Answer::Active(false)).breaks(&rows(0), &[5]);
    let alone = Tokens { access: text("vs_at_gone"), refresh: None, id: None };
    Story::default().then(Call::Credentials, Answer::Tokens(alone)).breaks(&Rows::default(), &[5]);
}

#[test]
fn an_assertion_that_is_accepted_twice_is_found() {
    let assert = || Call::Assert { jti: text("jti") };
    let once = Story::default().then(assert(), tokens("vs_at_a", 0)).then(assert(), refused());
    once.breaks(&rows(0), &[]);
    let twice = Story::default().then(assert(), tokens("vs_at_a", 0)).then(assert(), tokens("vs_at_a", 0));
    twice.breaks(&rows(0), &[6]);
}

#[test]
fn a_session_that_outlives_its_logout_is_found() {
    let session = || text("session");
    let story = Story::default()
        .then(Call::Authorize { session: Some(session()) }, Answer::Code(text("code")))
        .then(redeem(), tokens("vs_at_a", 0))
        .then(Call::LogOut { session: session() }, Answer::Done)
        .then(introspect(), Answer::Active(true));
    story.breaks(&rows(0), &[7]);
}

#[test]
fn an_answer_that_is_broken_is_found() {
    Story::default().then(redeem(), Answer::Fault("a 500".to_owned())).breaks(&Rows::default(), &[0]);
}

#[test]
fn whoever_is_told_to_come_again_without_an_outage_is_found() {
    for answer in [Answer::Unavailable, Answer::Lost] {
        let calls = [
            Call::Assert { jti: text("jti") },
            Call::Authorize { session: None },
            Call::Credentials,
            introspect(),
            Call::LogOut { session: text("session") },
            redeem(),
            refresh(0),
            Call::Revoke { token: text("vs_at_a") },
        ];
        for call in calls {
            let story = Story::default().then(call, answer.clone());
            story.breaks(&Rows::default(), &[0]);
            let silent = answer == Answer::Lost;
            story.breaks_where(outage(), &Rows::default(), if silent { &[0] } else { &[] });
            story.breaks_where(kill(), &Rows::default(), &[]);
        }
    }
    // Who hangs up has lost the answer itself.
    Story::default().then(redeem(), Answer::HungUp).breaks(&Rows::default(), &[]);
}

#[test]
fn a_refusal_of_what_nothing_is_wrong_with_is_found() {
    let refused = || Answer::Refused("access_denied".to_owned());
    for call in [Call::Authorize { session: None }, Call::Credentials, introspect()] {
        Story::default().then(call.clone(), refused()).breaks_where(outage(), &Rows::default(), &[0]);
    }
}
