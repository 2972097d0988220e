//! `authorization_details` (RFC 9396 section 3).

use super::super::draft::Draft;
use super::super::request::Readers;
use crate::error::Reason;
use crate::provider::authorization_details::{self as details, DetailsFor};
use crate::types::AuthorizationDetails;

/// What the client asks to be allowed in detail, each as its type has it (attack 144).
pub(in super::super) fn details(
    readers: &Readers<'_>,
    draft: &Draft,
    resources: &[String],
) -> Result<AuthorizationDetails, Reason> {
    let asked = readers.details.read((&draft.client, DetailsFor::Person), &draft.params)?.unwrap_or_default();
    details::check_locations(readers.config, &asked, resources)?;
    Ok(asked)
}
