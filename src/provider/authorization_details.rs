//! The types of authorization details (RFC 9396): what a client may ask for, and what counts as less.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use super::config::Config;
use crate::client::Client;
use crate::error::Reason;
use crate::types::{AuthorizationDetail, AuthorizationDetails, Params};

/// For whom details are asked: who has to agree to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DetailsFor {
    /// The client itself: nobody else is asked (RFC 6749 section 4.4).
    Client,
    /// A person, who is asked, or has agreed to what a token is now to have.
    Person,
}

/// What one `type` of authorization details means (RFC 9396 section 2.1).
///
/// A detail that reaches it has this `type`, common fields of the shape of RFC 9396 section 2.2, and is of a client that
/// registered the type in `authorization_details_types`.
pub trait AuthorizationDetailsType: Debug + Send + Sync {
    /// The `type`: 1 to 256 bytes. The builder refuses two of one name.
    fn type_name(&self) -> &str;

    /// The detail as it counts, with what it left out filled in: what the person is shown, and what is granted.
    ///
    /// It must be strict: a field that is not known is refused (RFC 9396 section 5). It must give the same for the same
    /// detail, and take what it gave: a request is read anew each time that the browser brings it back.
    ///
    /// # Errors
    /// [`Reason::AuthorizationDetailsMalformed`], or [`Reason::Custom`]; the client is told.
    fn check(
        &self,
        client: &Client,
        details_for: DetailsFor,
        detail: AuthorizationDetail,
    ) -> Result<AuthorizationDetail, Reason>;

    /// Whether a client that registered the type may have details of it for itself, by `client_credentials`. Default: not,
    /// as people are to agree.
    ///
    /// # Security
    /// Where it may, [`check`](Self::check) alone decides which of them it may have: nobody is asked.
    fn allows_client_itself(&self) -> bool {
        false
    }

    /// Whether `narrower` permits nothing that `wider` does not. Default: only what is the same.
    ///
    /// It decides what a token may have of what was granted (RFC 9396 section 6.1), and what a person may agree to of
    /// what was asked: less, or the same with what the request left to them, such as which accounts (section 7.1). It
    /// must hold for a detail and itself, and from step to step.
    ///
    /// # Security
    /// Each of several details is weighed by itself, so that one of a grant can be narrowed into several in a token. What
    /// may be done once, such as a payment, needs an identifier by which the resource server counts it once.
    fn narrows(&self, narrower: &AuthorizationDetail, wider: &AuthorizationDetail) -> bool {
        narrower == wider
    }
}

const _: fn(&dyn AuthorizationDetailsType) = |_| ();

/// The types of a provider.
#[derive(Clone, Debug, Default)]
pub(crate) struct DetailsTypes(BTreeMap<String, Arc<dyn AuthorizationDetailsType>>);

impl DetailsTypes {
    /// Adds a type; `false` when its name is taken, or can be no type's.
    pub(super) fn add(&mut self, known: Arc<dyn AuthorizationDetailsType>) -> bool {
        let name = known.type_name().to_owned();
        (1..=256).contains(&name.len()) && self.0.insert(name, known).is_none()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The `authorization_details` of a request of `client`, each as it counts; none where the parameter is absent.
    ///
    /// # Errors
    /// [`Reason::AuthorizationDetailsMalformed`], [`Reason::AuthorizationDetailsTypeUnknown`],
    /// [`Reason::AuthorizationDetailsTypeNotAllowed`], [`Reason::AuthorizationDetailsForPeople`], what the type refuses
    /// for, [`Reason::ParameterRepeated`].
    pub(super) fn read(
        &self,
        (client, details_for): (&Client, DetailsFor),
        params: &Params,
    ) -> Result<Option<AuthorizationDetails>, Reason> {
        let Some(text) = params.one("authorization_details")? else { return Ok(None) };
        let asked = AuthorizationDetails::parse(text).map_err(|_| Reason::AuthorizationDetailsMalformed)?;
        let mut checked = Vec::new();
        for detail in asked.iter() {
            let name = detail.type_name();
            let known = self.0.get(name).ok_or(Reason::AuthorizationDetailsTypeUnknown)?;
            if !client.metadata().authorization_details_types.iter().any(|allowed| allowed == name) {
                return Err(Reason::AuthorizationDetailsTypeNotAllowed);
            }
            if details_for == DetailsFor::Client && !known.allows_client_itself() {
                return Err(Reason::AuthorizationDetailsForPeople);
            }
            let counted = known.check(client, details_for, detail.clone())?;
            if counted.type_name() != name {
                return Err(Reason::AuthorizationDetailsMalformed);
            }
            checked.push(counted);
        }
        AuthorizationDetails::new(checked).map(Some).map_err(|_| Reason::AuthorizationDetailsMalformed)
    }

    /// Whether each of `narrower` permits nothing that one of `wider` does not.
    pub(super) fn narrow(&self, narrower: &AuthorizationDetails, wider: &AuthorizationDetails) -> bool {
        narrower == wider || narrower.iter().all(|detail| self.narrows(detail, wider))
    }

    fn narrows(&self, narrower: &AuthorizationDetail, wider: &AuthorizationDetails) -> bool {
        let name = narrower.type_name();
        // A type that was taken out of the provider has nobody who could say what is less.
        let less = |granted: &AuthorizationDetail| {
            granted == narrower || self.0.get(name).is_some_and(|known| known.narrows(narrower, granted))
        };
        wider.iter().filter(|granted| granted.type_name() == name).any(less)
    }
}

/// The details of a token: those asked for, each no more than one that is granted, or all that are (RFC 9396 section 6).
///
/// # Errors
/// [`Reason::AuthorizationDetailsNotGranted`].
pub(super) fn narrowed(
    types: &DetailsTypes,
    granted: &AuthorizationDetails,
    asked: Option<AuthorizationDetails>,
) -> Result<AuthorizationDetails, Reason> {
    match asked {
        None => Ok(granted.clone()),
        Some(asked) if types.narrow(&asked, granted) => Ok(asked),
        Some(_) => Err(Reason::AuthorizationDetailsNotGranted),
    }
}

/// Refuses a detail that no token of the request could have: none of its `locations` is at a resource that is asked for,
/// or at the default audience where none is.
///
/// Deviates from RFC 9396 section 3.2, by which `resource` does not matter here: because a token is for its audience
/// alone, and a client that was given a token without what its person agreed to would not know why.
///
/// # Errors
/// [`Reason::AuthorizationDetailsLocation`].
pub(super) fn check_locations(
    config: &Config,
    details: &AuthorizationDetails,
    resources: &[String],
) -> Result<(), Reason> {
    let audience = if resources.is_empty() { &config.default_audience } else { resources };
    match audience.is_empty() || details.iter().all(|detail| detail.is_for(audience)) {
        true => Ok(()),
        false => Err(Reason::AuthorizationDetailsLocation),
    }
}

/// The details of a token for `audience`: one without an audience is for whoever takes it.
pub(super) fn of_audience(details: &AuthorizationDetails, audience: &[String]) -> AuthorizationDetails {
    if audience.is_empty() { details.clone() } else { details.for_audience(audience) }
}

/// Most bytes of details in a JWT, which has to fit into a header.
const MAX_JWT_BYTES: usize = 8 * 1024;

/// Most levels of details in a JWT, whose own object is one more.
const MAX_JWT_DEPTH: usize = 15;

/// Whether details can stand in a JWT. Those that cannot are in its record alone, and introspection tells them.
pub(super) fn fit_a_jwt(details: &AuthorizationDetails) -> bool {
    details.bytes() <= MAX_JWT_BYTES && details.depth() <= MAX_JWT_DEPTH
}
