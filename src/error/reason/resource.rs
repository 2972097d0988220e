//! Reasons of what takes access tokens: a resource server.

macro_rules! resource_reasons {
    ($($before:tt)*) => { registration_reasons! {
        $($before)*

        // Access tokens at a resource server
        /// The access token's algorithm is not one of its issuer's.
        AccessTokenAlgorithm => InvalidToken, "the access token is not valid";
        /// The access token is for other resources.
        AccessTokenAudience => InvalidToken, "the access token is for another resource";
        /// A claim of the access token is missing or malformed.
        AccessTokenClaims => InvalidToken, "the access token is not valid";
        /// The access token is bound in a way that is not known here.
        AccessTokenConfirmation => InvalidToken, "the access token is bound in a way that is not supported";
        /// The access token has expired.
        AccessTokenExpired => InvalidToken, "the access token has expired";
        /// Its issuer says that the access token is not active.
        AccessTokenInactive => InvalidToken, "the access token is not valid";
        /// The access token names an issuer that is not trusted, or introspection names another than the one asked.
        AccessTokenIssuer => InvalidToken, "the access token is not valid";
        /// The access token says that it is not valid yet.
        AccessTokenNotYetValid => InvalidToken, "the access token is not valid yet";
        /// The access token lacks a scope that the resource demands.
        AccessTokenScopeMissing => InsufficientScope, "the access token lacks a scope";
        /// No key of its issuer verifies the access token.
        AccessTokenSignature => InvalidToken, "the access token is not valid";
        /// The person behind the access token has not signed in in the way, or not as recently, as the resource demands.
        AccessTokenStepUp => InsufficientUserAuthentication, "a different authentication level is required";
        /// The `typ` of the access token is missing or not `at+jwt`: it is a token of another kind.
        AccessTokenType => InvalidToken, "the access token is not valid";
        /// The cryptographic library panicked over the access token. An alarm.
        AccessTokenUnchecked => InvalidToken, "the access token is not valid";
        /// The access token is no JWT, and nobody is asked about others.
        AccessTokenUnreadable => InvalidToken, "the access token is not valid";
        /// The answer of introspection cannot be read.
        IntrospectionMalformed => TemporarilyUnavailable, "the server cannot answer now, try again later";
        /// Whoever is to be asked about access tokens panicked. An alarm.
        IntrospectionPanicked => TemporarilyUnavailable, "the server cannot answer now, try again later";
        /// The issuer refuses the credentials by which it is asked about access tokens.
        IntrospectionRefused => TemporarilyUnavailable, "the server cannot answer now, try again later";
        /// Whoever is to be asked about access tokens cannot answer.
        IntrospectionUnavailable => TemporarilyUnavailable, "the server cannot answer now, try again later";
        /// The answer of introspection is not signed as it has to be.
        IntrospectionUnverified => TemporarilyUnavailable, "the server cannot answer now, try again later";
        /// The keys of the issuer could not be fetched; an event has told why.
        IssuerKeysUnavailable => TemporarilyUnavailable, "the server cannot answer now, try again later";
    } };
}
