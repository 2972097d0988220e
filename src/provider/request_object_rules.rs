//! What request objects must be.

/// What a signed request object must say of its audience (RFC 9101 section 4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestObjectAudience {
    /// `aud` must name the issuer. The default: an object that is for anybody could have been made for another server.
    #[default]
    Required,
    /// `aud` may be missing, as OpenID Connect Core 1.0 section 6.1 has it; where it is there, it must name the issuer.
    Optional,
}

/// What `typ` a request object must have (RFC 9101 section 10.8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestObjectType {
    /// `oauth-authz-req+jwt`, `JWT`, or none. The default: OpenID Connect knows no `typ`.
    #[default]
    Any,
    /// `oauth-authz-req+jwt` alone.
    Explicit,
}

/// What parameters beside a request object count for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OuterParameters {
    /// Nothing, whether or not they are in the object too (RFC 9101 sections 5 and 6.3), but for `client_id` and
    /// `response_type`, which OpenID Connect Core 1.0 section 6.1 wants to stand beside the object and which then need
    /// not be in it. The default.
    #[default]
    Ignored,
    /// They count where the object has no parameter of their name (OpenID Connect Core 1.0 section 6.1).
    ///
    /// # Security
    /// Nobody signed them: whoever can change the request can change what the object leaves open.
    Supplementing,
}

/// What request objects must be, where the builder turned them on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestObjectRules {
    /// Whether `aud` must be there.
    pub audience: RequestObjectAudience,
    /// What parameters beside the object count for.
    pub outer_parameters: OuterParameters,
    /// What `typ` must be.
    pub typ: RequestObjectType,
}

impl RequestObjectRules {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether `aud` must be there.
    #[must_use]
    pub const fn with_audience(mut self, audience: RequestObjectAudience) -> Self {
        self.audience = audience;
        self
    }

    /// What parameters beside the object count for.
    #[must_use]
    pub const fn with_outer_parameters(mut self, outer: OuterParameters) -> Self {
        self.outer_parameters = outer;
        self
    }

    /// What `typ` must be.
    #[must_use]
    pub const fn with_type(mut self, typ: RequestObjectType) -> Self {
        self.typ = typ;
        self
    }
}
