//! When those may come again who met a store that failed, or a host that is busy.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use http::StatusCode;

use crate::wire::{Response, reply};

/// Most seconds that somebody is told to wait.
const LONGEST_SECONDS: u8 = 3;

/// Tells one after the other to wait a second, two, three, one: were all told the same, all would be back at the same
/// moment, which a store that has just recovered could do without.
#[derive(Debug, Default)]
pub(crate) struct Comeback(AtomicU8);

impl Comeback {
    /// Says in a 503 when to come again.
    pub(super) fn tell(&self, response: &mut Response) {
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            let advance = |turn: u8| Some((turn + 1) % LONGEST_SECONDS);
            let turn = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, advance).unwrap_or_default();
            reply::retry_after(response, Duration::from_secs(u64::from(turn) + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header::RETRY_AFTER;

    use super::*;

    #[test]
    fn those_who_met_a_503_come_back_spread_out() {
        let comeback = Comeback::default();
        let told = |status| {
            let mut response = Response::default();
            *response.status_mut() = status;
            comeback.tell(&mut response);
            response.headers().get(RETRY_AFTER).map(|seconds| seconds.to_str().unwrap().to_owned())
        };
        let seconds: Vec<_> = (0..5).filter_map(|_| told(StatusCode::SERVICE_UNAVAILABLE)).collect();
        assert_eq!(seconds, ["1", "2", "3", "1", "2"]);
        assert_eq!(told(StatusCode::INTERNAL_SERVER_ERROR), None);
    }
}
