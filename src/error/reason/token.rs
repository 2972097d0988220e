//! Reasons of the endpoints that clients call by themselves.

macro_rules! token_reasons {
    ($($before:tt)*) => { authorization_reasons! {
        $($before)*

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
        /// The assertion says that somebody acts, or may act, for the one whom it is about.
        AssertionDelegated => InvalidGrant, "the assertion is not valid";
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
        /// The tokens of the client have to be bound to a certificate, and that of the connection cannot be read.
        CertificateUnreadable => InvalidRequest, "the tokens of this client are bound to a certificate, which must be a sound one";
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
        /// Authorization details are asked for by a request that cannot bring any: nobody is shown them who could agree.
        AuthorizationDetailsUnavailable => InvalidAuthorizationDetails, "authorization_details cannot be asked for here";
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
        /// An ID token is asked for, which would lose who acts, who may act, or the key that the subject token is bound to.
        RequestedIdTokenBound => InvalidRequest, "an id token cannot be asked for a token that is delegated or bound to a key";

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
    } };
}
