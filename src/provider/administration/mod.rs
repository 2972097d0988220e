//! What a host does by itself: listing, revoking, removing, and changing secrets and keys.

pub(super) mod cursor;
mod reseal;
mod sessions;

use std::sync::Arc;
use std::time::Duration;

pub use reseal::Resealed;
pub use sessions::{GrantedSession, GrantedSessions};

use super::core::Core;
use super::grants::{self, GrantFilter, LiveGrant};
use super::logout::{self, OfflineAccess};
use super::register::{self, InitialTokenUses, RegisteredClient};
use super::{Provider, consent};
use crate::client::ClientSettings;
use crate::error::Result;
use crate::jose::{KeyRotation, KeySourceError, RingKey, SigningAlg};
use crate::runtime::Runtime;
use crate::secret::Secret;
use crate::store::{Consent, Listing, Page};
use crate::types::{ClientId, KeyId, Subject};

/// What a host does by itself with a provider, for pages of its operators or its people. It asks for no credentials: who
/// may call it is up to the host.
///
/// A `next` of its listings is sealed text: it opens for this listing of this issuer alone, for a day, and may pass
/// through a browser. A text that was not given out so is refused with
/// [`Reason::CursorInvalid`](crate::error::Reason::CursorInvalid), one whose time is over with
/// [`Reason::CursorExpired`](crate::error::Reason::CursorExpired).
#[derive(Clone, Copy, Debug)]
pub struct Administration<'a>(&'a Arc<Core>);

impl Provider {
    /// What the host does by itself: listing, revoking, removing, and changing secrets and keys.
    #[must_use]
    pub const fn administration(&self) -> Administration<'_> {
        Administration(&self.0)
    }
}

/// Grants and sessions.
impl Administration<'_> {
    /// The grants that are neither revoked nor over, page by page.
    ///
    /// # Errors
    /// A cursor that is refused, and a store that fails.
    pub async fn grants(self, of: &GrantFilter, page: &Page) -> Result<Listing<LiveGrant>> {
        grants::list(self.0, of, page).await
    }

    /// Revokes grants, with every code and token that hangs on them, and says how many were not revoked before. Those of a
    /// client, a person or a session are revoked in batches, and [`Revoked`](crate::event::EventKind::Revoked) tells of them
    /// also where the store fails halfway.
    ///
    /// # Errors
    /// A store that fails; calling again finishes what was begun.
    pub async fn revoke_grants(self, of: &GrantFilter) -> Result<u64> {
        grants::revoke(self.0, of).await
    }

    /// The login sessions in which a person has given grants that are neither revoked nor over.
    ///
    /// # Errors
    /// A store that fails.
    pub async fn sessions(self, subject: &Subject) -> Result<GrantedSessions> {
        sessions::list(self.0, subject).await
    }

    /// Ends the login sessions in which the grants of a filter were given, as far as clients are concerned: tells those
    /// clients by the back channel where it is turned on, revokes the grants, and says how many were not revoked
    /// before. By a session or a subject, those clients of the sessions are told too whose grants were revoked before: they
    /// may have sessions of their own all the same. By a client, whose grants are read page by page, it may be told more
    /// than once of a session that has several. Grants of clients that act for themselves are left alone, and those that
    /// are given meanwhile end too. The host's own sessions are the host's to end; which there are,
    /// [`sessions`](Administration::sessions) says.
    ///
    /// # Errors
    /// A store that fails; calling again finishes what was begun.
    pub async fn end_sessions(self, of: &GrantFilter, offline_access: OfflineAccess) -> Result<u64> {
        logout::end_all(self.0, of, offline_access).await
    }
}

/// Consents.
impl Administration<'_> {
    /// The consents that a person has given and that still count, for any client.
    ///
    /// # Errors
    /// A cursor that is refused, and a store that fails.
    pub async fn consents_of_subject(self, subject: &Subject, page: &Page) -> Result<Listing<Consent>> {
        consent::list(self.0, consent::Of::Subject(subject), page).await
    }

    /// The consents that still count for a client, of any person.
    ///
    /// # Errors
    /// A cursor that is refused, and a store that fails.
    pub async fn consents_for_client(self, client: &ClientId, page: &Page) -> Result<Listing<Consent>> {
        consent::list(self.0, consent::Of::Client(client), page).await
    }

    /// Forgets what a person agreed to for a client and revokes every grant of that pair, with all its tokens. Says
    /// how many grants there were.
    ///
    /// # Errors
    /// A store that fails; calling again finishes what was begun.
    pub async fn revoke_consent(self, subject: &Subject, client: &ClientId) -> Result<u64> {
        consent::revoke(self.0, subject, client).await
    }
}

/// Clients that register by themselves.
impl Administration<'_> {
    /// The clients that registered themselves, page by page. A record that does not open is left out, and is an alarm.
    ///
    /// # Errors
    /// A cursor that is refused, and a store that fails or is not there (`ClientRegistry`).
    pub async fn registered_clients(self, page: &Page) -> Result<Listing<RegisteredClient>> {
        register::list(self.0, page).await
    }

    /// Mints a token that lets clients register, for as long as `lifetime`; only its hash is kept.
    ///
    /// # Errors
    /// A store that fails or is not there (`TicketStore`), or a random source that fails.
    pub async fn mint_initial_access_token(
        self,
        uses: InitialTokenUses,
        lifetime: Duration,
    ) -> Result<Secret> {
        register::mint_initial_token(self.0, uses, lifetime).await
    }

    /// Mints a registration access token for a client that registered itself and has lost its own, or whose own was
    /// stolen: whatever it had is good no more. `None` where there is no such client.
    ///
    /// # Errors
    /// A store that fails or is not there (`ClientRegistry`), or a random source that fails.
    pub async fn mint_registration_access_token(self, id: &ClientId) -> Result<Option<Secret>> {
        register::mint_registration_token(self.0, id).await
    }

    /// Replaces what the host decided for a client that registered itself, to shut it out perhaps, and says whether
    /// there is one. Other nodes go by it within
    /// [`Config::registered_client_age`](super::Config::registered_client_age).
    ///
    /// # Errors
    /// Settings that do not fit the client, and a store that fails or is not there (`ClientRegistry`).
    pub async fn set_client_settings(self, id: &ClientId, settings: &ClientSettings) -> Result<bool> {
        register::set_settings(self.0, id, settings).await
    }

    /// Removes a client that registered itself, revokes every grant of it, in batches, and says whether there was one. Where
    /// it is gone already, its grants are revoked all the same.
    ///
    /// Another node can go on giving it grants for as long as
    /// [`Config::registered_client_age`](super::Config::registered_client_age). Where there is a
    /// [`Runtime`](crate::runtime::Runtime), those are revoked in the background soon after that has passed; without one, or
    /// should this process end before, call again once it has passed.
    ///
    /// # Errors
    /// A store that fails or is not there (`ClientRegistry`); calling again finishes what was begun.
    pub async fn remove_client(self, id: &ClientId) -> Result<bool> {
        register::remove_by_host(self.0, id).await
    }
}

/// Signing keys.
impl Administration<'_> {
    /// The signing keys that this node has now, each with its state and, where that is known, the time since which it is
    /// in it.
    #[must_use]
    pub fn keys(self) -> Vec<RingKey> {
        self.0.keyring.keys()
    }

    /// Lets a new key sign for `alg` at once, as [`KeyRotation::rotate`] says: for a key that must not sign any longer.
    ///
    /// # Errors
    /// As [`KeyRotation::rotate`].
    pub async fn rotate_key(self, rotation: &KeyRotation, alg: SigningAlg) -> Result<KeyId, KeySourceError> {
        rotation.rotate(&self.0.keyring, alg, self.0.clock.now()).await
    }

    /// Takes a key out for good, before its time, as [`KeyRotation::remove`] says: tokens that it signed do not verify any
    /// more.
    ///
    /// # Errors
    /// As [`KeyRotation::remove`].
    pub async fn remove_key(self, rotation: &KeyRotation, kid: &str) -> Result<(), KeySourceError> {
        rotation.remove(&self.0.keyring, kid, self.0.clock.now()).await
    }
}

/// System secrets.
impl Administration<'_> {
    /// Moves payloads that an old system secret sealed to the one that writes now: one page of rows, which holds up
    /// nothing else. Call again with its [`next`](Resealed::next) until there is none; a run may be given up, and begun
    /// anew, at any time.
    ///
    /// It goes through every [`Reseal`](crate::store::Reseal) of the stores, once for each secret that is listed behind the
    /// first. A row that does not open under its secret stays, is counted, and is an alarm.
    ///
    /// # Errors
    /// A cursor that is refused, a store or a random source that fails.
    pub async fn reseal(self, page: &Page) -> Result<Resealed> {
        reseal::page(self.0, page).await
    }

    /// Moves all that [`reseal`](Administration::reseal) would, page by page of `limit` rows with a `pause` between two, and
    /// counts together what came of them.
    ///
    /// # Errors
    /// A store or a random source that fails; calling again goes on with what is left.
    pub async fn reseal_all(self, limit: u16, pause: Duration, runtime: &dyn Runtime) -> Result<Resealed> {
        reseal::all(self.0, limit, pause, runtime).await
    }
}
