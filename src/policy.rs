//! What a deployment decides at run time, with careful defaults.

mod strategies;

use std::fmt::Debug;
use std::time::Duration;

pub use strategies::{AudienceStrategy, ScopeStrategy, StrategicPolicy};

use crate::client::{AccessTokenFormatChoice, Client};
use crate::error::Reason;
use crate::store::{Advance, Grace};
use crate::types::{GrantType, Scope};

/// Tokens about to be issued.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Issuing<'a> {
    /// To whom.
    pub client: &'a Client,
    /// How the grant came about.
    pub grant_type: &'a GrantType,
    /// What the access token permits.
    pub scope: &'a Scope,
    /// Who may accept it (`aud`).
    pub audience: &'a [String],
}

impl<'a> Issuing<'a> {
    /// Tokens for `client`.
    #[must_use]
    pub const fn new(
        client: &'a Client,
        grant_type: &'a GrantType,
        scope: &'a Scope,
        audience: &'a [String],
    ) -> Self {
        Self { client, grant_type, scope, audience }
    }
}

/// How refresh tokens of a client change with use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Whether each use brings a new one.
    pub advance: Advance,
    /// How long the one before is still answered.
    pub grace: Grace,
}

/// What a deployment decides; every method has the careful answer, mostly given as `default` from the client's
/// settings and the configuration, so that a host overrides only what it wants otherwise.
pub trait Policy: Debug + Send + Sync {
    /// The scope that `client` may have of the `requested`, at authorization and for itself.
    ///
    /// # Errors
    /// [`Reason::ScopeNotAllowed`] when some of it is outside the client's registered scope.
    fn scope(&self, client: &Client, requested: &Scope) -> Result<Scope, Reason> {
        if requested.is_subset(&client.metadata().scope) {
            Ok(requested.clone())
        } else {
            Err(Reason::ScopeNotAllowed)
        }
    }

    /// Whether `client` may ask for `resource` (RFC 8707).
    ///
    /// # Errors
    /// [`Reason::ResourceNotAllowed`] when it is not among the client's resources.
    fn resource(&self, client: &Client, resource: &str) -> Result<(), Reason> {
        if client.settings().resources.iter().any(|allowed| allowed == resource) {
            Ok(())
        } else {
            Err(Reason::ResourceNotAllowed)
        }
    }

    /// The shape of an access token. Default: the resource's, else the client's, else the provider's.
    fn access_token_format(
        &self,
        _: &Issuing<'_>,
        default: AccessTokenFormatChoice,
    ) -> AccessTokenFormatChoice {
        default
    }

    /// The lifetime of an access token, of which no more than 24 hours count. Default: the client's, else the grant type's,
    /// or the resource's where that is shorter; else the provider's.
    fn access_token_lifetime(&self, _: &Issuing<'_>, default: Duration) -> Duration {
        default
    }

    /// The lifetime of an ID token, of which no more than 24 hours count. Default: the client's, else the grant type's,
    /// else the provider's.
    fn id_token_lifetime(&self, _: &Issuing<'_>, default: Duration) -> Duration {
        default
    }

    /// How long a refresh token may stay unused, asked at each of its uses. Default: as for ID tokens.
    fn refresh_idle(&self, _: &Issuing<'_>, default: Duration) -> Duration {
        default
    }

    /// How long a grant with a refresh token lasts in all, asked once. Default: as for ID tokens.
    fn grant_lifetime(&self, _: &Issuing<'_>, default: Duration) -> Duration {
        default
    }

    /// Whether a grant gets a refresh token. Default: with `offline_access`, if the client registered the grant type.
    fn issues_refresh_token(&self, _: &Issuing<'_>, default: bool) -> bool {
        default
    }

    /// How refresh tokens change with use. Default: they rotate for public clients, with the configured grace, unless
    /// they are bound to a key.
    ///
    /// Whatever is answered, those of a public client rotate unless they are bound to a key, and a grace in time is at
    /// most 60 seconds.
    fn rotation(&self, _: &Client, default: Rotation) -> Rotation {
        default
    }

    /// Whether `caller` may introspect a token of `owner` for `audience`. Default: its own tokens, and those with
    /// an audience that its settings list.
    fn may_introspect(&self, caller: &Client, owner: &crate::types::ClientId, audience: &[String]) -> bool {
        caller.id() == owner || audience.iter().any(|aud| caller.settings().introspects.contains(aud))
    }
}

/// The careful defaults.
#[derive(Clone, Copy, Debug, Default)]
pub struct CarefulPolicy;

impl Policy for CarefulPolicy {}

const _: fn(&dyn Policy) = |_| ();
