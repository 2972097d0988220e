//! A device that waits for a person, and the person's answer, without HTTP.

use std::fmt;

use super::user_code;
use crate::client::Client;
use crate::clock::Timestamp;
use crate::error::{Error, Reason, Result};
use crate::event::Endpoint;
use crate::limiter::LimitPoint;
use crate::provider::authorize::{Approval, Denial, asked_key};
use crate::provider::context::{Arrival, Context};
use crate::provider::core::Core;
use crate::provider::deferred::{self, Waiting};
use crate::secret::TokenHash;
use crate::store::DeferredRecord;
use crate::types::{Authentication, Scope};

/// A device that waits for a person who has typed its code.
#[derive(Clone)]
pub struct PendingDevice {
    pub(super) key: TokenHash,
    pub(super) waiting: Waiting,
    client: Client,
}

impl PendingDevice {
    /// Which client asks: its name, logo, policy and terms, to be shown. All of it is the client's own word.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// What it asks for, to be shown.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.waiting.scope
    }

    /// The resources that it asks for (RFC 8707), to be shown.
    #[must_use]
    pub fn resources(&self) -> &[String] {
        &self.waiting.resources
    }

    /// The code as the device shows it, for the person to compare.
    #[must_use]
    pub fn user_code(&self) -> &str {
        self.waiting.user_code.as_deref().unwrap_or_default()
    }

    /// When the device began to wait.
    #[must_use]
    pub const fn requested_at(&self) -> Timestamp {
        self.waiting.requested_at
    }

    /// From this moment on it does not wait any more.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.waiting.expires_at
    }

    /// Whether a login of this time is too old for the client (`default_max_age`).
    pub(super) fn is_stale(&self, login: &Authentication) -> bool {
        self.waiting.is_stale(&self.client, login)
    }
}

/// Leaves out the code.
impl fmt::Debug for PendingDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingDevice")
            .field("client", self.client.id())
            .field("scope", self.scope())
            .field("expires_at", &self.waiting.expires_at)
            .finish_non_exhaustive()
    }
}

/// What a host does about devices on pages of its own; [`Mount`](crate::provider::Mount) has pages that do it.
///
/// # Security
/// Whoever looks a code up may be one who was sent it by somebody else (RFC 8628 section 5.4). The person must be shown
/// which client asks for what, and the code to compare with that of the device before them, and must say yes to that,
/// whatever they agreed to before, and wherever the code came from.
#[derive(Clone, Copy, Debug)]
pub struct DeviceRequests<'a>(&'a Core);

impl<'a> DeviceRequests<'a> {
    pub(in crate::provider) const fn of(core: &'a Core) -> Self {
        Self(core)
    }

    /// Finds the device that waits with a code, however that was typed. The limiter is asked first
    /// ([`LimitPoint::UserCode`]): for the person, for each of `counted_by`, an address perhaps, and for all together.
    ///
    /// # Errors
    /// [`Reason::RateLimited`], [`Reason::UserCodeUnknown`], and faults.
    pub async fn look_up(
        &self,
        typed: &str,
        login: &Authentication,
        counted_by: &[String],
    ) -> Result<PendingDevice> {
        self.reported(async |cx| look_up(self.0, cx, typed, (login, counted_by)).await).await
    }

    /// Carries out the person's yes: the device gets tokens when it asks next.
    ///
    /// # Errors
    /// [`Reason::ApprovalDetailsExceed`], [`Reason::ApprovalExceeds`], [`Reason::ApprovalSubjectGone`],
    /// [`Reason::DeferredAnswered`], [`Reason::LoginNeeded`] where the login is older than the client's `default_max_age`,
    /// and faults. Nothing was given.
    pub async fn approve(&self, pending: &PendingDevice, approval: Approval) -> Result<()> {
        self.reported(async |cx| approve(self.0, cx, pending, approval).await).await
    }

    /// Carries out the person's no, or the host's: the device is told when it asks next.
    ///
    /// # Errors
    /// [`Reason::DeferredAnswered`], and a store that fails.
    pub async fn deny(&self, pending: &PendingDevice, denial: Denial) -> Result<()> {
        self.reported(async |cx| deny(self.0, cx, pending, denial).await).await
    }

    async fn reported<T>(&self, work: impl AsyncFnOnce(&Context<'_>) -> Result<T>) -> Result<T> {
        let arrival = Arrival::at(Endpoint::DeviceVerification, self.0);
        let cx = arrival.context();
        cx.reported(work(&cx).await)
    }
}

pub(super) async fn look_up(
    core: &Core,
    cx: &Context<'_>,
    typed: &str,
    (login, counted_by): (&Authentication, &[String]),
) -> Result<PendingDevice> {
    let person = format!("person {}", asked_key(cx, &login.subject));
    // One who is refused must not use up what others have: who shares the address, and all together.
    for key in [person.as_str()].into_iter().chain(counted_by.iter().map(String::as_str)).chain([""]) {
        core.admit_key(cx, LimitPoint::UserCode, key).await?;
    }
    let letters = user_code::normalised(typed).ok_or(Reason::UserCodeUnknown)?;
    for hash in user_code::hashes(cx, &letters) {
        if let Some(record) = deferred::store(core)?.by_user_code(&hash, cx.now).await? {
            return pending(core, cx, &record).await;
        }
    }
    Err(Reason::UserCodeUnknown.into())
}

/// The device that waits under `key`.
pub(super) async fn found(core: &Core, cx: &Context<'_>, key: &TokenHash) -> Result<PendingDevice> {
    let record = deferred::store(core)?.deferred(key, cx.now).await?.ok_or(Reason::DeferredAnswered)?;
    pending(core, cx, &record).await
}

async fn pending(core: &Core, cx: &Context<'_>, record: &DeferredRecord) -> Result<PendingDevice> {
    let waiting = deferred::open(cx, record).filter(|waiting| waiting.kind == deferred::Kind::Device);
    let waiting = waiting.ok_or(Reason::UserCodeUnknown)?;
    let client = core.stores.clients.client(&record.client, cx.now).await?;
    let client = client.filter(|client| !client.settings().disabled).ok_or(Reason::UserCodeUnknown)?;
    cx.note_client(&client);
    Ok(PendingDevice { key: record.key, waiting, client })
}

pub(super) async fn approve(
    core: &Core,
    cx: &Context<'_>,
    pending: &PendingDevice,
    approval: Approval,
) -> Result<()> {
    cx.note_client(&pending.client);
    deferred::approve(core, cx, &pending.client, (&pending.key, &pending.waiting), approval).await
}

pub(super) async fn deny(
    core: &Core,
    cx: &Context<'_>,
    pending: &PendingDevice,
    denial: Denial,
) -> Result<(), Error> {
    cx.note_client(&pending.client);
    deferred::deny(core, cx, &pending.key, denial).await
}
