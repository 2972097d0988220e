//! Reasons of registration, and clients named by their metadata.

macro_rules! registration_reasons {
    ($($before:tt)*) => { own_reasons! {
        $($before)*

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
        /// A redirect URI is not of the scheme `https`, which all clients have to use.
        MetadataInsecureRedirectUris => InvalidRedirectUri, "redirect_uris must be https";
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
        /// A client with pairwise subjects would get tokens by no redirect URI, and nothing says that it is of its sector: it
        /// fetches them by no keys of a `jwks_uri`, or these, or the endpoint that they are pushed to, are not of the sector.
        MetadataSectorTokens => InvalidClientMetadata, "tokens that reach no redirect uri need keys at a jwks_uri, or an endpoint, of the sector of a pairwise client";
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
    } };
}
