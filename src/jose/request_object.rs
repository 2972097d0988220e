//! Request objects: authorization requests as JWTs (OpenID Connect Core 1.0 section 6, RFC 9101).

use std::sync::Arc;
use std::time::Duration;

use super::claims_set::DEFAULT_LEEWAY;
use super::error::from_claims_error;
use super::jws::decode;
use super::{ClaimsSet, ContentEnc, Decrypter, Expected, Header, JoseError, JwkSet, Jws};
use super::{KeyAlg, MAX_TOKEN_BYTES, RegisteredKeys, SigningAlg};
use crate::clock::Timestamp;
use crate::error::Reason;
use crate::types::ClientId;

/// The `typ` of a request object (RFC 9101 section 10.8).
const TYPE: &str = "oauth-authz-req+jwt";

/// How `alg` says that nobody signed (RFC 7518 section 3.6).
const UNSIGNED: &str = "none";

/// Why a request object is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum RequestObjectError {
    /// `alg` is not the client's registered one, or not accepted at all.
    #[error("the request object's algorithm is not accepted")]
    Algorithm,
    /// The claims are those of a client assertion: `sub` is the client.
    #[error("the request object is a client assertion")]
    Assertion,
    /// `aud` is missing or not this server.
    #[error("the request object is meant for another audience")]
    Audience,
    /// The object is encrypted, where encrypted ones are not taken.
    #[error("the request object is encrypted")]
    Encrypted,
    /// `iss` is not the client, or the object is signed and names no client at all.
    #[error("the request object's iss is not the client")]
    Issuer,
    /// The text is no JWT of the accepted form.
    #[error("the request object is malformed")]
    Malformed,
    /// The cryptographic library panicked. The object is refused; the panic deserves an alarm.
    #[error("the request object could not be checked")]
    Panicked,
    /// No registered key verifies the signature.
    #[error("no registered key verifies the request object")]
    Signature,
    /// `exp` is past, `iat` or `nbf` lies in the future, or one of them is no moment.
    #[error("the request object is not valid now")]
    Times,
    /// `typ` is that of another kind of token, or missing where it is demanded.
    #[error("the token is of another type than a request object")]
    Type,
    /// `nbf` or `exp` is missing, they are too far apart, or `nbf` lies too far back.
    #[error("the request object is for too long a time")]
    Unbounded,
    /// The object is encrypted, and does not decrypt to a signed one. What of it is wrong is not told.
    #[error("the request object could not be decrypted")]
    Undecryptable,
    /// The object is not encrypted, and this client has to.
    #[error("the request object is not encrypted")]
    Unencrypted,
    /// Nobody signed the object, and this client has to.
    #[error("the request object is not signed")]
    Unsigned,
}

impl From<RequestObjectError> for Reason {
    fn from(error: RequestObjectError) -> Self {
        match error {
            RequestObjectError::Algorithm => Self::RequestObjectAlgorithm,
            RequestObjectError::Assertion => Self::RequestObjectAssertion,
            RequestObjectError::Audience => Self::RequestObjectAudience,
            RequestObjectError::Encrypted => Self::RequestObjectEncrypted,
            RequestObjectError::Issuer => Self::RequestObjectIssuer,
            RequestObjectError::Malformed => Self::RequestObjectMalformed,
            RequestObjectError::Panicked => Self::RequestObjectUnchecked,
            RequestObjectError::Signature => Self::RequestObjectSignature,
            RequestObjectError::Times => Self::RequestObjectTimes,
            RequestObjectError::Type => Self::RequestObjectType,
            RequestObjectError::Unbounded => Self::RequestObjectUnbounded,
            RequestObjectError::Undecryptable => Self::RequestObjectUndecryptable,
            RequestObjectError::Unencrypted => Self::RequestObjectUnencrypted,
            RequestObjectError::Unsigned => Self::RequestObjectUnsigned,
        }
    }
}

/// A request object taken apart. Nothing in it is verified.
#[derive(Clone, Debug)]
pub struct PresentedRequestObject(Form);

#[derive(Clone)]
enum Form {
    Signed(Jws),
    Unsigned { header: Header, payload: Vec<u8> },
}

impl PresentedRequestObject {
    /// Takes the value of `request`, or what is at a `request_uri`, apart: a JWT of at most 16 KiB.
    ///
    /// # Errors
    /// [`RequestObjectError::Encrypted`] when the text has five parts, [`RequestObjectError::Malformed`] when it is
    /// no JWT.
    pub fn parse(object: &str) -> Result<Self, RequestObjectError> {
        let form = match object
            .strip_suffix('.')
            .filter(|signed| signed.bytes().filter(|b| *b == b'.').count() == 1)
        {
            Some(unsigned) => Form::unsigned(unsigned)?,
            None => Form::Signed(Jws::parse(object)?),
        };
        let presented = Self(form);
        if presented.header().is_nested() {
            return Err(RequestObjectError::Malformed);
        }
        Ok(presented)
    }

    /// Takes the signed object out of an encrypted one, which is then like any other (RFC 9101 section 6.1).
    /// Where the client is registered with a pair of algorithms, no other pair is accepted.
    ///
    /// What is inside must be signed: anybody can encrypt to a public key.
    ///
    /// # Errors
    /// [`RequestObjectError::Undecryptable`] whatever is wrong, so that nobody learns how far it came;
    /// [`RequestObjectError::Panicked`] for an alarm of our own.
    pub fn decrypt(
        object: &str,
        decrypter: &Decrypter,
        registered: Option<(KeyAlg, ContentEnc)>,
    ) -> Result<Self, RequestObjectError> {
        let opened = decrypter.open(object, registered).map_err(|error| match error {
            JoseError::Panicked => RequestObjectError::Panicked,
            _ => RequestObjectError::Undecryptable,
        });
        opened.map(Form::Signed).map(Self)
    }

    /// Whether nobody signed it (`alg` is `none`).
    #[must_use]
    pub const fn is_unsigned(&self) -> bool {
        matches!(self.0, Form::Unsigned { .. })
    }

    /// Whether the object names its key, and `keys` has one of that name and of the object's algorithm.
    #[must_use]
    pub fn is_keyed_by(&self, keys: &JwkSet) -> bool {
        match &self.0 {
            Form::Signed(jws) => jws.is_keyed_by(keys),
            Form::Unsigned { .. } => false,
        }
    }

    const fn header(&self) -> &Header {
        match &self.0 {
            Form::Signed(jws) => jws.header(),
            Form::Unsigned { header, .. } => header,
        }
    }
}

impl Form {
    /// Two parts with nothing where the signature would be, and an `alg` that says so in this one spelling.
    fn unsigned(text: &str) -> Result<Self, RequestObjectError> {
        if text.len() > MAX_TOKEN_BYTES {
            return Err(RequestObjectError::Malformed);
        }
        let (header, payload) = text.split_once('.').ok_or(RequestObjectError::Malformed)?;
        let header = Header::parse(&decode(header)?)?;
        if header.alg_name() != UNSIGNED {
            return Err(RequestObjectError::Malformed);
        }
        Ok(Self::Unsigned { header, payload: decode(payload)? })
    }
}

/// Leaves out the payload, which tells of a person.
impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Signed(jws) => f.debug_tuple("Signed").field(jws).finish(),
            Self::Unsigned { header, .. } => f.debug_tuple("Unsigned").field(header).finish(),
        }
    }
}

/// Verifies request objects for one server.
///
/// `iss` may be missing and must otherwise be the client; `exp`, `iat` and `nbf` may be missing and must otherwise fit
/// the time; `sub` must not be the client, since that would be a client assertion (RFC 9101 section 10.8).
#[derive(Clone, Debug)]
#[must_use]
pub struct RequestObjectVerifier {
    issuer: Arc<str>,
    algs: Arc<[SigningAlg]>,
    typed: bool,
    audience_optional: bool,
    longest: Option<Duration>,
    leeway: Duration,
}

impl RequestObjectVerifier {
    /// A verifier for the server `issuer`, which `aud` has to name.
    pub fn new(issuer: impl Into<Arc<str>>) -> Self {
        Self {
            issuer: issuer.into(),
            algs: SigningAlg::DEFAULT_INBOUND.into(),
            typed: false,
            audience_optional: false,
            longest: None,
            leeway: DEFAULT_LEEWAY,
        }
    }

    /// The algorithms that are accepted from a client that is not registered with one, and beyond which no
    /// registered one counts. By default [`SigningAlg::DEFAULT_INBOUND`].
    pub fn with_algorithms(mut self, algs: &[SigningAlg]) -> Self {
        self.algs = algs.into();
        self
    }

    /// `typ` must be `oauth-authz-req+jwt`. By default it may also be `JWT` or missing.
    pub const fn with_required_type(mut self) -> Self {
        self.typed = true;
        self
    }

    /// `aud` may be missing from a signed object, as OpenID Connect Core 1.0 section 6.1 has it.
    pub const fn with_optional_audience(mut self) -> Self {
        self.audience_optional = true;
        self
    }

    /// `nbf` and `exp` must be there, at most `longest` apart, and `nbf` at most `longest` ago (FAPI 2.0 Message Signing
    /// section 5.3.1). By default they may be missing.
    pub const fn with_longest(mut self, longest: Duration) -> Self {
        self.longest = Some(longest);
        self
    }

    /// By how much the clocks may differ: 10 seconds by default, at most 60.
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway.min(super::claims_set::MAX_LEEWAY);
        self
    }

    /// The algorithms that are accepted.
    #[must_use]
    pub fn algorithms(&self) -> &[SigningAlg] {
        &self.algs
    }

    /// Verifies `presented` as signed by the client that `registered` describes, and gives its claims.
    ///
    /// The algorithm and the keys come from the registration; the header only has to agree. At most four keys are
    /// tried.
    ///
    /// # Errors
    /// [`RequestObjectError`], the signature being checked before the claims.
    pub fn verify(
        &self,
        presented: &PresentedRequestObject,
        registered: RegisteredKeys<'_>,
        now: Timestamp,
    ) -> Result<ClaimsSet, RequestObjectError> {
        let Form::Signed(jws) = &presented.0 else { return Err(RequestObjectError::Unsigned) };
        self.check_type(presented.header())?;
        let expected = match self.audience_optional {
            true => self.expected(registered.client_id()).with_audience_if_any([&*self.issuer]),
            false => self.expected(registered.client_id()).with_audience([&*self.issuer]),
        };
        let claims = registered.verify(jws, &self.algs)?;
        let claims = checked(claims, (&expected, registered.client_id()), now)?;
        if self.longest.is_some_and(|longest| !claims.is_within(longest, now)) {
            return Err(RequestObjectError::Unbounded);
        }
        // Keys may be of several clients: an object that names none could be sent as any of theirs (RFC 9101 section 5).
        if claims.str("iss").is_none() && claims.str("client_id").is_none() {
            return Err(RequestObjectError::Issuer);
        }
        Ok(claims)
    }

    /// Reads `presented`, which nobody signed, as coming from `client_id`, and gives its claims. They are worth as
    /// much as parameters of a plain request.
    ///
    /// # Errors
    /// [`RequestObjectError`]; [`RequestObjectError::Algorithm`] when it is signed.
    pub fn read_unsigned(
        &self,
        presented: &PresentedRequestObject,
        client_id: &ClientId,
        now: Timestamp,
    ) -> Result<ClaimsSet, RequestObjectError> {
        let Form::Unsigned { payload, .. } = &presented.0 else { return Err(RequestObjectError::Algorithm) };
        self.check_type(presented.header())?;
        let expected = self.expected(client_id).with_audience_if_any([&*self.issuer]);
        checked(payload, (&expected, client_id), now)
    }

    fn check_type(&self, header: &Header) -> Result<(), RequestObjectError> {
        let untyped = !self.typed && (header.typ().is_none() || header.is_type("JWT"));
        if untyped || header.is_type(TYPE) { Ok(()) } else { Err(RequestObjectError::Type) }
    }

    fn expected(&self, client_id: &ClientId) -> Expected {
        Expected::new(client_id.as_str()).with_optional_claims().with_leeway(self.leeway)
    }
}

fn checked(
    payload: &[u8],
    (expected, client_id): (&Expected, &ClientId),
    now: Timestamp,
) -> Result<ClaimsSet, RequestObjectError> {
    let claims = ClaimsSet::parse(payload).map_err(|_| RequestObjectError::Malformed)?;
    claims.check(expected, now)?;
    if claims.str("sub") == Some(client_id.as_str()) {
        return Err(RequestObjectError::Assertion);
    }
    Ok(claims)
}

impl From<JoseError> for RequestObjectError {
    fn from(error: JoseError) -> Self {
        match error {
            JoseError::Algorithm => Self::Algorithm,
            JoseError::Decryption | JoseError::Encrypted | JoseError::Nesting | JoseError::Unencrypted => {
                Self::Encrypted
            }
            JoseError::NoKey | JoseError::Signature => Self::Signature,
            JoseError::Panicked => Self::Panicked,
            JoseError::Extension | JoseError::Header | JoseError::Malformed | JoseError::TooLong => {
                Self::Malformed
            }
        }
    }
}

from_claims_error!(RequestObjectError);
