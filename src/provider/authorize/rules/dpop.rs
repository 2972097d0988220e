//! `dpop_jkt` (RFC 9449 section 10).

use super::super::draft::Draft;
use super::super::request::Readers;
use crate::error::Reason;
use crate::types::{ResponseType, Thumbprint};

/// The thumbprint of the key that the client will prove. Where no proofs are taken it means nothing.
///
/// A client whose access tokens have to be bound must name the key of one that comes through the browser, where no
/// proof can.
pub(in super::super) fn dpop_jkt(
    readers: &Readers<'_>,
    draft: &Draft,
    response_type: ResponseType,
) -> Result<Option<Thumbprint>, Reason> {
    let sent = draft.params.one("dpop_jkt")?.filter(|_| readers.dpop);
    let thumbprint =
        sent.map(|text| Thumbprint::parse(text).map_err(|_| Reason::DpopJktMalformed)).transpose()?;
    let must = draft.client.metadata().dpop_bound_access_tokens && response_type.has_token();
    if must && thumbprint.is_none() {
        return Err(Reason::DpopJktMissing);
    }
    Ok(thumbprint)
}
