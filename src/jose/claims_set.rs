//! The claims of a JWT (RFC 7519 section 4), and the one function that checks them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::types::json::parse_strict;

/// Most bytes in a set of claims, as JSON.
const MAX_CLAIMS_SET_BYTES: usize = 16 * 1024;

/// Most levels of objects and arrays in a set of claims.
const MAX_CLAIMS_DEPTH: usize = 16;

/// Most entries in `aud`.
const MAX_AUDIENCES: usize = 32;

/// The latest moment that a claim may name: 2^53 seconds, beyond which a double skips seconds.
const MAX_TIME: i64 = 1 << 53;

/// By how much the clocks of sender and receiver may differ when nothing else is said.
pub(super) const DEFAULT_LEEWAY: Duration = Duration::from_secs(10);

/// Most leeway that can be asked for.
pub(super) const MAX_LEEWAY: Duration = Duration::from_secs(60);

/// Which claim is not as expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimsError {
    /// `aud` is missing, malformed, or does not name the expected audience.
    #[error("the aud claim does not name the expected audience")]
    Audience,
    /// `exp` lies in the past.
    #[error("the exp claim lies in the past")]
    Expired,
    /// `exp` is missing or no moment.
    #[error("the exp claim is missing or no number of seconds")]
    Expiry,
    /// `iat` is missing though required, no moment, or lies in the future.
    #[error("the iat claim is missing, no number of seconds, or lies in the future")]
    IssuedAt,
    /// `iss` is missing or another.
    #[error("the iss claim is not the expected issuer")]
    Issuer,
    /// `exp` lies further ahead than a token of this purpose may live.
    #[error("the exp claim lies too far ahead")]
    Lifetime,
    /// The claims are not one bounded JSON object without repeated names.
    #[error("the claims are not a json object of bounded size and depth")]
    Malformed,
    /// `nbf` is no moment or lies in the future.
    #[error("the nbf claim is no number of seconds or lies in the future")]
    NotBefore,
}

/// A set of claims as it was signed: an object of at most 16 KiB and 16 levels without repeated names.
#[derive(Clone, PartialEq)]
pub struct ClaimsSet(Map<String, Value>);

impl ClaimsSet {
    /// Reads the payload of a JWT.
    ///
    /// # Errors
    /// [`ClaimsError::Malformed`].
    pub fn parse(payload: &[u8]) -> Result<Self, ClaimsError> {
        match parse_strict(payload, MAX_CLAIMS_SET_BYTES, MAX_CLAIMS_DEPTH) {
            Ok(Value::Object(claims)) => Ok(Self(claims)),
            _ => Err(ClaimsError::Malformed),
        }
    }

    /// The value of a claim.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The text of a claim; `None` when it is missing or no text.
    #[must_use]
    pub fn str(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// The moment that a claim names: a number from 0 to 2^53, its fraction cut off. `Ok(None)` when it is missing.
    ///
    /// # Errors
    /// [`NotATime`] when it is anything else: `null`, text, negative, too large.
    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, NotATime> {
        self.0.get(name).map(moment).transpose()
    }

    /// The audiences: 1 to 32 texts. `None` when `aud` is missing or anything else.
    #[must_use]
    pub fn audience(&self) -> Option<Vec<&str>> {
        match self.0.get("aud")? {
            Value::String(one) => Some(vec![one]),
            Value::Array(list) if (1..=MAX_AUDIENCES).contains(&list.len()) => {
                list.iter().map(Value::as_str).collect()
            }
            _ => None,
        }
    }

    /// All claims.
    pub(crate) const fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The claims as a JSON object.
    #[must_use]
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }

    /// Checks `iss`, `aud`, `exp`, `iat` and `nbf`, in this order.
    ///
    /// # Errors
    /// [`ClaimsError`] names the first claim that is not as expected.
    pub fn check(&self, expected: &Expected, now: Timestamp) -> Result<(), ClaimsError> {
        let omitted = expected.presence == Presence::Optional && self.value("iss").is_none();
        if !omitted && self.str("iss") != Some(&expected.issuer) {
            return Err(ClaimsError::Issuer);
        }
        if !expected.audience.accepts(self) {
            return Err(ClaimsError::Audience);
        }
        self.check_expiry(expected, now)?;
        let latest = now.plus(expected.leeway);
        match self.time("iat") {
            Ok(None) if expected.issued_at == IssuedAt::Required => return Err(ClaimsError::IssuedAt),
            Ok(Some(issued)) if issued > latest && expected.issued_at != IssuedAt::Unchecked => {
                return Err(ClaimsError::IssuedAt);
            }
            Ok(_) => {}
            Err(NotATime) => return Err(ClaimsError::IssuedAt),
        }
        match self.time("nbf") {
            Ok(Some(valid_from)) if valid_from > latest => Err(ClaimsError::NotBefore),
            Ok(_) => Ok(()),
            Err(NotATime) => Err(ClaimsError::NotBefore),
        }
    }

    /// Whether the claims say when they begin and end, `nbf` and `exp`, these are at most `most` apart, and they have begun at
    /// most `most` ago.
    #[must_use]
    pub(crate) fn is_within(&self, most: Duration, now: Timestamp) -> bool {
        let (Ok(Some(begins)), Ok(Some(ends))) = (self.time("nbf"), self.time("exp")) else { return false };
        ends <= begins.plus(most) && begins.plus(most) >= now
    }

    fn check_expiry(&self, expected: &Expected, now: Timestamp) -> Result<(), ClaimsError> {
        let expiry = match self.time("exp") {
            Ok(Some(expiry)) => expiry,
            Ok(None) if expected.presence == Presence::Optional => return Ok(()),
            Ok(None) | Err(NotATime) => return Err(ClaimsError::Expiry),
        };
        let ends = match expected.expiry {
            Expiry::Exact => expiry,
            Expiry::Ignored => return Ok(()),
            Expiry::Lenient => expiry.plus(expected.leeway),
        };
        if ends.has_passed(now) {
            return Err(ClaimsError::Expired);
        }
        match expected.max_lifetime {
            Some(most) if expiry > now.plus(most).plus(expected.leeway) => Err(ClaimsError::Lifetime),
            _ => Ok(()),
        }
    }
}

/// Prints names only: values are personal data.
impl fmt::Debug for ClaimsSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimsSet(")?;
        f.debug_list().entries(self.0.keys()).finish()?;
        f.write_str(")")
    }
}

/// A claim that names no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the claim is not a number of seconds from 0 to 2^53")]
pub struct NotATime;

#[expect(clippy::cast_possible_truncation, reason = "the range is checked before, and the fraction is to go")]
fn moment(value: &Value) -> Result<Timestamp, NotATime> {
    let seconds = match (value.as_i64(), value.as_f64()) {
        (Some(whole), _) => whole,
        (None, Some(fraction)) if (0.0..=MAX_TIME as f64).contains(&fraction) => fraction as i64,
        _ => return Err(NotATime),
    };
    if !(0..=MAX_TIME).contains(&seconds) {
        return Err(NotATime);
    }
    Ok(Timestamp::from_unix(seconds))
}

/// What the claims of one purpose must say.
///
/// `iss` and `exp` are demanded unless they are said to be optional. The audience is checked as soon as one is named.
#[derive(Clone, Debug)]
#[must_use]
pub struct Expected {
    issuer: String,
    presence: Presence,
    audience: Audience,
    expiry: Expiry,
    max_lifetime: Option<Duration>,
    issued_at: IssuedAt,
    leeway: Duration,
}

#[derive(Clone, Debug)]
enum Audience {
    /// Whatever `aud` says.
    Any,
    /// All of the audiences are among these.
    Only(Arc<[String]>),
    /// At least one audience is among these.
    OneOf(Arc<[String]>),
    /// At least one audience is among these, if there is any.
    OneOfIfAny(Arc<[String]>),
    /// `aud` is one of these as a plain text, not a list.
    Plain(Arc<[String]>),
}

/// Whether `iss` and `exp` must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Optional,
    Required,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expiry {
    Exact,
    Ignored,
    Lenient,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IssuedAt {
    Optional,
    Required,
    Unchecked,
}

impl Expected {
    /// Claims whose `iss` is exactly `issuer`.
    pub fn new(issuer: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            presence: Presence::Required,
            audience: Audience::Any,
            expiry: Expiry::Lenient,
            max_lifetime: None,
            issued_at: IssuedAt::Optional,
            leeway: DEFAULT_LEEWAY,
        }
    }

    /// `iss` and `exp` may be missing; where they are there, they must be as expected.
    pub const fn with_optional_claims(mut self) -> Self {
        self.presence = Presence::Optional;
        self
    }

    /// `aud` may be missing; where it is there, it must name one of `audiences`.
    pub fn with_audience_if_any<T: Into<String>>(mut self, audiences: impl IntoIterator<Item = T>) -> Self {
        self.audience = Audience::OneOfIfAny(audiences.into_iter().map(Into::into).collect());
        self
    }

    /// `aud` must be there and name one of `audiences`; it may name others beside it.
    pub fn with_audience<T: Into<String>>(mut self, audiences: impl IntoIterator<Item = T>) -> Self {
        self.audience = Audience::OneOf(audiences.into_iter().map(Into::into).collect());
        self
    }

    /// `aud` must be there, and everything that it names must be among `audiences`.
    pub fn with_only_audience<T: Into<String>>(mut self, audiences: impl IntoIterator<Item = T>) -> Self {
        self.audience = Audience::Only(audiences.into_iter().map(Into::into).collect());
        self
    }

    /// `aud` must be there as a plain text, not a list, and be one of `audiences`.
    pub fn with_plain_audience<T: Into<String>>(mut self, audiences: impl IntoIterator<Item = T>) -> Self {
        self.audience = Audience::Plain(audiences.into_iter().map(Into::into).collect());
        self
    }

    /// `exp` ends the token to the second, without leeway: for tokens of our own.
    pub const fn with_exact_expiry(mut self) -> Self {
        self.expiry = Expiry::Exact;
        self
    }

    /// `exp` must be there, and may lie in the past.
    pub const fn with_expiry_ignored(mut self) -> Self {
        self.expiry = Expiry::Ignored;
        self
    }

    /// `exp` may lie at most this far ahead of now, leeway added.
    pub const fn with_max_lifetime(mut self, most: Duration) -> Self {
        self.max_lifetime = Some(most);
        self
    }

    /// `iat` must be there.
    pub const fn with_issued_at(mut self) -> Self {
        self.issued_at = IssuedAt::Required;
        self
    }

    /// `iat` may lie in the future: for tokens of our own, which another node with another clock may have signed.
    pub const fn with_issued_at_unchecked(mut self) -> Self {
        self.issued_at = IssuedAt::Unchecked;
        self
    }

    /// By how much the clocks may differ: 10 seconds by default; more than 60 counts as 60.
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway.min(MAX_LEEWAY);
        self
    }
}

impl Audience {
    fn accepts(&self, claims: &ClaimsSet) -> bool {
        let among = |list: &[String], one: &str| list.iter().any(|accepted| accepted == one);
        match self {
            Self::Any => true,
            Self::Only(list) => {
                claims.audience().is_some_and(|named| named.into_iter().all(|one| among(list, one)))
            }
            Self::OneOfIfAny(_) if claims.value("aud").is_none() => true,
            Self::OneOf(list) | Self::OneOfIfAny(list) => {
                claims.audience().is_some_and(|named| named.into_iter().any(|one| among(list, one)))
            }
            Self::Plain(list) => claims.str("aud").is_some_and(|one| among(list, one)),
        }
    }
}
