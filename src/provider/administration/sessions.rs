//! The login sessions of a person, as far as grants name them.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Timestamp;
use crate::error::Result;
use crate::event::Endpoint;
use crate::provider::context::Arrival;
use crate::provider::core::Core;
use crate::provider::records;
use crate::store::{Filter, Page, RevokedGrants, SubjectKey};
use crate::types::{Authentication, ClientId, SessionId, Subject};

/// Grants that are read at once.
const PAGE_SIZE: u16 = 1000;

/// Pages of grants that are read of one person at most.
const MAX_PAGES: usize = 10;

/// A login session in which grants were given that are neither revoked nor over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrantedSession {
    /// Its name.
    pub session: SessionId,
    /// When the person last signed in, of what the grants say.
    pub auth_time: Timestamp,
    /// The clients that have such grants.
    pub clients: BTreeSet<ClientId>,
    /// How many such grants there are.
    pub grants: usize,
}

/// The sessions of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrantedSessions {
    /// The sessions, in the order of their names.
    pub sessions: Vec<GrantedSession>,
    /// Whether all grants were looked at: those of a person with more than 10,000 are not.
    pub complete: bool,
}

/// Groups the grants of a person by the session that they name; those that name none are left out.
pub(super) async fn list(core: &Core, subject: &Subject) -> Result<GrantedSessions> {
    let arrival = Arrival::at(Endpoint::Administration, core);
    let cx = arrival.context();
    let of = Filter::Subject(SubjectKey::of(cx.secrets, cx.issuer(), subject));
    let (mut found, mut page) = (BTreeMap::new(), Some(Page::first(PAGE_SIZE)));
    for _ in 0..MAX_PAGES {
        let Some(this) = page.take() else { break };
        let listing = core.stores.tokens.grants(&of, RevokedGrants::LeftOut, &this, cx.now).await?;
        page = this.following(&listing);
        for stored in listing.items.iter().filter(|stored| stored.is_active(cx.now)) {
            let Some(grant) = records::open_grant(&cx, &stored.record) else { continue };
            note(&mut found, grant.client, grant.authentication);
        }
    }
    Ok(GrantedSessions { sessions: found.into_values().collect(), complete: page.is_none() })
}

fn note(
    found: &mut BTreeMap<SessionId, GrantedSession>,
    client: ClientId,
    authentication: Option<Authentication>,
) {
    let Some(Authentication { auth_time, session: Some(session), .. }) = authentication else { return };
    let noted = match found.entry(session.clone()) {
        Entry::Occupied(noted) => noted.into_mut(),
        Entry::Vacant(vacant) => {
            vacant.insert(GrantedSession { session, auth_time, clients: BTreeSet::new(), grants: 0 })
        }
    };
    noted.auth_time = noted.auth_time.max(auth_time);
    noted.clients.insert(client);
    noted.grants += 1;
}
