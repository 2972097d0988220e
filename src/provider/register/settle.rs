//! What a client gets of what it asks for.

use serde_json::{Map, Value};

use super::rules::Rules;
use super::settings::Registrant;
use super::{statement, validate};
use crate::client::{Client, ClientMetadata, check_sector};
use crate::error::{Reason, Result};
use crate::provider::context::Context;
use crate::provider::core::Core;

/// What a client is registered with.
pub(super) struct Settled {
    pub(super) metadata: ClientMetadata,
    /// The software statement that it rests on, as it was sent.
    pub(super) software_statement: Option<String>,
}

/// A client that updates itself, and whether it is registered with a software statement.
pub(super) struct Current<'a> {
    pub(super) client: &'a Client,
    pub(super) stated: bool,
}

/// Puts the claims of the software statement over the members beside it, holds all of it against the rules, and lets
/// the host and the sector have their say.
pub(super) async fn settle(
    core: &Core,
    cx: &Context<'_>,
    current: Option<Current<'_>>,
    members: &Map<String, Value>,
) -> Result<Settled> {
    let registration = core.registration.as_ref().ok_or(Reason::NotFound)?;
    let stated = current.as_ref().is_some_and(|current| current.stated);
    let statement = statement::of(core, cx, members, stated).await?;
    let rules = Rules::of(core, registration.bounds());
    let members = match &statement {
        Some(statement) => &statement::over(statement, members),
        None => members,
    };
    let metadata = validate::metadata(&rules, members)?;
    let registrant = Registrant {
        current: current.as_ref().map(|current| current.client),
        software_statement: statement.as_ref(),
    };
    let metadata = registration.reviewed(cx, &registrant, metadata).await?;
    check_sector_of(core, &metadata).await?;
    let software_statement = statement.map(|statement| statement.as_str().to_owned());
    Ok(Settled { metadata, software_statement })
}

/// Asks the sector, which comes last: about what will be registered.
pub(crate) async fn check_sector_of(core: &Core, metadata: &ClientMetadata) -> Result<()> {
    match (&core.sectors, &metadata.sector_identifier_uri) {
        (_, None) => Ok(()),
        (Some(fetcher), Some(_)) => check_sector(fetcher, metadata).await,
        (None, Some(_)) => Err(Reason::MetadataSectorIdentifier.into()),
    }
}
