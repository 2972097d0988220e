//! Telling clients through the browser that a session has ended (OpenID Connect Front-Channel Logout 1.0).

use std::collections::BTreeSet;

use super::back_channel::Notice;
use super::request;
use crate::error::Result;
use crate::event::EventKind;
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::provider::subject;
use crate::types::Params;
use crate::wire::{location, logout_page};

/// Most frames in a page.
const MAX_FRAMES: usize = 100;

/// Most bytes of their origins. They stand in a header, and proxies take 4 KiB of all headers at times.
const MAX_ORIGIN_BYTES: usize = 3072;

/// The frames of a page, while they fit.
#[derive(Default)]
struct Frames {
    addresses: Vec<String>,
    origins: BTreeSet<String>,
    origin_bytes: usize,
}

/// What the browser is to load: the addresses of the clients with `iss` and `sid` (section 3). An event tells of each that
/// is left out, since its origin cannot stand in the page's policy or the page is full.
pub(super) async fn frames(core: &Core, cx: &Context<'_>, notices: &BTreeSet<Notice>) -> Result<Vec<String>> {
    let mut frames = Frames::default();
    if !core.switches.front_channel_logout {
        return Ok(frames.addresses);
    }
    for notice in notices {
        let Some(client) = request::known(core, cx, notice.client.as_str()).await? else { continue };
        let Some(uri) = &client.metadata().frontchannel_logout_uri else { continue };
        let sid = subject::sid(cx, client.id(), &notice.session);
        let params = Params::from_pairs([("iss", cx.issuer()), ("sid", sid.as_str())]);
        if !frames.take(location::append_to(uri.as_str(), &params)) {
            let event = cx.event(EventKind::FrontChannelLogoutSkipped);
            cx.emit(&event.with_client(&notice.client).with_subject(&notice.subject));
        }
    }
    Ok(frames.addresses)
}

impl Frames {
    /// Whether there is room for a frame, which is then in it.
    fn take(&mut self, address: String) -> bool {
        let Some(origin) = logout_page::frame_source(&address) else { return false };
        let is_new = !self.origins.contains(&origin);
        let bytes = self.origin_bytes + if is_new { origin.len() + 1 } else { 0 };
        if self.addresses.len() == MAX_FRAMES || bytes > MAX_ORIGIN_BYTES {
            return false;
        }
        self.origin_bytes = bytes;
        self.origins.insert(origin);
        self.addresses.push(address);
        true
    }
}
