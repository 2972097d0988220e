//! What the provider may fetch from others, and whom it believes.

use vouchsafe::adapters::reqwest::{InvalidHttpClient, ReqwestClient};

use crate::options::Options;

/// Checks the flags on fetching, so that a wrong file is found at the start and not at the first use.
///
/// No endpoint that is mounted here fetches anything yet, and a client that nobody uses costs memory: it is made
/// only to be checked, and only where a flag asks for one.
///
/// # Errors
/// One sentence that names the file.
pub(crate) fn check(options: &Options) -> Result<(), String> {
    let Some(path) = &options.ca_file else { return Ok(()) };
    let named = |problem: String| format!("--ca-file {}: {problem}", path.display());
    let pem = std::fs::read(path).map_err(|error| named(error.to_string()))?;
    client(&pem, options.dangerous_allow_loopback_fetch).map_err(|error| named(error.to_string()))?;
    Ok(())
}

fn client(authorities: &[u8], loopback: bool) -> Result<ReqwestClient, InvalidHttpClient> {
    let builder = ReqwestClient::builder().root_certificates(authorities)?;
    if loopback { builder.dangerous_allow_loopback().build() } else { builder.build() }
}
