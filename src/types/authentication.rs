//! How a person signed in.

use serde::{Deserialize, Serialize};

use super::{SessionId, Subject};
use crate::clock::Timestamp;

/// The login of a person, as the host knows it: who, when, how, and in which session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Authentication {
    /// Who signed in.
    pub subject: Subject,
    /// When the person last proved who they are (`auth_time`), not when the session was last used.
    pub auth_time: Timestamp,
    /// The authentication context class reached (`acr`), if the host speaks of such.
    pub acr: Option<String>,
    /// The methods used (`amr`, RFC 8176).
    pub amr: Vec<String>,
    /// The login session; tokens can be listed and revoked by it, and give a `sid`.
    pub session: Option<SessionId>,
    /// When that session ends at the latest; its grants are kept until then. `None`: their own limits decide.
    pub session_ends: Option<Timestamp>,
}

impl Authentication {
    /// `subject` proved who they are at `auth_time`.
    #[must_use]
    pub const fn new(subject: Subject, auth_time: Timestamp) -> Self {
        Self { subject, auth_time, acr: None, amr: Vec::new(), session: None, session_ends: None }
    }

    /// The authentication context class reached.
    #[must_use]
    pub fn with_acr(mut self, acr: impl Into<String>) -> Self {
        self.acr = Some(acr.into());
        self
    }

    /// The authentication methods used, in the names of RFC 8176.
    #[must_use]
    pub fn with_amr<T: Into<String>>(mut self, amr: impl IntoIterator<Item = T>) -> Self {
        self.amr = amr.into_iter().map(Into::into).collect();
        self
    }

    /// The login session.
    #[must_use]
    pub fn with_session(mut self, session: SessionId) -> Self {
        self.session = Some(session);
        self
    }

    /// When the login session ends at the latest.
    #[must_use]
    pub fn with_session_end(mut self, ends: Timestamp) -> Self {
        self.session_ends = Some(ends);
        self
    }
}
