//! Parameters that would change what is asked, and are not understood (OpenID Connect Core 1.0 section 3.1.2.6).

use crate::error::Reason;
use crate::types::Params;

/// Refuses `request`, `request_uri` and `registration`, each with its own code. To ignore them would be to answer
/// another request than the client made.
pub(in super::super) fn refuse(params: &Params) -> Result<(), Reason> {
    let unsupported = [
        ("request", Reason::RequestObjectUnsupported),
        ("request_uri", Reason::RequestUriUnsupported),
        ("registration", Reason::RegistrationUnsupported),
    ];
    for (name, reason) in unsupported {
        if params.one(name)?.is_some() {
            return Err(reason);
        }
    }
    Ok(())
}
