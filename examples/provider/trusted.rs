//! The issuers whose assertions give tokens (RFC 7523 section 2.1), read from a file.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use vouchsafe::client::Client;
use vouchsafe::clock::Timestamp;
use vouchsafe::error::BoxError;
use vouchsafe::jose::{AuthorizationGrantAssertion, JwkSet};
use vouchsafe::provider::{Principal, Trust, TrustedIssuers};
use vouchsafe::types::{Authentication, Scope, Subject};

use crate::site::users::Users;

/// Whom the one who runs the server trusts with its users.
#[derive(Debug)]
pub(crate) struct Trusted {
    trusts: Vec<Trust>,
    users: Arc<Users>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    issuer: String,
    jwks: Value,
    scope: Scope,
    subject: Option<String>,
}

impl Trusted {
    /// Reads a JSON array of issuers.
    ///
    /// # Errors
    /// One sentence that says where the file is wrong.
    pub(crate) fn parse(document: &str, users: Arc<Users>) -> Result<Self, String> {
        let entries: Vec<Entry> = serde_json::from_str(document).map_err(|error| error.to_string())?;
        let trusts = entries.into_iter().map(|Entry { issuer, jwks, scope, subject }| {
            let keys = JwkSet::register(&jwks).map_err(|error| format!("issuer {issuer:?}: {error}"))?;
            let trust = Trust::new(issuer, keys).with_scope(scope);
            Ok(match subject {
                Some(subject) => trust.of_subject(subject),
                None => trust,
            })
        });
        Ok(Self { trusts: trusts.collect::<Result<_, String>>()?, users })
    }
}

#[async_trait]
impl TrustedIssuers for Trusted {
    async fn trust(&self, issuer: &str, subject: &str) -> Result<Option<Trust>, BoxError> {
        Ok(Trust::find(&self.trusts, issuer, subject).cloned())
    }

    async fn principal(
        &self,
        assertion: &AuthorizationGrantAssertion,
        _: &Client,
        now: Timestamp,
    ) -> Result<Option<Principal>, BoxError> {
        let subject = Subject::new(assertion.sub()).ok();
        let known = subject.filter(|subject| self.users.names(subject).is_some());
        Ok(known.map(|subject| Principal::Person(Authentication::new(subject, now))))
    }
}
