//! What requests of other endpoints have in common with those at this one: the same rules for the same parameters.

use super::draft::Draft;
use super::request::Readers;
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
}

/// Reads a request of `client`, as one that asks for a code would be read.
///
/// # Errors
/// Those of `scope`.
pub(in crate::provider) fn read_elsewhere<'a>(
    core: &'a Core,
    client: &Client,
    params: Params,
) -> Result<AskedElsewhere<'a>, Reason> {
    let readers = super::readers(core);
    let draft = Draft { client: client.clone(), params, watched: None, settled: None, pushed: None };
    let scope = rules::scope::scope(&readers, &draft, ResponseType::Code)?;
    Ok(AskedElsewhere { readers, draft, scope })
}

impl AskedElsewhere<'_> {
    pub(in crate::provider) const fn scope(&self) -> &Scope {
        &self.scope
    }

    pub(in crate::provider) fn resources(&self) -> Result<Vec<String>, Reason> {
        rules::resource::resources(&self.readers, &self.draft)
    }
}
