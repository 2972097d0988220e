//! What a request still needs: pure, from the request, the login, and what was agreed to before.

use super::consent::Agreed;
use super::pending::PendingAuthorization;
use super::request::{AuthorizationRequest, HintedSubject};
use crate::error::Reason;
use crate::provider::context::Context;
use crate::provider::subject;
use crate::types::{Authentication, AuthorizationDetails, Prompt, Scope};

/// The next thing that a pending request needs from the person.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Needs {
    /// The person must agree: show the client and the whole request, then approve or deny it.
    Consent(MissingConsent),
    /// The person must be offered to create an account (`prompt=create`): whoever signs in after that, with a new
    /// account or an old one, has answered; for one who stays signed in, [`PendingAuthorization::answered`].
    Create,
    /// The person must sign in.
    Login(LoginNeed),
    /// The person must choose an account; then [`PendingAuthorization::answered`].
    Select,
}

/// Why a login is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginNeed {
    /// Nobody is signed in.
    Absent,
    /// The login did not reach an authentication context class that the client calls essential
    /// (see [`AuthorizationRequest::essential_acr`]).
    ///
    /// When the person has then proved once more who they are (with a later `auth_time`), and that does not reach it
    /// either, the client is told.
    Acr,
    /// Another person is asked for than the one who is signed in.
    OtherSubject,
    /// The client asks for a login with this request (`prompt=login`).
    Requested,
    /// The login is older than `max_age` allows.
    TooOld,
}

/// What the person has not agreed to yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingConsent {
    /// The part of the scope.
    pub scope: Scope,
    /// The names of claims asked for beyond those of the scope.
    pub claims: Vec<String>,
    /// The resources.
    pub resources: Vec<String>,
    /// The authorization details that were not agreed to before exactly as they are.
    pub authorization_details: AuthorizationDetails,
}

impl Needs {
    /// Why a request that must not show anything fails (OpenID Connect Core 1.0 section 3.1.2.6).
    pub(super) const fn reason(&self) -> Reason {
        match self {
            Self::Consent(_) => Reason::ConsentNeeded,
            Self::Create => Reason::CreationNeeded,
            Self::Login(LoginNeed::Acr) => Reason::AcrUnmet,
            Self::Login(LoginNeed::OtherSubject) => Reason::LoginOtherSubject,
            Self::Login(_) => Reason::LoginNeeded,
            Self::Select => Reason::SelectionNeeded,
        }
    }
}

/// The first thing that is missing, in the order in which a person meets it; `None` when nothing is.
pub(super) fn weigh(
    cx: &Context<'_>,
    pending: &PendingAuthorization,
    login: Option<&Authentication>,
    agreed: &Agreed,
) -> Option<Needs> {
    let Some(login) = login else {
        let create = pending.request().prompt.contains(Prompt::Create) && !pending.has_created();
        return Some(if create { Needs::Create } else { Needs::Login(LoginNeed::Absent) });
    };
    unmet(cx, pending, login).or_else(|| agreed.missing(pending.request()).map(Needs::Consent))
}

/// What the login does not meet, whatever the person agrees to. All is weighed as of when the request was made, so
/// that nothing runs out while a page is being read.
pub(super) fn unmet(
    cx: &Context<'_>,
    pending: &PendingAuthorization,
    login: &Authentication,
) -> Option<Needs> {
    let request = pending.request();
    let came_after = login.auth_time >= pending.requested_at();
    let prompted = |prompt| request.prompt.contains(prompt) && !came_after;
    if prompted(Prompt::Create) && !pending.has_created() {
        return Some(Needs::Create);
    }
    // Whoever has just signed in has chosen the account by that.
    if prompted(Prompt::SelectAccount) && !pending.has_selected() {
        return Some(Needs::Select);
    }
    let sub = subject::of_person(cx, pending.client(), &login.subject);
    let need = if request.excludes(&login.subject, &sub) {
        LoginNeed::OtherSubject
    } else if prompted(Prompt::Login) {
        LoginNeed::Requested
    } else if !request.is_recent(login.auth_time, pending.requested_at()) {
        LoginNeed::TooOld
    } else if !reaches_essential_acr(request, login) {
        LoginNeed::Acr
    } else {
        return None;
    };
    Some(Needs::Login(need))
}

/// Whether a request that must not show anything names somebody we cannot know (attack 39).
pub(super) fn is_hinted_in_vain(request: &AuthorizationRequest) -> bool {
    request.id_token_hint == HintedSubject::Unreadable
}

/// Only an essential `acr` with values must be reached, and then one of them, whatever they are (OpenID Connect Core 1.0
/// section 5.5.1.1). A voluntary one never fails a request.
fn reaches_essential_acr(request: &AuthorizationRequest, login: &Authentication) -> bool {
    let mut essential =
        request.claims.id_token.iter().filter(|(name, asked)| name == "acr" && asked.essential);
    essential.all(|(_, asked)| {
        asked.values.is_empty() || login.acr.as_deref().is_some_and(|acr| asked.accepts(&acr.into()))
    })
}
