//! Telling clients through the browser that a session has ended (OpenID Connect Front-Channel Logout 1.0).

use std::collections::BTreeSet;

use super::back_channel::Notice;
use super::request;
use crate::error::Result;
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::provider::subject;
use crate::types::Params;
use crate::wire::location;

/// Most frames in a page: their origins stand in a header.
const MAX_FRAMES: usize = 100;

/// What the browser is to load: the addresses of the clients with `iss` and `sid` (section 3), up to 100.
pub(super) async fn frames(core: &Core, cx: &Context<'_>, notices: &BTreeSet<Notice>) -> Result<Vec<String>> {
    let mut frames = Vec::new();
    if !core.switches.front_channel_logout {
        return Ok(frames);
    }
    for notice in notices {
        let Some(client) = request::known(core, cx, notice.client.as_str()).await? else { continue };
        if let Some(uri) = &client.metadata().frontchannel_logout_uri {
            let sid = subject::sid(cx, client.id(), &notice.session);
            let params = Params::from_pairs([("iss", cx.issuer()), ("sid", sid.as_str())]);
            frames.push(location::append_to(uri.as_str(), &params));
        }
        if frames.len() == MAX_FRAMES {
            break;
        }
    }
    Ok(frames)
}
