//! What a request has to bring.

use std::sync::Arc;

use super::access::Known;
use crate::clock::Timestamp;
use crate::error::Reason;
use crate::types::{InvalidScope, Scope};
use crate::wire::StepUp;

/// What an access token must allow, and how the person behind it must have signed in.
///
/// ```
/// use std::time::Duration;
/// use vouchsafe::resource::Requirement;
/// use vouchsafe::wire::StepUp;
///
/// let recent = StepUp::new().with_acr_values(["phr"]).with_max_age(Duration::from_secs(300));
/// let payments = Requirement::scope("payments")?.with_step_up(recent).with_bound_token();
/// # let _ = payments;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Requirement {
    scope: Scope,
    audience: Option<Arc<str>>,
    step_up: StepUp,
    binding: Binding,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Binding {
    #[default]
    Optional,
    Required,
}

impl Requirement {
    /// Any token that is for this resource.
    pub fn any() -> Self {
        Self::default()
    }

    /// All of these scopes, separated by spaces.
    ///
    /// # Errors
    /// [`InvalidScope`] for texts that are none.
    pub fn scope(scope: &str) -> Result<Self, InvalidScope> {
        Ok(Self { scope: Scope::parse(scope)?, ..Self::default() })
    }

    /// The token must name this resource in `aud`, where the server goes by several names.
    pub fn with_audience(mut self, resource: impl Into<Arc<str>>) -> Self {
        self.audience = Some(resource.into());
        self
    }

    /// How and how recently the person must have signed in (RFC 9470). A token that does not say so does not do.
    pub fn with_step_up(mut self, step_up: StepUp) -> Self {
        self.step_up = step_up;
        self
    }

    /// The token must be bound to a key: by DPoP, or to a certificate.
    pub const fn with_bound_token(mut self) -> Self {
        self.binding = Binding::Required;
        self
    }

    /// Whether `known` does.
    ///
    /// # Errors
    /// [`Reason::AccessTokenAudience`], [`Reason::AccessTokenUnbound`], [`Reason::AccessTokenScopeMissing`],
    /// [`Reason::AccessTokenStepUp`].
    pub(super) fn check(&self, known: &Known, now: Timestamp) -> Result<(), Reason> {
        if self.audience.as_deref().is_some_and(|resource| !known.is_for(resource)) {
            return Err(Reason::AccessTokenAudience);
        }
        if self.binding == Binding::Required && known.confirmation.is_none() {
            return Err(Reason::AccessTokenUnbound);
        }
        if !self.scope.is_subset(&known.scope) {
            return Err(Reason::AccessTokenScopeMissing);
        }
        match self.step_up.is_met(known.acr(), known.auth_time(), now) {
            true => Ok(()),
            false => Err(Reason::AccessTokenStepUp),
        }
    }

    /// What to tell of it where a token is refused for this.
    pub(super) fn told(&self, reason: Reason) -> (Option<&Scope>, Option<&StepUp>) {
        match reason {
            Reason::AccessTokenScopeMissing => (Some(&self.scope), None),
            Reason::AccessTokenStepUp => (None, Some(&self.step_up)),
            _ => (None, None),
        }
    }
}
