//! The metadata of the resources that are on the provider's own host (RFC 9728).

use super::builder::BuildError;
use super::config::Config;
use crate::types::Resource;
use crate::wire::reply::Document;
use crate::wire::{Request, ResourceMetadata, Response, resource_metadata};

/// The documents, each at its path.
#[derive(Debug, Default)]
pub(crate) struct ResourceDocuments(Vec<Served>);

#[derive(Debug)]
struct Served {
    metadata: ResourceMetadata,
    path: String,
    document: Document,
}

impl ResourceDocuments {
    /// Adds a resource; where it names nobody whose tokens it takes, they are this provider's.
    ///
    /// # Errors
    /// [`BuildError::Resource`] when it is of another host, or has a query, which no path can tell.
    pub(super) fn add(&mut self, config: &Config, metadata: ResourceMetadata) -> Result<(), BuildError> {
        if metadata.origin() != config.issuer.origin() || metadata.query().is_some() {
            return Err(BuildError::Resource { resource: metadata.resource().to_owned() });
        }
        let metadata = match metadata.names_authorization_servers() {
            true => metadata,
            false => metadata.with_authorization_server(&config.issuer),
        };
        let (path, document) = (metadata.path(), metadata.document());
        self.0.push(Served { metadata, path, document });
        Ok(())
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|served| served.path.as_str())
    }

    pub(super) fn resources(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|served| served.metadata.resource())
    }

    /// The answer to a request for one of them; `None` at another path.
    pub(super) fn answer(&self, request: &Request) -> Option<Response> {
        let served = self.0.iter().find(|served| served.path == request.uri().path())?;
        Some(resource_metadata::answer(&served.document, request))
    }

    /// Where the metadata of the resource is that `url` belongs to: the longest that covers it.
    pub(super) fn url_for(&self, url: &str) -> Option<String> {
        let covering = self.0.iter().filter(|served| Resource::covers(served.metadata.resource(), url));
        let nearest = covering.max_by_key(|served| served.metadata.resource().len());
        nearest.map(|served| served.metadata.metadata_url())
    }
}
