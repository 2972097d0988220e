//! The registration access tokens of a client (RFC 7592 section 3): the one that it uses, and those that are to follow.

use serde::{Deserialize, Serialize};

use crate::secret::{Secret, TokenHash};

/// Most tokens that wait for their first use. An answer that was lost leaves one behind.
const MAX_UNUSED: usize = 8;

/// The hashes of the tokens that are good.
///
/// Each update gives a token, and nobody knows whether it arrived. So the one before stays good until the client shows,
/// by using it, that it has a newer one; that one is then the only one. A client whose answer was lost goes on with what
/// it has, and a token that leaked is of no use once its client has come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RegistrationTokens {
    /// The one that was used last, as in the column: whoever can write there must not put the token of another client
    /// in.
    registration_token: TokenHash,
    /// Newer ones, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unused_tokens: Vec<TokenHash>,
}

/// Which token was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presented {
    /// One that is not good.
    Unknown,
    /// One that was given by an update and never used.
    Unused(TokenHash),
    /// The one that was used last.
    Used,
}

impl RegistrationTokens {
    /// The one token of a client that registers, or that the host gives a new one.
    pub(super) fn new(token: &Secret) -> Self {
        Self { registration_token: TokenHash::of(token.expose()), unused_tokens: Vec::new() }
    }

    /// With a newer one.
    pub(super) fn followed_by(mut self, token: &Secret) -> Self {
        self.unused_tokens.push(TokenHash::of(token.expose()));
        let surplus = self.unused_tokens.len().saturating_sub(MAX_UNUSED);
        self.unused_tokens.drain(..surplus);
        self
    }

    /// The hash of the one that was used last.
    pub(super) const fn used(&self) -> TokenHash {
        self.registration_token
    }

    /// Which of them `token` is.
    pub(super) fn presented(&self, token: &Secret) -> Presented {
        let is_it = |hash: &&TokenHash| hash.matches(token.expose().as_bytes());
        if is_it(&&self.registration_token) {
            return Presented::Used;
        }
        self.unused_tokens.iter().find(is_it).map_or(Presented::Unknown, |hash| Presented::Unused(*hash))
    }

    /// From the first use of one on, it is the only one.
    pub(super) fn use_first(&mut self, token: TokenHash) {
        *self = Self { registration_token: token, unused_tokens: Vec::new() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> [Secret; MAX_UNUSED + 2] {
        std::array::from_fn(|n| Secret::new(format!("token {n}")))
    }

    #[test]
    fn the_first_use_of_a_newer_token_ends_all_others() {
        let [first, lost, arrived, stranger, ..] = secrets();
        let mut tokens = RegistrationTokens::new(&first).followed_by(&lost).followed_by(&arrived);
        assert_eq!(tokens.presented(&first), Presented::Used);
        assert_eq!(tokens.presented(&stranger), Presented::Unknown);
        let Presented::Unused(hash) = tokens.presented(&arrived) else { panic!("it was never used") };
        tokens.use_first(hash);
        assert_eq!(tokens, RegistrationTokens::new(&arrived));
        assert_eq!([&first, &lost].map(|token| tokens.presented(token)), [Presented::Unknown; 2]);
    }

    #[test]
    fn few_tokens_wait_for_their_first_use() {
        let [first, oldest, rest @ ..] = secrets();
        let tokens = RegistrationTokens::new(&first).followed_by(&oldest);
        let tokens = rest.iter().take(MAX_UNUSED).fold(tokens, RegistrationTokens::followed_by);
        assert_eq!(tokens.presented(&first), Presented::Used, "a client that gets no answer goes on with it");
        assert_eq!(tokens.presented(&oldest), Presented::Unknown);
        for token in &rest[..MAX_UNUSED] {
            assert!(matches!(tokens.presented(token), Presented::Unused(_)));
        }
    }
}
