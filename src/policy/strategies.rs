//! Strategies: how what a client registered is compared with what it asks for.

use super::Policy;
use crate::client::Client;
use crate::error::Reason;
use crate::types::{ClientId, Resource, Scope};

/// How a registered scope token is compared with one that is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScopeStrategy {
    /// They are the same. The default.
    #[default]
    Exact,
    /// `photos` also allows `photos.read` and `photos.read.own`: dots part the segments.
    Hierarchic,
    /// `photos.*` allows `photos.read`, and `photos.*.own` allows `photos.read.own`: `*` as a whole segment stands for
    /// one segment, and as the last for one or more. Segments are not empty, and dots part them.
    ///
    /// A registered `*` allows every scope, `offline_access` too.
    Wildcard,
}

impl ScopeStrategy {
    /// Whether whoever registered `registered` may have `asked`.
    #[must_use]
    pub fn covers(self, registered: &str, asked: &str) -> bool {
        registered == asked
            || match self {
                Self::Exact => false,
                Self::Hierarchic => {
                    let below = asked.strip_prefix(registered).and_then(|rest| rest.strip_prefix('.'));
                    !registered.is_empty()
                        && below.is_some_and(|rest| rest.split('.').all(|segment| !segment.is_empty()))
                }
                Self::Wildcard => matches(registered, asked),
            }
    }

    /// Whether each token of `asked` is covered by one of `registered`.
    #[must_use]
    pub fn allows(self, registered: &Scope, asked: &Scope) -> bool {
        asked.iter().all(|token| registered.iter().any(|known| self.covers(known, token)))
    }
}

/// Walks both once: there is no going back over what a `*` stood for.
fn matches(pattern: &str, asked: &str) -> bool {
    let (mut pattern, mut asked) = (pattern.split('.').peekable(), asked.split('.'));
    while let Some(segment) = pattern.next() {
        let Some(given) = asked.next().filter(|given| !given.is_empty()) else { return false };
        if segment == "*" && pattern.peek().is_none() {
            return asked.all(|rest| !rest.is_empty());
        }
        if segment != "*" && segment != given {
            return false;
        }
    }
    asked.next().is_none()
}

/// How a registered resource or audience is compared with another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AudienceStrategy {
    /// They are the same, byte for byte. The default.
    #[default]
    Exact,
    /// `https://api.example/photos` also covers `https://api.example/photos/7`, by [`Resource::covers`]: the same
    /// origin, and whole segments of the path.
    ///
    /// [`ResourceSettings`](crate::provider::ResourceSettings) are found by the exact URI all the same.
    UrlPrefix,
}

impl AudienceStrategy {
    /// Whether `registered` covers `asked`.
    #[must_use]
    pub fn covers(self, registered: &str, asked: &str) -> bool {
        match self {
            Self::Exact => registered == asked,
            Self::UrlPrefix => Resource::covers(registered, asked),
        }
    }
}

/// A [`Policy`] that compares by strategies, and is careful in everything else.
///
/// They decide what a client may be granted. What of a grant a token may have is compared exactly whatever they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct StrategicPolicy {
    scope: ScopeStrategy,
    audience: AudienceStrategy,
}

impl StrategicPolicy {
    /// Compares exactly, as [`CarefulPolicy`](super::CarefulPolicy) does.
    pub fn new() -> Self {
        Self::default()
    }

    /// How scopes are compared.
    pub const fn with_scope(mut self, strategy: ScopeStrategy) -> Self {
        self.scope = strategy;
        self
    }

    /// How resources are compared, and the audiences of which a caller may introspect tokens.
    pub const fn with_audience(mut self, strategy: AudienceStrategy) -> Self {
        self.audience = strategy;
        self
    }
}

impl Policy for StrategicPolicy {
    fn scope(&self, client: &Client, requested: &Scope) -> Result<Scope, Reason> {
        match self.scope.allows(&client.metadata().scope, requested) {
            true => Ok(requested.clone()),
            false => Err(Reason::ScopeNotAllowed),
        }
    }

    fn resource(&self, client: &Client, resource: &str) -> Result<(), Reason> {
        let mut registered = client.settings().resources.iter();
        match registered.any(|known| self.audience.covers(known, resource)) {
            true => Ok(()),
            false => Err(Reason::ResourceNotAllowed),
        }
    }

    fn may_introspect(&self, caller: &Client, owner: &ClientId, audience: &[String]) -> bool {
        let introspects = &caller.settings().introspects;
        let covered = |aud: &String| introspects.iter().any(|known| self.audience.covers(known, aud));
        caller.id() == owner || audience.iter().any(covered)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn exact_is_the_same_and_nothing_else() {
        assert!(ScopeStrategy::Exact.covers("photos.read", "photos.read"));
        for asked in ["photos", "photos.read.own", "Photos.read", "photos.*", ""] {
            assert!(!ScopeStrategy::Exact.covers("photos.read", asked), "{asked}");
        }
        assert!(!ScopeStrategy::Exact.covers("photos.*", "photos.read"));
    }

    #[test]
    fn a_hierarchy_allows_what_is_below() {
        let covers = |registered, asked| ScopeStrategy::Hierarchic.covers(registered, asked);
        assert!(covers("photos", "photos") && covers("photos", "photos.read"));
        assert!(covers("photos", "photos.read.own") && covers("photos.read", "photos.read.own"));
        for (registered, asked) in [
            ("photos", "photosread"),
            ("photos", "photos."),
            ("photos", "photos..read"),
            ("photos.read", "photos"),
            ("photos.read", "photos.write"),
            ("", ".read"),
            ("*", "photos"),
        ] {
            assert!(!covers(registered, asked), "{registered} {asked}");
        }
    }

    #[test]
    fn a_wildcard_stands_for_whole_segments() {
        let covers = |registered, asked| ScopeStrategy::Wildcard.covers(registered, asked);
        for (registered, asked) in [
            ("photos.*", "photos.read"),
            ("photos.*", "photos.read.own"),
            ("photos.*.own", "photos.read.own"),
            ("*.own", "photos.own"),
            ("*", "anything.at.all"),
            ("photos.*", "photos.*"),
        ] {
            assert!(covers(registered, asked), "{registered} {asked}");
        }
        for (registered, asked) in [
            ("photos.*", "photos"),
            ("photos.*", "photos."),
            ("photos.*", "photos..read"),
            ("photos.*.own", "photos.own"),
            ("photos.*.own", "photos.a.b.own"),
            ("photos.*.own", "photos.read.own.more"),
            ("photos.r*", "photos.read"),
            ("photos", "photos.read"),
            ("photos.read", "photos.*"),
            ("photos.*.own", "photos.*"),
        ] {
            assert!(!covers(registered, asked), "{registered} {asked}");
        }
    }

    const STRATEGIES: [ScopeStrategy; 3] =
        [ScopeStrategy::Exact, ScopeStrategy::Hierarchic, ScopeStrategy::Wildcard];

    fn token() -> impl Strategy<Value = String> {
        prop::collection::vec(prop_oneof!["a", "b", "\\*", ""], 1..4).prop_map(|segments| segments.join("."))
    }

    fn scope() -> impl Strategy<Value = Scope> {
        prop::collection::vec(token(), 0..4).prop_map(|tokens| Scope::parse(&tokens.join(" ")).unwrap())
    }

    proptest! {
        /// Property 5: whoever has the narrower of two never gets what the wider has not.
        #[test]
        fn what_is_below_what_is_below_is_below(a in token(), b in token(), c in token()) {
            for strategy in STRATEGIES {
                prop_assert!(strategy.covers(&a, &a));
                if strategy.covers(&a, &b) && strategy.covers(&b, &c) {
                    prop_assert!(strategy.covers(&a, &c), "{strategy:?} {a} {b} {c}");
                }
            }
        }

        /// Property 5: a registered scope that shrinks, or an asked one that grows, never allows more.
        #[test]
        fn narrowing_a_scope_never_widens(registered in scope(), other in scope(), asked in scope(), more in scope()) {
            for strategy in STRATEGIES {
                let fewer = registered.intersection(&other);
                if strategy.allows(&fewer, &asked) {
                    prop_assert!(strategy.allows(&registered, &asked));
                }
                if strategy.allows(&registered, &asked.union(&more)) {
                    prop_assert!(strategy.allows(&registered, &asked));
                }
                if asked.is_subset(&registered) {
                    prop_assert!(strategy.allows(&registered, &asked));
                }
            }
        }

        /// Property 5, attack 130: what a URL covers is of its origin, and covers no more than it does itself.
        #[test]
        fn an_audience_never_reaches_beyond_its_own(
            base in "https://(a|b)(\\.example)?(/[ab.]{0,3}){0,2}",
            url in "https://(a|b)(\\.example)?(@b)?(/[ab.%2ef]{0,4}){0,3}",
            deeper in "https://(a|b)(\\.example)?(/[ab]{0,2}){0,3}",
        ) {
            let covers = |a: &str, b: &str| AudienceStrategy::UrlPrefix.covers(a, b);
            if base != url && covers(&base, &url) {
                let (base, url) = (url::Url::parse(&base).unwrap(), url::Url::parse(&url).unwrap());
                prop_assert_eq!(base.origin(), url.origin());
                prop_assert!(url.path().starts_with(base.path()));
            }
            if covers(&base, &url) && covers(&url, &deeper) {
                prop_assert!(covers(&base, &deeper));
            }
        }
    }
}
