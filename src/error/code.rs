//! The error codes that the specifications register.

use std::fmt;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $status:literal;)+) => {
        /// A registered `error` value, in the words of its specification.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)+
        }

        impl ErrorCode {
            /// Every code, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The code as it stands on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The HTTP status of a response that carries this code in a JSON body.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)+ }
            }
        }
    };
}

error_codes! {
    /// The person or the server said no (RFC 6749 section 4.1.2.1).
    AccessDenied = "access_denied", 400;
    /// An account must be chosen, and `prompt=none` forbids asking (OpenID Connect Core section 3.1.2.6).
    AccountSelectionRequired = "account_selection_required", 400;
    /// The person has not answered yet (RFC 8628 section 3.5).
    AuthorizationPending = "authorization_pending", 400;
    /// Consent is missing, and `prompt=none` forbids asking (OpenID Connect Core section 3.1.2.6).
    ConsentRequired = "consent_required", 400;
    /// The hint was good once (CIBA Core section 13).
    ExpiredLoginHintToken = "expired_login_hint_token", 400;
    /// What the client polls with has expired (RFC 8628 section 3.5).
    ExpiredToken = "expired_token", 400;
    /// The token's scope does not reach (RFC 6750 section 3.1).
    InsufficientScope = "insufficient_scope", 403;
    /// The person behind the token must sign in in another way, or anew (RFC 9470 section 3).
    InsufficientUserAuthentication = "insufficient_user_authentication", 401;
    /// Something must be shown, and `prompt=none` forbids it (OpenID Connect Core section 3.1.2.6).
    InteractionRequired = "interaction_required", 400;
    /// The authorization details are malformed, unknown, or more than was granted (RFC 9396 sections 5 and 8).
    InvalidAuthorizationDetails = "invalid_authorization_details", 400;
    /// The message cannot be shown to the person (CIBA Core section 13).
    InvalidBindingMessage = "invalid_binding_message", 400;
    /// Client authentication failed (RFC 6749 section 5.2).
    InvalidClient = "invalid_client", 401;
    /// The client's metadata does not fit (RFC 7591 section 3.2.2).
    InvalidClientMetadata = "invalid_client_metadata", 400;
    /// The proof of possession is not valid (RFC 9449 section 5).
    InvalidDpopProof = "invalid_dpop_proof", 400;
    /// The code or refresh token is not valid for this client (RFC 6749 section 5.2).
    InvalidGrant = "invalid_grant", 400;
    /// A redirect URI cannot be registered (RFC 7591 section 3.2.2).
    InvalidRedirectUri = "invalid_redirect_uri", 400;
    /// The request is malformed (RFC 6749 sections 4.1.2.1 and 5.2).
    InvalidRequest = "invalid_request", 400;
    /// The request object is not valid (OpenID Connect Core section 3.1.2.6, RFC 9101 section 7).
    InvalidRequestObject = "invalid_request_object", 400;
    /// The `request_uri` cannot be used (OpenID Connect Core section 3.1.2.6, RFC 9101 section 7).
    InvalidRequestUri = "invalid_request_uri", 400;
    /// The scope is malformed, unknown, or more than was granted (RFC 6749 sections 4.1.2.1 and 5.2).
    InvalidScope = "invalid_scope", 400;
    /// The software statement is not valid (RFC 7591 section 3.2.2).
    InvalidSoftwareStatement = "invalid_software_statement", 400;
    /// The resource is malformed, unknown, or not granted (RFC 8707 section 2).
    InvalidTarget = "invalid_target", 400;
    /// The code of the person is wrong (CIBA Core section 13).
    InvalidUserCode = "invalid_user_code", 400;
    /// The access token is not valid (RFC 6750 section 3.1).
    InvalidToken = "invalid_token", 401;
    /// A login is needed, and `prompt=none` forbids asking (OpenID Connect Core section 3.1.2.6).
    LoginRequired = "login_required", 400;
    /// The person has a code that has to come with the request (CIBA Core section 13).
    MissingUserCode = "missing_user_code", 400;
    /// `registration` is not supported (OpenID Connect Core section 3.1.2.6).
    RegistrationNotSupported = "registration_not_supported", 400;
    /// `request` is not supported (OpenID Connect Core section 3.1.2.6).
    RequestNotSupported = "request_not_supported", 400;
    /// `request_uri` is not supported (OpenID Connect Core section 3.1.2.6).
    RequestUriNotSupported = "request_uri_not_supported", 400;
    /// A fault of the server (RFC 6749 section 4.1.2.1).
    ServerError = "server_error", 500;
    /// The client polls too often (RFC 8628 section 3.5).
    SlowDown = "slow_down", 400;
    /// The server cannot answer now (RFC 6749 section 4.1.2.1).
    TemporarilyUnavailable = "temporarily_unavailable", 503;
    /// The request was answered, and came to nothing (CIBA Core section 12).
    TransactionFailed = "transaction_failed", 400;
    /// The software statement is from somebody who is not approved (RFC 7591 section 3.2.2).
    UnapprovedSoftwareStatement = "unapproved_software_statement", 400;
    /// The client may not use this grant or response type (RFC 6749 sections 4.1.2.1 and 5.2).
    UnauthorizedClient = "unauthorized_client", 400;
    /// The essential acr cannot be met (OpenID Connect Core Error Code unmet_authentication_requirements 1.0
    /// section 1).
    UnmetAuthenticationRequirements = "unmet_authentication_requirements", 400;
    /// The hint names nobody (CIBA Core section 13).
    UnknownUserId = "unknown_user_id", 400;
    /// The grant type is not supported (RFC 6749 section 5.2).
    UnsupportedGrantType = "unsupported_grant_type", 400;
    /// The response type is not supported (RFC 6749 section 4.1.2.1).
    UnsupportedResponseType = "unsupported_response_type", 400;
    /// The token type cannot be revoked (RFC 7009 section 2.2.1).
    UnsupportedTokenType = "unsupported_token_type", 400;
    /// The proof of possession must carry a nonce of the server (RFC 9449 section 8).
    UseDpopNonce = "use_dpop_nonce", 400;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
