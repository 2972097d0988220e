//! What requests of other endpoints have in common with those at this one: the same rules for the same parameters.

use super::draft::Draft;
use super::request::{HintedSubject, Readers};
use super::rules;
use crate::client::Client;
use crate::error::Reason;
use crate::provider::core::Core;
use crate::types::{Params, ResponseType, Scope};

/// The parameters of a request that a person answers elsewhere.
pub(in crate::provider) struct AskedElsewhere<'a> {
    readers: Readers<'a>,
    draft: Draft,
    scope: Scope,
    resources: Vec<String>,
}

/// Reads a request of `client`, as one that asks for a code would be read.
///
/// # Errors
/// Those of `scope` and `resource`; [`Reason::AuthorizationDetailsUnavailable`], since there is nowhere to show them, and what
/// is ignored would be taken to be granted (RFC 9396 section 5).
pub(in crate::provider) fn read_elsewhere<'a>(
    core: &'a Core,
    client: &Client,
    params: Params,
) -> Result<AskedElsewhere<'a>, Reason> {
    let readers = super::readers(core);
    let draft = Draft { client: client.clone(), params, watched: None, settled: None, pushed: None };
    if draft.has("authorization_details") {
        return Err(Reason::AuthorizationDetailsUnavailable);
    }
    let scope = rules::scope::scope(&readers, &draft, ResponseType::Code)?;
    let resources = rules::resource::resources(&readers, &draft)?;
    let scope = rules::resource::scope(&readers, &resources, &scope);
    Ok(AskedElsewhere { readers, draft, scope, resources })
}

impl AskedElsewhere<'_> {
    pub(in crate::provider) const fn scope(&self) -> &Scope {
        &self.scope
    }

    pub(in crate::provider) const fn params(&self) -> &Params {
        &self.draft.params
    }

    pub(in crate::provider) fn acr_values(&self) -> Result<Vec<String>, Reason> {
        rules::oidc::acr_values(&self.draft)
    }

    pub(in crate::provider) fn login_hint(&self) -> Result<Option<String>, Reason> {
        rules::oidc::login_hint(&self.draft.params)
    }

    pub(in crate::provider) fn id_token_hint(&self) -> Result<HintedSubject, Reason> {
        rules::oidc::id_token_hint(&self.readers, &self.draft)
    }

    pub(in crate::provider) fn resources(&self) -> &[String] {
        &self.resources
    }
}
