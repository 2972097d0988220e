//! Providers under a security profile, and a client that fits them.

use std::sync::Arc;

use super::{AskingHost, HarnessBuilder, clients};
use crate::limiter::WindowLimiter;
use crate::provider::{Backchannel, Profile};

impl HarnessBuilder {
    /// Turns a profile on, and registers a client `fapi` that fits every one: it authenticates by assertions that the
    /// [`client_key`](super::client_key) signs, and gets ID tokens of ES256.
    ///
    /// # Panics
    /// Never: the client is sound.
    pub fn profile(self, profile: Profile) -> Self {
        self.client(clients::fapi()).provider(move |builder| builder.with_profile(profile))
    }

    /// Turns backchannel authentication on as the careful defaults have it, and registers the client `bank` of
    /// [`backchannel`](HarnessBuilder::backchannel), whose ID tokens are of ES256 here.
    ///
    /// # Panics
    /// Never: the client is sound.
    pub fn signed_backchannel(self, host: &Arc<AskingHost>) -> Self {
        let host: Arc<AskingHost> = Arc::clone(host);
        self.client(clients::fapi_bank()).provider(|builder| {
            let builder = builder.limiter(Arc::new(WindowLimiter::new().with_backchannel_people()));
            builder.with_backchannel_authentication(Backchannel::new(host))
        })
    }
}
