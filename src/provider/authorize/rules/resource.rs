//! `resource` (RFC 8707 section 2).

use url::Url;

use super::super::draft::Draft;
use super::super::request::Readers;
use super::MAX_VALUE_BYTES;
use crate::error::Reason;

/// Most resources in one request.
const MAX_RESOURCES: usize = 16;

/// The resources: absolute URIs without fragment that the client may ask for, each once (attack 44).
pub(in super::super) fn resources(readers: &Readers<'_>, draft: &Draft) -> Result<Vec<String>, Reason> {
    let mut resources: Vec<String> = Vec::new();
    for resource in draft.params.many("resource") {
        if !is_absolute(resource) || resources.len() == MAX_RESOURCES {
            return Err(Reason::ResourceMalformed);
        }
        readers.policy.resource(&draft.client, resource)?;
        if !resources.iter().any(|known| known == resource) {
            resources.push(resource.to_owned());
        }
    }
    Ok(resources)
}

fn is_absolute(uri: &str) -> bool {
    uri.len() <= MAX_VALUE_BYTES
        && !uri.contains('#')
        && uri.bytes().all(|b| b.is_ascii_graphic())
        && Url::parse(uri).is_ok()
}
