//! Client ID metadata documents (draft-ietf-oauth-client-id-metadata-document): clients that are named by the URL of their
//! metadata, and registered nowhere.

mod gate;
mod settings;
mod store;

pub(crate) use gate::DocumentGate;
pub use settings::{ClientDocumentPolicy, ClientDocuments};
pub(crate) use store::DocumentedClients;
