//! Reasons of keys, and our own side.

macro_rules! own_reasons {
    ($($before:tt)*) => { reasons! {
        $($before)*

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

        // Administration
        /// The time of a cursor is over: the listing has to be begun anew.
        CursorExpired => InvalidRequest, "the cursor has expired, begin the listing anew";
        /// A cursor was not given out for this listing, or was altered.
        CursorInvalid => InvalidRequest, "the cursor is not one of this listing";

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
    } };
}
