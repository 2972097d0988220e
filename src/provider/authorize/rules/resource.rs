//! `resource` (RFC 8707 section 2).

use super::super::draft::Draft;
use super::super::request::Readers;
use crate::error::Reason;
use crate::provider::resources as settings;
use crate::types::{Resource, Scope};

/// Most resources in one request.
const MAX_RESOURCES: usize = 16;

/// The resources: absolute URIs without fragment that the client may ask for, each once (attack 44).
pub(in super::super) fn resources(readers: &Readers<'_>, draft: &Draft) -> Result<Vec<String>, Reason> {
    let mut resources: Vec<String> = Vec::new();
    for resource in draft.params.many("resource") {
        Resource::parse(resource).map_err(|_| Reason::ResourceMalformed)?;
        if resources.len() == MAX_RESOURCES {
            return Err(Reason::ResourceMalformed);
        }
        readers.policy.resource(&draft.client, resource)?;
        if !resources.iter().any(|known| known == resource) {
            resources.push(resource.to_owned());
        }
    }
    settings::check_named(readers.config, &resources)?;
    Ok(resources)
}

/// What of the scope means something at the resources that are asked for: nobody is asked to agree to the rest.
pub(in super::super) fn scope(readers: &Readers<'_>, resources: &[String], scope: &Scope) -> Scope {
    settings::scope_of(readers.config, resources, scope)
}
