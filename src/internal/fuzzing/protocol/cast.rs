//! Who takes part: what is registered and configured, which provider and model both go by.

use crate::error::Reason;
use crate::types::{GrantType, Scope};

/// Scope tokens, or resources, of which there are no more than eight: one bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Set(u8);

/// The scope tokens in the order of their bits.
const SCOPE_TOKENS: [&str; 4] = [Scope::OPENID, Scope::OFFLINE_ACCESS, "read", "write"];

/// The resources in the order of their bits. The first is the default audience, the second takes JWTs.
const RESOURCES: [&str; 2] = ["https://api.example", "https://files.example"];

impl Set {
    pub(super) const NONE: Self = Self(0);
    pub(super) const OPENID: Self = Self(1);
    pub(super) const OFFLINE_ACCESS: Self = Self(2);
    /// What only a person can give.
    pub(super) const PERSONAL: Self = Self(3);
    pub(super) const EVERY_SCOPE: Self = Self(15);
    /// The resource that the client `api` serves; the default audience.
    pub(super) const API: Self = Self(1);
    /// The resource whose tokens are JWTs.
    pub(super) const FILES: Self = Self(2);
    pub(super) const EVERY_RESOURCE: Self = Self(3);

    pub(super) const fn of(bits: u8) -> Self {
        Self(bits)
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) fn texts<'a>(self, names: &'a [&'static str]) -> impl Iterator<Item = &'static str> + use<'a> {
        names.iter().enumerate().filter(move |(bit, _)| self.0 >> bit & 1 == 1).map(|(_, name)| *name)
    }

    /// The scope tokens, separated by spaces.
    pub(super) fn scope(self) -> String {
        self.texts(&SCOPE_TOKENS).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn resources(self) -> impl Iterator<Item = &'static str> {
        self.texts(&RESOURCES)
    }

    /// The set of these scope tokens; one that is not known makes it something that no model expects.
    pub(super) fn of_scope(scope: &str) -> Self {
        Self::named(scope.split(' ').filter(|token| !token.is_empty()), &SCOPE_TOKENS)
    }

    /// The set of these resources.
    pub(super) fn of_resources<'a>(resources: impl IntoIterator<Item = &'a str>) -> Self {
        Self::named(resources, &RESOURCES)
    }

    fn named<'a>(texts: impl IntoIterator<Item = &'a str>, names: &[&str]) -> Self {
        let bit = |text: &str| names.iter().position(|name| *name == text).unwrap_or(7);
        Self(texts.into_iter().fold(0, |bits, text| bits | 1 << bit(text)))
    }
}

/// The clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Party {
    /// Public, with a browser.
    Spa,
    /// Confidential, with a browser; it asks for people who are not there, too.
    Web,
    /// Confidential: the resource server of [`Set::API`], which exchanges what it gets.
    Api,
    /// Public, without a browser.
    Tv,
}

impl Party {
    pub(super) const ALL: [Self; 4] = [Self::Spa, Self::Web, Self::Api, Self::Tv];

    pub(super) const fn client_id(self) -> &'static str {
        match self {
            Self::Spa => "spa",
            Self::Web => "web",
            Self::Api => "api",
            Self::Tv => "tv",
        }
    }

    pub(super) const fn is_confidential(self) -> bool {
        matches!(self, Self::Web | Self::Api)
    }

    pub(super) fn grant_types(self) -> Vec<GrantType> {
        match self {
            Self::Spa => vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            Self::Web => vec![
                GrantType::AuthorizationCode,
                GrantType::Ciba,
                GrantType::ClientCredentials,
                GrantType::DeviceCode,
                GrantType::RefreshToken,
                GrantType::TokenExchange,
            ],
            Self::Api => vec![GrantType::Ciba, GrantType::ClientCredentials, GrantType::TokenExchange],
            Self::Tv => vec![GrantType::DeviceCode, GrantType::RefreshToken],
        }
    }

    pub(super) fn allows(self, grant_type: &GrantType) -> bool {
        self.grant_types().contains(grant_type)
    }

    pub(super) const fn scope(self) -> Set {
        match self {
            Self::Web => Set::EVERY_SCOPE,
            Self::Spa | Self::Tv => Set::of(0b0111),
            Self::Api => Set::of(0b0101),
        }
    }

    pub(super) const fn resources(self) -> Set {
        match self {
            Self::Spa | Self::Web => Set::EVERY_RESOURCE,
            Self::Api | Self::Tv => Set::API,
        }
    }

    /// Refuses what it may not ask for.
    pub(super) fn check(self, scope: Set, resources: Set) -> Result<(), Reason> {
        if !self.scope().contains(scope) {
            return Err(Reason::ScopeNotAllowed);
        }
        self.check_resources(resources)
    }

    pub(super) fn check_resources(self, resources: Set) -> Result<(), Reason> {
        if self.resources().contains(resources) { Ok(()) } else { Err(Reason::ResourceNotAllowed) }
    }
}

/// The people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Person {
    Alice,
    Bob,
}

impl Person {
    pub(super) const ALL: [Self; 2] = [Self::Alice, Self::Bob];

    pub(super) const fn subject(self) -> &'static str {
        match self {
            Self::Alice => "alice",
            Self::Bob => "bob",
        }
    }
}

/// The browsers in which people are signed in, each in a login session of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Browser {
    OfAlice,
    /// Whose session lasts a day from each login on, and so may outlast what was given in it.
    AlsoOfAlice,
    OfBob,
}

impl Browser {
    pub(super) const ALL: [Self; 3] = [Self::OfAlice, Self::AlsoOfAlice, Self::OfBob];

    pub(super) const fn person(self) -> Person {
        match self {
            Self::OfAlice | Self::AlsoOfAlice => Person::Alice,
            Self::OfBob => Person::Bob,
        }
    }

    pub(super) const fn session(self) -> &'static str {
        match self {
            Self::OfAlice => "alice",
            Self::AlsoOfAlice => "alice elsewhere",
            Self::OfBob => "bob",
        }
    }

    /// How long the session lasts from a login on, in seconds, where the host says so.
    pub(super) const fn lasts(self) -> Option<i64> {
        match self {
            Self::AlsoOfAlice => Some(86_400),
            Self::OfAlice | Self::OfBob => None,
        }
    }
}

/// The keys that proofs are made by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    First,
    Second,
}

impl Key {
    pub(super) const fn index(self) -> usize {
        match self {
            Self::First => 0,
            Self::Second => 1,
        }
    }
}

/// Where proofs are sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Push,
    Token,
}

/// How a person answers elsewhere than in the client's browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Backchannel,
    Device,
}

impl Kind {
    pub(super) const fn grant_type(self) -> GrantType {
        match self {
            Self::Backchannel => GrantType::Ciba,
            Self::Device => GrantType::DeviceCode,
        }
    }
}

/// What an operation comes to, as the provider did it or as the model has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A token is active.
    Active {
        scope: Set,
        audience: Set,
        key: Option<Key>,
        expires_at: i64,
    },
    /// The person has to agree.
    Asks,
    /// Claims of this person.
    Claims(Person),
    /// An authorization code.
    Code,
    Done,
    /// The reason of a refusal, whether or not it was told.
    Refused(Reason),
    /// So many grants were revoked.
    Revoked(usize),
    Tokens(Tokens),
    /// A request waits.
    Waits,
}

/// What came with an access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tokens {
    pub(super) scope: Set,
    pub(super) expires_in: i64,
    pub(super) key: Option<Key>,
    pub(super) id_token: bool,
    /// Its place among the refresh tokens that were received so far; behind them when it is new.
    pub(super) refresh_token: Option<usize>,
}
