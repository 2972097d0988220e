//! Scope: an ordered set of scope tokens.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Most bytes in a scope.
const MAX_SCOPE_BYTES: usize = 4096;

/// Most tokens in a scope.
const MAX_SCOPE_TOKENS: usize = 100;

/// A scope: space-separated tokens, order kept, each once (RFC 6749 section 3.3). Clones share the text.
#[derive(Clone, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "Cow<'_, str>")]
pub struct Scope(Option<Arc<str>>);

/// A text that is no scope: a character outside RFC 6749 appendix A.4, over 4096 bytes, or over 100 tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a scope must be up to 100 tokens of printable ASCII without quote and backslash, in up to 4096 bytes"
)]
pub struct InvalidScope;

impl Scope {
    /// The scope that asks for OpenID Connect.
    pub const OPENID: &'static str = "openid";
    /// The scope that asks for a refresh token (OpenID Connect Core section 11).
    pub const OFFLINE_ACCESS: &'static str = "offline_access";

    /// Parses space-separated tokens; a repeated token counts once, at its first place.
    ///
    /// # Errors
    /// [`InvalidScope`] for other characters, over 4096 bytes, or over 100 tokens.
    pub fn parse(text: &str) -> Result<Self, InvalidScope> {
        if text.len() > MAX_SCOPE_BYTES {
            return Err(InvalidScope);
        }
        let mut tokens: Vec<&str> = Vec::new();
        for token in text.split(' ').filter(|token| !token.is_empty()) {
            if !is_scope_token(token) {
                return Err(InvalidScope);
            }
            if !tokens.contains(&token) {
                if tokens.len() == MAX_SCOPE_TOKENS {
                    return Err(InvalidScope);
                }
                tokens.push(token);
            }
        }
        Ok(Self::of(&tokens))
    }

    /// The scope of tokens that are sound and each there once.
    fn of(tokens: &[&str]) -> Self {
        Self((!tokens.is_empty()).then(|| tokens.join(" ").into()))
    }

    /// The scope of those of its tokens that `keep` holds.
    pub(crate) fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        if self.iter().all(&keep) {
            return self.clone();
        }
        Self::of(&self.iter().filter(|token| keep(token)).collect::<Vec<_>>())
    }

    /// The scope of no tokens.
    #[must_use]
    pub const fn empty() -> Self {
        Self(None)
    }

    /// The tokens as they stand in a parameter: one space between two.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether there are no tokens.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether `token` is among the tokens.
    #[must_use]
    pub fn contains(&self, token: &str) -> bool {
        self.iter().any(|t| t == token)
    }

    /// Whether every token of this scope is in `other`.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self == other || self.iter().all(|token| other.contains(token))
    }

    /// Takes `token` out.
    pub fn remove(&mut self, token: &str) {
        *self = self.without(token);
    }

    /// The tokens that both have, in this scope's order.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.filtered(|token| other.contains(token))
    }

    /// The tokens that `other` lacks, in this scope's order.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.filtered(|token| !other.contains(token))
    }

    /// The other tokens, without `token`.
    #[must_use]
    pub fn without(&self, token: &str) -> Self {
        self.filtered(|other| other != token)
    }

    /// The tokens of both, this scope's first.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let added = other.difference(self);
        Self::of(&self.iter().chain(added.iter()).collect::<Vec<_>>())
    }

    /// The tokens in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|text| text.split(' '))
    }
}

/// One or more of `%x21 / %x23-5B / %x5D-7E` (RFC 6749 appendix A.4).
fn is_scope_token(token: &str) -> bool {
    token.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope(\"{self}\")")
    }
}

impl std::str::FromStr for Scope {
    type Err = InvalidScope;
    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        Self::parse(text)
    }
}

impl TryFrom<Cow<'_, str>> for Scope {
    type Error = InvalidScope;
    fn try_from(text: Cow<'_, str>) -> Result<Self, InvalidScope> {
        Self::parse(&text)
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.as_str().to_owned()
    }
}

impl Serialize for Scope {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// attack 42: control bytes, quote, backslash, DEL and a flood of tokens are no scope.
    #[test]
    fn scopes_of_other_characters_are_refused() {
        for text in ["a\u{1}", "a\"b", "a\\b", "a\u{7f}", "\u{e9}", "a\tb", "a\nb"] {
            assert_eq!(Scope::parse(text), Err(InvalidScope), "{text:?}");
        }
        let flood = (0..10_000).map(|i| i.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(Scope::parse(&flood), Err(InvalidScope));
    }

    #[test]
    fn order_is_kept_and_repeats_count_once() {
        assert_eq!(Scope::parse(" b a  b ").unwrap().to_string(), "b a");
    }

    fn scope() -> impl Strategy<Value = Scope> {
        prop::collection::vec("[a-f]{1,2}", 0..8).prop_map(|tokens| Scope::parse(&tokens.join(" ")).unwrap())
    }

    proptest! {
        #[test]
        fn what_is_printed_parses_to_the_same(text in ".{0,40}") {
            if let Ok(scope) = Scope::parse(&text) {
                prop_assert_eq!(Scope::parse(&scope.to_string()), Ok(scope));
            }
        }

        /// Property 5: no operation but union ever gives a token that was not there.
        #[test]
        fn intersection_and_difference_split_a_scope(a in scope(), b in scope()) {
            let (both, rest) = (a.intersection(&b), a.difference(&b));
            prop_assert!(both.is_subset(&a) && both.is_subset(&b) && rest.is_subset(&a));
            prop_assert!(rest.intersection(&b).is_empty());
            prop_assert_eq!(both.iter().count() + rest.iter().count(), a.iter().count());
            prop_assert_eq!(both.intersection(&b), both.clone());
            prop_assert_eq!(both.is_empty() && rest.is_empty(), a.is_empty());
        }

        #[test]
        fn union_is_the_least_scope_above_both(a in scope(), b in scope(), c in scope()) {
            let all = a.union(&b);
            prop_assert!(a.is_subset(&all) && b.is_subset(&all));
            prop_assert!(all.iter().all(|token| a.contains(token) || b.contains(token)));
            prop_assert_eq!(all.union(&b), all.clone());
            prop_assert_eq!(a.union(&b).union(&c), a.union(&b.union(&c)));
        }

        #[test]
        fn subset_is_an_order(a in scope(), b in scope()) {
            prop_assert!(Scope::empty().is_subset(&a) && a.is_subset(&a));
            prop_assert_eq!(a.is_subset(&b), a.difference(&b).is_empty());
            prop_assert_eq!(a.is_subset(&b) && b.is_subset(&a), {
                let (mut x, mut y): (Vec<_>, Vec<_>) = (a.iter().collect(), b.iter().collect());
                x.sort_unstable();
                y.sort_unstable();
                x == y
            });
        }
    }
}
