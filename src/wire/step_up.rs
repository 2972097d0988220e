//! Step-up authentication (RFC 9470): a resource server asks for a better or more recent login.

use std::time::Duration;

use super::challenge::Challenge;
use crate::clock::Timestamp;
use crate::error::Reason;

/// How the person behind an access token must have signed in.
///
/// A resource server holds the `acr` and `auth_time` of a token, from its JWT or from introspection, against it, and
/// answers with the challenge when they do not do. The client then sends the person to the authorization endpoint with
/// the same `acr_values` and `max_age`.
///
/// ```
/// use std::time::Duration;
/// use vouchsafe::clock::Timestamp;
/// use vouchsafe::wire::StepUp;
///
/// let payments = StepUp::new().with_acr_values(["phr"]).with_max_age(Duration::from_secs(300));
/// let now = Timestamp::from_unix(1_000);
/// assert!(payments.is_met(Some("phr"), Some(Timestamp::from_unix(700)), now));
/// assert!(!payments.is_met(Some("pwd"), Some(Timestamp::from_unix(700)), now));
/// let challenge = payments.challenge("https://api.example").header_value();
/// assert!(challenge.to_str()?.contains(r#"acr_values="phr", max_age="300""#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct StepUp {
    acr_values: Vec<String>,
    max_age: Option<Duration>,
}

impl StepUp {
    /// Any login will do.
    pub fn new() -> Self {
        Self::default()
    }

    /// One of these authentication context classes, the most preferred first.
    pub fn with_acr_values<T: Into<String>>(mut self, values: impl IntoIterator<Item = T>) -> Self {
        self.acr_values = values.into_iter().map(Into::into).collect();
        self
    }

    /// A login that lies no longer ago than this; whole seconds count.
    pub const fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    /// Whether a login of this `acr` and `auth_time` does. What a token does not say does not do, nor does a time to come.
    #[must_use]
    pub fn is_met(&self, acr: Option<&str>, auth_time: Option<Timestamp>, now: Timestamp) -> bool {
        let reached = |acr: &str| self.acr_values.iter().any(|value| value == acr);
        let recent = |max_age: Duration| {
            let seconds = Duration::from_secs(max_age.as_secs());
            auth_time.is_some_and(|at| at <= now && at.plus(seconds) >= now)
        };
        (self.acr_values.is_empty() || acr.is_some_and(reached)) && self.max_age.is_none_or(recent)
    }

    /// `Bearer` with `error="insufficient_user_authentication"`, for a response of status 401 (RFC 9470 section 3).
    #[must_use]
    pub fn challenge(&self, realm: &str) -> Challenge {
        self.demanded_in(Challenge::bearer(realm).with_reason(Reason::AccessTokenStepUp))
    }

    /// Adds what is demanded: `acr_values` and `max_age`.
    pub(crate) fn demanded_in(&self, mut challenge: Challenge) -> Challenge {
        if !self.acr_values.is_empty() {
            challenge = challenge.with("acr_values", &self.acr_values.join(" "));
        }
        match self.max_age {
            Some(age) => challenge.with("max_age", &age.as_secs().to_string()),
            None => challenge,
        }
    }
}
