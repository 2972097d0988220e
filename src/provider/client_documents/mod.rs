//! Client ID metadata documents (draft-ietf-oauth-client-id-metadata-document): clients that are named by the URL of their
//! metadata, and registered nowhere.

mod settings;
mod store;

pub use settings::{ClientDocumentPolicy, ClientDocuments};
pub(crate) use store::DocumentedClients;
