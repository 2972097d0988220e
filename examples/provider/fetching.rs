//! What the provider fetches from others, and whom it believes.

use std::sync::Arc;

use vouchsafe::adapters::reqwest::ReqwestClient;

use crate::options::Options;

/// The client for addresses that clients registered, as the flags ask for it.
///
/// # Errors
/// One sentence that names the file.
pub(crate) fn client(options: &Options) -> Result<Arc<ReqwestClient>, String> {
    let mut builder = ReqwestClient::builder();
    if let Some(path) = &options.ca_file {
        let named = |problem: String| format!("--ca-file {}: {problem}", path.display());
        let pem = std::fs::read(path).map_err(|error| named(error.to_string()))?;
        builder = builder.root_certificates(&pem).map_err(|error| named(error.to_string()))?;
    }
    if options.dangerous_allow_loopback_fetch {
        builder = builder.dangerous_allow_loopback();
    }
    builder.build().map(Arc::new).map_err(|error| error.to_string())
}
