//! Cursors as hosts get them: sealed, since they pass through pages and may come back from anybody.

use std::time::Duration;

use serde_json::json;

use crate::error::{Reason, Result};
use crate::provider::context::Context;
use crate::provider::grants::GrantFilter;
use crate::seal::{self, Unsealed};
use crate::store::{Listing, Page};
use crate::types::{ClientId, Subject};

/// How long a cursor can be used: a day.
const CURSOR_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// The listing that a cursor belongs to; it opens in no other.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Of<'a> {
    Clients,
    ConsentsForClient(&'a ClientId),
    ConsentsOfSubject(&'a Subject),
    Grants(&'a GrantFilter),
    Reseal,
}

impl Of<'_> {
    fn name(self) -> String {
        let name = match self {
            Self::Clients => json!(["clients"]),
            Self::ConsentsForClient(client) => json!(["consents", "client", client]),
            Self::ConsentsOfSubject(subject) => json!(["consents", "subject", subject]),
            Self::Grants(of) => match of {
                GrantFilter::Client(client) => json!(["grants", "client", client]),
                GrantFilter::Id(id) => json!(["grants", "id", id.to_string()]),
                GrantFilter::Session(session) => json!(["grants", "session", session]),
                GrantFilter::Subject(subject) => json!(["grants", "subject", subject]),
                GrantFilter::SubjectAndClient(subject, client) => json!(["grants", "both", subject, client]),
            },
            Self::Reseal => json!(["reseal"]),
        };
        name.to_string()
    }
}

/// The page as the store is asked for it.
///
/// # Errors
/// [`Reason::CursorExpired`], and [`Reason::CursorInvalid`] for a text that was not given out for this listing.
pub(crate) fn opened(cx: &Context<'_>, of: Of<'_>, page: &Page) -> Result<Page, Reason> {
    let after = page.after.as_deref().map(|text| open(cx, of, text)).transpose()?;
    Ok(Page { after, limit: page.limit })
}

/// The listing as the host is given it.
pub(crate) fn sealed<T>(cx: &Context<'_>, of: Of<'_>, listing: Listing<T>) -> Result<Listing<T>> {
    let next = listing.next.map(|next| seal(cx, of, &next)).transpose()?;
    Ok(Listing { items: listing.items, next })
}

pub(super) fn open(cx: &Context<'_>, of: Of<'_>, text: &str) -> Result<String, Reason> {
    let name = of.name();
    let opened = seal::open_text(cx.secrets, &place(cx, &name), text, cx.now);
    let opened = opened.map_err(|unsealed| match unsealed {
        Unsealed::Altered => Reason::CursorInvalid,
        Unsealed::Expired => Reason::CursorExpired,
    })?;
    String::from_utf8(opened.to_vec()).map_err(|_| Reason::CursorInvalid)
}

pub(super) fn seal(cx: &Context<'_>, of: Of<'_>, cursor: &str) -> Result<String> {
    let name = of.name();
    let expires_at = cx.now.plus(CURSOR_LIFETIME);
    Ok(seal::seal_text(cx.secrets, cx.entropy, &place(cx, &name), expires_at, cursor.as_bytes())?)
}

fn place<'a>(cx: &Context<'a>, name: &'a str) -> seal::Context<'a> {
    seal::Context { kind: "cursor", issuer: cx.issuer(), key: name.as_bytes() }
}
