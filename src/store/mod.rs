//! The storage contract: ports whose methods are verbs with an outcome.
//!
//! A store keeps records: the columns that its verbs use, and a payload that the provider has sealed. It sees
//! no token, no secret and no personal data; keys are hashes, subjects and sessions are keyed hashes.
//!
//! What every implementation must guarantee:
//!
//! * Each verb is one atomic step: all of it happens or nothing, also when the future is dropped at any await.
//! * Verbs that let one caller win (`consume_code`, `take`, `first_use`, `use_refresh_token`, `decide`, `poll`) let exactly one win,
//!   across tasks, processes and nodes, under the weakest isolation that the database is run with.
//! * A verb that answered has been made durable as far as the store promises durability at all.
//! * An outcome that is not known is [`StoreErrorKind::Unavailable`](crate::error::StoreErrorKind::Unavailable),
//!   never success. Serialisation failures are retried inside, a bounded number of times.
//! * `now` decides; the store reads no clock of its own.
//! * Not found is `None` or `Absent`, never an error.
//!
//! `testing::store_suite` is this contract as code; a new store runs it before anything else.

pub(crate) mod allowance;
mod around;
pub(crate) mod cached;
mod client;
mod code;
mod consent;
mod deferred;
mod grant;
mod guard;
mod key_set;
pub mod memory;
mod registry;
pub(crate) mod replay;
mod reseal;
mod sweep;
mod ticket;
mod token;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use around::Around;
pub use cached::CachedClients;
pub use client::ClientStore;
pub use code::{AuthorizationCode, CodeRecord, CodeStore, Consumed};
pub use consent::{Consent, ConsentFilter, ConsentRecord, ConsentStore, ConsentVersion, Remembered};
pub use deferred::{
    Decision, Deferral, DeferredRecord, DeferredStore, MAX_INTERVAL, Polled, SLOW_DOWN, WaitingLimit,
};
pub use grant::{Filter, Grant, GrantRecord, GrantStore, RefreshHead, RevokedGrants, StoredGrant};
pub use guard::StoreLimits;
pub use key_set::{KeySetStore, KeySetVersion, StoredKeySet};
pub use registry::{ClientRecord, ClientRegistry, ClientVersion, Replacement, StoredClient};
pub use replay::ReplayStore;
pub use reseal::{InvalidRowName, Reseal, RowKind, RowName, SealedRow};
pub use sweep::Sweep;
pub use ticket::{TicketRecord, TicketStore};
pub use token::{
    AccessToken, Advance, Grace, GrantedToken, Insertion, Issued, NewFamily, RefreshUse, Refreshed,
    TokenRecord, TokenStore,
};

use crate::secret::SystemSecrets;
use crate::types::{SessionId, Subject};

macro_rules! column_key {
    ($(#[$doc:meta])* $name:ident, $id:ty, $purpose:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name([u8; 32]);

        impl $name {
            /// The key of `id` at `issuer`.
            #[must_use]
            pub fn of(secrets: &SystemSecrets, issuer: &str, id: &$id) -> Self {
                Self(secrets.salted($purpose, &[issuer, id.as_str()]))
            }

            /// A key read back from a store.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The key as a store writes it.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

column_key! {
    /// A subject as a store sees it: a keyed hash under the salt that never rotates.
    SubjectKey, Subject, "subject column"
}

column_key! {
    /// A login session as a store sees it: a keyed hash under the salt that never rotates.
    SessionKey, SessionId, "session column"
}

/// Most items in one page.
const MAX_PAGE: u16 = 1000;

/// Which part of a listing is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where the page before ended: the `next` of its [`Listing`]. `None` is the beginning.
    pub after: Option<String>,
    /// Most items to return: 1 to 1000, see [`Page::size`].
    pub limit: u16,
}

impl Page {
    /// The first page of at most `limit` items.
    #[must_use]
    pub const fn first(limit: u16) -> Self {
        Self { after: None, limit }
    }

    /// How many items a store returns at most: the limit, where 0 counts as 1 and more than 1000 as 1000.
    #[must_use]
    pub const fn size(&self) -> u16 {
        match self.limit {
            0 => 1,
            limit if limit > MAX_PAGE => MAX_PAGE,
            limit => limit,
        }
    }

    /// The page that follows `listing`, of the same size; `None` when that was the last.
    #[must_use]
    pub fn following<T>(&self, listing: &Listing<T>) -> Option<Self> {
        listing.next.clone().map(|after| Self { after: Some(after), limit: self.limit })
    }
}

/// One page of a listing. Items that are inserted meanwhile may be missing; none is listed twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins, as the store's own text; `None` at the end.
    pub next: Option<String>,
}

/// The stores of one provider.
#[derive(Clone, Debug)]
pub struct Stores {
    pub(crate) clients: Arc<dyn ClientStore>,
    pub(crate) codes: Arc<dyn CodeStore>,
    pub(crate) tokens: Arc<dyn TokenStore>,
    pub(crate) consents: Arc<dyn ConsentStore>,
    pub(crate) registry: Option<Arc<dyn ClientRegistry>>,
    pub(crate) replays: Option<Arc<dyn ReplayStore>>,
    pub(crate) tickets: Option<Arc<dyn TicketStore>>,
    pub(crate) deferred: Option<Arc<dyn DeferredStore>>,
    pub(crate) key_sets: Option<Arc<dyn KeySetStore>>,
    pub(crate) reseal: Vec<Arc<dyn Reseal>>,
}

impl Stores {
    /// The ports that every provider needs.
    #[must_use]
    pub fn new(
        clients: Arc<dyn ClientStore>,
        codes: Arc<dyn CodeStore>,
        tokens: Arc<dyn TokenStore>,
        consents: Arc<dyn ConsentStore>,
    ) -> Self {
        Self {
            clients,
            codes,
            tokens,
            consents,
            registry: None,
            replays: None,
            tickets: None,
            deferred: None,
            key_sets: None,
            reseal: Vec::new(),
        }
    }

    /// One backend for all that every provider needs.
    #[must_use]
    pub fn of<S>(store: Arc<S>) -> Self
    where
        S: ClientStore + CodeStore + TokenStore + ConsentStore + 'static,
    {
        Self::new(store.clone(), store.clone(), store.clone(), store)
    }

    /// Where clients that register by themselves are kept; needed by dynamic registration.
    #[must_use]
    pub fn with_registry(mut self, registry: Arc<dyn ClientRegistry>) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Where used values are remembered; needed by `private_key_jwt`, and to notice a `code_challenge` that comes back.
    #[must_use]
    pub fn with_replays(mut self, replays: Arc<dyn ReplayStore>) -> Self {
        self.replays = Some(replays);
        self
    }

    /// Where values wait to be picked up once; lets authorization requests be larger than 4 KiB, and
    /// keeps initial access tokens.
    #[must_use]
    pub fn with_tickets(mut self, tickets: Arc<dyn TicketStore>) -> Self {
        self.tickets = Some(tickets);
        self
    }

    /// Where requests wait that a person answers elsewhere; needed by device authorization and by backchannel
    /// authentication.
    #[must_use]
    pub fn with_deferred(mut self, deferred: Arc<dyn DeferredStore>) -> Self {
        self.deferred = Some(deferred);
        self
    }

    /// Where the signing keys are kept that all nodes share. A provider is given its ring, so this is for whoever makes
    /// `StoredKeys` over the stores.
    #[must_use]
    pub fn with_key_sets(mut self, key_sets: Arc<dyn KeySetStore>) -> Self {
        self.key_sets = Some(key_sets);
        self
    }

    /// Where the signing keys are kept, if anywhere: for the `StoredKeys` of the same stores.
    #[must_use]
    pub fn key_sets(&self) -> Option<Arc<dyn KeySetStore>> {
        self.key_sets.clone()
    }

    /// A store whose rows are moved when the system secrets change. Where the ports above are kept in several, each is
    /// added once.
    #[must_use]
    pub fn with_reseal(mut self, reseal: Arc<dyn Reseal>) -> Self {
        self.reseal.push(reseal);
        self
    }
}
