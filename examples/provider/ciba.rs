//! People whom clients ask for while they are elsewhere (CIBA). Nobody here has a telephone: whoever runs the server answers
//! for them, by `POST /admin/ciba`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use vouchsafe::clock::{Clock as _, SystemClock};
use vouchsafe::error::{BoxError, Error};
use vouchsafe::limiter::{Allowance, LimitPoint, WindowLimiter};
use vouchsafe::provider::{
    Approval, Backchannel, BackchannelAuthentication, BackchannelDecision, BackchannelHint,
    BackchannelRequest, Denial, Hinted, PendingBackchannel, Provider,
};
use vouchsafe::secret::Secret;
use vouchsafe::store::WaitingLimit;
use vouchsafe::types::{Authentication, Subject};

use crate::options::Profile;
use crate::site::users::Users;

/// Room for runs of tests, which leave requests unanswered.
const LIMIT: WaitingLimit = WaitingLimit { of_client: 100, of_all: 100 };

/// How often each client may ask for each person in an hour: the same room.
const ASKED: Allowance = Allowance::new(1000, 1000, Duration::from_secs(60 * 60));

/// What bounds clients that ask for people, beside what a server bounds anyway.
pub(crate) fn bounded(limiter: WindowLimiter) -> WindowLimiter {
    limiter.with(LimitPoint::BackchannelPerson, ASKED)
}

/// Who is being asked, by the name of the request.
#[derive(Debug)]
pub(crate) struct Asked {
    users: Arc<Users>,
    waiting: Mutex<HashMap<String, PendingBackchannel>>,
}

impl Asked {
    pub(crate) fn new(users: Arc<Users>) -> Arc<Self> {
        Arc::new(Self { users, waiting: Mutex::default() })
    }

    /// What turns it on. But under FAPI, it is by every mode of delivery, and plain requests are taken of clients that
    /// registered no algorithm.
    pub(crate) fn settings(self: &Arc<Self>, profile: Option<Profile>) -> Backchannel {
        let host: Arc<Self> = Arc::clone(self);
        let settings = Backchannel::new(host).with_waiting_limit(LIMIT);
        match profile.is_some_and(Profile::is_fapi) {
            true => settings,
            false => settings.with_plain_requests().with_push(),
        }
    }

    /// Answers for a person; `None` where nobody is asked under this name.
    pub(crate) async fn answer(
        &self,
        provider: &Provider,
        auth_req_id: &str,
        allow: bool,
    ) -> Option<Result<(), Error>> {
        let pending = self.waiting().remove(auth_req_id)?;
        let decision = match allow {
            true => {
                let login = Authentication::new(pending.subject, SystemClock.now()).with_amr(["user"]);
                BackchannelDecision::Approved(Approval::new(login, pending.scope))
            }
            false => BackchannelDecision::Denied(Denial::Person),
        };
        Some(provider.complete_backchannel(&Secret::new(auth_req_id), decision).await)
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<String, PendingBackchannel>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl BackchannelAuthentication for Asked {
    async fn resolve(&self, request: &BackchannelRequest<'_>) -> Result<Hinted, BoxError> {
        // Hints are the `sub` of a person, which is the username unless the file of users says otherwise.
        let subject = match request.hint {
            BackchannelHint::Known(subject) => Ok(subject.clone()),
            BackchannelHint::Login(name) => Subject::new(name.as_str()),
            BackchannelHint::LoginToken(token) => Subject::new(token.expose()),
            _ => return Ok(Hinted::Nobody),
        };
        let known = subject.ok().filter(|subject| self.users.names(subject).is_some());
        Ok(known.map_or(Hinted::Nobody, Hinted::Person))
    }

    async fn begin(&self, pending: &PendingBackchannel) -> Result<(), BoxError> {
        let now = SystemClock.now();
        let mut waiting = self.waiting();
        waiting.retain(|_, pending| !pending.expires_at.has_passed(now));
        waiting.insert(pending.auth_req_id.expose().to_owned(), pending.clone());
        Ok(())
    }
}
