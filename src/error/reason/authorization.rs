//! Reasons of what a person is asked, and what is told of them.

macro_rules! authorization_reasons {
    ($($before:tt)*) => { resource_reasons! {
        $($before)*

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
        /// `redirect_uri` is not of the scheme `https`, which all clients have to use.
        RedirectUriInsecure => InvalidRequest, "redirect_uri must be https";
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
        /// `response_mode` is none of a JWT, which is what this client has to ask for (JARM).
        ResponseModeUnsigned => InvalidRequest, "this client must ask for a response_mode of jwt";
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
        /// `resource` is missing where every access token is for one that is named.
        ResourceMissing => InvalidTarget, "resource is missing";
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
        /// The request object lacks `nbf` or `exp`, or is for longer than it may be.
        RequestObjectUnbounded => InvalidRequestObject, "the request object must have nbf and exp, at most 60 minutes apart";
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
        /// Tokens are pushed to the client, and are not for whoever asks.
        BackchannelPushed => UnauthorizedClient, "tokens are pushed to this client";
        /// The client's tokens must be bound to a key of DPoP, and are pushed, which leaves no occasion to prove one.
        BackchannelPushDpop => UnauthorizedClient, "tokens that are pushed cannot be bound to a key of dpop";
        /// Tokens could not be pushed now, or not to this client any more, so that none are made.
        BackchannelUndeliverable => TemporarilyUnavailable, "the tokens could not be delivered";
        /// The person agreed, and the tokens could not be made. Only a push says so; what was behind it has its own reason.
        BackchannelFailed => TransactionFailed, "the tokens could not be made";
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
    } };
}
