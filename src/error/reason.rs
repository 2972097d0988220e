//! Why something was refused, and the one table from there to the wire.

use std::borrow::Cow;

use super::ErrorCode;

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident => $code:ident, $text:literal;)+) => {
        /// Why a request was refused: one variant for each check that can refuse.
        ///
        /// Events and tests speak of reasons; clients see only what [`Reason::wire`] gives. A new reason is a
        /// minor change, another code for an existing reason a breaking one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[$doc])* $variant,)+
            /// A refusal of a host's grant or rule, with the code and text it chose.
            ///
            /// The text must be of the characters that RFC 6749 section 5.2 allows; others are replaced.
            Custom(ErrorCode, &'static str),
        }

        impl Reason {
            /// Every reason but [`Reason::Custom`], in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// What the client is told: the `error` code and the `error_description`.
            #[must_use]
            pub const fn wire(self) -> (ErrorCode, &'static str) {
                match self {
                    $(Self::$variant => (ErrorCode::$code, $text),)+
                    Self::Custom(code, text) => (code, text),
                }
            }

            /// The `error_description`, of the characters that may stand there.
            #[must_use]
            pub fn description(self) -> Cow<'static, str> {
                plain_text(self.wire().1)
            }

            /// The reason's own name, for logs and metrics.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)+ Self::Custom(..) => "Custom" }
            }
        }
    };
}

reasons! {
    // The request as HTTP and as a form
    /// The method is not one that this endpoint answers (405).
    MethodNotAllowed => InvalidRequest, "the method is not allowed here";
    /// The path is not one of the provider's (404).
    NotFound => InvalidRequest, "there is no endpoint at this path";
    /// The media type is not `application/x-www-form-urlencoded`.
    ContentTypeUnsupported => InvalidRequest, "the content type must be application/x-www-form-urlencoded";
    /// The media type is not `application/json` where that is demanded.
    JsonExpected => InvalidRequest, "the content type must be application/json";
    /// The body is not one JSON object of bounded depth without repeated members.
    JsonMalformed => InvalidRequest, "the body must be one json object of bounded depth";
    /// The body is compressed (415).
    ContentEncodingUnsupported => InvalidRequest, "the body must not be encoded";
    /// The body or query is over its cap (413).
    BodyTooLarge => InvalidRequest, "the request is too large";
    /// The body broke off.
    BodyUnreadable => InvalidRequest, "the body could not be read";
    /// The form has a broken escape, NUL, or bytes that are not UTF-8.
    FormMalformed => InvalidRequest, "the form is malformed";
    /// The form has too many parameters.
    TooManyParameters => InvalidRequest, "the request has too many parameters";
    /// A parameter stands twice.
    ParameterRepeated => InvalidRequest, "a parameter must not be repeated";
    /// A parameter came in the query where the body is demanded.
    ParameterInQuery => InvalidRequest, "parameters must be in the body";
    /// `grant_type` is missing.
    GrantTypeMissing => InvalidRequest, "grant_type is missing";
    /// `token` is missing.
    TokenMissing => InvalidRequest, "token is missing";
    /// The limiter refused (429).
    RateLimited => TemporarilyUnavailable, "too many requests, try again later";

    // Client authentication
    /// No credentials and no `client_id`.
    ClientCredentialsMissing => InvalidClient, "client authentication failed";
    /// The client is not known.
    ClientUnknown => InvalidClient, "client authentication failed";
    /// The client is disabled.
    ClientDisabled => InvalidClient, "client authentication failed";
    /// The secret is wrong or has expired.
    ClientSecretWrong => InvalidClient, "client authentication failed";
    /// The method is not the one that the client is registered with.
    ClientMethodNotRegistered => InvalidClient, "client authentication failed";
    /// The `client_id` in the body is not the one that authenticated.
    ClientIdMismatch => InvalidClient, "client authentication failed";
    /// The Basic credentials cannot be decoded.
    ClientBasicMalformed => InvalidClient, "client authentication failed";
    /// The `Authorization` header stands twice or is over its cap.
    AuthorizationHeaderMalformed => InvalidRequest, "the authorization header is malformed";
    /// The client authenticates by a certificate, and the connection has none.
    ClientCertificateMissing => InvalidClient, "client authentication failed";
    /// The certificate of the connection cannot be read.
    ClientCertificateMalformed => InvalidClient, "client authentication failed";
    /// The certificate of the connection is of no authority that the host trusts.
    ClientCertificateUnverified => InvalidClient, "client authentication failed";
    /// The certificate of the connection is not valid now.
    ClientCertificateTimes => InvalidClient, "client authentication failed";
    /// The certificate of the connection is of another subject than the client registered, or of several.
    ClientCertificateSubject => InvalidClient, "client authentication failed";
    /// The key of the certificate of the connection is none that the client registered.
    ClientCertificateKey => InvalidClient, "client authentication failed";
    /// More than one way of authentication in one request.
    ClientMethodsCombined => InvalidRequest, "only one client authentication method may be used";
    /// `client_assertion_type` is missing or not the JWT bearer type.
    ClientAssertionTypeWrong => InvalidRequest, "client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    /// `client_assertion` is missing beside its type.
    ClientAssertionMissing => InvalidRequest, "client_assertion is missing";
    /// The assertion is no JWT of the accepted form.
    ClientAssertionMalformed => InvalidClient, "client authentication failed";
    /// The assertion's algorithm is not the registered one.
    ClientAssertionAlgorithm => InvalidClient, "client authentication failed";
    /// No registered key verifies the assertion.
    ClientAssertionSignature => InvalidClient, "client authentication failed";
    /// The assertion's `iss`, `sub` and the client are not the same.
    ClientAssertionIssuer => InvalidClient, "client authentication failed";
    /// The assertion is meant for another audience.
    ClientAssertionAudience => InvalidClient, "client authentication failed";
    /// The assertion is expired, not yet valid, without `exp`, or lives too long.
    ClientAssertionTimes => InvalidClient, "client authentication failed";
    /// The assertion has no usable `jti`.
    ClientAssertionId => InvalidClient, "client authentication failed";
    /// The assertion's `jti` was used before.
    ClientAssertionReplayed => InvalidClient, "client authentication failed";
    /// The cryptographic library panicked over the assertion. An alarm.
    ClientAssertionUnchecked => InvalidClient, "client authentication failed";
    /// A fetch of the client's keys was given up before it came to anything.
    ClientKeysAbandoned => InvalidClient, "client authentication failed";
    /// The client's `jwks_uri` is, or resolves to, an address that may not be asked.
    ClientKeysAddressRefused => InvalidClient, "client authentication failed";
    /// What is at the client's `jwks_uri` is not served as JSON.
    ClientKeysContentType => InvalidClient, "client authentication failed";
    /// What is at the client's `jwks_uri` is no key set, or has no key that can be used.
    ClientKeysMalformed => InvalidClient, "client authentication failed";
    /// The client registered a `jwks_uri`, and the provider does not fetch keys.
    ClientKeysNotFetched => InvalidClient, "client authentication failed";
    /// The host's HTTP client panicked over the client's `jwks_uri`. An alarm.
    ClientKeysPanicked => InvalidClient, "client authentication failed";
    /// The client's `jwks_uri` redirects.
    ClientKeysRedirected => InvalidClient, "client authentication failed";
    /// The client's `jwks_uri` answers with a status other than 200.
    ClientKeysStatus => InvalidClient, "client authentication failed";
    /// The client's `jwks_uri` took too long.
    ClientKeysTimedOut => InvalidClient, "client authentication failed";
    /// The client's key set is over 256 KiB.
    ClientKeysTooLarge => InvalidClient, "client authentication failed";
    /// The client's `jwks_uri` cannot be reached, or has no trusted certificate.
    ClientKeysUnreachable => InvalidClient, "client authentication failed";
    /// The client may not use this endpoint.
    ClientNotConfidential => UnauthorizedClient, "only a confidential client may do this";

    // Token endpoint
    /// No handler has this `grant_type`.
    GrantTypeUnsupported => UnsupportedGrantType, "grant_type is not supported";
    /// The client is not registered for this `grant_type`.
    GrantTypeNotAllowed => UnauthorizedClient, "the client may not use this grant_type";
    /// `code` is missing.
    CodeMissing => InvalidRequest, "code is missing";
    /// The code is not one of ours.
    CodeMalformed => InvalidGrant, "the authorization code is not valid";
    /// The code is not known.
    CodeUnknown => InvalidGrant, "the authorization code is not valid";
    /// The code belongs to another client.
    CodeForeign => InvalidGrant, "the authorization code is not valid";
    /// The code, refresh token or grant is bound to another key than the one that the request proved.
    ConfirmationMismatch => InvalidGrant, "the code or token is bound to another key";
    /// The code or refresh token is bound to a key, and the request proved none.
    ConfirmationMissing => InvalidGrant, "the code or token is bound to a key, whose proof is missing";
    /// The tokens of the client have to be bound to a certificate, and the connection has none, or none is
    /// looked at.
    CertificateNeeded => InvalidRequest, "the tokens of this client are bound to a certificate, which the connection must have";
    /// The request proves a key of its own, where the tokens of the client have to be bound to a certificate.
    ConfirmationsCombined => InvalidRequest, "a token must be bound to the certificate or to the key of a proof, not to both";
    /// The code has expired.
    CodeExpired => InvalidGrant, "the authorization code is not valid";
    /// The code was used before; its grant is revoked.
    CodeReplayed => InvalidGrant, "the authorization code is not valid";
    /// The stored code does not open under the system secrets.
    CodeUnreadable => InvalidGrant, "the authorization code is not valid";
    /// The `redirect_uri` is not the one of the authorization request.
    CodeRedirectUriMismatch => InvalidGrant, "redirect_uri does not match the authorization request";
    /// `code_verifier` is missing although a challenge was sent.
    PkceVerifierMissing => InvalidGrant, "code_verifier is missing";
    /// `code_verifier` is not 43 to 128 unreserved characters.
    PkceVerifierMalformed => InvalidRequest, "code_verifier must be 43 to 128 unreserved characters";
    /// `code_verifier` does not fit the challenge.
    PkceMismatch => InvalidGrant, "code_verifier does not match the code_challenge";
    /// `code_verifier` was sent although there was no challenge.
    PkceVerifierUnexpected => InvalidGrant, "code_verifier was sent without a code_challenge";
    /// The subject is gone: disabled, deleted or locked.
    SubjectGone => InvalidGrant, "the grant is not valid";
    /// The grant is revoked.
    GrantRevoked => InvalidGrant, "the grant is not valid";
    /// The grant is not known.
    GrantUnknown => InvalidGrant, "the grant is not valid";
    /// `refresh_token` is missing.
    RefreshTokenMissing => InvalidRequest, "refresh_token is missing";
    /// The refresh token is not one of ours.
    RefreshTokenMalformed => InvalidGrant, "the refresh token is not valid";
    /// The refresh token's family is not known.
    RefreshTokenUnknown => InvalidGrant, "the refresh token is not valid";
    /// The family key is not the stored one: a forgery with knowledge of a system secret.
    RefreshTokenForged => InvalidGrant, "the refresh token is not valid";
    /// The refresh token belongs to another client.
    RefreshTokenForeign => InvalidGrant, "the refresh token is not valid";
    /// The refresh token is past its idle or absolute limit.
    RefreshTokenExpired => InvalidGrant, "the refresh token is not valid";
    /// A rotated refresh token came back; the grant is revoked.
    RefreshTokenReplayed => InvalidGrant, "the refresh token is not valid";
    /// The refresh token is ahead of the store, which has lost state.
    RefreshTokenAhead => InvalidGrant, "the refresh token is not valid";
    /// The stored grant does not open under the system secrets.
    GrantUnreadable => InvalidGrant, "the grant is not valid";
    /// The scope asked is more than was granted.
    ScopeNotGranted => InvalidScope, "the scope exceeds what was granted";
    /// A token at introspection or revocation is not one of ours, has expired or is revoked. The caller is not told.
    TokenUnknown => InvalidToken, "the token is not valid";
    /// A token at introspection or revocation belongs to others. The caller is not told.
    TokenForeign => InvalidToken, "the token is not valid";
    /// The token is a JWT that is not recorded, so that nothing can revoke it.
    TokenNotRevocable => UnsupportedTokenType, "a token of this type cannot be revoked";
    /// The resource asked is not among those granted.
    ResourceNotGranted => InvalidTarget, "the resource is not among those granted";

    /// No one token can be for all the resources asked: it is encrypted for one, or they want different algorithms.
    ResourcesNotCombined => InvalidTarget, "the resources must be asked for one at a time";
    /// The authorization details asked are more than was granted.
    AuthorizationDetailsNotGranted => InvalidAuthorizationDetails, "the authorization details exceed what was granted";
    // Assertions as grants
    /// `assertion` is missing.
    AssertionMissing => InvalidRequest, "assertion is missing";
    /// The assertion's algorithm is not one that its issuer signs with.
    AssertionAlgorithm => InvalidGrant, "the assertion is not valid";
    /// The assertion is meant for another audience.
    AssertionAudience => InvalidGrant, "the assertion is not valid";
    /// The assertion is about a person, whose consent the client needs and nobody asked for.
    AssertionConsentMissing => InvalidGrant, "the assertion is not valid";
    /// The assertion has no usable `jti`.
    AssertionId => InvalidGrant, "the assertion is not valid";
    /// The assertion names no issuer or no subject, or another issuer than the trust is in.
    AssertionIssuer => InvalidGrant, "the assertion is not valid";
    /// The keys of the assertion's issuer could not be had.
    AssertionKeysUnavailable => TemporarilyUnavailable, "the server cannot answer now, try again later";
    /// The assertion is no signed JWT.
    AssertionMalformed => InvalidGrant, "the assertion is not valid";
    /// The assertion's `jti` was used before.
    AssertionReplayed => InvalidGrant, "the assertion is not valid";
    /// No key of its issuer, for its subject, verifies the assertion.
    AssertionSignature => InvalidGrant, "the assertion is not valid";
    /// The host knows nobody whom the assertion stands for.
    AssertionSubjectUnknown => InvalidGrant, "the assertion is not valid";
    /// The assertion is expired, not yet valid, without `exp`, or lives too long.
    AssertionTimes => InvalidGrant, "the assertion is not valid";
    /// The trust in the assertion's issuer has expired.
    AssertionTrustExpired => InvalidGrant, "the assertion is not valid";
    /// The assertion is a token of another kind.
    AssertionType => InvalidGrant, "the assertion is not valid";
    /// The cryptographic library panicked over the assertion. An alarm.
    AssertionUnchecked => InvalidGrant, "the assertion is not valid";
    /// The assertion is of an issuer that is not trusted, or not with its subject.
    AssertionUntrusted => InvalidGrant, "the assertion is not valid";

    // Token exchange
    /// `subject_token` is missing.
    SubjectTokenMissing => InvalidRequest, "subject_token is missing";
    /// `subject_token_type` is missing.
    SubjectTokenTypeMissing => InvalidRequest, "subject_token_type is missing";
    /// `subject_token_type` is not one that can be exchanged.
    SubjectTokenTypeUnsupported => InvalidRequest, "subject_token_type is not supported";
    /// The subject token is bound to a key that the request did not prove.
    SubjectTokenBound => InvalidRequest, "the subject_token is bound to a key, which must be proved";
    /// The subject token is one that only another client may use.
    SubjectTokenForeign => InvalidRequest, "the subject_token is not valid";
    /// The person whom the subject token is about is gone: disabled, deleted or locked.
    SubjectTokenGone => InvalidRequest, "the subject_token is not valid";
    /// The subject token is no valid token of the type that it is said to be.
    SubjectTokenInvalid => InvalidRequest, "the subject_token is not valid";
    /// The subject token names somebody else than the actor, or the client, as the one who may act.
    SubjectTokenMayAct => InvalidRequest, "the subject_token names another who may act";
    /// The subject token is another client's, for itself.
    SubjectTokenOfClient => InvalidRequest, "the subject_token of a client for itself is for that client alone";
    /// The subject token names a person by a pairwise subject, from which nobody finds the person.
    SubjectTokenPairwise => InvalidRequest, "an id token with a pairwise subject cannot be exchanged";
    /// `actor_token_type` came without `actor_token`.
    ActorTokenMissing => InvalidRequest, "actor_token is missing";
    /// `actor_token` came without `actor_token_type`.
    ActorTokenTypeMissing => InvalidRequest, "actor_token_type is missing";
    /// `actor_token_type` is not one that can be an actor's.
    ActorTokenTypeUnsupported => InvalidRequest, "actor_token_type is not supported";
    /// The actor token is bound to a key that the request did not prove.
    ActorTokenBound => InvalidRequest, "the actor_token is bound to a key, which must be proved";
    /// Somebody acts for the one whom the actor token is about.
    ActorTokenDelegated => InvalidRequest, "the actor_token must not be a delegated one";
    /// The actor token is one that only another client may use.
    ActorTokenForeign => InvalidRequest, "the actor_token is not valid";
    /// The person whom the actor token is about is gone: disabled, deleted or locked.
    ActorTokenGone => InvalidRequest, "the actor_token is not valid";
    /// The actor token is no valid token of the type that it is said to be.
    ActorTokenInvalid => InvalidRequest, "the actor_token is not valid";
    /// More than five would act one for the other.
    ActorChainTooLong => InvalidRequest, "too many act one for the other";
    /// `audience` is not a text that can name a service, or there are too many.
    AudienceMalformed => InvalidRequest, "audience must be up to 16 texts of up to 2048 characters";
    /// The host's policy denies the exchange.
    ExchangeDenied => InvalidRequest, "the exchange is not allowed";
    /// The host's policy denies the exchange for the services asked.
    ExchangeTargetDenied => InvalidTarget, "the exchange is not allowed for this audience or resource";
    /// `requested_token_type` is not one that is issued.
    RequestedTokenTypeUnsupported => InvalidRequest, "requested_token_type is not supported";
    /// An ID token is asked for, and the subject token is about no person.
    RequestedIdTokenOfClient => InvalidRequest, "an id token is about a person";

    // Proofs of possession
    /// The request carries two `DPoP` headers.
    DpopHeaderRepeated => InvalidDpopProof, "the dpop header must not be repeated";
    /// The client's tokens have to be bound to a key, and the request has no proof of one.
    DpopProofMissing => InvalidDpopProof, "this client must send a dpop proof";
    /// The proof is no JWT of the accepted form.
    DpopProofMalformed => InvalidDpopProof, "the dpop proof is malformed";
    /// The proof's `typ` is missing or not `dpop+jwt`.
    DpopProofType => InvalidDpopProof, "the typ of the dpop proof must be dpop+jwt";
    /// The proof's algorithm is not accepted.
    DpopProofAlgorithm => InvalidDpopProof, "the algorithm of the dpop proof is not accepted";
    /// The proof's `jwk` is missing, private, weak, malformed, or not for its algorithm.
    DpopProofKey => InvalidDpopProof, "the dpop proof must have a sound public key in jwk";
    /// The proof's key does not verify it.
    DpopProofSignature => InvalidDpopProof, "the signature of the dpop proof is wrong";
    /// The cryptographic library panicked over the proof. An alarm.
    DpopProofUnchecked => InvalidDpopProof, "the dpop proof could not be checked";
    /// The proof has no usable `jti`.
    DpopProofId => InvalidDpopProof, "the dpop proof must have a jti of 1 to 256 bytes";
    /// The proof's `htm` is not the method of the request.
    DpopProofMethod => InvalidDpopProof, "the htm of the dpop proof is not the method of the request";
    /// The proof's `htu` is not the URI of the request.
    DpopProofUri => InvalidDpopProof, "the htu of the dpop proof is not the uri of the request";
    /// The proof's `ath` is missing or not the hash of the access token.
    DpopProofAccessToken => InvalidDpopProof, "the ath of the dpop proof is not the hash of the access token";
    /// The proof's `iat` is missing, too old or in the future, or its `exp` or `nbf` says no.
    DpopProofTimes => InvalidDpopProof, "the dpop proof is not valid now";
    /// The proof's `jti` was used before.
    DpopProofReplayed => InvalidDpopProof, "the dpop proof was used before";
    /// The proof carries no nonce where one is demanded.
    DpopNonceMissing => UseDpopNonce, "the dpop proof must carry the nonce of the dpop-nonce header";
    /// The proof's nonce is not one of ours, or too old.
    DpopNonceStale => UseDpopNonce, "the dpop proof must carry the nonce of the dpop-nonce header";
    /// `dpop_jkt` is not the key of the proof beside it.
    DpopKeyMismatch => InvalidDpopProof, "dpop_jkt is not the thumbprint of the key of the dpop proof";

    // Authorization endpoint: shown, never redirected
    /// `client_id` is missing.
    ClientIdMissing => InvalidRequest, "client_id is missing";
    /// The authorization request names a client that is not known.
    AuthorizeClientUnknown => InvalidRequest, "the client is not known";
    /// The authorization request names a client that is disabled; it is told what an unknown one is told.
    AuthorizeClientDisabled => InvalidRequest, "the client is not known";
    /// `redirect_uri` is missing where it is required.
    RedirectUriMissing => InvalidRequest, "redirect_uri is missing";
    /// `redirect_uri` is not one of the client's.
    RedirectUriNotRegistered => InvalidRequest, "redirect_uri is not registered";
    /// A pending request cannot be opened: altered, expired, or of another purpose.
    PendingUnreadable => InvalidRequest, "the request has expired or was altered, start again";
    /// A pending request came back in another browser.
    PendingForeignBrowser => InvalidRequest, "the request was started in another browser, start again";
    /// A form for a pending request was posted by another browser than the one that began it (403).
    PendingForgedForm => AccessDenied, "the request was started in another browser, start again";
    /// A pending request is past its 30 minutes.
    PendingExpired => InvalidRequest, "the request has expired, start again";
    /// The authorization request does not fit into a sealed value.
    PendingTooLarge => InvalidRequest, "the request is too large";

    // Logout endpoint: shown, never redirected
    /// A logout request names a client that is not known.
    LogoutClientUnknown => InvalidRequest, "the client is not known";
    /// A logout request names another client than its `id_token_hint` was issued to.
    LogoutClientMismatch => InvalidRequest, "client_id is not the client of id_token_hint";
    /// The `id_token_hint` of a logout request is no JWT.
    LogoutHintMalformed => InvalidRequest, "id_token_hint is malformed";
    /// What a browser repeats of a posted logout request is not what was given to it.
    LogoutPostedAltered => InvalidRequest, "the posted request was altered, start again";
    /// The confirmation of a logout was not shown to this browser (403).
    LogoutForgedForm => AccessDenied, "the confirmation was not shown to this browser, start again";

    // Authorization endpoint: returned to the client
    /// `response_type` is missing.
    ResponseTypeMissing => InvalidRequest, "response_type is missing";
    /// `response_type` is not one that is switched on.
    ResponseTypeUnsupported => UnsupportedResponseType, "response_type is not supported";
    /// The client is not registered for this `response_type`.
    ResponseTypeNotAllowed => UnauthorizedClient, "the client may not use this response_type";
    /// `response_mode` is not known.
    ResponseModeUnsupported => InvalidRequest, "response_mode is not supported";
    /// `response_mode=query` with a token in the response.
    ResponseModeInsecure => InvalidRequest, "response_mode must not put a token into the query";
    /// The response would bring an ID token, which the scope does not ask for.
    IdTokenScopeMissing => InvalidRequest, "an id token needs the scope openid";
    /// `state` is over its cap.
    StateTooLong => InvalidRequest, "state is too long";
    /// `nonce` is over its cap or not printable ASCII.
    NonceInvalid => InvalidRequest, "nonce must be up to 2048 printable ASCII characters";
    /// `nonce` is missing where an ID token comes from the authorization endpoint.
    NonceMissing => InvalidRequest, "nonce is missing";
    /// `code_challenge` is missing.
    PkceChallengeMissing => InvalidRequest, "code challenge required";
    /// `code_challenge` is that of another request of the client, and the provider refuses that.
    PkceChallengeReused => InvalidRequest, "code_challenge must be a new one for each request";
    /// `dpop_jkt` is no thumbprint.
    DpopJktMalformed => InvalidRequest, "dpop_jkt must be 43 characters of base64url";
    /// `dpop_jkt` is missing where an access token in the response has to be bound.
    DpopJktMissing => InvalidRequest, "this client must send dpop_jkt with this response_type";
    /// `code_challenge_method` is not S256.
    PkceMethodUnsupported => InvalidRequest, "transform algorithm not supported";
    /// `code_challenge` is not 43 base64url characters.
    PkceChallengeMalformed => InvalidRequest, "code_challenge must be 43 base64url characters";
    /// The scope is malformed or too long.
    ScopeMalformed => InvalidScope, "scope is malformed";
    /// The scope is not known or not allowed to the client.
    ScopeNotAllowed => InvalidScope, "the scope is not allowed to the client";
    /// `resource` is not an absolute URI without fragment.
    ResourceMalformed => InvalidTarget, "resource must be an absolute uri without fragment";
    /// `resource` is not known or not allowed to the client.
    ResourceNotAllowed => InvalidTarget, "the resource is not allowed to the client";
    /// None of the `locations` of a detail is at a resource that is asked for.
    AuthorizationDetailsLocation => InvalidAuthorizationDetails, "locations must be at a resource that is asked for";
    /// `authorization_details` is not an array of sound objects, or over its caps.
    AuthorizationDetailsMalformed => InvalidAuthorizationDetails, "authorization_details must be an array of sound objects of bounded size and depth";
    /// The client is not registered for the `type` of a detail.
    AuthorizationDetailsTypeNotAllowed => InvalidAuthorizationDetails, "a type of authorization_details is not allowed to the client";
    /// The `type` of a detail is not known.
    AuthorizationDetailsTypeUnknown => InvalidAuthorizationDetails, "a type of authorization_details is not supported";
    /// `prompt` has an unknown value.
    PromptUnknown => InvalidRequest, "prompt has an unknown value";
    /// `prompt=none` stands beside another value.
    PromptNoneCombined => InvalidRequest, "prompt=none must stand alone";
    /// `max_age` is not a count of seconds.
    MaxAgeMalformed => InvalidRequest, "max_age must be a whole number of seconds";
    /// `display` has an unknown value.
    DisplayUnknown => InvalidRequest, "display has an unknown value";
    /// `claims` is not the JSON that OpenID Connect Core section 5.5 describes, or over its caps.
    ClaimsMalformed => InvalidRequest, "claims must be a json object of bounded size and depth";
    /// `login_hint`, `ui_locales`, `claims_locales` or `acr_values` is over its cap or malformed.
    HintMalformed => InvalidRequest, "a hint is too long or malformed";
    /// A request was posted by another site, and is too long to be asked for again by GET.
    PostedTooLarge => InvalidRequest, "the request is too large to be posted from another site, send it by get or push it";
    /// `request` is not supported.
    RequestObjectUnsupported => RequestNotSupported, "request is not supported";
    /// `request_uri` is not supported.
    RequestUriUnsupported => RequestUriNotSupported, "request_uri is not supported";
    /// The request needs a signed request object, and has none.
    RequestObjectRequired => InvalidRequest, "a signed request object is required";
    /// A `request_uri` in a request that is pushed (RFC 9126 section 2.1).
    PushedRequestUri => InvalidRequest, "request_uri must not be pushed";
    /// The `request_uri` is of no request that waits: made up, expired, or of another client.
    PushedRequestUnknown => InvalidRequestUri, "the request_uri is not of a request that waits";
    /// The `request_uri` was pushed by another client.
    PushedRequestForeign => InvalidRequestUri, "the request_uri is not of a request that waits";
    /// The pushed request was answered before.
    PushedRequestSpent => InvalidRequestUri, "the request_uri was used before";
    /// The request must be pushed, and was not.
    PushedRequestRequired => InvalidRequest, "the request must be pushed";
    /// `request` and `request_uri` stand side by side.
    RequestSourcesCombined => InvalidRequest, "request and request_uri must not be used together";
    /// The request object's algorithm is not the registered one.
    RequestObjectAlgorithm => InvalidRequestObject, "the request object is not valid";
    /// The request object is a client assertion: its `sub` is the client.
    RequestObjectAssertion => InvalidRequestObject, "a client assertion is no request object";
    /// The request object is meant for another audience, or for none.
    RequestObjectAudience => InvalidRequestObject, "aud of the request object must be the issuer";
    /// `client_id` in the request object is another one than beside it.
    RequestObjectClient => InvalidRequestObject, "client_id of the request object must be that of the request";
    /// The request object is encrypted, and the provider takes no encrypted ones.
    RequestObjectEncrypted => InvalidRequestObject, "the request object is not valid";
    /// The request object's `iss` is not the client.
    RequestObjectIssuer => InvalidRequestObject, "iss of the request object must be the client_id";
    /// The client signed a request object and registered no keys.
    RequestObjectKeysMissing => InvalidRequestObject, "the request object is not valid";
    /// The client registered a `jwks_uri`, and the provider does not fetch keys.
    RequestObjectKeysNotFetched => InvalidRequestObject, "the request object is not valid";
    /// The client's keys could not be fetched; an event has told why.
    RequestObjectKeysUnfetched => InvalidRequestObject, "the request object is not valid";
    /// The request object is no JWT of the accepted form.
    RequestObjectMalformed => InvalidRequestObject, "the request object is not valid";
    /// The request object has `request` or `request_uri` in it.
    RequestObjectNested => InvalidRequestObject, "a request object must not contain request or request_uri";
    /// A value in the request object cannot be that of a parameter.
    RequestObjectParameter => InvalidRequestObject, "a parameter of the request object is malformed";
    /// `response_type` in the request object is another one than beside it.
    RequestObjectResponseType => InvalidRequestObject, "response_type of the request object must be that of the request";
    /// No registered key verifies the request object.
    RequestObjectSignature => InvalidRequestObject, "the request object is not valid";
    /// The request object has expired, or is not valid yet.
    RequestObjectTimes => InvalidRequestObject, "the request object is not valid now";
    /// The request object's `typ` is that of another token, or missing where it is demanded.
    RequestObjectType => InvalidRequestObject, "the request object is not valid";
    /// The request object is encrypted and does not decrypt to a signed one: whatever is wrong with it.
    RequestObjectUndecryptable => InvalidRequestObject, "the request object is not valid";
    /// The request object is not encrypted, and the client registered that its objects are.
    RequestObjectUnencrypted => InvalidRequestObject, "the request object is not valid";
    /// The cryptographic library panicked over the request object. An alarm.
    RequestObjectUnchecked => InvalidRequestObject, "the request object is not valid";
    /// The request object is not signed.
    RequestObjectUnsigned => InvalidRequestObject, "the request object is not valid";
    /// A fetch of the request object was given up before it came to anything.
    RequestUriAbandoned => InvalidRequestUri, "the request_uri could not be fetched";
    /// The `request_uri` is, or resolves to, an address that may not be asked.
    RequestUriAddressRefused => InvalidRequestUri, "the request_uri could not be fetched";
    /// What is at the `request_uri` is not what the hash in its fragment says.
    RequestUriHashMismatch => InvalidRequestUri, "the request object is not that of the hash in request_uri";
    /// What is at the `request_uri` is no text of a JWT.
    RequestUriMalformed => InvalidRequestUri, "the request_uri could not be fetched";
    /// The `request_uri` is not one that the client registered.
    RequestUriNotRegistered => InvalidRequestUri, "request_uri is not registered";
    /// The host's HTTP client panicked over the `request_uri`. An alarm.
    RequestUriPanicked => InvalidRequestUri, "the request_uri could not be fetched";
    /// The `request_uri` redirects.
    RequestUriRedirected => InvalidRequestUri, "the request_uri could not be fetched";
    /// The `request_uri` answers with a status other than 200.
    RequestUriStatus => InvalidRequestUri, "the request_uri could not be fetched";
    /// The `request_uri` took too long.
    RequestUriTimedOut => InvalidRequestUri, "the request_uri could not be fetched";
    /// What is at the `request_uri` is over 64 KiB.
    RequestUriTooLarge => InvalidRequestUri, "the request_uri could not be fetched";
    /// The `request_uri` cannot be reached, or has no trusted certificate.
    RequestUriUnreachable => InvalidRequestUri, "the request_uri could not be fetched";
    /// `registration` is not supported.
    RegistrationUnsupported => RegistrationNotSupported, "registration is not supported";
    /// `prompt=none` and nobody is signed in, or not freshly enough.
    LoginNeeded => LoginRequired, "a login is required";
    /// `prompt=none` and the hinted or requested subject is another one.
    LoginOtherSubject => LoginRequired, "a login as another subject is required";
    /// `prompt=none` and consent is missing.
    ConsentNeeded => ConsentRequired, "consent is required";
    /// The client asks for an account to be created, and nobody was offered that.
    CreationNeeded => InteractionRequired, "the creation of an account must be offered";
    /// `prompt=none` and an account must be chosen.
    SelectionNeeded => AccountSelectionRequired, "an account must be chosen";
    /// The person refused.
    DeniedByUser => AccessDenied, "the request was denied";
    /// The host refused.
    DeniedByHost => AccessDenied, "the request was denied by policy";
    /// The essential `acr` was not reached.
    AcrUnmet => UnmetAuthenticationRequirements, "the requested acr was not met";
    /// An approval grants more than was asked and shown.
    ApprovalExceeds => InvalidScope, "the approval exceeds the request";
    /// An approval grants authorization details beyond those that were asked and shown.
    ApprovalDetailsExceed => InvalidAuthorizationDetails, "the approval exceeds the request";
    /// The grant was revoked between the approval and the tokens that hang on it.
    ApprovalRevoked => AccessDenied, "the request was denied";
    /// The person who approves is gone: disabled, deleted or locked.
    ApprovalSubjectGone => AccessDenied, "the request was denied";
    /// Another person approves than the one who was asked.
    ApprovalOtherSubject => LoginRequired, "another subject approves than the one who was asked";

    // Requests that a person answers elsewhere
    /// The person has not answered yet.
    DeferredPending => AuthorizationPending, "the person has not answered yet";
    /// The client polls before its interval is over.
    DeferredTooEarly => SlowDown, "the interval between two requests has grown by 5 seconds";
    /// The person or the host refused.
    DeferredDenied => AccessDenied, "the request was denied";
    /// The person did not answer in time, or the client did not come in time.
    DeferredExpired => ExpiredToken, "the request has expired";
    /// What the client polls with is of no request that is remembered.
    DeferredUnknown => InvalidGrant, "the request is not known";
    /// What the client polls with is not one of ours.
    DeferredMalformed => InvalidGrant, "the request is not known";
    /// The request is another client's.
    DeferredForeign => InvalidGrant, "the request is not known";
    /// The request was redeemed before; its grant is revoked.
    DeferredReplayed => InvalidGrant, "the request was redeemed before";
    /// The record of the request does not open, or does not name its grant. An alarm.
    DeferredUnreadable => InvalidGrant, "the request is not known";
    /// The request was answered before, or its time is over.
    DeferredAnswered => InvalidRequest, "the request was answered before or has expired";
    /// `device_code` is missing.
    DeviceCodeMissing => InvalidRequest, "device_code is missing";
    /// No device waits with the code that was typed.
    UserCodeUnknown => InvalidRequest, "no device waits with this code";
    /// Too many wrong codes were typed into one form (429).
    UserCodeLocked => TemporarilyUnavailable, "too many wrong codes were typed, begin again";
    /// A form about a device was posted that no page of ours held, or from another browser (403).
    DeviceFormForged => InvalidRequest, "the form is not one that this browser was shown";

    // Backchannel authentication
    /// `auth_req_id` is missing.
    AuthReqIdMissing => InvalidRequest, "auth_req_id is missing";
    /// The request needs one of three hints, and has none or several.
    BackchannelHints => InvalidRequest, "exactly one of login_hint, id_token_hint and login_hint_token is needed";
    /// `id_token_hint` is no ID token that this client was given.
    BackchannelHintInvalid => InvalidRequest, "id_token_hint must be an id token of the client";
    /// `login_hint_token` was good once.
    BackchannelHintExpired => ExpiredLoginHintToken, "login_hint_token has expired";
    /// The hint names nobody, or nobody who could be asked.
    BackchannelUserUnknown => UnknownUserId, "the hint names nobody";
    /// The scope lacks `openid`.
    BackchannelScope => InvalidScope, "the scope must contain openid";
    /// `binding_message` is too long, or not of plain characters.
    BackchannelMessage => InvalidBindingMessage, "binding_message must be up to 100 plain characters";
    /// The host does not show such a `binding_message`.
    BackchannelMessageRefused => InvalidBindingMessage, "binding_message is not accepted";
    /// `requested_expiry` is no positive number of seconds.
    BackchannelExpiry => InvalidRequest, "requested_expiry must be a positive whole number of seconds";
    /// `client_notification_token` is missing or malformed where a client wants to be told.
    BackchannelNotificationToken => InvalidRequest, "client_notification_token must be a bearer token of up to 1024 characters";
    /// `user_code` is needed and missing.
    BackchannelUserCodeMissing => MissingUserCode, "user_code is missing";
    /// `user_code` is wrong.
    BackchannelUserCodeWrong => InvalidUserCode, "user_code is not valid";
    /// The host does not ask this person for this client (403).
    BackchannelDenied => AccessDenied, "the request was denied";
    /// As many requests as may be wait for this person.
    BackchannelCrowded => SlowDown, "too many requests wait for this person";
    /// The client wants to be told in a way that is not there.
    BackchannelModeUnavailable => UnauthorizedClient, "the backchannel_token_delivery_mode of the client is not supported";
    /// The request is not signed, and has to be.
    BackchannelUnsigned => InvalidRequest, "the request must be signed";
    /// A `request_uri` in place of a request.
    BackchannelRequestUri => InvalidRequest, "request_uri is not supported";
    /// The signed request is encrypted, is no JWT of the accepted form, or of another type.
    BackchannelObjectMalformed => InvalidRequest, "the signed request is not valid";
    /// The signed request's algorithm is not the registered one.
    BackchannelObjectAlgorithm => InvalidRequest, "the signed request is not valid";
    /// No registered key verifies the signed request, or the keys cannot be had.
    BackchannelObjectSignature => InvalidRequest, "the signed request is not valid";
    /// `iss` of the signed request is not the client, or `aud` not this server.
    BackchannelObjectParties => InvalidRequest, "iss of the signed request must be the client_id and aud the issuer";
    /// The signed request lacks one of `iss`, `aud`, `exp`, `iat`, `nbf` and `jti`.
    BackchannelObjectClaims => InvalidRequest, "the signed request needs iss, aud, exp, iat, nbf and jti";
    /// The signed request is not valid now, or for longer than an hour.
    BackchannelObjectTimes => InvalidRequest, "the signed request is not valid now, or for longer than an hour";
    /// A parameter of the signed request is malformed.
    BackchannelObjectParameter => InvalidRequest, "a parameter of the signed request is malformed";
    /// The signed request was used before.
    BackchannelObjectReplayed => InvalidRequest, "the signed request was used before";

    // Access tokens at userinfo
    /// No access token.
    AccessTokenMissing => InvalidToken, "an access token is required";
    /// The access token came in the query.
    AccessTokenInQuery => InvalidRequest, "the access token must not be in the query";
    /// The access token came in two ways.
    AccessTokenTwice => InvalidRequest, "the access token must be sent in one way only";
    /// The access token is not one of ours, expired, revoked, or its grant is.
    AccessTokenInvalid => InvalidToken, "the access token is not valid";
    /// The access token is bound to a certificate, and the connection has another or none.
    AccessTokenCertificate => InvalidToken, "the access token is bound to a certificate, which the connection must have";
    /// The access token's client is gone or disabled.
    AccessTokenClientGone => InvalidToken, "the access token is not valid";
    /// The access token's subject is gone: disabled, deleted or locked.
    AccessTokenSubjectGone => InvalidToken, "the access token is not valid";
    /// The access token is bound to a key, and came as if it were not.
    AccessTokenBound => InvalidToken, "the access token is bound to a key, and needs proof of it";
    /// The access token is bound to a key, and no proof came with it.
    AccessTokenProofMissing => InvalidToken, "the access token is bound to a key, and needs proof of it";
    /// The access token is bound to another key than the one that the request proved.
    AccessTokenKeyMismatch => InvalidToken, "the access token is bound to another key";
    /// The access token came as one that is bound to a key, and is not.
    AccessTokenUnbound => InvalidToken, "the access token is not bound to a key";
    /// The access token lacks the scope `openid`.
    AccessTokenScope => InsufficientScope, "the access token lacks the scope openid";

    // Dynamic registration
    /// No initial access token where one is needed.
    InitialTokenMissing => InvalidToken, "an initial access token is required";
    /// The initial access token is not one of ours, has expired, or was used up.
    InitialTokenInvalid => InvalidToken, "the access token is not valid";
    /// No registration access token.
    RegistrationTokenMissing => InvalidToken, "a registration access token is required";
    /// The registration access token is not one of ours.
    RegistrationTokenInvalid => InvalidToken, "the access token is not valid";
    /// The registration access token is of another client, or a newer one was used.
    RegistrationTokenForeign => InvalidToken, "the access token is not valid";
    /// The client of the configuration URL is not there, or its record does not open.
    RegistrationClientGone => InvalidToken, "the access token is not valid";
    /// The client of the configuration URL is shut out.
    RegistrationClientDisabled => InvalidToken, "the access token is not valid";
    /// The client was written by others again and again while this request wanted to.
    RegistrationContended => TemporarilyUnavailable, "the server cannot answer now, try again later";
    /// An address of keys, request objects, a sector, a logout or a page is of a host that is not public.
    MetadataAddress => InvalidClientMetadata, "the uris of keys, request objects, sectors, logouts and pages must be of public hosts";
    /// `application_type` is neither `web` nor `native`.
    MetadataApplicationType => InvalidClientMetadata, "application_type must be web or native";
    /// `token_endpoint_auth_method` is not offered, or does not fit.
    MetadataAuthMethod => InvalidClientMetadata, "token_endpoint_auth_method is not supported";
    /// `token_endpoint_auth_signing_alg` is not accepted.
    MetadataAuthSigningAlg => InvalidClientMetadata, "token_endpoint_auth_signing_alg is not supported";
    /// `tls_client_certificate_bound_access_tokens` asks for what is not there, or for what a response type
    /// cannot give.
    MetadataCertificateBinding => InvalidClientMetadata, "tls_client_certificate_bound_access_tokens is not supported or does not fit response_types";
    /// A `tls_client_auth_` member is malformed, or there is not exactly one.
    MetadataCertificateSubject => InvalidClientMetadata, "exactly one sound tls_client_auth_ member must name the subject of the certificate";
    /// `authorization_signed_response_alg` is not one that is signed with.
    MetadataAuthorizationAlg => InvalidClientMetadata, "authorization_signed_response_alg is not supported";
    /// `client_id` is missing from an update or is another.
    MetadataClientId => InvalidClientMetadata, "client_id must be that of the client";
    /// `client_secret` of an update is not the client's.
    MetadataClientSecret => InvalidClientMetadata, "client_secret must be that of the client";
    /// A member about backchannel authentication is malformed, or does not fit the others.
    MetadataBackchannel => InvalidClientMetadata, "the members about backchannel authentication are not supported or do not fit together";
    /// `contacts` is malformed or over its caps.
    MetadataContacts => InvalidClientMetadata, "contacts must be up to 20 plain texts of up to 254 bytes";
    /// `dpop_bound_access_tokens` is no boolean, or asks for what is not offered.
    MetadataDpop => InvalidClientMetadata, "dpop_bound_access_tokens is not offered";
    /// `authorization_details_types` is malformed or over its caps.
    MetadataDetailsTypes => InvalidClientMetadata, "authorization_details_types must be up to 50 texts of up to 256 bytes";
    /// `default_max_age`, `require_auth_time` or `default_acr_values` is malformed or over its caps.
    MetadataDefaults => InvalidClientMetadata, "default_max_age, require_auth_time or default_acr_values is malformed";
    /// A member about encryption names what is not turned on, or does not fit the others.
    MetadataEncryption => InvalidClientMetadata, "the encryption algorithms are not supported or do not fit together";
    /// `grant_types` has one that is not allowed, or does not fit `response_types`.
    MetadataGrantTypes => InvalidClientMetadata, "grant_types is not supported or does not fit response_types";
    /// `id_token_signed_response_alg` is not one that is signed with.
    MetadataIdTokenAlg => InvalidClientMetadata, "id_token_signed_response_alg is not supported";
    /// A member is malformed, or the members do not fit together in some other way.
    MetadataInconsistent => InvalidClientMetadata, "the client metadata does not fit together";
    /// `introspection_signed_response_alg` is not one that is signed with.
    MetadataIntrospectionAlg => InvalidClientMetadata, "introspection_signed_response_alg is not supported";
    /// `jwks` is no set of sound public keys, is missing, or stands beside `jwks_uri`.
    MetadataJwks => InvalidClientMetadata, "jwks must be a set of public keys and stand without jwks_uri";
    /// `jwks_uri` is no https URL in its normal form, or is not fetched.
    MetadataJwksUri => InvalidClientMetadata, "jwks_uri must be an https url, where the server fetches keys";
    /// An address for logouts is malformed, is of another origin than the redirect URIs, or there are too many.
    MetadataLogout => InvalidClientMetadata, "the logout uris must be https, and those of the front channel of the origin of a redirect uri";
    /// `client_name` is too long, or has control or text direction characters.
    MetadataName => InvalidClientMetadata, "client_name must be up to 200 bytes without control characters";
    /// A client of the `application_type` `native` has a redirect URI that is not of its device.
    MetadataNativeRedirectUris => InvalidRedirectUri, "redirect_uris of a native client must be loopback or private-use uris";
    /// The address of a page is not https or is too long.
    MetadataPage => InvalidClientMetadata, "client_uri, initiate_login_uri, logo_uri, policy_uri and tos_uri must be https urls";
    /// `require_pushed_authorization_requests` is no boolean, or asks for what is not offered.
    MetadataPushedRequests => InvalidClientMetadata, "require_pushed_authorization_requests is not offered";
    /// A redirect URI cannot be registered, there are too many, or they are missing.
    MetadataRedirectUris => InvalidRedirectUri, "redirect_uris must be up to 50 exact https, loopback or private-use uris";
    /// A member about request objects is malformed, or asks for what is not there.
    MetadataRequestObjects => InvalidClientMetadata, "request objects are not supported as the client metadata demands them";
    /// `response_types` has one that is not supported.
    MetadataResponseTypes => InvalidClientMetadata, "response_types is not supported";
    /// `scope` is malformed.
    MetadataScope => InvalidClientMetadata, "scope is malformed";
    /// An update would move the client into another sector, or change its `subject_type`.
    MetadataSectorChanged => InvalidClientMetadata, "an update must not change subject_type or the sector";
    /// `sector_identifier_uri` is no https URL in its normal form, is needed and missing, or is not fetched.
    MetadataSectorIdentifier => InvalidClientMetadata, "sector_identifier_uri must be an https url, where the server fetches it";
    /// The logout tokens of a client with pairwise subjects would go to a host that is none of its own.
    MetadataSectorLogout => InvalidClientMetadata, "backchannel_logout_uri of a pairwise client must be of the host of a redirect uri or of the sector";
    /// `software_id` or `software_version` is malformed or too long.
    MetadataSoftware => InvalidClientMetadata, "software_id and software_version must be plain texts of up to 254 bytes";
    /// `subject_type` is not known, or is `pairwise` where that is not turned on.
    MetadataSubjectType => InvalidClientMetadata, "subject_type is not supported";
    /// `userinfo_signed_response_alg` is not one that is signed with.
    MetadataUserinfoAlg => InvalidClientMetadata, "userinfo_signed_response_alg is not supported";
    /// An update would make a public client of a confidential one, or the reverse.
    MetadataTypeChanged => InvalidClientMetadata, "an update must not change whether the client authenticates";

    /// A software statement is needed and missing: the host demands it, or the client is registered with one.
    SoftwareStatementMissing => InvalidClientMetadata, "software_statement is required";
    /// The software statement's issuer is not one that is believed.
    SoftwareStatementUnapproved => UnapprovedSoftwareStatement, "software_statement is of an issuer that is not approved";
    /// The software statement's algorithm is not one that its issuer signs with.
    SoftwareStatementAlgorithm => InvalidSoftwareStatement, "software_statement is not valid";
    /// The software statement is meant for another server.
    SoftwareStatementAudience => InvalidSoftwareStatement, "software_statement is not valid";
    /// The software statement has no issuer.
    SoftwareStatementIssuer => InvalidSoftwareStatement, "software_statement is not valid";
    /// The keys of the software statement's issuer could not be had.
    SoftwareStatementKeysUnavailable => TemporarilyUnavailable, "the server cannot answer now, try again later";
    /// The software statement is no signed JWT.
    SoftwareStatementMalformed => InvalidSoftwareStatement, "software_statement is not valid";
    /// No key of its issuer verifies the software statement.
    SoftwareStatementSignature => InvalidSoftwareStatement, "software_statement is not valid";
    /// The software statement is not valid now.
    SoftwareStatementTimes => InvalidSoftwareStatement, "software_statement is not valid";
    /// The software statement is a token of another kind.
    SoftwareStatementType => InvalidSoftwareStatement, "software_statement is not valid";
    /// The cryptographic library panicked over a software statement. An alarm.
    SoftwareStatementUnchecked => InvalidSoftwareStatement, "software_statement is not valid";

    // Client ID metadata documents. No client is told of these: to all of them there is no such client.
    /// The host does not allow a client of this URL.
    ClientDocumentNotAllowed => InvalidClient, "client authentication failed";
    /// The document at the client's URL is of another `client_id`, or of none.
    ClientDocumentForeign => InvalidClient, "client authentication failed";
    /// The document at the client's URL asks for pairwise subjects.
    ClientDocumentPairwise => InvalidClient, "client authentication failed";
    /// The document at the client's URL has a shared secret.
    ClientDocumentSecret => InvalidClient, "client authentication failed";
    /// A fetch of a client's document was given up before it came to anything.
    ClientDocumentAbandoned => InvalidClient, "client authentication failed";
    /// The client's URL is, or resolves to, an address that may not be asked.
    ClientDocumentAddressRefused => InvalidClient, "client authentication failed";
    /// What is at the client's URL is not served as JSON.
    ClientDocumentContentType => InvalidClient, "client authentication failed";
    /// The limiter let nothing be fetched from the host of the client's URL.
    ClientDocumentLimited => InvalidClient, "client authentication failed";
    /// What is at the client's URL is no JSON object, or was of no use a moment ago.
    ClientDocumentMalformed => InvalidClient, "client authentication failed";
    /// The host's HTTP client panicked over a client's URL. An alarm.
    ClientDocumentPanicked => InvalidClient, "client authentication failed";
    /// The client's URL redirects.
    ClientDocumentRedirected => InvalidClient, "client authentication failed";
    /// The client's URL answers with a status other than 200.
    ClientDocumentStatus => InvalidClient, "client authentication failed";
    /// The client's URL took too long.
    ClientDocumentTimedOut => InvalidClient, "client authentication failed";
    /// What is at the client's URL is over 64 KiB.
    ClientDocumentTooLarge => InvalidClient, "client authentication failed";
    /// The client's URL cannot be reached, or has no trusted certificate.
    ClientDocumentUnreachable => InvalidClient, "client authentication failed";

    // Keys, JOSE, metadata
    /// An `id_token_hint` is not an ID token of ours.
    IdTokenHintInvalid => LoginRequired, "id_token_hint is not an id token of this issuer";

    /// A fetch of a `sector_identifier_uri` was given up before it came to anything.
    SectorAbandoned => InvalidClientMetadata, "sector_identifier_uri could not be read";
    /// A `sector_identifier_uri` is, or resolves to, an address that may not be asked.
    SectorAddressRefused => InvalidClientMetadata, "sector_identifier_uri could not be read";
    /// What is at a `sector_identifier_uri` is not served as JSON.
    SectorContentType => InvalidClientMetadata, "sector_identifier_uri could not be read";
    /// What is at a `sector_identifier_uri` is no array of texts.
    SectorMalformed => InvalidClientMetadata, "sector_identifier_uri could not be read";
    /// The host's HTTP client panicked over a `sector_identifier_uri`. An alarm.
    SectorPanicked => InvalidClientMetadata, "sector_identifier_uri could not be read";
    /// A `sector_identifier_uri` redirects.
    SectorRedirected => InvalidClientMetadata, "sector_identifier_uri could not be read";
    /// What is at a `sector_identifier_uri` does not list every redirect URI of the client.
    SectorRedirectUriMissing => InvalidClientMetadata, "sector_identifier_uri must list every redirect_uri";
    /// A `sector_identifier_uri` answers with a status other than 200.
    SectorStatus => InvalidClientMetadata, "sector_identifier_uri could not be read";
    /// A `sector_identifier_uri` took too long.
    SectorTimedOut => InvalidClientMetadata, "sector_identifier_uri could not be read";
    /// What is at a `sector_identifier_uri` is over 64 KiB.
    SectorTooLarge => InvalidClientMetadata, "sector_identifier_uri could not be read";
    /// A `sector_identifier_uri` cannot be reached, or has no trusted certificate.
    SectorUnreachable => InvalidClientMetadata, "sector_identifier_uri could not be read";

    // Our side
    /// The host's accounts could not answer.
    AccountsUnavailable => TemporarilyUnavailable, "the server cannot answer now, try again later";
    /// As much as may be is being fetched from clients.
    FetchingBusy => TemporarilyUnavailable, "the server cannot answer now, try again later";
    /// As many slow hashes as may be are being computed.
    HashingBusy => TemporarilyUnavailable, "the server cannot answer now, try again later";
    /// The host's part of a sign-in could not answer.
    HostUnavailable => TemporarilyUnavailable, "the server cannot answer now, try again later";
    /// A store could not answer.
    StoreUnavailable => TemporarilyUnavailable, "the server cannot answer now, try again later";
    /// A fault of ours.
    InternalFault => ServerError, "the server met an unexpected condition";
    /// No active key signs with the client's `id_token_signed_response_alg`, or it is `none`, which is not turned on.
    IdTokenAlgUnavailable => ServerError, "no key for the id_token_signed_response_alg of the client";
    /// No active key signs with the client's `authorization_signed_response_alg`.
    AuthorizationAlgUnavailable => ServerError, "no key for the authorization_signed_response_alg of the client";
    /// Authorization responses are not encrypted as the client registered it.
    AuthorizationEncryptionUnavailable => ServerError, "authorization_encrypted_response_alg or authorization_encrypted_response_enc of the client is not supported";
    /// Introspection responses are not encrypted as the client registered it.
    IntrospectionEncryptionUnavailable => ServerError, "introspection_encrypted_response_alg or introspection_encrypted_response_enc of the client is not supported";
    /// No active key signs with the caller's `introspection_signed_response_alg`.
    IntrospectionAlgUnavailable => ServerError, "no key for the introspection_signed_response_alg of the client";
    /// No active key signs with the client's `userinfo_signed_response_alg`.
    UserinfoAlgUnavailable => ServerError, "no key for the userinfo_signed_response_alg of the client";
    /// The client knows people by pairwise subjects, and the provider has not turned them on.
    SubjectTypeUnavailable => ServerError, "the subject_type of the client is not supported";
    /// The client has no public key that fits what it registered for encrypted answers.
    EncryptionKeyMissing => ServerError, "no key of the client fits its encryption algorithm";
    /// The client registered a `jwks_uri`, where the key to encrypt answers to would be, and the provider
    /// does not fetch keys.
    EncryptionKeysNotFetched => ServerError, "no key of the client fits its encryption algorithm";
    /// The keys that answers would be encrypted to could not be fetched; an event has told why.
    EncryptionKeysUnfetched => TemporarilyUnavailable, "the keys of the client could not be fetched, try again later";
    /// The client's `id_token_encrypted_response_alg` or `_enc` is not turned on.
    IdTokenEncryptionUnavailable => ServerError, "id_token_encrypted_response_alg or id_token_encrypted_response_enc of the client is not supported";
    /// The client's `userinfo_encrypted_response_alg` or `_enc` is not turned on.
    UserinfoEncryptionUnavailable => ServerError, "userinfo_encrypted_response_alg or userinfo_encrypted_response_enc of the client is not supported";
    /// A handler panicked.
    HandlerPanicked => ServerError, "the server met an unexpected condition";
}

/// `text` with every character but `%x20-21 / %x23-5B / %x5D-7E` replaced (RFC 6749 section 5.2).
///
/// What is left can stand in a header, a quoted string and a JSON string as it is.
pub(crate) fn plain_text(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| matches!(c, ' '..='!' | '#'..='[' | ']'..='~');
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if is_plain(c) { c } else { '?' }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// attack 106, attack 331: descriptions are fixed and of the characters that RFC 6749 section 5.2 allows.
    #[test]
    fn every_text_is_plain_and_says_something() {
        for reason in Reason::ALL {
            let (code, text) = reason.wire();
            assert!(!text.is_empty() && !code.as_str().is_empty(), "{reason:?}");
            assert!(
                text.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)),
                "{reason:?}: {text}"
            );
        }
    }

    /// attack 331: the text of a host cannot end a quoted string or a line.
    #[test]
    fn a_custom_text_is_made_plain() {
        let reason = Reason::Custom(ErrorCode::InvalidRequest, "a\"b\\c\r\nSet-Cookie: x=1\0\u{e9}\u{7f}");
        assert_eq!(reason.description(), "a?b?c??Set-Cookie: x=1???");
    }

    /// attack 82: nothing on the wire tells which half of a credential was wrong.
    #[test]
    fn every_failed_authentication_reads_the_same() {
        let texts: Vec<_> = Reason::ALL
            .iter()
            .map(|reason| reason.wire())
            .filter(|(code, _)| *code == ErrorCode::InvalidClient)
            .collect();
        assert!(texts.len() > 10);
        assert!(texts.windows(2).all(|pair| pair[0] == pair[1]));
    }
}
